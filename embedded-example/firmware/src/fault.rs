//! A panic: said in the log, and told by the exit code.
//!
//! Where it happened is told by addresses, which `addr2line -e FILE` turns into lines. To look at the panic's own message or
//! location would take the text of every panic into flash, an eighth of the whole.

use crate::board::{self, Exit};
use crate::{processor, stack};

/// Addresses told.
const MAX_CALLERS: usize = 12;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let mut callers = [0; MAX_CALLERS];
    let count = stack::callers(processor::stack_pointer(), &mut callers);
    defmt::error!("panic, called from about {=[?]:#x}", *callers.get(..count).unwrap_or_default());
    board::exit(Exit::Panic)
}
