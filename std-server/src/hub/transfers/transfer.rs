//! One transfer.

use kabar_core::chat::{CancelCode, TransferMessage};
use kabar_core::content::{GroupRange, Root};
use kabar_core::time::Instant;

use crate::hub::room_id::RoomId;

/// One transfer of a connection.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) connection: u32,
    /// Its number on the connection.
    pub(super) number: u32,
    pub(super) room: RoomId,
    pub(super) content: Content,
    pub(super) is_upload: bool,
    pub(super) stage: Stage,
    /// Messages to be sent before anything else of it.
    pub(super) replies: Vec<Reply>,
    /// When its client last did its part.
    pub(super) active_at: Instant,
}

/// A content, as both sides name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Content {
    pub(super) root: Root,
    /// In bytes; of a download, 0 until it is found.
    pub(super) size: u64,
}

/// The progress of a transfer.
#[derive(Debug)]
pub(super) enum Stage {
    /// Its space is being reserved.
    Reserving,
    /// Another upload of the content is in progress.
    Waiting,
    /// A worker is opening it, up or down.
    OpeningUpload,
    /// Its encoding arrives.
    Receiving(Incoming),
    /// It is being made durable.
    Finishing,
    /// It is being recorded as complete.
    Recording,
    /// It is being looked up.
    Finding {
        /// The range that was requested.
        offset: u64,
        length: u64,
    },
    /// A worker is opening it.
    OpeningDownload(GroupRange),
    /// Its encoding is being sent.
    Sending(Outgoing),
    /// It is over once its replies are sent.
    Over,
}

/// The encoding of an upload.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    /// Bytes for the next job.
    pub(super) collected: Vec<u8>,
    /// Bytes of the encoding that have not arrived.
    pub(super) missing: u64,
    /// Bytes that could not be stored, because the disk is full.
    pub(super) unstored: Vec<u8>,
    /// Everything before it is proven and stored.
    pub(super) proven: u64,
}

/// The encoding of a download.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) bytes: Vec<u8>,
    /// Of these, bytes that were sent.
    pub(super) sent: usize,
    /// Nothing follows them.
    pub(super) is_last: bool,
}

/// A message that carries no groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    PutAt { offset: u64 },
    GetAt { size: u64, offset: u64, length: u64 },
    End,
    Cancel { code: CancelCode, offset: u64 },
}

impl Reply {
    pub(super) const fn message(self, transfer: u32) -> TransferMessage<'static> {
        match self {
            Self::PutAt { offset } => TransferMessage::PutAt { transfer, offset },
            Self::GetAt { size, offset, length } => TransferMessage::GetAt { transfer, size, offset, length },
            Self::End => TransferMessage::End { transfer },
            Self::Cancel { code, offset } => TransferMessage::Cancel { transfer, code, offset },
        }
    }
}

impl Outgoing {
    /// Bytes that are still to be sent.
    pub(super) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }
}
