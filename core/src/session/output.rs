//! The result of a handshake, which both sides hand to a connection.

use super::TransportParameters;
use crate::crypto::kdf::Secret;

/// The side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Role {
    /// Initiated the handshake.
    Client,
    /// Accepted the handshake.
    Server,
}

/// Result of a handshake, from which a [`Connection`](crate::connection::Connection) opens. Its
/// secrets are wiped on drop and never printed.
#[derive(Clone)]
pub struct HandshakeOutput {
    /// The side that this result is for.
    pub(crate) role: Role,
    /// Id of the connection in both directions.
    pub connection_id: u32,
    /// Secret of epoch 0, client to server.
    pub(super) c2s: Secret,
    /// Secret of epoch 0, server to client.
    pub(super) s2c: Secret,
    /// Binds proofs to this connection (SPEC 6.2).
    pub(crate) exporter: Secret,
    /// Parameters stated by this side.
    pub local: TransportParameters,
    /// Parameters stated by the peer.
    pub remote: TransportParameters,
    /// Length of the Hello in bytes: 640 means that larger datagrams did not pass (SPEC 5.6).
    pub(crate) hello_len: u16,
}

#[cfg(any(test, feature = "internals"))]
impl HandshakeOutput {
    /// The output for `role` of a handshake that did not take place: all secrets are known.
    #[must_use]
    pub const fn with_known_secrets(role: Role, connection_id: u32, parameters: TransportParameters) -> Self {
        Self {
            role,
            connection_id,
            c2s: Secret::new([1; 32]),
            s2c: Secret::new([2; 32]),
            exporter: Secret::new([3; 32]),
            local: parameters,
            remote: parameters,
            hello_len: 1200,
        }
    }
}

impl core::fmt::Debug for HandshakeOutput {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("HandshakeOutput")
            .field("role", &self.role)
            .field("connection_id", &self.connection_id)
            .finish_non_exhaustive()
    }
}
