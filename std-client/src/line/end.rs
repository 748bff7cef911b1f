//! The state of the end: what was requested, and what was lost.

use std::sync::Arc;

use kabar_core::time::{Duration, Instant};

use crate::engine::ServerId;
use crate::engine::event::{ServerEnd, SessionError};
use crate::outcome::{Loss, SessionEnd};

/// How long input is still taken after the output was closed: lines that were piped in before are
/// sent.
pub(super) const DRAIN_INPUT: Duration = Duration::from_secs(1);

/// The state of the end.
#[derive(Debug, Default)]
pub(super) struct EndState {
    /// Whether the engine was asked to leave.
    pub(super) is_leaving: bool,
    pub(super) is_interrupted: bool,
    /// Whether to leave without waiting until all entries are displayed.
    pub(super) skips_pending_output: bool,
    /// When the output was closed; input is taken for [`DRAIN_INPUT`] after it.
    pub(super) draining_since: Option<Instant>,
    pub(super) is_output_closed: bool,
    pub(super) is_terminal_closed: bool,
    /// The server about which a question was asked.
    pub(super) asking: Option<ServerId>,
    /// Number of lines that were refused, or were lost with their room.
    pub(super) refused: u64,
    /// Number of lines that the servers did not settle at the end.
    pub(super) unsent: u64,
    /// Number of lines that the next process sends.
    pub(super) kept: u64,
    /// Lines that an interrupt left unread.
    pub(super) unread: u64,
    /// Why a server was left without a request, the first time.
    pub(super) failure: Option<Arc<SessionError>>,
    /// Whether a server was left as requested.
    has_left: bool,
    /// Whether the failure is one of the front end.
    pub(super) is_fatal: bool,
    pub(super) losses: Vec<Loss>,
    /// Whether the engine has stopped.
    pub(super) has_ended: bool,
}

impl EndState {
    /// A server has ended.
    pub(super) fn server_ended(&mut self, end: &ServerEnd) {
        match end {
            ServerEnd::Left => self.has_left = true,
            ServerEnd::Failed(error) => {
                self.failure.get_or_insert_with(|| Arc::clone(error));
            }
        }
    }

    /// Something is lost.
    pub(super) fn lost(&mut self, loss: Loss) {
        if !self.losses.contains(&loss) {
            self.losses.push(loss);
        }
    }

    /// Returns the number of lines that are not in their rooms.
    pub(super) fn total_unsent(&self) -> u64 {
        self.total_lost() + self.kept
    }

    /// Returns the number of lines that nobody sends.
    fn total_lost(&self) -> u64 {
        self.refused + self.unsent + self.unread
    }

    /// Returns why everything ended.
    pub(super) fn end(&self) -> SessionEnd {
        match (&self.failure, self.total_unsent()) {
            (Some(error), _) if !self.has_left || self.is_fatal => SessionEnd::Failed(Arc::clone(error)),
            (_, 1..) => SessionEnd::Unsent { lost: self.total_lost(), kept: self.kept },
            _ if self.is_interrupted => SessionEnd::Interrupted,
            _ => SessionEnd::Left,
        }
    }
}
