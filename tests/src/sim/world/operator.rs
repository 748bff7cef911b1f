//! The operator of the room: speaks, kicks, bans and mutes, removes entries, makes and revokes
//! invites, and lets newcomers in.

use std::collections::BTreeSet;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};
use kabar_server::hub::{InviteTerms, SanctionInfo};
use kabar_server::store::{Sanction, SanctionKind, Store as _, Visibility};

use super::adversary::Adversary;
use super::{ROOMS, World, WorldEvent};
use crate::sim::coverage::Seen;
use crate::sim::model::{ADVERSARY, Checked, Sanctioned, demand, sanction_number};
use crate::sim::scenario::InvitePlan;

/// Longest time between two looks at the newcomers that wait, in us.
const LOOK_TIME: u64 = 10_000_000;
/// The same when the faults have stopped.
const QUIET_LOOK_TIME: u64 = 1_000_000;

/// An invite that the operator made.
#[derive(Clone, Copy, Debug)]
pub(super) struct MadeInvite {
    id: u32,
    pub(super) secret: [u8; 16],
    is_revoked: bool,
    /// It, or the one that it replaces, was lost with a server that crashed: to the server, its
    /// secret is unknown.
    is_lost: bool,
}

/// What the operator remembers while servers come and go.
#[derive(Debug, Default)]
pub(super) struct Operator {
    /// Number of reasons for sanctions so far.
    pub(super) sanctions: u32,
    /// Number of topics so far.
    pub(super) topics: u32,
    /// Identities that were made operators at any time.
    pub(super) appointed: BTreeSet<PublicIdentity>,
    /// By the index in the scenario.
    pub(super) invites: Vec<Option<MadeInvite>>,
    /// The secret of the standing invite of each private room.
    pub(super) room_secrets: Vec<Option<[u8; 16]>>,
    /// The time of day as it was set last: at this moment, to this number of ms since 1970.
    pub(super) wall: (Instant, u64),
}

impl Operator {
    pub(super) fn new(rooms: usize) -> Self {
        Self { room_secrets: vec![None; rooms], ..Self::default() }
    }
}

impl World {
    pub(super) fn say(&mut self) -> Checked {
        let (now, room) = (self.now(), self.any_room());
        if let Some((hub, id)) = self.server.open_room(now, room) {
            hub.say(now, id, "The operator says this.");
        }
        self.serve()
    }

    pub(super) fn kick(&mut self, at: usize) -> Checked {
        let (now, room) = (self.now(), self.any_room());
        let plan = &self.devices[at].plan;
        let names = plan.names();
        let open = self.server.open_room(now, room);
        if open.is_some_and(|(hub, id)| names.iter().any(|name| hub.kick(now, id, None, name, None).is_ok())) {
            self.kicked.insert(plan.name.clone());
        }
        self.serve()
    }

    /// Imposes or lifts a sanction on the identity of a device, or on the adversary.
    pub(super) fn sanction(
        &mut self,
        device: Option<usize>,
        name: usize,
        kind: SanctionKind,
        is_lifted: bool,
    ) -> Checked {
        let (now, room) = (self.now(), self.any_room());
        let names = device.map_or_else(
            || vec![Adversary::NAME.to_owned()],
            |device| (0..3).map(|more| self.devices[device].plan.name_of(name + more)).collect(),
        );
        let reason = self.new_reason();
        let Some((hub, id)) = self.server.open_room(now, room) else { return Ok(()) };
        let before = hub.sanctions(id);
        let is_done = names.iter().any(|name| {
            match (kind, is_lifted) {
                (SanctionKind::Ban, false) => hub.ban(now, id, None, name, Some(&reason)),
                (SanctionKind::Ban, true) => hub.unban(now, id, None, name),
                (SanctionKind::Mute, false) => hub.mute(now, id, None, name, Some(&reason)),
                (SanctionKind::Mute, true) => hub.unmute(now, id, None, name),
            }
            .is_ok()
        });
        if is_done {
            let after = hub.sanctions(id);
            self.note_sanctions(room, sanction_number(&reason), &before, &after);
        }
        self.serve()
    }

    /// Reports to the model which sanction was imposed, with this number in its reason, or lifted.
    pub(super) fn note_sanctions(
        &mut self,
        room: usize,
        number: Option<u32>,
        before: &[SanctionInfo],
        after: &[SanctionInfo],
    ) {
        let is_lifted = before.len() > after.len();
        let (longer, shorter) = if is_lifted { (before, after) } else { (after, before) };
        let changed = longer.iter().find(|it| !shorter.contains(it));
        let Some(changed) = changed.and_then(|it| self.sanctioned(&it.sanction)) else { return };
        if is_lifted {
            self.coverage.count(Seen::SanctionLifted);
            self.models[room].lifted(changed);
        } else {
            self.coverage.count(Seen::Sanctioned);
            self.models[room].imposed(number.unwrap_or_default(), changed);
            if changed.1 == SanctionKind::Ban {
                self.banned.insert(changed.0);
            }
        }
    }

