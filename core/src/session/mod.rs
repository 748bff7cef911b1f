//! From the first Hello to sealed packets (SPEC 3 and 4): handshake, key schedule, replay window,
//! cookie.
//!
//! * [`client`]: [`ClientHandshake`]: the client's side, one public-key operation per step.
//! * [`acceptor`]: [`Acceptor`]: the server's side, stateless until the cookie is verified;
//!   [`PendingAccept`] does the public-key work and may run on another thread.
//! * [`sealed`]: [`Session`]: seal, open, epochs, replay; [`FirstKeys`]: verifies a first packet
//!   before there is a session.

pub mod acceptor;
pub mod client;
mod cookie;
mod epoch;
mod fingerprint;
mod schedule;
pub mod sealed;
mod window;

#[cfg(test)]
mod testing;

pub use acceptor::{Acceptor, Incoming, PendingAccept};
pub use client::{ClientHandshake, HandshakeEvent, RetrySchedule};
pub use fingerprint::{FINGERPRINT_LEN, Fingerprint, ParseFingerprintError};
pub use schedule::key_hash;
pub use sealed::{FirstKeys, OpenError, Opened, SealError, Session};

use crate::crypto::kdf::Secret;
use crate::wire::packet::TransportParameters;

/// The side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// Initiated the handshake.
    Client,
    /// Accepted the handshake.
    Server,
}

/// Result of a handshake, from which a connection starts. Secrets are wiped on drop and never
/// printed.
#[derive(Clone)]
pub struct HandshakeOutput {
    /// The side that this result is for.
    pub role: Role,
    /// Id of the connection in both directions.
    pub connection_id: u32,
    /// Secret of epoch 0, client to server.
    pub c2s: Secret,
    /// Secret of epoch 0, server to client.
    pub s2c: Secret,
    /// Binds proofs to this connection (SPEC 6.2).
    pub exporter: Secret,
    /// Parameters stated by this side.
    pub local: TransportParameters,
    /// Parameters stated by the peer.
    pub remote: TransportParameters,
    /// Length of the Hello in bytes: 640 means that larger datagrams did not pass (SPEC 5.6).
    pub hello_len: u16,
}

impl core::fmt::Debug for HandshakeOutput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HandshakeOutput")
            .field("role", &self.role)
            .field("connection_id", &self.connection_id)
            .finish_non_exhaustive()
    }
}
