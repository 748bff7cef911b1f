//! Posts (SPEC 6.5): each is accepted once, in the order of the numbers, or refused permanently.

use kabar_core::chat::{EntryKind, File, MAX_BODY_LEN, MAX_TEXT_LEN, Post, PostRefusedCode};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::appender::PendingEntry;
use super::log::Instance;
use super::{Handled, Room};
use crate::hub::context::Context;
use crate::hub::peer::Link;
use crate::hub::peer::member::Member;
use crate::hub::people::PostToken;
use crate::hub::transfers::Checked;
use crate::store::SanctionKind;

impl Room {
    pub(in crate::hub) fn on_post<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        link: &mut Link<P>,
        member: &mut Member,
        post: &Post<'_>,
    ) -> Handled {
        let faults = context.config.faults();
        let next_seq = self.log.head() + 1 + self.appender.posts() as u64;
        let (from, counters) = (link.address, &mut context.counters);
        // Another instance, no number, or a body that no client sends.
        if post.instance != member.instance || post.number == 0 || is_malformed(post) {
            return Handled::Violation;
        }
        let Some(mut known) = self.log.instance(post.instance).copied() else { return Handled::Violation };
        if faults.dedup_by_identity() {
            let same = self.log.instances().values().filter(|it| it.identity == known.identity);
            known.accepted = same.clone().map(|it| it.accepted).max().unwrap_or_default();
            known.highest = same.map(|it| it.highest).max().unwrap_or_default();
        }
        let Instance { highest, highest_seq, accepted, .. } = known;
        if post.number <= highest {
            // It is stored already, and its author does not know yet.
            counters.posts_repeated += 1;
            member.due.stored = Some((highest, highest_seq));
            return Handled::Done;
        }
        if post.number <= accepted && !faults.forget_pending() {
            // It arrived on an earlier connection and waits for its commit; its author is informed
            // after that.
            counters.posts_repeated += 1;
            return Handled::Done;
        }
        if let Some(refused) = member.refused.filter(|_| !faults.accept_after_refusal()) {
            if post.settled < refused {
                counters.posts_ignored += 1;
                return Handled::Done;
            }
            member.refused = None;
        }
        // No lower number may be open: its author settles a refused one before it continues.
        if post.number - 1 > accepted.max(post.settled) && !faults.accept_after_refusal() {
            return Handled::Violation;
        }
        member.last_active = now;
        let is_muted = self.sanctions.holds(member.identity, SanctionKind::Mute);
        let muted = is_muted.then_some(PostRefusedCode::MUTED);
        let limits = &context.config.limits;
        let refusal = muted.or_else(|| refusal_reason(post, limits.body_bytes, limits.file_bytes > 0));
        let refusal = match refusal {
            None if post.kind == EntryKind::FILE => match check_content(now, context, link, post) {
                Some(is_stored) => (!is_stored).then_some(PostRefusedCode::CONTENT),
                None => return Handled::Defer,
            },
            refusal => refusal,
        };
        if let Some(code) = refusal {
            context.transfers.forget_check(link.id);
            let counters = &mut context.counters;
            counters.posts_refused += 1;
            counters.posts_muted += u64::from(is_muted);
            counters.posts_too_long += u64::from(code == PostRefusedCode::TOO_LONG);
            member.refused = Some(post.number);
            member.due.post_refused = Some((post.number, code));
            return Handled::Done;
        }
        if !has_post_token(now, context, link, member) {
            return Handled::Defer;
        }
        if post.kind == EntryKind::FILE {
            context.transfers.on_named(link.id);
        }
        context.counters.posts += 1;
        let name = member.name.shown();
        let entry = PendingEntry::by_member(name, post.instance, post.number, post.kind, post.body, from);
        self.push(context, entry);
        if faults.stored_before_commit() {
            member.due.stored = Some((post.number, next_seq));
        }
        if let Some(instance) = self.log.instance_mut(post.instance) {
            instance.accepted = instance.accepted.max(post.number);
        }
        Handled::Done
    }
}

