//! The Stellaris LM3S6965 evaluation board: a Cortex-M3, as `mps2-an385` has, with other memory,
//! other clocks and other network hardware.
//!
//! Figures from the LM3S6965 data sheet; those in parentheses in comments are its register names.

mod stellaris;

use kabar_core::time::Instant;
use kabar_device::{Clock as _, IpLink};
use rand_core::CryptoRng;

use super::LinkKind;
use crate::ethernet::Ethernet;
use crate::network;
use crate::peripherals::Peripherals;
use crate::processor::{self, Handler, SysTickClock};
use crate::registers::Registers;
use stellaris::Stellaris;

/// The board's name in the log.
pub const NAME: &str = "kabar on an LM3S6965 evaluation board";
/// Core clock in Hz: the PLL's 200 MHz divided by 4.
const CLOCK_HZ: u32 = 50_000_000;

/// System control.
// SAFETY: the address is that in the data sheet; the offsets are those of `system`.
const SYSTEM: Registers = unsafe { Registers::at(0x400f_e000) };
/// Offsets in [`SYSTEM`].
mod system {
    /// Raw interrupt status (RIS): bit 6 is set once the PLL has locked.
    pub(super) const STATUS: usize = 0x050;
    /// Run-mode clock configuration (RCC).
    pub(super) const CLOCK: usize = 0x060;
    /// Clocks of ports and of the Ethernet controller (RCGC2).
    pub(super) const GATES: usize = 0x108;
}
/// The PLL is not bypassed, and runs from the main oscillator's 8 MHz crystal.
const CLOCK_FROM_PLL: u32 = 3 << 23 | 1 << 22 | 0xe << 6 | 1 << 1;
const CLOCK_BYPASS: u32 = 1 << 11;
const PLL_LOCKED: u32 = 1 << 6;
/// Port F, and both halves of the Ethernet controller.
const GATES: u32 = 1 << 5 | 1 << 28 | 1 << 30;
/// Polls of the PLL before giving up.
const MAX_POLLS: u32 = 100_000;

/// Port F, whose pin 0 is the light.
// SAFETY: the address is that in the data sheet; the offsets are those of `port`.
const PORT: Registers = unsafe { Registers::at(0x4002_5000) };
/// Offsets in [`PORT`].
mod port {
    /// Data of pin 0 only: the address selects the pins.
    pub(super) const DATA_0: usize = 0x004;
    pub(super) const DIRECTION: usize = 0x400;
    pub(super) const DIGITAL_ENABLE: usize = 0x51c;
}

/// SysTick at the core clock.
#[derive(Debug)]
pub struct Clock(SysTickClock<CLOCK_HZ>);

impl Clock {
    /// Switches the core to the PLL and starts the ticks. Call this once, at the start.
    pub fn start() -> Self {
        SYSTEM.write(system::CLOCK, CLOCK_FROM_PLL | CLOCK_BYPASS);
        let _ = (0..MAX_POLLS).any(|_| SYSTEM.read(system::STATUS) & PLL_LOCKED != 0);
        SYSTEM.write(system::CLOCK, CLOCK_FROM_PLL);
        SYSTEM.write(system::GATES, SYSTEM.read(system::GATES) | GATES);
        Self(SysTickClock::start())
    }
}

impl kabar_device::Clock for Clock {
    const TICK_US: u32 = SysTickClock::<CLOCK_HZ>::TICK_US;

    fn now(&self) -> Instant {
        self.0.now()
    }
}

/// Starts the hardware and the link over it; `None` if it was started before. There is no driver
/// for the board's serial port.
pub fn link(kind: LinkKind, rng: &mut impl CryptoRng, clock: &Clock) -> Option<IpLink<'static, Ethernet<Stellaris>>> {
    let LinkKind::Ip(addressing) = kind else { return None };
    stellaris::start();
    let hardware = stellaris::hardware_address();
    network::link(Ethernet::new()?, hardware, addressing, rng, clock.now())
}

/// Sleeps until `due`, or until a frame has arrived.
pub fn sleep(due: Instant, clock: &Clock) {
    processor::sleep(due, clock, stellaris::has_frame, stellaris::unmask_interrupt);
}

/// The interrupts of this board that are used, by number.
#[used]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".vector_table.interrupts")]
static __INTERRUPTS: [Handler; INTERRUPTS] = processor::interrupts(&[(stellaris::INTERRUPT, stellaris::wake)]);

/// Up to the last one in use.
const INTERRUPTS: usize = stellaris::INTERRUPT.0 as usize + 1;

/// A counter for measurements: microseconds, wraps in 71 minutes.
pub fn ticks() -> u32 {
    SysTickClock::<CLOCK_HZ>::started().now().as_micros() as u32
}

/// The light and the sensor.
pub fn peripherals() -> Peripherals {
    PORT.write(port::DIRECTION, 1);
    PORT.write(port::DIGITAL_ENABLE, 1);
    Peripherals::new(|on| PORT.write(port::DATA_0, on.into()))
}

defmt::timestamp!("{=u64:us}", SysTickClock::<CLOCK_HZ>::started().now().as_micros());
