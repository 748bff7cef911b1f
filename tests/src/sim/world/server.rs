//! The server of a world: a real hub over a store in memory. Its jobs take the time of the
//! scenario's disk and processor.

use std::net::SocketAddr;

use kabar_core::chat::{AnswerCode, EntryKind, MAX_BODY_LEN, Term};
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_server::hub::{
    Done, Hub, HubConfig, HubEvent, Job, Loaded, PasswordVerifier, Profile, RoomId, StoreDone, StoreJob,
};
use kabar_server::store::{Commit, Fault, LogEntry, LogReader, MemoryStore, Store};
use kabar_std::provider::Accelerated;

use super::adversary::Adversary;
use super::{CHECK_EVERY, MAX_IDLE_WAKES, PASSWORD, ROOMS, SECRET, SERVER, SPIN_TIME, World, WorldEvent};
use crate::sim::coverage::Seen;
use crate::sim::keys::SimPrivateKey;
use crate::sim::model::{Checked, Committed, Rule, Violation, demand};
use crate::sim::network::Origin;
use crate::sim::scenario::{DiskFault, KillPoint, Plan};
use crate::sim::trace::describe;

/// Wall clock when a world begins, in ms since 1970.
const WALL: u64 = 1_730_000_000_000;
/// How long a server may take to shut down.
const STOPPING: Duration = Duration::from_secs(2);

/// The server, and its state that survives a restart.
#[derive(Debug)]
pub(super) struct Server {
    hub: Option<Hub<Accelerated>>,
    key: SimPrivateKey,
    store: MemoryStore,
    backup: Option<MemoryStore>,
    /// Number of starts, to recognise events for an earlier run.
    generation: u32,
    timer_id: u64,
    idle_wakes: u32,
    idle_since: Instant,
    /// Seq of the last entry event of this run.
    last_reported: u64,
    disk_busy_until: Instant,
    /// When this run began the last commit, or started.
    last_append: Instant,
    disk_fault: u32,
    pub(super) is_starting: bool,
    pub(super) stalled_until: Instant,
    pub(super) kill_at: Option<Kill>,
}

/// A kill that waits for its moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kill {
    pub(super) point: KillPoint,
    pub(super) restart_after: Duration,
    pub(super) restore: bool,
    pub(super) keep: Option<u64>,
}

/// Accepts the room's password.
#[derive(Debug)]
struct Verifier;

impl PasswordVerifier for Verifier {
    fn verify(&self, password: &[u8]) -> bool {
        password == PASSWORD
    }
}

impl Server {
    pub(super) fn new(real_rsa: bool) -> Self {
        Self {
            hub: None,
            key: if real_rsa { SimPrivateKey::real() } else { SimPrivateKey::StandIn },
            store: MemoryStore::new(),
            backup: None,
            generation: 0,
            timer_id: 0,
            idle_wakes: 0,
            idle_since: Instant::ZERO,
            last_reported: 0,
            disk_busy_until: Instant::ZERO,
            last_append: Instant::ZERO,
            disk_fault: 0,
            is_starting: true,
            stalled_until: Instant::ZERO,
            kill_at: None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.hub.is_some()
    }

    /// Whether the member of a device is present.
    pub(super) fn knows(&mut self, now: Instant, room: usize, plan: &Plan) -> bool {
        let open = self.open_room(now, room);
        open.is_some_and(|(hub, id)| hub.who(now, id).iter().any(|member| plan.is_name(&member.name)))
    }

    /// The hub, if it runs, and the id of a room, if it is in memory.
    pub(super) fn open_room(&mut self, now: Instant, room: usize) -> Option<(&mut Hub<Accelerated>, RoomId)> {
        let hub = self.hub.as_mut()?;
        let id = if room == 0 { RoomId::FIRST } else { hub.open_room(now, ROOMS[room]).ok().flatten()? };
        Some((hub, id))
    }

    pub(super) fn modulus(&self) -> &[u8] {
        self.key.modulus()
    }

    pub(super) fn hub_mut(&mut self) -> Option<&mut Hub<Accelerated>> {
        self.hub.as_mut()
    }

    pub(super) fn store_mut(&mut self) -> &mut MemoryStore {
        &mut self.store
    }

    /// The entries that the store returns to a server.
    pub(super) fn read_all(&mut self, room: usize) -> Result<Vec<Committed>, Violation> {
        self.store.set_fault(None);
        let lost = |_| Violation::new(Rule::Log, "the store cannot be read".into());
        let entries = self.store.read(ROOMS[room], 1..=u64::MAX).map_err(lost)?;
        Ok(entries.iter().map(committed).collect())
    }
}

fn committed(entry: &LogEntry) -> Committed {
    Committed {
        seq: entry.seq,
        time_ms: entry.time_ms,
        author: entry.author.clone(),
        instance: entry.instance,
        number: entry.number,
        kind: entry.kind.0,
        body: entry.body.as_slice().into(),
    }
}

impl World {
    pub(super) fn start_server(&mut self) -> Checked {
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
        self.create_rooms();
        self.make_invites();
        self.serve()
    }

