//! The processor: how a program starts, what its stack looks like, and what happens at a fault. The target's architecture chooses.
//!
//! | name | what it is |
//! |---|---|
//! | `entry` | the attribute of `main` |
//! | `stack`, `PAINT` | the stack's memory, and the word that start-up fills it with |
//! | `stack_pointer` | how far it is used |
//! | `is_return_address` | whether a word on it may be one |
//!
//! A fault is said in the log, and ends the run with [`crate::board::Exit::Fault`].

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use self::cortex_m::{PAINT, entry, is_return_address, stack, stack_pointer};
#[cfg(target_arch = "riscv32")]
pub use self::riscv::{PAINT, entry, is_return_address, stack, stack_pointer};
