//! A server.

use kabar_core::session::Fingerprint;

use crate::engine::ServerId;
use crate::web::protocol::{Connection, Question, ServerState};

/// A server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) id: ServerId,
    pub(super) label: String,
    pub(super) connection: Connection,
    pub(super) name: String,
    pub(super) key: Option<Fingerprint>,
    pub(super) rtt_ms: Option<u64>,
    pub(super) problem: Option<String>,
    pub(super) question: Option<Question>,
    /// Whether the user asked for the status of the connection.
    pub(super) shows_stats: bool,
}

impl Server {
    pub(super) fn new(id: ServerId, label: String) -> Self {
        Self {
            id,
            label,
            connection: Connection::Connecting,
            name: String::new(),
            key: None,
            rtt_ms: None,
            problem: None,
            question: None,
            shows_stats: false,
        }
    }

    pub(super) fn state(&self) -> ServerState<'_> {
        ServerState {
            server: self.id.into(),
            label: &self.label,
            connection: self.connection,
            name: &self.name,
            rtt_ms: self.rtt_ms,
            problem: self.problem.as_deref(),
            question: self.question.as_ref(),
        }
    }
}
