//! Reliable, ordered streams in fixed memory (SPEC 5): acknowledgements, loss detection, round-trip time, congestion, timers.

mod memory;

pub use memory::{Capacity, Fixed, Memory, Part, Parts};

/// One packet in flight: what it carried, so that what is lost can be sent again.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    packet_number: u64,
}

impl Slot {
    /// Free. All zero.
    pub const EMPTY: Self = Self { packet_number: 0 };
}
