//! Passes datagrams and timeouts to a device's client, and drains its output.

use std::net::SocketAddr;

use kabar_core::chat::EntryKind;
use kabar_core::client::{EndReason, Event, Output};
use kabar_core::session::Fingerprint;
use kabar_core::time::Instant;

use super::observer::Observer;
use super::{Membership, Running};
use crate::sim::coverage::Seen;
use crate::sim::harness_client;
use crate::sim::model::{Checked, demand};
use crate::sim::network::Origin;
use crate::sim::trace::describe;
use crate::sim::world::{MAX_IDLE_WAKES, ROOMS, SERVER, SPIN_TIME, World, WorldEvent};

/// Length of a datagram that answers a PATH_CHALLENGE.
const PATH_ANSWER_LEN: usize = 33 + 9;

impl World {
    pub(in crate::sim::world) fn device_receives(
        &mut self,
        to: SocketAddr,
        from: SocketAddr,
        mut bytes: Vec<u8>,
        origin: Origin,
    ) -> Checked {
        let now = self.now();
        let Some(&at) = self.addresses.get(&to) else {
            self.coverage.count(Seen::Nowhere);
            return Ok(());
        };
        let device = &mut self.devices[at];
        if device.is_of_earlier_process(&bytes) {
            self.coverage.count(Seen::TooOld);
            return Ok(());
        }
        let clock = device.clock(now);
        let reads = device.reads(now);
        let Some(running) = device.running.as_mut().filter(|_| now >= device.suspended_until) else { return Ok(()) };
        self.trace.bytes(now, &bytes);
        self.trace.print_line(now, || format!("  {} receives {} ({origin:?})", device.plan.name, describe(&bytes)));
        if origin == Origin::Peer {
            self.coverage.count(Seen::Arrived);
            running.client.handle_datagram(clock, from, &mut bytes);
            return self.drive_device(at);
        }
        let what = describe(&bytes);
        let visible_state = |running: &Running| -> Vec<_> {
            let state = |at: &Membership| (running.client.cursor(at.slot), running.client.unsettled(at.slot));
            running.memberships.iter().map(state).collect()
        };
        let before = visible_state(running);
        running.client.handle_datagram(clock, from, &mut bytes);
        demand!(visible_state(running) == before, S6, "{what} changed device {at}, but is not authentic");
        if reads {
            self.coverage.count(Seen::Compared);
            running.client.set_events_paused(false);
            while let Output::Event(event) = running.client.poll_output(clock, &mut []) {
                match event {
                    Event::UnknownServerKey(offered) => running.offered = Some(offered),
                    Event::Disconnected(_) => self.coverage.count(Seen::ConnectionLost),
                    // Before its first join: every Challenge for the length of an attempt had
                    // another key.
                    Event::Ended(reason @ EndReason::KeyMismatch) => running.ended = Some(reason),
                    other => demand!(false, S6, "{what} led to {other:?}, but is not authentic"),
                }
            }
        }
        self.drive_device(at)
    }

