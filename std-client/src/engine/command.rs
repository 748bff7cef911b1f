//! The commands that a front end gives to the engine. Plain values: nothing here knows a screen.

use std::path::PathBuf;

use kabar_core::chat::EntryKind;
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::invite::{RoomName, RoomSecret};
use zeroize::Zeroizing;

use super::event::{RoomId, ServerId};
use crate::command::{Command as Typed, Notify};
use crate::history::FileEntry;
use crate::identity::LocalIdentity;
use crate::transfers::{TransferId, paths};

/// A command. Each says which event answers it; everything else that follows from it is reported
/// as it happens.
#[derive(Debug)]
pub enum Command {
    /// Connect to a server, and join rooms there. [`Event::ServerAdded`](super::Event::ServerAdded)
    /// and one [`Event::RoomAdded`](super::Event::RoomAdded) per room answer.
    Connect(Box<ConnectRequest>),
    /// The answer to [`Event::KeyQuestion`](super::Event::KeyQuestion).
    AnswerKey {
        /// The server that was asked about.
        server: ServerId,
        /// Whether its key is accepted.
        accept: bool,
    },
    /// The answer to [`Event::PasswordQuestion`](super::Event::PasswordQuestion).
    Password {
        /// The server that asked.
        server: ServerId,
        /// The password; `None`: there is none.
        password: Option<Zeroizing<String>>,
    },
    /// Join a room. [`Event::RoomAdded`](super::Event::RoomAdded) answers, or
    /// [`Event::RoomNotAdded`](super::Event::RoomNotAdded).
    Join {
        /// Its server.
        server: ServerId,
        /// The room. Without a credential, the known ones are tried.
        room: RoomRequest,
    },
    /// Leave a room once everything posted there is stored.
    /// [`Event::Parted`](super::Event::Parted) answers.
    Part {
        /// The room.
        room: RoomId,
    },
    /// Post a text. [`Event::Posted`](super::Event::Posted) answers, or
    /// [`Event::NotPosted`](super::Event::NotPosted), in the order of the posts of a room. While an
    /// outbox is full the answer waits; at most [`MAX_WAITING_POSTS`] posts of a server may wait.
    Post {
        /// The room.
        room: RoomId,
        /// The kind: [`EntryKind::TEXT`] or [`EntryKind::ACTION`].
        kind: EntryKind,
        /// The text.
        text: String,
    },
    /// List the members. [`Event::Members`](super::Event::Members) answers, or
    /// [`Event::NotConnected`](super::Event::NotConnected).
    ListMembers {
        /// The room.
        room: RoomId,
    },
    /// Request a page of the history from the server.
    /// [`Event::HistoryPage`](super::Event::HistoryPage) answers, or
    /// [`Event::NotConnected`](super::Event::NotConnected).
    History {
        /// The room.
        room: RoomId,
        /// Entries before this one; 0: the last ones.
        before: u64,
        /// Number of entries.
        count: u8,
    },
    /// Take another name on the server. [`Event::Renamed`](super::Event::Renamed) answers,
    /// [`Event::NotRenamed`](super::Event::NotRenamed) or
    /// [`Event::Unanswered`](super::Event::Unanswered).
    Rename {
        /// A room of the server.
        room: RoomId,
        /// The name.
        name: String,
    },
    /// Remove the text of an entry. An entry of the kind [`EntryKind::REMOVAL`] answers,
    /// [`Event::NotRemoved`](super::Event::NotRemoved) or
    /// [`Event::Unanswered`](super::Event::Unanswered).
    Remove {
        /// The room.
        room: RoomId,
        /// The entry.
        seq: u64,
    },
    /// Pass a command of an operator on. [`Event::Output`](super::Event::Output) answers if the
    /// server returns a text, [`Event::NotOperated`](super::Event::NotOperated) or
    /// [`Event::Unanswered`](super::Event::Unanswered).
    Operate {
        /// The room.
        room: RoomId,
        /// The word that was typed, for the answer.
        word: String,
        /// The command, as the server reads it.
        text: String,
    },
    /// List the rooms of the server. One [`Event::RoomList`](super::Event::RoomList) answers all
    /// such commands that were given before it, or
    /// [`Event::NotConnected`](super::Event::NotConnected) or
    /// [`Event::Unanswered`](super::Event::Unanswered).
    ListRooms {
        /// The server.
        server: ServerId,
        /// Whether to list all of them; otherwise the first part is enough.
        is_complete: bool,
    },
    /// Hide lines of this member. [`Event::Ignored`](super::Event::Ignored) answers, or
    /// [`Event::NotIgnored`](super::Event::NotIgnored).
    Ignore {
        /// The server.
        server: ServerId,
        /// The name.
        name: String,
    },
    /// Display lines of this member again. [`Event::Unignored`](super::Event::Unignored) answers,
    /// or [`Event::NotIgnored`](super::Event::NotIgnored).
    Unignore {
        /// The server.
        server: ServerId,
        /// The name.
        name: String,
    },
    /// List the members whose lines are hidden. [`Event::IgnoreList`](super::Event::IgnoreList)
    /// answers.
    ListIgnored {
        /// The server.
        server: ServerId,
    },
    /// Hide or display joins and leaves. [`Event::JoinsShown`](super::Event::JoinsShown) answers.
    ShowJoins {
        /// The server.
        server: ServerId,
        /// Whether they are displayed.
        shows: bool,
    },
    /// All entries of a room up to this one are read. For the local history; nothing answers.
    MarkRead {
        /// The room.
        room: RoomId,
        /// The entry.
        seq: u64,
    },
    /// Keep a text that was typed and not posted, in the local history. Nothing answers.
    SaveDraft {
        /// The room.
        room: RoomId,
        /// The text; empty: there is none.
        text: String,
    },
    /// Announce these entries of a room from now on. [`Event::NotifySet`](super::Event::NotifySet)
    /// answers.
    SetNotify {
        /// The room.
        room: RoomId,
        /// The entries.
        notify: Notify,
    },
    /// Send a file. [`Event::Transfer`](super::Event::Transfer) answers, now and whenever its state
    /// changes, or [`Event::TransferNotStarted`](super::Event::TransferNotStarted). It goes on when
    /// the connection is lost, and with the next process.
    Send {
        /// The room.
        room: RoomId,
        /// The file.
        path: PathBuf,
        /// The name in the room; `None`: that of the file.
        name: Option<String>,
    },
    /// Receive a file. Answered as [`Command::Send`].
    Get {
        /// The room.
        room: RoomId,
        /// The entry that names it.
        file: WantedFile,
        /// The folder, or the path of the file; `None`: the folder of downloads.
        to: Option<PathBuf>,
    },
    /// Cancel a transfer, and remove what was received.
    /// [`Event::Transfer`](super::Event::Transfer) answers, unless it has ended before.
    CancelTransfer {
        /// The server.
        server: ServerId,
        /// The transfer.
        transfer: TransferId,
    },
    /// List the transfers. [`Event::Transfers`](super::Event::Transfers) answers.
    ListTransfers {
        /// The server.
        server: ServerId,
    },
    /// Report the status of a connection. [`Event::Stats`](super::Event::Stats) answers.
    Stats {
        /// The server.
        server: ServerId,
    },
    /// Leave all servers and stop. [`Event::ServerEnded`](super::Event::ServerEnded) of each, and
    /// then [`Event::Ended`](super::Event::Ended) answer.
    Stop(Stop),
}

