//! The events that the engine reports to a front end. Plain values, owned: each front end decides
//! how they are displayed, and matches them exhaustively.
//!
//! Texts that come from a server or its members are as they were received: whoever displays them
//! removes control characters.
//!
//! `reply`: what answers commands, and why a command has no effect. `error`: why something ends or
//! is not kept. `transfer`: files. `place`: what front ends derive from events in the same way.

mod error;
mod place;
mod reply;
mod transfer;

use std::sync::Arc;

use kabar_core::chat::{EntryKind, PostRefusedCode, Term};
use kabar_core::client::DisconnectReason;
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::FileError;
use kabar_std::invite::RoomName;
use kabar_std::text::Content;

use crate::command::Notify;
use crate::cursor::Position;
use crate::history::{LogRow, RoomRow, SetAside};
pub use error::{ClientEnd, CredentialUsed, HistoryError, NotKept, ServerEnd, SessionError};
pub use reply::{
    AcceptedKey, ClassicNotice, Earlier, HistoryPage, IgnoreError, JoinRefusal, ListedRoom, NotPosted, Refusal,
    RenameError, Request, Stats,
};
pub use transfer::{Transfer, TransferFailure, TransferState, Wait};

/// A server of one run of the engine. Never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u32);

/// A room of one run of the engine, from the request to join it until it ends. Never used again,
/// not for the same room either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomId {
    /// Its server.
    pub server: ServerId,
    /// Its number among the rooms of that server.
    pub index: u32,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection to a server is being opened.
    ServerAdded {
        /// The server.
        server: ServerId,
        /// Its addresses.
        places: Places,
        /// Whether this process hosts its rooms.
        is_host: bool,
    },
    /// A room is being joined.
    RoomAdded {
        /// The room.
        room: RoomId,
        /// Its name.
        name: RoomName,
    },
    /// A room is not joined.
    RoomNotAdded {
        /// The server.
        server: ServerId,
        /// The room, if it was added before: it is gone now.
        room: Option<RoomId>,
        /// Its name.
        name: RoomName,
        /// Why.
        why: JoinRefusal,
    },
    /// The key of the server is known from another address.
    KnownServerMoved {
        /// The server.
        server: ServerId,
    },
    /// The key of the server is accepted.
    KeyAccepted {
        /// The server.
        server: ServerId,
        /// Why.
        key: AcceptedKey,
    },
    /// The key of the server is not known. The session waits for
    /// [`Command::AnswerKey`](super::Command::AnswerKey).
    KeyQuestion {
        /// The server.
        server: ServerId,
        /// The key.
        found: Fingerprint,
    },
    /// The first room requires a password. The session waits for
    /// [`Command::Password`](super::Command::Password).
    PasswordQuestion {
        /// The server.
        server: ServerId,
        /// The room.
        room: RoomName,
        /// Whether the last one was wrong.
        was_wrong: bool,
    },
    /// The server is not reached. It is tried again; reported once per reason.
    NotReached {
        /// The server.
        server: ServerId,
        /// Why.
        error: Arc<SessionError>,
    },
    /// A connection was lost before the first room was joined.
    LostWhileConnecting {
        /// The server.
        server: ServerId,
        /// Why.
        reason: DisconnectReason,
        /// The server's text in its latest refusal; may be empty.
        refusal: String,
    },
    /// The place of a room in the local history, which a front end reads with a
    /// [`Reader`](crate::history::Reader). Follows `RoomAdded` as soon as the key of the server is
    /// known, and precedes [`Event::Joined`]; again with each new log. None follows while the room
    /// is not recorded.
    HistoryAt {
        /// The room.
        room: RoomId,
        /// The fingerprint of the identity, which selects the file.
        identity: Arc<str>,
        /// Its row.
        row: RoomRow,
        /// The log that entries are appended to; `None`: there is none before the first Joined.
        log: Option<LogRow>,
    },
    /// A local history could not be used: it was renamed, and a new one begins.
    HistorySetAside(SetAside),
    /// What is received is not recorded in the local history.
    HistoryNotKept(Arc<HistoryError>),
    /// What is received is recorded again.
    HistoryKeptAgain,
    /// Posts of an earlier process are sent now.
    OutboxResumed {
        /// The room.
        room: RoomId,
        /// Number of posts.
        lines: u64,
    },
    /// A room was joined, or joined again.
    Joined(Joined),
    /// The name on the server, from now on.
    OwnName {
        /// The server.
        server: ServerId,
        /// The name.
        name: String,
        /// Whether the server chose it, because none was requested.
        is_chosen: bool,
    },
    /// The topic of a room, from now on; may be empty.
    Topic {
        /// The room.
        room: RoomId,
        /// The topic.
        topic: String,
        /// Whether an entry reported it.
        is_from_entry: bool,
    },
    /// An entry, in the order of the log, each once.
    Entry(Entry),
    /// The history of a room was replaced by an older one: delivery starts again.
    HistoryReset {
        /// The room.
        room: RoomId,
    },
    /// Entries of a room are no longer kept.
    Gap {
        /// The room.
        room: RoomId,
        /// The last entry delivered.
        after: u64,
        /// The next one that follows.
        first: u64,
    },
    /// A post was accepted, and is sent until it is stored or refused.
    Posted {
        /// The room.
        room: RoomId,
        /// Its number.
        number: u64,
    },
    /// A post was not accepted.
    NotPosted {
        /// The room.
        room: RoomId,
        /// Why.
        why: NotPosted,
    },
    /// Posts up to this one that were not refused are stored.
    Stored {
        /// The room.
        room: RoomId,
        /// The number of the post.
        number: u64,
        /// The sequence number of its entry; 0: not known.
        seq: u64,
    },
    /// The server refused a post permanently.
    PostRefused {
        /// The room.
        room: RoomId,
        /// The number of the post.
        number: u64,
        /// Why.
        code: PostRefusedCode,
    },
    /// A room was left, as requested.
    Parted {
        /// The room.
        room: RoomId,
    },
    /// A room is not joined, or the membership has ended.
    RoomEnded {
        /// The room.
        room: RoomId,
        /// Why.
        end: ClientEnd,
        /// Posts that are not in the room.
        unsent: u64,
        /// Posts that are sent when the room is joined the next time.
        kept: u64,
    },
    /// The connection to the server was lost. It is opened again.
    ConnectionLost {
        /// The server.
        server: ServerId,
        /// Why.
        reason: DisconnectReason,
        /// The server's text in its latest refusal; may be empty.
        refusal: String,
        /// How long this computer was suspended shortly before.
        slept: Option<std::time::Duration>,
    },
    /// The connection is established again.
    Reconnected(Reconnected),
    /// A text from the server.
    ServerText {
        /// The server.
        server: ServerId,
        /// The text.
        text: String,
    },
    /// A line of the output of an operator's command.
    Output {
        /// The room.
        room: RoomId,
        /// The line.
        text: String,
    },
    /// The server did not execute a command.
    NotOperated {
        /// The room.
        room: RoomId,
        /// The word that was typed.
        word: String,
        /// Why.
        why: Refusal,
    },
    /// The members of a room, sorted.
    Members {
        /// The room.
        room: RoomId,
        /// Their names.
        names: Vec<String>,
        /// Whether these are all. A classic server does not say who is there: they were seen.
        is_complete: bool,
    },
    /// A page of the history.
    HistoryPage(HistoryPage),
    /// The rooms of a server.
    RoomList {
        /// The server.
        server: ServerId,
        /// The rooms, sorted.
        rooms: Vec<ListedRoom>,
    },
    /// The name is this one now, as requested. [`Event::OwnName`] precedes.
    Renamed {
        /// The server.
        server: ServerId,
        /// The name.
        name: String,
    },
    /// The name is not changed.
    NotRenamed {
        /// The server.
        server: ServerId,
        /// The present name.
        name: String,
        /// Why.
        why: RenameError,
    },
    /// The text of an entry is not removed.
    NotRemoved {
        /// The room.
        room: RoomId,
        /// The entry.
        seq: u64,
        /// Why.
        why: Refusal,
    },
    /// The server has not answered a request.
    Unanswered {
        /// The server.
        server: ServerId,
        /// The room, if the request concerns one.
        room: Option<RoomId>,
        /// The request.
        request: Request,
        /// Whether the connection was lost. The request may have taken effect.
        is_lost: bool,
    },
    /// A command needs a connection, and there is none at present.
    NotConnected {
        /// The server.
        server: ServerId,
    },
    /// Lines of this member are hidden from now on; whether they were displayed before.
    Ignored {
        /// The server.
        server: ServerId,
        /// Its name.
        name: String,
        /// Whether this is new.
        is_change: bool,
    },
    /// Lines of this member are displayed from now on; whether they were hidden before.
    Unignored {
        /// The server.
        server: ServerId,
        /// Its name.
        name: String,
        /// Whether this is new.
        is_change: bool,
    },
    /// A member cannot be ignored.
    NotIgnored {
        /// The server.
        server: ServerId,
        /// Why.
        why: IgnoreError,
    },
    /// The names that are ignored.
    IgnoreList {
        /// The server.
        server: ServerId,
        /// The names.
        names: Vec<String>,
    },
    /// Joins and leaves are displayed, or hidden, from now on.
    JoinsShown {
        /// The server.
        server: ServerId,
        /// Whether they are displayed.
        shows: bool,
    },
    /// These entries of a room are announced from now on.
    NotifySet {
        /// The room.
        room: RoomId,
        /// The entries.
        notify: Notify,
    },
    /// A file is sent or received: how far it is.
    Transfer(Transfer),
    /// A file is neither sent nor received.
    TransferNotStarted {
        /// The room.
        room: RoomId,
        /// The name of the file, or the number of the entry.
        name: String,
        /// Why.
        why: TransferFailure,
    },
    /// The transfers of a server.
    Transfers {
        /// The server.
        server: ServerId,
        /// The transfers, in the order in which they were requested.
        transfers: Vec<Transfer>,
    },
    /// Something about a classic server, which front ends say in words.
    Classic {
        /// The server.
        server: ServerId,
        /// What.
        notice: ClassicNotice,
    },
    /// The status of a connection.
    Stats(Box<Stats>),
    /// Something of the user's is not kept.
    NotKept {
        /// The server.
        server: ServerId,
        /// The thing, and why.
        what: NotKept,
    },
    /// The position in a room cannot be read.
    PositionNotRead {
        /// The room.
        room: RoomId,
        /// Why.
        error: Arc<FileError>,
    },
    /// The session on a server has ended. Nothing about it follows.
    ServerEnded {
        /// The server.
        server: ServerId,
        /// Why.
        end: ServerEnd,
        /// Posts that are neither stored nor refused, and are lost.
        unsent: u64,
        /// Posts to its rooms in the durable outbox, also to those that have ended. The next
        /// process sends them.
        kept: u64,
    },
    /// The engine has stopped. Nothing follows.
    Ended,
}

