//! Actions of a device's process: it posts, requests older entries, leaves.

use kabar_core::chat::{EntryKind, MAX_BODY_LEN, MAX_TEXT_LEN, Request};
use kabar_core::client::{PostError, State};
use kabar_core::time::Duration;

use super::{HistoryRequest, Membership, Observed, RenameRequest};
use crate::sim::coverage::Seen;
use crate::sim::harness_client;
use crate::sim::model::{Checked, ProcessId, demand};
use crate::sim::rng::Rng;
use crate::sim::scenario::Command;
use crate::sim::world::{World, WorldEvent};

impl World {
    pub(super) fn next_post(&mut self, at: usize, run: u32) {
        let gap = self.devices[at].plan.post_gap.as_micros();
        let wait = Duration::from_micros(self.rng.between(gap / 4, gap * 7 / 4));
        self.queue.push(self.now() + wait, WorldEvent::Post { device: at, run });
    }

    /// Posts to one of the rooms of the client.
    pub(in crate::sim::world) fn post(&mut self, at: usize, run: u32) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        if device.posts_left == 0 {
            return Ok(());
        }
        let clock = device.clock(now);
        let (large, suspended_until) = (device.plan.large, device.suspended_until);
        let Some(running) = device.running.as_mut().filter(|running| running.run == run) else { return Ok(()) };
        if running.is_leaving {
            return Ok(());
        }
        if now < suspended_until {
            self.queue.push(suspended_until, WorldEvent::Post { device: at, run });
            return Ok(());
        }
        if running.memberships.is_empty() {
            self.next_post(at, run);
            return Ok(());
        }
        let chosen = if running.memberships.len() > 1 { self.rng.index(running.memberships.len()) } else { 0 };
        let Membership { room, process, slot, is_parting, .. } = running.memberships[chosen];
        if is_parting {
            self.next_post(at, run);
            return Ok(());
        }
        let number = self.models[room].process(process).posts() + 1;
        let (kind, body) = body(room, process, number, large, &mut self.rng);
        match running.client.post(slot, kind, &body) {
            Ok(number) => {
                self.coverage.count(Seen::Posted);
                self.trace.note(now, &[13, process as u64, number, body.len() as u64], || {
                    format!("process {process} in room {room} posts number {number}: {kind:?}, {} bytes", body.len())
                });
                self.models[room].posted(process, number, kind.0, &body)?;
                device.posts_left -= 1;
            }
            Err(PostError::Full) => self.coverage.count(Seen::OutboxFull),
            Err(PostError::TooLong) => {
                let fits = body.len() <= 500;
                demand!(!fits, Contract, "a post of {} bytes was too long at {clock:?}", body.len());
                device.posts_left -= 1;
            }
            // It ended, and the event was not taken yet.
            Err(PostError::NotRunning) if running.client.state(slot) == State::Ended => {}
            Err(error) => demand!(false, Contract, "a post of {kind:?} was not accepted: {error:?}"),
        }
        self.next_post(at, run);
        self.drive_device(at)
    }

    pub(in crate::sim::world) fn leave(&mut self, at: usize, abort: bool, restart_after: Option<Duration>) -> Checked {
        let now = self.now();
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let Some(running) = device.running.as_mut().filter(|_| now >= device.suspended_until) else { return Ok(()) };
        self.trace.note(now, &[14, at as u64], || format!("device {at} leaves, abort: {abort}"));
        if running.is_leaving {
            return Ok(());
        }
        (running.is_leaving, running.settles_first) = (true, !abort);
        device.restart_after = restart_after;
        if abort {
            running.client.abort(clock);
        } else {
            running.client.leave(clock);
        }
        self.drive_device(at)
    }

    /// Leaves one of the rooms of a client that can be in several.
    pub(in crate::sim::world) fn part(&mut self, at: usize, rejoin_after: Option<Duration>) -> Checked {
        let now = self.now();
        let Some(chosen) = self.choose(at, |_| true) else { return Ok(()) };
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let is_able = harness_client::max_rooms(device.plan.size) > 1 && now >= device.suspended_until;
        let Some(running) = device.running.as_mut().filter(|running| is_able && !running.is_leaving) else {
            return Ok(());
        };
        let membership = &mut running.memberships[chosen];
        if !membership.is_parting {
            (membership.is_parting, membership.rejoin_after) = (true, rejoin_after);
            running.client.part(clock, membership.slot);
        }
        self.drive_device(at)
    }

    /// Sends a command, one at a time. Some commands are about a room of their own.
    pub(in crate::sim::world) fn ask_operation(&mut self, at: usize, room: usize, command: &Command) -> Checked {
        let now = self.now();
        let Some(chosen) = self.choose(at, |observed| !observed.operates) else { return Ok(()) };
        let text = self.write_command(room, command);
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let Some(running) = &mut device.running else { return Ok(()) };
        let Membership { slot, observed, .. } = &mut running.memberships[chosen];
        observed.operates = running.client.request(clock, *slot, Request::Operate { command: &text }).is_ok();
        self.drive_device(at)
    }

    /// Asks for another name, one request at a time.
    pub(in crate::sim::world) fn ask_rename(&mut self, at: usize, number: usize) -> Checked {
        let now = self.now();
        let Some(chosen) = self.choose(at, |observed| observed.rename.is_none()) else { return Ok(()) };
        let device = &mut self.devices[at];
        let (clock, name) = (device.clock(now), device.plan.name_of(number));
        let Some(running) = &mut device.running else { return Ok(()) };
        let Membership { slot, room, observed, .. } = &mut running.memberships[chosen];
        if running.client.request(clock, *slot, Request::Rename { name: &name }).is_ok() {
            observed.rename = Some(RenameRequest { name, head: self.models[*room].log().head() });
        }
        self.drive_device(at)
    }

    /// Asks for the removal of an entry, one request at a time.
    pub(in crate::sim::world) fn ask_removal(&mut self, at: usize, own: bool) -> Checked {
        let now = self.now();
        let Some(chosen) = self.choose(at, |observed| observed.removal.is_none()) else { return Ok(()) };
        let device = &mut self.devices[at];
        let (clock, identity) = (device.clock(now), device.plan.identity);
        let Some(running) = &mut device.running else { return Ok(()) };
        let Membership { slot, room, process, observed, .. } = &mut running.memberships[chosen];
        let model = &self.models[*room];
        // The server knows that what this client has is durable.
        let head = model.process(*process).store().map_or(0, |store| store.cursor);
        let log = model.log_of(*process);
        let is_own = |seq: &u64| log.owner(*seq).is_some_and(|post| model.process(post.process).identity == identity);
        let candidates: Vec<u64> = (log.first()..=head).filter(|seq| !own || is_own(seq)).collect();
        if candidates.is_empty() {
            return Ok(());
        }
        let seq = *self.rng.pick(&candidates);
        if running.client.request(clock, *slot, Request::Remove { seq }).is_ok() {
            observed.removal = Some(seq);
        }
        self.drive_device(at)
    }

    /// Requests older entries, one request at a time.
    pub(in crate::sim::world) fn ask_history(&mut self, at: usize) -> Checked {
        let now = self.now();
        let Some(chosen) = self.choose(at, |observed| observed.request.is_none()) else { return Ok(()) };
        let device = &mut self.devices[at];
        let clock = device.clock(now);
        let max_len = usize::from(device.plan.max_entry_len.min(harness_client::max_entry_len(device.plan.size)));
        let Some(running) = &mut device.running else { return Ok(()) };
        let Membership { slot, room, process, observed, .. } = &mut running.memberships[chosen];
        let model = &self.models[*room];
        // The server knows that what this client has is durable, so the expected answer is certain.
        let head = model.process(*process).store().map_or(0, |store| store.cursor);
        let (before, count) = (self.rng.between(1, head + 1), self.rng.between(1, 20) as u8);
        if running.client.request(clock, *slot, Request::History { before, count }).is_ok() {
            let log = model.log();
            let first = before.saturating_sub(u64::from(count)).max(log.first());
            let fits = |seq: &u64| log.get(*seq).is_some_and(|entry| entry.body.len() <= max_len);
            let expected = (first..before).filter(fits).collect();
            let range = before.saturating_sub(count.into())..before;
            observed.request = Some(HistoryRequest { expected, range, max_len, answers: Vec::new() });
        }
        self.drive_device(at)
    }

    /// Requests the members of a room.
    pub(in crate::sim::world) fn ask_members(&mut self, at: usize) -> Checked {
        let now = self.now();
        if let Some(chosen) = self.choose(at, |_| true) {
            let clock = self.devices[at].clock(now);
            if let Some(running) = &mut self.devices[at].running {
                let _ = running.client.request(clock, running.memberships[chosen].slot, Request::ListMembers);
                let list = Request::ListRooms { after: "", count: 9 };
                let _ = running.client.request(clock, running.memberships[chosen].slot, list);
            }
        }
        self.drive_device(at)
    }

    /// One of the memberships of a device in which nothing of a kind is in progress.
    fn choose(&mut self, at: usize, is_free: fn(&Observed) -> bool) -> Option<usize> {
        let memberships = &self.devices[at].running.as_ref()?.memberships;
        let chosen = if memberships.len() > 1 { self.rng.index(memberships.len()) } else { 0 };
        memberships.get(chosen).filter(|membership| is_free(&membership.observed)).map(|_| chosen)
    }
}

