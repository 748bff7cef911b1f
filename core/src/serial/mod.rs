//! Packets over a byte stream: a UART, a pipe, a socket of a terminal server (SPEC 2.5).
//!
//! ```text
//! 00 | COBS of the packet | 00 | COBS of the packet | 00 ...
//! ```
//!
//! * [`Framer`]: a packet to the bytes of a frame.
//! * [`Deframer`]: bytes, however they are cut, to packets. Garbage costs the frame it hits and no other.
//! * [`SerialLink`]: both over [`embedded_io`].
//!
//! A byte stream has no addresses: what is at its other end is the whole network, as a rule a bridge to UDP. Damage is not looked for
//! here, because a packet has its own CRC.
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

/// Largest frame in bytes, both delimiters included: a code byte for each 254 bytes of a packet, begun or not.
pub const MAX_FRAME_LEN: usize = MAX_DATAGRAM + MAX_DATAGRAM.div_ceil(254) + 2;
