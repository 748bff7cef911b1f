//! Parts of the protocol for fuzzers, benchmarks and simulators, under the feature `internals`.
//!
//! There is no promise of stability: any release may change or remove what is here, and the methods
//! that the feature adds elsewhere. Applications do without it.

pub use crate::crypto::exchange::{Ephemeral, SHARE_LEN};
pub use crate::crypto::kdf::{HASH_LEN, Secret, Transcript, hmac};
pub use crate::session::client::{ClientHandshake, DropReason, HandshakeEvent, RetrySchedule};
pub use crate::session::output::Role;
pub use crate::session::sealed::{EPOCH_BITS, FirstKeys, OVERHEAD, Opened, PACKET_NUMBER_END, SealError, Session};
pub use crate::wire::{MIN_DATAGRAM, frame, io, packet};