    /// Removes the server between two instructions.
    pub(super) fn kill_server(&mut self, kill: Kill, seen: Option<Seen>) {
        let now = self.now();
        self.count_server();
        self.coverage.count(Seen::ServerKilled);
        if let Some(seen) = seen {
            self.coverage.count(seen);
        }
        self.trace.note(now, &[2], || format!("server killed: {kill:?}"));
        self.server.hub = None;
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
        for (room, model) in self.models.iter_mut().enumerate() {
            let Ok(loaded) = backup.load_room(ROOMS[room]) else { return };
            self.coverage.add(Seen::EntriesRolledBack, model.log().head().saturating_sub(loaded.head));
            self.trace.note(now, &[3, loaded.head], || format!("restored a log that ends at {}", loaded.head));
            let terms: Vec<Term> = loaded.terms.iter().map(|record| record.term).collect();
            model.restored(loaded.head, &terms);
            model.forgot_before(loaded.first);
        }
        self.owners.clear();
        self.server.store = backup;
        self.restore_admissions();
        self.devices.iter_mut().for_each(|device| device.was_admitted = false);
    }

    pub(super) fn back_up(&mut self) {
        self.server.backup = Some(self.server.store.clone());
    }

    pub(super) fn set_wall(&mut self, unix_ms: u64) {
        let now = self.now();
        if let Some(hub) = &mut self.server.hub {
            self.coverage.count(Seen::ClockJumped);
            hub.set_wall(now, unix_ms);
            self.operator.wall = (now, unix_ms);
        }
    }

