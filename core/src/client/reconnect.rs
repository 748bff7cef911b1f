//! Connection attempts: back-off, hints and silence (SPEC 3, 4.5).
//!
//! ```text
//! no connection:  attempt 5 s (5 s more once answered)
//!                   -> failed: back-off 0.5 to 15 s -> attempt ...
//!                 before the first connection, Hellos of the first 1.5 s have no key hint
//! connection:     plausible Hint, or three probe time-outs of silence
//!                   -> parallel attempt, at most every 10 s
//!                   -> a packet arrives on the old connection: the attempt stops
//!                   -> established: the connection opens again, in place
//! ```
//! Nothing unauthenticated ends a connection, and a forged Challenge does not end an attempt.

use core::net::SocketAddr;

use super::retry::{
    ATTEMPT, JOIN_TIMEOUT, KEY_MISMATCH_TIMEOUT, PARALLEL_ATTEMPT_INTERVAL, SILENT_PROBES, UNHINTED_PERIOD,
};
use super::room::{Room, RoomState};
use super::zero_option::ZeroOption;
use super::{Client, DisconnectReason, EndReason, Phase, QueuedEvent};
use crate::connection::{Closed, ConnectionEvent, Dropped};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::client::DropReason;
use crate::session::{Fingerprint, HandshakeEvent, HandshakeOutput, RetrySchedule};
use crate::time::Instant;
use crate::transport::BufferProvider;
use crate::wire::frame::CloseCode;
use crate::wire::packet::{Packet, PacketError};

