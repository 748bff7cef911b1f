//! What the stack tells: how deep it has been (start-up paints it, and what was used is no longer in that colour), and who called.

use core::ops::Range;

use crate::processor;

/// The peak since the start, in bytes.
pub fn peak() -> usize {
    let Range { start: end, end: top } = processor::stack();
    let used = (end..top).step_by(4).find(|&at| word(at) != processor::PAINT).unwrap_or(top);
    usize::try_from(top - used).unwrap_or(usize::MAX)
}

/// Words between `from` and the stack's start that look like return addresses, the last call first; how many.
pub fn callers(from: u32, out: &mut [u32]) -> usize {
    let found = (from..processor::stack().end).step_by(4).map(word).filter(|&word| processor::is_return_address(word));
    out.iter_mut().zip(found).map(|(place, word)| *place = word).count()
}

/// A word of the stack's memory. Volatile, for the compiler does not know what is there.
fn word(at: u32) -> u32 {
    // SAFETY: callers keep to the stack's memory, aligned; it is RAM, and start-up initialised all of it.
    unsafe { (at as *const u32).read_volatile() }
}