/// A room that was joined.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The room.
    pub room: RoomId,
    /// The key of its server; `None`: a classic server has none.
    pub server_key: Option<Fingerprint>,
    /// The name in the room.
    pub name: String,
    /// Members present; `None`: a classic server does not say.
    pub members: Option<u16>,
    /// Entries above this one follow; `None`: that is not known yet.
    pub start: Option<u64>,
    /// The last entry at present.
    pub head: u64,
    /// The term of the server.
    pub term: Term,
    /// Whether delivery continues an earlier session.
    pub is_resumed: bool,
    /// The last entry that was displayed in an earlier session, if delivery is guided by it. Some
    /// of the entries that follow may be earlier, as context.
    pub seen: Option<u64>,
    /// Whether the room was joined before in this run. [`Event::Reconnected`] follows.
    pub is_again: bool,
}

/// The connection is established again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnected {
    /// The server.
    pub server: ServerId,
    /// How long it was lost.
    pub seconds: u64,
    /// Whether no entry was missed.
    pub is_resumed: bool,
    /// Whether the server was restarted.
    pub is_restarted: bool,
    /// The room that was joined again, and its members, if that was necessary.
    pub members: Option<(RoomId, u16)>,
}

/// An entry of a room's log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The room.
    pub room: RoomId,
    /// Its number in the log.
    pub seq: u64,
    /// When it was stored, in ms since 1970.
    pub time_ms: u64,
    /// The member.
    pub author: String,
    /// The instance of the client that posted it.
    pub instance: u64,
    /// Its number among the posts of that instance.
    pub number: u64,
    /// The kind.
    pub kind: EntryKind,
    /// The body.
    pub content: EntryContent,
    /// Whether this session posted it.
    pub is_own: bool,
    /// Whether it was in the log when the room was joined at first in this run.
    pub is_replayed: bool,
    /// Whether the user does not want to see it.
    pub is_hidden: bool,
    /// Whether it mentions the user, and is of somebody else.
    pub is_mention: bool,
    /// Its position, to be saved when it was displayed; `None`: nothing is to be saved.
    pub position: Option<Position>,
}

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryContent {
    /// The whole body.
    Body(Vec<u8>),
    /// A body of this length in bytes, which is too long for this program.
    Omitted(u16),
}

impl EntryContent {
    /// Borrows it.
    #[must_use]
    pub fn as_content(&self) -> Content<'_> {
        match self {
            Self::Body(body) => Content::Body(body),
            Self::Omitted(len) => Content::Omitted(*len),
        }
    }
}
