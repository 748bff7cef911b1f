//! Membership: Join, and the Welcome or the refusal that answers it (SPEC 6.2, 6.3, 7).
//!
//! ```text
//! 1 C->S Join       its signature covers the connection;
//!                   start = the caller's at first, then After(cursor)
//! 2 S->C (Reset)    the cursor is not valid
//! 3 S->C Welcome    its proof is checked first: an impostor learns nothing and delivers nothing
//!   or   Refused    for now: the Join is repeated later; permanently: the room has ended
//! ```
//!
//! The rooms of a connection join one after another, and before any post is written.

use zeroize::Zeroize;

use super::room::{Room, RoomSlot, RoomState};
use super::{Client, EndReason, MIN_MESSAGE_LEN, QueuedEvent, write};
use crate::chat::message::{join_statement, server_proof};
use crate::chat::{ClientMessage, EndedCode, Join, RefusedCode, Start, Term, Welcome};
use crate::client::event_queue::Joined;
use crate::crypto::Provider;
use crate::crypto::kdf::{self, Secret};
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// Most bytes that a Join signs: the label, exporter, identity and the longest name.
const STATEMENT_LEN: usize = 160;

/// [`Welcome`] without the fields that it borrows.
#[derive(Clone, Copy)]
pub(super) struct Welcomed {
    handle: u8,
    term: Term,
    first: u64,
    head: u64,
    start: u64,
    instance: u64,
    highest: u64,
    members: u16,
    proof: [u8; 32],
}

impl From<&Welcome<'_>> for Welcomed {
    fn from(welcome: &Welcome<'_>) -> Self {
        Self {
            handle: welcome.handle,
            term: welcome.term,
            first: welcome.first,
            head: welcome.head,
            start: welcome.start,
            instance: welcome.instance,
            highest: welcome.highest_stored,
            members: welcome.members,
            proof: welcome.proof,
        }
    }
}

