//! Connections: the table of all of them, and the phase of each.
//!
//! ```text
//! Unjoined -Join-> (Checking: its password) -> (Waiting: for an operator) -> Joining: its commit
//!     |                    |                        |                            |
//!     |-10 s-> Closed      `------------------------`----------------------------`-> Refused: until
//!                                                                                 it has the reason
//! Joining -> Member -> Closed                                                     -> Closed
//!              `-Leave-> Unjoined
//! ```

pub(super) mod member;
pub(super) mod pool;
mod progress;
mod read;
mod send;
mod table;

use core::net::SocketAddr;

use kabar_core::connection::{CloseCode, Connection};
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;

use super::census::Standing;
use super::fairness::prefix::Prefix;
use super::room_id::RoomId;
use super::turns::Turn;
use member::Member;
use pool::Pooled;
use progress::BufferProgress;

pub(super) use read::Malformed;
pub(super) use table::{NewPeer, Peers};

/// One connection.
#[derive(Debug)]
pub(super) struct Peer<P: Provider> {
    pub(super) id: u32,
    pub(super) connection: Connection<Pooled, P>,
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
    /// Identity of its first Join: every later one is by the same (SPEC 6.2).
    pub(super) identity: Option<PublicIdentity>,
    pub(super) turn: Turn,
    progress: BufferProgress,
}

/// The phase of a connection.
#[derive(Debug)]
pub(super) enum Phase {
    /// It has not joined, or has left.
    Unjoined,
    /// The password of its Join is to be checked.
    Checking(RoomId),
    /// Its Join waits until an operator lets it in.
    Waiting(RoomId),
    /// Its Join is admitted and waits for its commit.
    Joining(RoomId),
    /// A member.
    Member(Box<Member>),
    /// The reason was sent why its Join is refused, or its membership ended; the connection is
    /// closed with this code once that is acknowledged.
    Refused(CloseCode),
    /// Closed.
    Closed,
}

impl<P: Provider> Peer<P> {
    pub(super) fn member(&self) -> Option<&Member> {
        match &self.phase {
            Phase::Member(member) => Some(member),
            _ => None,
        }
    }

    pub(super) fn member_mut(&mut self) -> Option<&mut Member> {
        match &mut self.phase {
            Phase::Member(member) => Some(member),
            _ => None,
        }
    }

    /// The room that it is in or is about to join.
    pub(super) fn room(&self) -> Option<RoomId> {
        match &self.phase {
            Phase::Checking(room) | Phase::Waiting(room) | Phase::Joining(room) => Some(*room),
            Phase::Member(member) => Some(member.room),
            Phase::Unjoined | Phase::Refused(_) | Phase::Closed => None,
        }
    }
}

impl Phase {
    /// Whether it waits for the check of its password in this room.
    pub(super) fn is_checking(&self, room: RoomId) -> bool {
        matches!(self, Self::Checking(checking) if *checking == room)
    }

    /// Whether its Join waits for an operator of this room.
    pub(super) fn is_waiting(&self, room: RoomId) -> bool {
        matches!(self, Self::Waiting(waiting) if *waiting == room)
    }

    /// Whether its Join waits for its commit in this room.
    pub(super) fn is_joining(&self, room: RoomId) -> bool {
        matches!(self, Self::Joining(joining) if *joining == room)
    }

    /// The limits that it counts against.
    fn standing(&self) -> Standing {
        match self {
            Self::Unjoined | Self::Checking(_) | Self::Waiting(_) | Self::Refused(_) => Standing::Stranger,
            Self::Joining(_) => Standing::Admitted,
            Self::Member(_) => Standing::Member,
            Self::Closed => Standing::Closed,
        }
    }
}
