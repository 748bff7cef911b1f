//! Connections: the table of all of them, the phase of each, and the rooms that each is in.
//!
//! A connection:
//!
//! ```text
//! Open -in no room for 10 s-> Closed
//!   |--in no room after a Join was refused or the server ended a membership-> Closing -> Closed
//!   `--closed by either end, or silent-> Closed
//! ```
//!
//! Each of its memberships (see `memberships`):
//!
//! ```text
//! -Join-> (its room is loaded) -> (Checking: its password) -> (Waiting: for an operator) -> Joining: its commit -> Member
//! ```

mod endings;
pub(super) mod loading;
pub(super) mod member;
pub(super) mod memberships;
pub(super) mod pool;
mod progress;
mod read;
mod route;
mod send;
mod table;

use core::net::SocketAddr;

use kabar_core::chat::Join;
use kabar_core::connection::CloseCode;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;

use super::census::Standing;
use super::context::Context;
use super::fairness::prefix::Prefix;
use super::room_id::RoomId;
use super::timers::Timer;
use super::turns::Turn;
use endings::Endings;
use member::Member;
use memberships::{Memberships, Stage};
use progress::BufferProgress;

pub(super) use read::Malformed;
pub(super) use route::Route;
pub(super) use table::{NewPeer, Peers};

/// One connection and the rooms that it is in.
#[derive(Debug)]
pub(super) struct Peer<P: Provider> {
    pub(super) link: Link<P>,
    pub(super) memberships: Memberships,
}

/// A connection without its memberships, so that a function can work on both.
#[derive(Debug)]
pub(super) struct Link<P: Provider> {
    pub(super) id: u32,
    /// How its client is reached.
    pub(super) connection: Route<P>,
    /// The latest address of the remote end.
    pub(super) address: SocketAddr,
    /// The prefix that its handshake came from. Limits per prefix count it there, even if it takes
    /// another path later.
    pub(super) prefix: Prefix,
    /// Number of its handshake: a later connection has a higher one.
    pub(super) ordinal: u64,
    /// Largest message that it accepts, in bytes.
    pub(super) message_limit: u16,
    /// Idle time-out in seconds.
    pub(super) idle_s: u16,
    pub(super) phase: Phase,
    /// The limits that it counts against.
    standing: Standing,
    /// Identity of its first Join: every later one is by the same (SPEC 6.2).
    pub(super) identity: Option<PublicIdentity>,
    /// A Join of it was counted against the rate of its identity.
    pub(super) is_counted: bool,
    pub(super) endings: Endings,
    pub(super) turn: Turn,
    /// Its next message waits until a request or a Join before it is answered.
    pub(super) awaits_answer: bool,
    progress: BufferProgress,
}

/// The phase of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It may join rooms.
    Open,
    /// It is in no room, and the reason was sent why a Join is refused or a membership ended; the
    /// connection is closed with this code once that is acknowledged.
    Closing(CloseCode),
    /// Closed.
    Closed,
}

impl<P: Provider> Peer<P> {
    /// The connection, and its member of a room, if it is one.
    pub(super) fn member_mut(&mut self, room: RoomId) -> Option<(&mut Link<P>, &mut Member)> {
        Some((&mut self.link, self.memberships.member_mut(room)?))
    }

    /// Keeps a Join until its room is loaded. A connection that is to be closed stays so, but not
    /// before the Join is answered.
    pub(super) fn begin_loading(&mut self, context: &mut Context<P>, join: &Join<'_>) {
        let room = self.memberships.loading.push(join);
        context.loads.request(&room, Some(self.link.id));
    }

    /// Drops all Joins whose rooms are being loaded.
    pub(super) fn end_loading(&mut self, context: &mut Context<P>) {
        context.loads.forget(self.link.id, self.memberships.loading.clear());
    }

    /// Changes the stage of a membership; the first one adds it.
    pub(super) fn set_stage(&mut self, context: &mut Context<P>, room: RoomId, stage: Stage) {
        context.timers.set(Timer::Join(self.link.id, room), None);
        if self.memberships.placed() == 0 {
            context.timers.set(Timer::Phase(self.link.id), None);
            self.link.phase = Phase::Open;
        }
        self.memberships.set(room, stage);
        self.recount(context);
    }

    /// Removes a membership or a Join from the table. The room still has to end it.
    pub(super) fn take_membership(&mut self, now: Instant, context: &mut Context<P>, room: RoomId) -> Option<Stage> {
        let stage = self.memberships.take(room)?;
        context.timers.set(Timer::Join(self.link.id, room), None);
        context.transfers.leave_room(self.link.id, room);
        if self.memberships.placed() == 0 && self.link.phase == Phase::Open {
            context.timers.set(Timer::Phase(self.link.id), Some(now + context.config.limits.join_time));
        }
        self.recount(context);
        Some(stage)
    }

    /// Counts it elsewhere, if its progress is another one now.
    fn recount(&mut self, context: &mut Context<P>) {
        let standing = match self.link.phase {
            Phase::Open => self.memberships.standing(),
            Phase::Closing(_) => Standing::Stranger,
            Phase::Closed => Standing::Closed,
        };
        let before = core::mem::replace(&mut self.link.standing, standing);
        if before != standing {
            context.census.change(self.link.id, self.link.prefix, before, standing);
        }
    }

    fn set_phase(&mut self, context: &mut Context<P>, phase: Phase) {
        self.link.phase = phase;
        self.recount(context);
    }
}
