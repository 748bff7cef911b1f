//! Joins that wait until an operator lets them in (SPEC 6.2).
//!
//! Newcomers only wait, after they have proved what the room asks for. Their number is bounded, and
//! one prefix cannot displace others.

use kabar_core::chat::{Info, NOTICE_APPROVAL, RefusedCode, ServerMessage};
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_std::names::Name;

use super::Room;
use super::approval_queue::Waiting;
use super::requests::DELAYED;
use crate::hub::context::Context;
use crate::hub::events::HubEvent;
use crate::hub::peer::memberships::Stage;
use crate::hub::peer::{Peer, Peers};
use crate::hub::people::JoinRequest;
use crate::hub::report::{OperatorError, WaitingInfo};
use crate::hub::timers::Timer;

const QUEUE_FULL: &str = "too many wait to be let in; try again later";

impl Room {
    /// Admits a Join, or lets it wait for an operator if it needs one.
    pub(in crate::hub) fn admit_or_wait<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
        request: Box<JoinRequest>,
    ) {
        if !self.settings.needs_approval || self.may_always_join(context, &request.identity) {
            return self.admit(now, context, peer, request);
        }
        // The client has abandoned its earlier connection.
        let earlier = self.approvals.queue.iter().find(|it| it.request.identity == request.identity);
        if let Some(waiting) = earlier.map(|it| it.peer).and_then(|it| self.approvals.take(it)) {
            self.approvals.displaced.push((waiting, DELAYED));
        }
        if self.approvals.queue.len() >= context.config.limits.approval_queue {
            context.counters.approval_queue_full += 1;
            let displaced = self.approvals.shares.displaced_by(peer.link.prefix).and_then(|it| self.approvals.take(it));
            let Some(displaced) = displaced else {
                return self.refuse(now, context, peer, request.name.shown(), RefusedCode::TRY_LATER, QUEUE_FULL);
            };
            context.counters.displaced += 1;
            self.approvals.displaced.push((displaced, QUEUE_FULL));
        }
        let name = request.name.shown().to_owned();
        context.emit(HubEvent::Waiting { name, identity: request.identity, from: peer.link.address });
        peer.set_stage(context, self.id, Stage::Waiting);
        let link = &mut peer.link;
        self.approvals.shares.insert(link.id, link.prefix);
        self.approvals.queue.push(Waiting { peer: link.id, since_ms: context.wall_ms(now), request });
        context.timers.set(Timer::Join(link.id, self.id), Some(now + context.config.limits.approval_time));
        let text = "an operator has to let you in; please wait";
        link.send(now, &mut context.counters, &ServerMessage::Info(Info::Notice { code: NOTICE_APPROVAL, text }));
        context.turns.mark_ready(&mut link.turn);
    }

    /// Displaces all Joins that wait.
    pub(super) fn displace_waiting(&mut self, text: &'static str) {
        for peer in self.approvals.queue.iter().map(|waiting| waiting.peer).collect::<Vec<_>>() {
            let waiting = self.approvals.take(peer);
            self.approvals.displaced.extend(waiting.map(|waiting| (waiting, text)));
        }
    }

    /// Refuses the Joins that were displaced.
    pub(in crate::hub) fn refuse_displaced<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) {
        for (Waiting { peer, request, .. }, text) in core::mem::take(&mut self.approvals.displaced) {
            if let Some(peer) = peers.get_mut(peer).filter(|peer| peer.memberships.is_waiting(self.id)) {
                self.refuse(now, context, peer, request.name.shown(), RefusedCode::TRY_LATER, text);
            }
        }
    }

    /// No operator has let a Join in in time.
    pub(in crate::hub) fn on_approval_timer<P: Provider>(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: &mut Peer<P>,
    ) {
        let Some(Waiting { request, .. }) = self.approvals.take(peer.link.id) else { return };
        context.counters.approvals_timed_out += 1;
        let text = "no operator has let you in yet; try again later";
        self.refuse(now, context, peer, request.name.shown(), RefusedCode::TRY_LATER, text);
    }

    /// Lets in the Join that waits under a name; of several, the first that arrived. Returns its
    /// name and address.
    pub(in crate::hub) fn accept<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        name: &str,
    ) -> Result<String, OperatorError> {
        let (peer, mut request) = self.take_waiting(peers, name)?;
        let shown = format!("{} ({})", request.name.shown(), peer.link.address);
        request.is_lasting = true;
        self.admit(now, context, peer, request);
        Ok(shown)
    }

    /// Refuses the Join that waits under a name, as [`Self::accept`].
    pub(in crate::hub) fn reject<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        name: &str,
    ) -> Result<String, OperatorError> {
        let (peer, request) = self.take_waiting(peers, name)?;
        let shown = format!("{} ({})", request.name.shown(), peer.link.address);
        let text = "an operator has decided not to let you in";
        self.refuse(now, context, peer, request.name.shown(), RefusedCode::AUTHENTICATION, text);
        Ok(shown)
    }

    fn take_waiting<'a, P: Provider>(
        &mut self,
        peers: &'a mut Peers<P>,
        name: &str,
    ) -> Result<(&'a mut Peer<P>, Box<JoinRequest>), OperatorError> {
        let name = Name::existing(name).map_err(|_| OperatorError::NotWaiting)?;
        let mut waiting = self.approvals.queue.iter().filter(|it| it.request.name.folded() == name.folded());
        let id = waiting.next().map(|it| it.peer).ok_or(OperatorError::NotWaiting)?;
        let waiting = self.approvals.take(id).ok_or(OperatorError::NotWaiting)?;
        let peer = peers.get_mut(id).filter(|peer| peer.memberships.is_waiting(self.id));
        Ok((peer.ok_or(OperatorError::NotWaiting)?, waiting.request))
    }

    /// The Joins that wait, in the order of arrival.
    pub(in crate::hub) fn list_waiting<P: Provider>(&self, peers: &Peers<P>) -> Vec<WaitingInfo> {
        let info = |waiting: &Waiting| {
            let name = waiting.request.name.shown().to_owned();
            Some(WaitingInfo { name, address: peers.get(waiting.peer)?.link.address, since_ms: waiting.since_ms })
        };
        self.approvals.queue.iter().filter_map(info).collect()
    }
}
