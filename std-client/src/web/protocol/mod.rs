//! The messages between the program and a page: JSON objects, each with a `type`, over a WebSocket.
//! Text from rooms is sent as it was received; the page displays it as text, never as markup.
//!
//! A page that connects gets [`ToPage::Snapshot`], then every change. It keeps the lines that it
//! displays, and requests others with [`FromPage::Page`], and the members with
//! [`FromPage::Members`]. Sentences are in the language of the program.
//!
//! * `from_page`, `to_page`: the messages. `state`: servers and rooms. `entry`: entries.
//! * `transfer`: files on their way. `commands`: what is completed.

mod commands;
mod entry;
mod from_page;
mod state;
mod to_page;
mod transfer;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use commands::{CommandHelp, commands, emoji_names};
pub use entry::{Entry, FileInfo, Hit, content_of, file_of};
pub use from_page::{FromPage, Part, Password};
pub use state::{Announced, Connection, Membership, Question, RoomState, ServerState};
pub use to_page::{ContentState, ListedRoom, ToPage};
pub use transfer::{Progress, TransferKey, TransferRow, TransferStage};

use crate::engine::{RoomId, ServerId};

/// Most entries of a page of the history.
pub const MAX_PAGE: usize = 100;

/// A server, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerKey(u32);

impl From<ServerId> for ServerKey {
    fn from(server: ServerId) -> Self {
        Self(server.0)
    }
}

impl From<ServerKey> for ServerId {
    fn from(server: ServerKey) -> Self {
        Self(server.0)
    }
}

/// A room, as `SERVER.ROOM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomKey(pub RoomId);

impl Serialize for RoomKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}.{}", self.0.server.0, self.0.index))
    }
}

impl<'de> Deserialize<'de> for RoomKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = text.split_once('.').and_then(|(server, room)| Some((server.parse().ok()?, room.parse().ok()?)));
        let (server, index) = parsed.ok_or_else(|| serde::de::Error::custom("no room"))?;
        Ok(Self(RoomId { server: ServerId(server), index }))
    }
}

/// The place of an entry in the history of a room. Places of a room are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The number of the room's log, which grows when the log begins again.
    pub log: u64,
    /// The number of the entry in it.
    pub seq: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_texts_that_can_be_parsed() {
        let room = RoomKey(RoomId { server: ServerId(3), index: 17 });
        assert_eq!(serde_json::to_string(&room).unwrap(), "\"3.17\"");
        assert_eq!(serde_json::from_str::<RoomKey>("\"3.17\"").unwrap(), room);
        for wrong in ["\"3\"", "\"3.\"", "\"a.1\"", "\"-1.1\"", "\"1.2.3\"", "3.17", "\"1.99999999999\""] {
            assert!(serde_json::from_str::<RoomKey>(wrong).is_err(), "{wrong}");
        }
    }
}
