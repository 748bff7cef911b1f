//! Delivery to a member (SPEC 6.3, 7): the log after its cursor, and the few messages that its
//! state holds, as far as its send ring has space. (`hub::delivery` serves the members of a
//! connection in turn.)

use kabar_core::MAX_DATAGRAM;
use kabar_core::chat::{Info, NOTICE_RATE, NOTICE_STORAGE, ServerMessage, Welcome};
use kabar_core::connection::{MAX_BURST, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use crate::hub::context::Context;
use crate::hub::encoded::{Encoded, HEAD_LEN};
use crate::hub::pages::{For, Lookup};
use crate::hub::peer::Link;
use crate::hub::peer::member::{Due, Member, WelcomeDue};

/// Bytes of entries in a send ring that are not sent yet: more than one wake-up can send, so that
/// there is always something left that makes the connection ask for more (SPEC 5.4), and not much
/// more, so that they are still in the processor's cache.
const AHEAD: usize = (MAX_BURST as usize + 1) * MAX_DATAGRAM;
/// Entries written at once.
const MESSAGES_AT_ONCE: usize = 16;

/// The result of one attempt to write something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Progress {
    /// Written or skipped: continue.
    Done,
    /// There is nothing of this kind, or it has to be read first.
    Nothing,
    /// The send ring is full.
    Full,
    /// The work of this round is done; the rest waits for its next turn.
    Later,
    /// An entry that has to be sent is not kept.
    Gone,
}

