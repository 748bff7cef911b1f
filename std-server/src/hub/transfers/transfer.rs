//! One transfer.

use kabar_core::chat::{CancelCode, TransferMessage};
use kabar_core::content::{GroupRange, Root};
use kabar_core::time::Instant;

use crate::hub::room_id::RoomId;

/// One transfer of a connection.
#[derive(Debug)]
pub(in crate::hub) struct Transfer {
    pub(in crate::hub) connection: u32,
    /// Its number on the connection.
    pub(in crate::hub) number: u32,
    pub(in crate::hub) room: RoomId,
    pub(in crate::hub) content: Content,
    pub(in crate::hub) is_upload: bool,
    pub(in crate::hub) stage: Stage,
    /// Messages to be sent before anything else of it.
    pub(in crate::hub) replies: Vec<Reply>,
    /// When its client last did its part.
    pub(in crate::hub) active_at: Instant,
}

/// A content, as both sides name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hub) struct Content {
    pub(in crate::hub) root: Root,
    /// In bytes; of a download, 0 until it is found.
    pub(in crate::hub) size: u64,
}

/// The progress of a transfer.
#[derive(Debug)]
pub(in crate::hub) enum Stage {
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
pub(in crate::hub) struct Incoming {
    /// Bytes for the next job.
    pub(in crate::hub) collected: Vec<u8>,
    /// Bytes of the encoding that have not arrived.
    pub(in crate::hub) missing: u64,
    /// Bytes that could not be stored, because the disk is full.
    pub(in crate::hub) unstored: Vec<u8>,
    /// Everything before it is proven and stored.
    pub(in crate::hub) proven: u64,
}

/// The encoding of a download.
#[derive(Debug, Default)]
pub(in crate::hub) struct Outgoing {
    pub(in crate::hub) bytes: Vec<u8>,
    /// Of these, bytes that were sent.
    pub(in crate::hub) sent: usize,
    /// Nothing follows them.
    pub(in crate::hub) is_last: bool,
}

/// A message that carries no groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Reply {
    PutAt { offset: u64 },
    GetAt { size: u64, offset: u64, length: u64 },
    End,
    Cancel { code: CancelCode, offset: u64 },
}

impl Reply {
    pub(in crate::hub) const fn message(self, transfer: u32) -> TransferMessage<'static> {
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
    pub(in crate::hub) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }
}
