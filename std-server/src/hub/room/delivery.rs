//! Delivery to a member (SPEC 6.3, 7): the log after its cursor, and O(1) besides. As much as its
//! send ring takes, nothing more.

use core::ops::RangeInclusive;

use kabar_core::MAX_DATAGRAM;
use kabar_core::chat::message::server_proof;
use kabar_core::chat::{MAX_NAME_LEN, NOTICE_STORAGE, PAST_OVERHEAD, ServerMessage, Welcome};
use kabar_core::connection::MAX_BURST;
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::pages::{For, Lookup, PAGE};
use crate::hub::context::Context;
use crate::hub::encoded::Encoded;
use crate::hub::events::LeaveReason;
use crate::hub::peer::member::{History, Listing, Member, WelcomeDue};
use crate::hub::peer::{Peer, Phase};

/// Bytes of entries in a send ring ahead of what is sent: more than one wake-up can send, so that
/// there is always something left that makes the connection ask for more (SPEC 5.4), and not much
/// more, so that they are still in the processor's cache.
const AHEAD: usize = (MAX_BURST as usize + 1) * MAX_DATAGRAM;
/// Entries written at once.
const MESSAGES_AT_ONCE: usize = 16;

/// Names written at once, and the longest message of one.
const NAMES_AT_ONCE: usize = 16;
const MEMBER_LEN: usize = 7 + MAX_NAME_LEN;

/// The result of one attempt to write something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Written (or passed over): go on.
    Done,
    /// There is nothing of this sort, or it has to be read first.
    Nothing,
    /// The send ring is full.
    Full,
    /// The work of this round is done; the rest waits for its next turn.
    Later,
}

