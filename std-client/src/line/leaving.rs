//! The end: leaving, interrupts, a closed output, and the last output.

use std::io;
use std::time::Duration as StdDuration;

use kabar_core::time::Instant;

use super::end::DRAIN_INPUT;
use super::front::Front;
use super::ui::DrainTimeout;
use crate::engine::{Command, Stop};
use crate::input::Input;
use crate::messages::notices::Notice;
use crate::outcome::{Loss, SessionReport};

/// How long output may take at the end of a session at a prompt.
const PROMPT_DRAIN_TIMEOUT: StdDuration = StdDuration::from_secs(1);

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
        self.end.is_interrupted = true;
        self.leaving.is_leaving = true;
        if self.input.has_started {
            let unread = self.receiver.input.try_iter().filter(Input::is_line).count() as u64;
            self.end.refused(unread);
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
        if self.leaving.is_leaving && !self.end.is_interrupted {
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
        self.end.failed(error);
        self.leaving.is_leaving = true;
        self.engine.send(Command::Stop(Stop::Abort));
    }

    /// Writes what is left, and reports what could not be written or read.
    pub(super) fn finish(self, before_last_output: impl FnOnce()) -> SessionReport {
        let Self { ui, mut end, leaving, input, give_up, .. } = self;
        // After an interrupt, do not wait for a reader that does not read.
        let is_quick = ui.is_prompt() || end.is_interrupted;
        let time = if is_quick { PROMPT_DRAIN_TIMEOUT } else { give_up };
        let mut timeout = DrainTimeout { time, is_loss: !is_quick, has_reader: !leaving.is_terminal_closed };
        let known = input.error.map(Loss::Input).into_iter().chain(end.take_losses());
        let losses: Vec<Loss> = known.chain(ui.settle(timeout)).collect();
        let mut report = SessionReport { end: end.end(), losses };
        ui.ended(&report, end.unsent(), end.kept());
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
