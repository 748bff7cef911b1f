//! Events for the program around the hub: its console, transcript and log.

use core::net::SocketAddr;
use std::sync::Arc;

use kabar_core::chat::{EntryKind, RefusedCode};
use kabar_core::crypto::identity::PublicIdentity;

use super::report::OperatorError;
use crate::store::{CommitError, ReadError};

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubEvent {
    /// An entry was committed.
    Entry {
        /// Its position.
        seq: u64,
        /// Its time, in ms since 1970.
        time_ms: u64,
        /// Its author.
        author: String,
        /// The address that it came from, if it came over the network.
        from: Option<SocketAddr>,
        /// Its kind.
        kind: EntryKind,
        /// The body.
        body: Vec<u8>,
    },
    /// A Join was admitted and committed (in large rooms the log does not contain it).
    Joined {
        /// The name as the server wrote it.
        name: String,
        /// Its identity.
        identity: PublicIdentity,
        /// Its address.
        from: SocketAddr,
    },
    /// A membership ended (in large rooms the log does not contain it).
    Left {
        /// The name.
        name: String,
        /// Its last address.
        from: SocketAddr,
        /// Why it ended.
        reason: LeaveReason,
    },
    /// A Join waits until an operator lets it in.
    Waiting {
        /// The name that it asks for.
        name: String,
        /// Its identity.
        identity: PublicIdentity,
        /// Its address.
        from: SocketAddr,
    },
    /// A Join was refused.
    Refused {
        /// The name that it asked for.
        name: String,
        /// Its address.
        from: SocketAddr,
        /// Why.
        code: RefusedCode,
    },
    /// A member moved to another address.
    Moved {
        /// The name.
        name: String,
        /// Its new address.
        to: SocketAddr,
    },
    /// A command of an operator, who waits for [`super::Hub::answer_operation`].
    Operate {
        /// The operator.
        by: PublicIdentity,
        /// Its name.
        name: String,
        /// The name of the room in which it was given.
        room: Arc<str>,
        /// The command, without a slash.
        command: String,
        /// Identifies the command in its answer.
        id: OperationId,
    },
    /// An entry that the operator wanted to remove, and that was read first, cannot be removed.
    NotRemoved {
        /// The entry.
        seq: u64,
        /// Why.
        why: OperatorError,
    },
    /// A commit failed, or its outcome is unknown; it is retried. Nothing is confirmed as stored in
    /// the meantime.
    StoreTrouble(CommitError),
    /// The store cannot be read; the read is retried.
    StoreUnreadable(ReadError),
    /// The store lost entries that were committed before. Nothing is committed until it has them
    /// again.
    StoreRegressed {
        /// The head it has.
        head: u64,
        /// The head it had.
        expected: u64,
    },
    /// Commits work again.
    StoreRecovered,
    /// A reader keeps the store's write-ahead log from being reset, and it has grown large.
    StoreLogHeld {
        /// Its size in bytes.
        bytes: u64,
    },
    /// The write-ahead log was reset.
    StoreLogFreed,
}

/// Identifies a command of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationId {
    pub(super) peer: u32,
    pub(super) number: u64,
}

/// Why a membership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaveReason {
    /// The member sent Leave, or closed its connection as left.
    Left,
    /// The connection timed out, or was closed with an error.
    Vanished,
    /// The same identity joined on another connection.
    Replaced,
    /// The operator removed it.
    Kicked,
    /// The operator banned its identity.
    Banned,
    /// It broke a rule of the protocol.
    Violation,
    /// The server shuts down.
    Shutdown,
}
