//! The reports of a session to its front end, apart from the entries of the room. Plain values: the
//! front end decides how they are displayed.

use kabar_core::chat::{Info, PostRefusedCode, Term};
use kabar_core::client::{ClientCounters, DisconnectReason};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::address::Places;
use kabar_std::data_dir::FileError;
use kabar_std::names::NameError;

use super::end::{Loss, SessionError};
use crate::command::CommandName;
use crate::driver::Traffic;
use crate::identity::IdentityError;

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
    /// Information from the server that is displayed as it comes.
    Info(Info<'a>),
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
    },
    /// The reply to `/stats`.
    Stats {
        /// The smoothed round-trip time.
        rtt: Option<Duration>,
        /// Counters of the client.
        counters: &'a ClientCounters,
        /// Bytes on the network.
        traffic: Traffic,
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
    /// The client leaves the room to rejoin under this name.
    Renaming(&'a str),
    /// The name is not changed.
    NotRenamed {
        /// The present name.
        name: &'a str,
        /// Why.
        error: &'a RenameError,
    },
    /// The room did not accept the new name. The client rejoins under the former one.
    RenameRefused(&'a SessionError),
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
    /// The name was changed.
    Renamed,
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
}

/// Why a name is not changed.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// The name is not allowed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The client is not in the room at present.
    #[error("not connected")]
    NotConnected,
    /// It is the present name.
    #[error("the name is the present one")]
    SameName,
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}
