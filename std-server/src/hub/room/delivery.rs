//! Delivery to a member (SPEC 6.3, 7): the log after its cursor, and the few messages that its
//! state holds, as far as its send ring has space.

use kabar_core::MAX_DATAGRAM;
use kabar_core::chat::{Info, NOTICE_RATE, NOTICE_STORAGE, ServerMessage, Welcome};
use kabar_core::connection::{MAX_BURST, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::pages::For;
use crate::hub::context::Context;
use crate::hub::encoded::Encoded;
use crate::hub::peer::member::{Due, WelcomeDue};
use crate::hub::peer::{Peer, Phase};

/// Bytes of entries in a send ring that are not sent yet: more than one wake-up can send, so that
/// there is always something left that makes the connection ask for more (SPEC 5.4), and not much
/// more, so that they are still in the processor's cache.
const AHEAD: usize = (MAX_BURST as usize + 1) * MAX_DATAGRAM;
/// Entries written at once.
const MESSAGES_AT_ONCE: usize = 16;

/// The result of one attempt to write something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Written or skipped: continue.
    Done,
    /// There is nothing of this kind, or it has to be read first.
    Nothing,
    /// The send ring is full.
    Full,
    /// The work of this round is done; the rest waits for its next turn.
    Later,
}

impl Room {
    /// Fills the send ring of a member.
    pub(in crate::hub) fn deliver<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) {
        // If the pool had no ring, the connection itself asks again soon, and delivery continues
        // then.
        while peer.member().is_some() {
            match self.deliver_control(now, context, peer) {
                Progress::Done => continue,
                Progress::Full | Progress::Later => return,
                Progress::Nothing => {}
            }
            if self.deliver_tail(now, context, peer) == Progress::Full {
                return;
            }
            // Answers and entries alternate: neither starves the other.
            let answer = self.deliver_answer(now, context, peer);
            let entry = self.deliver_entry(now, context, peer);
            match (answer, entry) {
                (Progress::Full | Progress::Later, _) | (_, Progress::Full | Progress::Later) => return,
                (Progress::Nothing, Progress::Nothing) => return self.note_caught_up(peer),
                _ => {}
            }
        }
    }

    /// Lists a member that has every entry: it is served again when the head moves.
    fn note_caught_up<P: Provider>(&mut self, peer: &mut Peer<P>) {
        let (id, head) = (peer.id, self.log.head());
        if let Some(member) = peer.member_mut()
            && !member.is_caught_up
            && member.cursor >= head
        {
            member.is_caught_up = true;
            self.members.add_caught_up(id);
        }
    }

    /// Sends one message that is neither entry nor answer, the most urgent first.
    fn deliver_control<P: Provider>(&self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) -> Progress {
        let Some(member) = peer.member() else { return Progress::Nothing };
        let (handle, counters) = (self.handle(), &mut context.counters);
        let (instance, welcome) = (member.instance, member.due.welcome.as_deref().copied());
        let Due { post_refused, stored, storage_notice, rate_notice, .. } = member.due;
        let (was_sent, clear): (bool, fn(&mut Due)) = if let Some(welcome) = welcome {
            (self.send_welcome(now, peer, welcome), |due| due.welcome = None)
        } else if let Some((number, code)) = post_refused {
            let message = ServerMessage::PostRefused { handle, instance, number, code };
            (peer.send(now, counters, &message), |due| due.post_refused = None)
        } else if let Some((number, seq)) = stored {
            let message = ServerMessage::Stored { handle, instance, number, seq };
            (peer.send(now, counters, &message), |due| due.stored = None)
        } else if storage_notice {
            let text = "the server cannot store messages at the moment; yours is kept and will be tried again";
            let message = ServerMessage::Info(Info::Notice { code: NOTICE_STORAGE, text });
            (peer.send(now, counters, &message), |due| due.storage_notice = false)
        } else if rate_notice {
            let text = "you are posting faster than this room takes; your messages are kept and sent in turn";
            let message = ServerMessage::Info(Info::Notice { code: NOTICE_RATE, text });
            (peer.send(now, counters, &message), |due| due.rate_notice = false)
        } else {
            return Progress::Nothing;
        };
        if !was_sent {
            return Progress::Full;
        }
        if let Some(member) = peer.member_mut() {
            clear(&mut member.due);
        }
        Progress::Done
    }

    /// Reset (if it is one) and Welcome, both or neither.
    fn send_welcome<P: Provider>(&self, now: Instant, peer: &mut Peer<P>, due: WelcomeDue) -> bool {
        let Some(member) = peer.member() else { return false };
        let welcome = ServerMessage::Welcome(Welcome {
            handle: self.handle(),
            room: self.name(),
            name: member.name.shown(),
            term: self.log.term().term,
            first: self.log.first(),
            head: due.head,
            start: member.cursor,
            instance: member.instance,
            highest_stored: self.log.instance(member.instance).map_or(0, |instance| instance.highest),
            members: u16::try_from(self.members.len()).unwrap_or(u16::MAX),
            proof: due.proof,
        });
        let mut buffer = [0; 1024];
        let mut len = 0;
        if due.is_reset {
            len = ServerMessage::Reset { handle: self.handle() }.encode(&mut buffer).unwrap_or_default();
        }
        len += welcome.encode(&mut buffer[len..]).unwrap_or_default();
        peer.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_ok()
    }

    /// Sends the part of the tail after the cursor, if no answer is in progress. Nearly all entries
    /// are sent here.
    fn deliver_tail<P: Provider>(&self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) -> Progress {
        let Peer { connection, phase: Phase::Member(member), message_limit, .. } = peer else {
            return Progress::Nothing;
        };
        if member.answers.is_answering() || context.config.faults().skip_an_entry() {
            return Progress::Nothing;
        }
        let mut entries = self.log.tail_from(member.cursor + 1).peekable();
        while entries.peek().is_some() {
            if connection.unsent(StreamId::Chat) >= AHEAD {
                return Progress::Full;
            }
            let mut space = connection.send_space(StreamId::Chat);
            let (mut messages, mut count) = ([&[][..]; MESSAGES_AT_ONCE], 0);
            let mut next = None;
            for message in &mut messages {
                next = entries.next_if(|encoded| {
                    let len = encoded.message().len();
                    encoded.body_len() <= member.max_entry_len && len <= usize::from(*message_limit) && len <= space
                });
                let Some(encoded) = next else { break };
                *message = encoded.message();
                space -= message.len();
                count += 1;
            }
            if count > 0 && connection.send(now, StreamId::Chat, &messages[..count]).is_err() {
                return Progress::Full;
            }
            member.cursor += count as u64;
            context.counters.delivered += count as u64;
            if next.is_none() {
                // There are no more, or there is no space, or a stub is due, which deliver_entry
                // sends.
                return Progress::Done;
            }
        }
        Progress::Done
    }

    /// Sends the next entry after the cursor.
    fn deliver_entry<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) -> Progress {
        let Some(member) = peer.member() else { return Progress::Nothing };
        let (seq, largest) = (member.cursor + 1, member.max_entry_len);
        if seq > self.log.head() {
            return Progress::Nothing;
        }
        if !context.take_work(&mut peer.turn) {
            return Progress::Later;
        }
        if !(context.config.faults().skip_an_entry() && seq.is_multiple_of(16)) {
            let Some((_, Some(encoded))) = self.lookup(now, context, peer, seq..=seq, For::Cursor, |_| true) else {
                return Progress::Nothing;
            };
            if !self.send_entry(now, context, peer, &encoded, largest) {
                return Progress::Full;
            }
        }
        if let Some(member) = peer.member_mut() {
            member.cursor = seq;
        }
        Progress::Done
    }

    /// Sends an entry, or a stub of it if it is larger than the member accepts (SPEC 6.2).
    fn send_entry<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        encoded: &Encoded,
        largest: u16,
    ) -> bool {
        let (message, counters) = (encoded.message(), &mut context.counters);
        if encoded.body_len() > largest || message.len() > usize::from(peer.message_limit) {
            let header = encoded.entry().header;
            let stub = ServerMessage::Stub { handle: self.handle(), header, size: encoded.body_len() };
            let was_sent = peer.send(now, counters, &stub);
            counters.stubs += u64::from(was_sent);
            return was_sent;
        }
        let was_sent = peer.connection.send(now, StreamId::Chat, &[message]).is_ok();
        counters.delivered += u64::from(was_sent);
        was_sent
    }
}
