//! An MPS2+ with a Cortex-M4 (`mps2-an386`) or M3 (`mps2-an385`), as the emulator has it.
//!
//! For another board: the numbers in this file from its manual, a driver in place of `lan9118`, and
//! an `exit` that suits it (a product has no host to return an exit code to).

mod lan9118;
mod uart;

use cortex_m::interrupt;
use kabar_core::serial::SerialLink;
use kabar_core::time::Instant;
use kabar_device::{BoardLink, Clock as _, DeviceEvent, IpLink};
use kabar_embedded_example::Board;
use kabar_embedded_example::probe::SimulatedSensor;
use rand_core::CryptoRng;

use super::{Exit, LinkKind};
use crate::network;
use crate::processor::SysTickClock;
use crate::registers::Registers;
use lan9118::Lan9118;
use uart::Uart;

/// The board's name in the log.
pub const NAME: &str = "kabar on an MPS2+ board";
/// Core clock in Hz.
const CLOCK_HZ: u32 = 25_000_000;
/// Registers of the board's FPGA; the first one switches the lights.
// SAFETY: the board's manual has them there, and nothing else writes them.
const FPGA: Registers = unsafe { Registers::at(0x4002_8000) };
const LEDS: usize = 0;

/// Ends the run.
pub fn exit(exit: Exit) -> ! {
    semihosting::process::exit(exit as i32)
}

/// SysTick at the core clock.
pub type Clock = SysTickClock<CLOCK_HZ>;

/// Starts the hardware and the link over it; `None` if it does not answer, or was started before.
pub fn link(
    kind: LinkKind,
    rng: &mut impl CryptoRng,
    clock: &Clock,
) -> Option<BoardLink<IpLink<'static, Lan9118>, &'static mut SerialLink<Uart>>> {
    Some(match kind {
        LinkKind::Ip(addressing) => {
            let card = Lan9118::start()?;
            let hardware = card.hardware_address();
            BoardLink::Ip(network::link(card, hardware, addressing, rng, clock.now())?)
        }
        LinkKind::Serial => BoardLink::Serial(Uart::start()?),
    })
}

/// Sleeps until `due`, or until the card has a frame or the serial port a byte.
pub fn sleep(due: Instant, clock: &Clock) {
    loop {
        // While interrupts are masked, a frame that arrives after the check still wakes the
        // processor.
        let is_due = interrupt::free(|_| {
            let is_due = Lan9118::has_frame() || Uart::has_bytes() || clock.now() >= due;
            if !is_due {
                Lan9118::unmask_interrupt();
                cortex_m::asm::wfi();
            }
            is_due
        });
        if is_due {
            return;
        }
    }
}

/// The interrupts of this board that are used, by number.
#[used]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".vector_table.interrupts")]
static __INTERRUPTS: [extern "C" fn(); INTERRUPTS] = {
    let mut handlers = [unexpected as extern "C" fn(); INTERRUPTS];
    handlers[uart::INTERRUPT.0 as usize] = uart::receive;
    handlers[lan9118::INTERRUPT.0 as usize] = lan9118::wake;
    handlers
};

/// Up to the last one in use.
const INTERRUPTS: usize = lan9118::INTERRUPT.0 as usize + 1;

/// No other interrupt is unmasked.
extern "C" fn unexpected() {
    exit(Exit::Fault);
}

/// A counter for measuring: 25 MHz, wraps in 171 s.
pub fn ticks() -> u32 {
    Lan9118::free_running_counter()
}

/// The light and the sensor.
#[derive(Debug)]
pub struct Peripherals {
    sensor: SimulatedSensor,
}

impl Default for Peripherals {
    /// The light is off.
    fn default() -> Self {
        let mut peripherals = Self { sensor: SimulatedSensor::default() };
        peripherals.set_led(false);
        peripherals
    }
}

impl Board for Peripherals {
    /// There is no sensor on this board.
    fn measure(&mut self) -> i32 {
        let measured = self.sensor.measure();
        defmt::info!("measured {=i32}", measured);
        measured
    }

    fn set_led(&mut self, on: bool) {
        FPGA.write(LEDS, on.into());
    }

    fn on_event(&mut self, event: DeviceEvent<'_>) {
        crate::log::event(&event);
    }
}

defmt::timestamp!("{=u64:us}", Clock::started().now().as_micros());
