//! Why an operation on the history failed. In every case nothing was changed.

use kabar_std::sqlite::StoreErrorKind;

/// The file cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StorageError(pub StoreErrorKind);

/// As many files as are kept were set aside before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many files were set aside")]
pub struct TooManyAside;

/// Entries were not appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The file cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// This entry differs from the stored one with its seq: the server's log has another life. Or
    /// the log was dropped, because another process began a later one before it had an entry.
    #[error("entry {0} is not the one that is stored")]
    Contradiction(u64),
    /// The entry with this seq does not follow the one before it, or the cursor of the log.
    #[error("entry {0} does not follow the last one")]
    NotContiguous(u64),
    /// More than [`MAX_BATCH`](super::MAX_BATCH) entries.
    #[error("too many entries at once")]
    TooMany,
}

/// A draft, a setting or the list of ignored people was not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The file cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The text is longer than is stored.
    #[error("too long")]
    TooLong,
    /// There are as many as are stored.
    #[error("too many")]
    TooMany,
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        Self(kabar_std::sqlite::error_kind(&error))
    }
}

impl From<rusqlite::Error> for AppendError {
    fn from(error: rusqlite::Error) -> Self {
        StorageError::from(error).into()
    }
}

impl From<rusqlite::Error> for ChangeError {
    fn from(error: rusqlite::Error) -> Self {
        StorageError::from(error).into()
    }
}

/// An error that may come from the file.
pub(super) trait FromStorage: From<rusqlite::Error> + From<StorageError> {
    /// The error of the file, to add its cause.
    fn storage(&mut self) -> Option<&mut StorageError>;
}

impl FromStorage for StorageError {
    fn storage(&mut self) -> Option<&mut StorageError> {
        Some(self)
    }
}

impl FromStorage for AppendError {
    fn storage(&mut self) -> Option<&mut StorageError> {
        if let Self::Storage(error) = self { Some(error) } else { None }
    }
}

impl FromStorage for ChangeError {
    fn storage(&mut self) -> Option<&mut StorageError> {
        if let Self::Storage(error) = self { Some(error) } else { None }
    }
}
