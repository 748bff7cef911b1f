//! When there is a connection: attempts, back-off, hints and silence (SPEC 3, 4.5).
//!
//! ```text
//! nothing is up:  attempt 5 s (5 s more once answered) -> failed: back-off 0.5 to 15 s -> attempt ...
//! one is up:      heeded Hint, or three probe time-outs of silence -> attempt beside it, at most every 10 s
//!                   -> the old one speaks: the attempt stops      -> established: the connection opens again, in place
//! ```
//! Nothing unauthenticated ends a connection, and a forged Challenge does not end an attempt.

use core::net::SocketAddr;

use super::config::NOWHERE;
use super::maybe::Maybe;
use super::{Client, EndReason, Link, Lost, Phase, Told};
use crate::connection::{ConnectionEvent, Dropped, Ended};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::client::HandshakeDrop;
use crate::session::{Established, Fingerprint, HandshakeEvent};
use crate::time::{Duration, Instant};
use crate::transport::Memory;
use crate::wire::frame::CloseCode;
use crate::wire::packet::{Packet, PacketError};

/// How long an attempt lasts without an answer, and how long after the last step forward.
pub(super) const ATTEMPT: Duration = Duration::from_secs(5);
/// Attempts beside a connection begin at most this often (SPEC 4.5).
pub(super) const SIDE_INTERVAL: Duration = Duration::from_secs(10);
/// Probe time-outs without anything authenticated that count as silence (SPEC 4.5).
pub(super) const SILENT_PROBES: u32 = 3;
/// How long only other keys have to be presented until they are believed to be all there is.
pub(super) const OTHER_KEY: Duration = Duration::from_secs(5);
/// How long a connection may take to a Welcome: longer than any queue of password checks, and not for ever.
pub(super) const JOIN_TIMEOUT: Duration = Duration::from_secs(30);
const SHORTEST_BACKOFF: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(15);

/// The bookkeeping of attempts.
pub(super) struct Retry {
    /// Where the attempt under way goes.
    to: SocketAddr,
    /// When the attempt under way has failed.
    deadline: Instant,
    /// The attempt under way was answered, so `deadline` was moved.
    is_extended: bool,
    /// When nothing is up: the next attempt.
    next: Maybe<Instant>,
    /// No attempt beside a connection before this.
    side_after: Instant,
    /// Failed attempts in a row.
    failures: u8,
    /// A Hint was heeded and nothing authenticated came since.
    is_hinted: bool,
    /// Lost was told, and neither Joined nor Recovered since.
    is_lost: bool,
    is_answered: bool,
    has_connected: bool,
    /// The only key taken.
    expected: Maybe<Fingerprint>,
    /// The key that waits for an answer.
    offered: Maybe<Fingerprint>,
    /// Since when only other keys are presented.
    other_key_since: Maybe<Instant>,
    /// When a connection that is not joined is given up.
    join_deadline: Instant,
    /// Closed by the other side, and not acted upon while messages can be read.
    closed: Maybe<Ended>,
}

impl Retry {
    pub(super) const fn new() -> Self {
        Self {
            to: NOWHERE,
            deadline: Instant::ZERO,
            is_extended: false,
            next: Maybe::None,
            side_after: Instant::ZERO,
            failures: 0,
            is_hinted: false,
            is_lost: false,
            is_answered: false,
            has_connected: false,
            expected: Maybe::None,
            offered: Maybe::None,
            other_key_since: Maybe::None,
            join_deadline: Instant::ZERO,
            closed: Maybe::None,
        }
    }

    pub(super) fn set_expected(&mut self, fingerprint: Option<Fingerprint>) {
        self.expected = fingerprint.into();
    }

    pub(super) const fn attempt_to(&self) -> SocketAddr {
        self.to
    }

    pub(super) const fn is_lost(&self) -> bool {
        self.is_lost
    }

