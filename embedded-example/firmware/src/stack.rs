//! The stack's peak (start-up fills it with a pattern, which use overwrites) and its return
//! addresses.

use core::ops::Range;

use crate::processor;

/// The peak since the start in bytes.
pub fn peak() -> usize {
    let Range { start: end, end: top } = processor::stack();
    let used = (end..top).step_by(4).find(|&at| word(at) != processor::PAINT).unwrap_or(top);
    usize::try_from(top - used).unwrap_or(usize::MAX)
}

/// Finds words between `from` and the stack's start that look like return addresses, the latest
/// call first; returns their number.
pub fn callers(from: u32, out: &mut [u32]) -> usize {
    let found = (from..processor::stack().end).step_by(4).map(word).filter(|&word| processor::is_return_address(word));
    out.iter_mut().zip(found).map(|(place, word)| *place = word).count()
}

/// A word of the stack's memory. Volatile, because the compiler does not know its value.
fn word(at: u32) -> u32 {
    // SAFETY: callers pass aligned addresses within the stack's memory, which start-up initialised.
    unsafe { (at as *const u32).read_volatile() }
}
