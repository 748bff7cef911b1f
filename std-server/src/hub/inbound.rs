//! What comes in: handshakes, sealed packets, and what belongs to nobody.

use core::marker::PhantomData;
use core::net::SocketAddr;

use kabar_core::connection::{Connection, Dropped};
use kabar_core::crypto::Provider;
use kabar_core::session::acceptor::{Accepted, AcceptorDrop};
use kabar_core::session::{Incoming, OpenError, PendingAccept};
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::packet::{HINT_LEN, Packet, PacketError, SealedHeader};
use rand_core::Rng;
use zeroize::Zeroizing;

use super::half_open::Refusal;
use super::limiter::{Prefix, Rate};
use super::peer::{Peer, Phase};
use super::timers::Timer;
use super::{AcceptDone, AcceptJob, Hub, Job};

impl<P: Provider> Hub<P> {
    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        match self.acceptor.handle::<P>(now, from, datagram, &mut self.reply[..]) {
            Incoming::Dropped(why) => self.count_drop(why),
            Incoming::Hint => self.counters.malformed += 1,
            Incoming::Reply(_) | Incoming::Accept(_) if self.is_stopping => {}
            Incoming::Reply(len) => {
                self.counters.challenges += 1;
                let challenge = self.reply[..len].to_vec();
                self.replies.push_back((from, challenge));
            }
            Incoming::Accept(pending) => self.on_initiate(now, from, pending),
            Incoming::Sealed(header) => self.on_sealed(now, from, header, datagram),
        }
    }

    fn reply(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.replies.push_back((to, datagram.to_vec()));
    }

    fn count_drop(&mut self, why: AcceptorDrop) {
        let counters = &mut self.counters;
        *match why {
            AcceptorDrop::Packet(PacketError::Damaged) => &mut counters.damaged,
            AcceptorDrop::Packet(PacketError::Unknown) => &mut counters.unknown,
            AcceptorDrop::Hello | AcceptorDrop::Key => &mut counters.wrong_key,
            AcceptorDrop::Cookie => &mut counters.wrong_cookie,
            _ => &mut counters.malformed,
        } += 1;
    }

    /// An Initiate whose cookie verified (SPEC 3.6).
    fn on_initiate(&mut self, now: Instant, from: SocketAddr, pending: PendingAccept) {
        let initiate = pending.id();
        if let Some(accepted) = self.half_open.find(&initiate) {
            // The same Initiate gets the same Accept, as soon as there is one.
            if let Some(datagram) = accepted.map(|accepted| accepted.datagram) {
                self.counters.accepts += 1;
                self.reply(from, &datagram);
            }
            return;
        }
        let limits = &self.config.limits;
        if self.accept_jobs >= limits.accept_jobs {
            self.counters.accept_jobs_full += 1;
            return;
        }
        let is_allowed = self.handshakes.take(now, Prefix::of(from));
        let is_busy = self.accept_jobs >= limits.busy_accept_jobs;
        self.counters.handshakes_busy += u64::from(is_busy);
        if is_busy && !is_allowed {
            self.counters.handshakes_limited += 1;
            return;
        }
        let connection_id = self.draw_connection_id();
        if let Err(why) = self.half_open.insert(now, connection_id, initiate, pending.cookie_tag(), from) {
            *match why {
                Refusal::Full => &mut self.counters.half_open_full,
                Refusal::PrefixFull => &mut self.counters.half_open_prefix_full,
                Refusal::Cookie => &mut self.counters.cookies_limited,
                Refusal::CookiesFull => &mut self.counters.cookies_full,
            } += 1;
            return;
        }
        let mut seed = Zeroizing::new([0; 32]);
        self.rng.fill_bytes(&mut *seed);
        self.accept_jobs += 1;
        let job = AcceptJob { pending, connection_id, seed, provider: PhantomData };
        self.jobs.push_back(Job::Accept(Box::new(job)));
    }

    fn draw_connection_id(&mut self) -> u32 {
        loop {
            let id = self.rng.next_u32();
            if id != 0 && !self.peers.contains_key(&id) && !self.half_open.contains(id) {
                return id;
            }
        }
    }

    pub(super) fn on_accept_done(&mut self, done: AcceptDone) {
        self.accept_jobs -= 1;
        self.counters.handshakes_failed += u64::from(done.accepted.is_none());
        if let Some((to, Accepted { datagram, .. })) = self.half_open.complete(done.connection_id, done.accepted)
            && !self.is_stopping
        {
            let datagram = *datagram;
            self.counters.accepts += 1;
            self.reply(to, &datagram);
        }
    }

    fn on_sealed(&mut self, now: Instant, from: SocketAddr, header: SealedHeader, datagram: &mut [u8]) {
        let id = header.connection_id;
        if let Some(peer) = self.peers.get_mut(&id) {
            match peer.connection.handle_datagram(now, from, datagram) {
                Ok(()) => self.on_connection_input(now, id),
                Err(why) => {
                    // A connection that is closing may want to say so again.
                    if why == Dropped::NotOpen {
                        self.mark_ready(id);
                    }
                    self.count_dropped(why);
                }
            }
        } else if self.half_open.ready(id).is_some() {
            self.open(now, from, id, datagram);
        } else {
            self.hint(now, from, header, datagram.len());
        }
    }

    /// The first sealed packet of a half-open connection: if it verifies, the connection is open and the entry is gone (SPEC 3.6).
    fn open(&mut self, now: Instant, from: SocketAddr, id: u32, datagram: &mut [u8]) {
        let limits = &self.config.limits;
        if self.is_stopping {
            return;
        }
        if self.peers.len() >= limits.connections {
            self.counters.connections_full += 1;
            return;
        }
        if self.waiting >= limits.unjoined {
            self.counters.unjoined_full += 1;
            return;
        }
        let Some((remote, Accepted { established, .. })) = self.half_open.ready(id) else { return };
        let mut peer = Box::new(Peer {
            connection: Connection::new(self.pool.memory()),
            address: remote,
            ordinal: self.half_open.ordinal(id),
            message_limit: usize::from(established.remote.message),
            idle: Duration::from_secs(u64::from(established.remote.idle_s.min(established.local.idle_s))),
            phase: Phase::Unjoined,
            is_ready: false,
            is_at_head: false,
            round: 0,
            work: 0,
            is_deferred: false,
            is_held: false,
        });
        peer.connection.open(now, established, remote);
        if self.config.mistakes.acknowledge_unchecked {
            peer.connection.acknowledge_unchecked();
        }
        if let Err(why) = peer.connection.handle_datagram(now, from, datagram) {
            self.count_dropped(why);
            return;
        }
        let mut path_key = [0; 32];
        self.rng.fill_bytes(&mut path_key);
        peer.connection.set_path_key(path_key);
        self.half_open.remove(id);
        self.counters.connections += 1;
        self.waiting += 1;
        self.peers.insert(id, peer);
        self.timers.set(Timer::Phase(id), Some(now + self.config.limits.join_time));
        self.on_connection_input(now, id);
    }

    fn count_dropped(&mut self, why: Dropped) {
        let counters = &mut self.counters;
        match why {
            Dropped::Open(OpenError::NotAuthentic) => counters.not_authentic += 1,
            Dropped::Open(OpenError::Replayed) => counters.replayed += 1,
            Dropped::Open(OpenError::Stale) => counters.stale += 1,
            Dropped::NoRoom => counters.no_room += 1,
            Dropped::NotOpen => {}
            _ => counters.malformed += 1,
        }
    }

    /// Tells whoever speaks on an unknown connection that it is unknown (SPEC 4.5).
    fn hint(&mut self, now: Instant, to: SocketAddr, header: SealedHeader, cause_len: usize) {
        let rate = Rate { burst: self.config.limits.hint_burst, interval: self.config.limits.hint_interval };
        if self.is_stopping || cause_len < HINT_LEN {
            return;
        }
        if !self.hints.take(now, rate) {
            self.counters.hints_limited += 1;
            return;
        }
        let mut out = [0; HINT_LEN];
        if let Ok(len) = Packet::Hint(header).encode(&mut out, P::crc32) {
            self.counters.hints += 1;
            self.reply(to, &out[..len]);
        }
    }
}
