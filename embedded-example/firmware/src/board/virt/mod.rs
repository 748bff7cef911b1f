//! The emulator's RISC-V board, `virt`.
//!
//! There are no interrupt handlers. A sleeping processor wakes when an interrupt is pending, also
//! while interrupts are disabled; so the sources are enabled, interrupts are not, and no frame can
//! be missed between the check and the sleep. There is no tick either: the timer is set to the end
//! of the sleep.

mod virtio_net;

use kabar_core::time::Instant;
use kabar_device::{Clock as _, IpLink};
use rand_core::CryptoRng;
use riscv::asm::wfi;
use riscv::register::mie;

use super::LinkKind;
use crate::network;
use crate::peripherals::Peripherals;
use crate::registers::Registers;
use virtio_net::VirtioNet;

/// The board's name in the log.
pub const NAME: &str = "kabar on a RISC-V board";
/// Counts of the timer per microsecond.
const COUNTS_PER_US: u64 = 10;
/// The timer: the count at which it wakes the processor, and the count now. Two words each, the low
/// one first.
const MTIMECMP: usize = 0x0200_4000;
const MTIME: usize = 0x0200_bff8;
/// The interrupt controller: the priority of each source; for this processor, a bit for each
/// enabled source, the priority above which sources count, and the source to claim.
const PLIC_PRIORITY: usize = 0x0c00_0000;
const PLIC_ENABLE: usize = 0x0c00_2000;
const PLIC_THRESHOLD: usize = 0x0c20_0000;
const PLIC_CLAIM: usize = 0x0c20_0004;

/// Registers by their addresses.
// SAFETY: the board has the registers above there; those that are indexed by a source are within
// the same hardware.
const REGISTERS: Registers = unsafe { Registers::at(0) };

/// The timer that all RISC-V processors have; it counts from the start.
#[derive(Debug)]
pub struct Clock(());

impl Clock {
    /// Lets the timer end sleep. Call this once, at the start.
    pub fn start() -> Self {
        wake_at(u64::MAX);
        // SAFETY: it only wakes: start-up left interrupts disabled, so no code is interrupted.
        unsafe { mie::set_mtimer() };
        Self(())
    }
}

impl kabar_device::Clock for Clock {
    const TICK_US: u32 = 1;

    fn now(&self) -> Instant {
        loop {
            let (high, low) = (REGISTERS.read(MTIME + 4), REGISTERS.read(MTIME));
            // Otherwise the low word wrapped between the two.
            if REGISTERS.read(MTIME + 4) == high {
                return Instant::from_micros((u64::from(high) << 32 | u64::from(low)) / COUNTS_PER_US);
            }
        }
    }
}

/// Sets the timer, first to the far future, so that no half-written value is in the past.
fn wake_at(count: u64) {
    REGISTERS.write(MTIMECMP + 4, u32::MAX);
    REGISTERS.write(MTIMECMP, count as u32);
    REGISTERS.write(MTIMECMP + 4, (count >> 32) as u32);
}

/// Starts the hardware and the link over it; `None` if it does not answer, or was started before.
/// There is no driver for the board's serial port.
pub fn link(kind: LinkKind, rng: &mut impl CryptoRng, clock: &Clock) -> Option<IpLink<'static, VirtioNet>> {
    let LinkKind::Ip(addressing) = kind else { return None };
    let card = VirtioNet::start()?;
    let hardware = card.hardware_address();
    network::link(card, hardware, addressing, rng, clock.now())
}

/// Sleeps until `due`, or until there may be a frame; it may wake once too often.
pub fn sleep(due: Instant, clock: &Clock) {
    wake_at(due.as_micros().saturating_mul(COUNTS_PER_US));
    while clock.now() < due {
        wfi();
        // A source that is claimed and returned is not pending until the hardware raises it again.
        let source = REGISTERS.read(PLIC_CLAIM);
        if source != 0 {
            REGISTERS.write(PLIC_CLAIM, source);
            return;
        }
    }
}

/// Lets the interrupt `source`, below 32, end sleep.
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

/// The light, which is only logged, and the sensor.
pub fn peripherals() -> Peripherals {
    Peripherals::new(|on| defmt::info!("led is on: {=bool}", on))
}

defmt::timestamp!("{=u64:us}", Clock(()).now().as_micros());
