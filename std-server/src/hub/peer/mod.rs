//! One connection as the hub sees it: how far it has come, and what a member is still to be told. All of it is O(1): a member is
//! a cursor into the log.
//!
//! ```text
//! Unjoined -Join-> (Checking: its password) -> Joining: its commit -> Member -> Over
//!     |                    |                        |                   |-Leave-> Unjoined
//!     |-10 s-> Over        `------------------------`-> Refused: until it heard why -> Over
//! ```

pub(in crate::hub) mod pool;
pub(in crate::hub) mod read;
pub(in crate::hub) mod reclaim;
mod transmit;
mod turns;

use core::net::SocketAddr;

use kabar_core::chat::{PostRefusedCode, Start};
use kabar_core::connection::Connection;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use zeroize::Zeroizing;

use crate::hub::pool::Pooled;
use crate::hub::prefix::Prefix;
use crate::hub::reclaim::Holding;
use kabar_std::names::Name;

/// One connection.
#[derive(Debug)]
pub(in crate::hub) struct Peer<P: Provider> {
    pub(in crate::hub) connection: Connection<Pooled, P>,
    /// Where its peer is, or was last.
    pub(in crate::hub) address: SocketAddr,
    /// Whose account it is on: where its handshake came from, whatever path it takes later.
    pub(in crate::hub) prefix: Prefix,
    /// Which handshake it came from: of two connections the later one has the higher.
    pub(in crate::hub) ordinal: u64,
    /// Largest message that it takes, in bytes.
    pub(in crate::hub) message_limit: u16,
    /// Silence in seconds after which it is gone.
    pub(in crate::hub) idle_s: u16,
    pub(in crate::hub) phase: Phase,
    /// Whose its first Join was: every later one is by the same identity (SPEC 6.2).
    pub(in crate::hub) identity: Option<PublicIdentity>,
    /// Whether it is in the queue of those that may have something to send.
    pub(in crate::hub) is_ready: bool,
    /// Whether it is among those that have everything and wait for the next entry.
    pub(in crate::hub) is_at_head: bool,
    /// The round of the last work for it, and what was left of its budget then.
    pub(in crate::hub) round: u32,
    pub(in crate::hub) work: u32,
    /// Whether its work goes on when it has its next turn.
    pub(in crate::hub) is_deferred: bool,
    /// Whether its stream is not read on because too much waits to be committed.
    pub(in crate::hub) is_held: bool,
    /// Whether its rings move.
    pub(in crate::hub) holding: Holding,
}

/// How far a connection has come.
#[derive(Debug)]
pub(in crate::hub) enum Phase {
    /// No Join yet, or not any more.
    Unjoined,
    /// Its Join waits until its password was checked.
    Checking(Box<Ask>, Zeroizing<Vec<u8>>),
    /// Its Join is admitted and waits for its commit.
    Joining(Box<Ask>),
    /// A member.
    Member(Box<Member>),
    /// It was told Refused; it is closed when it heard that.
    Refused,
    /// Closed.
    Over,
}

/// A Join that is in order.
#[derive(Debug)]
pub(in crate::hub) struct Ask {
    pub(in crate::hub) name: Name,
    pub(in crate::hub) identity: PublicIdentity,
    /// As stated until it is admitted (0: none); the one it will have from then on.
    pub(in crate::hub) instance: u64,
    pub(in crate::hub) start: Start,
    pub(in crate::hub) largest_entry: u16,
    /// Whether its admission is to be written down.
    pub(in crate::hub) is_newly_admitted: bool,
}

/// A member.
#[derive(Debug)]
pub(in crate::hub) struct Member {
    pub(in crate::hub) name: Name,
    pub(in crate::hub) identity: PublicIdentity,
    pub(in crate::hub) instance: u64,
    pub(in crate::hub) largest_entry: u16,
    /// When it joined, in ms since 1970.
    pub(in crate::hub) since_ms: u64,
    /// When it joined or last posted.
    pub(in crate::hub) spoke_at: Instant,
    /// Seq of the last entry written to its stream, or passed over.
    pub(in crate::hub) cursor: u64,
    /// Welcome is still to be sent.
    pub(in crate::hub) welcome: Option<WelcomeDue>,
    /// PostRefused is still to be sent.
    pub(in crate::hub) post_refused: Option<(u64, PostRefusedCode)>,
    /// Stored is still to be sent: number and seq.
    pub(in crate::hub) stored: Option<(u64, u64)>,
    /// The notice about storage trouble is still to be sent.
    pub(in crate::hub) notice: bool,
    /// Whether it was told of the present storage trouble.
    pub(in crate::hub) knows_trouble: bool,
    /// A number was refused: posts are passed over until one states that this is settled (SPEC 6.5).
    pub(in crate::hub) refused: Option<u64>,
    pub(in crate::hub) history: Option<History>,
    pub(in crate::hub) who: Option<Who>,
}

/// A Welcome that is still to be sent.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct WelcomeDue {
    /// The head when the start was taken from it.
    pub(in crate::hub) head: u64,
    /// Whether a Reset goes before it.
    pub(in crate::hub) is_reset: bool,
}

/// An answer to History under way.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct History {
    pub(in crate::hub) next: u64,
    pub(in crate::hub) last: u64,
}

/// An answer to Who under way.
#[derive(Clone, Debug)]
pub(in crate::hub) struct Who {
    /// Folded name of the last one told.
    pub(in crate::hub) after: Option<String>,
    /// How many are left, as far as is known.
    pub(in crate::hub) remaining: usize,
}

impl<P: Provider> Peer<P> {
    /// What is left of its budget in `round`.
    pub(in crate::hub) fn work_left(&mut self, round: u32, budget: u32) -> u32 {
        if self.round != round {
            (self.round, self.work) = (round, budget);
        }
        self.work
    }

    pub(in crate::hub) fn member_mut(&mut self) -> Option<&mut Member> {
        match &mut self.phase {
            Phase::Member(member) => Some(member),
            _ => None,
        }
    }

    pub(in crate::hub) fn member(&self) -> Option<&Member> {
        match &self.phase {
            Phase::Member(member) => Some(member),
            _ => None,
        }
    }
}

impl Phase {
    /// Whether whoever it is has not proved to be one who may come in.
    pub(in crate::hub) fn is_stranger(&self) -> bool {
        matches!(self, Self::Unjoined | Self::Checking(..) | Self::Refused)
    }

    /// Whether it counts against the limit of connections that have not joined.
    pub(in crate::hub) fn is_waiting(&self) -> bool {
        !matches!(self, Self::Member(_) | Self::Over)
    }
}

impl Member {
    pub(in crate::hub) fn new(ask: Ask, cursor: u64, welcome: WelcomeDue, now: Instant, now_ms: u64) -> Self {
        Self {
            name: ask.name,
            identity: ask.identity,
            instance: ask.instance,
            largest_entry: ask.largest_entry,
            since_ms: now_ms,
            spoke_at: now,
            cursor,
            welcome: Some(welcome),
            post_refused: None,
            stored: None,
            notice: false,
            knows_trouble: false,
            refused: None,
            history: None,
            who: None,
        }
    }
}
