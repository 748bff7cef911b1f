//! Files that are sent and received, as a page displays them.

use serde::{Deserialize, Serialize};

use super::{RoomKey, ServerKey};
use crate::engine::event::{Transfer, TransferState};
use crate::messages::transfers;

/// A transfer of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferKey {
    /// The server.
    pub server: ServerKey,
    /// The number of the transfer.
    pub transfer: u32,
}

/// A transfer.
#[derive(Clone, Debug, Serialize)]
pub struct TransferRow {
    /// The transfer.
    #[serde(flatten)]
    pub key: TransferKey,
    /// The room.
    pub room: RoomKey,
    /// The name of the file.
    pub name: String,
    /// Whether it is sent; otherwise it is received.
    pub is_upload: bool,
    /// Length of the file in bytes, if it is known.
    pub size: Option<u64>,
    /// How far it is.
    pub stage: TransferStage,
    /// The numbers of that.
    #[serde(flatten)]
    pub progress: Progress,
    /// What it waits for, or why it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferStage {
    /// It waits.
    Waiting,
    /// The file is being hashed.
    Hashing,
    /// Bytes are on their way.
    Running,
    /// Everything is transferred, and is being stored.
    Storing,
    /// It is complete.
    Done,
    /// It has failed.
    Failed,
    /// The user has cancelled it.
    Cancelled,
}

/// The numbers of a transfer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Bytes that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// Bytes per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// How long the rest takes at this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_ms: Option<u64>,
}

impl TransferStage {
    /// Whether nothing follows.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

impl TransferRow {
    /// Describes a transfer. `name`: what its user calls it.
    #[must_use]
    pub fn new(transfer: &Transfer, name: &str) -> Self {
        let mut progress = Progress::default();
        let mut reason = None;
        let stage = match &transfer.state {
            TransferState::Waiting(wait) => {
                reason = Some(transfers::wait(*wait));
                TransferStage::Waiting
            }
            TransferState::Hashing(done) => {
                progress.done = Some(*done);
                TransferStage::Hashing
            }
            TransferState::Running(measured) => {
                let left_ms = measured.left.map(kabar_core::time::Duration::as_millis);
                progress = Progress { done: Some(measured.done), rate: measured.rate, left_ms };
                TransferStage::Running
            }
            TransferState::Storing => TransferStage::Storing,
            TransferState::Sent(_) | TransferState::Received(_) => TransferStage::Done,
            TransferState::Failed(why) => {
                reason = Some(transfers::failure(why));
                TransferStage::Failed
            }
            TransferState::Cancelled => TransferStage::Cancelled,
        };
        let Transfer { id, room, is_upload, size, .. } = transfer;
        Self {
            key: TransferKey { server: room.server.into(), transfer: id.0 },
            room: RoomKey(*room),
            name: name.to_owned(),
            is_upload: *is_upload,
            size: *size,
            stage,
            progress,
            reason,
        }
    }
}
