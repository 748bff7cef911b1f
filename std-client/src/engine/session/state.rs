//! The state of a session, which the other files of this folder act on.

use std::collections::VecDeque;
use std::mem::Discriminant;
use std::sync::mpsc::Sender;

use kabar_core::chat::{EndedCode, EntryKind, RefusedCode};
use kabar_core::client::{EndReason, RoomSlot};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_std::data_dir::DataDir;

use super::attempt::{Attempt, Located};
use super::online::OnlineState;
use super::rooms::Rooms;
use super::transfers::{Files, Transfers};
use crate::connect::ConnectError;
use crate::driver::Driver;
use crate::engine::command::ServerRequest;
use crate::engine::event::{RoomId, ServerId, SessionError};
use crate::engine::local_history::{LocalHistories, LocalHistory};
use crate::engine::queue::{EventSink, Resolved};

/// The session on one server.
#[derive(Debug)]
pub(in crate::engine) struct Session {
    pub(in crate::engine) id: ServerId,
    pub(super) config: ServerRequest,
    pub(super) environment: Environment,
    pub(in crate::engine) driver: Driver,
    pub(super) sink: EventSink,
    pub(super) phase: Phase,
    pub(super) rooms: Rooms,
    /// The local history of the identity.
    pub(super) history: LocalHistory,
    /// Files that are sent and received.
    pub(super) transfers: Transfers,
    /// The key that was accepted.
    pub(super) accepted: Option<Fingerprint>,
    pub(super) is_key_reported: bool,
    pub(super) password_tries: u32,
    /// Why the server is not reached, as it was reported last.
    pub(super) not_reached: Option<Discriminant<ConnectError>>,
    /// The server's text in its latest refusal.
    pub(super) refusal: String,
    pub(super) leaving: Option<Leaving>,
    pub(super) aborted_at: Option<Instant>,
    /// Whether it only delivers the posts of an earlier process, and leaves.
    pub(super) is_delivery: bool,
    /// Rooms that another earlier process has posts in, which another session is to deliver.
    pub(super) undelivered: Vec<RoomId>,
    /// Posts that did not fit into the outbox.
    pub(super) waiting: VecDeque<WaitingPost>,
    /// The name with which the rooms are stored as known ones.
    pub(super) stored_name: String,
    pub(super) located: Located,
}

/// What sessions need of the engine.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Environment {
    /// Holds the known servers and the positions in rooms.
    pub(in crate::engine) dir: DataDir,
    /// Entries that are delivered again, before those that were not displayed yet.
    pub(in crate::engine) context: u64,
    /// Whether entries are delivered that were recorded and not displayed yet.
    pub(in crate::engine) replays_history: bool,
    /// The local histories.
    pub(in crate::engine) histories: LocalHistories,
    /// Takes the addresses of names.
    pub(in crate::engine) resolved: Sender<Resolved>,
    /// Wakes the engine's thread.
    pub(in crate::engine) waker: std::sync::Arc<mio::Waker>,
    /// Works on files.
    pub(in crate::engine) files: Files,
}

/// The phase of a session.
#[derive(Debug)]
pub(super) enum Phase {
    /// Names are being resolved, until this time at most. After an error: until they are again.
    Resolving(Instant),
    /// Not admitted yet.
    Connecting(Attempt),
    /// A person decides about the key.
    AskingKey(Attempt, Fingerprint),
    /// A person types the password.
    AskingPassword,
    /// In a room, or reconnecting to it.
    Online(Box<OnlineState>),
}

/// A session that leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    /// When it began, or when the last post was settled.
    pub(super) since: Instant,
    pub(super) give_up: Duration,
    /// Whether to wait until everything that was there is delivered.
    pub(super) is_caught_up: bool,
    /// Whether the client was asked to leave.
    pub(super) is_requested: bool,
}

/// A post that did not fit into the outbox.
#[derive(Debug)]
pub(super) struct WaitingPost {
    pub(super) room: RoomId,
    pub(super) slot: RoomSlot,
    pub(super) kind: EntryKind,
    pub(super) text: String,
}

/// Why a step of a session is its last one.
#[derive(Debug)]
pub(in crate::engine) enum End {
    /// As requested.
    Left,
    /// By an error.
    Failed(SessionError),
}

impl<E: Into<SessionError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Whether joining the room again has no prospect.
pub(super) const fn is_final(reason: EndReason) -> bool {
    matches!(
        reason,
        EndReason::EndedByServer(EndedCode::BANNED | EndedCode::CLOSED)
            | EndReason::Refused(RefusedCode::BANNED | RefusedCode::UNKNOWN_ROOM)
    )
}
