//! Draws what the people and the operator of a room do. Each feature has its own random stream, and
//! a part of the seeds has it.

use std::collections::BTreeMap;

use kabar_core::time::Duration;
use kabar_server::store::SanctionKind;

use super::draw::{MS, SECOND, between};
use super::{Act, Bound, Command, InvitePlan, PlanCredential, RoomPlan, Scenario, Theme};
use crate::sim::harness_client::{Size, max_rooms};
use crate::sim::rng::Rng;

/// Draws all features of a scenario.
pub(super) fn draw(scenario: &mut Scenario) {
    // More likely in scenarios about people.
    let more = if scenario.theme == Theme::People { 3 } else { 1 };
    let seed = scenario.seed;
    let stream = |purpose| Rng::new(seed, purpose);
    rooms(scenario, &mut stream("rooms"));
    let mut streams =
        ["removals", "retention", "sanctions", "invites", "approval", "parts", "commands", "files"].map(stream);
    let [removing, retaining, sanctioning, inviting, approving, parting, operating, sending] = &mut streams;
    if removing.chance(250 * more) {
        removals(scenario, removing);
    }
    if retaining.chance(150 * more) {
        retention(scenario, retaining);
    }
    if sanctioning.chance(250 * more) {
        sanctions(scenario, sanctioning);
    }
    if inviting.chance(150 * more) {
        invites(scenario, inviting);
    }
    scenario.needs_approval = approving.chance(100 * more);
    let has_rooms = scenario.rooms.len() > 1;
    if parting.chance(if has_rooms { 400 } else { 50 }) {
        parts(scenario, parting);
    }
    if operating.chance(if has_rooms { 500 } else { 100 * more }) {
        commands(scenario, operating);
    }
    if sending.chance(250 * more) {
        files(scenario, sending);
    }
    scenario.acts.sort_by_key(|(at, _)| *at);
}

impl Scenario {
    /// The features that were drawn.
    #[must_use]
    pub fn features(&self) -> Vec<&'static str> {
        let has = |is_it: fn(&Act) -> bool| self.acts.iter().any(|(_, act)| is_it(act));
        let is_retained = [self.limits.keep_entries, self.limits.keep_bytes].iter().any(|limit| *limit > 0);
        let all = [
            ("adversary", self.adversary),
            ("rooms", self.rooms.len() > 1),
            ("private rooms", self.rooms.iter().any(|room| room.is_private)),
            ("renames", has(|act| matches!(act, Act::Rename { .. }))),
            ("removals", has(|act| matches!(act, Act::Remove { .. } | Act::Delete))),
            ("retention", is_retained || self.limits.keep_age > Duration::ZERO),
            ("sanctions", has(|act| matches!(act, Act::Sanction { .. }))),
            ("invites", !self.invites.is_empty()),
            ("approval", self.needs_approval),
            ("parts", has(|act| matches!(act, Act::Part { .. }))),
            ("files", has(|act| matches!(act, Act::SendFile { .. }))),
            ("commands", has(|act| matches!(act, Act::Operate { .. }))),
        ];
        all.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
    }

    /// The theme and the features.
    #[must_use]
    pub fn summary(&self) -> String {
        format!("theme {:?}; {}", self.theme, self.features().join(", "))
    }

    fn add_act(&mut self, rng: &mut Rng, act: Act) {
        let at = between(rng, 0, self.active.as_micros());
        self.acts.push((at, act));
    }
}

/// Several rooms, and who is in which of them.
fn rooms(scenario: &mut Scenario, rng: &mut Rng) {
    if !rng.chance(if scenario.theme == Theme::Rooms { 1_000 } else { 100 }) {
        return;
    }
    for _ in 0..rng.between(1, 3) {
        scenario.rooms.push(RoomPlan { is_private: rng.chance(300) });
    }
    if rng.chance(500) {
        scenario.limits.room_idle_time = Duration::from_secs(1);
    }
    let all = scenario.rooms.len();
    let mut holders = BTreeMap::new();
    for plan in &mut scenario.devices {
        let most = max_rooms(plan.size).min(all) as u64;
        let count = rng.between(1, most) as usize;
        let mut rooms: Vec<usize> = (0..all).collect();
        plan.rooms = (0..count).map(|_| rooms.remove(rng.index(rooms.len()))).collect();
        let has_invites = *holders.entry(plan.identity).or_insert_with(|| rng.chance(600));
        plan.has_private_invites = has_invites && plan.is_honest();
    }
}

/// Devices that have the buffers for it send files.
fn files(scenario: &mut Scenario, rng: &mut Rng) {
    let (mut capacity, most) = (scenario.capacity, 100_000);
    (capacity.bulk_send, capacity.bulk_receive) = (8_192, 8_192);
    scenario.capacity = capacity;
    let is_able = |(_, plan): &(usize, &super::Plan)| plan.size == Size::Host && plan.is_honest();
    let senders: Vec<usize> = scenario.devices.iter().enumerate().filter(is_able).map(|(at, _)| at).collect();
    if senders.is_empty() {
        return;
    }
    for _ in 0..rng.between(1, 6) {
        let device = *rng.pick(&senders);
        let len = if rng.chance(200) { rng.below(2) } else { rng.below(most) } as usize;
        scenario.add_act(rng, Act::SendFile { device, len });
    }
}

