//! A private data directory: files are replaced atomically, and lock files keep other processes
//! out.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::reading::decode;

/// Longest file in bytes that is read; every file kept here is far smaller.
const MAX_FILE_LEN: u64 = 1 << 20;

/// The lock of a running server, and of programs that change files that only a server may change.
pub const SERVER_LOCK: &str = "server.lock";

/// A directory for secrets.
#[derive(Clone, Debug)]
pub struct DataDir {
    path: PathBuf,
}

/// A lock that one process holds at a time. Released when dropped, or when the process ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Releases it at once. Closing the file does not while a process that was just started still
    /// has a copy of it.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// An operation on a file failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {cause}", path.display())]
pub struct FileError {
    action: &'static str,
    path: PathBuf,
    #[source]
    cause: io::Error,
}

/// Why a file or a directory that is there cannot be used: the cause of a [`FileError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A file is in the place of the data directory.
    #[error("not a directory; choose one with --data-dir")]
    NotADirectory,
    /// It is far longer than any file that is kept here.
    #[error("the file is far too long")]
    FarTooLong,
    /// It is damaged, and only a copy has its content.
    #[error("the file is damaged; restore it from a copy")]
    DamagedKey,
    /// It is damaged, and a new one can take its place.
    #[error("the file is damaged; restore it from a copy, or remove it for a new secret")]
    DamagedSecret,
    /// It is damaged, and a person can correct it.
    #[error("the file is damaged; correct or remove it")]
    DamagedText,
    /// It is damaged, and the program replaces it.
    #[error("the file is damaged and will be replaced")]
    DamagedAndReplaced,
}

/// A lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it; its id, if known.
    #[error("in use by another process{}", .0.map_or_else(String::new, |id| format!(" ({id})")))]
    Held(Option<u32>),
    /// The lock file cannot be used.
    #[error(transparent)]
    File(FileError),
}

impl DataDir {
    /// The default directory: `~/.local/share/kabar`, or the equivalent of this system.
    #[must_use]
    pub fn default_path() -> Option<PathBuf> {
        directories::ProjectDirs::from("", "", "kabar").map(|dirs| dirs.data_dir().to_path_buf())
    }

    /// The user's folder for downloads: that of the desktop (XDG), or `Downloads`.
    #[must_use]
    pub fn downloads() -> Option<PathBuf> {
        let dirs = directories::UserDirs::new()?;
        Some(dirs.download_dir().map_or_else(|| dirs.home_dir().join("Downloads"), Path::to_path_buf))
    }

