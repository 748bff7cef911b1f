//! What comes in: handshakes, sealed packets, and what belongs to nobody.

use core::marker::PhantomData;
use core::net::SocketAddr;

use kabar_core::connection::{Connection, Dropped};
use kabar_core::crypto::Provider;
use kabar_core::session::acceptor::{Accepted, AcceptorDrop};
use kabar_core::session::{Incoming, OpenError, PendingAccept};
use kabar_core::time::Instant;
use kabar_core::wire::packet::{HINT_LEN, Packet, PacketError, SealedHeader};
use rand_core::Rng;
use zeroize::Zeroizing;

use crate::hub::half_open::Refusal;
use crate::hub::peer::{Peer, Phase};
use crate::hub::prefix::Prefix;
use crate::hub::reclaim::Holding;
use crate::hub::timers::Timer;
use crate::hub::{AcceptDone, AcceptJob, Departure, Hub};

impl<P: Provider> Hub<P> {
    pub(in crate::hub) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        match self.acceptor.handle::<P>(now, from, datagram, &mut self.reply[..]) {
            Incoming::Dropped(why) => self.count_drop(why),
            Incoming::Hint => self.counters.malformed += 1,
            Incoming::Reply(_) | Incoming::Accept(_) if self.is_stopping => {}
            Incoming::Reply(len) => {
                self.counters.challenges += 1;
                let challenge = self.reply[..len].to_vec();
                self.reply(from, challenge);
            }
            Incoming::Accept(pending) => self.on_initiate(now, from, pending),
            Incoming::Sealed(header) => self.on_sealed(now, from, header, datagram),
        }
    }

    /// Whoever asked asks again: when the socket takes less than there is to answer, answers are dropped.
    fn reply(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        if self.replies.len() >= self.config.limits.answers {
            self.counters.answers_dropped += 1;
            return;
        }
        self.replies.push_back((to, datagram));
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
                self.reply(from, datagram.to_vec());
            }
            return;
        }
        let prefix = Prefix::of(from);
        let is_busy = self.accepts.len() >= self.config.limits.busy_accept_jobs;
        self.counters.handshakes_busy += u64::from(is_busy);
        // Each bucket counts all the time.
        let may_when_busy = self.handshakes.take(now, prefix);
        let may = self.calm_handshakes.take(now, prefix);
        if !may || (is_busy && !may_when_busy) {
            self.counters.handshakes_limited += 1;
            return;
        }
        let Ok(hurried) = self.accepts.room(prefix) else {
            self.counters.accept_jobs_full += 1;
            return;
        };
        let connection_id = self.draw_connection_id();
        let displaced = match self.half_open.insert(now, connection_id, initiate, pending.cookie_tag(), from) {
            Ok(displaced) => displaced,
            Err(why) => {
                *match why {
                    Refusal::Full => &mut self.counters.half_open_full,
                    Refusal::PrefixFull => &mut self.counters.half_open_prefix_full,
                    Refusal::Cookie => &mut self.counters.cookies_limited,
                } += 1;
                return;
            }
        };
        self.counters.half_open_full += u64::from(displaced.is_some());
        self.counters.accept_jobs_full += u64::from(hurried.is_some());
        for id in displaced.into_iter().chain(hurried) {
            self.counters.displaced += 1;
            self.accepts.cancel(id);
            self.half_open.remove(id);
        }
        let mut seed = Zeroizing::new([0; 32]);
        self.rng.fill_bytes(&mut *seed);
        self.accepts.push(AcceptJob { pending, connection_id, seed, provider: PhantomData }, prefix);
    }

    fn draw_connection_id(&mut self) -> u32 {
        loop {
            let id = self.rng.next_u32();
            if id != 0 && !self.peers.contains_key(&id) && !self.half_open.contains(id) {
                return id;
            }
        }
    }

    pub(in crate::hub) fn on_accept_done(&mut self, done: AcceptDone) {
        self.accepts.on_done();
        self.counters.handshakes_failed += u64::from(done.accepted.is_none());
        if let Some((to, Accepted { datagram, .. })) = self.half_open.complete(done.connection_id, done.accepted)
            && !self.is_stopping
        {
            let datagram = *datagram;
            self.counters.accepts += 1;
            self.reply(to, datagram.to_vec());
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
        if self.is_stopping {
            return;
        }
        let Some((remote, accepted)) = self.half_open.ready(id) else { return };
        // Before anything is made, and before anybody has to make room.
        if let Err(why) = accepted.first_keys.verify::<P>(datagram) {
            return self.count_dropped(Dropped::Open(why));
        }
        let prefix = Prefix::of(remote);
        if !self.make_room(now, prefix) {
            return;
        }
        let Some((_, Accepted { established, .. })) = self.half_open.ready(id) else { return };
        let mut peer = Box::new(Peer {
            connection: Connection::new(self.pool.memory()),
            address: remote,
            prefix,
            ordinal: self.half_open.ordinal(id),
            message_limit: established.remote.message,
            idle_s: established.remote.idle_s.min(established.local.idle_s),
            phase: Phase::Unjoined,
            identity: None,
            is_ready: false,
            is_at_head: false,
            round: 0,
            work: 0,
            is_deferred: false,
            is_held: false,
            holding: Holding::default(),
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
        self.strangers.insert(id, prefix);
        self.peers.insert(id, peer);
        self.timers.set(Timer::Phase(id), Some(now + self.config.limits.join_time));
        self.on_connection_input(now, id);
    }

    /// Makes room for one more connection of `prefix`, if there has to be made some; `false`: there is none.
    fn make_room(&mut self, now: Instant, prefix: Prefix) -> bool {
        let limits = &self.config.limits;
        if self.peers.len() >= limits.connections {
            self.counters.connections_full += 1;
            // Those that are over have nothing to lose but the repetition of their last word.
            let over = self.over.heaviest_oldest();
            let Some(displaced) = over.or_else(|| self.strangers.displaced_by(prefix)) else { return false };
            self.displace(now, displaced);
        }
        if self.waiting >= self.config.limits.unjoined {
            self.counters.unjoined_full += 1;
            let Some(displaced) = self.strangers.displaced_by(prefix) else { return false };
            self.displace(now, displaced);
        }
        true
    }

    /// Forgets a connection that is not a member's. If somebody is there, a hint says so.
    fn displace(&mut self, now: Instant, id: u32) {
        self.counters.displaced += 1;
        self.depart(now, id, Departure::Vanished);
        self.remove(id);
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
        if self.is_stopping || cause_len < HINT_LEN {
            return;
        }
        if !self.hints.take(now, Prefix::of(to)) {
            self.counters.hints_limited += 1;
            return;
        }
        let mut out = [0; HINT_LEN];
        if let Ok(len) = Packet::Hint(header).encode(&mut out, P::crc32) {
            self.counters.hints += 1;
            self.reply(to, out[..len].to_vec());
        }
    }
}
