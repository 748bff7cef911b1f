//! The end of a Join: what it registered is durable, so it becomes a member (SPEC 6.3, 6.5).

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_core::wire::frame::CloseCode;

use crate::hub::commit::Joiner;
use crate::hub::peer::{Member, Phase, WelcomeDue};
use crate::hub::timers::Timer;
use crate::hub::{Departure, Hub, HubEvent};
use crate::store::SanctionKind;

impl<P: Provider> Hub<P> {
    /// Makes members of those whose joins are committed.
    pub(in crate::hub) fn complete_joins(&mut self, now: Instant, joiners: Vec<Joiner>) {
        for Joiner { id, .. } in &joiners {
            self.complete_join(now, *id);
        }
        for Joiner { folded, .. } in &joiners {
            self.end_claim(now, folded);
        }
        // Only now: a Leave that came along with its Join is not taken for a return under way.
        for Joiner { id, .. } in &joiners {
            self.read(now, *id);
        }
    }

    fn complete_join(&mut self, now: Instant, id: u32) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (from, ordinal) = (peer.address, peer.ordinal);
        let Phase::Joining(ask) = &peer.phase else { return };
        let (identity, instance) = (ask.identity, ask.instance);
        if self.sanctions.holds(identity, SanctionKind::Ban) {
            // Decided while its Join was on its way to the store.
            let name = ask.name.shown().to_owned();
            return self.refuse_banned(now, id, &name);
        }
        if let Some(old) = self.members.by_identity.get(&identity).copied() {
            // SPEC 6.2: a Join that was long on its way; its connection was given up for that of the member. If it was not, it comes again.
            if self.peers.get(&old).is_some_and(|old| old.ordinal > ordinal) {
                let name = ask.name.shown().to_owned();
                return self.refuse(now, id, &name, RefusedCode::TRY_LATER, "joined on a later connection");
            }
            self.replace(now, old, instance);
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Phase::Joining(ask) = core::mem::replace(&mut peer.phase, Phase::Unjoined) else { return };
        let (start, is_reset) = self.log.start(ask.start);
        let due = WelcomeDue { head: self.log.head(), is_reset };
        let member = Member::new(*ask, start, due, now, self.wall_ms(now));
        self.members.by_name.insert(member.name.folded().to_owned(), id);
        self.members.by_identity.insert(member.identity, id);
        self.members.by_instance.insert(member.instance, id);
        self.counters.joins += 1;
        self.tell(HubEvent::Joined { name: member.name.shown().to_owned(), identity: member.identity, from });
        self.set_phase(id, Phase::Member(Box::new(member)));
        self.mark_ready(id);
    }

    /// The same identity came again: its old connection goes. The same process knows that; another one is told.
    fn replace(&mut self, now: Instant, old: u32, instance: u64) {
        let is_same = self.peers.get(&old).and_then(|peer| peer.member()).is_some_and(|it| it.instance == instance);
        self.depart(now, old, Departure::Replaced);
        if is_same {
            if let Some(peer) = self.peers.get_mut(&old) {
                peer.connection.abandon();
            }
            self.remove(old);
        } else {
            self.counters.replaced += 1;
            self.close(now, old, CloseCode::REPLACED, "joined from elsewhere");
        }
    }

    /// A join with a claim to `folded` is over. If nobody of that name is here now although the log says so, it is away.
    pub(in crate::hub) fn end_claim(&mut self, now: Instant, folded: &str) {
        self.ownership.unclaim(folded);
        // Another Join of its owner may be under way; then that one's end decides.
        let is_here = self.members.by_name.contains_key(folded) || self.ownership.is_claimed(folded);
        if self.is_present(folded) && !is_here {
            let deadline = now + self.config.limits.return_time;
            self.timers.set(Timer::Away(folded.to_owned()), Some(deadline));
        }
    }
}
