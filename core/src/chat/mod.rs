//! Chat messages (SPEC 6): values, codec and limits. Independent of connections, rooms and time.
//!
//! * [`message`]: the messages, as values and as bytes.
//! * `file`: the body of a file entry.
//! * this file: limits, kinds, codes, start positions.

mod file;
pub mod message;

pub use crate::wire::io::{BufferFull, DecodeError};
pub use file::{File, MAX_FILE_BODY_LEN, MAX_FILE_NAME_LEN, MAX_MEDIA_TYPE_LEN};
pub use message::{
    Authentication, CHUNK_OVERHEAD, CancelCode, ClientMessage, ENTRY_OVERHEAD, Entry, EntryHeader,
    HISTORY_ENTRY_OVERHEAD, Info, Join, MAX_TRANSFER_HEAD, POST_OVERHEAD, Post, Request, RoomInfo, ServerMessage,
    TransferMessage, Welcome, message_len,
};

/// Longest body of an entry in bytes (SPEC 8).
pub const MAX_BODY_LEN: usize = 4352;
/// Longest text in bytes of UTF-8 (SPEC 6.4).
pub const MAX_TEXT_LEN: usize = 4096;
/// Longest name in bytes (SPEC 6.6).
pub const MAX_NAME_LEN: usize = 32;
/// Longest message in bytes, its length field included (SPEC 8).
pub const MAX_MESSAGE_LEN: usize = 4480;
/// Longest password in bytes.
pub const MAX_PASSWORD_LEN: usize = 128;
/// Longest topic of a room in bytes of UTF-8 (SPEC 6.4).
pub const MAX_TOPIC_LEN: usize = 200;
/// Most entries that one History may request.
pub const MAX_HISTORY: u8 = 200;
/// Code of the Notice that the server cannot store posts at the moment; it keeps them and tries
/// again (SPEC 6.3).
pub const NOTICE_STORAGE: u8 = 1;
/// Code of the Notice that a member posts faster than its room takes; its posts are kept and
/// accepted in turn (SPEC 6.3, 6.5).
pub const NOTICE_RATE: u8 = 2;
/// Code of the Notice that a Join waits until an operator lets it in (SPEC 6.3).
pub const NOTICE_APPROVAL: u8 = 4;
/// Length of a room's secret in bytes.
pub const ROOM_SECRET_LEN: usize = 16;

/// Kind of an entry (SPEC 6.4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EntryKind(pub u8);

impl EntryKind {
    /// UTF-8 text.
    pub const TEXT: Self = Self(1);
    /// Bytes for programs.
    pub const DATA: Self = Self(2);
    /// Text that describes an action of its author.
    pub const ACTION: Self = Self(3);
    /// A file: its name, and the content that it has (see [`File`]).
    pub const FILE: Self = Self(4);
    /// A member joined. The body is empty; the author is the member.
    pub const JOINED: Self = Self(16);
    /// A member left.
    pub const LEFT: Self = Self(17);
    /// A member was kicked.
    pub const KICKED: Self = Self(18);
    /// Text by the operator; the author is `server`.
    pub const OPERATOR: Self = Self(19);
    /// A member has another name. The author is its name before; the body is the new one.
    pub const RENAMED: Self = Self(20);
    /// The body of an earlier entry was removed. The body is the seq of that entry, 8 bytes; the
    /// author is who removed it.
    pub const REMOVAL: Self = Self(21);
    /// An entry whose body was removed from the log. It keeps everything but its body and its kind.
    pub const REMOVED: Self = Self(22);
    /// The room has another topic. The body is the topic, up to [`MAX_TOPIC_LEN`] bytes of UTF-8;
    /// the author is who set it.
    pub const TOPIC: Self = Self(23);

    /// Whether a member may post it.
    #[must_use]
    pub const fn is_postable(self) -> bool {
        matches!(self, Self::TEXT | Self::DATA | Self::ACTION | Self::FILE)
    }

    /// Whether its body is UTF-8 text, with the limit of texts.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, Self::TEXT | Self::ACTION | Self::OPERATOR)
    }
}

