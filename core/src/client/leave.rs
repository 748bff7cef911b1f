//! How a client ends: by leaving when everything is settled, by aborting, or because the server said so.
//!
//! ```text
//! leave() -> every post settled -> Leave written -> acknowledged (or 1 s) -> CLOSE out -> Ended
//! ```

use super::{Client, EndReason, Link, Phase, Told, write};
use crate::chat::ClientMessage;
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::time::{Duration, Instant};
use crate::transport::BufferProvider;
use crate::wire::frame::{CloseCode, StreamId};

/// How long Leave may take to arrive; a server that does not hear it times the member out.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Goes on with leaving, as far as it can now.
    pub(super) fn progress_leave(&mut self) {
        if self.phase == Phase::Running && self.is_leaving && self.unsettled() == 0 {
            if self.link != Link::Online || self.retry.is_lost {
                self.end(EndReason::Left);
                return;
            }
            self.leave_by = self.now + LEAVE_TIMEOUT;
            self.phase = Phase::Leaving;
            self.handshake.stop();
            let leave = ClientMessage::Leave { handle: self.room.handle };
            // Without room for it, CLOSE alone says the same.
            write(&mut self.connection, &mut self.message, &leave);
            self.is_dirty = true;
        }
        if self.phase == Phase::Leaving
            && (self.connection.unacknowledged(StreamId::Chat) == 0 || self.leave_by <= self.now)
        {
            self.phase = Phase::Closing;
            self.link = Link::Down;
            self.connection.close(self.now, CloseCode::LEFT, "");
            self.is_dirty = true;
        }
    }

    /// When [`Client::progress_leave`] has something to do.
    pub(super) fn leave_timeout(&self) -> Option<Instant> {
        (self.phase == Phase::Leaving).then_some(self.leave_by)
    }

    /// Everything that was to be sent is out.
    pub(super) fn finish_leave(&mut self) {
        if self.phase == Phase::Closing {
            self.end(EndReason::Left);
        }
    }

    /// Ends for good: nothing secret stays. The outbox stays, so that what is unsettled can be asked.
    pub(super) fn end(&mut self, reason: EndReason) {
        self.phase = Phase::Ended;
        self.link = Link::Down;
        self.retry.stop();
        self.handshake.stop();
        if self.connection.is_open() {
            self.connection.close(self.now, CloseCode::LEFT, "");
        }
        self.secrets.wipe();
        self.pending.push(Told::Ended(reason));
        self.is_dirty = true;
    }
}
