//! The panic handler: logs the callers and ends with an exit code.
//!
//! The log has addresses, which `addr2line -e FILE` turns into lines. Using the panic's message or
//! location would put the text of every panic into flash, an eighth of the whole.

use crate::exit::{Exit, exit};
use crate::{processor, stack};

/// Longest list of addresses.
const MAX_CALLERS: usize = 12;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let mut callers = [0; MAX_CALLERS];
    let count = stack::callers(processor::stack_pointer(), &mut callers);
    defmt::error!("panic, called from about {=[?]:#x}", *callers.get(..count).unwrap_or_default());
    exit(Exit::Panic)
}
