//! The processor: start-up, stack and faults. The target's architecture chooses it; boards that
//! have the same kind of processor share it.
//!
//! | name | meaning |
//! |---|---|
//! | `entry` | the attribute of `main` |
//! | `stack`, `PAINT` | the stack's memory, and the word that start-up fills it with |
//! | `stack_pointer` | the end of its used part |
//! | `is_return_address` | whether a word on it may be one |
//!
//! | Cortex-M only | meaning |
//! |---|---|
//! | `Interrupt`, `interrupts` | a number at the interrupt controller; the table of handlers |
//! | `sleep` | sleeps until a given time, or until an interrupt brings input |
//! | `SysTickClock` | a clock based on the processor's timer |
//!
//! A fault is logged and ends the program with [`crate::exit::Exit::Fault`].

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;
#[cfg(target_arch = "arm")]
mod systick;

#[cfg(target_arch = "arm")]
pub use self::cortex_m::{
    Handler, Interrupt, PAINT, entry, interrupts, is_return_address, sleep, stack, stack_pointer,
};
#[cfg(target_arch = "riscv32")]
pub use self::riscv::{PAINT, entry, is_return_address, stack, stack_pointer};
#[cfg(target_arch = "arm")]
pub use self::systick::SysTickClock;