    /// The sanctions of the store with which a server starts.
    pub(super) fn load_sanctions(&mut self, room: usize, sanctions: &[Sanction]) -> Checked {
        let loaded = sanctions.iter().filter_map(|sanction| self.sanctioned(sanction)).collect();
        self.models[room].sanctions_loaded(loaded)
    }

    fn sanctioned(&self, sanction: &Sanction) -> Option<Sanctioned> {
        let identity = if sanction.identity == Adversary::identity().public() {
            ADVERSARY
        } else {
            self.devices.iter().find(|device| device.public == sanction.identity)?.plan.identity
        };
        Some((identity, sanction.kind))
    }

    /// Removes an entry, mostly one that exists.
    pub(super) fn delete(&mut self) -> Checked {
        let (now, room) = (self.now(), self.any_room());
        let seq = self.rng.between(1, self.models[room].log().head() + 1);
        if let Some((hub, id)) = self.server.open_room(now, room) {
            let _ = hub.delete(now, id, seq);
        }
        self.serve()
    }

    /// Creates the rooms that are planned and that the server does not have. Checks those that it
    /// has.
    pub(super) fn create_rooms(&mut self) -> Checked {
        let now = self.now();
        for (room, plan) in self.scenario.rooms.iter().enumerate() {
            let record = self.server.record(room);
            self.models[room].record_loaded(record.as_ref())?;
            let Some(hub) = self.server.hub_mut().filter(|_| record.is_none()) else { continue };
            let visibility = if plan.is_private { Visibility::Private } else { Visibility::Open };
            let _ = hub.add_room(now, None, ROOMS[room], visibility, "");
            self.models[room].opened("");
        }
        self.learn_room_invites();
        Ok(())
    }

    /// Reads the standing invites of private rooms.
    pub(super) fn learn_room_invites(&mut self) {
        let now = self.now();
        let Some(hub) = self.server.hub_mut() else { return };
        let invites = hub.invites(now);
        for (room, secret) in self.operator.room_secrets.iter_mut().enumerate().skip(1) {
            let own = invites.iter().map(|it| &it.record).rfind(|it| it.room.as_deref() == Some(ROOMS[room]));
            *secret = own.map(|record| record.secret);
        }
    }

    /// Makes the invites that are planned and that the server does not have, and revokes those that
    /// were revoked before a crash.
    pub(super) fn make_invites(&mut self) {
        let now = self.now();
        let Some(hub) = self.server.hub_mut() else { return };
        let known = hub.invites(now);
        for at in 0..self.scenario.invites.len() {
            let made = self.operator.invites.get(at).copied().flatten();
            let record = made.and_then(|made| known.iter().map(|it| &it.record).find(|it| it.secret == made.secret));
            let Some(hub) = self.server.hub_mut() else { return };
            match (made, record) {
                (Some(made), Some(record)) => {
                    if made.is_revoked && !record.is_revoked {
                        let _ = hub.revoke_invite(now, made.id);
                    }
                }
                // It is gone, as it should be.
                (Some(made), None) if made.is_revoked => {
                    self.operator.invites[at] = Some(MadeInvite { is_lost: true, ..made });
                }
                (_, None) => {
                    let InvitePlan { uses, valid } = self.scenario.invites[at];
                    let valid_ms = valid.map(Duration::as_millis);
                    let terms = InviteTerms { room: None, made_by: None, valid_ms, uses };
                    let Ok(record) = hub.create_invite(now, terms) else { continue };
                    self.admissions.made(record.id, uses, record.expires_ms);
                    self.operator.invites.resize(self.scenario.invites.len(), None);
                    let (id, secret) = (record.id, record.secret);
                    let made = MadeInvite { id, secret, is_revoked: false, is_lost: made.is_some() };
                    self.operator.invites[at] = Some(made);
                }
                (None, Some(_)) => {}
            }
        }
    }

    pub(super) fn revoke_invite(&mut self, at: usize) -> Checked {
        let now = self.now();
        if let Some(made) = self.operator.invites.get_mut(at).and_then(Option::as_mut)
            && let Some(hub) = self.server.hub_mut()
        {
            made.is_revoked |= hub.revoke_invite(now, made.id).is_ok();
        }
        self.serve()
    }

