//! The reports of a session to its front end, apart from the entries of the room. Plain values: the
//! front end decides how they are displayed.

use kabar_core::chat::{AnswerCode, PostRefusedCode, Term};
use kabar_core::client::{ClientCounters, DisconnectReason};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::address::Places;
use kabar_std::data_dir::FileError;
use kabar_std::invite::{InviteError, RoomName};
use kabar_std::names::NameError;

use super::end::{ClientEnd, Loss};
use crate::command::CommandName;
use crate::driver::Traffic;
use crate::known_servers::KnownServersError;

/// Something that a session reports.
#[derive(Clone, Debug)]
pub enum Notice<'a> {
    /// A connection is being opened.
    Connecting(&'a Places),
    /// The server's key is known from another address.
    KnownServerMoved,
    /// The server's key is accepted.
    KeyAccepted(AcceptedKey),
    /// The server's key is not known. A question about it follows.
    UnknownKey(Fingerprint),
    /// A connection was lost before the room was joined.
    LostWhileConnecting {
        /// Why.
        reason: DisconnectReason,
        /// The server's text in its latest refusal; may be empty.
        refusal: &'a str,
    },
    /// The room was joined.
    Joined(Joined<'a>),
    /// A room is shown from now on, instead of another one. What came in there follows.
    RoomShown {
        /// The room.
        room: &'a RoomName,
        /// Its topic; may be empty.
        topic: &'a str,
        /// Whether only an invite of this room admits, as far as is known.
        is_private: bool,
        /// Whether nothing follows.
        is_empty: bool,
        /// Entries that came in before those that follow, and are not displayed.
        left_out: u64,
    },
    /// Lines that nobody has seen came into a room that is not shown.
    Unread {
        /// Number of lines.
        lines: u64,
        /// Who mentioned this member in them.
        mentioned_by: Option<&'a str>,
    },
    /// The topic of the room; may be empty.
    Topic(&'a str),
    /// The reply to `/rooms`.
    RoomList(&'a [ListedRoom]),
    /// The room was left, as requested.
    Parted,
    /// The room is not joined, or the membership has ended.
    RoomEnded {
        /// Why.
        end: &'a ClientEnd,
        /// Lines that are not in the room.
        unsent: u64,
        /// Whether lines of input went there, and go nowhere now.
        was_shown: bool,
    },
    /// A room cannot be joined, left or shown.
    RoomCommand(RoomCommandError<'a>),
    /// The first entry follows that was not displayed in an earlier session.
    NewEntries,
    /// The connection was lost.
    ConnectionLost {
        /// Why.
        reason: DisconnectReason,
        /// The server's text in its latest refusal; may be empty.
        refusal: &'a str,
        /// How long this computer was suspended shortly before.
        slept: Option<std::time::Duration>,
    },
    /// The connection is established again.
    Reconnected(Reconnection),
    /// The history was replaced by an older one: delivery starts again.
    HistoryReset,
    /// Entries are no longer kept.
    Gap {
        /// The last entry delivered.
        after: u64,
        /// The next one that follows.
        first: u64,
    },
    /// A text from the server.
    Server(&'a str),
    /// A line of the output of an operator's command.
    Output(&'a str),
    /// The server did not execute a command.
    NotOperated {
        /// The word that was typed.
        word: &'static str,
        /// Why.
        why: Refusal<'a>,
    },
    /// Posts up to this one are stored.
    Stored {
        /// The number of the post.
        number: u64,
        /// The sequence number of its entry; 0: not known.
        seq: u64,
    },
    /// A post takes long to be stored; its beginning.
    NotStoredYet(&'a str),
    /// The session waits at its end until this number of lines is stored.
    WaitingForStorage {
        /// Number of lines.
        lines: u64,
        /// The longest time that it waits.
        timeout: Duration,
    },
    /// The server refused a post permanently.
    PostRefused {
        /// The number of the post.
        number: u64,
        /// Why.
        code: PostRefusedCode,
        /// The beginning of the line.
        excerpt: Option<&'a str>,
    },
    /// A line is not sent.
    LineRejected {
        /// Its number on standard input; `None`: it was typed at a prompt.
        line: Option<u64>,
        /// Why.
        why: Rejection,
    },
    /// Bytes typed at the prompt are not UTF-8, and were dropped.
    InvalidBytes,
    /// The reply to `/who`: the members.
    Members(&'a [String]),
    /// The reply to `/history`, as [`super::FrontEnd::history_line`] formatted it.
    History {
        /// Number of entries.
        lines: u64,
        /// The entries.
        text: &'a str,
        /// Their place in the log.
        page: HistoryPage,
    },
    /// The reply to `/stats`.
    Stats {
        /// The smoothed round-trip time.
        rtt: Option<Duration>,
        /// Counters of the client.
        counters: &'a ClientCounters,
        /// Bytes on the network.
        traffic: Traffic,
        /// Lines of ignored members in this session.
        ignored: u64,
    },
    /// The reply to `/help`.
    Help {
        /// Whether lines are typed at a prompt.
        is_prompt: bool,
    },
    /// The argument of a command is missing or invalid.
    Usage(CommandName),
    /// A command does not exist; what was typed.
    UnknownCommand(&'a str),
    /// A command needs a connection.
    NotConnected,
    /// The server chose the name in the room, because none was requested.
    NameChosen(&'a str),
    /// The name is this one now.
    Renamed(&'a str),
    /// The name is not changed.
    NotRenamed {
        /// The present name.
        name: &'a str,
        /// Why.
        why: RenameError<'a>,
    },
    /// The text of an entry is not removed.
    NotRemoved {
        /// The entry.
        seq: u64,
        /// Why.
        why: Refusal<'a>,
    },
    /// There is no own entry whose text could be removed.
    NothingToRemove,
    /// The server has not answered a command; whether the connection was lost meanwhile.
    Unanswered {
        /// The command.
        word: &'static str,
        /// Whether the connection was lost. The command may have taken effect.
        is_lost: bool,
    },
    /// Lines of this member are hidden from now on; whether they were displayed before.
    Ignored {
        /// Its name.
        name: &'a str,
        /// Whether this is new.
        is_change: bool,
    },
    /// Lines of this member are displayed from now on; whether they were hidden before.
    Unignored {
        /// Its name.
        name: &'a str,
        /// Whether this is new.
        is_change: bool,
    },
    /// A member cannot be ignored.
    NotIgnored(IgnoreError),
    /// The reply to `/ignore`: the names.
    IgnoreList(&'a [String]),
    /// Joins and leaves are displayed, or hidden, from now on.
    JoinsShown(bool),
    /// The rooms that the user is in cannot be kept.
    RoomsNotKept(&'a KnownServersError),
    /// What is displayed cannot be read, or not be kept.
    PreferencesNotKept(&'a FileError),
    /// The position in the room cannot be read.
    PositionNotRead(&'a FileError),
    /// The position in the room can be saved again.
    PositionSavedAgain,
    /// Something is lost, which also is in the report at the end.
    Loss(&'a Loss),
    /// The transcript of a hosted room has a problem, or no longer has one; the server's text about
    /// it.
    Transcript(&'a str),
}

impl Notice<'_> {
    /// Whether the next notice continues the line of this one.
    #[must_use]
    pub const fn is_continued(&self) -> bool {
        matches!(
            self,
            Self::Connecting(_) | Self::KnownServerMoved | Self::KeyAccepted(_) | Self::LostWhileConnecting { .. }
        )
    }

    /// Whether its text names the room that it is about.
    #[must_use]
    pub const fn names_room(&self) -> bool {
        matches!(
            self,
            Self::Joined(_) | Self::RoomShown { .. } | Self::Unread { .. } | Self::Parted | Self::RoomCommand(_)
        )
    }
}

/// Why the server's key is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptedKey {
    /// It is the one in the invite.
    Invited,
    /// It is the one that is known, or was typed.
    Expected,
    /// Any key is accepted: this one.
    New(Fingerprint),
}

/// A room that was joined.
#[derive(Clone, Copy, Debug)]
pub struct Joined<'a> {
    /// The room.
    pub room: &'a str,
    /// The name in the room.
    pub name: &'a str,
    /// Members present.
    pub members: u16,
    /// Entries above this one follow.
    pub start: u64,
    /// The last entry at present.
    pub head: u64,
    /// The term of the server.
    pub term: Term,
    /// Whether its entries are displayed now.
    pub is_shown: bool,
    /// Whether delivery continues an earlier session.
    pub is_resumed: bool,
    /// The occasion.
    pub occasion: Occasion,
}

/// The occasion on which a room is joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The session begins.
    Start {
        /// Entries that follow.
        lines: u64,
        /// Those of them that are new since the last session; `None`: there was none.
        new: Option<u64>,
    },
    /// The session begins, in the process that hosts the room.
    Hosting,
    /// The connection is established again. [`Notice::Reconnected`] follows.
    Reconnected,
}

/// The connection is established again.
#[derive(Clone, Copy, Debug)]
pub struct Reconnection {
    /// How long it was lost.
    pub seconds: u64,
    /// Whether no entry was missed.
    pub is_resumed: bool,
    /// Whether the server was restarted.
    pub is_restarted: bool,
    /// Members present, if they were reported.
    pub members: Option<u16>,
}

/// Why a line is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is too long; its length in bytes.
    TooLong(usize),
    /// It is not UTF-8.
    NotUtf8,
    /// No room takes it: the user is not, or no longer, in the one that was chosen.
    NoRoom,
}

/// The place of a page of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// Whether it ends with the last entry of the log.
    pub is_last: bool,
    /// Whether there are earlier entries, as far as is known.
    pub earlier: Earlier,
}

/// The entries before a page of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// There may be some.
    Possible,
    /// The page has the first entry of the room.
    Beginning,
    /// Earlier ones are no longer kept.
    NotKept,
}

/// Why a name is not changed.
#[derive(Clone, Copy, Debug)]
pub enum RenameError<'a> {
    /// The name is not allowed.
    Name(NameError),
    /// It is the present name.
    SameName,
    /// The server refused it.
    Refused(Refusal<'a>),
}

/// A request that the server refused.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// The reason.
    pub code: AnswerCode,
    /// The server's text about it; may be empty.
    pub text: &'a str,
}

/// A room of the server, in the list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRoom {
    /// Its name.
    pub name: String,
    /// Its topic; may be empty.
    pub topic: String,
    /// Members present.
    pub members: u16,
    /// Whether only an invite of this room admits.
    pub is_private: bool,
    /// If the user is in it, the number of lines that nobody has seen.
    pub unread: Option<u64>,
    /// Whether it is shown.
    pub is_shown: bool,
}

/// Why a room is not joined, left or shown.
#[derive(Clone, Copy, Debug)]
pub enum RoomCommandError<'a> {
    /// No room can have this name, and it is no invite.
    NoRoomName(&'a str),
    /// The invite cannot be used.
    Invite(InviteError),
    /// The invite is for another server.
    OtherServer,
    /// The user is not in this room.
    NotIn(&'a str),
    /// The server has not admitted the user to this room yet.
    NotJoinedYet(&'a RoomName),
    /// The room is being left: it has lines that are not stored yet.
    StillLeaving(&'a RoomName),
    /// It is the only room, which is left by `/quit`.
    OnlyRoom(&'a RoomName),
    /// The user is in this number of rooms, and can be in no more.
    TooMany(usize),
    /// No room is shown. These can be.
    NoneShown(&'a [&'a RoomName]),
}

/// Why a member cannot be ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IgnoreError {
    /// No member can have this name.
    Name(NameError),
    /// It is the own name.
    OwnName,
    /// As many names are ignored as can be.
    TooMany,
}