    pub(super) const fn is_answered(&self) -> bool {
        self.is_answered
    }

    pub(super) fn fingerprint(&self) -> Option<Fingerprint> {
        self.expected.get().or(self.offered.get())
    }

    pub(super) fn take_closed(&mut self) -> Option<Ended> {
        self.closed.take()
    }

    /// A Welcome came: whatever failed before is over.
    pub(super) const fn joined(&mut self) {
        self.failures = 0;
        self.is_lost = false;
    }

    /// Ends all attempts.
    pub(super) const fn stop(&mut self) {
        self.next = Maybe::None;
        self.closed = Maybe::None;
        self.offered = Maybe::None;
        self.is_hinted = false;
    }

    fn schedule(&mut self, now: Instant, random: [u8; 32]) {
        self.failures = self.failures.saturating_add(1);
        self.next = Maybe::Some(now + backoff(self.failures, random));
    }
}

/// 0.5 to 1 s after the first failure, doubling up to 7.5 to 15 s; uniform in that range, so that members which lost the same server
/// do not come back together.
fn backoff(failures: u8, random: [u8; 32]) -> Duration {
    let doublings = u32::from(failures).saturating_sub(1).min(8);
    let longest = Duration::from_micros((SHORTEST_BACKOFF * 2).as_micros() << doublings).min(LONGEST_BACKOFF);
    let shortest = longest / 2;
    let span = longest.saturating_sub(shortest).as_micros().saturating_add(1);
    let [a, b, c, d, ..] = random;
    let random = u64::from(u32::from_be_bytes([a, b, c, d]));
    shortest + Duration::from_micros(random.checked_rem(span).unwrap_or(0))
}

impl<K: ServerKey, M: Memory, P: Provider, const OUTBOX: usize, const MESSAGE: usize> Client<K, M, P, OUTBOX, MESSAGE> {
    /// Says Hello to where the server is said to be.
    pub(super) fn begin_attempt(&mut self) {
        let limits = self.stated.limits(self.connection.memory().capacity(), MESSAGE);
        let seed = self.secrets.draw();
        self.handshake.start(self.now, seed, self.retry.expected.get(), limits);
        self.retry.to = self.stated.server;
        self.retry.deadline = self.now + ATTEMPT;
        self.retry.is_extended = false;
        self.retry.next = Maybe::None;
        self.retry.side_after = self.now + SIDE_INTERVAL;
        self.is_dirty = true;
    }

    /// A datagram to whom it belongs.
    pub(super) fn sort_datagram(&mut self, from: SocketAddr, datagram: &mut [u8]) {
        match Packet::decode(datagram, P::crc32) {
            Err(PacketError::Damaged) => self.counters.damaged = self.counters.damaged.saturating_add(1),
            Ok(Packet::Sealed(_)) => match self.connection.handle_datagram(self.now, from, datagram) {
                Ok(()) | Err(Dropped::NoRoom) => self.heard(),
                Err(Dropped::NotOpen) => self.counters.malformed = self.counters.malformed.saturating_add(1),
                Err(_) => {}
            },
            Ok(Packet::Challenge(_) | Packet::Accept(_)) => {
                // Whoever is not where the attempt goes does not know its random; what they send is not even looked at.
                if !self.handshake.is_active() || !is_same_address(from, self.retry.to) {
                    self.counters.handshake = self.counters.handshake.saturating_add(1);
                } else if let Err(dropped) = self.handshake.handle_datagram::<P>(self.now, datagram) {
                    self.counters.handshake = self.counters.handshake.saturating_add(1);
                    if dropped == HandshakeDrop::Key {
                        self.saw_other_key();
                    }
                } else {
                    self.answered();
                }
            }
            // SPEC 4.5
            Ok(Packet::Hint(hint)) => {
                let is_from_peer = self.connection.remote().is_some_and(|remote| is_same_address(from, remote));
                if self.link != Link::Down && is_from_peer && self.connection.heeds_hint(hint.packet_number) {
                    self.retry.is_hinted = true;
                    self.reconnect();
                } else {
                    self.counters.handshake = self.counters.handshake.saturating_add(1);
                }
            }
            _ => self.counters.malformed = self.counters.malformed.saturating_add(1),
        }
    }

