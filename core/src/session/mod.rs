//! From the first Hello to sealed packets (SPEC 3 and 4): handshake, key schedule, replay window,
//! cookie.
//!
//! * `client`: the client's side, one public-key operation per step.
//! * [`acceptor`]: [`Acceptor`]: the server's side, stateless until the cookie is verified;
//!   [`PendingAccept`] does the public-key work and may run on another thread.
//! * `sealed`: seal, open, epochs, replay; verifies a first packet before there is a session.
//! * [`PacketInfo`]: the parts of a packet that are readable without its keys, for programs that
//!   forward packets.

pub mod acceptor;
pub(crate) mod client;
mod cookie;
mod epoch;
mod fingerprint;
pub(crate) mod output;
mod packet_info;
mod schedule;
pub(crate) mod sealed;
mod window;

#[cfg(test)]
mod testing;

pub use acceptor::{Acceptor, Incoming, PendingAccept};
pub use fingerprint::{FINGERPRINT_LEN, Fingerprint, ParseFingerprintError};
pub use output::HandshakeOutput;
pub use packet_info::PacketInfo;
pub use sealed::OpenError;

pub(crate) use client::{ClientHandshake, HandshakeEvent, RetrySchedule};
pub(crate) use output::Role;
pub(crate) use sealed::{SealError, Session};

pub use crate::wire::packet::{HINT_LEN, PacketError, SealedHeader, TransportParameters};
