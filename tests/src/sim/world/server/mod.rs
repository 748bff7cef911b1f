//! The server of a world: a real hub over a store in memory. Its jobs take the time of the
//! scenario's disk and processor.
//!
//! This file defines the server; `lifecycle` starts and ends its runs, `drive` passes datagrams and
//! time to it, and `disk` runs its jobs and reports their commits to the model.

mod disk;
mod drive;
mod lifecycle;

use std::net::SocketAddr;

use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::time::{Duration, Instant};
use kabar_server::contents::MemoryContents;
use kabar_server::hub::{Hub, PasswordVerifier, RoomId};
use kabar_server::store::{LogEntry, LogReader, MemoryStore, RoomRecord};
use kabar_std::provider::Accelerated;

use super::{PASSWORD, ROOMS, SERVER};
use crate::sim::keys::SimPrivateKey;
use crate::sim::model::{Committed, Rule, Violation};
use crate::sim::scenario::{KillPoint, Plan};

/// The server, and its state that survives a restart.
#[derive(Debug)]
pub(in crate::sim::world) struct Server {
    hub: Option<Hub<Accelerated>>,
    key: SimPrivateKey,
    store: MemoryStore,
    contents: MemoryContents,
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
    pub(in crate::sim::world) is_starting: bool,
    pub(in crate::sim::world) stalled_until: Instant,
    pub(in crate::sim::world) kill_at: Option<Kill>,
}

/// A kill that waits for its moment.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::world) struct Kill {
    pub(in crate::sim::world) point: KillPoint,
    pub(in crate::sim::world) restart_after: Duration,
    pub(in crate::sim::world) restore: bool,
    pub(in crate::sim::world) keep: Option<u64>,
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
    pub(in crate::sim::world) fn new(real_rsa: bool) -> Self {
        Self {
            hub: None,
            key: if real_rsa { SimPrivateKey::real() } else { SimPrivateKey::StandIn },
            store: MemoryStore::new(),
            contents: MemoryContents::new(),
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

    pub(in crate::sim::world) fn is_running(&self) -> bool {
        self.hub.is_some()
    }

    /// Whether the member of a device is present.
    pub(in crate::sim::world) fn knows(&mut self, now: Instant, room: usize, plan: &Plan) -> bool {
        let open = self.open_room(now, room);
        open.is_some_and(|(hub, id)| hub.who(now, id).iter().any(|member| plan.is_name(&member.name)))
    }

    /// The hub, if it runs, and the id of a room, if it is in memory.
    pub(in crate::sim::world) fn open_room(
        &mut self,
        now: Instant,
        room: usize,
    ) -> Option<(&mut Hub<Accelerated>, RoomId)> {
        let hub = self.hub.as_mut()?;
        let id = if room == 0 { RoomId::FIRST } else { hub.open_room(now, ROOMS[room]).ok().flatten()? };
        Some((hub, id))
    }

    /// The record of a room, as the running server decided.
    pub(in crate::sim::world) fn record(&self, room: usize) -> Option<RoomRecord> {
        let rooms = self.hub.as_ref()?.rooms();
        rooms.into_iter().map(|info| info.record).find(|record| record.name == ROOMS[room])
    }

    /// Whether a room is closed, as the running server decided.
    pub(in crate::sim::world) fn is_closed(&self, room: usize) -> bool {
        room > 0 && self.record(room).is_some_and(|record| record.is_closed)
    }

    pub(in crate::sim::world) fn modulus(&self) -> &[u8] {
        self.key.modulus()
    }

    pub(in crate::sim::world) fn hub_mut(&mut self) -> Option<&mut Hub<Accelerated>> {
        self.hub.as_mut()
    }

    pub(in crate::sim::world) fn store_mut(&mut self) -> &mut MemoryStore {
        &mut self.store
    }

    /// The entries that the store returns to a server.
    pub(in crate::sim::world) fn read_all(&mut self, room: usize) -> Result<Vec<Committed>, Violation> {
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

/// Whether `address` is the server's.
#[must_use]
pub(in crate::sim::world) fn is_server(address: SocketAddr) -> bool {
    address == SERVER
}
