//! How a client ends, by leaving when everything is settled, by aborting, or because the server
//! ends it; and how it leaves one of several rooms.
//!
//! ```text
//! leave() -> every post settled -> Leave written -> acknowledged (or 1 s) -> CLOSE sent -> Ended
//! part()  -> every post of the room settled -> Leave written -> RoomEnded
//! ```

use super::room::{Room, RoomSlot, RoomState};
use super::zero_option::ZeroOption;
use super::{Client, EndReason, Phase};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// How long Leave may take to arrive; if it does not, the server times the member out.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
{
    /// Continues leaving, as far as possible now.
    pub(super) fn drive_leave(&mut self, now: Instant) {
        // Nothing is reported after the end.
        if ROOMS > 1 && self.phase != Phase::Ended {
            self.drive_part(now);
        }
        if self.phase == Phase::Running && self.is_leaving && self.is_settled() {
            if !self.rooms.any(Room::is_joined) || self.retry.is_lost {
                self.terminate(now, EndReason::Left);
                return;
            }
            self.leave_deadline = now + LEAVE_TIMEOUT;
            self.phase = Phase::Leaving;
            self.handshake.stop();
            for slot in RoomSlot::all::<ROOMS>() {
                match self.rooms.get(slot).handle() {
                    // Without room for it, CLOSE alone has the same effect.
                    Some(handle) => _ = self.leave_room(now, handle),
                    None if ROOMS > 1 && self.rooms.get(slot).state == RoomState::Signing => {
                        self.rooms.get_mut(slot).state = RoomState::Waiting;
                    }
                    None => {}
                }
            }
        }
        if self.phase == Phase::Leaving
            && (self.connection.unacknowledged(StreamId::Chat) == 0 || self.leave_deadline <= now)
        {
            self.phase = Phase::Closing;
            self.disconnect();
            self.connection.close(now, CloseCode::LEFT, "");
        }
    }

    /// Leaves the rooms that are to be left and of which every post is settled.
    fn drive_part(&mut self, now: Instant) {
        for slot in RoomSlot::all::<ROOMS>() {
            let room = self.rooms.get(slot);
            if !room.is_parting || self.outbox.unsettled(slot) > 0 {
                continue;
            }
            let is_left = match room.state {
                RoomState::Waiting | RoomState::Signing => true,
                // Without space for it: later.
                RoomState::Joined { handle } => self.leave_room(now, handle),
                // Until the Join is answered; or it has ended.
                _ => false,
            };
            if is_left {
                let room = self.rooms.get_mut(slot);
                room.state = RoomState::Left;
                room.credential.wipe();
            }
        }
    }

    /// Whether no room has a post that is neither stored nor refused.
    fn is_settled(&self) -> bool {
        RoomSlot::find::<ROOMS>(|slot| self.outbox.unsettled(slot) > 0 && self.rooms.get(slot).is_used()).is_none()
    }

    /// There is no connection any longer, or its messages are not wanted.
    pub(super) fn disconnect(&mut self) {
        self.is_connected = false;
        self.rooms.disconnect();
    }

    /// When [`Client::drive_leave`] is due.
    pub(super) fn leave_timeout(&self) -> Option<Instant> {
        (self.phase == Phase::Leaving).then_some(self.leave_deadline)
    }

    /// All datagrams were sent.
    pub(super) fn on_drained(&mut self, now: Instant) {
        if self.phase == Phase::Closing {
            self.terminate(now, EndReason::Left);
        }
    }

    /// Ends the client and wipes its secrets. The outbox stays, so that the caller can query the
    /// unsettled posts.
    pub(super) fn terminate(&mut self, now: Instant, reason: EndReason) {
        self.phase = Phase::Ended;
        self.disconnect();
        self.retry.stop();
        self.handshake.stop();
        if self.connection.is_open() {
            self.connection.close(now, CloseCode::LEFT, "");
        }
        self.secrets.wipe();
        self.rooms.wipe();
        self.ended = ZeroOption::Some(reason);
    }
}