    /// The connection spoke authentically: no attempt beside it is needed (SPEC 4.5).
    fn heard(&mut self) {
        if self.link == Link::Down {
            return;
        }
        self.retry.is_hinted = false;
        if self.handshake.is_active() {
            self.handshake.stop();
        }
        if self.link == Link::Online && core::mem::take(&mut self.retry.is_lost) {
            self.pending.push(Told::Recovered);
        }
    }

    /// The attempt under way came a step further.
    fn answered(&mut self) {
        self.retry.is_answered = true;
        self.retry.other_key_since = Maybe::None;
        if !core::mem::replace(&mut self.retry.is_extended, true) {
            self.retry.deadline = self.now + ATTEMPT;
        }
    }

    /// A Challenge with another key than the expected one came: dropped, but somebody is there.
    fn saw_other_key(&mut self) {
        self.retry.is_answered = true;
        let since = self.retry.other_key_since.get().unwrap_or(self.now);
        self.retry.other_key_since = Maybe::Some(since);
        let is_all_there_is = self.now.saturating_since(since) >= OTHER_KEY;
        if is_all_there_is && !self.retry.has_connected && !self.handshake.is_answered() {
            self.end(EndReason::KeyMismatch);
        }
    }

    pub(super) fn answer_offer(&mut self, accept: bool) {
        let Some(fingerprint) = self.retry.offered.take() else { return };
        if !accept {
            self.end(EndReason::KeyDeclined);
            return;
        }
        // Later attempts take no other key.
        self.retry.expected = Maybe::Some(fingerprint);
        self.retry.deadline = self.now + ATTEMPT;
        self.handshake.answer_key(self.now, true);
        self.is_dirty = true;
    }

