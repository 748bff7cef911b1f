//! Time-outs and errors of reaching a server, shared by [`crate::engine`] and [`crate::probe`].

use std::io;

use kabar_core::time::Duration;
use kabar_std::address::{HostPort, Places};

use crate::resolve::ResolveError;

/// How long all addresses of a server together may take to answer.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a server that answered may take to admit a member.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Refused datagrams after which an address counts as refused. The first may come from a server
/// that is just being started.
pub const REFUSALS: u32 = 3;

/// Why a server was not reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No address was found.
    #[error("cannot resolve {}: {error}", .place.host)]
    Resolve {
        /// The first place without an address.
        place: HostPort,
        /// Why it has none.
        error: ResolveError,
    },
    /// The resolver took longer than [`CONNECT_TIMEOUT`].
    #[error("resolving {0} timed out")]
    ResolveTimeout(Places),
    /// No address answered within [`CONNECT_TIMEOUT`].
    #[error("no response from {0}")]
    NoResponse(Places),
    /// All addresses refuse datagrams.
    #[error("{0} refused the connection")]
    Refused(Places),
    /// The system cannot send to any of the addresses.
    #[error("cannot reach {server}: {error}")]
    Unreachable {
        /// The addresses of the server.
        server: Places,
        /// The operating system's error.
        error: io::Error,
    },
    /// The server answered and did not admit the member within [`JOIN_TIMEOUT`].
    #[error("{0} did not admit the member")]
    NotAdmitted(Places),
}
