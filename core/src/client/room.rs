//! The rooms of a client: a table of fixed size, and the membership in each as the server last
//! reported it (SPEC 6.3, 7).
//!
//! ```text
//! Free -start, join-> Waiting -connected-> Signing -> AwaitingWelcome -> Joined
//! any -> Waiting: the connection ended, or the server refused the Join for now
//! Joined -> Signing: entries after the cursor are no longer stored
//! any -> Left, ProofInvalid, Refused, EndedByServer -reported-> Free
//! ```
//!
//! In a table of one room, the compiler decides every search and every slot, so it costs what the
//! room alone would.

use super::config::{NameString, RoomConfig};
use super::event::EndReason;
use super::secrets::StoredCredential;
use crate::chat::{EndedCode, RefusedCode, Start, Term};

/// Most rooms of a client: the outbox has 6 bits of a record for the slot.
pub const MAX_ROOMS: usize = 64;

/// The place of a room in a client: an index from 0 to `ROOMS - 1`. It belongs to the room until
/// [`RoomEnded`](super::Event::RoomEnded) was returned for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomSlot(u8);

impl RoomSlot {
    /// The slot of the room in [`Config`](super::Config), and the only one of a client for one
    /// room.
    pub const FIRST: Self = Self(0);

    /// The index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The index in a table of `N` rooms. It is that of the only room if `N` is 1.
    pub(super) const fn within<const N: usize>(self) -> usize {
        const { assert!(N > 0 && N <= MAX_ROOMS, "a client has 1 to 64 rooms") };
        self.index() % N
    }

    /// The first slot of a table of `N` rooms that is wanted. One room needs no loop.
    pub(super) fn find<const N: usize>(mut is_wanted: impl FnMut(Self) -> bool) -> Option<Self> {
        if N == 1 {
            return is_wanted(Self::FIRST).then_some(Self::FIRST);
        }
        Self::all::<N>().find(|&slot| is_wanted(slot))
    }

    /// All slots of a table of `N` rooms.
    pub(super) fn all<const N: usize>() -> impl Iterator<Item = Self> {
        (0..u8::try_from(N).unwrap_or(u8::MAX)).map(Self)
    }

    /// The same slot: with one room, the compiler knows it.
    pub(super) const fn of<const N: usize>(self) -> Self {
        if N == 1 { Self::FIRST } else { self }
    }

    pub(super) const fn to_bits(self) -> u8 {
        self.0
    }
}

/// Progress from a connection to membership, and to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum RoomState {
    /// The slot has no room.
    Free,
    /// There is no connection, or the server refused the Join for now.
    Waiting,
    /// Connected; the Join is not signed yet.
    Signing,
    /// Join is written, Welcome is awaited.
    AwaitingWelcome,
    Joined {
        handle: u8,
    },
    /// Ended, which was not reported yet: as requested.
    Left,
    /// The same, because the server does not know the room's secret.
    ProofInvalid,
    /// The same, because the server refused the Join permanently.
    Refused(RefusedCode),
    /// The same, because the server has ended the membership.
    EndedByServer(EndedCode),
}

/// A room.
pub(super) struct Room {
    pub(super) state: RoomState,
    /// Joined at least once: the cursor is valid.
    pub(super) is_member: bool,
    /// To be left once its posts are settled.
    pub(super) is_parting: bool,
    pub(super) max_entry_len: u16,
    /// The last entry delivered.
    pub(super) cursor: u64,
    pub(super) term: Term,
    /// 0: none yet.
    pub(super) instance: u64,
    /// The expected proof of the server of this connection. Kept, because Welcome may be read after
    /// the connection has ended.
    pub(super) proof: [u8; 32],
    start: Start,
    pub(super) name: NameString,
    pub(super) credential: StoredCredential,
}

impl Room {
    const fn new() -> Self {
        Self {
            state: RoomState::Free,
            is_member: false,
            is_parting: false,
            max_entry_len: 0,
            cursor: 0,
            term: Term([0; 8]),
            instance: 0,
            proof: [0; 32],
            start: Start::Head,
            name: NameString::new(),
            credential: StoredCredential::new(),
        }
    }

    /// Begins a membership. `name` and `max_entry_len` are those of `config`, validated.
    pub(super) fn set(&mut self, config: &RoomConfig<'_>, name: NameString, max_entry_len: u16) {
        self.state = RoomState::Waiting;
        self.is_member = false;
        self.is_parting = false;
        self.max_entry_len = max_entry_len;
        self.instance = 0;
        self.start = config.start;
        self.name = name;
        self.credential.set(&config.credential);
    }

