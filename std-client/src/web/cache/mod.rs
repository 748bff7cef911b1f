//! Contents of files that pages display or save, on the disk of this computer: a browser gets them
//! from here. Each was proven when it was stored, and its file has the name of its root.
//!
//! The folder is `cache` in the data directory, private as everything there. It is bounded: of more
//! than 256 MiB, what was not used for the longest time is removed.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use kabar_core::content::{ROOT_LEN, Root};
use kabar_std::data_dir::{DataDir, FileError};

use super::picture::{self, Picture};

/// The folder.
const FOLDER: &str = "cache";
/// Bytes of all contents.
const MAX_LEN: u64 = 256 << 20;
/// What the names of incomplete files end with.
const PART: &str = ".part";
/// How long an incomplete file is kept that no transfer has open.
const KEEP_PARTS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The folder of contents.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: DataDir,
    max_len: u64,
}

/// A content that is open.
#[derive(Debug)]
pub struct OpenContent {
    /// The file.
    pub file: File,
    /// Its length in bytes.
    pub len: u64,
    /// What it is, if it is a picture that is displayed.
    pub picture: Option<Picture>,
}

/// Returns the root with this name.
#[must_use]
pub fn parse_root(text: &str) -> Option<Root> {
    let bytes: [u8; ROOT_LEN] = HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()?;
    Some(Root(bytes))
}

impl Cache {
    /// Opens the folder.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be created.
    pub fn open(dir: &DataDir) -> Result<Self, FileError> {
        let cache = Self { dir: DataDir::open(&dir.join(FOLDER))?, max_len: MAX_LEN };
        cache.remove_parts(KEEP_PARTS);
        cache.trim(|_| false);
        Ok(cache)
    }

    /// Where a content is stored.
    #[must_use]
    pub fn path(&self, root: Root) -> PathBuf {
        self.dir.join(&root.to_string())
    }

    /// Whether the content is stored.
    #[must_use]
    pub fn has(&self, root: Root) -> bool {
        self.path(root).is_file()
    }

    /// Opens a content, which is used now; `None`: it is not stored.
    ///
    /// # Errors
    /// Any I/O error.
    pub fn get(&self, root: Root) -> io::Result<Option<OpenContent>> {
        let mut file = match File::open(self.path(root)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let len = file.metadata()?.len();
        let mut picture = None;
        if len <= picture::MAX_LEN {
            let mut beginning = Vec::new();
            (&file).take(u64::try_from(picture::BEGINNING_LEN).unwrap_or(u64::MAX)).read_to_end(&mut beginning)?;
            picture = picture::recognise(&beginning);
            io::Seek::rewind(&mut file)?;
        }
        // Where the time cannot be set, the content is removed sooner.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(OpenContent { file, len, picture }))
    }

    /// Removes the contents that were not used for the longest time, until the rest is not too
    /// much. `is_kept`: those that stay for now.
    pub fn trim(&self, is_kept: impl Fn(Root) -> bool) {
        let contents = self.files().filter_map(|(path, metadata)| {
            let root = parse_root(path.file_name()?.to_str()?)?;
            Some((metadata.modified().ok()?, metadata.len(), root, path))
        });
        let mut contents: Vec<_> = contents.collect();
        contents.sort();
        let mut total: u64 = contents.iter().map(|(_, len, ..)| len).sum();
        for (_, len, root, path) in contents {
            if total <= self.max_len {
                return;
            }
            if !is_kept(root) && fs::remove_file(path).is_ok() {
                total -= len;
            }
        }
    }

    /// Removes what is left of transfers that nobody has continued for this time.
    fn remove_parts(&self, age: Duration) {
        for (path, metadata) in self.files().filter(|(path, _)| path.to_string_lossy().ends_with(PART)) {
            let is_old = metadata.modified().is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed >= age));
            if is_old && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(path);
            }
        }
    }

    fn files(&self) -> impl Iterator<Item = (PathBuf, fs::Metadata)> + use<> {
        let entries = fs::read_dir(self.dir.path()).into_iter().flatten().flatten();
        entries.filter_map(|entry| {
            let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((entry.path(), metadata))
        })
    }
}

/// Removes a content that a browser has stored elsewhere.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests;