    pub(super) fn shut_down(&mut self, restart_after: Duration) -> Checked {
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

    pub(super) fn server_stopped(&mut self, generation: u32, restart_after: Duration) -> Checked {
        if self.server.generation == generation && self.server.is_running() {
            self.count_server();
            self.server.hub = None;
            self.server.is_starting = true;
            self.queue.push(self.now() + restart_after, WorldEvent::ServerStarts);
        }
        Ok(())
    }

    pub(super) fn break_disk(&mut self, fault: DiskFault, lasts: Duration) {
        self.server.disk_fault += 1;
        self.server.store.set_fault(Some(match fault {
            DiskFault::Fail => Fault::Fail,
            DiskFault::UncertainApplied => Fault::UncertainApplied,
            DiskFault::UncertainLost => Fault::UncertainNotApplied,
            DiskFault::Unreadable => Fault::Read,
        }));
        let fault = self.server.disk_fault;
        self.queue.push(self.now() + lasts, WorldEvent::DiskRepaired { fault });
    }

    pub(super) fn repair_disk(&mut self, fault: u32) {
        if self.server.disk_fault == fault {
            self.server.store.set_fault(None);
        }
    }

    pub(super) fn disable_disk_faults(&mut self) {
        self.server.disk_fault += 1;
        self.server.store.set_fault(None);
    }

    pub(super) fn server_receives(&mut self, from: SocketAddr, mut bytes: Vec<u8>, origin: Origin) -> Checked {
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

    pub(super) fn server_wakes(&mut self, generation: u32, timer_id: u64) -> Checked {
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

    pub(super) fn job_done(&mut self, generation: u32, done: Done) -> Checked {
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
    pub(super) fn serve(&mut self) -> Checked {
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

    fn begin_job(&mut self, generation: u32, job: Job<Accelerated>) {
        let now = self.now();
        let work = self.scenario.work;
        let mut duration = |(from, to): (Duration, Duration)| {
            Duration::from_micros(self.rng.between(from.as_micros(), to.as_micros()))
        };
        match job {
            // Another thread reads while the writer commits.
            Job::Store(job @ StoreJob::Read(_)) => {
                let at = now + duration(work.before_commit);
                self.queue.push(at, WorldEvent::StoreRuns { generation, job, since: now });
            }
            Job::Store(job) => {
                let at = self.server.disk_busy_until.max(now) + duration(work.before_commit);
                self.server.disk_busy_until = at;
                let is_append = matches!(job, StoreJob::Append { .. });
                let since = self.server.last_append;
                self.server.last_append = if is_append { now } else { since };
                self.queue.push(at, WorldEvent::StoreRuns { generation, job, since });
            }
            job => {
                let done = job.run(&self.server.key, &Verifier, &mut self.server.store);
                self.queue.push(now + duration(work.accept), WorldEvent::JobDone { generation, done });
            }
        }
    }

    /// Runs a job. The Joins of a commit were admitted after `since`.
    pub(super) fn store_runs(&mut self, generation: u32, job: StoreJob, since: Instant) -> Checked {
        let now = self.now();
        if generation != self.server.generation || !self.server.is_running() {
            return Ok(());
        }
        if now < self.server.stalled_until {
            self.queue.push(self.server.stalled_until, WorldEvent::StoreRuns { generation, job, since });
            return Ok(());
        }
        let commit = match &job {
            StoreJob::Append { commit, .. } => Some(commit.clone()),
            _ => None,
        };
        let kill = self.server.kill_at.filter(|_| commit.is_some());
        if let Some(kill) = kill.filter(|kill| kill.point == KillPoint::BeforeCommit) {
            self.kill_server(kill, Some(Seen::KilledBeforeCommit));
            return Ok(());
        }
        let is_read = matches!(job, StoreJob::Read(_));
        let commits = self.server.store.commits();
        let done = job.run(&mut self.server.store);
        let is_applied = self.server.store.commits() > commits;
        if let (Some(commit), StoreDone::Append { result, .. }) = (&commit, &done) {
            self.trace.note(now, &[5, u64::from(is_applied)], || format!("commit {result:?}, applied: {is_applied}"));
            self.coverage.count(match (result, is_applied) {
                (Ok(()), _) => Seen::Committed,
                (Err(kabar_server::store::CommitError::Failed(_)), _) => Seen::CommitFailed,
                (Err(_), true) => Seen::CommitUncertainApplied,
                (Err(_), false) => Seen::CommitUncertainLost,
            });
            for batch in commit.rooms.iter().filter(|_| is_applied) {
                let Some(room) = self.room_named(&batch.room) else { continue };
                if let Some(record) = batch.term
                    && !self.models[room].knows_run(record.term)
                {
                    self.models[room].run_began(record.term)?;
                }
            }
        }
        self.observe_log()?;
        if let Some(commit) = commit.as_ref().filter(|_| is_applied) {
            self.observe_commit(commit, since)?;
        }
        if let Some(kill) = kill.filter(|kill| kill.point == KillPoint::AfterCommit) {
            self.kill_server(kill, Some(Seen::KilledAfterCommit));
            return Ok(());
        }
        let (from, to) = self.scenario.work.after_commit;
        let at = now + Duration::from_micros(self.rng.between(from.as_micros(), to.as_micros()));
        if !is_read {
            self.server.disk_busy_until = self.server.disk_busy_until.max(at);
        }
        self.queue.push(at, WorldEvent::JobDone { generation, done: Done::Store(done) });
        Ok(())
    }

    /// Reports to the model what a commit changed besides new entries.
    fn observe_commit(&mut self, commit: &Commit, since: Instant) -> Checked {
        for batch in &commit.rooms {
            let Some(room) = self.room_named(&batch.room) else {
                demand!(false, Contract, "the server writes to a room {:?}", batch.room);
                return Ok(());
            };
            if let Some(first) = batch.first {
                self.coverage.count(Seen::Expired);
                self.models[room].expired(first, &self.scenario.limits)?;
            }
            for seq in &batch.removed {
                self.coverage.count(Seen::RemovalCommitted);
                let entries = self.server.store.entries(&batch.room);
                let stored = entries.iter().find(|entry| entry.seq == *seq);
                let is_gone = stored.is_none_or(|it| it.kind == EntryKind::REMOVED && it.body.is_empty());
                demand!(is_gone, Removal, "the store still has the body of entry {seq} after its removal");
                let log = self.models[room].log();
                let is_logged = *seq < log.first() || log.removals.contains(*seq);
                demand!(is_logged, Removal, "the body of entry {seq} was removed, and no entry states it");
            }
        }
        self.coverage.add(Seen::InviteUsed, commit.server.invite_uses.len() as u64);
        let ends: Vec<u64> = commit.server.invites.iter().filter_map(|record| record.expires_ms).collect();
        let expired: Vec<u64> = ends.into_iter().filter(|expires| self.reached(*expires) <= since).collect();
        self.admissions.committed(commit, |expires| expired.contains(&expires))
    }

    /// Reports new entries of the store to the model.
    fn observe_log(&mut self) -> Checked {
        let now = self.now();
        for (room, model) in self.models.iter_mut().enumerate() {
            let head = model.log().head();
            for entry in self.server.store.entries(ROOMS[room]).iter().filter(|entry| entry.seq > head) {
                self.coverage.count(Seen::EntryCommitted);
                if entry.author == Adversary::NAME && entry.instance != 0 {
                    self.coverage.count(Seen::AdversaryCommitted);
                }
                self.trace.note(now, &[6, room as u64, entry.seq, entry.instance, entry.number], || {
                    let LogEntry { seq, number, instance, author, .. } = entry;
                    format!("entry {seq} of room {room} is number {number} of {instance:x} by {author}")
                });
                model.committed(committed(entry))?;
            }
        }
        Ok(())
    }

    /// The index of a room.
    fn room_named(&self, name: &str) -> Option<usize> {
        ROOMS[..self.models.len()].iter().position(|room| *room == name)
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
            // No client sends commands.
            HubEvent::Operate { id, .. } => {
                if let Some(hub) = &mut self.server.hub {
                    hub.answer_operation(now, *id, AnswerCode::NOT_PERMITTED, Vec::new(), "");
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn count_server(&mut self) {
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

/// Whether `address` is the server's.
#[must_use]
pub(super) fn is_server(address: SocketAddr) -> bool {
    address == SERVER
}
