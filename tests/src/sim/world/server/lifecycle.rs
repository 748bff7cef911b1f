//! Starts and ends the runs of the server.

use kabar_core::chat::{MAX_BODY_LEN, Term};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_server::hub::{Hub, HubConfig, Loaded, Profile};
use kabar_server::store::{MemoryStore, Store};

use super::Kill;
use crate::sim::coverage::Seen;
use crate::sim::model::{Checked, Kept};
use crate::sim::world::{CHECK_EVERY, ROOMS, SECRET, World, WorldEvent};

/// Wall clock when a world begins, in ms since 1970.
const WALL: u64 = 1_730_000_000_000;
/// How long a server may take to shut down.
const STOPPING: Duration = Duration::from_secs(2);

impl World {
    pub(in crate::sim::world) fn start_server(&mut self) -> Checked {
        if self.server.is_running() {
            return Ok(());
        }
        let now = self.now();
        let Ok(loaded) = Loaded::read(&mut self.server.store, ROOMS[0]) else {
            // Started again later, as an operator would.
            self.queue.push(now + CHECK_EVERY, WorldEvent::ServerStarts);
            return Ok(());
        };
        self.server.is_starting = false;
        self.server.generation += 1;
        self.server.last_reported = loaded.room.head;
        self.coverage.count(Seen::ServerStarted);
        let generation = self.server.generation;
        self.trace.note(now, &[1, u64::from(generation)], || {
            format!("server starts, run {generation}, head {}", loaded.room.head)
        });
        let scenario = &self.scenario;
        let mut config = HubConfig::new(ROOMS[0], SECRET);
        config.join_policy = scenario.join_policy;
        config.limits = scenario.limits;
        config.needs_approval = scenario.needs_approval;
        let operators = self.devices.iter().filter(|device| device.plan.is_operator);
        config.operators = operators.map(|device| Fingerprint::of_identity(&device.public)).collect();
        // The next run may accept what this one refuses.
        if self.rng.chance(300) {
            config.limits.body_bytes = MAX_BODY_LEN;
        }
        config.faults = scenario.faults;
        config.profile = Profile { capacity: scenario.capacity, ..config.profile };
        let seed = self.rng.seed();
        let mut hub = Hub::new(config, loaded, self.server.modulus(), seed, now);
        // The wall clock is not always set right.
        let wall = match self.rng.below(10) {
            0 => now.as_micros() / 1_000,
            _ => WALL + now.as_micros() / 1_000 - self.rng.below(5_000),
        };
        hub.set_wall(now, wall);
        self.operator.wall = (now, wall);
        self.server.hub = Some(hub);
        (self.server.disk_busy_until, self.server.last_append) = (now, now);
        for (room, name) in ROOMS.iter().enumerate().take(self.models.len()) {
            if let Ok(loaded) = self.server.store.load_room(name) {
                self.load_sanctions(room, &loaded.sanctions)?;
            }
        }
        self.create_rooms()?;
        self.learn_operators();
        self.make_invites();
        self.serve()
    }

    /// Removes the server between two instructions.
    pub(in crate::sim::world) fn kill_server(&mut self, kill: Kill, seen: Option<Seen>) {
        let now = self.now();
        self.count_server();
        self.coverage.count(Seen::ServerKilled);
        if let Some(seen) = seen {
            self.coverage.count(seen);
        }
        self.trace.note(now, &[2], || format!("server killed: {kill:?}"));
        self.server.hub = None;
        let rng = &mut self.rng;
        self.server.contents.crash(|most| rng.between(0, most));
        self.server.kill_at = None;
        self.server.stalled_until = now;
        if let Some(backup) = self.server.backup.clone().filter(|_| kill.restore) {
            self.restore(backup);
        }
        if let Some(keep) = kill.keep {
            for (room, model) in self.models.iter_mut().enumerate() {
                let first = model.log().head().saturating_sub(keep) + 1;
                let first = first.max(model.log().first());
                self.server.store.forget_before(ROOMS[room], first);
                model.forgot_before(first);
            }
            self.coverage.count(Seen::Removed);
        }
        self.server.is_starting = true;
        self.queue.push(now + kill.restart_after, WorldEvent::ServerStarts);
    }

    fn restore(&mut self, mut backup: MemoryStore) {
        backup.set_fault(None);
        self.coverage.count(Seen::Restored);
        let now = self.now();
        let records = backup.load_server().map_or_else(|_| Vec::new(), |server| server.rooms);
        for (room, model) in self.models.iter_mut().enumerate() {
            let Ok(loaded) = backup.load_room(ROOMS[room]) else { return };
            self.coverage.add(Seen::EntriesRolledBack, model.log().head().saturating_sub(loaded.head));
            self.trace.note(now, &[3, loaded.head], || format!("restored a log that ends at {}", loaded.head));
            let terms: Vec<Term> = loaded.terms.iter().map(|record| record.term).collect();
            model.restored(loaded.head, &terms);
            let record = records.iter().map(|it| &it.record).find(|record| record.name == ROOMS[room]);
            let retention = record.map(|record| record.retention).unwrap_or_default();
            model.record_restored(record, Kept::of(&self.scenario.limits, retention));
            model.forgot_before(loaded.first);
        }
        self.owners.clear();
        self.server.store = backup;
        self.restore_admissions();
        self.devices.iter_mut().for_each(|device| device.was_admitted = false);
    }

    pub(in crate::sim::world) fn back_up(&mut self) {
        self.server.backup = Some(self.server.store.clone());
    }

    pub(in crate::sim::world) fn set_wall(&mut self, unix_ms: u64) {
        let now = self.now();
        if let Some(hub) = &mut self.server.hub {
            self.coverage.count(Seen::ClockJumped);
            hub.set_wall(now, unix_ms);
            self.operator.wall = (now, unix_ms);
        }
    }

    pub(in crate::sim::world) fn shut_down(&mut self, restart_after: Duration) -> Checked {
        let now = self.now();
        if let Some(hub) = &mut self.server.hub {
            hub.shutdown(now);
            self.coverage.count(Seen::ServerShutDown);
            self.trace.note(now, &[4], || "server stops".into());
            let generation = self.server.generation;
            self.queue.push(now + STOPPING, WorldEvent::ServerStopped { generation, restart_after });
            self.serve()?;
        }
        Ok(())
    }

    pub(in crate::sim::world) fn server_stopped(&mut self, generation: u32, restart_after: Duration) -> Checked {
        if self.server.generation == generation && self.server.is_running() {
            self.count_server();
            self.server.hub = None;
            self.server.is_starting = true;
            self.queue.push(self.now() + restart_after, WorldEvent::ServerStarts);
        }
        Ok(())
    }

    pub(in crate::sim::world) fn count_server(&mut self) {
        if let Some(hub) = &self.server.hub {
            let counters = hub.counters();
            self.coverage.add(Seen::NoRoom, counters.no_room);
            self.coverage.add(Seen::HintSent, counters.hints);
            self.coverage.add(Seen::PageRead, counters.pages_read);
            self.coverage.add(Seen::PostsRepeated, counters.posts_repeated);
            self.coverage.add(Seen::PostsIgnored, counters.posts_ignored);
            self.coverage.add(
                Seen::TableFull,
                counters.connections_full + counters.unjoined_full + counters.half_open_full + counters.room_full,
            );
            self.coverage.add(Seen::ReadsHeld, counters.reads_held);
            self.coverage.add(Seen::PostsHeld, counters.posts_held);
            self.coverage.add(Seen::PoolEmpty, counters.pool_empty);
            self.coverage.add(Seen::Replaced, counters.replaced);
        }
    }
}
