//! Removal of entries (SPEC 6.4): checks who may remove one, and adds the entry about it to the
//! next commit, which takes the body from the log for good.
//!
//! An entry that is not in memory is read first; the request waits for its page.

use std::collections::BTreeSet;

use kabar_core::chat::{AnswerCode, EntryHeader, EntryKind};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::Room;
use super::appender::{Origin, PendingEntry, Remover};
use super::causes::SERVER;
use crate::hub::context::Context;
use crate::hub::events::HubEvent;
use crate::hub::pages::{For, Lookup};
use crate::hub::peer::Peers;
use crate::hub::peer::member::{AnswerResult, Member};
use crate::hub::report::OperatorError;
use crate::store::RoomBatch;

/// Stands for the operator among the connections that wait for a page; no connection has this id.
const OPERATOR: u32 = 0;

/// Why an entry is not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotRemoved {
    /// There is no such entry.
    Unknown,
    /// Its body is removed already.
    Removed,
    /// Its removal waits for the commit.
    Pending,
    /// It is not a message.
    NotMessage,
    /// It is by another identity.
    NotAuthor,
    /// Its author may remove it only for this time after it was stored.
    TooLate(Duration),
}

impl NotRemoved {
    /// The answer to a member.
    fn answer(self) -> AnswerResult {
        let (code, text) = match self {
            Self::Unknown => (AnswerCode::NOT_FOUND, "there is no such entry".to_owned()),
            Self::Removed => (AnswerCode::UNCHANGED, "this entry is removed already".to_owned()),
            Self::Pending => (AnswerCode::TRY_LATER, "this entry is being removed".to_owned()),
            Self::NotMessage => (AnswerCode::NOT_PERMITTED, "only messages can be removed".to_owned()),
            Self::NotAuthor => (AnswerCode::NOT_PERMITTED, "this is not your message".to_owned()),
            Self::TooLate(Duration::ZERO) => {
                (AnswerCode::NOT_PERMITTED, "messages cannot be removed by their authors here".to_owned())
            }
            Self::TooLate(time) => {
                let text = format!("a message can be removed for {} after it was stored", in_words(time));
                (AnswerCode::NOT_PERMITTED, text)
            }
        };
        AnswerResult { code, text }
    }

    fn operator_error(self) -> OperatorError {
        match self {
            Self::Unknown => OperatorError::NoSuchEntry,
            Self::Removed | Self::Pending => OperatorError::AlreadyInEffect,
            Self::NotMessage | Self::NotAuthor | Self::TooLate(_) => OperatorError::NotMessage,
        }
    }
}

