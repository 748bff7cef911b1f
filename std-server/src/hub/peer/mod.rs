//! Connections: the table of all of them, and how far each has come.
//!
//! ```text
//! Unjoined -Join-> (Checking: its password) -> Joining: its commit -> Member -> Closed
//!     |                    |                        |                   |-Leave-> Unjoined
//!     |-10 s-> Closed      `------------------------`-> Refused: until it has the reason -> Closed
//! ```

pub(super) mod census;
pub(super) mod member;
pub(super) mod pool;
mod progress;
mod read;
mod send;
mod table;
pub(super) mod turns;

use core::net::SocketAddr;

use kabar_core::connection::Connection;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;

use super::door::prefix::Prefix;
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
    /// The prefix that its handshake came from. Limits per prefix count it there, whatever path it
    /// takes later.
    pub(super) prefix: Prefix,
    /// Number of its handshake: of two connections the later one has the higher.
    pub(super) ordinal: u64,
    /// Largest message that it takes, in bytes.
    pub(super) message_limit: u16,
    /// Idle time-out in seconds.
    pub(super) idle_s: u16,
    pub(super) phase: Phase,
    /// Identity of its first Join: every later one is by the same (SPEC 6.2).
    pub(super) identity: Option<PublicIdentity>,
    /// It is in [`turns::Turns::ready`].
    pub(super) is_ready: bool,
    /// It is in [`turns::Turns::deferred`].
    pub(super) is_deferred: bool,
    /// It is in [`turns::Turns::paused`].
    pub(super) is_paused: bool,
    /// The round of the last work for it, and what was left of its budget then.
    round: u32,
    work: u32,
    progress: BufferProgress,
}

/// How far a connection has come. The number is the index of the room.
#[derive(Debug)]
pub(super) enum Phase {
    /// It has not joined, or has left again.
    Unjoined,
    /// The password of its Join is to be checked.
    Checking(usize),
    /// Its Join is admitted and waits for its commit.
    Joining(usize),
    /// A member.
    Member(Box<Member>),
    /// Refused was sent; it is closed once that is acknowledged.
    Refused,
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

    /// Index of the room that it is in or is about to join.
    pub(super) fn room(&self) -> Option<usize> {
        match &self.phase {
            Phase::Checking(room) | Phase::Joining(room) => Some(*room),
            Phase::Member(member) => Some(member.room),
            Phase::Unjoined | Phase::Refused | Phase::Closed => None,
        }
    }

    /// Takes one unit of its budget.
    pub(super) fn spend_work(&mut self) {
        self.work = self.work.saturating_sub(1);
    }
}

impl Phase {
    /// Whether it has not proved that it may join.
    fn is_stranger(&self) -> bool {
        matches!(self, Self::Unjoined | Self::Checking(_) | Self::Refused)
    }

    /// Whether it counts against the limit of connections that have not joined.
    fn is_unjoined(&self) -> bool {
        !matches!(self, Self::Member(_) | Self::Closed)
    }
}
