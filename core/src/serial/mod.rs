//! Packets over a byte stream: a UART, a pipe, a socket of a terminal server (SPEC 2.5).
//!
//! ```text
//! 00 | COBS of the packet | 00 | COBS of the packet | 00 ...
//! ```
//!
//! * [`Framer`]: encodes packets as frames.
//! * [`Deframer`]: decodes packets from a byte stream. Noise destroys only the frames it hits.
//! * [`SerialLink`]: both over [`embedded_io`].
//!
//! A byte stream has no addresses; its far end is usually a bridge to UDP. Damage is not detected
//! here, because each packet has a CRC.
//!
//! The crate `cobs` (0.5) is not used: its decoder returns the beginning of a frame that overflowed
//! the buffer as a packet, and its encoder needs a buffer for the whole frame.
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

mod cobs;
mod link;

pub use cobs::{Counters, Deframer, Framer, Full};
pub use link::SerialLink;

use crate::wire::MAX_DATAGRAM;

/// Largest frame in bytes, both delimiters included: one code byte per 254 bytes of a packet,
/// rounded up.
pub const MAX_FRAME_LEN: usize = MAX_DATAGRAM + MAX_DATAGRAM.div_ceil(254) + 2;
