//! RISC-V with 32 bits.

use core::arch::{asm, global_asm};
use core::ops::Range;

use riscv::register::{mcause, mepc};
use riscv_rt::TrapFrame;

pub use riscv_rt::entry;

use crate::exit::{Exit, exit};

/// Start-up fills the stack with this word.
pub const PAINT: u32 = 0xcccc_cccc;

// Start-up calls this before memory is initialised, so it may use registers only; the stack is
// empty and reaches from `sp` down to `__estack`.
global_asm!(
    ".section .text.pre_init, \"ax\"",
    ".global __pre_init",
    "__pre_init:",
    "la t0, __estack",
    "li t1, {paint}",
    "1: bgeu t0, sp, 2f",
    "sw t1, 0(t0)",
    "addi t0, t0, 4",
    "j 1b",
    "2: ret",
    paint = const PAINT,
);

// Symbols of the linker script: only their addresses are used.
unsafe extern "C" {
    static __estack: u32;
    static __sstack: u32;
    static __stext: u32;
    static __etext: u32;
}

/// The stack's memory.
pub fn stack() -> Range<u32> {
    (&raw const __estack) as u32..(&raw const __sstack) as u32
}

/// The end of its used part.
pub fn stack_pointer() -> u32 {
    let pointer;
    // SAFETY: it only reads a register.
    unsafe { asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
    pointer
}

/// Whether `word` may be a return address.
pub fn is_return_address(word: u32) -> bool {
    let code = (&raw const __stext) as u32..(&raw const __etext) as u32;
    word & 1 == 0 && code.contains(&word)
}

/// The exception handler, under the name that start-up calls.
#[unsafe(export_name = "ExceptionHandler")]
extern "C" fn fault(frame: &TrapFrame) -> ! {
    let cause = mcause::read().code();
    defmt::error!("fault {=usize} at {=usize:#x}, called from {=usize:#x}", cause, mepc::read(), frame.ra);
    exit(Exit::Fault)
}

/// Interrupts are never enabled.
#[unsafe(export_name = "DefaultHandler")]
extern "C" fn unexpected() {
    exit(Exit::Fault)
}
