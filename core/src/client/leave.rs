//! How a client ends: by leaving when everything is settled, by aborting, or because the server
//! ends it.
//!
//! ```text
//! leave() -> every post settled -> Leave written -> acknowledged (or 1 s) -> CLOSE sent -> Ended
//! ```

use super::zero_option::ZeroOption;
use super::{Client, EndReason, JoinState, Phase, write};
use crate::chat::ClientMessage;
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// How long Leave may take to arrive; if it does not, the server times the member out.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Continues leaving, as far as possible now.
    pub(super) fn drive_leave(&mut self, now: Instant) {
        if self.phase == Phase::Running && self.is_leaving && self.unsettled() == 0 {
            if self.join_state != JoinState::Joined || self.retry.is_lost {
                self.terminate(now, EndReason::Left);
                return;
            }
            self.leave_deadline = now + LEAVE_TIMEOUT;
            self.phase = Phase::Leaving;
            self.handshake.stop();
            let leave = ClientMessage::Leave { handle: self.room.handle };
            // Without room for it, CLOSE alone has the same effect.
            write(now, &mut self.connection, &mut self.message, &leave);
        }
        if self.phase == Phase::Leaving
            && (self.connection.unacknowledged(StreamId::Chat) == 0 || self.leave_deadline <= now)
        {
            self.phase = Phase::Closing;
            self.join_state = JoinState::Disconnected;
            self.connection.close(now, CloseCode::LEFT, "");
        }
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
        self.join_state = JoinState::Disconnected;
        self.retry.stop();
        self.handshake.stop();
        if self.connection.is_open() {
            self.connection.close(now, CloseCode::LEFT, "");
        }
        self.secrets.wipe();
        self.ended = ZeroOption::Some(reason);
    }
}
