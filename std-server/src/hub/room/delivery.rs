//! What a member gets (SPEC 6.3, 7): the log behind its cursor, and O(1) besides. As much as its send ring takes, nothing more.

use core::ops::RangeInclusive;

use kabar_core::chat::message::server_proof;
use kabar_core::chat::{MAX_NAME_LEN, NOTICE_STORAGE, PAST_OVERHEAD, ToClient, Welcome};
use kabar_core::connection::MAX_BURST;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_core::wire::frame::{CloseCode, StreamId};

use crate::hub::log::{Encoded, HANDLE};
use crate::hub::pages::{For, Lookup, PAGE};
use crate::hub::peer::{History, Member, Peer, Phase, WelcomeDue, Who};
use crate::hub::{Departure, Hub, MAX_DATAGRAM};

/// Bytes of entries that lie in a send ring ahead of what is sent: more than one wake-up can send, so that there is always something
/// left that makes the connection ask for more (SPEC 5.4), and not much more, so that they are still in the processor's cache.
const AHEAD: usize = (MAX_BURST as usize + 1) * MAX_DATAGRAM;
/// Entries written in one go.
const MESSAGES_AT_ONCE: usize = 16;

/// Names told in one go, and the longest message of one.
const NAMES_AT_ONCE: usize = 16;
const MEMBER_LEN: usize = 7 + MAX_NAME_LEN;

/// One attempt to write something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Written (or passed over): go on.
    Done,
    /// There is nothing of this sort, or it has to be read first.
    Nothing,
    /// The send ring is full.
    Full,
    /// Its work of this round is done; the rest is for its next turn.
    Later,
}

impl<P: Provider> Hub<P> {
    /// Fills the send ring of a member.
    pub(in crate::hub) fn deliver(&mut self, now: Instant, id: u32) {
        if self.peers.get(&id).is_none_or(|peer| peer.member().is_none()) {
            return;
        }
        // If the ring is full because the pool had none, the connection itself asks again soon, and then it is delivered to again.
        loop {
            match self.deliver_control(id) {
                Step::Done => continue,
                Step::Full | Step::Later => return,
                Step::Nothing => {}
            }
            if self.deliver_tail(id) == Step::Full {
                return;
            }
            // Answers and the log in turn: neither starves the other.
            let answer = self.deliver_answer(now, id);
            let entry = self.deliver_entry(now, id);
            match (answer, entry) {
                (Step::Full | Step::Later, _) | (_, Step::Full | Step::Later) => return,
                (Step::Nothing, Step::Nothing) => return self.note_at_head(id),
                _ => {}
            }
        }
    }

