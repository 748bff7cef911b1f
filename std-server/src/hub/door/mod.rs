//! Strangers: handles their datagrams, and owns all state that these may touch before one is
//! authentic (SPEC 3.6, 3.7, 4.5).
//!
//! ```text
//! Hello -> Challenge (no state) -> Initiate -> half-open -> Accept job -> Accept -> first sealed packet: a connection
//! ```

mod accepts;
mod half_open;

use core::marker::PhantomData;
use core::net::SocketAddr;
use std::collections::VecDeque;

use kabar_core::MAX_DATAGRAM;
use kabar_core::connection::Transmit;
use kabar_core::crypto::Provider;
use kabar_core::session::acceptor::{Accepted, DropReason};
use kabar_core::session::{Acceptor, HINT_LEN, Incoming, OpenError, PacketError, PendingAccept, SealedHeader};
use kabar_core::time::Instant;
use rand_core::Rng;
use zeroize::Zeroizing;

use super::config::HubConfig;
use super::context::Context;
use super::counters::Counters;
use super::fairness::limiter::{Buckets, Rate};
use super::fairness::prefix::Prefix;
use super::jobs::{AcceptDone, AcceptJob, Job};
use accepts::Accepts;
use half_open::{HalfOpen, Refusal};

/// While the server is not busy, the rate of handshakes of a prefix is this many times higher.
const CALM: u32 = 16;

/// The state that unauthenticated datagrams reach.
#[derive(Debug)]
pub(super) struct Door<P: Provider> {
    acceptor: Acceptor,
    half_open: HalfOpen,
    accepts: Accepts<P>,
    /// Handshakes that each prefix may start while the server is busy.
    handshakes: Buckets,
    /// Handshakes that each prefix may start at any time.
    calm_handshakes: Buckets,
    hints: Buckets,
    /// Replies to be sent.
    replies: VecDeque<(SocketAddr, Vec<u8>)>,
    /// Buffer for the reply that the acceptor writes.
    reply: Box<[u8; MAX_DATAGRAM]>,
}

impl<P: Provider> Door<P> {
    pub(super) fn new(config: &HubConfig, modulus: &[u8], acceptor_seed: [u8; 32]) -> Self {
        let limits = &config.limits;
        let handshakes = Rate { burst: limits.handshake_burst, interval: limits.handshake_interval };
        let hints = Rate { burst: limits.hint_burst, interval: limits.hint_interval };
        Self {
            acceptor: Acceptor::new(modulus, config.profile.limits(), acceptor_seed),
            half_open: HalfOpen::new(half_open::Bounds {
                entries: limits.half_open,
                per_prefix: limits.half_open_per_prefix,
                time: limits.half_open_time,
                cookies: limits.cookies,
            }),
            accepts: Accepts::new(limits.accept_jobs),
            handshakes: Buckets::new(handshakes, limits.prefixes),
            calm_handshakes: Buckets::new(handshakes.times(CALM), limits.prefixes),
            hints: Buckets::new(hints, limits.prefixes),
            replies: VecDeque::new(),
            reply: Box::new([0; MAX_DATAGRAM]),
        }
    }

    /// Handles a datagram, except for a sealed packet: returns its header. `is_used` returns
    /// whether a connection has an id.
    pub(super) fn receive(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        from: SocketAddr,
        datagram: &[u8],
        is_used: impl Fn(u32) -> bool,
    ) -> Option<SealedHeader> {
        match self.acceptor.handle_datagram::<P>(now, from, datagram, &mut self.reply[..]) {
            Incoming::Dropped(why) => count_drop(&mut context.counters, why),
            Incoming::Hint => context.counters.malformed += 1,
            Incoming::Reply(_) | Incoming::Accept(_) if context.is_stopping => {}
            Incoming::Reply(len) => {
                context.counters.challenges += 1;
                let challenge = self.reply[..len].to_vec();
                self.reply(context, from, challenge);
            }
            Incoming::Accept(pending) => self.on_initiate(now, context, from, pending, is_used),
            Incoming::Sealed(header) => return Some(header),
        }
        None
    }

    /// Queues a reply. Beyond the limit replies are dropped: the sender repeats its request.
    fn reply(&mut self, context: &mut Context<P>, to: SocketAddr, datagram: Vec<u8>) {
        if self.replies.len() >= context.config.limits.answers {
            context.counters.answers_dropped += 1;
            return;
        }
        self.replies.push_back((to, datagram));
    }

