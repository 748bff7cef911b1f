//! Encoding and decoding of packets, handshake bodies and frames (SPEC 2, 5.1). Never panics on any
//! input.
//!
//! * [`io`]: [`Reader`](io::Reader), [`Writer`](io::Writer), which consume and append bytes.
//! * [`packet`]: packets as datagrams carry them, with their CRC.
//! * [`frame`]: the content of a sealed packet's body.
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
/// Datagram size that every path is assumed to carry, in bytes (SPEC 5.6).
pub const MIN_DATAGRAM: usize = 576;