    /// Whether an invite may have ended by now, as far as a client can know.
    pub(super) fn may_have_ended(&self, invite: usize) -> bool {
        let InvitePlan { uses, valid } = self.scenario.invites[invite];
        let made = self.operator.invites.get(invite).copied().flatten();
        uses.is_some() || valid.is_some() || made.is_none_or(|made| made.is_revoked || made.is_lost)
    }

    /// Whether the server may not know the secret of an invite, so that it can prove nothing to
    /// whoever joins with it.
    pub(super) fn is_lost_invite(&self, invite: usize) -> bool {
        self.operator.invites.get(invite).copied().flatten().is_some_and(|made| made.is_lost)
    }

    /// The moment since which the server's clock has been at `unix_ms` or later.
    pub(super) fn reached(&self, unix_ms: u64) -> Instant {
        let (set_at, wall) = self.operator.wall;
        set_at + Duration::from_millis(unix_ms.saturating_sub(wall))
    }

    /// Lets in some of the newcomers that wait, and turns some away.
    pub(super) fn look_at_newcomers(&mut self) -> Checked {
        let now = self.now();
        let is_quiet = self.quiet_since.is_some();
        let most = if is_quiet { QUIET_LOOK_TIME } else { LOOK_TIME };
        let after = Duration::from_micros(self.rng.between(1, most));
        self.queue.push(now + after, WorldEvent::OperatorLooks);
        for room in 0..self.models.len() {
            let open = self.server.open_room(now, room);
            for newcomer in open.map_or_else(Vec::new, |(hub, id)| hub.waiting(id)) {
                let drawn = if is_quiet { 0 } else { self.rng.below(10) };
                let Some((hub, id)) = self.server.open_room(now, room) else { break };
                // Of several that wait under one name, the first is meant.
                let is_first = hub.waiting(id).iter().find(|it| it.name == newcomer.name) == Some(&newcomer);
                if drawn < 6 && is_first && hub.accept(now, id, &newcomer.name).is_ok() {
                    self.coverage.count(Seen::LetIn);
                    // Whoever waits under this name.
                    let named = self.devices.iter().filter(|device| device.plan.name == newcomer.name);
                    let identities = named.map(|device| device.public);
                    let adversary = (newcomer.name == Adversary::NAME).then(|| Adversary::identity().public());
                    identities.chain(adversary).for_each(|identity| self.admissions.accepted(identity));
                } else if drawn == 9 && is_first && hub.reject(now, id, &newcomer.name).is_ok() {
                    self.coverage.count(Seen::TurnedAway);
                }
            }
        }
        self.serve()
    }

    /// A room, by its index.
    fn any_room(&mut self) -> usize {
        if self.models.len() > 1 { self.rng.index(self.models.len()) } else { 0 }
    }

    /// When everything is settled: nobody who is banned is a member, and no more is kept than the
    /// limits allow.
    pub(super) fn check_operation(&mut self) -> Checked {
        let now = self.now();
        for room in 0..self.models.len() {
            for device in self.devices.iter().filter(|device| device.plan.rooms.contains(&room)) {
                let is_banned = self.models[room].is_sanctioned((device.plan.identity, SanctionKind::Ban));
                let is_named_so = |other: &super::device::Device| {
                    other.plan.name == device.plan.name && other.plan.identity != device.plan.identity
                };
                if is_banned && !self.devices.iter().any(is_named_so) {
                    let is_known = self.server.knows(now, room, &device.plan);
                    demand!(!is_known, Sanction, "{} is banned and a member", device.plan.name);
                }
            }
            let kept = self.kept(room);
            // A room that is not in memory is not looked at.
            let is_open = self.server.open_room(now, room).is_some();
            let log = self.models[room].log();
            let last = log.first();
            let is_surplus = is_open && last <= log.head() && log.is_surplus(last, kept);
            demand!(!is_surplus, Liveness, "entry {last} of {} is still kept", log.head());
        }
        Ok(())
    }

    /// Records who is admitted according to a store that was restored.
    pub(super) fn restore_admissions(&mut self) {
        let rooms = self.models.len();
        let store = self.server.store_mut();
        let loaded: Vec<_> = ROOMS[..rooms].iter().filter_map(|room| store.load_room(room).ok()).collect();
        if let Ok(server) = store.load_server() {
            let admitted = loaded.iter().flat_map(|room| &room.admissions).map(|it| it.identity);
            self.admissions.restored(&server, admitted);
        }
        let running = self.devices.iter_mut().filter_map(|device| device.running.as_mut());
        running.flat_map(|running| &mut running.memberships).for_each(|it| it.was_admitted = false);
    }
}
