//! The end of a membership, by Leave, silence or force, and its entry in the log (SPEC 6.4). Left
//! is written once, and only for a member whose joined was written. A member that vanishes and
//! returns soon has not left. A member leaves with its last session.

use kabar_core::chat::{EndedCode, EntryKind};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use super::appender::{Origin, PendingEntry};
use super::{Room, Rooms};
use crate::hub::context::Context;
use crate::hub::events::{HubEvent, LeaveReason};
use crate::hub::peer::Peer;
use crate::hub::peer::memberships::Stage;
use crate::hub::timers::RoomTimer;

impl Room {
    /// Ends the membership of a connection, or its Join, if there is one. The connection is left to
    /// the caller.
    pub(in crate::hub) fn remove_member<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        reason: LeaveReason,
    ) {
        self.remove_silent_member(now, context, peer, reason, Duration::ZERO);
    }

    /// Ends the membership of a connection, and informs its client (SPEC 6.3).
    pub(in crate::hub) fn end_membership<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        code: EndedCode,
        text: &str,
    ) {
        let Some(handle) = peer.memberships.member(self.id).map(|member| member.handle) else { return };
        let reason = match code {
            EndedCode::KICKED => LeaveReason::Kicked,
            EndedCode::BANNED => LeaveReason::Banned,
            // It joins again.
            _ => LeaveReason::Vanished,
        };
        self.remove_member(now, context, peer, reason);
        peer.send_ended(now, context, handle, code, text);
    }

    /// As [`Self::remove_member`], for one that was silent for `silence`.
    fn remove_silent_member<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        reason: LeaveReason,
        silence: Duration,
    ) {
        let Some(stage) = peer.take_membership(now, context, self.id) else { return };
        let link = &mut peer.link;
        link.endings.add(self.name());
        self.residents.remove(&link.id);
        let member = match stage {
            Stage::Checking => return drop(context.people.passwords.take(link.id, self.id)),
            Stage::Waiting => return self.approvals.forget(link.id),
            // The Join is dropped before the next commit, or when this one is done.
            Stage::Joining => return,
            Stage::Member(member) => member,
        };
        context.pages.forget(self.id, link.id);
        let is_last = self.members.remove(link.id, &member);
        let (name, identity) = (member.name.shown(), member.identity);
        context.people.push_seen(member.name.folded());
        self.appender.push_seen(member.instance);
        self.report(&mut context.people, identity);
        // The same member may be joining again.
        let is_returning = self.joining.contains_key(&identity);
        match reason {
            _ if !is_last => {}
            LeaveReason::Left | LeaveReason::Replaced if !is_returning => self.announce_left(context, identity),
            LeaveReason::Vanished | LeaveReason::Violation if !is_returning => {
                let grace = context.config.limits.return_time.saturating_sub(silence);
                context.timers.set(self.timer(RoomTimer::Absence(identity)), Some(now + grace));
            }
            _ => {}
        }
        context.emit(HubEvent::Left { name: name.to_owned(), from: link.address, reason });
    }

    fn announce_left<P: Provider>(&mut self, context: &mut Context<P>, identity: PublicIdentity) {
        if let Some(name) = self.present_name(&identity).map(str::to_owned) {
            let origin = Origin::Presence { identity, joining: None };
            self.push(context, PendingEntry::by_server(&name, EntryKind::LEFT, &[], origin));
        }
    }

    /// A member did not return in time.
    pub(super) fn on_absence_timer<P: Provider>(&mut self, context: &mut Context<P>, identity: &PublicIdentity) {
        if !self.is_here(identity) {
            context.counters.not_returned += u64::from(self.is_present(identity));
            self.announce_left(context, *identity);
        }
    }

    /// At the start: the members of the last run may return.
    pub(super) fn start_absence_timers<P: Provider>(&self, now: Instant, context: &mut Context<P>) {
        let deadline = now + context.config.limits.return_time;
        for identity in self.presence.identities() {
            context.timers.set(self.timer(RoomTimer::Absence(identity)), Some(deadline));
        }
    }

    /// Whether an identity is a member or about to be one.
    pub(super) fn is_here(&self, identity: &PublicIdentity) -> bool {
        self.members.contains(identity) || self.joining.contains_key(identity)
    }
}

impl Rooms {
    /// Ends all memberships and Joins of a connection, which had been silent for `silence`.
    pub(in crate::hub) fn end_memberships<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        reason: LeaveReason,
        silence: Duration,
    ) {
        peer.end_loading(context);
        while let Some(id) = peer.memberships.any() {
            match self.get_mut(id) {
                Some(room) => room.remove_silent_member(now, context, peer, reason, silence),
                None => _ = peer.take_membership(now, context, id),
            }
        }
    }
}
