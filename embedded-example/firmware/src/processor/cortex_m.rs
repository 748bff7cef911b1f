//! Cortex-M.

use core::ops::Range;

use cortex_m::interrupt::{self, InterruptNumber};
use cortex_m::register::msp;
use cortex_m_rt::{ExceptionFrame, exception};
use kabar_core::time::Instant;
use kabar_device::Clock;

pub use cortex_m_rt::{STACK_PAINT_VALUE as PAINT, entry};

use crate::exit::{Exit, exit};

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

// SAFETY: the same interrupt always returns the same number.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Sleeps until `due`, or until `has_input` returns `true`. `unmask` lets interrupts wake the
/// processor; their handlers mask them again.
pub fn sleep(due: Instant, clock: &impl Clock, has_input: impl Fn() -> bool, unmask: impl Fn()) {
    loop {
        // While interrupts are disabled, one that is raised after the check still wakes the
        // processor.
        let is_due = interrupt::free(|_| {
            let is_due = has_input() || clock.now() >= due;
            if !is_due {
                unmask();
                cortex_m::asm::wfi();
            }
            is_due
        });
        if is_due {
            return;
        }
    }
}

/// An interrupt handler.
pub type Handler = extern "C" fn();

/// The table of interrupts up to number `N`, with the handlers of those in `used`.
pub const fn interrupts<const N: usize>(used: &[(Interrupt, Handler)]) -> [Handler; N] {
    let mut table = [unexpected as Handler; N];
    let mut at = 0;
    while at < used.len() {
        let (Interrupt(number), handler) = used[at];
        table[number as usize] = handler;
        at += 1;
    }
    table
}

/// No other interrupt is unmasked.
extern "C" fn unexpected() {
    exit(Exit::Fault)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("fault at {=u32:#x}, called from {=u32:#x}", frame.pc(), frame.lr());
    exit(Exit::Fault)
}
