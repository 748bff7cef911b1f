//! A clock based on SysTick, the timer of every Cortex-M: its interrupt counts ticks, and its
//! counter gives the time since the last one.

use core::cell::Cell;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{Peripherals, SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;
use kabar_core::time::Instant;
use kabar_device::Clock;

/// Ticks per second: the granularity of sleep.
const TICK_HZ: u32 = 1_000;

static TICKS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));
/// The latest time that was returned, in us.
static LATEST: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let ticks = TICKS.borrow(section);
        ticks.set(ticks.get() + 1);
    });
}

/// The clock of a processor that runs at `HZ`.
#[derive(Debug)]
pub struct SysTickClock<const HZ: u32>(());

impl<const HZ: u32> SysTickClock<HZ> {
    const COUNTS_PER_TICK: u32 = HZ / TICK_HZ;
    const COUNTS_PER_US: u32 = HZ / 1_000_000;

    /// Starts the ticks. Call this once, at the start.
    pub fn start() -> Self {
        if let Some(mut core) = Peripherals::take() {
            core.SYST.set_clock_source(SystClkSource::Core);
            core.SYST.set_reload(Self::COUNTS_PER_TICK - 1);
            core.SYST.clear_current();
            core.SYST.enable_counter();
            core.SYST.enable_interrupt();
        }
        Self(())
    }

    /// The clock that was started.
    pub const fn started() -> Self {
        Self(())
    }
}

impl<const HZ: u32> Clock for SysTickClock<HZ> {
    const TICK_US: u32 = 1_000_000 / TICK_HZ;

    fn now(&self) -> Instant {
        critical_section::with(|section| {
            let mut count = SYST::get_current();
            let mut ticks = TICKS.borrow(section).get();
            // The counter restarted and its interrupt waits for this section to end. A second
            // reading is after the restart.
            if SCB::is_pendst_pending() {
                count = SYST::get_current();
                ticks += 1;
            }
            let within = (Self::COUNTS_PER_TICK - 1).saturating_sub(count) / Self::COUNTS_PER_US;
            let micros = ticks * u64::from(Self::TICK_US) + u64::from(within);
            // An emulator's interrupt may come later than its counter restarts.
            let latest = LATEST.borrow(section);
            latest.set(micros.max(latest.get()));
            Instant::from_micros(latest.get())
        })
    }
}
