//! When there is a connection: attempts, back-off, hints and silence (SPEC 3, 4.5).
//!
//! ```text
//! nothing is up:  attempt 5 s (5 s more once answered) -> failed: back-off 0.5 to 15 s -> attempt ...
//!                   as long as there never was a connection, the first 1.5 s ask every server for its key, the rest only the right one
//! one is up:      heeded Hint, or three probe time-outs of silence -> attempt beside it, at most every 10 s
//!                   -> the old one speaks: the attempt stops      -> established: the connection opens again, in place
//! ```
//! Nothing unauthenticated ends a connection, and a forged Challenge does not end an attempt.

use core::net::SocketAddr;

use super::maybe::Maybe;
use super::retry::{ATTEMPT, JOIN_TIMEOUT, OPEN_QUESTION, OTHER_KEY, SIDE_INTERVAL, SILENT_PROBES};
use super::{Client, EndReason, Link, Lost, Phase, Told};
use crate::connection::{ConnectionEvent, Dropped, Ended};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::client::DropReason;
use crate::session::{HandshakeEvent, HandshakeOutput, RetrySchedule};
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::CloseCode;
use crate::wire::packet::{Packet, PacketError};

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize>
    Client<K, M, P, OUTBOX, MESSAGE>
{
    /// Says Hello to where the server is said to be.
    pub(super) fn begin_attempt(&mut self) {
        self.retry.to = self.stated.server;
        self.retry.deadline = self.now + ATTEMPT;
        self.retry.is_extended = false;
        self.retry.next = Maybe::None;
        self.retry.asks_openly = self.retry.expected.is_some() && !self.retry.has_connected;
        self.say_hello();
    }

    fn say_hello(&mut self) {
        let limits = self.stated.limits(self.connection.memory().capacity(), MESSAGE);
        let seed = self.secrets.draw();
        let expected = if self.retry.asks_openly { None } else { self.retry.expected.get() };
        let is_alone = self.link == Link::Down || self.retry.is_hinted;
        let pace = if is_alone { RetrySchedule::Initial } else { RetrySchedule::Background };
        self.handshake.start(self.now, seed, expected, limits, pace);
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
                    if dropped == DropReason::Key {
                        self.saw_other_key();
                    }
                } else {
                    self.absorb_handshake();
                }
            }
            // SPEC 4.5
            Ok(Packet::Hint(hint)) => {
                let is_from_peer = self.connection.remote().is_some_and(|remote| is_same_address(from, remote));
                let is_about_this = self.link != Link::Down && hint.connection_id == self.retry.connection_id;
                if is_from_peer && is_about_this && self.connection.heeds_hint(hint.packet_number) {
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
        if is_all_there_is && !self.retry.has_connected {
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
        self.handshake.accept_key(self.now);
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
        while self.handshake.poll_drop().is_some() {
            self.counters.handshake = self.counters.handshake.saturating_add(1);
        }
        if let Some(HandshakeEvent::Established(established)) = self.handshake.poll_event() {
            self.open(&established);
        }
    }

    /// The handshake took a Challenge or an Accept.
    fn absorb_handshake(&mut self) {
        let Some(HandshakeEvent::UnknownServerKey(fingerprint)) = self.handshake.poll_event() else {
            self.answered();
            return;
        };
        match self.retry.expected.get() {
            None => {
                self.answered();
                self.retry.offered = Maybe::Some(fingerprint);
                self.pending.push(Told::KeyOffered(fingerprint));
            }
            Some(expected) if expected == fingerprint => {
                self.answered();
                self.handshake.accept_key(self.now);
            }
            // The attempt waits until it asks for the right one.
            Some(_) => {
                self.counters.handshake = self.counters.handshake.saturating_add(1);
                self.saw_other_key();
            }
        }
    }

    #[inline(never)]
    fn open(&mut self, established: &HandshakeOutput) {
        if self.room.is_member {
            self.lose(if self.retry.is_hinted { Lost::Unknown } else { Lost::Silent });
        }
        self.counters.add(&self.connection.counters());
        self.counters.connections = self.counters.connections.saturating_add(1);
        self.connection.open(self.now, established, self.retry.to);
        self.retry.stop();
        self.retry.has_connected = true;
        self.retry.connection_id = established.connection_id;
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
            if self.retry.asks_openly && !self.retry.is_extended && self.now < self.retry.deadline {
                self.retry.asks_openly = false;
                self.say_hello();
                return;
            }
            self.handshake.stop();
            if self.link == Link::Down {
                self.try_later();
            } else {
                self.lose(if self.retry.is_hinted { Lost::Unknown } else { Lost::Silent });
            }
        } else if self.link == Link::Down {
            self.begin_attempt();
        } else if self.link != Link::Online && self.retry.join_deadline <= self.now {
            self.give_up(CloseCode::INTERNAL);
        } else {
            self.retry.side_after = self.now + SIDE_INTERVAL;
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
            let asks_until = self.retry.deadline - ATTEMPT.saturating_sub(OPEN_QUESTION);
            let is_asking = self.retry.asks_openly && !self.retry.is_extended;
            return Some(if is_asking { asks_until } else { self.retry.deadline });
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
    fn takes_an_address_for_the_same_in_both_families() {
        let v4: SocketAddr = "192.0.2.1:9999".parse().unwrap();
        assert!(is_same_address(v4, "[::ffff:192.0.2.1]:9999".parse().unwrap()));
        assert!(!is_same_address(v4, "192.0.2.1:9998".parse().unwrap()));
        assert!(!is_same_address(v4, "192.0.2.2:9999".parse().unwrap()));
    }
}
