//! What the stack tells: how deep it has been (start-up paints it, and what was used is no longer in that colour), and who called.

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
    static __stext: u32;
    static __etext: u32;
}

/// The peak since the start, in bytes.
pub fn peak() -> usize {
    let end = address(&raw const _stack_end);
    let top = address(&raw const _stack_start);
    let used = (end..top).step_by(4).find(|&at| word(at) != STACK_PAINT_VALUE).unwrap_or(top);
    usize::try_from(top - used).unwrap_or(usize::MAX)
}

/// Words between `from` and the stack's start that look like return addresses, the last call first; how many.
pub fn callers(from: u32, out: &mut [u32]) -> usize {
    let code = address(&raw const __stext)..address(&raw const __etext);
    let found = (from..address(&raw const _stack_start)).step_by(4).map(word);
    // A return address has its lowest bit set.
    let found = found.filter(|&word| word & 1 == 1 && code.contains(&word));
    out.iter_mut().zip(found).map(|(place, word)| *place = word).count()
}

fn address(at: *const u32) -> u32 {
    at as u32
}

/// A word of the stack's memory. Volatile, for the compiler does not know what is there.
fn word(at: u32) -> u32 {
    // SAFETY: callers keep to the stack's memory, aligned; it is RAM, and start-up initialised all of it.
    unsafe { (at as *const u32).read_volatile() }
}
