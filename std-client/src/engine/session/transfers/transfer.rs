//! One transfer: what it is, and how far.
//!
//! ```text
//! upload:    Queued -> Hashing -> Idle -> Requested -> Sending -> Ending -> Posting -> Posted
//! download:  Queued -> Opening -> Idle -> Requested -> Receiving -> Storing
//! ```
//! When the connection is lost, or the other side cancels for a while, both are `Idle` again, a
//! download by way of `Opening`.

use std::collections::VecDeque;
use std::path::PathBuf;

use kabar_core::chat::File;
use kabar_core::content::Root;
use kabar_core::time::{Duration, Instant};

use crate::engine::event::{RoomId, Transfer as Report, TransferState, Wait};
use crate::history::HeldTransfer;
use crate::transfers::progress::Progress;
use crate::transfers::{Destination, TransferId};

/// How often the progress of a transfer is reported.
const REPORT_EVERY: Duration = Duration::from_millis(if cfg!(test) { 5 } else { 500 });

/// A file that is sent or received.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) id: TransferId,
    pub(super) room: RoomId,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The content; `None`: it is not hashed yet.
    pub(super) content: Option<Content>,
    /// The media type of a file that is sent, once it is hashed; empty: not known.
    pub(super) media_type: &'static str,
    pub(super) phase: Phase,
    /// Counts the attempts, so that answers to earlier ones are recognised.
    pub(super) attempt: u32,
    /// Its number on the connection, as long as it is not over there.
    pub(super) number: Option<u32>,
    pub(super) progress: Progress,
    /// Its record in the local history.
    pub(super) record: Option<HeldTransfer>,
    /// What `Idle` waits for, but for the connection.
    pub(super) retry: Option<(Instant, Wait)>,
    /// Whether the server is not heard at present.
    pub(super) is_lost: bool,
    /// When the next progress is reported.
    next_report: Instant,
}

/// A content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) root: Root,
    pub(super) size: u64,
}

/// The direction, and what belongs to it.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// This file is sent.
    Upload(PathBuf),
    /// A file is received here.
    Download(Destination),
}

/// How far a transfer is.
#[derive(Debug)]
pub(super) enum Phase {
    /// There are too many others.
    Queued,
    /// The file is being hashed.
    Hashing {
        /// Number of bytes that are hashed.
        done: u64,
        /// The length of the file in bytes; `None`: it is not open yet.
        size: Option<u64>,
    },
    /// The partial file is being opened.
    Opening,
    /// It has to be requested.
    Idle,
    /// It is requested.
    Requested,
    /// The encoding is being sent.
    Sending(Sending),
    /// The encoding is being received.
    Receiving(Receiving),
    /// The whole encoding was sent, and the server stores it.
    Ending,
    /// The whole encoding was received, and is being stored.
    Storing,
    /// The server has the content; the entry has to be posted.
    Posting,
    /// The entry is posted, with this number.
    Posted(u64),
}

/// An encoding that is being sent.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Parts of it that are ready, each with the offset in the content that it reaches.
    pub(super) ready: VecDeque<(Vec<u8>, u64)>,
    /// Bytes of the first part that are sent.
    pub(super) sent: usize,
    /// Whether a part is being encoded.
    pub(super) is_encoding: bool,
    /// Whether the last part is ready.
    pub(super) is_complete: bool,
}

/// An encoding that is being received.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    /// Bytes that the worker does not have yet.
    pub(super) pending: Vec<u8>,
    /// Bytes that the worker has and has not written.
    pub(super) unwritten: usize,
}

impl Transfer {
    pub(super) fn new(id: TransferId, room: RoomId, name: String, kind: Kind, content: Option<Content>) -> Self {
        Self {
            id,
            room,
            name,
            kind,
            content,
            media_type: "",
            phase: Phase::Queued,
            attempt: 0,
            number: None,
            progress: Progress::default(),
            record: None,
            retry: None,
            is_lost: false,
            next_report: Instant::ZERO,
        }
    }

    pub(super) fn is_upload(&self) -> bool {
        matches!(self.kind, Kind::Upload(_))
    }

    /// Whether it is one of those that may be in progress at once.
    pub(super) fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Queued | Phase::Posting | Phase::Posted(_))
    }

    /// Whether the other side has a part in what it does now.
    pub(super) fn needs_connection(&self) -> bool {
        matches!(self.phase, Phase::Requested | Phase::Sending(_) | Phase::Receiving(_) | Phase::Ending)
    }

    pub(super) fn size(&self) -> u64 {
        self.content.map_or(0, |content| content.size)
    }

    /// The body of the entry that names the file.
    pub(super) fn entry(&self) -> Option<Vec<u8>> {
        let Content { root, size } = self.content?;
        let mut body = vec![0; kabar_core::chat::MAX_FILE_BODY_LEN];
        let len = File::new(&self.name, size, root, self.media_type)?.encode(&mut body).ok()?;
        body.truncate(len);
        Some(body)
    }

    /// Whether progress is to be reported now.
    pub(super) fn is_report_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next_report;
        if is_due {
            self.next_report = now + REPORT_EVERY;
        }
        is_due
    }

    pub(super) fn state(&self, now: Instant) -> TransferState {
        match self.phase {
            _ if self.is_lost && self.needs_connection() => TransferState::Waiting(Wait::Connection),
            Phase::Queued => TransferState::Waiting(Wait::Others),
            Phase::Hashing { done, .. } => TransferState::Hashing(done),
            Phase::Opening | Phase::Idle | Phase::Requested => {
                TransferState::Waiting(self.retry.map_or(Wait::Connection, |(_, wait)| wait))
            }
            Phase::Sending(_) | Phase::Receiving(_) => TransferState::Running(self.progress.measure(self.size(), now)),
            Phase::Ending | Phase::Storing | Phase::Posting | Phase::Posted(_) => TransferState::Storing,
        }
    }

    /// Describes it in this state.
    pub(super) fn report(&self, state: TransferState) -> Report {
        Report {
            id: self.id,
            room: self.room,
            is_upload: self.is_upload(),
            name: self.name.clone(),
            size: match self.phase {
                Phase::Hashing { size, .. } => size,
                _ => self.content.map(|content| content.size),
            },
            state,
        }
    }
}
