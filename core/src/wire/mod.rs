//! Bytes to values and back: packets, handshake bodies, frames (SPEC 2, 5.1). Never panics, whatever comes in.
//!
//! * [`io`]: [`Reader`](io::Reader), [`Writer`](io::Writer): bytes are consumed, never indexed.
//! * [`packet`]: the packet as a datagram carries it, and its CRC.
//! * [`frame`]: what a sealed packet's body holds.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

pub mod frame;
pub mod io;
pub mod packet;

/// The largest datagram in bytes (SPEC 2.1).
pub const MAX_DATAGRAM: usize = 1200;
/// The datagram size that every path is taken to carry, in bytes (SPEC 5.6).
pub const MIN_DATAGRAM: usize = 576;
