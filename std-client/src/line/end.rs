//! The state of leaving: what was requested, and what is still waited for.

use kabar_core::time::{Duration, Instant};

use crate::engine::ServerId;

/// How long input is still taken after the output was closed: lines that were piped in before are
/// sent.
pub(super) const DRAIN_INPUT: Duration = Duration::from_secs(1);

/// The state of leaving.
#[derive(Debug, Default)]
pub(super) struct LeavingState {
    /// Whether the engine was asked to leave.
    pub(super) is_leaving: bool,
    /// Whether to leave without waiting until all entries are displayed.
    pub(super) skips_pending_output: bool,
    /// When the output was closed; input is taken for [`DRAIN_INPUT`] after it.
    pub(super) draining_since: Option<Instant>,
    pub(super) is_output_closed: bool,
    pub(super) is_terminal_closed: bool,
    /// The server about which a question was asked.
    pub(super) asking: Option<ServerId>,
    /// Whether the engine has stopped.
    pub(super) has_ended: bool,
}
