//! Starts and ends a device's processes.

use kabar_core::chat::{EndedCode, RefusedCode, Start};
use kabar_core::client::{Config, Credential, EndReason, JoinError, RoomConfig, RoomSlot};
use kabar_core::connection::CloseCode;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};

use super::{Membership, Observed, Running};
use crate::sim::coverage::Seen;
use crate::sim::harness_client;
use crate::sim::model::{Begin, Checked, Violation, demand};
use crate::sim::scenario::{Plan, PlanCredential, SavePolicy};
use crate::sim::world::{PASSWORD, ROOMS, SECRET, SERVER, World, WorldEvent};

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
        if let Some(history) = &mut device.history {
            for (room, store) in &device.disk {
                history.check(*room, store, &self.models[*room])?;
            }
        }
        let rooms: Vec<usize> =
            device.plan.rooms.iter().copied().filter(|room| !device.given_up.contains(room)).collect();
        let Some(first) = rooms.first().copied() else {
            device.is_gone = true;
            return Ok(());
        };
        let plan = &device.plan;
        if plan.never_reads {
            self.coverage.count(Seen::NeverReads);
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
        let (credential, start) = (self.credential(at, first), self.devices[at].start_in(first));
        let device = &mut self.devices[at];
        let plan = &device.plan;
        let identity = super::identity(plan);
        let config = Config {
            server: SERVER,
            fingerprint: device.knows_key.then_some(fingerprint),
            room: ROOMS[first],
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
        self.coverage.count(Seen::ClientStarted);
        self.trace.note(now, &[10, at as u64], || format!("{} starts", plan.name));
        device.processes += 1;
        let run = device.processes;
        device.running = Some(Running {
            run,
            client,
            memberships: Vec::new(),
            started_at: now,
            timer_id: 0,
            idle_wakes: 0,
            idle_since: now,
            is_leaving: false,
            settles_first: false,
            ended: None,
            offered: None,
        });
        self.begin_membership(at, first, RoomSlot::FIRST, start)?;
        for room in rooms.into_iter().skip(1) {
            self.join_room(at, run, room)?;
        }
        if self.devices[at].posts_left > 0 {
            self.next_post(at, run);
        }
        self.drive_device(at)
    }

    /// A running client joins one more room, or one again.
    pub(in crate::sim::world) fn join_room(&mut self, at: usize, run: u32, room: usize) -> Checked {
        let now = self.now();
        let (credential, start) = (self.credential(at, room), self.devices[at].start_in(room));
        let device = &mut self.devices[at];
        let (clock, max_entry_len) = (device.clock(now), device.plan.max_entry_len);
        let Some(running) = device.running.as_mut().filter(|running| running.run == run && !running.is_leaving) else {
            return Ok(());
        };
        let config = RoomConfig { room: ROOMS[room], credential, start, max_entry_len };
        match running.client.join(clock, &config) {
            Ok(slot) => {
                self.coverage.count(Seen::AnotherRoom);
                self.begin_membership(at, room, slot, start)?;
            }
            // It ended, and the event was not taken yet.
            Err(JoinError::NotRunning) => {}
            Err(error) => demand!(false, Contract, "device {at} could not join {}: {error:?}", ROOMS[room]),
        }
        Ok(())
    }

    /// [`Self::join_room`], some time after its last attempt.
    pub(in crate::sim::world) fn join_again(&mut self, at: usize, run: u32, room: usize) -> Checked {
        self.join_room(at, run, room)?;
        self.drive_device(at)
    }

    fn begin_membership(&mut self, at: usize, room: usize, slot: RoomSlot, start: Start) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        let plan = &device.plan;
        let kept = device.disk.get(&room).cloned().filter(|_| plan.saves != SavePolicy::Never);
        if kept.is_some() {
            self.coverage.count(Seen::StoreKept);
        }
        if let Some(history) = &mut device.history {
            history.start(room, kept.is_some())?;
        }
        let process = self.models[room].begin(Begin {
            name: &plan.name,
            other_names: if self.scenario.rooms.len() > 1 { plan.names().to_vec() } else { Vec::new() },
            identity: plan.identity,
            is_operator: plan.is_operator || self.operator.appointed.contains(&device.public),
            start,
            max_entry_len: plan.max_entry_len,
            kept,
        });
        self.trace.note(now, &[15, room as u64, process as u64], || {
            format!("{} is process {process} in room {room} and starts from {start:?}", plan.name)
        });
        let was_admitted = self.admissions.is_admitted(device.public);
        let Some(running) = &mut device.running else { return Ok(()) };
        let observed = Observed::default();
        let (is_parting, rejoin_after) = (false, None);
        running.memberships.push(Membership { room, process, slot, was_admitted, is_parting, rejoin_after, observed });
        Ok(())
    }

    fn credential(&mut self, at: usize, room: usize) -> Credential<'static> {
        let device = &self.devices[at];
        if self.scenario.rooms[room].is_private {
            // Without an invite of it, it tries with that of the server.
            let secret = self.operator.room_secrets[room].filter(|_| device.plan.has_private_invites);
            return Credential::Secret(secret.unwrap_or(SECRET));
        }
        match device.plan.credential {
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
        }
    }

    /// Ends a process without closing its connection. The store that its device saved is kept.
    pub(in crate::sim::world) fn kill_device(&mut self, at: usize, restart_after: Option<Duration>) {
        let now = self.now();
        self.count_client(at);
        let device = &mut self.devices[at];
        let Some(running) = device.running.take() else { return };
        device.files.end_process();
        self.coverage.count(Seen::ClientKilled);
        for Membership { room, process, .. } in running.memberships {
            let cursor = self.models[room].process(process).store().map(|store| store.cursor);
            if device.plan.saves != SavePolicy::Never && device.disk.get(&room).map(|disk| disk.cursor) < cursor {
                self.coverage.count(Seen::StoreRolledBack);
            }
            self.models[room].end(process);
        }
        if let Some(history) = &mut self.devices[at].history {
            history.kill();
        }
        self.trace.note(now, &[11, at as u64], || format!("device {at} is killed"));
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
        let Some(running) = self.devices[at].running.take() else { return Ok(()) };
        self.devices[at].files.end_process();
        if let Some(history) = &mut self.devices[at].history {
            history.close();
        }
        self.trace.note(now, &[12, at as u64], || format!("device {at} ended: {reason:?}"));
        self.coverage.count(if reason == EndReason::Left { Seen::ClientLeft } else { Seen::ClientEnded });
        let mut restart_after = (reason == EndReason::Left).then_some(self.devices[at].restart_after).flatten();
        for membership in &running.memberships {
            restart_after = self.judge_end(at, membership, running.is_aborted(), reason)?;
        }
        self.schedule_restart(at, restart_after);
        Ok(())
    }

    /// Checks that a client had a reason to end in one of several rooms.
    pub(super) fn room_ended(&mut self, at: usize, slot: RoomSlot) -> Checked {
        let Some(running) = &mut self.devices[at].running else { return Ok(()) };
        let (run, is_aborted) = (running.run, running.is_aborted());
        let Some(ended) = running.memberships.iter().position(|membership| membership.slot == slot) else {
            return Ok(());
        };
        let membership = running.memberships.remove(ended);
        let Some(reason) = membership.observed.ended else { return Ok(()) };
        self.coverage.count(Seen::RoomEnded);
        let room = membership.room;
        match self.judge_end(at, &membership, is_aborted, reason)? {
            Some(after) => {
                let event = WorldEvent::DeviceJoins { device: at, run, room };
                self.queue.push(self.now() + after, event);
            }
            None => {
                self.devices[at].given_up.insert(room);
            }
        }
        Ok(())
    }

    /// Checks that a membership had a reason to end. Returns when the device joins again, if it
    /// does.
    fn judge_end(
        &mut self,
        at: usize,
        membership: &Membership,
        is_aborted: bool,
        reason: EndReason,
    ) -> Result<Option<Duration>, Violation> {
        let plan = self.devices[at].plan.clone();
        let (room, id) = (membership.room, membership.process);
        let process = self.models[room].process(id);
        let (has_joined, unsettled) = (process.has_joined(), process.unsettled());
        let is_private = self.scenario.rooms[room].is_private;
        let same = |other: &Plan| other.name == plan.name;
        let shares_identity = self.scenario.devices.iter().filter(|other| other.identity == plan.identity).count() > 1;
        let shares_name = self.scenario.devices.iter().any(|other| same(other) && other.identity != plan.identity);
        let later = Some(Duration::from_micros(self.rng.between(0, 5_000_000)));
        let restart_after = match reason {
            EndReason::Left if membership.is_parting && !is_aborted => {
                demand!(unsettled == 0, Liveness, "process {id} left its room with {unsettled} posts unsettled");
                self.coverage.count(Seen::Parted);
                membership.rejoin_after
            }
            EndReason::Left => {
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
            EndReason::EndedByServer(EndedCode::CLOSED) | EndReason::Closed(CloseCode::REFUSED) => {
                demand!(self.models[room].was_closed(), Operation, "process {id} was informed that its room is closed");
                self.coverage.count(Seen::EndedByClosing);
                later
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
                    PlanCredential::Invite(invite) => {
                        self.is_lost_invite(invite) || (self.may_have_ended(invite) && !membership.was_admitted)
                    }
                    _ => false,
                };
                let is_right = match code {
                    RefusedCode::AUTHENTICATION => {
                        !plan.is_honest()
                            || plan.credential == PlanCredential::Password
                            || may_have_ended
                            || self.scenario.needs_approval
                            || (is_private && plan.has_private_invites)
                    }
                    RefusedCode::BANNED => self.banned.contains(&plan.identity),
                    RefusedCode::NAME_TAKEN => shares_name,
                    RefusedCode::ROOM_FULL => is_full,
                    // For those who may not join it, a private room does not exist. One that was
                    // created may be lost with a server that crashed, and is created again.
                    RefusedCode::UNKNOWN_ROOM => room > 0,
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
                // A private room that was lost and created again has another invite.
                if code == RefusedCode::UNKNOWN_ROOM || (code == RefusedCode::AUTHENTICATION && is_private) {
                    self.coverage.count(Seen::UnknownRoom);
                    // The operator creates rooms as soon as the server runs.
                    return Ok(later.filter(|_| !is_private || plan.has_private_invites));
                }
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
        let may_join = if is_private { plan.has_private_invites } else { plan.is_honest() || self.is_open() };
        demand!(may_join || !has_joined, Admission, "{} was admitted to {}", plan.name, ROOMS[room]);
        self.models[room].end(id);
        Ok(restart_after)
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
