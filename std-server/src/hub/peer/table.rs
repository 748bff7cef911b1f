//! The table of connections.

use core::net::SocketAddr;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use rustc_hash::FxHashMap;

use super::endings::Endings;
use super::member::Member;
use super::memberships::Memberships;
use super::pool::Pool;
use super::progress::BufferProgress;
use super::route::Route;
use super::{Link, Peer, Phase};
use crate::hub::census::Standing;
use crate::hub::config::HubConfig;
use crate::hub::context::Context;
use crate::hub::fairness::prefix::Prefix;
use crate::hub::room_id::RoomId;
use crate::hub::timers::Timer;
use crate::hub::turns::Turn;

/// All connections, by id, and the memory of their streams.
#[derive(Debug)]
pub(in crate::hub) struct Peers<P: Provider> {
    /// The order of iteration has no meaning: callers sort, or do not depend on it. The ids are
    /// random and chosen by the hub alone, so the hash need not resist chosen keys.
    table: FxHashMap<u32, Box<Peer<P>>>,
    pub(in crate::hub) pool: Pool,
    /// Refusals of the pool at the last check for connections without progress.
    pub(super) refusals_seen: u64,
}

/// The parts of a new connection.
#[derive(Debug)]
pub(in crate::hub) struct NewPeer<P: Provider> {
    pub(in crate::hub) id: u32,
    pub(in crate::hub) address: SocketAddr,
    pub(in crate::hub) ordinal: u64,
    pub(in crate::hub) connection: Route<P>,
    /// Largest message that it accepts, in bytes.
    pub(in crate::hub) message_limit: u16,
    /// Idle time-out in seconds.
    pub(in crate::hub) idle_s: u16,
}

impl<P: Provider> Peers<P> {
    pub(in crate::hub) fn new(config: &HubConfig) -> Self {
        let pool = Pool::new(config.profile.capacity, config.limits.pool_bytes);
        Self { table: FxHashMap::default(), pool, refusals_seen: 0 }
    }

    pub(in crate::hub) fn len(&self) -> usize {
        self.table.len()
    }

    pub(in crate::hub) fn get(&self, id: u32) -> Option<&Peer<P>> {
        self.table.get(&id).map(|peer| &**peer)
    }

    pub(in crate::hub) fn get_mut(&mut self, id: u32) -> Option<&mut Peer<P>> {
        self.table.get_mut(&id).map(|peer| &mut **peer)
    }

    /// A connection, and its member of a room, if it is one.
    pub(in crate::hub) fn member_mut(&mut self, id: u32, room: RoomId) -> Option<(&mut Link<P>, &mut Member)> {
        self.get_mut(id)?.member_mut(room)
    }

    /// All connections, in no meaningful order.
    pub(in crate::hub) fn iter(&self) -> impl Iterator<Item = &Peer<P>> {
        self.table.values().map(|peer| &**peer)
    }

    /// All connections, in no meaningful order.
    pub(in crate::hub) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer<P>> {
        self.table.values_mut().map(|peer| &mut **peer)
    }

    /// The ids of all connections in ascending order.
    pub(in crate::hub) fn ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = self.table.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// A connection that is not in the table yet.
    pub(in crate::hub) fn create(new: NewPeer<P>) -> Box<Peer<P>> {
        let NewPeer { id, address, ordinal, connection, message_limit, idle_s } = new;
        let link = Link {
            id,
            connection,
            address,
            prefix: Prefix::of(address),
            ordinal,
            message_limit,
            idle_s,
            phase: Phase::Open,
            standing: Standing::Stranger,
            identity: None,
            is_counted: false,
            endings: Endings::default(),
            turn: Turn::new(id),
            awaits_answer: false,
            progress: BufferProgress::default(),
        };
        Box::new(Peer { link, memberships: Memberships::default() })
    }

    /// Adds a new connection, which has `join_time` to join.
    pub(in crate::hub) fn insert(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        peer: Box<Peer<P>>,
    ) -> Option<&mut Peer<P>> {
        let id = peer.link.id;
        context.counters.connections += 1;
        context.census.add(id, peer.link.prefix);
        context.timers.set(Timer::Phase(id), Some(now + context.config.limits.join_time));
        self.table.insert(id, peer);
        self.get_mut(id)
    }

    /// Removes a connection; its memberships have to be ended before.
    pub(in crate::hub) fn remove(&mut self, context: &mut Context<P>, id: u32) {
        let Some(mut peer) = self.table.remove(&id) else { return };
        peer.set_phase(context, Phase::Closed);
        context.census.closed.remove(&id);
        context.transfers.forget_connection(id);
        for timer in [Timer::Connection(id), Timer::Phase(id), Timer::Read(id)] {
            context.timers.set(timer, None);
        }
        context.counters.add(&peer.link.connection.counters());
        context.turns.drop_removed(self.table.len(), |id| self.table.contains_key(&id));
    }
}
