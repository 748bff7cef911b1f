//! Completes Joins whose registration is durable: the connection becomes a member (SPEC 6.3, 6.5).

use kabar_core::chat::RefusedCode;
use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use super::Room;
use super::members::Seat;
use super::requests::CommittingJoin;
use crate::hub::context::Context;
use crate::hub::events::{HubEvent, LeaveReason};
use crate::hub::peer::member::WelcomeDue;
use crate::hub::peer::{Peers, Phase};
use crate::hub::timers::RoomTimer;
use crate::store::SanctionKind;

impl Room {
    /// Makes members of the connections whose Joins are committed. Returns these connections:
    /// reading them may continue.
    pub(super) fn complete_joins<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        joins: Vec<CommittingJoin>,
    ) -> Vec<u32> {
        let done: Vec<(u32, String)> =
            joins.iter().map(|join| (join.peer, join.request.name.folded().to_owned())).collect();
        for join in joins {
            self.complete_join(now, peers, context, join);
        }
        for (_, folded) in &done {
            self.end_claim(now, context, folded);
        }
        // They are read only now, so that a Leave sent together with its Join is not mistaken for a
        // return in progress.
        done.into_iter().map(|(peer, _)| peer).collect()
    }

    fn complete_join<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        join: CommittingJoin,
    ) {
        let CommittingJoin { peer: id, request } = join;
        let Some(peer) = peers.get_mut(id).filter(|peer| peer.phase.is_joining(self.id)) else { return };
        if self.sanctions.holds(request.identity, SanctionKind::Ban) {
            // Imposed while its Join was being committed.
            self.residents.remove(&id);
            return self.refuse_banned(now, context, peer, request.name.shown());
        }
        if let Some(old) = self.members.get(&request.identity).copied() {
            // SPEC 6.2: a delayed Join, whose client has abandoned the connection for that of the
            // member. If it has not, it joins again.
            if old.ordinal > peer.ordinal {
                self.residents.remove(&id);
                let text = "joined on a later connection";
                return peer.refuse(now, context, request.name.shown(), RefusedCode::TRY_LATER, text);
            }
            self.replace(now, peers, context, old, request.instance);
        }
        let Some(peer) = peers.get_mut(id) else { return };
        let (start, is_reset) = self.log.start(request.start);
        let due = WelcomeDue { head: self.log.head(), is_reset };
        let member = request.into_member(self.id, start, due, now, context.wall_ms(now));
        self.members.insert(peer, &member);
        context.counters.joins += 1;
        let name = member.name.shown().to_owned();
        context.emit(HubEvent::Joined { name, identity: member.identity, from: peer.address });
        peer.set_phase(context, Phase::Member(Box::new(member)));
        context.turns.mark_ready(&mut peer.turn);
    }

    /// Closes the old connection of an identity that joined again. The same process has abandoned
    /// it; another one is informed.
    fn replace<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        old: Seat,
        instance: u64,
    ) {
        let Some(peer) = peers.get_mut(old.peer) else { return };
        self.remove_member(now, context, peer, LeaveReason::Replaced);
        if old.instance == instance {
            peer.connection.reset();
            peers.remove(context, old.peer);
        } else {
            context.counters.replaced += 1;
            peer.close(now, context, CloseCode::REPLACED, "joined from elsewhere");
        }
    }

    /// Ends the claim of a completed or lost Join to its name. If no member has the name now
    /// although the log states that its owner is present, the owner is absent.
    pub(super) fn end_claim<P: Provider>(&mut self, now: Instant, context: &mut Context<P>, folded: &str) {
        self.ownership.unclaim(folded);
        // Another Join of its owner may be in progress; then the end of that one decides.
        let is_here = self.members.named(folded).is_some() || self.ownership.is_claimed(folded);
        if self.is_present(folded) && !is_here {
            let deadline = now + context.config.limits.return_time;
            context.timers.set(self.timer(RoomTimer::Absence(folded.to_owned())), Some(deadline));
        }
    }
}
