//! Errors of contents, by what the hub does about them.

use std::io;

use kabar_core::content::NotProven;

/// An operation on a content failed.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The bytes are not those of the content: the sender is at fault.
    #[error("{0}")]
    NotProven(NotProven),
    /// There is no room on the disk: wait, and try again.
    #[error("the disk is full")]
    Full,
    /// There is no such content or transfer.
    #[error("there is no such content")]
    Missing,
    /// The disk fails, or something else is in the place of a file.
    #[error(transparent)]
    Other(io::Error),
}

impl From<io::Error> for ContentError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, NotFound, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            NotFound => Self::Missing,
            _ => Self::Other(error),
        }
    }
}

impl From<NotProven> for ContentError {
    fn from(error: NotProven) -> Self {
        Self::NotProven(error)
    }
}