    /// Handles an Initiate whose cookie verified (SPEC 3.6).
    fn on_initiate(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        from: SocketAddr,
        pending: PendingAccept,
        is_used: impl Fn(u32) -> bool,
    ) {
        let initiate = pending.id();
        if let Some(accepted) = self.half_open.find(&initiate) {
            // The same Initiate gets the same Accept, as soon as there is one.
            if let Some(datagram) = accepted.map(|accepted| accepted.datagram) {
                context.counters.accepts += 1;
                self.reply(context, from, datagram.to_vec());
            }
            return;
        }
        let (prefix, counters) = (Prefix::of(from), &mut context.counters);
        let is_busy = self.accepts.len() >= context.config.limits.busy_accept_jobs;
        counters.handshakes_busy += u64::from(is_busy);
        // Both buckets count at all times.
        let may_when_busy = self.handshakes.take(now, prefix);
        let may = self.calm_handshakes.take(now, prefix);
        if !may || (is_busy && !may_when_busy) {
            counters.handshakes_limited += 1;
            return;
        }
        let Ok(cancelled) = self.accepts.room(prefix) else {
            counters.accept_jobs_full += 1;
            return;
        };
        let connection_id = loop {
            let id = context.rng.next_u32();
            if id != 0 && !is_used(id) && !self.half_open.contains(id) {
                break id;
            }
        };
        let displaced = match self.half_open.insert(now, connection_id, initiate, pending.cookie_tag(), from) {
            Ok(displaced) => displaced,
            Err(why) => {
                *match why {
                    Refusal::Full => &mut counters.half_open_full,
                    Refusal::PrefixFull => &mut counters.half_open_prefix_full,
                    Refusal::Cookie => &mut counters.cookies_limited,
                } += 1;
                return;
            }
        };
        counters.half_open_full += u64::from(displaced.is_some());
        counters.accept_jobs_full += u64::from(cancelled.is_some());
        for id in displaced.into_iter().chain(cancelled) {
            counters.displaced += 1;
            self.accepts.cancel(id);
            self.half_open.remove(id);
        }
        let mut seed = Zeroizing::new([0; 32]);
        context.rng.fill_bytes(&mut *seed);
        self.accepts.push(AcceptJob { pending, connection_id, seed, provider: PhantomData }, prefix);
    }

    /// Creates the jobs of handshakes whose turn has come.
    pub(super) fn create_jobs(&mut self, jobs: &mut VecDeque<Job<P>>) {
        while let Some(job) = self.accepts.hand_out() {
            jobs.push_back(Job::Accept(job));
        }
    }

    pub(super) fn on_accept_done(&mut self, context: &mut Context<P>, done: AcceptDone) {
        self.accepts.on_done();
        context.counters.handshakes_failed += u64::from(done.accepted.is_none());
        if let Some((to, Accepted { datagram, .. })) = self.half_open.complete(done.connection_id, done.accepted)
            && !context.is_stopping
        {
            let datagram = datagram.to_vec();
            context.counters.accepts += 1;
            self.reply(context, to, datagram);
        }
    }

    /// The half-open connection of this id, if its Accept is ready.
    pub(super) fn half_open(&self, id: u32) -> Option<ReadyHalfOpen<'_>> {
        let (remote, accepted) = self.half_open.ready(id)?;
        Some(ReadyHalfOpen { remote, ordinal: self.half_open.ordinal(id), accepted })
    }

    /// Whether a half-open connection has this id.
    pub(super) fn has_half_open(&self, id: u32) -> bool {
        self.half_open.contains(id)
    }

    /// Removes a half-open connection that is now open.
    pub(super) fn forget_half_open(&mut self, id: u32) {
        self.half_open.remove(id);
    }

    /// Answers a packet of an unknown connection (SPEC 4.5).
    pub(super) fn hint(
        &mut self,
        now: Instant,
        context: &mut Context<P>,
        to: SocketAddr,
        header: SealedHeader,
        cause_len: usize,
    ) {
        if context.is_stopping || cause_len < HINT_LEN {
            return;
        }
        if !self.hints.take(now, Prefix::of(to)) {
            context.counters.hints_limited += 1;
            return;
        }
        context.counters.hints += 1;
        self.reply(context, to, header.hint(P::crc32).to_vec());
    }

    /// Removes half-open connections that have expired.
    pub(super) fn expire(&mut self, now: Instant, counters: &mut Counters) {
        counters.half_open_expired += self.half_open.expire(now);
    }

    /// When to call [`Self::expire`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.half_open.deadline()
    }

    pub(super) fn has_replies(&self) -> bool {
        !self.replies.is_empty()
    }

    /// The next reply to send, in `out`.
    pub(super) fn poll_transmit(&mut self, out: &mut [u8]) -> Option<Transmit> {
        let (to, datagram) = self.replies.pop_front()?;
        out.get_mut(..datagram.len())?.copy_from_slice(&datagram);
        Some(Transmit { to, len: datagram.len() })
    }

    /// Half-open connections, and handshakes whose public-key work is not done.
    pub(super) fn status(&self) -> (usize, usize) {
        (self.half_open.len(), self.accepts.len())
    }

    /// Number of buckets that were replaced before they were full.
    pub(super) fn buckets_forgotten(&self) -> u64 {
        self.handshakes.forgotten() + self.calm_handshakes.forgotten() + self.hints.forgotten()
    }

    /// Number of cookies that were forgotten before they expired.
    pub(super) fn cookies_forgotten(&self) -> u64 {
        self.half_open.cookies_forgotten()
    }

    #[cfg(test)]
    pub(super) fn replies(&self) -> usize {
        self.replies.len()
    }
}

/// A half-open connection that is ready for its first sealed packet.
#[derive(Debug)]
pub(super) struct ReadyHalfOpen<'a> {
    pub(super) remote: SocketAddr,
    /// Number of its handshake.
    pub(super) ordinal: u64,
    pub(super) accepted: &'a Accepted,
}

impl ReadyHalfOpen<'_> {
    /// Whether a packet is authentic. Nothing is created for one that is not.
    pub(super) fn verify<P: Provider>(&self, datagram: &[u8]) -> Result<(), OpenError> {
        self.accepted.verify::<P>(datagram)
    }
}

fn count_drop(counters: &mut Counters, why: DropReason) {
    *match why {
        DropReason::Packet(PacketError::Damaged) => &mut counters.damaged,
        DropReason::Packet(PacketError::Unknown) => &mut counters.unknown,
        DropReason::Hello | DropReason::Key => &mut counters.wrong_key,
        DropReason::Cookie => &mut counters.wrong_cookie,
        _ => &mut counters.malformed,
    } += 1;
}
