//! One connection as the hub sees it: how far it has come, and what a member is still to be told. All of it is O(1): a member is
//! a cursor into the log.
//!
//! ```text
//! Unjoined -Join-> (Checking: its password) -> Joining: its commit -> Member -> Over
//!     |                    |                        |                   |-Leave-> Unjoined
//!     |-10 s-> Over        `------------------------`-> Refused: until it heard why -> Over
//! ```

use core::net::SocketAddr;

use kabar_core::chat::{PostRefusedCode, Start};
use kabar_core::connection::Connection;
use kabar_core::crypto::Provider;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Instant;
use zeroize::Zeroizing;

use super::memory::Pooled;
use super::prefix::Prefix;
use super::reclaim::Holding;
use kabar_std::names::Name;

/// One connection.
#[derive(Debug)]
pub(super) struct Peer<P: Provider> {
    pub(super) connection: Connection<Pooled, P>,
    /// Where its peer is, or was last.
    pub(super) address: SocketAddr,
    /// Whose account it is on: where its handshake came from, whatever path it takes later.
    pub(super) prefix: Prefix,
    /// Which handshake it came from: of two connections the later one has the higher.
    pub(super) ordinal: u64,
    /// Largest message that it takes, in bytes.
    pub(super) message_limit: u16,
    /// Silence in seconds after which it is gone.
    pub(super) idle_s: u16,
    pub(super) phase: Phase,
    /// Whose its first Join was: every later one is by the same identity (SPEC 6.2).
    pub(super) identity: Option<PublicIdentity>,
    /// Whether it is in the queue of those that may have something to send.
    pub(super) is_ready: bool,
    /// Whether it is among those that have everything and wait for the next entry.
    pub(super) is_at_head: bool,
    /// The round of the last work for it, and what was left of its budget then.
    pub(super) round: u32,
    pub(super) work: u32,
    /// Whether its work goes on when it has its next turn.
    pub(super) is_deferred: bool,
    /// Whether its stream is not read on because too much waits to be committed.
    pub(super) is_held: bool,
    /// Whether its rings move.
    pub(super) holding: Holding,
}

/// How far a connection has come.
#[derive(Debug)]
pub(super) enum Phase {
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
pub(super) struct Ask {
    pub(super) name: Name,
    pub(super) identity: PublicIdentity,
    /// As stated until it is admitted (0: none); the one it will have from then on.
    pub(super) instance: u64,
    pub(super) start: Start,
    pub(super) max_entry_len: u16,
    /// Whether its admission is to be written down.
    pub(super) is_newly_admitted: bool,
}

/// A member.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Name,
    pub(super) identity: PublicIdentity,
    pub(super) instance: u64,
    pub(super) max_entry_len: u16,
    /// When it joined, in ms since 1970.
    pub(super) since_ms: u64,
    /// When it joined or last posted.
    pub(super) spoke_at: Instant,
    /// Seq of the last entry written to its stream, or passed over.
    pub(super) cursor: u64,
    /// Welcome is still to be sent.
    pub(super) welcome: Option<WelcomeDue>,
    /// PostRefused is still to be sent.
    pub(super) post_refused: Option<(u64, PostRefusedCode)>,
    /// Stored is still to be sent: number and seq.
    pub(super) stored: Option<(u64, u64)>,
    /// The notice about storage trouble is still to be sent.
    pub(super) notice: bool,
    /// Whether it was told of the present storage trouble.
    pub(super) knows_trouble: bool,
    /// A number was refused: posts are passed over until one states that this is settled (SPEC 6.5).
    pub(super) refused: Option<u64>,
    pub(super) history: Option<History>,
    pub(super) who: Option<Who>,
}

/// A Welcome that is still to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct WelcomeDue {
    /// The head when the start was taken from it.
    pub(super) head: u64,
    /// Whether a Reset goes before it.
    pub(super) is_reset: bool,
}

/// An answer to History under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct History {
    pub(super) next: u64,
    pub(super) last: u64,
}

/// An answer to Who under way.
#[derive(Clone, Debug)]
pub(super) struct Who {
    /// Folded name of the last one told.
    pub(super) after: Option<String>,
    /// How many are left, as far as is known.
    pub(super) remaining: usize,
}

impl<P: Provider> Peer<P> {
    /// What is left of its budget in `round`.
    pub(super) fn work_left(&mut self, round: u32, budget: u32) -> u32 {
        if self.round != round {
            (self.round, self.work) = (round, budget);
        }
        self.work
    }

    pub(super) fn member_mut(&mut self) -> Option<&mut Member> {
        match &mut self.phase {
            Phase::Member(member) => Some(member),
            _ => None,
        }
    }

    pub(super) fn member(&self) -> Option<&Member> {
        match &self.phase {
            Phase::Member(member) => Some(member),
            _ => None,
        }
    }
}

impl Phase {
    /// Whether whoever it is has not proved to be one who may come in.
    pub(super) fn is_stranger(&self) -> bool {
        matches!(self, Self::Unjoined | Self::Checking(..) | Self::Refused)
    }

    /// Whether it counts against the limit of connections that have not joined.
    pub(super) fn is_waiting(&self) -> bool {
        !matches!(self, Self::Member(_) | Self::Over)
    }
}

impl Member {
    pub(super) fn new(ask: Ask, cursor: u64, welcome: WelcomeDue, now: Instant, now_ms: u64) -> Self {
        Self {
            name: ask.name,
            identity: ask.identity,
            instance: ask.instance,
            max_entry_len: ask.max_entry_len,
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
