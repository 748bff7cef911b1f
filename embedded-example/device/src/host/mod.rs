//! Stands in for a product's hardware on a computer with an operating system.
//!
//! * [`udp_device`]: [`UdpDevice`]: a network device of smoltcp over an ordinary UDP socket.
//! * [`memory_device`]: [`MemoryDevice`]: a network device in memory, for tests.
//! * [`HostClock`]: the operating system's clock.

pub mod memory_device;
pub mod udp_device;

use std::time::Instant as StdInstant;

use kabar_core::time::Instant;

pub use memory_device::MemoryDevice;
pub use udp_device::UdpDevice;

use crate::member::Clock;

/// Time since [`HostClock::start`].
#[derive(Clone, Copy, Debug)]
pub struct HostClock(StdInstant);

impl HostClock {
    /// A clock that reads 0 now.
    #[must_use]
    pub fn start() -> Self {
        Self(StdInstant::now())
    }
}

impl Clock for HostClock {
    /// The time by which an operating system may prolong a sleep.
    const TICK_US: u32 = 10_000;

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
