//! Starts and ends a device's processes.

use kabar_core::chat::{EndedCode, RefusedCode, Start};
use kabar_core::client::{Config, Credential, EndReason};
use kabar_core::connection::CloseCode;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};

use super::{Observed, Running};
use crate::sim::coverage::Seen;
use crate::sim::harness_client;
use crate::sim::model::{Begin, Checked, demand};
use crate::sim::scenario::{Plan, PlanCredential, SavePolicy};
use crate::sim::world::{PASSWORD, ROOM, SECRET, SERVER, World, WorldEvent};

/// Attempts to take a name that belongs to somebody else.
const MAX_REFUSALS: u32 = 12;

impl World {
    pub(in crate::sim::world) fn start_device(&mut self, at: usize) -> Checked {
        let now = self.now();
        let fingerprint = Fingerprint::of_modulus(self.server.modulus());
        let device = &mut self.devices[at];
        if device.running.is_some() || device.is_gone {
            return Ok(());
        }
        let plan = &device.plan;
        let kept = device.disk.clone().filter(|_| plan.saves != SavePolicy::Never);
        let start = kept.as_ref().map_or(plan.start, |store| Start::After {
            seq: store.cursor,
            term: store.term,
            fallback_count: plan.fallback_count,
        });
        if plan.never_reads {
            self.coverage.count(Seen::NeverReads);
        }
        if kept.is_some() {
            self.coverage.count(Seen::StoreKept);
        }
        let seed = if plan.same_seed {
            if device.processes > 0 {
                self.coverage.count(Seen::SameSeed);
            }
            let before = std::mem::take(&mut device.sent);
            device.sent_before.extend(before);
            [at as u8 + 1; 32]
        } else {
            self.rng.seed()
        };
        let credential = match plan.credential {
            PlanCredential::Secret => Credential::Secret(SECRET),
            PlanCredential::Password if device.was_admitted && self.rng.chance(500) => Credential::None,
            PlanCredential::Password => Credential::Password(PASSWORD),
            // While it waits for the operator to make the invite, it tries with nothing.
            PlanCredential::Invite(invite) => match self.operator.invites.get(invite).copied().flatten() {
                Some(made) => Credential::Secret(made.secret),
                None => Credential::None,
            },
            PlanCredential::WrongSecret => Credential::Secret(*b"another secret!!"),
            PlanCredential::WrongPassword => Credential::Password(b"another password"),
        };
        let identity = super::identity(&device.plan);
        let config = Config {
            server: SERVER,
            fingerprint: device.knows_key.then_some(fingerprint),
            room: ROOM,
            name: &plan.name,
            is_default_name: plan.is_renamed,
            identity: &identity,
            credential,
            start,
            max_entry_len: plan.max_entry_len,
            idle_s: plan.idle_s,
            ack_delay_ms: plan.ack_delay_ms,
            tick_us: plan.tick.as_micros() as u32,
        };
        let mut client = harness_client::client(plan.size);
        if let Err(error) = client.start(&config, seed, Instant::ZERO) {
            demand!(false, Contract, "a client did not start: {error}");
        }
        let process = self.model.begin(Begin {
            name: &plan.name,
            identity: plan.identity,
            is_operator: plan.is_operator,
            start,
            max_entry_len: plan.max_entry_len,
            kept,
        });
        self.coverage.count(Seen::ClientStarted);
        self.trace.note(now, &[10, at as u64], || format!("{} starts process {process} from {start:?}", plan.name));
        device.processes += 1;
        device.running = Some(Running {
            process,
            client,
            was_admitted: self.model.admissions.is_admitted(device.public),
            started_at: now,
            timer_id: 0,
            idle_wakes: 0,
            idle_since: now,
            is_leaving: false,
            settles_first: false,
            observed: Observed::default(),
        });
        if device.posts_left > 0 {
            self.next_post(at, process);
        }
        self.drive_device(at)
    }

    /// Ends a process without closing its connection. The store that its device saved is kept.
    pub(in crate::sim::world) fn kill_device(&mut self, at: usize, restart_after: Option<Duration>) {
        let now = self.now();
        self.count_client(at);
        let device = &mut self.devices[at];
        let Some(running) = device.running.take() else { return };
        self.coverage.count(Seen::ClientKilled);
        let cursor = self.model.process(running.process).store().map(|store| store.cursor);
        if device.plan.saves != SavePolicy::Never && device.disk.as_ref().map(|disk| disk.cursor) < cursor {
            self.coverage.count(Seen::StoreRolledBack);
        }
        self.trace.note(now, &[11, at as u64], || format!("process {} is killed", running.process));
        self.model.end(running.process);
        self.schedule_restart(at, restart_after);
    }

    fn schedule_restart(&mut self, at: usize, restart_after: Option<Duration>) {
        match restart_after {
            Some(restart_after) => self.queue.push(self.now() + restart_after, WorldEvent::DeviceStarts { device: at }),
            None => self.devices[at].is_gone = true,
        }
    }

