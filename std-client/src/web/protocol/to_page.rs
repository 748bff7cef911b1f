//! The messages to a page.

use serde::Serialize;

use super::{CommandHelp, Entry, Hit, Place, RoomKey, RoomState, ServerKey, ServerState, TransferRow};

/// A message to a page.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToPage<'a> {
    /// Everything but entries and members. Replaces what the page has.
    Snapshot {
        /// The servers.
        servers: Vec<ServerState<'a>>,
        /// The rooms.
        rooms: Vec<RoomState<'a>>,
        /// The commands that can be typed.
        commands: Vec<CommandHelp>,
        /// Whether pictures are displayed.
        shows_pictures: bool,
        /// Files on their way, and the last ones that have ended.
        transfers: Vec<&'a TransferRow>,
    },
    /// A server is new, or has changed.
    Server(ServerState<'a>),
    /// A room is new, or has changed.
    Room(RoomState<'a>),
    /// A room is gone.
    RoomGone {
        /// The room.
        room: RoomKey,
    },
    /// New entries of a room, in the order of the log.
    Entries {
        /// The room.
        room: RoomKey,
        /// The entry before them. A page whose last one is another has missed some.
        after: Option<Place>,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// The history of a room begins again.
    Reset {
        /// The room.
        room: RoomKey,
    },
    /// Part of the history.
    Page {
        /// The room.
        room: RoomKey,
        /// That of the request.
        tag: u32,
        /// The entries.
        entries: Vec<Entry>,
        /// Whether there are earlier ones.
        has_earlier: bool,
        /// Whether there are later ones.
        has_later: bool,
        /// Whether there may be others, which need a connection.
        is_offline: bool,
    },
    /// The members of a room who are present, sorted.
    Members {
        /// The room.
        room: RoomKey,
        /// Their names.
        names: &'a [String],
    },
    /// A member has come or gone.
    Member {
        /// The room.
        room: RoomKey,
        /// The name.
        name: &'a str,
        /// Whether it is present now.
        is_present: bool,
    },
    /// The posts that are not in the room yet.
    Unsent {
        /// The room.
        room: RoomKey,
        /// Their texts.
        texts: Vec<&'a str>,
    },
    /// Something is reported.
    Notice {
        /// The server that it is about.
        server: Option<ServerKey>,
        /// The room that it is about.
        room: Option<RoomKey>,
        /// Whether something failed.
        is_error: bool,
        /// The sentence.
        text: &'a str,
    },
    /// This room is to be displayed.
    Show {
        /// The room.
        room: RoomKey,
    },
    /// The commands are to be displayed.
    Help,
    /// The rooms of a server.
    RoomList {
        /// The server.
        server: ServerKey,
        /// The rooms, sorted.
        rooms: Vec<ListedRoom<'a>>,
    },
    /// Texts that were found, newest first.
    Found {
        /// That of the request.
        tag: u32,
        /// The entries, each in its room.
        hits: Vec<Hit>,
        /// Whether there are more.
        has_more: bool,
    },
    /// The content of a file that was requested.
    Content {
        /// Its root.
        root: &'a str,
        /// Whether it is there.
        state: ContentState,
        /// Width and height in pixels, if it is a picture.
        size: Option<(u32, u32)>,
    },
    /// A transfer is new, or has changed.
    Transfer(&'a TransferRow),
    /// All transfers. Replaces those that the page has.
    Transfers {
        /// The transfers.
        transfers: Vec<&'a TransferRow>,
    },
    /// The transfers are to be displayed.
    ShowTransfers,
    /// The program ends.
    End,
}

/// Whether a content is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentState {
    /// It is in the cache.
    Ready,
    /// There are too many others; it is to be requested again.
    Busy,
    /// It does not come.
    Failed,
}

/// A room of a server, in the list of them.
#[derive(Clone, Debug, Serialize)]
pub struct ListedRoom<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its topic; may be empty.
    pub topic: &'a str,
    /// Members present.
    pub members: u16,
    /// Whether only an invite of this room admits.
    pub is_private: bool,
    /// Whether the user is in it.
    pub is_joined: bool,
}