    pub(super) fn is_joined(&self) -> bool {
        matches!(self.state, RoomState::Joined { .. })
    }

    /// It has a Join in progress on this connection, or has joined.
    pub(super) fn is_active(&self) -> bool {
        self.is_joined() || matches!(self.state, RoomState::Signing | RoomState::AwaitingWelcome)
    }

    /// There is a room, and it has not ended.
    pub(super) fn is_used(&self) -> bool {
        self.is_active() || self.state == RoomState::Waiting
    }

    /// Why it has ended, if that is still to be reported.
    pub(super) const fn ended(&self) -> Option<EndReason> {
        match self.state {
            RoomState::Left => Some(EndReason::Left),
            RoomState::ProofInvalid => Some(EndReason::ServerProofInvalid),
            RoomState::Refused(code) => Some(EndReason::Refused(code)),
            RoomState::EndedByServer(code) => Some(EndReason::EndedByServer(code)),
            _ => None,
        }
    }

    pub(super) const fn handle(&self) -> Option<u8> {
        match self.state {
            RoomState::Joined { handle } => Some(handle),
            _ => None,
        }
    }

    /// The start that the next Join states. After a cursor, the count that a Reset falls back to is
    /// that of the first start.
    pub(super) fn next_start(&self) -> Start {
        if !self.is_member {
            return self.start;
        }
        let fallback_count = match self.start {
            Start::Head => 0,
            Start::Last(count) => count,
            Start::After { fallback_count, .. } => fallback_count,
        };
        Start::After { seq: self.cursor, term: self.term, fallback_count }
    }
}

/// The rooms of a client.
pub(super) struct Rooms<const N: usize>([Room; N]);

impl<const N: usize> Rooms<N> {
    pub(super) const fn new() -> Self {
        Self([const { Room::new() }; N])
    }

    /// No room.
    pub(super) fn clear(&mut self) {
        self.for_each(|room| {
            room.state = RoomState::Free;
            room.is_member = false;
        });
    }

    pub(super) const fn get(&self, slot: RoomSlot) -> &Room {
        &self.0[slot.within::<N>()]
    }

    pub(super) const fn get_mut(&mut self, slot: RoomSlot) -> &mut Room {
        &mut self.0[slot.within::<N>()]
    }

    pub(super) fn for_each(&mut self, mut change: impl FnMut(&mut Room)) {
        if N == 1 {
            change(self.get_mut(RoomSlot::FIRST));
        } else {
            self.0.iter_mut().for_each(change);
        }
    }

    pub(super) fn any(&self, is_wanted: impl Fn(&Room) -> bool) -> bool {
        self.find(is_wanted).is_some()
    }

    /// Whether a room other than that of `slot` is wanted. Never, if there is only one.
    pub(super) fn any_other(&self, slot: RoomSlot, is_wanted: impl Fn(&Room) -> bool) -> bool {
        N > 1 && RoomSlot::all::<N>().any(|other| other != slot && is_wanted(self.get(other)))
    }

    pub(super) fn find(&self, is_wanted: impl Fn(&Room) -> bool) -> Option<RoomSlot> {
        RoomSlot::find::<N>(|slot| is_wanted(self.get(slot)))
    }

    /// The room with this handle on the connection.
    pub(super) fn joined(&self, handle: u8) -> Option<RoomSlot> {
        self.find(|room| room.handle() == Some(handle))
    }

    /// The room whose Welcome is awaited and whose name is `name`; of a single room the name is not
    /// compared. An empty name is that of the only one (SPEC 6.3).
    pub(super) fn awaiting(&self, name: &str) -> Option<RoomSlot> {
        let is_awaiting = |room: &Room| room.state == RoomState::AwaitingWelcome;
        if N > 1 && !name.is_empty() {
            return self.find(|room| is_awaiting(room) && room.name == name);
        }
        self.find(is_awaiting).filter(|&slot| !self.any_other(slot, is_awaiting))
    }

    /// The connection ended.
    pub(super) fn disconnect(&mut self) {
        self.for_each(|room| {
            if N == 1 || room.is_active() {
                room.state = RoomState::Waiting;
            }
        });
    }

    /// Overwrites all credentials.
    pub(super) fn wipe(&mut self) {
        self.for_each(|room| room.credential.wipe());
    }
}