impl Room {
    /// Sends the next part of the answers and entries that a member is to get.
    /// [`Progress::Nothing`]: there is no more, or it has to be read first.
    pub(in crate::hub) fn deliver<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        if self.deliver_tail(now, context, link, member) == Progress::Full {
            return Progress::Full;
        }
        // Answers and entries alternate: neither starves the other.
        let answer = self.deliver_answer(now, context, link, member);
        let entry = self.deliver_entry(now, context, link, member);
        match (answer, entry) {
            (Progress::Done | Progress::Nothing, Progress::Done) | (Progress::Done, Progress::Nothing) => {
                Progress::Done
            }
            (Progress::Done | Progress::Nothing, other) => {
                if other == Progress::Nothing {
                    self.note_caught_up(link.id, member);
                }
                other
            }
            (other, _) => other,
        }
    }

    /// Lists a member that has every entry: it is served again when the head moves.
    fn note_caught_up(&mut self, id: u32, member: &mut Member) {
        if !member.is_caught_up && member.cursor >= self.log.head() {
            member.is_caught_up = true;
            self.members.add_caught_up(id);
        }
    }

    /// Sends one message that is neither entry nor answer, the most urgent first.
    pub(in crate::hub) fn deliver_control<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        let (handle, counters) = (member.handle, &mut context.counters);
        let (instance, welcome) = (member.instance, member.due.welcome.as_deref().copied());
        let Due { post_refused, stored, storage_notice, rate_notice, .. } = member.due;
        let (was_sent, clear): (bool, fn(&mut Due)) = if let Some(welcome) = welcome {
            (self.send_welcome(now, link, member, welcome), |due| due.welcome = None)
        } else if let Some((number, code)) = post_refused {
            let message = ServerMessage::PostRefused { handle, instance, number, code };
            (link.send(now, counters, &message), |due| due.post_refused = None)
        } else if let Some((number, seq)) = stored {
            let message = ServerMessage::Stored { handle, instance, number, seq };
            (link.send(now, counters, &message), |due| due.stored = None)
        } else if storage_notice {
            let text = "the server cannot store messages at the moment; yours is kept and will be tried again";
            let message = ServerMessage::Info(Info::Notice { code: NOTICE_STORAGE, text });
            (link.send(now, counters, &message), |due| due.storage_notice = false)
        } else if rate_notice {
            let text = "you are posting faster than this room takes; your messages are kept and sent in turn";
            let message = ServerMessage::Info(Info::Notice { code: NOTICE_RATE, text });
            (link.send(now, counters, &message), |due| due.rate_notice = false)
        } else {
            return Progress::Nothing;
        };
        if !was_sent {
            return Progress::Full;
        }
        clear(&mut member.due);
        Progress::Done
    }

    /// Reset (if it is one), Welcome, and Topic, all or none.
    fn send_welcome<P: Provider>(&self, now: Instant, link: &mut Link<P>, member: &Member, due: WelcomeDue) -> bool {
        let welcome = ServerMessage::Welcome(Welcome {
            handle: member.handle,
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
            len = ServerMessage::Reset { handle: member.handle }.encode(&mut buffer).unwrap_or_default();
        }
        len += welcome.encode(&mut buffer[len..]).unwrap_or_default();
        let topic = ServerMessage::Info(Info::Topic { handle: member.handle, topic: &self.settings.topic });
        len += topic.encode(&mut buffer[len..]).unwrap_or_default();
        link.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_ok()
    }

    /// Sends the part of the tail after the cursor, if no answer is in progress. Nearly all entries
    /// are sent here.
    fn deliver_tail<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        let Link { connection, message_limit, .. } = link;
        if member.answers.is_answering() || context.config.faults().skip_an_entry() {
            return Progress::Nothing;
        }
        let mut entries = self.log.tail_from(member.cursor + 1).peekable();
        while entries.peek().is_some() {
            if connection.unsent(StreamId::Chat) >= AHEAD {
                return Progress::Full;
            }
            let mut space = connection.send_space(StreamId::Chat);
            let (mut heads, mut rests, mut count) = ([[0; HEAD_LEN]; MESSAGES_AT_ONCE], [&[][..]; MESSAGES_AT_ONCE], 0);
            let mut next = None;
            for (head, rest) in heads.iter_mut().zip(&mut rests) {
                next = entries.next_if(|encoded| {
                    let len = encoded.message_len();
                    encoded.body_len() <= member.max_entry_len && len <= usize::from(*message_limit) && len <= space
                });
                let Some(encoded) = next else { break };
                (*head, *rest) = (encoded.head(member.handle), encoded.rest());
                space -= encoded.message_len();
                count += 1;
            }
            let mut parts = [&[][..]; 2 * MESSAGES_AT_ONCE];
            for (pair, (head, rest)) in parts.chunks_exact_mut(2).zip(heads.iter().zip(rests)) {
                pair.copy_from_slice(&[head, rest]);
            }
            if count > 0 && connection.send(now, StreamId::Chat, &parts[..2 * count]).is_err() {
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
    fn deliver_entry<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        let seq = member.cursor + 1;
        if seq > self.log.head() {
            return Progress::Nothing;
        }
        if !context.take_work(&mut link.turn) {
            return Progress::Later;
        }
        if !(context.config.faults().skip_an_entry() && seq.is_multiple_of(16)) {
            let encoded = match self.lookup(context, link.id, seq..=seq, For::Cursor, |_| true) {
                Lookup::Here(_, encoded) => encoded,
                Lookup::Passed(_) | Lookup::Later => return Progress::Nothing,
                Lookup::Gone => return Progress::Gone,
            };
            if !send_entry(now, context, link, member, &encoded) {
                return Progress::Full;
            }
        }
        member.cursor = seq;
        Progress::Done
    }
}

/// Sends an entry, or a stub of it if it is larger than the member accepts (SPEC 6.2).
fn send_entry<P: Provider>(
    now: Instant,
    context: &mut Context<P>,
    link: &mut Link<P>,
    member: &Member,
    encoded: &Encoded,
) -> bool {
    let (handle, counters) = (member.handle, &mut context.counters);
    if encoded.body_len() > member.max_entry_len || encoded.message_len() > usize::from(link.message_limit) {
        let header = encoded.entry().header;
        let was_sent = link.send(now, counters, &ServerMessage::Stub { handle, header, size: encoded.body_len() });
        counters.stubs += u64::from(was_sent);
        return was_sent;
    }
    let was_sent = link.connection.send(now, StreamId::Chat, &[&encoded.head(handle), encoded.rest()]).is_ok();
    counters.delivered += u64::from(was_sent);
    was_sent
}
