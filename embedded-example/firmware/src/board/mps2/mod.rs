//! An MPS2+ with a Cortex-M4 (`mps2-an386`) or M3 (`mps2-an385`), as the emulator provides it.
//!
//! For another board, replace the numbers in this file by those in its manual, and `lan9118` by
//! another driver.

mod lan9118;
mod uart;

use kabar_core::serial::SerialLink;
use kabar_core::time::Instant;
use kabar_device::{BoardLink, Clock as _, IpLink};
use rand_core::CryptoRng;

use super::LinkKind;
use crate::ethernet::Ethernet;
use crate::network;
use crate::peripherals::Peripherals;
use crate::processor::{self, Handler, SysTickClock};
use crate::registers::Registers;
use lan9118::Lan9118;
use uart::Uart;

/// The board's name in the log.
pub const NAME: &str = "kabar on an MPS2+ board";
/// Core clock in Hz.
const CLOCK_HZ: u32 = 25_000_000;
/// Registers of the board's FPGA; the first one switches the lights.
// SAFETY: the address is that in the board's manual, and nothing else writes these registers.
const FPGA: Registers = unsafe { Registers::at(0x4002_8000) };
const LEDS: usize = 0;

/// SysTick at the core clock.
pub type Clock = SysTickClock<CLOCK_HZ>;

/// Starts the hardware and the link over it; `None` if it does not answer, or was started before.
pub fn link(
    kind: LinkKind,
    rng: &mut impl CryptoRng,
    clock: &Clock,
) -> Option<BoardLink<IpLink<'static, Ethernet<Lan9118>>, &'static mut SerialLink<Uart>>> {
    Some(match kind {
        LinkKind::Ip(addressing) => {
            lan9118::start()?;
            let hardware = lan9118::hardware_address();
            BoardLink::Ip(network::link(Ethernet::new()?, hardware, addressing, rng, clock.now())?)
        }
        LinkKind::Serial => BoardLink::Serial(Uart::start()?),
    })
}

/// Sleeps until `due`, or until the card has a frame or the serial port a byte.
pub fn sleep(due: Instant, clock: &Clock) {
    processor::sleep(due, clock, || lan9118::has_frame() || Uart::has_bytes(), lan9118::unmask_interrupt);
}

/// The interrupts of this board that are used, by number.
#[used]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".vector_table.interrupts")]
static __INTERRUPTS: [Handler; INTERRUPTS] =
    processor::interrupts(&[(uart::INTERRUPT, uart::receive), (lan9118::INTERRUPT, lan9118::wake)]);

/// Up to the last one in use.
const INTERRUPTS: usize = lan9118::INTERRUPT.0 as usize + 1;

/// A counter for measuring: 25 MHz, wraps in 171 s.
pub fn ticks() -> u32 {
    lan9118::free_running_counter()
}

/// The light and the sensor.
pub fn peripherals() -> Peripherals {
    Peripherals::new(|on| FPGA.write(LEDS, on.into()))
}

defmt::timestamp!("{=u64:us}", Clock::started().now().as_micros());
