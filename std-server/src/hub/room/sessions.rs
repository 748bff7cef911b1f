//! Sessions of one identity (SPEC 6.2): at the limit, a new one replaces the one that was silent
//! for longest, or is refused.

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::chat::RefusedCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use super::members::Session;
use super::{Room, TOO_MANY};
use crate::hub::context::{Context, Replaced};
use crate::hub::events::LeaveReason;
use crate::hub::peer::Peers;

impl Room {
    /// Before a commit: refuses the Joins for which their identities have too many sessions.
    pub(super) fn refuse_surplus_sessions<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
    ) {
        let limit = context.config.limits.sessions_per_identity;
        // The instances of the sessions that stay, and of the Joins so far.
        let mut instances: BTreeMap<PublicIdentity, BTreeSet<u64>> = BTreeMap::new();
        let mut surplus = Vec::new();
        for join in &self.appender.joins {
            let (identity, instance) = (join.request.identity, join.request.instance);
            let used = instances.entry(identity).or_insert_with(|| {
                let staying = self.members.sessions_of(&identity).iter();
                let staying = staying.filter(|it| silence_if_replaceable(now, peers, it.peer).is_none());
                staying.map(|session| session.instance).collect()
            });
            if used.len() >= limit && !used.contains(&instance) {
                surplus.push(join.peer);
            } else {
                used.insert(instance);
            }
        }
        for id in surplus {
            let Some(peer) = peers.get_mut(id).filter(|peer| peer.memberships.is_joining(self.id)) else { continue };
            let name = self.appender.joins.iter().find(|join| join.peer == id).map(|join| join.request.name.shown());
            context.counters.sessions_full += 1;
            self.residents.remove(&id);
            self.refuse(now, context, peer, name.unwrap_or_default(), RefusedCode::TRY_LATER, TOO_MANY);
        }
    }

    /// Makes room for one more session of an identity: ends the one that was silent for longest, if
    /// necessary, and its connection. `false`: there is none.
    pub(super) fn make_session_room<P: Provider>(
        &mut self,
        now: Instant,
        peers: &mut Peers<P>,
        context: &mut Context<P>,
        identity: &PublicIdentity,
    ) -> bool {
        let sessions = self.members.sessions_of(identity);
        if sessions.len() < context.config.limits.sessions_per_identity {
            return true;
        }
        context.counters.sessions_full += 1;
        let silent = |session: &Session| Some((silence_if_replaceable(now, peers, session.peer)?, session.peer));
        let Some((_, id)) = sessions.iter().filter_map(silent).max() else { return false };
        let Some(peer) = peers.get_mut(id) else { return false };
        self.remove_member(now, context, peer, LeaveReason::Replaced, Duration::ZERO);
        context.counters.replaced += 1;
        context.replaced.push(Replaced::Surplus(id));
        true
    }
}

/// How long a connection was silent, if that is too long for a client that still exists (SPEC 5.8).
fn silence_if_replaceable<P: Provider>(now: Instant, peers: &Peers<P>, id: u32) -> Option<Duration> {
    let peer = peers.get(id)?;
    let silence = peer.link.connection.silence(now);
    (silence >= Duration::from_secs(u64::from(peer.link.idle_s)) / 3).then_some(silence)
}
