//! The session at its end, requested or not: leaving, aborting, and the description of the end.

use kabar_core::chat::RefusedCode;
use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_core::time::{Duration, Instant};

use super::attempt::Attempt;
use super::room::Room;
use super::state::{End, Leaving, Phase, Session, is_final};
use crate::engine::command::{KeyPolicy, RoomCredential, ServerRequest};
use crate::engine::event::{ClientEnd, CredentialUsed, RoomId, SessionError};

/// How long a session that is aborted has to close its connection.
const CLOSE_GRACE: Duration = Duration::from_millis(300);

impl Session {
    pub(super) fn ended(&mut self, reason: EndReason) -> Result<(), End> {
        if self.should_ask_password(reason) {
            self.ask_password();
            return Ok(());
        }
        // Sends what the client sends at its end.
        self.driver.transmit();
        if self.try_next_room(reason)? {
            return Ok(());
        }
        Err(match reason {
            EndReason::Left => End::Left,
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
        let Some(room) = self.rooms.first_mut() else { return Ok(false) };
        if !room.next_credential(reason) {
            if self.rooms.len() == 1 {
                return Ok(false);
            }
            self.drop_first_room(reason);
        }
        self.accepted = self.driver.client.fingerprint().or(self.accepted);
        self.phase = Phase::Connecting(Attempt::new(self.driver.now()));
        self.start_client(self.driver.client.server())?;
        Ok(true)
    }

    /// Describes an end that was not requested.
    pub(super) fn describe_end(&self, reason: EndReason) -> SessionError {
        let ServerRequest { places: server, key_policy, .. } = &self.config;
        if let (EndReason::KeyMismatch, KeyPolicy::Expected(expected)) = (reason, *key_policy) {
            return SessionError::KeyChanged { server: server.clone(), expected };
        }
        // The others have ended before.
        let room = self.rooms.iter().find(|room| room.slot.is_some()).or(self.rooms.first());
        let room = room.map_or(RoomId { server: self.id, index: 0 }, |room| room.id);
        SessionError::Client(Box::new(self.describe_room_end(room, reason)))
    }

    /// Describes the end of a room that was not requested.
    pub(super) fn describe_room_end(&self, room: RoomId, reason: EndReason) -> ClientEnd {
        let ServerRequest { places, identity, .. } = &self.config;
        let found = self.rooms.find(room);
        let credential = match found.map(Room::credential) {
            Some(RoomCredential::Secret(_)) => CredentialUsed::Secret,
            Some(RoomCredential::Password(_)) => CredentialUsed::Password,
            Some(RoomCredential::None) | None => CredentialUsed::None,
        };
        let (server, name) = (places.clone(), identity.name.clone());
        let room = found.map(|room| room.name.clone()).unwrap_or_default();
        let server_text = found.map(|room| room.server_text.clone()).unwrap_or_default();
        ClientEnd { reason, server_text, server, name, room, credential }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.driver.client.state(RoomSlot::FIRST) == State::Ended
    }

    /// Why the session ends may say that posts of a room are never accepted.
    pub(super) fn discard_posts(&self, error: &SessionError) {
        if let SessionError::Client(end) = error
            && is_final(end.reason)
        {
            self.rooms.ids().for_each(|room| self.history.discard(room));
        }
    }

    /// Leaves at once, even with posts that are not stored.
    pub(super) fn abort(&mut self, now: Instant) -> Result<(), End> {
        self.driver.client.abort(now);
        if !matches!(self.phase, Phase::Online(_)) {
            self.driver.transmit();
            return Err(End::Left);
        }
        self.aborted_at.get_or_insert(now);
        Ok(())
    }

    /// Leaves when everything is stored, or when that takes too long.
    pub(super) fn check_leaving(&mut self, now: Instant) -> Result<(), End> {
        // The client ends at once when it is aborted; this only makes sure of it.
        if self.aborted_at.is_some_and(|since| now >= since + CLOSE_GRACE) {
            return Err(End::Left);
        }
        let Some(leaving) = self.leaving else { return Ok(()) };
        if now >= leaving.since + leaving.give_up {
            self.driver.client.abort(now);
        } else if self.unsettled() == 0 && !leaving.is_requested && (!leaving.is_caught_up || self.is_caught_up()) {
            self.leaving = Some(Leaving { is_requested: true, ..leaving });
            self.driver.client.leave(now);
        }
        Ok(())
    }

    /// Whether everything was delivered that the rooms had when they were joined, and all own
    /// posts.
    fn is_caught_up(&self) -> bool {
        self.rooms.iter().all(|room| {
            let (Some(slot), Some(member)) = (room.slot, &room.membership) else { return true };
            let delivered = self.driver.client.cursor(slot);
            member.catch_up.is_none()
                && member.replay.is_none()
                && delivered.is_some_and(|(seq, _)| seq >= member.wait_for)
        })
    }

    pub(super) fn leaving_deadline(&self) -> Option<Instant> {
        let given_up = self.leaving.map(|leaving| leaving.since + leaving.give_up);
        self.aborted_at.map(|since| since + CLOSE_GRACE).or(given_up)
    }
}