/// The server violated a rule of SPEC 6 or 7.
pub(super) struct ProtocolViolation;

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
{
    /// The next room whose Join is to be signed, if there is space for any Join.
    pub(super) fn due_join(&self) -> Option<RoomSlot> {
        let slot = self.rooms.find(|room| room.state == RoomState::Signing)?;
        (ROOMS == 1 || self.connection.send_space(StreamId::Chat) >= MIN_MESSAGE_LEN).then_some(slot)
    }

    /// Signs and writes Join: one public-key operation.
    #[inline(never)] // Keeps its locals out of the stack frames of the other steps.
    pub(super) fn send_join(&mut self, now: Instant, slot: RoomSlot) {
        let (Some(identity), Some(exporter)) = (self.secrets.identity(), self.connection.exporter()) else { return };
        let exporter = Secret::new(*exporter);
        let public = identity.public();
        let room = self.rooms.get_mut(slot);
        if let Some(secret) = room.credential.room_secret() {
            room.proof = server_proof(secret, exporter.expose());
        }
        let mut statement = [0; STATEMENT_LEN];
        let signature = join_statement(exporter.expose(), &public, &room.name, &mut statement)
            .ok()
            .and_then(|len| statement.get(..len))
            .map(|statement| identity.sign(statement));
        let is_written = signature.is_some_and(|signature| {
            let join = ClientMessage::Join(Join {
                room: &room.name,
                name: &self.config.name,
                identity: public,
                signature,
                authentication: room.credential.authentication(exporter.expose()),
                instance: room.instance,
                start: room.next_start(),
                max_entry_len: room.max_entry_len,
                // SPEC 6.2: this member may have been renamed since its first Join.
                is_default_name: self.config.is_default_name || room.is_member,
            });
            write(now, &mut self.connection, &mut self.message, &join)
        });
        // It may have contained the password.
        self.message.zeroize();
        if is_written {
            room.state = RoomState::AwaitingWelcome;
        } else {
            // There is space for any Join, so this does not happen; if it does,
            // the next attempt starts over.
            self.abandon_connection(now, CloseCode::INTERNAL);
        }
    }

    /// Reset: the Welcome that follows begins a new history.
    pub(super) fn reset(&mut self) -> Result<(), ProtocolViolation> {
        if !self.rooms.any(|room| room.state == RoomState::AwaitingWelcome) {
            return Err(ProtocolViolation);
        }
        self.is_reset = true;
        Ok(())
    }

    pub(super) fn welcome(
        &mut self,
        now: Instant,
        slot: RoomSlot,
        welcome: &Welcomed,
    ) -> Result<(), ProtocolViolation> {
        let room = self.rooms.get(slot);
        let handle = welcome.handle;
        // SPEC 6.3: with the room's secret the server has to prove that it knows it too.
        if room.credential.room_secret().is_some() && !kdf::ct_eq(&welcome.proof, &room.proof) {
            let is_left = !self.rooms.any_other(slot, Room::is_used) || self.leave_room(now, handle);
            self.end_room(now, slot, EndReason::ServerProofInvalid);
            if !is_left {
                self.abandon_connection(now, CloseCode::INTERNAL);
            }
            return Ok(());
        }
        if ROOMS > 1 && self.rooms.joined(handle).is_some() {
            return Err(ProtocolViolation);
        }
        let gap = self.check_start(slot, welcome)?;
        let stored = self.check_stored(slot, welcome)?;
        let is_reset = core::mem::take(&mut self.is_reset);
        let is_resumed = room.is_member && !is_reset;
        if is_reset {
            self.events.push(QueuedEvent::Reset);
        }
        if let Some((after, first)) = gap {
            self.events.push(QueuedEvent::Gap { after, first });
        }
        let is_first = !self.rooms.any(Room::is_joined);
        let room = self.rooms.get_mut(slot);
        room.state = RoomState::Joined { handle };
        room.term = welcome.term;
        room.cursor = welcome.start;
        room.is_member = true;
        self.welcomed = slot;
        self.retry.joined(now);
        // From now on the deadline is that of refused rooms.
        if ROOMS > 1 && is_first && self.is_join_postponed() {
            self.postpone_joins(now);
        }
        let Welcomed { members, start, head, .. } = *welcome;
        self.events.push(QueuedEvent::Joined(Joined { members, start, head, is_resumed }));
        self.resume_posts(slot, welcome.instance, stored);
        Ok(())
    }

    /// SPEC 7, S4: delivery continues directly after the cursor, or after the entries that are no
    /// longer kept, which is a gap to report.
    fn check_start(&self, slot: RoomSlot, welcome: &Welcomed) -> Result<Option<(u64, u64)>, ProtocolViolation> {
        let floor = welcome.first.checked_sub(1).ok_or(ProtocolViolation)?;
        if welcome.instance == 0 || welcome.start < floor || welcome.start > welcome.head {
            return Err(ProtocolViolation);
        }
        let Start::After { seq: after, .. } = self.rooms.get(slot).next_start() else { return Ok(None) };
        if self.is_reset {
            return Ok(None);
        }
        if welcome.start != after.max(floor) {
            return Err(ProtocolViolation);
        }
        Ok((welcome.start > after).then_some((after, welcome.first)))
    }

    /// The caller's number of the highest post that is stored in the instance of a Welcome.
    fn check_stored(&self, slot: RoomSlot, welcome: &Welcomed) -> Result<u64, ProtocolViolation> {
        let room = self.rooms.get(slot);
        let is_new = welcome.instance != room.instance;
        // In an instance that the caller continues, more may be stored than was posted here.
        let is_continued = ROOMS > 1 && !room.is_member && !is_new;
        match self.outbox.local_in(slot, is_new, welcome.highest) {
            Some(number) => Ok(number),
            None if is_continued => Ok(welcome.highest),
            None => Err(ProtocolViolation),
        }
    }

    /// SPEC 6.5: begins with the lowest unsettled post above `stored`, the highest one that is.
    fn resume_posts(&mut self, slot: RoomSlot, instance: u64, stored: u64) {
        let room = self.rooms.get_mut(slot);
        if instance != room.instance {
            room.instance = instance;
            self.outbox.renumber(slot);
        }
        let is_ahead = ROOMS > 1 && !self.outbox.is_posted(slot, stored);
        if self.outbox.settle(slot, stored) {
            self.events.push(QueuedEvent::Stored { number: stored });
        }
        if is_ahead {
            self.outbox.skip_to(slot, stored);
        }
        self.outbox.rewind(slot);
    }

    /// Handles Refused. The connection is useless only if no other room needs it (SPEC 6.3).
    pub(super) fn refused(&mut self, now: Instant, slot: RoomSlot, code: RefusedCode) {
        if code != RefusedCode::TRY_LATER {
            self.end_room(now, slot, EndReason::Refused(code));
        } else if self.rooms.any_other(slot, Room::is_active) {
            let is_postponed = self.is_join_postponed();
            self.rooms.get_mut(slot).state = RoomState::Waiting;
            if !is_postponed && self.rooms.any(Room::is_joined) {
                self.postpone_joins(now);
            }
        } else {
            self.refused_for_now(now);
        }
    }

    /// Handles Ended. A room whose next entries are no longer stored is joined again, after its
    /// cursor. The only room of a client for one room ends when the server closes the connection.
    pub(super) fn ended(&mut self, now: Instant, slot: RoomSlot, code: EndedCode) {
        if code == EndedCode::GAP {
            self.rooms.get_mut(slot).state = RoomState::Signing;
        } else if ROOMS > 1 {
            self.end_room(now, slot, EndReason::EndedByServer(code));
        }
    }

    /// Ends a room, and with the only one the client.
    fn end_room(&mut self, now: Instant, slot: RoomSlot, reason: EndReason) {
        if !self.rooms.any_other(slot, Room::is_used) {
            self.terminate(now, reason);
            return;
        }
        let room = self.rooms.get_mut(slot);
        room.state = match reason {
            EndReason::Refused(code) => RoomState::Refused(code),
            EndReason::EndedByServer(code) => RoomState::EndedByServer(code),
            _ => RoomState::ProofInvalid,
        };
        room.credential.wipe();
        if self.is_connected && !self.rooms.any(Room::is_active) {
            // The other rooms were refused for now.
            self.refused_for_now(now);
        }
    }

    /// Whether the Join of a room is to be repeated later on this connection.
    pub(super) fn is_join_postponed(&self) -> bool {
        ROOMS > 1 && self.is_connected && self.rooms.any(|room| room.state == RoomState::Waiting)
    }

    /// Schedules the next Joins of the rooms that were refused for now.
    fn postpone_joins(&mut self, now: Instant) {
        let random = self.secrets.draw();
        self.retry.postpone_joins(now, random);
    }

    /// Writes Leave. Messages of the room may still arrive.
    pub(super) fn leave_room(&mut self, now: Instant, handle: u8) -> bool {
        if ROOMS > 1 {
            self.has_left = true;
        }
        write(now, &mut self.connection, &mut self.message, &ClientMessage::Leave { handle })
    }
}
