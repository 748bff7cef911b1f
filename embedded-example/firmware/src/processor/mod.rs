//! The processor: start-up, stack and faults. The target's architecture chooses it; boards with one
//! kind of processor share it.
//!
//! | name | meaning |
//! |---|---|
//! | `entry` | the attribute of `main` |
//! | `stack`, `PAINT` | the stack's memory, and the word that start-up fills it with |
//! | `stack_pointer` | the end of its used part |
//! | `is_return_address` | whether a word on it may be one |
//! | `Interrupt`, `SysTickClock` | Cortex-M only: a number at its interrupt controller; a clock by its timer |
//!
//! A fault is logged and ends the run with [`crate::board::Exit::Fault`].

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;
#[cfg(target_arch = "arm")]
mod systick;

#[cfg(target_arch = "arm")]
pub use self::cortex_m::{Interrupt, PAINT, entry, is_return_address, stack, stack_pointer};
#[cfg(target_arch = "riscv32")]
pub use self::riscv::{PAINT, entry, is_return_address, stack, stack_pointer};
#[cfg(target_arch = "arm")]
pub use self::systick::SysTickClock;