impl Command {
    /// The server that it concerns; `None`: none, or all.
    pub(super) fn server(&self) -> Option<ServerId> {
        match self {
            Self::AnswerKey { server, .. }
            | Self::Password { server, .. }
            | Self::Join { server, .. }
            | Self::ListRooms { server, .. }
            | Self::Ignore { server, .. }
            | Self::Unignore { server, .. }
            | Self::ListIgnored { server }
            | Self::ShowJoins { server, .. }
            | Self::CancelTransfer { server, .. }
            | Self::ListTransfers { server }
            | Self::Stats { server } => Some(*server),
            Self::Part { room }
            | Self::Post { room, .. }
            | Self::ListMembers { room }
            | Self::History { room, .. }
            | Self::Rename { room, .. }
            | Self::Remove { room, .. }
            | Self::Operate { room, .. }
            | Self::MarkRead { room, .. }
            | Self::SaveDraft { room, .. }
            | Self::Send { room, .. }
            | Self::Get { room, .. }
            | Self::SetNotify { room, .. } => Some(room.server),
            Self::Connect(_) | Self::Stop(_) => None,
        }
    }
}

/// A file that is to be received.
#[derive(Clone, Debug)]
pub enum WantedFile {
    /// That of an entry in the local history.
    Entry(FileEntry),
    /// That of an entry with this body.
    Body(Vec<u8>),
}

