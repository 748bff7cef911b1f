//! Files that a page sends, on the disk of this computer until they are in their rooms: a page has
//! no paths, and a transfer goes on with the next process, so that its file must be there.
//!
//! The folder is `spool` in the data directory, private as everything there. A file is removed when
//! its transfer ends; if the process ends before, when a later one starts, unless the local history
//! has a transfer of it that goes on then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::HEXLOWER;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::random::random_bytes;

use crate::history;
use crate::transfers::MAX_FILE_LEN;

/// The folder.
const FOLDER: &str = "spool";
/// Files of a process at a time. Further ones wait in the page.
pub(super) const MAX_FILES: usize = 64;
/// Bytes of the random name of a file.
const NAME_LEN: usize = 16;

/// The folder of files that pages send.
#[derive(Clone, Debug)]
pub struct Spool {
    dir: DataDir,
    count: Arc<AtomicUsize>,
}

/// Why a file is not stored.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// There are as many as may be.
    #[error("too many files are being sent")]
    Busy,
    /// It is longer than [`MAX_FILE_LEN`].
    #[error("the file is too long")]
    TooLong,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The operating system's error.
    #[error(transparent)]
    Io(io::Error),
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// One of the files that may be there at a time.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A file that is being written. Dropping it removes it.
#[derive(Debug)]
pub struct IncomingFile {
    path: PathBuf,
    /// Locked, so that no other process removes it. `None`: it is whole.
    file: Option<File>,
    len: u64,
    place: Option<Place>,
}

/// A whole file. No other process removes it before this is dropped.
#[derive(Debug)]
pub struct SpooledFile {
    path: PathBuf,
    _file: File,
    _place: Place,
}

impl Spool {
    /// Opens the folder, and removes what earlier processes left there and no transfer needs.
    ///
    /// # Errors
    /// [`FileError`] if the folder cannot be created.
    pub fn open(dir: &DataDir) -> Result<Self, FileError> {
        let spool = Self { dir: DataDir::open(&dir.join(FOLDER))?, count: Arc::default() };
        spool.clean(|| history::upload_paths(dir));
        Ok(spool)
    }

    /// Removes the files that no process has open and that are not `needed`; none, if that is not
    /// known.
    fn clean(&self, needed: impl FnOnce() -> Option<Vec<PathBuf>>) {
        let Ok(entries) = fs::read_dir(self.dir.path()) else { return };
        let unused: Vec<_> = entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let file = File::open(&path).ok()?;
                file.try_lock().ok()?;
                Some((path, file))
            })
            .collect();
        // The process that had a file may have stored its transfer just before it ended.
        if !unused.is_empty()
            && let Some(needed) = needed()
        {
            // Names are random, so that they decide however the path was written.
            let is_needed = |path: &Path| needed.iter().any(|needed| needed.file_name() == path.file_name());
            for (path, _) in unused.iter().filter(|(path, _)| !is_needed(path)) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Creates a file.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn create(&self) -> Result<IncomingFile, SpoolError> {
        let place = Place(Arc::clone(&self.count));
        if self.count.fetch_add(1, Ordering::AcqRel) >= MAX_FILES {
            return Err(SpoolError::Busy);
        }
        let path = self.dir.join(&HEXLOWER.encode(&random_bytes::<NAME_LEN>()?));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        let incoming = IncomingFile { path, file: Some(file), len: 0, place: Some(place) };
        incoming.file.as_ref().map_or(Ok(()), File::lock)?;
        Ok(incoming)
    }
}

impl IncomingFile {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        self.len = self.len.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.len > MAX_FILE_LEN {
            return Err(SpoolError::TooLong);
        }
        Ok(self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))?)
    }

    /// The file is whole.
    ///
    /// # Errors
    /// [`SpoolError`].
    pub fn finish(mut self) -> Result<SpooledFile, SpoolError> {
        let gone = || SpoolError::Io(io::ErrorKind::NotFound.into());
        // Others may read it from now on, also where locks are mandatory.
        self.file.as_ref().ok_or_else(gone)?.lock_shared()?;
        match (self.file.take(), self.place.take()) {
            (Some(file), Some(place)) => Ok(SpooledFile { path: self.path.clone(), _file: file, _place: place }),
            _ => Err(gone()),
        }
    }
}

impl Drop for IncomingFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl SpooledFile {
    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file.
    pub fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests;
