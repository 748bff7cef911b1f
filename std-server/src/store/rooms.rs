//! The records of rooms: what is known of a room besides its log and its members.

use kabar_core::crypto::identity::PublicIdentity;

/// A room as the server lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomRecord {
    /// Its name; the key of the record.
    pub name: String,
    /// Its topic; may be empty.
    pub topic: String,
    /// Who may join.
    pub visibility: Visibility,
    /// Nobody may join, and it is not listed. Its log stays.
    pub is_closed: bool,
    /// How much of its log is kept.
    pub retention: Retention,
    /// Who created it, or opened it again: admitted to it if it is private. `None`: the server, or
    /// at the console.
    pub created_by: Option<PublicIdentity>,
    /// When it was created, in ms since 1970; `None`: unknown.
    pub created_ms: Option<u64>,
}

impl RoomRecord {
    /// The record of an open room that nothing is known of but its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

/// Who may join a room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Every member of the server. It is listed.
    #[default]
    Open,
    /// Those who were admitted to it or hold an invite of it. For others it does not exist.
    Private,
}

/// How much of a room's log is kept. `None`: as the server's configuration says; 0: all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Entries that are not older than this, in ms.
    pub age_ms: Option<u64>,
    /// This number of entries.
    pub entries: Option<u64>,
    /// This number of bytes.
    pub bytes: Option<u64>,
}

/// A room and the extent of its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// Its record.
    pub record: RoomRecord,
    /// Smallest seq that is still stored; head + 1 if there is none.
    pub first: u64,
    /// Largest seq; 0 if there were no entries yet.
    pub head: u64,
    /// Whether its log reports somebody as present.
    pub is_occupied: bool,
}
