//! The end: leaving, interrupts, a closed output, and the last output.

use std::io;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use kabar_core::time::{Duration, Instant};

use super::front::Front;
use super::ui::DrainTimeout;
use crate::engine::event::{ServerEnd, SessionError};
use crate::engine::{Command, ServerId, Stop};
use crate::input::Input;
use crate::messages::notices::Notice;
use crate::outcome::{Loss, SessionEnd, SessionReport};

/// How long input is still taken after the output was closed: lines that were piped in before are
/// sent.
const DRAIN_INPUT: Duration = Duration::from_secs(1);
/// How long output may take at the end of a session at a prompt.
const PROMPT_DRAIN_TIMEOUT: StdDuration = StdDuration::from_secs(1);

/// The state of leaving.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    /// Whether the engine was asked to leave.
    pub(super) is_leaving: bool,
    is_interrupted: bool,
    /// Whether to leave without waiting until all entries are displayed.
    pub(super) skips_pending_output: bool,
    /// When the output was closed; input is taken for [`DRAIN_INPUT`] after it.
    draining_since: Option<Instant>,
    pub(super) is_output_closed: bool,
    is_terminal_closed: bool,
    /// The server about which a question was asked.
    pub(super) asking: Option<ServerId>,
    /// Number of lines that were refused, or were lost with their room.
    pub(super) refused: u64,
    /// Number of lines that the servers did not settle at the end.
    pub(super) unsent: u64,
    /// Lines that an interrupt left unread.
    unread: u64,
    /// Why a server was left without a request, the first time.
    failure: Option<Arc<SessionError>>,
    /// Whether a server was left as requested.
    has_left: bool,
    /// Whether the failure is one of the front end.
    is_fatal: bool,
    losses: Vec<Loss>,
    /// Whether the engine has stopped.
    pub(super) has_ended: bool,
}

impl Leaving {
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

    fn total_unsent(&self) -> u64 {
        self.refused + self.unsent + self.unread
    }

    fn end(&self) -> SessionEnd {
        match (&self.failure, self.total_unsent()) {
            (Some(error), _) if !self.has_left || self.is_fatal => SessionEnd::Failed(Arc::clone(error)),
            (_, unsent @ 1..) => SessionEnd::Unsent(unsent),
            _ if self.is_interrupted => SessionEnd::Interrupted,
            _ => SessionEnd::Left,
        }
    }
}

impl Front {
    /// Leaves when everything is stored.
    pub(super) fn end_of_input(&mut self) {
        if std::mem::replace(&mut self.leaving.is_leaving, true) {
            return;
        }
        self.leave();
        let lines = self.rooms.iter().map(|room| room.waiting()).sum();
        if lines > 0 && self.ui.is_prompt() {
            self.notice(&Notice::WaitingForStorage { lines, timeout: self.give_up });
        }
    }

    fn leave(&self) {
        let is_caught_up = !self.ui.is_prompt() && !self.leaving.skips_pending_output;
        self.engine.send(Command::Stop(Stop::Leave { give_up: self.give_up, is_caught_up }));
    }

    /// Ctrl-C: leaves at once, even with lines unsent.
    pub(super) fn interrupt(&mut self) {
        self.leaving.is_interrupted = true;
        self.leaving.is_leaving = true;
        if self.input.has_started {
            self.leaving.unread += self.receiver.input.try_iter().filter(Input::is_line).count() as u64;
        } else {
            self.ui.end_line();
        }
        self.engine.send(Command::Stop(Stop::Abort));
    }

    /// The terminal was closed: leaves when everything typed is stored.
    pub(super) fn hang_up(&mut self, now: Instant) {
        if !self.input.has_started {
            return self.interrupt();
        }
        self.leaving.is_terminal_closed = true;
        self.output_closed(now);
    }

    /// Leaves soon, when everything typed until then is stored, and displays nothing more. Also
    /// called before a room was joined; then it takes effect on joining.
    pub(super) fn output_closed(&mut self, now: Instant) {
        self.leaving.is_output_closed = true;
        if !self.input.has_started || self.leaving.draining_since.is_some() {
            return;
        }
        self.leaving.draining_since = Some(now);
        self.leaving.skips_pending_output = true;
        if self.leaving.is_leaving && !self.leaving.is_interrupted {
            self.leave();
        }
    }

    pub(super) fn check_draining(&mut self, now: Instant) {
        if self.draining_deadline().is_some_and(|until| now >= until) {
            self.end_of_input();
        }
    }

    pub(super) fn draining_deadline(&self) -> Option<Instant> {
        self.leaving.draining_since.filter(|_| !self.leaving.is_leaving).map(|since| since + DRAIN_INPUT)
    }

    /// The operating system gives no thread or terminal.
    pub(super) fn fail(&mut self, error: io::Error) {
        self.leaving.failure = Some(Arc::new(error.into()));
        (self.leaving.is_fatal, self.leaving.is_leaving) = (true, true);
        self.engine.send(Command::Stop(Stop::Abort));
    }

    /// Writes what is left, and reports what could not be written or read.
    pub(super) fn finish(self, before_last_output: impl FnOnce()) -> SessionReport {
        let Self { ui, mut leaving, input, give_up, .. } = self;
        // After an interrupt, do not wait for a reader that does not read.
        let is_quick = ui.is_prompt() || leaving.is_interrupted;
        let time = if is_quick { PROMPT_DRAIN_TIMEOUT } else { give_up };
        let mut timeout = DrainTimeout { time, is_loss: !is_quick, has_reader: !leaving.is_terminal_closed };
        let known = input.error.map(Loss::Input).into_iter().chain(std::mem::take(&mut leaving.losses));
        let losses: Vec<Loss> = known.chain(ui.settle(timeout)).collect();
        let mut report = SessionReport { end: leaving.end(), losses };
        ui.ended(&report, leaving.total_unsent());
        before_last_output();
        if !report.losses.is_empty() {
            // Its time is used up already.
            timeout.time = timeout.time.min(PROMPT_DRAIN_TIMEOUT);
        }
        for loss in ui.finish(timeout) {
            if !report.losses.contains(&loss) {
                report.losses.push(loss);
            }
        }
        report
    }
}
