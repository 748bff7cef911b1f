//! The ends that nobody wants: said in the log, and told by the exit code.
//!
//! Where a panic happened is told by addresses, which `addr2line -e FILE` turns into lines. To look at the panic's own message or
//! location would take the text of every panic into flash, an eighth of the whole.

use cortex_m::register::msp;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::board::{self, Exit};
use crate::stack;

/// Addresses told.
const MAX_CALLERS: usize = 12;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let mut callers = [0; MAX_CALLERS];
    let count = stack::callers(msp::read(), &mut callers);
    defmt::error!("panic, called from about {=[?]:#x}", *callers.get(..count).unwrap_or_default());
    board::exit(Exit::Panic)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    defmt::error!("fault at {=u32:#x}, called from {=u32:#x}", frame.pc(), frame.lr());
    board::exit(Exit::Fault)
}
