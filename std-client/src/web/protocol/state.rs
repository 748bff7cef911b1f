//! Servers and rooms, as a page displays them.

use serde::Serialize;

use super::{Place, RoomKey, ServerKey};
use crate::command::Notify;

/// A server.
#[derive(Clone, Debug, Serialize)]
pub struct ServerState<'a> {
    /// The server.
    pub server: ServerKey,
    /// Its addresses.
    pub label: &'a str,
    /// The connection.
    pub connection: Connection,
    /// The user's name there; empty: not known yet.
    pub name: &'a str,
    /// The smoothed round-trip time.
    pub rtt_ms: Option<u64>,
    /// Why it is not connected.
    pub problem: Option<&'a str>,
    /// What the user is asked.
    pub question: Option<&'a Question>,
}

/// The connection to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// It is being opened.
    Connecting,
    /// It is established.
    Online,
    /// It was lost, and is being opened again.
    Lost,
    /// It has ended.
    Ended,
}

/// A question about a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum Question {
    /// Whether its key is accepted.
    Key {
        /// The fingerprint.
        fingerprint: String,
    },
    /// The password of a room.
    Password {
        /// The room.
        room: String,
        /// Whether the last one was wrong.
        was_wrong: bool,
    },
}

/// A room.
#[derive(Clone, Debug, Serialize)]
pub struct RoomState<'a> {
    /// The room.
    pub room: RoomKey,
    /// Its name.
    pub name: &'a str,
    /// Its topic; may be empty.
    pub topic: &'a str,
    /// The membership.
    pub membership: Membership,
    /// Lines that are not read.
    pub unread: u64,
    /// Those of them that mention the user.
    pub mentions: u64,
    /// The last entry that was read; 0: none.
    pub read: Place,
    /// A text that was typed and not sent.
    pub draft: &'a str,
    /// Which entries are announced.
    pub notify: Announced,
    /// Why it has ended.
    pub problem: Option<&'a str>,
}

/// Which entries of a room are announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Announced {
    /// All.
    All,
    /// Those that mention the user.
    Mentions,
    /// None.
    Off,
}

impl From<Notify> for Announced {
    fn from(notify: Notify) -> Self {
        match notify {
            Notify::All => Self::All,
            Notify::Mentions => Self::Mentions,
            Notify::Nothing => Self::Off,
        }
    }
}

/// The membership in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// It is being joined.
    Joining,
    /// It was joined.
    Joined,
    /// It has ended.
    Ended,
}