    /// Checks that a client had a reason to end.
    pub(super) fn ended(&mut self, at: usize, reason: EndReason) -> Checked {
        let now = self.now();
        self.count_client(at);
        let plan = self.devices[at].plan.clone();
        let Some(running) = self.devices[at].running.take() else { return Ok(()) };
        let id = running.process;
        let process = self.model.process(id);
        let (has_joined, unsettled) = (process.has_joined(), process.unsettled());
        self.trace.note(now, &[12, at as u64], || format!("process {id} ended: {reason:?}"));
        self.coverage.count(if reason == EndReason::Left { Seen::ClientLeft } else { Seen::ClientEnded });
        let same = |other: &Plan| other.name == plan.name;
        let shares_identity = self.scenario.devices.iter().filter(|other| other.identity == plan.identity).count() > 1;
        let shares_name = self.scenario.devices.iter().any(|other| same(other) && other.identity != plan.identity);
        let later = Some(Duration::from_micros(self.rng.between(0, 5_000_000)));
        let restart_after = match reason {
            EndReason::Left => {
                let is_aborted = !running.settles_first;
                demand!(is_aborted || unsettled == 0, Liveness, "process {id} left with {unsettled} posts unsettled");
                self.devices[at].restart_after
            }
            EndReason::Closed(CloseCode::REPLACED) => {
                demand!(shares_identity, Contract, "process {id} was replaced, but nobody else has its identity");
                self.restart_delay(at, later)
            }
            EndReason::EndedByServer(EndedCode::KICKED) | EndReason::Closed(CloseCode::KICKED) => {
                demand!(self.kicked.contains(&plan.name), Contract, "process {id} was kicked by nobody");
                self.restart_delay(at, later)
            }
            EndReason::EndedByServer(EndedCode::BANNED) | EndReason::Closed(CloseCode::BANNED) => {
                demand!(self.banned.contains(&plan.identity), Contract, "process {id} was banned by nobody");
                self.coverage.count(Seen::Banned);
                self.restart_delay(at, later)
            }
            EndReason::Refused(code) => {
                self.coverage.count(Seen::JoinRefused);
                let is_full = self.scenario.limits.members <= self.devices.len();
                let may_have_ended = match plan.credential {
                    PlanCredential::Invite(invite) => self.may_have_ended(invite) && !running.was_admitted,
                    _ => false,
                };
                let is_right = match code {
                    RefusedCode::AUTHENTICATION => {
                        !plan.is_honest()
                            || plan.credential == PlanCredential::Password
                            || may_have_ended
                            || self.scenario.needs_approval
                    }
                    RefusedCode::BANNED => self.banned.contains(&plan.identity),
                    RefusedCode::NAME_TAKEN => shares_name,
                    RefusedCode::ROOM_FULL => is_full,
                    _ => false,
                };
                demand!(is_right, Contract, "process {id} was refused with {code:?}");
                // Its admission was lost when an older log was restored; from now on it joins with
                // the password.
                // One whose invite has ended, or that an operator turned away, tries a few times.
                if may_have_ended {
                    self.coverage.count(Seen::InviteEnded);
                }
                if may_have_ended || self.scenario.needs_approval {
                    self.devices[at].refusals += 1;
                }
                let forgotten = code == RefusedCode::AUTHENTICATION && plan.is_honest();
                let forgotten = forgotten && self.devices[at].refusals < MAX_REFUSALS;
                self.devices[at].was_admitted &= code == RefusedCode::BANNED;
                if let RefusedCode::NAME_TAKEN | RefusedCode::BANNED = code {
                    let is_banned = code == RefusedCode::BANNED;
                    self.coverage.count(if is_banned { Seen::Banned } else { Seen::NameTaken });
                    self.devices[at].refusals += 1;
                    later.filter(|_| self.devices[at].refusals < MAX_REFUSALS)
                } else {
                    later.filter(|_| forgotten)
                }
            }
            EndReason::KeyRejected | EndReason::KeyMismatch => {
                demand!(!has_joined, Contract, "process {id} ended with {reason:?} after it had joined");
                later
            }
            EndReason::ServerProofInvalid | EndReason::EndedByServer(_) | EndReason::Closed(_) => {
                demand!(false, Contract, "process {id} ended with {reason:?}");
                None
            }
        };
        demand!(plan.is_honest() || !has_joined || self.is_open(), Contract, "{} was admitted", plan.name);
        self.model.end(id);
        self.schedule_restart(at, restart_after);
        Ok(())
    }

    /// Delay after which a device whose process was replaced or kicked starts again, if it does: at
    /// most twice, so that two devices do not replace each other without end.
    fn restart_delay(&mut self, at: usize, later: Option<Duration>) -> Option<Duration> {
        let device = &mut self.devices[at];
        if device.returns >= 2 || self.rng.chance(500) {
            return None;
        }
        device.returns += 1;
        self.coverage.count(Seen::Restarted);
        later
    }

    /// Whether the room admits everybody.
    fn is_open(&self) -> bool {
        self.scenario.join_policy == kabar_server::hub::JoinPolicy::Open
    }

    pub(in crate::sim::world) fn count_client(&mut self, at: usize) {
        if let Some(running) = &self.devices[at].running {
            let counters = running.client.counters();
            self.coverage.add(Seen::Retransmitted, counters.connection.resent);
            self.coverage.add(Seen::NoRoom, counters.connection.buffer_full);
        }
    }
}