impl core::fmt::Debug for EntryKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EntryKind(0x{:02x})", self.0)
    }
}

/// Eight random bytes that identify one run of a server (SPEC 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Term(pub [u8; 8]);

/// Where delivery to a member begins (SPEC 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Start {
    /// Only entries from now on.
    Head,
    /// The last N entries.
    Last(u32),
    /// Entries after a cursor or, if the cursor is not valid, the last `fallback_count` entries.
    After {
        /// The last entry in the store.
        seq: u64,
        /// The term in which `seq` was received.
        term: Term,
        /// Entries to deliver if the cursor is not valid.
        fallback_count: u32,
    },
}

/// Why a Join was refused (SPEC 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RefusedCode(pub u8);

impl RefusedCode {
    /// Wrong secret or password.
    pub const AUTHENTICATION: Self = Self(1);
    /// Another key owns the name.
    pub const NAME_TAKEN: Self = Self(2);
    /// The name violates SPEC 6.6.
    pub const NAME_NOT_ALLOWED: Self = Self(3);
    /// No such room.
    pub const UNKNOWN_ROOM: Self = Self(4);
    /// The room is full.
    pub const ROOM_FULL: Self = Self(5);
    /// Banned.
    pub const BANNED: Self = Self(6);
    /// The signature does not verify.
    pub const SIGNATURE: Self = Self(7);
    /// Another version of the chat messages.
    pub const VERSION: Self = Self(8);
    /// Storage failed, or there were too many attempts. A later attempt may succeed.
    pub const TRY_LATER: Self = Self(9);
    /// The instance belongs to another identity.
    pub const INSTANCE: Self = Self(10);
}

impl core::fmt::Debug for RefusedCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RefusedCode(0x{:02x})", self.0)
    }
}

/// Why the server has ended a membership (SPEC 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EndedCode(pub u8);

impl EndedCode {
    /// An operator has removed the member, who may join again.
    pub const KICKED: Self = Self(1);
    /// An operator has banned the member.
    pub const BANNED: Self = Self(2);
    /// The room is closed.
    pub const CLOSED: Self = Self(3);
    /// Entries after the cursor of the member are no longer stored: it has to join again.
    pub const GAP: Self = Self(4);
}

impl core::fmt::Debug for EndedCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EndedCode(0x{:02x})", self.0)
    }
}

/// The result of a request that changes something (SPEC 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AnswerCode(pub u8);

impl AnswerCode {
    /// It was done.
    pub const DONE: Self = Self(0);
    /// This member may not do it.
    pub const NOT_PERMITTED: Self = Self(1);
    /// The object of the request does not exist, or is not known to this member.
    pub const NOT_FOUND: Self = Self(2);
    /// Another identity owns the name, or a name that looks like it.
    pub const NAME_TAKEN: Self = Self(3);
    /// The name violates SPEC 6.6.
    pub const NAME_NOT_ALLOWED: Self = Self(4);
    /// Storage failed, or there were too many requests. A later attempt may succeed.
    pub const TRY_LATER: Self = Self(5);
    /// A limit is reached.
    pub const LIMIT: Self = Self(6);
    /// It is so already.
    pub const UNCHANGED: Self = Self(7);
    /// The request is not understood: a command that does not exist, or without its argument.
    pub const NOT_UNDERSTOOD: Self = Self(8);
}

impl core::fmt::Debug for AnswerCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "AnswerCode(0x{:02x})", self.0)
    }
}

/// Why a post was refused permanently (SPEC 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PostRefusedCode(pub u8);

impl PostRefusedCode {
    /// Longer than the server or the stream of the connection accepts.
    pub const TOO_LONG: Self = Self(1);
    /// The author is muted.
    pub const MUTED: Self = Self(3);
    /// A kind that members cannot post.
    pub const KIND: Self = Self(4);
    /// A file whose content the server does not have.
    pub const CONTENT: Self = Self(5);
}

impl core::fmt::Debug for PostRefusedCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PostRefusedCode(0x{:02x})", self.0)
    }
}
