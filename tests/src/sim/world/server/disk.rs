//! The disk of the server: runs its jobs, and reports every commit to the model.

use kabar_core::chat::{EntryKind, File};
use kabar_core::time::{Duration, Instant};
use kabar_server::hub::{Done, Job, StoreDone, StoreJob};
use kabar_server::store::{Commit, Fault, LogEntry};
use kabar_std::provider::Accelerated;

use super::{Verifier, committed};
use crate::sim::coverage::Seen;
use crate::sim::model::{Checked, demand};
use crate::sim::scenario::{DiskFault, KillPoint};
use crate::sim::world::adversary::Adversary;
use crate::sim::world::{ROOMS, World, WorldEvent};

impl World {
    pub(in crate::sim::world) fn break_disk(&mut self, fault: DiskFault, lasts: Duration) {
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

    pub(in crate::sim::world) fn repair_disk(&mut self, fault: u32) {
        if self.server.disk_fault == fault {
            self.server.store.set_fault(None);
        }
    }

    pub(in crate::sim::world) fn disable_disk_faults(&mut self) {
        self.server.disk_fault += 1;
        self.server.store.set_fault(None);
    }

    pub(super) fn begin_job(&mut self, generation: u32, job: Job<Accelerated>) {
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
                let done = job.run(&self.server.key, &Verifier, &mut self.server.store, &mut self.server.contents);
                self.queue.push(now + duration(work.accept), WorldEvent::JobDone { generation, done });
            }
        }
    }

    /// Runs a job. The Joins of a commit were admitted after `since`.
    pub(in crate::sim::world) fn store_runs(&mut self, generation: u32, job: StoreJob, since: Instant) -> Checked {
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
        for (room, model) in self.models.iter_mut().enumerate() {
            let record = commit.server.rooms.iter().find(|record| record.name == ROOMS[room]);
            let batch = commit.rooms.iter().find(|batch| batch.room == ROOMS[room]);
            model.decided(record, batch.map(|batch| &**batch))?;
        }
        for batch in &commit.rooms {
            let Some(room) = self.room_named(&batch.room) else {
                demand!(false, Contract, "the server writes to a room {:?}", batch.room);
                return Ok(());
            };
            if let Some(first) = batch.first {
                self.coverage.count(Seen::Expired);
                self.models[room].expired(first)?;
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
                if entry.kind == EntryKind::FILE {
                    let file = File::decode(&entry.body).ok();
                    let content = file.and_then(|file| Some((file, self.server.contents.content(file.root())?)));
                    let is_there = content.is_some_and(|(file, content)| content.len() as u64 == file.size());
                    demand!(is_there, Files, "entry {} names a content that the server does not have", entry.seq);
                }
                model.committed(committed(entry))?;
            }
        }
        Ok(())
    }

    /// The index of a room.
    pub(in crate::sim::world) fn room_named(&self, name: &str) -> Option<usize> {
        ROOMS[..self.models.len()].iter().position(|room| *room == name)
    }
}
