//! Cortex-M.

use core::ops::Range;

use cortex_m::interrupt::InterruptNumber;
use cortex_m::register::msp;
use cortex_m_rt::{ExceptionFrame, exception};

pub use cortex_m_rt::{STACK_PAINT_VALUE as PAINT, entry};

use crate::board::{self, Exit};

// Symbols of the linker script: only their addresses are used.
unsafe extern "C" {
    static _stack_end: u32;
    static _stack_start: u32;
    static __stext: u32;
    static __etext: u32;
}

/// The stack's memory.
pub fn stack() -> Range<u32> {
    (&raw const _stack_end) as u32..(&raw const _stack_start) as u32
}

/// The end of its used part.
pub fn stack_pointer() -> u32 {
    msp::read()
}

/// Whether `word` may be a return address, whose lowest bit is set.
pub fn is_return_address(word: u32) -> bool {
    let code = (&raw const __stext) as u32..(&raw const __etext) as u32;
    word & 1 == 1 && code.contains(&word)
}

/// A number at the interrupt controller.
#[derive(Clone, Copy, Debug)]
pub struct Interrupt(pub u16);

// SAFETY: a number is its own number.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("fault at {=u32:#x}, called from {=u32:#x}", frame.pc(), frame.lr());
    board::exit(Exit::Fault)
}
