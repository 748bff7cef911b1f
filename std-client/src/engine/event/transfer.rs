//! What the engine reports about files.

use std::path::PathBuf;

use kabar_core::chat::{CancelCode, PostRefusedCode};

use super::RoomId;
use crate::transfers::progress::Measured;
use crate::transfers::{FileFailure, TransferId};

/// A file that is sent or received.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Its number.
    pub id: TransferId,
    /// The room.
    pub room: RoomId,
    /// Whether it is sent; otherwise it is received.
    pub is_upload: bool,
    /// The name of the file.
    pub name: String,
    /// Its length in bytes; `None`: not known yet.
    pub size: Option<u64>,
    /// How far it is.
    pub state: TransferState,
}

/// How far a transfer is.
#[derive(Clone, Debug)]
pub enum TransferState {
    /// It waits.
    Waiting(Wait),
    /// The file is being hashed: this number of bytes is done.
    Hashing(u64),
    /// Bytes are on their way.
    Running(Measured),
    /// Everything is transferred, and is being stored.
    Storing,
    /// The file is in the room, as the entry with this seq; 0: not known.
    Sent(u64),
    /// The file has this path.
    Received(PathBuf),
    /// It has failed, and is not tried again.
    Failed(TransferFailure),
    /// The person has cancelled it.
    Cancelled,
}

/// What a transfer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Others, of which there are as many as may be at once.
    Others,
    /// The connection.
    Connection,
    /// The server, which does not take it at the moment.
    Server,
    /// The disk of this computer is full.
    Disk,
    /// The partial file was damaged, and is received again.
    Damaged,
}

/// Why a transfer has failed, or has not begun.
#[derive(Clone, Debug)]
pub enum TransferFailure {
    /// The file.
    File(FileFailure),
    /// The server does not take it.
    Refused(CancelCode),
    /// The server does not take the entry that names it.
    EntryRefused(PostRefusedCode),
    /// The server answers what it must not.
    Protocol,
    /// The server has no files.
    NotSupported,
    /// The room was left, or has ended.
    NotInRoom,
    /// No entry here names such a file.
    NoSuchFile,
    /// The name of the file cannot be sent.
    Name,
    /// There are too many transfers.
    TooMany,
    /// There is no folder for downloads.
    NoFolder,
    /// No thread can be started.
    NoThread,
}

impl TransferState {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Sent(_) | Self::Received(_) | Self::Failed(_) | Self::Cancelled)
    }
}
