//! The jobs of transfers: on contents, and on their index in the store.

use std::sync::Arc;

use kabar_core::content::{GroupRange, Root};

use super::transfer::Content;
use crate::contents::{ContentError, ContentStore};
use crate::store::{CommitError, ContentIndex, FileQuota, Offer, ReadError, Reservation};

/// Access to contents: one thread, in order.
#[derive(Debug)]
pub struct ContentJob {
    pub(in crate::hub) key: u64,
    pub(in crate::hub) task: ContentTask,
}

#[derive(Debug)]
pub(in crate::hub) enum ContentTask {
    OpenUpload(Content),
    /// The bytes come back, so that they can be stored later.
    Append(Vec<u8>),
    Finish,
    OpenDownload(Content, GroupRange),
    /// Maximum number of bytes.
    Read(usize),
    Close,
    Remove(Vec<Root>),
}

/// The result of [`ContentJob::run`].
#[derive(Debug)]
pub struct ContentDone {
    pub(in crate::hub) key: u64,
    pub(in crate::hub) result: ContentResult,
}

#[derive(Debug)]
pub(in crate::hub) enum ContentResult {
    Opened(Result<u64, ContentError>),
    Appended(Vec<u8>, Result<u64, ContentError>),
    Finished(Result<(), ContentError>),
    OpenedDownload(Result<(), ContentError>),
    Read(Vec<u8>, Result<bool, ContentError>),
    Closed,
    /// Contents that could not be removed.
    Removed(usize),
}

/// Access to the index of contents, in the store.
#[derive(Clone, Debug)]
pub enum IndexJob {
    /// Reserve space for an upload.
    Reserve {
        /// The transfer.
        key: u64,
        /// The content, and whose quota it counts against.
        offer: Offer,
        /// The bounds.
        quota: FileQuota,
    },
    /// Record that an upload is durable.
    Complete {
        /// The transfer.
        key: u64,
        /// The content.
        root: Root,
        /// Its length in bytes.
        size: u64,
        /// The time of day in ms since 1970.
        now_ms: u64,
    },
    /// Find out whether an entry of a room names a content.
    Find {
        /// The transfer.
        key: u64,
        /// The name of the room.
        room: Arc<str>,
        /// The content.
        root: Root,
    },
    /// Find out whether a content can be named by an entry; it is kept for a while then.
    Touch {
        /// The connection whose post waits for it.
        connection: u32,
        /// The content.
        root: Root,
        /// Its length in bytes, as the post states it.
        size: u64,
        /// The time of day in ms since 1970.
        now_ms: u64,
    },
    /// Record that a complete content is not there.
    Lost {
        /// The content.
        root: Root,
        /// The time of day in ms since 1970.
        now_ms: u64,
    },
    /// Take contents that nothing refers to from the index.
    Collect {
        /// The time of day in ms since 1970.
        now_ms: u64,
        /// Those that are being written.
        in_use: Vec<Root>,
    },
}

/// The result of [`IndexJob::run`].
#[derive(Debug)]
pub enum IndexDone {
    /// [`IndexJob::Reserve`].
    Reserve {
        /// The transfer.
        key: u64,
        /// The decision.
        result: Result<Reservation, CommitError>,
    },
    /// [`IndexJob::Complete`].
    Complete {
        /// The transfer.
        key: u64,
        /// Whether it is recorded; not if it was removed meanwhile.
        result: Result<bool, CommitError>,
    },
    /// [`IndexJob::Find`].
    Find {
        /// The transfer.
        key: u64,
        /// The length of the content in bytes, if there is one.
        result: Result<Option<u64>, ReadError>,
    },
    /// [`IndexJob::Touch`].
    Touch {
        /// The connection.
        connection: u32,
        /// The content.
        root: Root,
        /// Its length in bytes.
        size: u64,
        /// Whether it is there.
        result: Result<bool, CommitError>,
    },
    /// [`IndexJob::Lost`].
    Lost,
    /// [`IndexJob::Collect`].
    Collect {
        /// The contents to be removed.
        result: Result<Vec<Root>, CommitError>,
    },
}

impl ContentJob {
    /// Runs it.
    #[must_use]
    pub fn run(self, contents: &mut impl ContentStore) -> ContentDone {
        let Self { key, task } = self;
        let result = match task {
            ContentTask::OpenUpload(Content { root, size }) => {
                ContentResult::Opened(contents.open_upload(key, root, size))
            }
            ContentTask::Append(bytes) => {
                let result = contents.append(key, &bytes);
                ContentResult::Appended(bytes, result)
            }
            ContentTask::Finish => ContentResult::Finished(contents.finish(key)),
            ContentTask::OpenDownload(Content { root, size }, range) => {
                ContentResult::OpenedDownload(contents.open_download(key, root, size, range))
            }
            ContentTask::Read(max) => {
                let mut bytes = Vec::with_capacity(max);
                let result = contents.read(key, max, &mut bytes);
                ContentResult::Read(bytes, result)
            }
            ContentTask::Close => {
                contents.close(key);
                ContentResult::Closed
            }
            ContentTask::Remove(roots) => {
                ContentResult::Removed(roots.into_iter().filter(|root| contents.remove(*root).is_err()).count())
            }
        };
        ContentDone { key, result }
    }
}

impl IndexJob {
    /// Whether it only asks for something on behalf of a transfer, which can do without.
    pub(in crate::hub) fn is_question_of(&self, transfer: u64) -> bool {
        matches!(self, Self::Reserve { key, .. } | Self::Find { key, .. } if *key == transfer)
    }

    /// Runs it.
    #[must_use]
    pub fn run(self, index: &mut impl ContentIndex) -> IndexDone {
        match self {
            Self::Reserve { key, offer, quota } => IndexDone::Reserve { key, result: index.reserve(&offer, &quota) },
            Self::Complete { key, root, size, now_ms } => {
                IndexDone::Complete { key, result: index.complete(root, size, now_ms) }
            }
            Self::Find { key, room, root } => IndexDone::Find { key, result: index.find(&room, root) },
            Self::Touch { connection, root, size, now_ms } => {
                IndexDone::Touch { connection, root, size, result: index.touch(root, size, now_ms) }
            }
            Self::Lost { root, now_ms } => {
                // If the index cannot be written, the next one who asks for the content finds out.
                let _ = index.lost(root, now_ms);
                IndexDone::Lost
            }
            Self::Collect { now_ms, in_use } => IndexDone::Collect { result: index.collect(now_ms, &in_use) },
        }
    }
}