    /// Opens a directory. Creates it, accessible to its owner only, if it does not exist.
    ///
    /// # Errors
    /// [`FileError`] if it does not exist and cannot be created.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        if path.exists() && !path.is_dir() {
            let cause = io::Error::new(io::ErrorKind::NotADirectory, Unusable::NotADirectory);
            return Err(FileError::new("use", path)(cause));
        }
        make_private_dir(path).map_err(FileError::new("create", path))?;
        Ok(Self { path: path.to_path_buf() })
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of `name` in the directory.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a file, or returns `None` if it does not exist. Restricts its permissions to the owner
    /// first.
    ///
    /// # Errors
    /// [`FileError`], also if the file is not UTF-8 or too long.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, FileError> {
        let path = self.join(name);
        let failed = FileError::new("read", &path);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = Zeroizing::new(Vec::new());
        let read = (|| {
            let len = file.metadata()?.len();
            if len > MAX_FILE_LEN {
                return Err(io::Error::other(Unusable::FarTooLong));
            }
            make_private(&file)?;
            // Reserved in one piece: growing would leave copies of a secret in memory.
            bytes.reserve(usize::try_from(len).unwrap_or(0) + 1);
            (&file).take(MAX_FILE_LEN).read_to_end(&mut bytes)?;
            let text = decode(&bytes).map_err(|why| io::Error::new(io::ErrorKind::InvalidData, why))?;
            Ok(Zeroizing::new(text.to_owned()))
        })();
        read.map(Some).map_err(failed)
    }

    /// Replaces a file atomically: after a crash at any moment it has either the old or the new
    /// content. Does not write a file that has this content already, so that this works on a full
    /// disk.
    ///
    /// # Errors
    /// [`FileError`]; the file then keeps its old content.
    pub fn replace(&self, name: &str, content: &[u8]) -> Result<(), FileError> {
        let path = self.join(name);
        let parent = path.parent().unwrap_or(&self.path);
        if self.holds(&path, content) {
            return Ok(());
        }
        let write = || {
            make_private_dir(parent)?;
            // Created with mode 0600.
            let mut file = tempfile::NamedTempFile::new_in(parent)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            sync_dir(parent)
        };
        write().map_err(FileError::new("write", &path))
    }

    /// Whether `path` is a regular file with this content; restricts its permissions to the owner.
    fn holds(&self, path: &Path, content: &[u8]) -> bool {
        let mut present = Zeroizing::new(Vec::new());
        let mut read = || {
            if !fs::symlink_metadata(path)?.is_file() {
                return Ok(false);
            }
            let file = File::open(path)?;
            make_private(&file)?;
            present.reserve(content.len() + 1);
            file.take(content.len() as u64 + 1).read_to_end(&mut present)?;
            Ok::<_, io::Error>(present.as_slice() == content)
        };
        read().unwrap_or(false)
    }

    /// Creates an empty file if there is none, and restricts its permissions to the owner.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn make_private_file(&self, name: &str) -> Result<(), FileError> {
        let path = self.join(name);
        let make = || {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            make_private(&options.open(&path)?)?;
            sync_dir(path.parent().unwrap_or(&self.path))
        };
        make().map_err(FileError::new("use", &path))
    }

    /// Restricts the permissions of a file to its owner, if the file exists.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn keep_private(&self, name: &str) -> Result<(), FileError> {
        let path = self.join(name);
        match File::open(&path).and_then(|file| make_private(&file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            kept => kept.map_err(FileError::new("use", &path)),
        }
    }

    /// Waits for a lock. Use it for locks that are held briefly.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn lock_waiting(&self, name: &str) -> Result<Lock, FileError> {
        let path = self.join(name);
        let lock = || {
            let file = self.open_lock(&path)?;
            file.lock()?;
            Ok(Lock { file })
        };
        lock().map_err(FileError::new("lock", &path))
    }

    /// Takes a lock without waiting, and writes this process's id to its file.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn lock(&self, name: &str) -> Result<Lock, LockError> {
        let path = self.join(name);
        let failed = FileError::new("lock", &path);
        let open = || {
            let mut file = self.open_lock(&path)?;
            match file.try_lock() {
                Ok(()) => {
                    file.set_len(0)?;
                    writeln!(file, "{}", std::process::id())?;
                    Ok(Ok(Lock { file }))
                }
                Err(TryLockError::WouldBlock) => {
                    let mut id = String::new();
                    file.rewind()?;
                    let id = file.take(16).read_to_string(&mut id).ok().and_then(|_| id.trim().parse().ok());
                    Ok(Err(LockError::Held(id)))
                }
                Err(TryLockError::Error(error)) => Err(error),
            }
        };
        open().map_err(|error| LockError::File(failed(error)))?
    }

    fn open_lock(&self, path: &Path) -> io::Result<File> {
        make_private_dir(path.parent().unwrap_or(&self.path))?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        make_private(&file)?;
        Ok(file)
    }
}

/// Whether a process holds the lock of the file at `path`.
#[must_use]
pub fn is_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl FileError {
    /// Returns a function that adds `action` and `path` to an I/O error.
    pub fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |cause| Self { action, path, cause }
    }

    /// Returns what was done with the file: `read`, `write to`.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        self.action
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns why it failed.
    #[must_use]
    pub const fn cause(&self) -> &io::Error {
        &self.cause
    }

    /// The error for a file with invalid content.
    #[must_use]
    pub fn damaged(path: &Path, why: Unusable) -> Self {
        Self::new("use", path)(io::Error::new(io::ErrorKind::InvalidData, why))
    }
}

#[cfg(unix)]
fn make_private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    // The permissions of an existing directory are kept: it may be shared on purpose.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(unix)]
fn make_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 { file.set_permissions(fs::Permissions::from_mode(0o600)) } else { Ok(()) }
}

/// Synchronises a directory: a new or renamed entry is durable only after this.
///
/// # Errors
/// Any I/O error.
#[cfg(unix)]
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn make_private_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

#[cfg(not(unix))]
fn make_private(_: &File) -> io::Result<()> {
    Ok(())
}

/// Does nothing on this system.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn sync_dir(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
