//! Passes datagrams, timeouts and finished jobs to the server, and drains its output.

use std::net::SocketAddr;

use kabar_server::hub::{Done, HubEvent, StoreDone};

use crate::sim::coverage::Seen;
use crate::sim::model::{Checked, demand};
use crate::sim::network::Origin;
use crate::sim::scenario::KillPoint;
use crate::sim::trace::describe;
use crate::sim::world::{MAX_IDLE_WAKES, SPIN_TIME, World, WorldEvent};

impl World {
    pub(in crate::sim::world) fn server_receives(
        &mut self,
        from: SocketAddr,
        mut bytes: Vec<u8>,
        origin: Origin,
    ) -> Checked {
        let now = self.now();
        if now < self.server.stalled_until {
            self.queue.push(self.server.stalled_until, WorldEvent::ToServer { from, bytes, origin });
            return Ok(());
        }
        if let Some((received, _)) = self.spoofed.get_mut(&from) {
            *received += bytes.len();
        }
        let Some(hub) = &mut self.server.hub else { return Ok(()) };
        self.trace.bytes(now, &bytes);
        self.trace.print_line(now, || format!("  server receives {} from {from} ({origin:?})", describe(&bytes)));
        if origin == Origin::Forged {
            let what = describe(&bytes);
            let before = hub.state_digest();
            hub.handle_datagram(now, from, &mut bytes);
            demand!(hub.state_digest() == before, S6, "{what} from {from} changed the server, but is not authentic");
            self.coverage.count(Seen::Compared);
        } else {
            self.coverage.count(Seen::Arrived);
            hub.handle_datagram(now, from, &mut bytes);
        }
        self.serve()
    }

    pub(in crate::sim::world) fn server_wakes(&mut self, generation: u32, timer_id: u64) -> Checked {
        let now = self.now();
        if generation != self.server.generation || timer_id != self.server.timer_id {
            return Ok(());
        }
        if now < self.server.stalled_until {
            self.queue.push(self.server.stalled_until, WorldEvent::ServerWake { generation, timer_id });
            return Ok(());
        }
        if let Some(hub) = &mut self.server.hub {
            hub.handle_timeout(now);
            if now.saturating_since(self.server.idle_since) > SPIN_TIME {
                (self.server.idle_since, self.server.idle_wakes) = (now, 0);
            }
            self.server.idle_wakes += 1;
            self.serve()?;
            demand!(self.server.idle_wakes < MAX_IDLE_WAKES, Contract, "the server wakes without end and does nothing");
        }
        Ok(())
    }

    pub(in crate::sim::world) fn job_done(&mut self, generation: u32, done: Done) -> Checked {
        let now = self.now();
        if generation != self.server.generation {
            return Ok(());
        }
        if now < self.server.stalled_until {
            self.queue.push(self.server.stalled_until, WorldEvent::JobDone { generation, done });
            return Ok(());
        }
        let is_commit = matches!(done, Done::Store(StoreDone::Append { result: Ok(()), .. }));
        if let Some(hub) = &mut self.server.hub {
            hub.handle_done(now, done);
            if let Some(kill) = self.server.kill_at.filter(|kill| is_commit && kill.point == KillPoint::BeforeSend) {
                self.kill_server(kill, Some(Seen::KilledBeforeSend));
                return Ok(());
            }
            self.serve()?;
        }
        Ok(())
    }

    /// Drains the output of the hub.
    pub(in crate::sim::world) fn serve(&mut self) -> Checked {
        let now = self.now();
        let generation = self.server.generation;
        let mut out = [0; 1200];
        loop {
            let Some(hub) = &mut self.server.hub else { return Ok(()) };
            hub.create_jobs(now);
            if let Some(transmit) = hub.poll_transmit(now, &mut out) {
                self.server.idle_wakes = 0;
                demand!(transmit.len <= out.len(), Contract, "the server sends {} bytes", transmit.len);
                self.send_to_device(transmit.to, &out[..transmit.len]);
            } else if let Some(job) = hub.poll_job() {
                self.server.idle_wakes = 0;
                self.begin_job(generation, job);
            } else if let Some(event) = hub.poll_event() {
                self.on_server_event(&event)?;
            } else {
                break;
            }
        }
        if let Some(hub) = &self.server.hub
            && let Some(deadline) = if hub.has_transmit() { Some(now) } else { hub.poll_timeout() }
        {
            self.server.timer_id += 1;
            let timer_id = self.server.timer_id;
            self.queue.push(deadline, WorldEvent::ServerWake { generation, timer_id });
        }
        Ok(())
    }

    fn on_server_event(&mut self, event: &HubEvent) -> Checked {
        let now = self.now();
        self.trace.print_line(now, || format!("server: {event:?}"));
        match event {
            // It does not state its room.
            HubEvent::Entry { seq, .. } if self.models.len() == 1 => {
                let head = self.models[0].log().head();
                demand!(*seq <= head, S5, "the server reports entry {seq}; the durable log ends at {head}");
                // A short event queue drops its oldest entries.
                let is_next = *seq == self.server.last_reported + 1 || self.scenario.limits.events < 100;
                demand!(is_next, Contract, "the server reports entry {seq} after entry {}", self.server.last_reported);
                self.server.last_reported = *seq;
            }
            HubEvent::StoreRegressed { head, expected } => {
                demand!(false, Log, "the server lost the entries after {head} up to {expected}");
            }
            HubEvent::Joined { identity, .. } => self.admissions.joined(*identity),
            HubEvent::Operate { id, by, room, command, .. } => {
                let code = self.operate_for(*by, room, command)?;
                if let Some(hub) = &mut self.server.hub {
                    hub.answer_operation(now, *id, code, vec![command.clone()], "");
                }
            }
            _ => {}
        }
        Ok(())
    }
}