impl<K: ServerKey, M: BufferProvider, P: Provider, const OUTBOX: usize, const MESSAGE: usize, const ROOMS: usize>
    Client<K, M, P, OUTBOX, MESSAGE, ROOMS>
{
    /// Starts a handshake with the configured address.
    pub(super) fn begin_attempt(&mut self, now: Instant) {
        self.retry.to = self.config.server;
        self.retry.deadline = now + ATTEMPT;
        self.retry.is_extended = false;
        self.retry.next = ZeroOption::None;
        self.retry.without_key_hint = self.retry.expected.is_some() && !self.retry.has_connected;
        self.send_hello(now);
    }

    fn send_hello(&mut self, now: Instant) {
        let limits = self.config.limits(self.connection.memory().capacity(), MESSAGE);
        let seed = self.secrets.draw();
        let expected = if self.retry.without_key_hint { None } else { self.retry.expected.get() };
        let is_alone = !self.is_connected || self.retry.is_hinted;
        let pace = if is_alone { RetrySchedule::Initial } else { RetrySchedule::Background };
        self.handshake.start(now, seed, expected, limits, pace);
    }

    /// Passes a datagram to the connection or to the handshake.
    pub(super) fn dispatch_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        match Packet::decode(datagram, P::crc32) {
            Err(PacketError::Damaged) => self.counters.damaged = self.counters.damaged.saturating_add(1),
            Ok(Packet::Sealed(_)) => match self.connection.handle_datagram(now, from, datagram) {
                Ok(()) | Err(Dropped::BufferFull) => self.on_authenticated(),
                Err(Dropped::NotOpen) => self.counters.malformed = self.counters.malformed.saturating_add(1),
                Err(_) => {}
            },
            Ok(Packet::Challenge(_) | Packet::Accept(_)) => {
                // Only the destination of the attempt knows its random; packets from other
                // addresses are not examined.
                if !self.handshake.is_active() || !is_same_address(from, self.retry.to) {
                    self.counters.handshake = self.counters.handshake.saturating_add(1);
                } else if let Err(dropped) = self.handshake.handle_datagram::<P>(now, datagram) {
                    self.counters.handshake = self.counters.handshake.saturating_add(1);
                    if dropped == DropReason::Key {
                        self.on_unexpected_key(now);
                    }
                } else {
                    self.poll_handshake(now);
                }
            }
            // SPEC 4.5
            Ok(Packet::Hint(hint)) => {
                let is_from_peer = self.connection.remote().is_some_and(|remote| is_same_address(from, remote));
                let is_about_this = self.is_connected && hint.connection_id == self.retry.connection_id;
                if is_from_peer && is_about_this && self.connection.is_hint_plausible(hint.packet_number) {
                    self.retry.is_hinted = true;
                    self.reconnect(now);
                } else {
                    self.counters.handshake = self.counters.handshake.saturating_add(1);
                }
            }
            _ => self.counters.malformed = self.counters.malformed.saturating_add(1),
        }
    }

    /// An authentic packet was received: no parallel attempt is needed (SPEC 4.5).
    fn on_authenticated(&mut self) {
        if !self.is_connected {
            return;
        }
        self.retry.is_hinted = false;
        if self.handshake.is_active() {
            self.handshake.stop();
        }
        if self.rooms.any(Room::is_joined) && core::mem::take(&mut self.retry.is_lost) {
            self.events.push(QueuedEvent::Reconnected);
        }
    }

    /// The current attempt made progress.
    fn on_answer(&mut self, now: Instant) {
        self.retry.is_answered = true;
        self.retry.other_key_since = ZeroOption::None;
        if !core::mem::replace(&mut self.retry.is_extended, true) {
            self.retry.deadline = now + ATTEMPT;
        }
    }

    /// A Challenge with an unexpected key was received: it is dropped, but shows that a server
    /// answers.
    fn on_unexpected_key(&mut self, now: Instant) {
        self.retry.is_answered = true;
        let since = self.retry.other_key_since.get().unwrap_or(now);
        self.retry.other_key_since = ZeroOption::Some(since);
        let is_all_there_is = now.saturating_since(since) >= KEY_MISMATCH_TIMEOUT;
        if is_all_there_is && !self.retry.has_connected {
            self.terminate(now, EndReason::KeyMismatch);
        }
    }

    /// Accepts the key that was reported. Later attempts accept no other one.
    pub(super) fn expect_key(&mut self, now: Instant, fingerprint: Fingerprint) {
        self.retry.expected = ZeroOption::Some(fingerprint);
        self.retry.deadline = now + ATTEMPT;
        self.handshake.accept_key(now);
    }

    /// Handles the events of connection and handshake.
    pub(super) fn poll_children(&mut self, now: Instant) {
        while let Some(event) = self.connection.poll_event() {
            if let ConnectionEvent::Closed(ended) = event
                && self.is_connected
            {
                self.retry.closed = ZeroOption::Some(ended);
            }
        }
        while self.handshake.poll_drop().is_some() {
            self.counters.handshake = self.counters.handshake.saturating_add(1);
        }
        if let Some(HandshakeEvent::Established(established)) = self.handshake.poll_event() {
            self.open(now, &established);
        }
    }

    /// The handshake accepted a Challenge or an Accept.
    fn poll_handshake(&mut self, now: Instant) {
        let Some(HandshakeEvent::UnknownServerKey(fingerprint)) = self.handshake.poll_event() else {
            self.on_answer(now);
            return;
        };
        match self.retry.expected.get() {
            None => {
                self.on_answer(now);
                self.retry.offered = ZeroOption::Some(fingerprint);
                self.events.push(QueuedEvent::UnknownServerKey(fingerprint));
            }
            Some(expected) if expected == fingerprint => {
                self.on_answer(now);
                self.handshake.accept_key(now);
            }
            // The attempt waits until its Hellos hint at the expected key.
            Some(_) => {
                self.counters.handshake = self.counters.handshake.saturating_add(1);
                self.on_unexpected_key(now);
            }
        }
    }

    #[inline(never)]
    fn open(&mut self, now: Instant, established: &HandshakeOutput) {
        if self.is_member() {
            self.mark_lost(if self.retry.is_hinted { DisconnectReason::Unknown } else { DisconnectReason::Silent });
        }
        self.counters.add(&self.connection.counters());
        self.counters.connections = self.counters.connections.saturating_add(1);
        self.connection.open(now, established, self.retry.to);
        self.retry.stop();
        self.retry.has_connected = true;
        self.retry.connection_id = established.connection_id;
        self.retry.join_deadline = now + JOIN_TIMEOUT;
        self.largest_message = established.remote.message;
        self.is_reset = false;
        self.has_left = false;
        self.is_connected = true;
        self.rooms.disconnect();
        self.sign_joins();
    }

    /// Every room that waits for it joins now.
    fn sign_joins(&mut self) {
        self.rooms.for_each(|room| {
            if room.state == RoomState::Waiting {
                room.state = RoomState::Signing;
            }
        });
    }

    /// Whether it was in any of its rooms.
    fn is_member(&self) -> bool {
        self.rooms.any(|room| room.is_member)
    }

    /// Starts the attempts that are due and ends those that failed.
    pub(super) fn reconnect(&mut self, now: Instant) {
        if self.reconnect_timeout().is_none_or(|due| due > now) {
            return;
        }
        if self.handshake.is_active() {
            if self.retry.without_key_hint && !self.retry.is_extended && now < self.retry.deadline {
                self.retry.without_key_hint = false;
                self.send_hello(now);
                return;
            }
            self.handshake.stop();
            if !self.is_connected {
                self.try_later(now);
            } else {
                self.mark_lost(if self.retry.is_hinted { DisconnectReason::Unknown } else { DisconnectReason::Silent });
            }
        } else if !self.is_connected {
            self.begin_attempt(now);
        } else if self.join_timeout().is_some_and(|due| due <= now) {
            if self.is_join_postponed() && (self.rooms.any(Room::is_joined) || !self.rooms.any(Room::is_active)) {
                self.retry.join_deadline = now + JOIN_TIMEOUT;
                self.sign_joins();
            } else {
                self.abandon_connection(now, CloseCode::INTERNAL);
            }
        } else {
            self.retry.side_after = now + PARALLEL_ATTEMPT_INTERVAL;
            if self.retry.is_hinted && self.is_member() {
                self.mark_lost(DisconnectReason::Unknown);
            }
            self.begin_attempt(now);
        }
    }

    /// When [`Client::reconnect`] is due.
    pub(super) fn reconnect_timeout(&self) -> Option<Instant> {
        // The user may take any time to check the key.
        if self.phase != Phase::Running || self.retry.offered.is_some() {
            return None;
        }
        if self.handshake.is_active() {
            let asks_until = self.retry.deadline - ATTEMPT.saturating_sub(UNHINTED_PERIOD);
            let is_asking = self.retry.without_key_hint && !self.retry.is_extended;
            return Some(if is_asking { asks_until } else { self.retry.deadline });
        }
        if !self.is_connected {
            return self.retry.next.get();
        }
        let is_suspicious = self.retry.is_hinted || self.connection.consecutive_ptos() >= SILENT_PROBES;
        let is_needed = ROOMS == 1 || self.rooms.any(Room::is_used);
        let side = (is_suspicious && is_needed && !self.retry.closed.is_some()).then_some(self.retry.side_after);
        [self.join_timeout(), side].into_iter().flatten().min()
    }

    /// When the connection is useless because no room has joined, or rooms that were refused for
    /// now join again.
    fn join_timeout(&self) -> Option<Instant> {
        let is_awaited = !self.rooms.any(Room::is_joined) && (ROOMS == 1 || self.rooms.any(Room::is_used));
        (is_awaited || self.is_join_postponed()).then_some(self.retry.join_deadline)
    }

    /// The connection ended, and all received messages were read.
    pub(super) fn closed(&mut self, now: Instant, ended: Closed) {
        if !self.is_connected || self.phase == Phase::Ended {
            return;
        }
        self.disconnect();
        self.retry.stop();
        if self.phase != Phase::Running {
            // Every post is settled, so there is no reason to reconnect.
            self.terminate(now, EndReason::Left);
            return;
        }
        // Without a room, the next `join` connects.
        if ROOMS > 1 && !self.rooms.any(Room::is_used) {
            return;
        }
        match ended {
            Closed::ByPeer(code @ (CloseCode::REPLACED | CloseCode::KICKED | CloseCode::BANNED)) => {
                self.terminate(now, EndReason::Closed(code));
                return;
            }
            Closed::ByPeer(CloseCode::SHUTDOWN) => self.mark_lost(DisconnectReason::Shutdown),
            Closed::Idle => self.mark_lost(DisconnectReason::Silent),
            _ => self.mark_lost(DisconnectReason::Closed(ended)),
        }
        self.try_later(now);
    }

    /// There is no connection: a current attempt continues, otherwise the next one is scheduled.
    fn try_later(&mut self, now: Instant) {
        let is_needed = ROOMS == 1 || self.rooms.any(Room::is_used);
        if is_needed && !self.handshake.is_active() {
            let random = self.secrets.draw();
            self.retry.schedule(now, random);
        }
    }

    /// Closes an unusable connection and tries again later.
    pub(super) fn abandon_connection(&mut self, now: Instant, code: CloseCode) {
        self.connection.close(now, code, "");
        self.closed(now, Closed::Locally(code));
    }

    /// As [`Client::abandon_connection`], when the server asked for it.
    pub(super) fn refused_for_now(&mut self, now: Instant) {
        self.mark_lost(DisconnectReason::TryLater);
        self.abandon_connection(now, CloseCode::LEFT);
    }

    /// Reports Disconnected, once until Joined or Reconnected.
    fn mark_lost(&mut self, lost: DisconnectReason) {
        if !core::mem::replace(&mut self.retry.is_lost, true) {
            self.events.push(QueuedEvent::Disconnected(lost));
        }
    }
}

/// Whether two addresses are equal; an IPv4-mapped IPv6 address equals its IPv4 address.
fn is_same_address(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_mapped_addresses_are_the_same() {
        let v4: SocketAddr = "192.0.2.1:9999".parse().unwrap();
        assert!(is_same_address(v4, "[::ffff:192.0.2.1]:9999".parse().unwrap()));
        assert!(!is_same_address(v4, "192.0.2.1:9998".parse().unwrap()));
        assert!(!is_same_address(v4, "192.0.2.2:9999".parse().unwrap()));
    }
}
