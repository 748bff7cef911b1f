//! The session at its end, requested or not: interrupts, the description of the end, and the last
//! output.

use kabar_core::chat::RefusedCode;
use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_core::time::Instant;
use kabar_std::invite::RoomName;

use super::attempt::Attempt;
use super::config::{KeyPolicy, RoomCredential, SessionConfig};
use super::end::{ClientEnd, CredentialUsed, Loss, SessionEnd, SessionError, SessionReport};
use super::front_end::DrainTimeout;
use super::room::Room;
use super::state::{Phase, Session};
use crate::input::Input;

/// How long output may take at the end of a session at a prompt.
const PROMPT_DRAIN_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(1);

impl Session {
    pub(super) fn ended(&mut self, reason: EndReason) -> Result<(), SessionEnd> {
        if self.should_ask_password(reason) {
            return Ok(self.ask_password()?);
        }
        // Sends what the client sends at its end.
        self.driver.transmit();
        if self.try_next_room(reason)? {
            return Ok(());
        }
        Err(match reason {
            EndReason::Left => self.requested_end(),
            reason => self.describe_end(reason).into(),
        })
    }

    /// The first of several rooms was refused: tries with another credential, or the next room.
    /// Returns whether it does.
    fn try_next_room(&mut self, reason: EndReason) -> Result<bool, SessionError> {
        let is_of_room = match reason {
            EndReason::Refused(code) => matches!(
                code,
                RefusedCode::AUTHENTICATION | RefusedCode::UNKNOWN_ROOM | RefusedCode::ROOM_FULL | RefusedCode::BANNED
            ),
            reason => reason == EndReason::ServerProofInvalid,
        };
        let (Phase::Connecting(_), true) = (&self.phase, is_of_room) else { return Ok(false) };
        let Some(room) = self.rooms.iter_mut().next() else { return Ok(false) };
        if !room.next_credential(reason) {
            if self.rooms.len() == 1 {
                return Ok(false);
            }
            self.ui.end_line();
            self.drop_first_room(reason);
        }
        self.accepted = self.driver.client.fingerprint().or(self.accepted);
        self.phase = Phase::Connecting(Attempt::new(self.driver.now()));
        self.start_client(self.driver.client.server())?;
        Ok(true)
    }

    /// Describes an end that was not requested.
    pub(super) fn describe_end(&self, reason: EndReason) -> SessionError {
        let SessionConfig { server, key_policy, .. } = &self.config;
        if let (EndReason::KeyMismatch, KeyPolicy::Expected(expected)) = (reason, *key_policy) {
            return SessionError::KeyChanged { server: server.clone(), expected };
        }
        // The others have ended before.
        let room = self.rooms.iter().find(|room| room.slot.is_some()).or(self.rooms.first());
        let name = room.map(|room| room.name.clone()).unwrap_or_default();
        SessionError::Client(Box::new(self.describe_room_end(&name, reason)))
    }

    /// Describes the end of a room that was not requested.
    pub(super) fn describe_room_end(&self, room: &RoomName, reason: EndReason) -> ClientEnd {
        let SessionConfig { server, identity, .. } = &self.config;
        let found = self.rooms.find(room);
        let credential = match found.map(Room::credential) {
            Some(RoomCredential::Secret(_)) => CredentialUsed::Secret,
            Some(RoomCredential::Password(_)) => CredentialUsed::Password,
            Some(RoomCredential::None) | None => CredentialUsed::None,
        };
        let (server, name, room) = (server.clone(), identity.name.clone(), room.clone());
        let server_text = found.map(|room| room.server_text.clone()).unwrap_or_default();
        ClientEnd { reason, server_text, server, name, room, credential }
    }

    /// Returns the end that was requested by a command, at the end of input, or by Ctrl-C.
    pub(super) fn requested_end(&self) -> SessionEnd {
        match (self.unsent(), self.interrupted) {
            (unsent @ 1.., _) => SessionEnd::Unsent(unsent),
            (0, Some(_)) => SessionEnd::Interrupted,
            (0, None) => SessionEnd::Left,
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.driver.client.state(RoomSlot::FIRST) == State::Ended
    }

    /// Returns the number of lines that are not in the room, with those that an interrupt left
    /// unread.
    fn unsent(&self) -> u64 {
        let Phase::Online(online) = &self.phase else { return 0 };
        online.unsent(&self.rooms, &self.driver.client) + self.unread
    }

    fn count_unread(&mut self) {
        self.unread += self.receiver.input.try_iter().filter(Input::is_line).count() as u64;
    }

    /// Also called before the room was joined; then it takes effect on joining.
    pub(super) fn output_closed(&mut self, now: Instant) {
        self.is_output_closed = true;
        if let Phase::Online(online) = &mut self.phase {
            online.output_closed(now);
        }
    }

    /// Ctrl-C: leaves at once, even with lines unsent.
    pub(super) fn interrupt(&mut self, now: Instant) -> Result<(), SessionEnd> {
        if !matches!(self.phase, Phase::Online(_)) {
            self.driver.client.abort(now);
            self.driver.transmit();
            self.ui.end_line();
            return Err(SessionEnd::Interrupted);
        }
        self.interrupted = Some(now);
        self.count_unread();
        self.driver.client.abort(now);
        Ok(())
    }

    /// The terminal was closed: leaves when everything typed is stored.
    pub(super) fn hang_up(&mut self, now: Instant) -> Result<(), SessionEnd> {
        if !matches!(self.phase, Phase::Online(_)) {
            return self.interrupt(now);
        }
        self.is_terminal_closed = true;
        self.output_closed(now);
        Ok(())
    }

    /// Writes what is left, and reports what could not be written or read.
    pub(super) fn finish(self, end: SessionEnd, before_last_output: impl FnOnce()) -> SessionReport {
        // After an interrupt, do not wait for a reader that does not read.
        let is_quick = self.ui.is_prompt() || self.interrupted.is_some();
        let time = if is_quick { PROMPT_DRAIN_TIMEOUT } else { self.config.give_up };
        let mut timeout = DrainTimeout { time, is_loss: !is_quick, has_reader: !self.is_terminal_closed };
        let input_error = if let Phase::Online(online) = &self.phase { online.input_error() } else { None };
        let known = input_error.cloned().map(Loss::Input).into_iter().chain(self.not_stored.clone());
        let losses: Vec<Loss> = known.chain(self.ui.settle(timeout)).collect();
        let mut report = SessionReport { end, losses };
        self.ui.ended(&report, self.unsent());
        before_last_output();
        if !report.losses.is_empty() {
            // Its time is used up already.
            timeout.time = timeout.time.min(PROMPT_DRAIN_TIMEOUT);
        }
        for loss in self.ui.finish(timeout) {
            if !report.losses.contains(&loss) {
                report.losses.push(loss);
            }
        }
        report
    }
}