impl Room {
    /// Fills the send ring of a member.
    pub(in crate::hub) fn deliver<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) {
        // If the ring is full because the pool had none, the connection itself asks again soon, and
        // then it is delivered to again.
        while peer.member().is_some() {
            match self.deliver_control(now, context, peer) {
                Progress::Done => continue,
                Progress::Full | Progress::Later => return,
                Progress::Nothing => {}
            }
            if self.deliver_tail(now, context, peer) == Progress::Full {
                return;
            }
            // Answers and the log in turn: neither starves the other.
            let answer = self.deliver_answer(now, context, peer);
            let entry = self.deliver_entry(now, context, peer);
            match (answer, entry) {
                (Progress::Full | Progress::Later, _) | (_, Progress::Full | Progress::Later) => return,
                (Progress::Nothing, Progress::Nothing) => return self.note_caught_up(peer),
                _ => {}
            }
        }
    }

    /// Lists a member that has everything: it is served again when there is more.
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
        let Member { instance, welcome, post_refused, stored, notice, .. } = *member;
        let (was_sent, clear): (bool, fn(&mut Member)) = if let Some(welcome) = welcome {
            (self.send_welcome(now, peer, welcome), |member| member.welcome = None)
        } else if let Some((number, code)) = post_refused {
            let message = ServerMessage::PostRefused { handle, instance, number, code };
            (peer.send(now, counters, &message), |member| member.post_refused = None)
        } else if let Some((number, seq)) = stored {
            let message = ServerMessage::Stored { handle, instance, number, seq };
            (peer.send(now, counters, &message), |member| member.stored = None)
        } else if notice {
            let text = "the server cannot store messages at the moment; yours is kept and will be tried again";
            (peer.send(now, counters, &ServerMessage::Notice { code: NOTICE_STORAGE, text }), |member| {
                member.notice = false
            })
        } else {
            return Progress::Nothing;
        };
        if !was_sent {
            return Progress::Full;
        }
        if let Some(member) = peer.member_mut() {
            clear(member);
        }
        Progress::Done
    }

    /// Reset (if it is one) and Welcome, both or neither.
    fn send_welcome<P: Provider>(&self, now: Instant, peer: &mut Peer<P>, due: WelcomeDue) -> bool {
        let Some(exporter) = peer.connection.exporter().copied() else { return false };
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
            proof: server_proof(&self.settings.secret, &exporter),
        });
        let mut buffer = [0; 1024];
        let mut len = 0;
        if due.is_reset {
            len = ServerMessage::Reset { handle: self.handle() }.encode(&mut buffer).unwrap_or_default();
        }
        len += welcome.encode(&mut buffer[len..]).unwrap_or_default();
        peer.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_ok()
    }

    /// Sends the part of the tail that is after the cursor, if no answer is in progress: the way of
    /// nearly all entries.
    fn deliver_tail<P: Provider>(&self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) -> Progress {
        let Peer { connection, phase: Phase::Member(member), message_limit, .. } = peer else {
            return Progress::Nothing;
        };
        if member.is_answering() || context.config.faults().skip_an_entry() {
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
                // There is no more, no room, or a stub is due, which deliver_entry sends.
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

    /// Sends an entry as it is, or as a stub if it is larger than the member takes (SPEC 6.2).
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

    /// The first entry of `range` that `takes` wants, and its seq, from the tail or a page. If
    /// there is none among as many as a page has, the seq to look on from. `None`: it has to be
    /// read; the connection is served again then.
    fn lookup<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        range: RangeInclusive<u64>,
        purpose: For,
        takes: impl Fn(&Encoded) -> bool,
    ) -> Option<(u64, Option<Encoded>)> {
        context.counters.lookups += 1;
        let (seq, last) = (*range.start(), *range.end());
        if self.log.in_tail(seq).is_some() {
            let last = last.min(seq + PAGE - 1);
            let mut entries = (seq..=last).zip(self.log.tail_from(seq));
            let found = entries.find(|(_, encoded)| takes(encoded));
            return Some(found.map_or((last + 1, None), |(at, encoded)| (at, Some(encoded.clone()))));
        }
        let is_kept = seq >= self.log.first();
        match if is_kept { self.pages.lookup(range, takes) } else { Lookup::Gone } {
            Lookup::Here(at, encoded) => Some((at, Some(encoded))),
            Lookup::Passed(next) => Some((next, None)),
            Lookup::Later => {
                self.pages.want(seq, peer.id, purpose);
                None
            }
            Lookup::Gone => {
                // The entry after its cursor is not kept. A new Join begins at what is there, and
                // reports that.
                self.remove_member(now, context, peer, LeaveReason::Vanished);
                peer.close(now, context, CloseCode::INTERNAL, "history was removed");
                None
            }
        }
    }

    /// Sends the next answer to Who or History.
    fn deliver_answer<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) -> Progress {
        let Some(member) = peer.member() else { return Progress::Nothing };
        if !member.is_answering() {
            return Progress::Nothing;
        }
        let history = member.history.filter(|_| member.listing.is_none());
        if !context.take_work(&mut peer.turn) {
            return Progress::Later;
        }
        let progress = match history {
            Some(history) => self.deliver_history(now, context, peer, history),
            None => self.deliver_names(now, context, peer),
        };
        // The next question may wait in its stream: it is read with the next input.
        if peer.member().is_some_and(|member| !member.is_answering()) && peer.connection.readable(StreamId::Chat) > 0 {
            context.turns.defer(&mut peer.turn);
        }
        progress
    }

    fn deliver_names<P: Provider>(&self, now: Instant, context: &mut Context<P>, peer: &mut Peer<P>) -> Progress {
        let Peer { connection, phase: Phase::Member(member), .. } = peer else { return Progress::Nothing };
        let Some(listing) = &member.listing else { return Progress::Nothing };
        let mut rest = self.members.names_after(listing.after.as_deref()).peekable();
        let mut buffer = [0; NAMES_AT_ONCE * MEMBER_LEN];
        let (mut len, mut count, mut left, mut after, mut is_last) = (0, 0, listing.remaining, None, false);
        while count < NAMES_AT_ONCE && !is_last {
            let next = rest.next();
            is_last = rest.peek().is_none();
            left = left.saturating_sub(1);
            // SPEC 6.3: the last one states 0; others never do, however many came or went
            // meanwhile.
            let remaining = if is_last { 0 } else { u16::try_from(left.max(1)).unwrap_or(u16::MAX) };
            let name = next.map(|(_, name)| name.shown());
            let message = ServerMessage::Member { handle: self.handle(), remaining, name };
            len += message.encode(&mut buffer[len..]).expect("there is room for as many of the longest");
            after = next.map(|(folded, _)| folded);
            count += 1;
        }
        if connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_err() {
            return Progress::Full;
        }
        context.counters.messages_out += count as u64;
        let rest = (!is_last).then_some(Listing { after: after.cloned(), remaining: left });
        member.listing = rest;
        Progress::Done
    }

    fn deliver_history<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        history: History,
    ) -> Progress {
        let History { next, last } = history;
        let (largest, limit) =
            (peer.member().map_or(0, |member| member.max_entry_len), usize::from(peer.message_limit));
        let takes = |encoded: &Encoded| {
            encoded.body_len() <= largest && PAST_OVERHEAD + usize::from(encoded.body_len()) <= limit
        };
        let (at, entry) = if next > last {
            (next, None)
        } else if let Some(found) = self.lookup(now, context, peer, next..=last, For::Answer, takes) {
            found
        } else {
            return Progress::Nothing;
        };
        let next = at + u64::from(entry.is_some());
        let is_last = next > last;
        // SPEC 6.3: entries that the member does not take are left out; the last answer always
        // states 0.
        if entry.is_some() || is_last {
            let remaining = u16::try_from(last.saturating_sub(at)).unwrap_or(u16::MAX);
            let entry = entry.as_ref().map(Encoded::entry);
            if !peer.send(now, &mut context.counters, &ServerMessage::Past { handle: self.handle(), remaining, entry })
            {
                return Progress::Full;
            }
        }
        let Some(member) = peer.member_mut() else { return Progress::Nothing };
        member.history = (!is_last).then_some(History { next, last });
        Progress::Done
    }
}