fn removals(scenario: &mut Scenario, rng: &mut Rng) {
    let times = [0, 5 * SECOND, 60 * SECOND];
    if rng.chance(300) {
        scenario.limits.delete_time = Duration::from_micros(*rng.pick(&times));
    }
    if rng.chance(400) {
        let operator = scenario.devices[rng.index(scenario.devices.len())].identity;
        let devices = scenario.devices.iter_mut().filter(|plan| plan.identity == operator);
        devices.for_each(|plan| plan.is_operator = true);
    }
    for _ in 0..rng.between(2, 15) {
        let device = rng.index(scenario.devices.len());
        let act = if rng.chance(400) { Act::Delete } else { Act::Remove { device, own: rng.chance(700) } };
        scenario.add_act(rng, act);
    }
}

fn retention(scenario: &mut Scenario, rng: &mut Rng) {
    match rng.below(4) {
        0 => scenario.limits.keep_age = between(rng, 2 * SECOND, 60 * SECOND),
        1 => scenario.limits.keep_bytes = rng.between(200, 20_000) as usize,
        _ => scenario.limits.keep_entries = *rng.pick(&[1, 5, 20, 50]),
    }
}

fn sanctions(scenario: &mut Scenario, rng: &mut Rng) {
    for _ in 0..rng.between(1, 6) {
        let device = (!scenario.adversary || rng.chance(700)).then(|| rng.index(scenario.devices.len()));
        let kind = if rng.chance(600) { SanctionKind::Ban } else { SanctionKind::Mute };
        let name = rng.index(3);
        scenario.add_act(rng, Act::Sanction { device, name, kind, is_lifted: false });
        // Often lifted, sometimes before it is imposed.
        if rng.chance(600) {
            let name = rng.index(3);
            scenario.add_act(rng, Act::Sanction { device, name, kind, is_lifted: true });
        }
    }
}

fn invites(scenario: &mut Scenario, rng: &mut Rng) {
    for _ in 0..rng.between(1, 3) {
        let uses = rng.chance(600).then(|| rng.between(1, 3) as u32);
        let valid = rng.chance(300).then(|| between(rng, 100 * MS, scenario.active.as_micros()));
        scenario.invites.push(InvitePlan { uses, valid });
    }
    let mut held = BTreeMap::new();
    for at in 0..scenario.devices.len() {
        let held = *held
            .entry(scenario.devices[at].identity)
            .or_insert_with(|| rng.chance(600).then(|| PlanCredential::Invite(rng.index(scenario.invites.len()))));
        let plan = &mut scenario.devices[at];
        plan.credential = held.filter(|_| plan.is_honest()).unwrap_or(plan.credential);
    }
    for invite in 0..scenario.invites.len() {
        if rng.chance(400) {
            scenario.add_act(rng, Act::RevokeInvite { invite });
        }
    }
}

/// Clients leave rooms, mostly to return.
fn parts(scenario: &mut Scenario, rng: &mut Rng) {
    for _ in 0..rng.between(1, 5) {
        let device = rng.index(scenario.devices.len());
        let rejoin_after = rng.chance(800).then(|| between(rng, 0, 10 * SECOND));
        scenario.add_act(rng, Act::Part { device, rejoin_after });
    }
}

/// Operators decide about rooms and members, at the console and from clients; others try it, too.
fn commands(scenario: &mut Scenario, rng: &mut Rng) {
    let operator = scenario.devices[rng.index(scenario.devices.len())].identity;
    if rng.chance(700) {
        let devices = scenario.devices.iter_mut().filter(|plan| plan.identity == operator);
        devices.for_each(|plan| plan.is_operator = true);
    }
    for _ in 0..rng.between(2, 12) {
        let device = rng.index(scenario.devices.len());
        let by = rng.chance(500).then_some(device);
        let room = rng.index(scenario.rooms.len());
        let command = command(scenario, rng);
        let is_closing = matches!(command, Command::Close);
        scenario.add_act(rng, Act::Operate { by, room, command });
        // A closed room is often opened again.
        if is_closing && rng.chance(700) {
            let command = Command::Open { has_topic: rng.chance(300) };
            scenario.add_act(rng, Act::Operate { by: None, room, command });
        }
    }
}

fn command(scenario: &Scenario, rng: &mut Rng) -> Command {
    let (device, name) = (rng.index(scenario.devices.len()), rng.index(3));
    match rng.below(12) {
        0..=2 => Command::Topic { is_empty: rng.chance(200) },
        3 | 4 if scenario.rooms.len() > 1 => Command::Close,
        5 | 6 => {
            let bound = *rng.pick(&[Bound::Age, Bound::Entries, Bound::Entries, Bound::Bytes]);
            let value = match bound {
                Bound::Age => rng.between(2, 60),
                Bound::Entries => *rng.pick(&[1, 5, 20, 50]),
                Bound::Bytes => rng.between(200, 20_000),
            };
            Command::Keep(bound, rng.chance(700).then_some(value))
        }
        7 | 8 => Command::Kick { device, name },
        9 | 10 => {
            let kind = if rng.chance(300) { SanctionKind::Ban } else { SanctionKind::Mute };
            Command::Sanction { device, name, kind, is_lifted: rng.chance(500) }
        }
        _ => Command::Appoint { device, name, is_ended: rng.chance(300) },
    }
}
