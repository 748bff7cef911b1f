//! An MPS2+ with a Cortex-M4 (`mps2-an386`) or M3 (`mps2-an385`), as the emulator has it.
//!
//! Another board: the numbers of this file from its manual, a driver in place of `lan9118`, an end that fits (there is no host to
//! return an exit code to), and the two halves of [`Clock`]: a tick, and what the timer says within it.

mod lan9118;
mod uart;

use core::cell::Cell;

use cortex_m::interrupt::{self, InterruptNumber};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{Peripherals as Core, SCB, SYST};
use cortex_m_rt::exception;
use critical_section::Mutex;
use kabar_core::serial::SerialLink;
use kabar_core::time::Instant;
use kabar_embedded_example::member::MadeUp;
use kabar_embedded_example::{Board, Clock as _, Either, IpLink, News};
use rand_core::CryptoRng;

use super::{Exit, Wire};
use crate::network;
use crate::registers::Registers;
use lan9118::Lan9118;
use uart::Uart;

/// For the log.
pub const NAME: &str = "kabar on an MPS2+ board";
/// Core clock in Hz.
const CLOCK_HZ: u32 = 25_000_000;
/// Ticks per second: how fine sleep is.
const TICK_HZ: u32 = 1_000;
const COUNTS_PER_TICK: u32 = CLOCK_HZ / TICK_HZ;
const COUNTS_PER_US: u32 = CLOCK_HZ / 1_000_000;
/// Registers of the board's FPGA, the first of which are the lights.
// SAFETY: this board has them there, and nothing else writes them.
const FPGA: Registers = unsafe { Registers::at(0x4002_8000) };
const LEDS: usize = 0;

/// Ends the run.
pub fn exit(exit: Exit) -> ! {
    semihosting::process::exit(exit as i32)
}

/// Time by SysTick: ticks are counted in its interrupt, and its counter tells how far the present one is.
#[derive(Debug)]
pub struct Clock(());

static TICKS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));
/// What was told last, in us.
static LAST: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let ticks = TICKS.borrow(section);
        ticks.set(ticks.get() + 1);
    });
}

impl Clock {
    /// Starts the ticks. To be called once, at the start.
    pub fn start() -> Self {
        if let Some(mut core) = Core::take() {
            core.SYST.set_clock_source(SystClkSource::Core);
            core.SYST.set_reload(COUNTS_PER_TICK - 1);
            core.SYST.clear_current();
            core.SYST.enable_counter();
            core.SYST.enable_interrupt();
        }
        Self(())
    }
}

impl kabar_embedded_example::Clock for Clock {
    const TICK_US: u32 = 1_000_000 / TICK_HZ;

    fn now(&self) -> Instant {
        critical_section::with(|section| {
            let mut count = SYST::get_current();
            let mut ticks = TICKS.borrow(section).get();
            // The counter began anew and its interrupt waits for us: which of the two came first is told by a second look.
            if SCB::is_pendst_pending() {
                count = SYST::get_current();
                ticks += 1;
            }
            let within = (COUNTS_PER_TICK - 1).saturating_sub(count) / COUNTS_PER_US;
            let micros = ticks * u64::from(Self::TICK_US) + u64::from(within);
            // An emulator's interrupt may come later than its counter.
            let last = LAST.borrow(section);
            last.set(micros.max(last.get()));
            Instant::from_micros(last.get())
        })
    }
}

/// Starts the hardware and the link over it; `None` if it does not answer, or was started before.
pub fn link(
    wire: Wire,
    rng: &mut impl CryptoRng,
    clock: &Clock,
) -> Option<Either<IpLink<'static, Lan9118>, &'static mut SerialLink<Uart>>> {
    Some(match wire {
        Wire::Network(addressing) => {
            let card = Lan9118::start()?;
            let hardware = card.hardware_address();
            Either::Left(network::link(card, hardware, addressing, rng, clock.now())?)
        }
        Wire::Serial => Either::Right(Uart::start()?),
    })
}

/// Sleeps until `due`, or until the card has a frame or the serial port a byte.
pub fn sleep(due: Instant, clock: &impl kabar_embedded_example::Clock) {
    loop {
        // With interrupts held back a frame that comes after the look still wakes the processor.
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

/// A number at the interrupt controller: one of those in [`__INTERRUPTS`].
#[derive(Clone, Copy, Debug)]
struct Interrupt(usize);

// SAFETY: the numbers are those of this board and do not change.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0 as u16
    }
}

/// The interrupts of this board as far as they are used, by number.
#[used]
#[unsafe(no_mangle)]
#[unsafe(link_section = ".vector_table.interrupts")]
static __INTERRUPTS: [extern "C" fn(); INTERRUPTS] = {
    let mut handlers = [unexpected as extern "C" fn(); INTERRUPTS];
    handlers[uart::INTERRUPT] = uart::receive;
    handlers[lan9118::INTERRUPT] = lan9118::wake;
    handlers
};

/// Up to the last one that is used.
const INTERRUPTS: usize = lan9118::INTERRUPT + 1;

/// Nobody unmasked it.
extern "C" fn unexpected() {
    exit(Exit::Fault);
}

/// A counter for measuring: 25 MHz, wraps in 171 s.
pub fn ticks() -> u32 {
    Lan9118::free_running_counter()
}

/// What the board has besides clock and network.
#[derive(Debug)]
pub struct Peripherals {
    sensor: MadeUp,
}

impl Default for Peripherals {
    /// The light is off.
    fn default() -> Self {
        let mut peripherals = Self { sensor: MadeUp::default() };
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

    fn tell(&mut self, news: News<'_>) {
        crate::log::news(&news);
    }
}

defmt::timestamp!("{=u64:us}", kabar_embedded_example::Clock::now(&Clock(())).as_micros());