/// Posts of one server that may wait for space in its outbox; further ones are not posted.
pub const MAX_WAITING_POSTS: usize = 64;

/// How to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// When everything posted is stored.
    Leave {
        /// How long the next post may take to be stored.
        give_up: std::time::Duration,
        /// Whether to wait also until the entries are delivered that each room had when it was
        /// joined, and the own ones.
        is_caught_up: bool,
    },
    /// At once, even with posts that are not stored. Also after [`Stop::Leave`].
    Abort,
}

/// A server of either kind to connect to.
#[derive(Clone, Debug)]
pub enum ConnectRequest {
    /// A server of Kabar.
    Kabar(ServerRequest),
    /// A classic server.
    Classic(ClassicRequest),
}

impl From<ServerRequest> for ConnectRequest {
    fn from(request: ServerRequest) -> Self {
        Self::Kabar(request)
    }
}

impl ConnectRequest {
    /// Its addresses, as they were typed.
    pub(super) const fn places(&self) -> &Places {
        match self {
            Self::Kabar(request) => &request.places,
            Self::Classic(request) => &request.places,
        }
    }

    /// Whether this process hosts its rooms.
    pub(super) const fn is_host(&self) -> bool {
        matches!(self, Self::Kabar(ServerRequest { is_host: true, .. }))
    }
}

/// A classic server to connect to, which protects nothing.
#[derive(Clone, Debug)]
pub struct ClassicRequest {
    /// Its address, as it was typed.
    pub places: Places,
    /// What its room is called here. It has no name there.
    pub room: RoomName,
    /// The name in the room.
    pub name: String,
    /// The password; `None`: it is asked for.
    pub password: Option<Zeroizing<String>>,
    /// Whether questions about the password are answered.
    pub can_ask: bool,
    /// Whether joins and leaves are hidden.
    pub hide_joins: bool,
}

/// A server of Kabar to connect to.
#[derive(Clone, Debug)]
pub struct ServerRequest {
    /// Its addresses, as they were typed.
    pub places: Places,
    /// The rooms. Whether the server is reached is decided with the first one.
    pub rooms: Vec<RoomRequest>,
    /// The identity to join with.
    pub identity: LocalIdentity,
    /// The rule by which its key is accepted.
    pub key_policy: KeyPolicy,
    /// The entries to begin with.
    pub replay_from: ReplayFrom,
    /// Whether questions about its key and its password are answered.
    pub can_ask: bool,
    /// Whether joins and leaves are hidden from now on.
    pub hide_joins: bool,
    /// Whether it is tried again, as after a lost connection, if it is not reached. Otherwise the
    /// session ends.
    pub retries: bool,
    /// Whether this process hosts its rooms: those that do not exist are created, and it is not
    /// stored as a known server.
    pub is_host: bool,
}

/// A room to join.
#[derive(Clone, Debug)]
pub struct RoomRequest {
    /// Its name.
    pub name: RoomName,
    /// The credentials to join with, one after another.
    pub credentials: Vec<RoomCredential>,
}

/// The rule by which a key of the server is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicy {
    /// The key in the invite.
    Invited(Fingerprint),
    /// The key that was typed, or is known from before.
    Expected(Fingerprint),
    /// Any key.
    AcceptNew,
    /// A key that a person accepts.
    Ask,
}

/// A credential to join with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomCredential {
    /// The room's secret.
    Secret(RoomSecret),
    /// The room's password.
    Password(Zeroizing<String>),
    /// Not known yet.
    None,
}

/// The entries that a room begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayFrom {
    /// Those that were not displayed yet.
    #[default]
    New,
    /// The last N.
    Last(u32),
    /// Those after this one; 0: all.
    Since(u64),
    /// Those since this time, in ms since 1970.
    SinceTime(u64),
}

impl Command {
    /// The command about files in `room` that was typed; `None`: it is another one.
    #[must_use]
    pub fn of_files(room: RoomId, typed: Typed<'_>) -> Option<Self> {
        let server = room.server;
        Some(match typed {
            Typed::Send(path) => Self::Send { room, path: paths::expanded(path), name: None },
            Typed::Get(file) => Self::Get { room, file: WantedFile::Entry(file.into()), to: None },
            Typed::Transfers => Self::ListTransfers { server },
            Typed::Cancel(number) => Self::CancelTransfer { server, transfer: TransferId(number) },
            _ => return None,
        })
    }
}
