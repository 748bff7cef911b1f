//! Detects that a file was moved or replaced while it is open: SQLite would go on writing into a
//! file that nobody finds.

use std::fs;
use std::path::{Path, PathBuf};

/// The path of an opened file, and the identity of the file itself.
#[derive(Clone, Debug)]
pub struct OpenedFile {
    path: PathBuf,
    file: FileId,
}

/// Identifies a file independently of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl OpenedFile {
    /// Finds the file at `path`.
    ///
    /// # Errors
    /// The absolute path, if there is no file.
    pub fn find(path: &Path) -> Result<Self, PathBuf> {
        // SQLite never parses an absolute path as a URI.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        FileId::of(&path).map(|file| Self { path: path.clone(), file }).ok_or(path)
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of the file in its file system: a copy has another one. 0 where the
    /// system has no such numbers.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.file.1
    }

    /// Whether the file is still at its path.
    #[must_use]
    pub fn is_there(&self) -> bool {
        FileId::of(&self.path) == Some(self.file)
    }
}

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).ok().map(|it| Self(it.dev(), it.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|_| Self(0, 0))
    }
}
