//! Completes Joins whose registration is durable: the connection becomes a member (SPEC 6.3, 6.5).

use std::sync::Arc;

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};
use kabar_std::names::Name;

use super::members::Session;
use super::requests::{CommittingJoin, DELAYED};
use super::{Room, TOO_MANY};
use crate::hub::context::{Context, Replaced};
use crate::hub::events::{HubEvent, LeaveReason};
use crate::hub::peer::Peers;
use crate::hub::peer::member::WelcomeDue;
use crate::hub::peer::memberships::Stage;
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
        let done: Vec<(u32, PublicIdentity, Name)> =
            joins.iter().map(|join| (join.peer, join.request.identity, join.request.name.clone())).collect();
        for join in joins {
            self.complete_join(now, peers, context, join);
        }
        for (_, identity, name) in &done {
            self.end_join(now, context, identity, name);
        }
        // They are read only now, so that a Leave sent together with its Join is not mistaken for a
        // return in progress.
        done.into_iter().map(|(peer, ..)| peer).collect()
    }

    fn complete_join<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        join: CommittingJoin,
    ) {
        let CommittingJoin { peer: id, request } = join;
        let Some(peer) = peers.get_mut(id).filter(|peer| peer.memberships.is_joining(self.id)) else { return };
        if self.sanctions.holds(request.identity, SanctionKind::Ban) {
            // Imposed while its Join was being committed.
            self.residents.remove(&id);
            return self.refuse_banned(now, context, peer, request.identity, request.name.shown());
        }
        let (same, ordinal) = (self.members.session_of_instance(request.instance), peer.link.ordinal);
        let refused = match same {
            Some(later) if later.ordinal > ordinal => Some(DELAYED),
            Some(old) => {
                self.replace(now, peers, context, old);
                None
            }
            None => (!self.make_session_room(now, peers, context, &request.identity)).then_some(TOO_MANY),
        };
        if let (Some(text), Some(peer)) = (refused, peers.get_mut(id)) {
            self.residents.remove(&id);
            return self.refuse(now, context, peer, request.name.shown(), RefusedCode::TRY_LATER, text);
        }
        let Some(peer) = peers.get_mut(id) else { return };
        let (start, is_reset) = self.log.start(request.start);
        let due = WelcomeDue { head: self.log.head(), is_reset, proof: request.proof };
        // If this Join renames the member, that follows.
        let person = self.members.get(&request.identity);
        let name = person.map_or_else(|| Arc::new(request.name.clone()), |person| person.name.clone());
        let handle = peer.memberships.draw_handle();
        let member = request.into_member(name, handle, start, due, now, context.wall_ms(now));
        self.members.insert(&peer.link, &member);
        context.counters.joins += 1;
        let name = member.name.shown().to_owned();
        let identity = member.identity;
        context.emit(HubEvent::Joined { name: name.clone(), identity, from: peer.link.address });
        peer.set_stage(context, self.id, Stage::Member(Box::new(member)));
        context.turns.mark_ready(&mut peer.link.turn);
        self.report(&mut context.people, identity);
        // It may have been renamed in another room meanwhile, and the entry about that may be in
        // the batch of this Join.
        let reported = self.presence.committed_name(&identity);
        let elsewhere = context.people.name_elsewhere(&identity, self.id);
        let elsewhere = elsewhere.filter(|it| *it != name && reported != Some(*it));
        if let Some(name) = elsewhere.and_then(|name| Name::existing(name).ok()) {
            self.repeat_rename(context, identity, name);
        }
    }

    /// Ends the session of a client that joined again. The client has abandoned the connection, so
    /// that is dropped, too.
    fn replace<P: Provider>(&mut self, now: Instant, peers: &mut Peers<P>, context: &mut Context<P>, old: Session) {
        let Some(peer) = peers.get_mut(old.peer) else { return };
        self.remove_member(now, context, peer, LeaveReason::Replaced, Duration::ZERO);
        context.replaced.push(Replaced::Abandoned(old.peer));
    }

    /// Ends a completed or lost Join. If its identity is not a member now although it is present
    /// according to the log, it is absent.
    pub(super) fn end_join<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        identity: &PublicIdentity,
        name: &Name,
    ) {
        context.people.claims.end_join(name, identity);
        context.invites.end_join(identity);
        if let Some(count) = self.joining.get_mut(identity) {
            *count -= 1;
            if *count == 0 {
                self.joining.remove(identity);
            }
        }
        self.report(&mut context.people, *identity);
        // Another Join of the identity may be in progress; then the end of that one decides.
        if self.is_present(identity) && !self.is_here(identity) {
            let deadline = now + context.config.limits.return_time;
            context.timers.set(self.timer(RoomTimer::Absence(*identity)), Some(deadline));
        }
    }
}
