//! The emulator's RISC-V board, `virt`.
//!
//! No interrupt handler runs here. A sleeping processor wakes when an interrupt is pending, whether it may interrupt or not; so
//! what wakes is switched on, interrupting is not, and there is no moment at which a frame could come unseen between the look
//! and the sleep. There is no tick either: the timer is set to the moment at which sleep shall end.

mod virtio_net;

use kabar_core::time::Instant;
use kabar_embedded_example::member::MadeUp;
use kabar_embedded_example::{Board, Clock as _, IpLink, News};
use rand_core::CryptoRng;
use riscv::asm::wfi;
use riscv::register::mie;

use super::{Exit, Wire};
use crate::network;
use crate::registers::Registers;
use virtio_net::VirtioNet;

/// For the log.
pub const NAME: &str = "kabar on a RISC-V board";
/// Counts of the timer per microsecond.
const COUNTS_PER_US: u64 = 10;
/// The timer: what it counts to before it wakes, and what it counts. Two words each, the low one first.
const MTIMECMP: usize = 0x0200_4000;
const MTIME: usize = 0x0200_bff8;
/// The interrupt controller: a priority for each source; a bit for each that is on, above which priority they count, and who is next,
/// as this processor has them.
const PLIC_PRIORITY: usize = 0x0c00_0000;
const PLIC_ENABLE: usize = 0x0c00_2000;
const PLIC_THRESHOLD: usize = 0x0c20_0000;
const PLIC_CLAIM: usize = 0x0c20_0004;

/// By their addresses.
// SAFETY: this board has the registers above there; whose place depends on the source of an interrupt is within the same hardware.
const REGISTERS: Registers = unsafe { Registers::at(0) };

/// Ends the run.
pub fn exit(exit: Exit) -> ! {
    semihosting::process::exit(exit as i32)
}

/// Time by the timer that all RISC-V processors have; it counts from the start.
#[derive(Debug)]
pub struct Clock(());

impl Clock {
    /// Lets the timer end sleep. To be called once, at the start.
    pub fn start() -> Self {
        wake_at(u64::MAX);
        // SAFETY: it wakes; interrupts are off as start-up left them, so no code of ours is interrupted.
        unsafe { mie::set_mtimer() };
        Self(())
    }
}

impl kabar_embedded_example::Clock for Clock {
    const TICK_US: u32 = 1;

    fn now(&self) -> Instant {
        loop {
            let (high, low) = (REGISTERS.read(MTIME + 4), REGISTERS.read(MTIME));
            // Else the low word began anew between the two.
            if REGISTERS.read(MTIME + 4) == high {
                return Instant::from_micros((u64::from(high) << 32 | u64::from(low)) / COUNTS_PER_US);
            }
        }
    }
}

/// Sets the timer. For a moment it is at the end of time, lest half of the new value be in the past.
fn wake_at(count: u64) {
    REGISTERS.write(MTIMECMP + 4, u32::MAX);
    REGISTERS.write(MTIMECMP, count as u32);
    REGISTERS.write(MTIMECMP + 4, (count >> 32) as u32);
}

/// Starts the hardware and the link over it; `None` if it does not answer, or was started before. The board's serial port has no
/// driver here.
pub fn link(wire: Wire, rng: &mut impl CryptoRng, clock: &Clock) -> Option<IpLink<'static, VirtioNet>> {
    let Wire::Network(addressing) = wire else { return None };
    let card = VirtioNet::start()?;
    let hardware = card.hardware_address();
    network::link(card, hardware, addressing, rng, clock.now())
}

/// Sleeps until `due`, or until there may be a frame: at worst the caller looks once too often.
pub fn sleep(due: Instant, clock: &impl kabar_embedded_example::Clock) {
    wake_at(due.as_micros().saturating_mul(COUNTS_PER_US));
    while clock.now() < due {
        wfi();
        // What is claimed and handed back is no longer pending, until the hardware raises it again.
        let source = REGISTERS.read(PLIC_CLAIM);
        if source != 0 {
            REGISTERS.write(PLIC_CLAIM, source);
            return;
        }
    }
}

/// Lets the interrupt `source` of some hardware end sleep; it is below 32.
fn wake_by(source: u32) {
    REGISTERS.write(PLIC_THRESHOLD, 0);
    REGISTERS.write(PLIC_PRIORITY + 4 * source as usize, 1);
    REGISTERS.write(PLIC_ENABLE, REGISTERS.read(PLIC_ENABLE) | 1 << source);
    // SAFETY: as in `Clock::start`.
    unsafe { mie::set_mext() };
}

/// A counter for measuring: 10 MHz, wraps in 429 s.
pub fn ticks() -> u32 {
    REGISTERS.read(MTIME)
}

/// What the board has besides clock and network: nothing. Light and sensor are made up.
#[derive(Debug, Default)]
pub struct Peripherals {
    sensor: MadeUp,
}

impl Board for Peripherals {
    fn measure(&mut self) -> i32 {
        let measured = self.sensor.measure();
        defmt::info!("measured {=i32}", measured);
        measured
    }

    /// There is no light on this board; the log tells what it would show.
    fn set_led(&mut self, on: bool) {
        defmt::info!("led is on: {=bool}", on);
    }

    fn tell(&mut self, news: News<'_>) {
        crate::log::news(&news);
    }
}

defmt::timestamp!("{=u64:us}", kabar_embedded_example::Clock::now(&Clock(())).as_micros());
