//! Reading messages from a connection's stream (SPEC 6.1). What cannot be taken now stays in the stream: the peer gets no more
//! credit, and that is all there is to backpressure.

use kabar_core::chat::{MAX_MESSAGE_LEN, ToServer, message_len};
use kabar_core::connection::Connection;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_core::wire::frame::StreamId;

use crate::hub::log::HANDLE;
use crate::hub::peer::{History, Phase, Who};
use crate::hub::pool::Pooled;
use crate::hub::timers::Timer;
use crate::hub::{Departure, Hub};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Taken {
    /// It is dealt with.
    Yes,
    /// It has to wait, and all behind it.
    Later,
    /// It breaks its rules.
    Broken,
}

impl<P: Provider> Hub<P> {
    /// Takes all messages that can be taken now, within the budget of the connection.
    pub(in crate::hub) fn read(&mut self, now: Instant, id: u32) {
        // A Join that came too early is not looked at again before its time.
        if self.timers.get(&Timer::Join(id)).is_some() {
            return;
        }
        while let Some(peer) = self.peers.get_mut(&id)
            && matches!(peer.phase, Phase::Unjoined | Phase::Member(_))
            && !self.is_stopping
        {
            let len = match next_message(&mut peer.connection, &mut self.message) {
                Ok(Some(len)) => len,
                Ok(None) => return,
                Err(Broken) => return self.break_off(now, id),
            };
            if self.appender.bytes() >= self.config.limits.unfinished_bytes {
                return self.hold(id);
            }
            if peer.work_left(self.round, self.config.limits.work) == 0 {
                return self.defer(id);
            }
            let message = core::mem::take(&mut self.message);
            let taken = self.take(now, id, message.get(2..len).unwrap_or_default());
            self.message = message;
            match taken {
                Taken::Yes => {}
                Taken::Later => return,
                Taken::Broken => return self.break_off(now, id),
            }
            self.counters.messages_in += 1;
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.connection.consume(StreamId::Chat, len);
                peer.work = peer.work.saturating_sub(1);
            }
            self.mark_ready(id);
        }
    }

    fn take(&mut self, now: Instant, id: u32, message: &[u8]) -> Taken {
        let Some(peer) = self.peers.get_mut(&id) else { return Taken::Broken };
        match (ToServer::decode(message), &mut peer.phase) {
            (Err(_), _) => return Taken::Broken,
            // SPEC 6.1: unknown types are skipped.
            (Ok(None), _) => {}
            (Ok(Some(ToServer::Join(join))), Phase::Unjoined) => return self.on_join(now, id, &join),
            (Ok(Some(ToServer::Post(post))), Phase::Member(_)) if post.handle == HANDLE => {
                return self.on_post(now, id, &post);
            }
            (Ok(Some(ToServer::Who { handle: HANDLE })), Phase::Member(member)) => {
                if member.who.is_some() {
                    return Taken::Later;
                }
                member.who = Some(Who { after: None, remaining: self.members.by_name.len() });
            }
            (Ok(Some(ToServer::History { handle: HANDLE, before, count })), Phase::Member(member)) => {
                if member.history.is_some() {
                    return Taken::Later;
                }
                let end = self.log.head() + 1;
                let before = if before == 0 { end } else { before.min(end) };
                let next = before.saturating_sub(u64::from(count)).max(self.log.first());
                member.history = Some(History { next, last: before - 1 });
            }
            (Ok(Some(ToServer::Leave { handle: HANDLE })), Phase::Member(_)) => {
                self.depart(now, id, Departure::Left);
                self.set_phase(id, Phase::Unjoined);
                self.timers.set(Timer::Phase(id), Some(now + self.config.limits.join_time));
            }
            // Too early, too late, or about a room that is not known here.
            (Ok(Some(_)), _) => return Taken::Broken,
        }
        Taken::Yes
    }

    /// Reads a connection on after the next commit.
    fn hold(&mut self, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.is_held
        {
            peer.is_held = true;
            self.held.push_back(id);
            self.counters.reads_held += 1;
            // While nothing can be stored, people come and go.
            if self.held.len() > 2 * self.peers.len() + 64 {
                let peers = &self.peers;
                self.held.retain(|id| peers.contains_key(id));
            }
        }
    }

    /// Reads on where that was held, longest held first.
    pub(in crate::hub) fn read_on(&mut self, now: Instant) {
        for id in core::mem::take(&mut self.held) {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.is_held = false;
                self.read(now, id);
            }
        }
    }
}

/// A message without a type, or longer than the server stated.
#[derive(Debug)]
struct Broken;

/// Copies the next whole message, length field included, into `out`; returns its length.
fn next_message<P: Provider>(connection: &mut Connection<Pooled, P>, out: &mut [u8]) -> Result<Option<usize>, Broken> {
    let mut prefix = [0; 2];
    if !connection.peek(StreamId::Chat, 0, &mut prefix) {
        return Ok(None);
    }
    let len = message_len(prefix).map_err(|_| Broken)?;
    // SPEC 6.1, 2.4
    if len > MAX_MESSAGE_LEN {
        return Err(Broken);
    }
    let out = out.get_mut(..len).ok_or(Broken)?;
    Ok(connection.peek(StreamId::Chat, 0, out).then_some(len))
}