    pub(in crate::sim::world) fn device_wakes(&mut self, at: usize, run: u32, timer_id: u64) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let suspended_until = device.suspended_until;
        let Some(running) =
            device.running.as_mut().filter(|running| running.run == run && running.timer_id == timer_id)
        else {
            return Ok(());
        };
        if now < suspended_until {
            self.queue.push(suspended_until, WorldEvent::DeviceWake { device: at, run, timer_id });
            return Ok(());
        }
        running.client.handle_timeout(clock);
        if now.saturating_since(running.idle_since) > SPIN_TIME {
            (running.idle_since, running.idle_wakes) = (now, 0);
        }
        running.idle_wakes += 1;
        let spins = running.idle_wakes > MAX_IDLE_WAKES;
        demand!(!spins, Contract, "device {at} wakes without end and does nothing");
        self.drive_device(at)
    }

    /// Drains the output of a client.
    pub(in crate::sim::world) fn drive_device(&mut self, at: usize) -> Checked {
        let now = self.now();
        let mut out = [0; 1200];
        loop {
            let device = &mut self.devices[at];
            let (clock, reads) = (device.clock(now), device.reads(now));
            let Some(running) = device.running.as_mut().filter(|_| now >= device.suspended_until) else {
                return Ok(());
            };
            // Reported by the last event, or by a datagram that did not authenticate.
            if let Some(offered) = running.offered.take() {
                let accept = offered == Fingerprint::of_modulus(self.server.modulus());
                self.coverage.count(if accept { Seen::KeyAccepted } else { Seen::KeyDeclined });
                device.knows_key |= accept;
                if accept {
                    running.client.accept_key(clock);
                } else {
                    running.client.reject_key(clock);
                }
            }
            running.client.set_events_paused(!reads);
            match running.client.poll_output(clock, &mut out) {
                Output::Event(event) => {
                    match event {
                        Event::UnknownServerKey(offered) => running.offered = Some(offered),
                        Event::Disconnected(_) => self.coverage.count(Seen::ConnectionLost),
                        Event::Ended(reason) => running.ended = Some(reason),
                        _ => {}
                    }
                    self.trace.print_line(now, || format!("device {at}: {event:?}"));
                    if let Event::Entry { header, body, room, .. } = event
                        && header.kind == EntryKind::FILE
                        && let Some(membership) = running.memberships.iter().find(|it| it.slot == room)
                    {
                        device.files.want(membership.room, body);
                    }
                    let Some(slot) = event.room() else { continue };
                    let membership = running.memberships.iter_mut().find(|membership| membership.slot == slot);
                    let Some(membership) = membership else {
                        demand!(false, Contract, "device {at} has an event of no room: {event:?}");
                        return Ok(());
                    };
                    let is_hidden =
                        |room: &usize| self.scenario.rooms[*room].is_private && !device.plan.has_private_invites;
                    let hidden = (0..self.models.len()).filter(is_hidden).map(|room| ROOMS[room]).collect::<Vec<_>>();
                    let mut observer = Observer {
                        model: &mut self.models[membership.room],
                        admissions: &self.admissions,
                        coverage: &mut self.coverage,
                        trace: &mut self.trace,
                        now,
                        saves: device.plan.saves,
                        disk: &mut device.disk,
                        history: device.history.as_mut(),
                        room: membership.room,
                        owners: &mut self.owners,
                        identity: device.plan.identity,
                        public: device.public,
                        hidden: &hidden,
                        takes_topics: harness_client::max_rooms(device.plan.size) > 1,
                        is_configured: device.plan.is_operator,
                        was_operator: device.plan.is_operator || self.operator.appointed.contains(&device.public),
                    };
                    observer.take(membership.process, event, &mut membership.observed)?;
                    if membership.observed.ended.is_some() {
                        self.room_ended(at, slot)?;
                    }
                }
                Output::Transmit(transmit) => {
                    demand!(transmit.len <= out.len(), Contract, "a client sends {} bytes", transmit.len);
                    if transmit.to == SERVER {
                        self.send_to_server(at, &out[..transmit.len]);
                    } else {
                        // A genuine PATH_CHALLENGE that is repeated from elsewhere is answered
                        // there, with nothing else.
                        let is_answer = transmit.len <= PATH_ANSWER_LEN;
                        demand!(is_answer, Contract, "a client sends {} bytes to {}", transmit.len, transmit.to);
                    }
                }
                Output::Timeout(deadline) => {
                    if !self.drive_files(at)? {
                        return self.after_driving(at, deadline);
                    }
                }
            }
            if let Some(running) = &mut self.devices[at].running {
                running.idle_wakes = 0;
            }
        }
    }

    fn after_driving(&mut self, at: usize, deadline: Option<Instant>) -> Checked {
        let device = &mut self.devices[at];
        let Some(running) = &device.running else { return Ok(()) };
        let has_joined = |it: &Membership| self.models[it.room].process(it.process).has_joined();
        device.was_admitted |= running.memberships.iter().any(has_joined);
        if let Some(reason) = running.ended {
            return self.ended(at, reason);
        }
        for membership in running.memberships.iter().filter(|it| has_joined(it)) {
            let process = self.models[membership.room].process(membership.process);
            let cursor = process.store().map(|store| (store.cursor, store.term));
            let reported = running.client.cursor(membership.slot);
            demand!(
                cursor.is_none() || reported == cursor,
                S4,
                "process {} in room {} reports cursor {reported:?}; it is {cursor:?}",
                membership.process,
                membership.room
            );
        }
        if let Some(deadline) = deadline {
            let at_world = device.world_time(deadline);
            let Some(running) = &mut device.running else { return Ok(()) };
            running.timer_id += 1;
            let (run, timer_id) = (running.run, running.timer_id);
            self.queue.push(at_world, WorldEvent::DeviceWake { device: at, run, timer_id });
        }
        Ok(())
    }
}
