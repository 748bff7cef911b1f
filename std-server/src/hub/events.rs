//! What the hub tells the program around it: lines for a console, a transcript, a log.

use core::net::SocketAddr;

use kabar_core::chat::{EntryKind, RefusedCode};
use kabar_core::crypto::identity::PublicIdentity;

use crate::store::{CommitError, ReadError};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubEvent {
    /// An entry is in the log for ever.
    Entry {
        /// Its position.
        seq: u64,
        /// Its time, in ms since 1970.
        time_ms: u64,
        /// Who said it.
        author: String,
        /// From where, if it came over the network and its author is still connected.
        from: Option<SocketAddr>,
        /// What it is.
        kind: EntryKind,
        /// The body.
        body: Vec<u8>,
    },
    /// Somebody became a member (also when the log does not say so).
    Joined {
        /// The name as the server wrote it.
        name: String,
        /// Who.
        identity: PublicIdentity,
        /// From where.
        from: SocketAddr,
    },
    /// A member is gone (also when the log does not say so).
    Left {
        /// The name.
        name: String,
        /// From where it was there.
        from: SocketAddr,
        /// How it ended.
        reason: LeaveReason,
    },
    /// A Join was refused.
    Refused {
        /// The name it asked for.
        name: String,
        /// From where.
        from: SocketAddr,
        /// Why.
        code: RefusedCode,
    },
    /// A member is reached at another address now.
    Moved {
        /// The name.
        name: String,
        /// Where it is.
        to: SocketAddr,
    },
    /// A commit did not (surely) happen; it is tried again. Nobody is told that anything was stored meanwhile.
    StoreTrouble(CommitError),
    /// The store cannot be read; it is tried again.
    StoreUnreadable(ReadError),
    /// The store lost entries that were committed before. Nothing more is accepted until it has them again.
    StoreRegressed {
        /// The head it has.
        head: u64,
        /// The head it had.
        expected: u64,
    },
    /// Commits work again.
    StoreRecovered,
    /// A reader keeps the store's write-ahead log from beginning again, and it has grown large.
    StoreLogHeld {
        /// Its bytes.
        bytes: u64,
    },
    /// The log began again.
    StoreLogFreed,
}

/// How a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaveReason {
    /// It said so.
    Left,
    /// It was not heard of any more, or closed with an error.
    Vanished,
    /// The same identity joined from elsewhere, or came again.
    Replaced,
    /// The operator put it out.
    Kicked,
    /// The operator put it out for good.
    Banned,
    /// It broke a rule.
    Violation,
    /// The server stops.
    Shutdown,
}
