//! What goes out, connection by connection, and when each wants to be asked again.

use core::net::SocketAddr;

use kabar_core::chat::{RefusedCode, ToClient};
use kabar_core::connection::{ConnectionEvent, Transmit};
use kabar_core::crypto::Provider;
use kabar_core::time::{Duration, Instant};
use kabar_core::wire::frame::{CloseCode, StreamId};

use crate::hub::peer::Phase;
use crate::hub::shares::Shares;
use crate::hub::timers::Timer;
use crate::hub::{Departure, Hub, HubEvent, ReadJob, StoreJob};
use crate::hub::{Job, MAX_MESSAGE_LEN};

impl<P: Provider> Hub<P> {
    pub(in crate::hub) fn next_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        if let Some((to, datagram)) = self.replies.pop_front() {
            out.get_mut(..datagram.len())?.copy_from_slice(&datagram);
            return Some(Transmit { to, len: datagram.len() });
        }
        while let Some(id) = self.ready.front().copied() {
            if !self.is_asking {
                self.is_asking = true;
                self.go_on(now, id);
                self.deliver(now, id);
            }
            if let Some(peer) = self.peers.get_mut(&id)
                && let Some(transmit) = peer.connection.poll_transmit(now, out)
            {
                return Some(transmit);
            }
            self.is_asking = false;
            self.ready.pop_front();
            self.settle(now, id);
        }
        self.is_round_over = true;
        None
    }

    /// A connection has nothing more to send now: looks at what became of it.
    fn settle(&mut self, now: Instant, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.is_ready = false;
            peer.note_progress(now);
        }
        self.drain_events(now, id);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        // What a refused connection had to hear is acknowledged: it can be closed (SPEC 5.7).
        if matches!(peer.phase, Phase::Refused) && peer.connection.unacknowledged(StreamId::Chat) == 0 {
            self.close(now, id, CloseCode::REFUSED, "");
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.connection.is_finished() {
            self.remove(id);
        } else {
            let deadline = peer.connection.poll_timeout();
            self.timers.set(Timer::Connection(id), deadline);
        }
    }

    /// Queues a connection: it may have something to send.
    pub(in crate::hub) fn mark_ready(&mut self, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.is_ready
        {
            peer.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// Something authentic came in on a connection.
    pub(in crate::hub) fn on_connection_input(&mut self, now: Instant, id: u32) {
        self.drain_events(now, id);
        self.mark_ready(id);
    }

    pub(in crate::hub) fn on_connection_timer(&mut self, now: Instant, id: u32) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.connection.handle_timeout(now);
            self.on_connection_input(now, id);
        }
    }

    /// The time of a connection's phase is over.
    pub(in crate::hub) fn on_phase_timer(&mut self, now: Instant, id: u32) {
        match self.peers.get(&id).map(|peer| &peer.phase) {
            // Its Join may be there: it is the server that does not read on.
            Some(Phase::Unjoined) if self.peers.get(&id).is_some_and(|peer| peer.is_held) => {
                self.timers.set(Timer::Phase(id), Some(now + self.config.limits.join_time));
            }
            Some(Phase::Unjoined) => {
                self.counters.not_joined += 1;
                self.close(now, id, CloseCode::NOT_JOINED, "no join in time");
            }
            Some(Phase::Checking(..)) => self.on_password_timer(now, id),
            Some(Phase::Refused) => {
                self.counters.refusals_unheard += 1;
                self.close(now, id, CloseCode::REFUSED, "");
            }
            _ => {}
        }
    }

    fn drain_events(&mut self, now: Instant, id: u32) {
        while let Some(event) = self.peers.get_mut(&id).and_then(|peer| peer.connection.poll_event()) {
            match event {
                ConnectionEvent::Readable(StreamId::Chat) => self.read(now, id),
                ConnectionEvent::Moved(to) => self.on_moved(id, to),
                ConnectionEvent::Closed(ended) => self.on_closed(now, id, ended),
                // Delivery goes on whenever an acknowledgement came; BULK is closed.
                _ => {}
            }
        }
    }

    fn on_moved(&mut self, id: u32, to: SocketAddr) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.address = to;
        if let Some(name) = peer.member().map(|member| member.name.shown().to_owned()) {
            self.tell(HubEvent::Moved { name, to });
        }
    }

    /// Writes a message to a connection's stream; whole or not at all.
    pub(in crate::hub) fn send(&mut self, id: u32, message: &ToClient<'_>) -> bool {
        let mut buffer = [0; MAX_MESSAGE_LEN];
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        let Ok(len) = message.encode(&mut buffer) else { return false };
        let was_sent = peer.connection.send(StreamId::Chat, &[&buffer[..len]]).is_ok();
        self.counters.messages_out += u64::from(was_sent);
        was_sent
    }

    /// Says why a Join is refused. The connection is closed when that was heard, or soon anyway (SPEC 6.3).
    pub(in crate::hub) fn refuse(&mut self, now: Instant, id: u32, name: &str, code: RefusedCode, text: &str) {
        self.counters.refused += 1;
        let was_sent = self.send(id, &ToClient::Refused { code, text });
        if let Some(from) = self.peers.get(&id).map(|peer| peer.address) {
            self.tell(HubEvent::Refused { name: name.to_owned(), from, code });
        }
        self.set_phase(id, Phase::Refused);
        self.timers.set(Timer::Phase(id), Some(now + self.config.limits.refusal_time));
        if !was_sent {
            self.close(now, id, CloseCode::REFUSED, text);
        }
        self.mark_ready(id);
    }

    /// A message broke its rules (SPEC 6.1).
    pub(in crate::hub) fn break_off(&mut self, now: Instant, id: u32) {
        self.counters.broken_messages += 1;
        self.depart(now, id, Departure::Broke);
        self.close(now, id, CloseCode::MESSAGE, "");
    }

    /// Closes a connection; whoever was a member on it has departed before.
    pub(in crate::hub) fn close(&mut self, now: Instant, id: u32, code: CloseCode, reason: &str) {
        self.set_phase(id, Phase::Over);
        self.timers.set(Timer::Phase(id), None);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.connection.close(now, code, reason);
        }
        self.mark_ready(id);
    }

    /// A Join may not be taken yet: its stream is read on after `pause`.
    pub(in crate::hub) fn read_later(&mut self, now: Instant, id: u32, pause: Duration) {
        self.timers.set(Timer::Join(id), Some(now + pause));
    }

    pub(in crate::hub) fn set_phase(&mut self, id: u32, phase: Phase) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        self.waiting += usize::from(phase.is_waiting());
        self.waiting -= usize::from(peer.phase.is_waiting());
        let prefix = peer.prefix;
        // An entry that is there keeps its age.
        let count = |shares: &mut Shares<u32>, belongs: bool| match belongs {
            true if shares.contains(&id) => {}
            true => shares.insert(id, prefix),
            false => shares.remove(&id),
        };
        count(&mut self.strangers, phase.is_stranger());
        count(&mut self.over, matches!(phase, Phase::Over));
        count(&mut self.residents, matches!(phase, Phase::Joining(_) | Phase::Member(_)));
        peer.phase = phase;
    }

    /// Forgets a connection.
    pub(in crate::hub) fn remove(&mut self, id: u32) {
        self.set_phase(id, Phase::Over);
        self.timers.set(Timer::Connection(id), None);
        self.timers.set(Timer::Phase(id), None);
        self.over.remove(&id);
        self.timers.set(Timer::Join(id), None);
        if let Some(peer) = self.peers.remove(&id) {
            self.counters.add(&peer.connection.counters());
        }
    }

    pub(in crate::hub) fn read_pages(&mut self) {
        if self.timers.get(&Timer::Pages).is_some() {
            return;
        }
        while let Some(range) = self.pages.next_read(&(self.log.first()..=self.log.head())) {
            self.jobs.push_back(Job::Store(StoreJob::Read(ReadJob { room: self.room.clone(), range })));
        }
    }
}
