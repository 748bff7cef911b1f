//! Requests (SPEC 6.2, 6.3): a request is recorded when it arrives, and its answers are part of the
//! delivery.

use std::collections::VecDeque;

use kabar_core::chat::{HISTORY_ENTRY_OVERHEAD, Info, MAX_NAME_LEN, Request, ServerMessage};
use kabar_core::connection::StreamId;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::delivery::Progress;
use super::listing::MAX_LISTED;
use super::operations::{deliver_output, request_operation};
use super::{Handled, Room};
use crate::hub::context::Context;
use crate::hub::encoded::Encoded;
use crate::hub::pages::{For, Lookup};
use crate::hub::peer::Link;
use crate::hub::peer::member::{AnswerResult, Answers, Change, History, Listing, Member, RoomListing};

/// Names written at once, and the longest message for one.
const NAMES_AT_ONCE: usize = 16;
const MEMBER_LEN: usize = 7 + MAX_NAME_LEN;

impl Room {
    /// Records a request. If one of the same kind is being answered, the new one has to wait.
    pub(in crate::hub) fn on_request<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &Link<P>,
        member: &mut Member,
        request: Request<'_>,
    ) -> Handled {
        let answers = &mut member.answers;
        match request {
            Request::ListMembers if answers.listing.is_some() => return Handled::Defer,
            Request::ListMembers => {
                answers.listing = Some(Listing { after: None, remaining: self.members.len() });
            }
            Request::ListRooms { .. } if answers.rooms.is_some() => return Handled::Defer,
            Request::ListRooms { after, count } => {
                let left = if count == 0 { MAX_LISTED } else { count.min(MAX_LISTED) };
                answers.rooms = Some(Box::new(RoomListing { after: after.to_owned(), left }));
            }
            Request::History { .. } if answers.history.is_some() => return Handled::Defer,
            Request::History { before, count } => {
                let end = self.log.head() + 1;
                let before = if before == 0 { end } else { before.min(end) };
                let next = before.saturating_sub(u64::from(count)).max(self.log.first());
                answers.history = Some(History { next, last: before - 1 });
            }
            Request::Rename { .. } | Request::Remove { .. } | Request::Operate { .. } if answers.change.is_some() => {
                return Handled::Defer;
            }
            Request::Rename { name } => {
                let result = self.request_rename(now, context, link.id, member, name).err();
                begin_change(member, request, result);
            }
            Request::Remove { seq, .. } => {
                let result = self.request_removal(now, context, link.id, member, seq);
                begin_change(member, request, result);
            }
            Request::Operate { command } => {
                let (operation, result) = match request_operation(context, link.id, self.shared_name(), member, command)
                {
                    Ok(number) => (Some(number), None),
                    Err(refused) => (None, Some(refused)),
                };
                begin_change(member, request, result).operation = operation;
            }
        }
        Handled::Done
    }

    /// Sends the next part of the answers in progress, one answer after the other.
    pub(super) fn deliver_answer<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        if !member.answers.is_answering() {
            return Progress::Nothing;
        }
        if !context.take_work(&mut link.turn) {
            return Progress::Later;
        }
        let Answers { listing, history, change, .. } = &member.answers;
        let is_decided = change.as_ref().is_some_and(|change| change.result.is_some());
        let progress = match (listing, *history) {
            _ if is_decided => match deliver_output(now, context, link, member) {
                Progress::Nothing => deliver_result(now, context, link, member),
                progress => progress,
            },
            (Some(_), _) => self.deliver_names(now, context, link, member),
            (None, Some(history)) => self.deliver_history(now, context, link, member, history),
            (None, None) => Progress::Nothing,
        };
        // The next request may wait in its stream: it is read with the next input.
        if !member.answers.is_answering() && link.connection.readable(StreamId::Chat) > 0 {
            context.turns.defer(&mut link.turn);
        }
        progress
    }

    fn deliver_names<P: Provider>(
        &self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
    ) -> Progress {
        let Some(listing) = &member.answers.listing else { return Progress::Nothing };
        let mut rest = self.members.names_after(listing.after.as_deref()).peekable();
        let mut buffer = [0; NAMES_AT_ONCE * MEMBER_LEN];
        let (mut len, mut count, mut left, mut after, mut is_last) = (0, 0, listing.remaining, None, false);
        while count < NAMES_AT_ONCE && !is_last {
            let next = rest.next();
            is_last = rest.peek().is_none();
            left = left.saturating_sub(1);
            // SPEC 6.3: only the last one states 0, even if members join or leave in the meantime.
            let remaining = if is_last { 0 } else { u16::try_from(left.max(1)).unwrap_or(u16::MAX) };
            let name = next.map(|(_, name)| name.shown());
            let message = ServerMessage::Info(Info::MemberListed { handle: member.handle, remaining, name });
            len += message.encode(&mut buffer[len..]).unwrap_or_default();
            after = next.map(|(folded, _)| folded);
            count += 1;
        }
        if link.connection.send(now, StreamId::Chat, &[&buffer[..len]]).is_err() {
            return Progress::Full;
        }
        context.counters.messages_out += count as u64;
        let rest = (!is_last).then_some(Listing { after: after.map(str::to_owned), remaining: left });
        member.answers.listing = rest;
        Progress::Done
    }

    fn deliver_history<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
        history: History,
    ) -> Progress {
        let History { next, last } = history;
        // Entries may be removed in the meantime.
        let next = next.max(self.log.first());
        let (largest, limit) = (member.max_entry_len, usize::from(link.message_limit));
        let takes = |encoded: &Encoded| {
            encoded.body_len() <= largest && HISTORY_ENTRY_OVERHEAD + usize::from(encoded.body_len()) <= limit
        };
        let (at, entry) = if next > last {
            (next, None)
        } else {
            match self.lookup(context, link.id, next..=last, For::Answer, takes) {
                Lookup::Here(at, encoded) => (at, Some(encoded)),
                Lookup::Passed(next) => (next, None),
                Lookup::Later => return Progress::Nothing,
                // Removed by a commit whose result is not known yet.
                Lookup::Gone => (next + 1, None),
            }
        };
        let next = at + u64::from(entry.is_some());
        let is_last = next > last;
        // SPEC 6.3: entries that are too large for the member are omitted; the last answer always
        // states 0.
        if entry.is_some() || is_last {
            let remaining = u16::try_from(last.saturating_sub(at)).unwrap_or(u16::MAX);
            let entry = entry.as_ref().map(Encoded::entry);
            let message = ServerMessage::Info(Info::HistoryEntry { handle: member.handle, remaining, entry });
            if !link.send(now, &mut context.counters, &message) {
                return Progress::Full;
            }
        }
        member.answers.history = (!is_last).then_some(History { next, last });
        Progress::Done
    }
}

fn deliver_result<P: Provider>(
    now: Instant,
    context: &mut Context<P>,
    link: &mut Link<P>,
    member: &mut Member,
) -> Progress {
    let Some(change) = member.answers.change.as_deref() else { return Progress::Nothing };
    let Change { request, result: Some(AnswerResult { code, text }), .. } = change else { return Progress::Nothing };
    let message = Info::Answer { handle: member.handle, request: *request, code: *code, text };
    if !link.send(now, &mut context.counters, &ServerMessage::Info(message)) {
        return Progress::Full;
    }
    member.answers.change = None;
    Progress::Done
}

/// Records a request that changes something, and its result if that is known.
fn begin_change<'a>(member: &'a mut Member, request: Request<'_>, result: Option<AnswerResult>) -> &'a mut Change {
    let change = Change { request: request.code(), operation: None, output: VecDeque::new(), result };
    member.answers.change.insert(Box::new(change))
}
