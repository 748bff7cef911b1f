//! Hands each input to the owner of the state that it concerns: datagrams, timers, results of jobs.

use core::net::SocketAddr;

use kabar_core::classic::is_first_byte;
use kabar_core::connection::{CloseCode, Connection, Dropped, Transmit};
use kabar_core::crypto::Provider;
use kabar_core::session::OpenError;
use kabar_core::session::SealedHeader;
use kabar_core::session::acceptor::Accepted;
use kabar_core::time::{Duration, Instant};
use rand_core::Rng;

use super::Hub;
use super::bulk;
use super::connection_events::{on_connection_input, on_join_timer, on_phase_timer, settle};
use super::context::{Context, Replaced};
use super::counters::Counters;
use super::delivery::deliver;
use super::events::LeaveReason;
use super::fairness::prefix::Prefix;
use super::jobs::{Done, StoreDone};
use super::messages::read;
use super::peer::{NewPeer, Peers, Route};
use super::sweep::{on_swept, sweep};
use super::timers::{RoomTimer, Timer};

impl<P: Provider> Hub<P> {
    /// Precedes every input. The first one after all output was fetched begins a round: every
    /// connection gets its budget back, and deferred work continues.
    pub(super) fn begin_input(&mut self, now: Instant) {
        // The connection that is polled for datagrams may have more to send now.
        self.context.turns.is_polling = false;
        for id in self.context.turns.begin_round() {
            let Some(peer) = self.peers.get_mut(id) else { continue };
            peer.link.turn.is_deferred = false;
            read(now, &mut self.rooms, &mut self.context, peer);
            bulk::read(now, &mut self.rooms, &mut self.context, peer);
            self.context.turns.mark_ready(&mut peer.link.turn);
        }
    }

    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        if self.classic.is_some() && datagram.first().copied().is_some_and(is_first_byte) {
            return self.receive_classic(now, from, datagram);
        }
        let Self { door, peers, rooms, context, .. } = self;
        let is_used = |id| peers.get(id).is_some();
        let Some(header) = door.receive(now, context, from, datagram, is_used) else { return };
        let id = header.connection_id;
        if let Some(peer) = peers.get_mut(id) {
            match peer.link.connection.handle_datagram(now, from, datagram) {
                Ok(()) => on_connection_input(now, rooms, context, peer),
                Err(why) => {
                    // A connection that is closing may repeat its Close.
                    if why == Dropped::NotOpen {
                        context.turns.mark_ready(&mut peer.link.turn);
                    }
                    count_dropped(&mut context.counters, why);
                }
            }
        } else if door.half_open(id).is_none() {
            door.hint(now, context, from, header, datagram.len());
        } else if !context.is_stopping {
            self.open(now, from, header, datagram);
        }
    }

    /// Opens a half-open connection, if its first sealed packet is authentic (SPEC 3.6).
    fn open(&mut self, now: Instant, from: SocketAddr, header: SealedHeader, datagram: &mut [u8]) {
        let id = header.connection_id;
        let Some(half_open) = self.door.half_open(id) else { return };
        // Before anything is created, and before another connection is displaced.
        if let Err(why) = half_open.verify::<P>(datagram) {
            return count_dropped(&mut self.context.counters, Dropped::Open(why));
        }
        let prefix = Prefix::of(half_open.remote);
        if !self.make_room(now, prefix) {
            return;
        }
        let Self { door, peers, rooms, context, .. } = self;
        let Some(half_open) = door.half_open(id) else { return };
        let Accepted { established, .. } = half_open.accepted;
        let (address, ordinal) = (half_open.remote, half_open.ordinal);
        let mut connection = Connection::new(peers.pool.memory());
        connection.open(now, established, address);
        if context.config.faults().acknowledge_unchecked() {
            #[cfg(feature = "fault-injection")]
            connection.acknowledge_unchecked();
        }
        if let Err(why) = connection.handle_datagram(now, from, datagram) {
            return count_dropped(&mut context.counters, why);
        }
        let mut path_key = [0; 32];
        context.rng.fill_bytes(&mut path_key);
        connection.set_path_key(path_key);
        let (message_limit, idle_s) = (established.remote.message, established.remote.idle_s);
        let idle_s = idle_s.min(established.local.idle_s);
        let connection = Route::Sealed(connection);
        let peer = Peers::create(NewPeer { id, address, ordinal, connection, message_limit, idle_s });
        door.forget_half_open(id);
        if let Some(peer) = peers.insert(now, context, peer) {
            on_connection_input(now, rooms, context, peer);
        }
    }

    /// Makes room for one more connection of `prefix`, if necessary; `false`: there is none.
    pub(super) fn make_room(&mut self, now: Instant, prefix: Prefix) -> bool {
        let Context { census, config, counters, .. } = &mut self.context;
        if self.peers.len() >= config.limits.connections {
            counters.connections_full += 1;
            // Closed ones lose only the repetition of their Close.
            let closed = census.closed.heaviest_oldest();
            let Some(displaced) = closed.or_else(|| census.strangers.displaced_by(prefix)) else { return false };
            self.displace(now, displaced);
        }
        let Context { census, config, counters, .. } = &mut self.context;
        if census.unjoined >= config.limits.unjoined {
            counters.unjoined_full += 1;
            let Some(displaced) = census.strangers.displaced_by(prefix) else { return false };
            self.displace(now, displaced);
        }
        true
    }

    /// Removes a connection of a stranger. If its remote end is still there, a hint informs it.
    fn displace(&mut self, now: Instant, id: u32) {
        self.context.counters.displaced += 1;
        self.vanish(now, id);
    }

    /// Removes a connection, and its members from their rooms.
    fn vanish(&mut self, now: Instant, id: u32) {
        let Self { peers, rooms, context, .. } = self;
        if let Some(peer) = peers.get_mut(id) {
            rooms.end_memberships(now, context, peer, LeaveReason::Vanished, Duration::ZERO);
            peers.remove(context, id);
        }
    }

    pub(super) fn on_timer(&mut self, now: Instant, timer: Timer) {
        let Self { peers, rooms, context, .. } = self;
        match timer {
            Timer::Connection(id) => {
                if let Some(peer) = peers.get_mut(id) {
                    peer.link.connection.handle_timeout(now);
                    on_connection_input(now, rooms, context, peer);
                }
            }
            Timer::Phase(id) => {
                if let Some(peer) = peers.get_mut(id) {
                    on_phase_timer(now, context, peer);
                }
            }
            Timer::Join(id, room) => {
                if let Some(peer) = peers.get_mut(id) {
                    on_join_timer(now, rooms, context, peer, room);
                }
            }
            Timer::Read(id) => {
                if let Some(peer) = peers.get_mut(id) {
                    peer.link.turn.is_held = false;
                    read(now, rooms, context, peer);
                }
            }
            Timer::Pool => {
                for id in self.peers.stalled(now, self.context.config.limits.pool_bytes) {
                    self.context.counters.reclaimed += 1;
                    self.vanish(now, id);
                }
            }
            Timer::Store => self.on_store_timer(),
            // The next jobs are created anyway.
            Timer::Passwords | Timer::Evict | Timer::Loads | Timer::Pages => {}
            Timer::Sweep => sweep(now, rooms, context),
            Timer::Collect => context.collect_contents(now),
            Timer::Transfers => bulk::end_stalled(now, peers, context),
            Timer::Contents => bulk::retry_storing(context),
            Timer::Upkeep => context.on_upkeep_timer(now),
            Timer::Purge => context.purge_names(now),
            Timer::Room(id, RoomTimer::Idle) => rooms.drop_room(context, id),
            Timer::Room(id, timer) => {
                if let Some(room) = rooms.get_mut(id) {
                    room.on_timer(now, context, &timer);
                }
            }
        }
    }

    pub(super) fn on_done(&mut self, now: Instant, done: Done) {
        let Self { door, peers, rooms, context, .. } = self;
        match done {
            Done::Accept(done) => door.on_accept_done(context, done),
            Done::Password(done) => context.on_password_done(now, peers, rooms, &done),
            Done::Content(done) => bulk::on_content_done(now, peers, rooms, context, done),
            Done::Store(StoreDone::Index(done)) => bulk::on_index_done(now, peers, rooms, context, done),
            Done::Store(StoreDone::Append { result }) => self.on_append_done(now, result),
            Done::Store(StoreDone::Reload { result }) => self.on_reload_done(now, result),
            Done::Store(StoreDone::Load { name, result }) => self.on_load_done(now, name, result),
            Done::Store(StoreDone::Sweep { name, result }) => on_swept(now, rooms, context, name, result),
            Done::Store(StoreDone::Survey { room, result }) => {
                context.surveys = context.surveys.saturating_sub(1);
                match rooms.get_mut(room) {
                    Some(room) => room.on_survey_done(now, context, result),
                    None => context.counters.results_dropped += 1,
                }
            }
            Done::Store(StoreDone::Read { room, range, entries }) => match rooms.get_mut(room) {
                Some(room) => room.on_read_done(now, peers, context, range, entries),
                None => context.counters.results_dropped += 1,
            },
        }
    }

    /// Lists the rooms that have something to commit, of those that an input may have changed, and
    /// creates their other jobs.
    pub(super) fn visit_touched_rooms(&mut self, now: Instant) {
        let Self { peers, rooms, context, .. } = self;
        rooms.visit_touched(|room| {
            room.refuse_displaced(now, peers, context);
            room.plan_drop(now, context);
        });
        context.create_password_job(now, peers, rooms);
        context.create_load_jobs();
        context.create_read_jobs(rooms);
    }

    /// Ends the connections that were replaced by those whose Joins are now complete, and reads the
    /// messages that followed these Joins.
    pub(super) fn read_joined(&mut self, now: Instant, joined: Vec<u32>) {
        self.end_replaced(now);
        for id in joined {
            if let Some(peer) = self.peers.get_mut(id) {
                read(now, &mut self.rooms, &mut self.context, peer);
            }
        }
    }

    /// Ends the connections whose sessions in a room were replaced. Their clients may return to the
    /// other rooms, so nothing is announced there yet.
    fn end_replaced(&mut self, now: Instant) {
        let Self { peers, rooms, context, .. } = self;
        for replaced in core::mem::take(&mut context.replaced) {
            let (Replaced::Abandoned(id) | Replaced::Surplus(id)) = replaced;
            let Some(peer) = peers.get_mut(id) else { continue };
            rooms.end_memberships(now, context, peer, LeaveReason::Vanished, Duration::ZERO);
            match replaced {
                Replaced::Abandoned(_) => {
                    peer.link.connection.reset();
                    peers.remove(context, id);
                }
                Replaced::Surplus(_) => peer.close(now, context, CloseCode::REPLACED, "joined from elsewhere"),
            }
        }
    }

    /// Resumes reading the connections that wait for a commit, those first that wait longest.
    pub(super) fn resume_paused(&mut self, now: Instant) {
        for id in core::mem::take(&mut self.context.turns.paused) {
            if let Some(peer) = self.peers.get_mut(id) {
                peer.link.turn.is_paused = false;
                read(now, &mut self.rooms, &mut self.context, peer);
            }
        }
    }

    /// The next datagram of a connection, in `out`.
    pub(super) fn next_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let Self { peers, rooms, context, .. } = self;
        while let Some(id) = context.turns.ready.front().copied() {
            let Some(peer) = peers.get_mut(id) else {
                context.turns.is_polling = false;
                context.turns.ready.pop_front();
                continue;
            };
            if !core::mem::replace(&mut context.turns.is_polling, true) {
                deliver(now, rooms, context, peer);
                bulk::deliver(now, context, &mut peer.link);
            }
            if let Some(transmit) = peer.link.connection.poll_transmit(now, out) {
                context.counters.classic_bytes +=
                    if peer.link.connection.is_classic() { transmit.len as u64 } else { 0 };
                return Some(transmit);
            }
            context.turns.is_polling = false;
            context.turns.ready.pop_front();
            settle(now, rooms, context, peer);
            if peer.link.connection.is_finished() {
                peers.remove(context, id);
            } else {
                let deadline = peer.link.connection.poll_timeout();
                context.timers.set(Timer::Connection(id), deadline);
            }
        }
        context.turns.is_round_over = true;
        None
    }
}

fn count_dropped(counters: &mut Counters, why: Dropped) {
    match why {
        Dropped::Open(OpenError::NotAuthentic) => counters.not_authentic += 1,
        Dropped::Open(OpenError::Replayed) => counters.replayed += 1,
        Dropped::Open(OpenError::Stale) => counters.stale += 1,
        Dropped::BufferFull => counters.no_room += 1,
        Dropped::NotOpen => {}
        _ => counters.malformed += 1,
    }
}
