//! The end of a membership, by Leave, silence or force, and its entry in the log (SPEC 6.4). Left
//! is written once, and only for a member whose joined was written. A member that vanishes and
//! returns soon has not left.

use kabar_core::chat::EntryKind;
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};

use super::Room;
use super::appender::{Origin, PendingEntry};
use crate::hub::context::Context;
use crate::hub::counters::Counters;
use crate::hub::events::{HubEvent, LeaveReason};
use crate::hub::peer::{Peer, Phase};
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

    /// As [`Self::remove_member`], for one that was silent for `silence`.
    pub(in crate::hub) fn remove_silent_member<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        reason: LeaveReason,
        silence: Duration,
    ) {
        self.residents.remove(&peer.id);
        if peer.phase.is_checking(self.id) {
            self.passwords.remove(peer.id);
        }
        if peer.member().is_none() {
            return;
        }
        let Phase::Member(member) = core::mem::replace(&mut peer.phase, Phase::Closed) else { return };
        self.pages.forget(peer.id);
        self.members.remove(peer.id, &member);
        let (name, folded) = (member.name.shown(), member.name.folded());
        self.appender.push_seen(folded, member.instance);
        // The same member may be joining again.
        let is_returning = self.ownership.is_claimed(folded);
        match reason {
            LeaveReason::Kicked | LeaveReason::Banned => {
                let origin = Origin::Presence { folded: folded.to_owned(), joining: None };
                self.appender.push(PendingEntry::by_server(name, EntryKind::KICKED, &[], origin));
            }
            LeaveReason::Left | LeaveReason::Replaced if !is_returning => self.announce_left(name, folded),
            LeaveReason::Vanished | LeaveReason::Violation if !is_returning => {
                let grace = context.config.limits.return_time.saturating_sub(silence);
                context.timers.set(self.timer(RoomTimer::Absence(folded.to_owned())), Some(now + grace));
            }
            _ => {}
        }
        context.emit(HubEvent::Left { name: name.to_owned(), from: peer.address, reason });
    }

    fn announce_left(&mut self, name: &str, folded: &str) {
        if self.is_present(folded) {
            let origin = Origin::Presence { folded: folded.to_owned(), joining: None };
            self.appender.push(PendingEntry::by_server(name, EntryKind::LEFT, &[], origin));
        }
    }

    /// A member did not return in time.
    pub(super) fn on_absence_timer(&mut self, counters: &mut Counters, folded: &str) {
        let is_back = self.members.named(folded).is_some() || self.ownership.is_claimed(folded);
        let name = self.ownership.record(folded).map(|record| record.name.clone());
        if let (false, Some(name)) = (is_back, name) {
            counters.not_returned += u64::from(self.is_present(folded));
            self.announce_left(&name, folded);
        }
    }

    /// At the start: the members of the last run may return.
    pub(super) fn start_absence_timers<P: Provider>(&self, now: Instant, context: &mut Context<P>) {
        let deadline = now + context.config.limits.return_time;
        for folded in self.ownership.present() {
            context.timers.set(self.timer(RoomTimer::Absence(folded.clone())), Some(deadline));
        }
    }

    /// Whether the owner of a name is present according to the log and the entries about to be
    /// written.
    pub(super) fn is_present(&self, folded: &str) -> bool {
        self.appender.presence(folded).unwrap_or_else(|| self.ownership.is_present(folded))
    }
}
