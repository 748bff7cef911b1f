//! Copies a history while a server writes it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::connect::{self, OpenError};
use super::restore::set_new_mark;
use crate::store::StoreErrorKind;
use kabar_std::data_dir::{FileError, sync_dir};
use kabar_std::sqlite::error_kind;

/// No copy was made, and nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The history cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The file exists.
    #[error("{} exists and is not overwritten: choose another name", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be created or made durable.
    #[error(transparent)]
    File(FileError),
    /// SQLite cannot read the history or write the copy.
    #[error("cannot write the copy {}: {}", .0.display(), .1)]
    Failed(PathBuf, StoreErrorKind),
}

/// Copies the history in `dir`, as of one moment, to `to`: a file for its owner only, durable when
/// this returns.
///
/// # Errors
/// [`CopyError`].
pub fn copy(dir: &Path, to: &Path) -> Result<(), CopyError> {
    let (connection, _) = connect::beside_server(dir, false).map_err(CopyError::Open)?;
    make_new(to)?;
    let failed = |error: rusqlite::Error| CopyError::Failed(to.to_path_buf(), error_kind(&error));
    let copied = copy_into(&connection, to)
        .map_err(|error| CopyError::File(FileError::new("write", to)(error)))
        .and_then(|copied| copied.and_then(|()| set_new_mark(to)).map_err(failed))
        .and_then(|()| make_durable(to).map_err(|error| CopyError::File(FileError::new("write", to)(error))));
    if copied.is_err() {
        let _ = fs::remove_file(to);
    }
    copied
}

/// Copies the database of a connection into the empty file `to`.
pub(super) fn copy_into(connection: &Connection, to: &Path) -> io::Result<rusqlite::Result<()>> {
    // SQLite never parses an absolute path as a URI.
    let to = std::path::absolute(to)?.into_os_string();
    let to = to.into_string().map_err(|_| io::Error::other("its name is not UTF-8"))?;
    Ok(connection.execute("VACUUM INTO ?1", [to]).map(|_| ()))
}

/// Creates an empty private file for SQLite to fill.
fn make_new(path: &Path) -> Result<(), CopyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => CopyError::Exists(path.to_path_buf()),
        _ => CopyError::File(FileError::new("create", path)(error)),
    })
}

fn make_durable(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_dir(parent.unwrap_or(Path::new(".")))
}
