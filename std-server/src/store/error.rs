//! Errors of stores, by the action that a person can take.

use kabar_std::sqlite::StoreErrorKind;

/// A commit failed, or its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// Nothing was written.
    #[error("{0}")]
    Failed(StoreErrorKind),
    /// The batch may or may not have been written.
    #[error("{0}; the last lines may or may not be written")]
    Uncertain(StoreErrorKind),
}

/// Nothing could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ReadError(pub StoreErrorKind);
