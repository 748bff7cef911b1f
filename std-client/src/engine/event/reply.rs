//! What answers commands, and why a command has no effect.

use kabar_core::chat::AnswerCode;
use kabar_core::client::ClientCounters;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::names::NameError;

use super::{Entry, RoomId, ServerId};
use crate::driver::Traffic;

/// A page of the history, requested by [`Command::History`](crate::engine::Command::History).
#[derive(Clone, Debug)]
pub struct HistoryPage {
    /// The room.
    pub room: RoomId,
    /// Its entries. Their `position` is `None`.
    pub entries: Vec<Entry>,
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

/// A room of a server, in the list of them.
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
}

/// The status of a connection.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The server.
    pub server: ServerId,
    /// The smoothed round-trip time.
    pub rtt: Option<Duration>,
    /// Counters of the client.
    pub counters: ClientCounters,
    /// Bytes on the network.
    pub traffic: Traffic,
    /// Lines of ignored members in this session.
    pub ignored: u64,
}

/// A request that the server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// [`Command::Rename`](crate::engine::Command::Rename).
    Rename,
    /// [`Command::Remove`](crate::engine::Command::Remove) of this entry.
    Remove(u64),
    /// [`Command::Operate`](crate::engine::Command::Operate), with the word that was typed.
    Operate(String),
    /// The creation of a room that this process hosts.
    AddRoom,
    /// [`Command::ListRooms`](crate::engine::Command::ListRooms).
    ListRooms,
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

/// A request that the server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub code: AnswerCode,
    /// The server's text about it; may be empty.
    pub text: String,
}

/// Why a name is not changed.
#[derive(Clone, Debug)]
pub enum RenameError {
    /// The name is not allowed.
    Name(NameError),
    /// It is the present name.
    SameName,
    /// The server refused it.
    Refused(Refusal),
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

/// Why a room is not joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinRefusal {
    /// It is joined already: this is the room.
    Joined(RoomId),
    /// It is being left: it has posts that are not stored yet.
    StillLeaving,
    /// As many rooms of the server are joined as can be: this number.
    TooMany(usize),
    /// The first room of the server is not joined yet.
    NotConnected,
    /// A classic server has one room.
    OneRoom,
}

/// Something about a classic server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicNotice {
    /// Nothing that is sent and received is protected, and nothing is confirmed.
    Unprotected,
    /// Colons are sent as another character.
    ColonsReplaced,
    /// A classic server does not have what was requested.
    NotThere,
}

/// Why a post was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPosted {
    /// It is too long; its length in bytes.
    TooLong(usize),
    /// The room has ended, or is not known to the server yet.
    NotInRoom,
    /// [`MAX_WAITING_POSTS`](crate::engine::MAX_WAITING_POSTS) wait already.
    TooMany,
    /// The key of a classic server is too small for this character.
    NotInKey(char),
    /// A classic server takes no text of spaces alone.
    Empty,
    /// A classic server has only texts.
    NotThere,
}