    /// Takes what connection and handshake have to say.
    pub(super) fn absorb(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            if let ConnectionEvent::Closed(ended) = event
                && self.link != Link::Down
            {
                self.retry.closed = Maybe::Some(ended);
            }
        }
        while let Some(event) = self.handshake.poll_event() {
            match event {
                HandshakeEvent::KeyOffered(fingerprint) => {
                    self.retry.offered = Maybe::Some(fingerprint);
                    self.pending.push(Told::KeyOffered(fingerprint));
                }
                HandshakeEvent::Established(established) => self.open(&established),
            }
        }
    }

    fn open(&mut self, established: &Established) {
        if self.room.is_member {
            self.lose(if self.retry.is_hinted { Lost::Unknown } else { Lost::Silent });
        }
        self.counters.add(&self.connection.counters());
        self.counters.connections = self.counters.connections.saturating_add(1);
        self.connection.open(self.now, established, self.retry.to);
        self.retry.stop();
        self.retry.has_connected = true;
        self.retry.join_deadline = self.now + JOIN_TIMEOUT;
        self.room.begin(established.remote.message);
        self.link = Link::Sign;
        self.is_dirty = true;
    }

    /// Starts, fails and follows attempts, as far as they are due.
    pub(super) fn reconnect(&mut self) {
        if self.reconnect_timeout().is_none_or(|due| due > self.now) {
            return;
        }
        if self.handshake.is_active() {
            self.handshake.stop();
            if self.link == Link::Down {
                let random = self.secrets.draw();
                self.retry.schedule(self.now, random);
            } else {
                self.lose(if self.retry.is_hinted { Lost::Unknown } else { Lost::Silent });
            }
        } else if self.link == Link::Down {
            self.begin_attempt();
        } else if self.link != Link::Online && self.retry.join_deadline <= self.now {
            self.give_up(CloseCode::INTERNAL);
        } else {
            if self.retry.is_hinted && self.room.is_member {
                self.lose(Lost::Unknown);
            }
            self.begin_attempt();
        }
    }

    /// When [`Client::reconnect`] has something to do.
    pub(super) fn reconnect_timeout(&self) -> Option<Instant> {
        // The person who looks at the key may take any time.
        if self.phase != Phase::Running || self.retry.offered.is_some() {
            return None;
        }
        if self.handshake.is_active() {
            return Some(self.retry.deadline);
        }
        if self.link == Link::Down {
            return self.retry.next.get();
        }
        let joins_by = (self.link != Link::Online).then_some(self.retry.join_deadline);
        let is_suspicious = self.retry.is_hinted || self.connection.silent_probes() >= SILENT_PROBES;
        let side = (is_suspicious && !self.retry.closed.is_some()).then_some(self.retry.side_after);
        [joins_by, side].into_iter().flatten().min()
    }

    /// The connection is over, and everything that could be read was.
    pub(super) fn closed(&mut self, ended: Ended) {
        if self.link == Link::Down || self.phase == Phase::Ended {
            return;
        }
        self.link = Link::Down;
        self.retry.stop();
        if self.phase != Phase::Running {
            // Everything is settled; that was all there was to wait for.
            self.end(EndReason::Left);
            return;
        }
        match ended {
            Ended::ByPeer(code @ (CloseCode::REPLACED | CloseCode::KICKED | CloseCode::BANNED)) => {
                self.end(EndReason::Closed(code));
                return;
            }
            Ended::ByPeer(CloseCode::SHUTDOWN) => self.lose(Lost::Shutdown),
            Ended::Idle => self.lose(Lost::Silent),
            _ => self.lose(Lost::Closed(ended)),
        }
        self.try_later();
    }

    /// Nothing is up; an attempt that is under way goes on, else the next one begins later.
    fn try_later(&mut self) {
        if !self.handshake.is_active() {
            let random = self.secrets.draw();
            self.retry.schedule(self.now, random);
        }
    }

    /// Closes a connection that is of no use, and tries again later.
    pub(super) fn give_up(&mut self, code: CloseCode) {
        self.connection.close(self.now, code, "");
        self.is_dirty = true;
        self.closed(Ended::Here(code));
    }

    /// As [`Client::give_up`], when the server asked for it.
    pub(super) fn refused_for_now(&mut self) {
        self.lose(Lost::TryLater);
        self.give_up(CloseCode::LEFT);
    }

    /// Says Lost, once until Joined or Recovered.
    fn lose(&mut self, lost: Lost) {
        if !core::mem::replace(&mut self.retry.is_lost, true) {
            self.pending.push(Told::Lost(lost));
        }
    }
}

/// Whether two addresses are the same place, written as IPv4 or as IPv6.
fn is_same_address(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backs_off_from_half_a_second_to_fifteen() {
        for (failures, shortest, longest) in
            [(1, 500, 1000), (2, 1000, 2000), (4, 4000, 8000), (5, 7500, 15000), (255, 7500, 15000)]
        {
            assert_eq!(backoff(failures, [0; 32]).as_millis(), shortest);
            for random in [[0xff; 32], [0x5a; 32], [1; 32]] {
                assert!((shortest..=longest).contains(&backoff(failures, random).as_millis()));
            }
        }
        assert_ne!(backoff(5, [1; 32]), backoff(5, [2; 32]));
    }

    #[test]
    fn takes_an_address_for_the_same_in_both_families() {
        let v4: SocketAddr = "192.0.2.1:9999".parse().unwrap();
        assert!(is_same_address(v4, "[::ffff:192.0.2.1]:9999".parse().unwrap()));
        assert!(!is_same_address(v4, "192.0.2.1:9998".parse().unwrap()));
        assert!(!is_same_address(v4, "192.0.2.2:9999".parse().unwrap()));
    }
}