/// The body of a post. It nearly always contains the room, the process and the number, so that no
/// two are equal, and one in the log of another room is not known there.
fn body(room: usize, process: ProcessId, number: u64, large: u16, rng: &mut Rng) -> (EntryKind, Vec<u8>) {
    const WORDS: [&str; 6] = ["haloooo ", "kabar ", "apa? ", "baik: ", "ümläut ", "🦀 "];
    let kind = *rng.pick(&[EntryKind::TEXT, EntryKind::TEXT, EntryKind::TEXT, EntryKind::DATA, EntryKind::ACTION]);
    let most = if kind == EntryKind::DATA { MAX_BODY_LEN } else { MAX_TEXT_LEN };
    if rng.chance(30) {
        return (kind, vec![b'.'; rng.below(3) as usize]);
    }
    let len = if rng.chance(large) {
        *rng.pick(&[most, most, most / 2, most / 4, 2_600, 1_900])
    } else {
        rng.between(12, 200) as usize
    };
    let mut body = format!("r{room}p{process}.{number} ").into_bytes();
    if kind == EntryKind::DATA {
        body.resize(len.max(body.len()), 0);
        let tag = format!("r{room}p{process}.{number} ").len();
        rng.fill(&mut body[tag..]);
    } else {
        loop {
            let word = rng.pick(&WORDS);
            if body.len() + word.len() > len {
                break;
            }
            body.extend(word.bytes());
        }
    }
    (kind, body)
}
