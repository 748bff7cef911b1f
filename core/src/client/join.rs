//! Membership: Join, Welcome, and the state of the room after them (SPEC 6.2, 6.3, 7).
//!
//! ```text
//! 1 C->S Join       its signature covers the connection;
//!                   start = the caller's at first, then After(cursor)
//! 2 S->C (Reset)    the cursor is not valid
//! 3 S->C Welcome    its proof is checked first: an impostor learns nothing and delivers nothing
//! ```

use zeroize::Zeroize;

use super::{Client, EndReason, JoinState, Phase, QueuedEvent, write};
use crate::chat::message::{join_statement, server_proof};
use crate::chat::{ClientMessage, Join, Start, Term, Welcome};
use crate::client::event_queue::Joined;
use crate::crypto::Provider;
use crate::crypto::kdf::{self, Secret};
use crate::crypto::rsa::ServerKey;
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::CloseCode;

/// Most bytes that a Join signs: the label, exporter, identity and the longest name.
const STATEMENT_LEN: usize = 160;

/// The state of the membership, as the server last reported it.
pub(super) struct Room {
    pub(super) handle: u8,
    /// Joined at least once since the start: the cursor is valid.
    pub(super) is_member: bool,
    /// The last entry delivered.
    pub(super) cursor: u64,
    pub(super) term: Term,
    /// 0: none yet.
    pub(super) instance: u64,
    /// Largest message that the server of this connection accepts, in bytes.
    pub(super) largest_message: u16,
    /// The expected proof of the server of this connection. Kept, because Welcome may be read after
    /// the connection has ended.
    proof: [u8; 32],
    /// Reset was received, Welcome not yet.
    is_reset: bool,
}

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

impl Room {
    pub(super) const fn new() -> Self {
        Self {
            handle: 0,
            is_member: false,
            cursor: 0,
            term: Term([0; 8]),
            instance: 0,
            largest_message: 0,
            proof: [0; 32],
            is_reset: false,
        }
    }

    /// Resets the state that belongs to a connection. `largest_message`: the limit of the new one,
    /// in bytes.
    pub(super) const fn begin(&mut self, largest_message: u16) {
        self.largest_message = largest_message;
        self.is_reset = false;
    }
}

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Signs and writes Join: one public-key operation.
    #[inline(never)] // Keeps its locals out of the stack frames of the other steps.
    pub(super) fn send_join(&mut self, now: Instant) {
        let (Some(identity), Some(exporter)) = (self.secrets.identity(), self.connection.exporter()) else { return };
        let exporter = Secret::new(*exporter);
        let public = identity.public();
        if let Some(secret) = self.secrets.room_secret() {
            self.room.proof = server_proof(secret, exporter.expose());
        }
        let mut statement = [0; STATEMENT_LEN];
        let signature = join_statement(exporter.expose(), &public, &self.config.room, &mut statement)
            .ok()
            .and_then(|len| statement.get(..len))
            .map(|statement| identity.sign(statement));
        let is_written = signature.is_some_and(|signature| {
            let join = ClientMessage::Join(Join {
                room: &self.config.room,
                name: &self.config.name,
                identity: public,
                signature,
                authentication: self.secrets.authentication(exporter.expose()),
                instance: self.room.instance,
                start: self.next_start(),
                max_entry_len: self.config.max_entry_len,
                // SPEC 6.2: this member may have been renamed since its first Join.
                is_default_name: self.config.is_default_name || self.room.is_member,
            });
            write(now, &mut self.connection, &mut self.message, &join)
        });
        // It may have contained the password.
        self.message.zeroize();
        if is_written {
            self.join_state = JoinState::AwaitingWelcome;
        } else {
            // The rings are empty and larger than any Join, so this does not happen; if it does,
            // the next attempt starts over.
            self.abandon_connection(now, CloseCode::INTERNAL);
        }
    }

    /// Reset: the Welcome that follows begins a new history.
    pub(super) fn reset(&mut self) -> Result<(), ProtocolViolation> {
        if self.join_state != JoinState::AwaitingWelcome {
            return Err(ProtocolViolation);
        }
        self.room.is_reset = true;
        Ok(())
    }

    pub(super) fn welcome(&mut self, now: Instant, welcome: &Welcomed) -> Result<(), ProtocolViolation> {
        if self.join_state != JoinState::AwaitingWelcome {
            return Err(ProtocolViolation);
        }
        // SPEC 6.3: with the room's secret the server has to prove that it knows it too.
        if self.secrets.room_secret().is_some() && !kdf::ct_eq(&welcome.proof, &self.room.proof) {
            self.terminate(now, EndReason::ServerProofInvalid);
            return Ok(());
        }
        let gap = self.check_start(welcome)?;
        let is_resumed = self.room.is_member && !self.room.is_reset;
        if core::mem::take(&mut self.room.is_reset) {
            self.events.push(QueuedEvent::Reset);
        }
        if let Some((after, first)) = gap {
            self.events.push(QueuedEvent::Gap { after, first });
        }
        self.room.handle = welcome.handle;
        self.room.term = welcome.term;
        self.room.cursor = welcome.start;
        self.room.is_member = true;
        self.join_state = JoinState::Joined;
        self.retry.joined(now);
        let Welcomed { members, start, head, .. } = *welcome;
        self.events.push(QueuedEvent::Joined(Joined { members, start, head, is_resumed }));
        self.resume_posts(welcome.instance, welcome.highest)
    }

    /// SPEC 7, S4: delivery continues directly after the cursor, or after the entries that are no
    /// longer kept, which is a gap to report.
    fn check_start(&self, welcome: &Welcomed) -> Result<Option<(u64, u64)>, ProtocolViolation> {
        let floor = welcome.first.checked_sub(1).ok_or(ProtocolViolation)?;
        if welcome.instance == 0 || welcome.start < floor || welcome.start > welcome.head {
            return Err(ProtocolViolation);
        }
        let Start::After { seq: after, .. } = self.next_start() else { return Ok(None) };
        if self.room.is_reset {
            return Ok(None);
        }
        if welcome.start != after.max(floor) {
            return Err(ProtocolViolation);
        }
        Ok((welcome.start > after).then_some((after, welcome.first)))
    }

    /// SPEC 6.5: begins with the lowest unsettled post above `highest`.
    fn resume_posts(&mut self, instance: u64, highest: u64) -> Result<(), ProtocolViolation> {
        if instance != self.room.instance {
            self.room.instance = instance;
            self.outbox.renumber();
        }
        let highest = self.outbox.local(highest).ok_or(ProtocolViolation)?;
        if self.outbox.settle(highest) {
            self.events.push(QueuedEvent::Stored { number: highest });
        }
        self.outbox.rewind();
        Ok(())
    }

    fn next_start(&self) -> Start {
        if self.room.is_member { self.config.resume(self.room.cursor, self.room.term) } else { self.config.start }
    }

    /// Whether `handle` is that of the current room.
    pub(super) fn is_current_room(&self, handle: u8) -> bool {
        self.join_state == JoinState::Joined && self.room.handle == handle && self.phase != Phase::Ended
    }
}