    /// Notes a member that has everything: it is asked again when there is more.
    fn note_at_head(&mut self, id: u32) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !peer.is_at_head && peer.member().is_some_and(|member| member.cursor >= self.log.head()) {
            peer.is_at_head = true;
            self.at_head.push(id);
            // Who has gone meanwhile stays noted until the head moves: not for ever in a room where people come and go and say nothing.
            if self.at_head.len() > 2 * self.peers.len() + 64 {
                let peers = &self.peers;
                self.at_head.retain(|id| peers.contains_key(id));
            }
        }
    }

    /// Everything but entries and answers, most urgent first.
    fn deliver_control(&mut self, id: u32) -> Step {
        let Some(member) = self.peers.get(&id).and_then(|peer| peer.member()) else { return Step::Nothing };
        let Member { instance, welcome, post_refused, stored, notice, .. } = *member;
        let (was_sent, clear): (bool, fn(&mut Member)) = if let Some(welcome) = welcome {
            (self.send_welcome(id, welcome), |member| member.welcome = None)
        } else if let Some((number, code)) = post_refused {
            let message = ToClient::PostRefused { handle: HANDLE, instance, number, code };
            (self.send(id, &message), |member| member.post_refused = None)
        } else if let Some((number, seq)) = stored {
            let message = ToClient::Stored { handle: HANDLE, instance, number, seq };
            (self.send(id, &message), |member| member.stored = None)
        } else if notice {
            let text = "the server cannot store messages at the moment; yours is kept and will be tried again";
            (self.send(id, &ToClient::Notice { code: NOTICE_STORAGE, text }), |member| member.notice = false)
        } else {
            return Step::Nothing;
        };
        if !was_sent {
            return Step::Full;
        }
        if let Some(member) = self.peers.get_mut(&id).and_then(|peer| peer.member_mut()) {
            clear(member);
        }
        Step::Done
    }

    /// Reset (if it is one) and Welcome, both or neither.
    fn send_welcome(&mut self, id: u32, due: WelcomeDue) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let Some(exporter) = peer.connection.exporter().copied() else { return false };
        let Some(member) = peer.member() else { return false };
        let welcome = ToClient::Welcome(Welcome {
            handle: HANDLE,
            room: &self.room,
            name: member.name.shown(),
            term: self.log.term().term,
            first: self.log.first(),
            head: due.head,
            start: member.cursor,
            instance: member.instance,
            highest: self.log.instance(member.instance).map_or(0, |instance| instance.highest),
            members: u16::try_from(self.members.by_identity.len()).unwrap_or(u16::MAX),
            proof: server_proof(&self.config.secret, &exporter),
        });
        let mut buffer = [0; 1024];
        let mut len = 0;
        if due.is_reset {
            len = ToClient::Reset { handle: HANDLE }.encode(&mut buffer).unwrap_or_default();
        }
        len += welcome.encode(&mut buffer[len..]).unwrap_or_default();
        peer.connection.send(StreamId::Chat, &[&buffer[..len]]).is_ok()
    }

    /// Whatever of the tail is behind the cursor, if no answers are under way: the way that nearly everything goes.
    fn deliver_tail(&mut self, id: u32) -> Step {
        let Self { peers, log, counters, config, .. } = self;
        let Some(peer) = peers.get_mut(&id) else { return Step::Nothing };
        let Peer { connection, phase: Phase::Member(member), message_limit, .. } = &mut **peer else {
            return Step::Nothing;
        };
        if member.who.is_some() || member.history.is_some() || config.mistakes.skip_an_entry {
            return Step::Nothing;
        }
        let mut entries = log.tail_from(member.cursor + 1).peekable();
        while entries.peek().is_some() {
            if connection.unsent(StreamId::Chat) >= AHEAD {
                return Step::Full;
            }
            let mut space = connection.send_space(StreamId::Chat);
            let (mut messages, mut count) = ([&[][..]; MESSAGES_AT_ONCE], 0);
            let mut next = None;
            for message in &mut messages {
                next = entries.next_if(|encoded| {
                    let len = encoded.message().len();
                    encoded.body_len() <= member.largest_entry && len <= usize::from(*message_limit) && len <= space
                });
                let Some(encoded) = next else { break };
                *message = encoded.message();
                space -= message.len();
                count += 1;
            }
            if count > 0 && connection.send(StreamId::Chat, &messages[..count]).is_err() {
                return Step::Full;
            }
            member.cursor += count as u64;
            counters.delivered += count as u64;
            if next.is_none() {
                // There is no more, no room, or a stub is due: what follows sees to it.
                return Step::Done;
            }
        }
        Step::Done
    }

    /// The next entry behind the cursor.
    fn deliver_entry(&mut self, now: Instant, id: u32) -> Step {
        let Some(member) = self.peers.get(&id).and_then(|peer| peer.member()) else { return Step::Nothing };
        let (cursor, largest) = (member.cursor, member.largest_entry);
        let seq = cursor + 1;
        if seq > self.log.head() {
            return Step::Nothing;
        }
        if !self.take_work(id) {
            return Step::Later;
        }
        if !(self.config.mistakes.skip_an_entry && seq.is_multiple_of(16)) {
            let Some((_, Some(encoded))) = self.lookup(now, id, seq..=seq, For::Cursor, |_| true) else {
                return Step::Nothing;
            };
            if !self.send_entry(id, &encoded, largest) {
                return Step::Full;
            }
        }
        if let Some(member) = self.peers.get_mut(&id).and_then(|peer| peer.member_mut()) {
            member.cursor = seq;
        }
        Step::Done
    }

    /// An entry as it is, or as a stub if it is larger than the member takes (SPEC 6.2).
    fn send_entry(&mut self, id: u32, encoded: &Encoded, largest: u16) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let message = encoded.message();
        if encoded.body_len() > largest || message.len() > usize::from(peer.message_limit) {
            let head = encoded.entry().head;
            let was_sent = self.send(id, &ToClient::Stub { handle: HANDLE, head, size: encoded.body_len() });
            self.counters.stubs += u64::from(was_sent);
            return was_sent;
        }
        let was_sent = peer.connection.send(StreamId::Chat, &[message]).is_ok();
        self.counters.delivered += u64::from(was_sent);
        was_sent
    }

    /// The first entry of `range` that `takes` wants, and its seq, from the tail or a page. If there is none among as many as a page
    /// has, the seq to look on from. `None`: it has to be read; the connection is asked again then.
    fn lookup(
        &mut self,
        now: Instant,
        id: u32,
        range: RangeInclusive<u64>,
        why: For,
        takes: impl Fn(&Encoded) -> bool,
    ) -> Option<(u64, Option<Encoded>)> {
        self.counters.lookups += 1;
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
                self.pages.want(seq, id, why);
                None
            }
            Lookup::Gone => {
                // Its cursor fell behind what is kept. A new Join begins at what is there, and says so.
                self.depart(now, id, Departure::Vanished);
                self.close(now, id, CloseCode::INTERNAL, "history was removed");
                None
            }
        }
    }

    /// The next answer to Who or History.
    fn deliver_answer(&mut self, now: Instant, id: u32) -> Step {
        let Some(member) = self.peers.get(&id).and_then(|peer| peer.member()) else { return Step::Nothing };
        let (has_who, history) = (member.who.is_some(), member.history);
        if !has_who && history.is_none() {
            return Step::Nothing;
        }
        if !self.take_work(id) {
            return Step::Later;
        }
        match history {
            Some(history) if !has_who => self.deliver_history(now, id, history),
            _ => self.deliver_who(now, id),
        }
    }

    fn deliver_who(&mut self, now: Instant, id: u32) -> Step {
        use core::ops::Bound::{Excluded, Unbounded};
        let Some(who) = self.peers.get(&id).and_then(|peer| peer.member()?.who.clone()) else { return Step::Nothing };
        let from = who.after.as_ref().map_or(Unbounded, Excluded);
        let mut rest = self.members.by_name.range::<String, _>((from, Unbounded)).peekable();
        let mut buffer = [0; NAMES_AT_ONCE * MEMBER_LEN];
        let (mut len, mut count, mut left, mut after, mut is_last) = (0, 0, who.remaining, None, false);
        while count < NAMES_AT_ONCE && !is_last {
            let next = rest.next();
            is_last = rest.peek().is_none();
            left = left.saturating_sub(1);
            // SPEC 6.3: the last one states 0; others never do, however many came or went meanwhile.
            let remaining = if is_last { 0 } else { u16::try_from(left.max(1)).unwrap_or(u16::MAX) };
            let name = next.and_then(|(_, id)| Some(self.peers.get(id)?.member()?.name.shown()));
            let message = ToClient::Member { handle: HANDLE, remaining, name };
            len += message.encode(&mut buffer[len..]).expect("there is room for as many of the longest");
            after = next.map(|(folded, _)| folded);
            count += 1;
        }
        let after = after.cloned();
        let Some(peer) = self.peers.get_mut(&id) else { return Step::Nothing };
        if peer.connection.send(StreamId::Chat, &[&buffer[..len]]).is_err() {
            return Step::Full;
        }
        self.counters.messages_out += count as u64;
        let Some(member) = peer.member_mut() else { return Step::Nothing };
        member.who = (!is_last).then_some(Who { after, remaining: left });
        if is_last {
            self.read(now, id);
        }
        Step::Done
    }

    fn deliver_history(&mut self, now: Instant, id: u32, history: History) -> Step {
        let History { next, last } = history;
        let Some(peer) = self.peers.get(&id) else { return Step::Nothing };
        let (largest, limit) =
            (peer.member().map_or(0, |member| member.largest_entry), usize::from(peer.message_limit));
        let takes = |encoded: &Encoded| {
            encoded.body_len() <= largest && PAST_OVERHEAD + usize::from(encoded.body_len()) <= limit
        };
        let (at, entry) = if next > last {
            (next, None)
        } else if let Some(found) = self.lookup(now, id, next..=last, For::Answer, takes) {
            found
        } else {
            return Step::Nothing;
        };
        let next = at + u64::from(entry.is_some());
        let is_last = next > last;
        // SPEC 6.3: entries that the member does not take are left out; the last answer always states 0.
        if entry.is_some() || is_last {
            let remaining = u16::try_from(last.saturating_sub(at)).unwrap_or(u16::MAX);
            let entry = entry.as_ref().map(Encoded::entry);
            if !self.send(id, &ToClient::Past { handle: HANDLE, remaining, entry }) {
                return Step::Full;
            }
        }
        let Some(member) = self.peers.get_mut(&id).and_then(|peer| peer.member_mut()) else { return Step::Nothing };
        member.history = (!is_last).then_some(History { next, last });
        if is_last {
            self.read(now, id);
        }
        Step::Done
    }
}