impl Room {
    /// Begins a removal that a member requests. `Some`: the answer; otherwise it is answered when
    /// the entry was read or the removal is committed.
    pub(super) fn request_removal<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: u32,
        member: &mut Member,
        seq: u64,
    ) -> Option<AnswerResult> {
        let by = Remover::Member { identity: member.identity, peer };
        match self.remove_entry(now, context, seq, by) {
            Ok(is_found) => {
                member.answers.removal = (!is_found).then_some(seq);
                None
            }
            Err(why) => Some(why.answer()),
        }
    }

    /// Removes an entry for the operator. `Ok(false)`: it has to be read first.
    pub(in crate::hub) fn delete<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        seq: u64,
    ) -> Result<bool, OperatorError> {
        if self.operator_removal.is_some() {
            return Err(OperatorError::Busy);
        }
        let is_found = self.remove_entry(now, context, seq, Remover::Operator).map_err(NotRemoved::operator_error)?;
        self.operator_removal = (!is_found).then_some(seq);
        Ok(is_found)
    }

    /// A page was read for these connections: continues the removals that wait for it.
    pub(super) fn continue_removals<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        read_for: &BTreeSet<u32>,
    ) {
        for id in read_for {
            if *id == OPERATOR {
                let Some(seq) = self.operator_removal.take() else { continue };
                match self.remove_entry(now, context, seq, Remover::Operator) {
                    Ok(is_found) => self.operator_removal = (!is_found).then_some(seq),
                    Err(why) => context.emit(HubEvent::NotRemoved { seq, why: why.operator_error() }),
                }
            } else if let Some((_, member)) = peers.member_mut(*id, self.id)
                && let Some(seq) = member.answers.removal.take()
                && let Some(AnswerResult { code, text }) = self.request_removal(now, context, *id, member, seq)
            {
                self.answer(peers, context, *id, code, &text);
            }
        }
    }

    /// Adds a removal to the next commit. `Ok(false)`: the entry has to be read first.
    fn remove_entry<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        seq: u64,
        by: Remover,
    ) -> Result<bool, NotRemoved> {
        if !(self.log.first()..=self.log.head()).contains(&seq) {
            return Err(NotRemoved::Unknown);
        }
        let in_tail = self.log.in_tail(seq).cloned().map(|encoded| Lookup::Here(seq, encoded));
        let encoded = match in_tail.unwrap_or_else(|| context.pages.lookup(self.id, seq..=seq, |_| true)) {
            Lookup::Here(_, encoded) => encoded,
            Lookup::Later => {
                context.pages.want(self.id, seq, waiter(by), For::Removal);
                return Ok(false);
            }
            Lookup::Passed(_) | Lookup::Gone => return Err(NotRemoved::Unknown),
        };
        let checked = self.check_removal(context, now, &encoded.entry().header, by);
        context.counters.removals_late += u64::from(matches!(checked, Err(NotRemoved::TooLate(_))));
        checked?;
        let author = match by {
            Remover::Operator => SERVER,
            Remover::Member { identity, .. } => context.people.current_name(&identity, self.id).unwrap_or_default(),
        };
        let origin = Origin::Removal { seq, by };
        let entry = PendingEntry::by_server(author, EntryKind::REMOVAL, &seq.to_be_bytes(), origin);
        self.push(context, entry);
        Ok(true)
    }

    fn check_removal<P: Provider>(
        &self,
        context: &Context<P>,
        now: Instant,
        header: &EntryHeader<'_>,
        by: Remover,
    ) -> Result<(), NotRemoved> {
        if header.kind == EntryKind::REMOVED {
            return Err(NotRemoved::Removed);
        }
        if let Remover::Member { identity, .. } = by
            && !context.privileges.is_operator(identity)
        {
            let author = self.log.instance(header.instance).map(|instance| instance.identity);
            if author != Some(identity) {
                return Err(NotRemoved::NotAuthor);
            }
            let time = context.config.limits.delete_time;
            if context.wall_ms(now).saturating_sub(header.time_ms) >= time.as_millis() {
                return Err(NotRemoved::TooLate(time));
            }
        }
        if !header.kind.is_postable() && header.kind != EntryKind::OPERATOR {
            return Err(NotRemoved::NotMessage);
        }
        if self.appender.is_removing(header.seq) {
            return Err(NotRemoved::Pending);
        }
        Ok(())
    }

    /// Before a batch is built: drops the removals of entries that it does not keep, or that an
    /// earlier batch has not kept.
    pub(super) fn drop_void_removals<P: Provider>(&mut self, peers: &mut Peers<P>, context: &mut Context<P>) {
        let first = self.appender.first.unwrap_or_default().max(self.log.first());
        let mut posts = core::mem::take(&mut self.appender.posts);
        posts.retain(|post| {
            let Origin::Removal { seq, by } = post.origin else { return true };
            if seq >= first {
                return true;
            }
            context.commits.end_entries(post.bytes());
            if let Remover::Member { peer, .. } = by {
                let AnswerResult { code, text } = NotRemoved::Unknown.answer();
                self.answer(peers, context, peer, code, &text);
            }
            false
        });
        self.appender.posts = posts;
    }

    /// Completes the removals in a committed batch: nothing in memory has the bodies any longer.
    pub(super) fn complete_removals<P: Provider>(
        &mut self,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        batch: &RoomBatch,
        origins: &[Origin],
    ) {
        if !context.config.faults().keep_removed_bodies() {
            for seq in &batch.removed {
                self.log.remove_body(*seq);
                context.pages.remove_body(self.id, *seq);
            }
        }
        context.counters.removals += batch.removed.len() as u64;
        for origin in origins {
            if let Origin::Removal { by: Remover::Member { peer, .. }, .. } = origin {
                self.answer(peers, context, *peer, AnswerCode::DONE, "");
            }
        }
    }
}

/// The connection that waits for the page.
fn waiter(by: Remover) -> u32 {
    match by {
        Remover::Operator => OPERATOR,
        Remover::Member { peer, .. } => peer,
    }
}

/// A time as a person writes it.
fn in_words(time: Duration) -> String {
    let seconds = time.as_millis() / 1_000;
    let (count, unit) = match seconds {
        _ if seconds != 0 && seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
        _ if seconds != 0 && seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        _ if seconds != 0 && seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}