/// Whether a post of this member has a token of its rate (SPEC 6.5). If not, its stream is not read
/// until then, and the member is notified, once until its burst is whole again.
fn has_post_token<P: Provider>(
    now: Instant,
    context: &mut Context<P>,
    link: &mut Link<P>,
    member: &mut Member,
) -> bool {
    if core::mem::take(&mut member.has_post_token) {
        return true;
    }
    if context.privileges.is_free(member.identity) {
        return true;
    }
    let PostToken { at, is_burst_whole } = context.people.visits.reserve_post(now, member.identity);
    member.was_slowed &= !is_burst_whole;
    if at <= now {
        return true;
    }
    member.has_post_token = true;
    if !core::mem::replace(&mut member.was_slowed, true) {
        member.due.rate_notice = true;
        context.turns.mark_ready(&mut link.turn);
    }
    context.counters.posts_held += 1;
    link.read_later(context, at);
    false
}

/// Whether the content of a file is stored (SPEC 6.4); `None`: that is being looked up, and the
/// post is read again.
fn check_content<P: Provider>(
    now: Instant,
    context: &mut Context<P>,
    link: &mut Link<P>,
    post: &Post<'_>,
) -> Option<bool> {
    let file = File::decode(post.body).ok()?;
    let now_ms = context.wall_ms(now);
    match context.transfers.check(link.id, file.root(), file.size(), now_ms) {
        Checked::Stored => Some(true),
        Checked::NotStored => Some(false),
        Checked::Failed => {
            link.read_later(context, now + context.config.limits.retry_min);
            None
        }
        Checked::Later => None,
    }
}

/// Whether the body is not legal for its kind (SPEC 6.4). Clients check that before they send.
fn is_malformed(post: &Post<'_>) -> bool {
    if post.kind.is_text() {
        post.body.len() > MAX_TEXT_LEN || core::str::from_utf8(post.body).is_err()
    } else {
        post.body.len() > MAX_BODY_LEN || (post.kind == EntryKind::FILE && File::decode(post.body).is_err())
    }
}

/// Why a post is refused permanently, no matter who its author is. A refusal that did not arrive is
/// decided again (SPEC 6.5).
fn refusal_reason(post: &Post<'_>, limit: usize, takes_files: bool) -> Option<PostRefusedCode> {
    if !post.kind.is_postable() || (post.kind == EntryKind::FILE && !takes_files) {
        Some(PostRefusedCode::KIND)
    } else if post.body.len() > limit {
        Some(PostRefusedCode::TOO_LONG)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(kind: EntryKind, body: &[u8]) -> Post<'_> {
        Post { handle: 1, instance: 1, number: 1, settled: 0, kind, body }
    }

    #[test]
    fn refuses_kinds_that_members_may_not_post() {
        for kind in [0, 16, 17, 18, 19, 255].map(EntryKind) {
            assert_eq!(refusal_reason(&post(kind, b""), MAX_BODY_LEN, true), Some(PostRefusedCode::KIND), "{kind:?}");
        }
        for kind in [EntryKind::TEXT, EntryKind::DATA, EntryKind::ACTION, EntryKind::FILE] {
            assert_eq!(refusal_reason(&post(kind, b"hi"), MAX_BODY_LEN, true), None);
        }
        let file = refusal_reason(&post(EntryKind::FILE, b"hi"), MAX_BODY_LEN, false);
        assert_eq!(file, Some(PostRefusedCode::KIND), "where no files are kept");
    }

    #[test]
    fn texts_over_4096_bytes_and_data_over_4352_are_malformed() {
        for (kind, most) in [(EntryKind::TEXT, 4096), (EntryKind::ACTION, 4096), (EntryKind::DATA, 4352)] {
            assert!(!is_malformed(&post(kind, &vec![b'x'; most])), "{kind:?}");
            assert!(is_malformed(&post(kind, &vec![b'x'; most + 1])), "{kind:?}");
        }
    }

    #[test]
    fn refuses_bodies_over_the_configured_limit() {
        let judge = |len| refusal_reason(&post(EntryKind::TEXT, &[b'x'; 101][..len]), 100, true);
        assert_eq!((judge(100), judge(101)), (None, Some(PostRefusedCode::TOO_LONG)));
    }

    #[test]
    fn texts_that_are_not_utf8_are_malformed() {
        assert!(is_malformed(&post(EntryKind::TEXT, b"\xff")) && is_malformed(&post(EntryKind::ACTION, b"ab\xc3")));
        assert!(!is_malformed(&post(EntryKind::DATA, b"\xff")));
    }
}
