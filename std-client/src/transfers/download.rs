//! A file that is received: each group is proven before it is written, the whole is synchronised
//! and checked before it has its name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use kabar_core::content::{Decoder, GROUP_LEN, GroupRange, OutboardBuilder, Proven, Root};
use kabar_std::content::EarlySync;
use kabar_std::data_dir::sync_dir;

use super::names::{cut, numbered};
use super::upload::fill;
use super::{FileFailure, READ_LEN};

/// Copies of one name in a folder.
const MAX_COPIES: u32 = 10_000;
/// Hexadecimal digits of the root in the name of a partial file.
const ROOT_DIGITS: usize = 16;

/// Where a received file is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// In this folder, with a name that no other file there has.
    Folder {
        /// The folder.
        folder: PathBuf,
        /// A name from [`names::safe_name`](super::names::safe_name).
        name: String,
    },
    /// With this path, where no file is yet.
    Path(PathBuf),
}

impl Destination {
    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self {
            Self::Folder { folder, .. } => folder,
            Self::Path(path) => path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new(".")),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Folder { name, .. } => name.clone(),
            Self::Path(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// Returns the path of the partial file of a content. It names the content, so that a later attempt
/// finds it.
#[must_use]
pub fn part_path(destination: &Destination, root: Root) -> PathBuf {
    let (name, root) = (destination.name(), root.to_string());
    let suffix = format!(".{}.part", cut(&root, ROOT_DIGITS));
    let name = cut(&name, super::names::MAX_LEN.saturating_sub(suffix.len()));
    destination.folder().join(format!("{name}{suffix}"))
}

/// A file that is being received. The partial file is locked meanwhile.
#[derive(Debug)]
pub(super) struct Download {
    part: PathBuf,
    destination: Destination,
    file: File,
    root: Root,
    size: u64,
    /// Everything before it was proven, by this process or an earlier one.
    offset: u64,
    /// Where its synchronisation began last.
    sync_begun: u64,
    decoder: Option<Box<Decoder>>,
    group: Box<[u8; GROUP_LEN]>,
    /// Checks the whole file again, of which an earlier process wrote a part.
    check: Option<Box<OutboardBuilder>>,
}

impl Download {
    pub(super) fn open(destination: Destination, root: Root, size: u64) -> Result<Self, FileFailure> {
        let part = part_path(&destination, root);
        if let Destination::Path(path) = &destination
            && path.symlink_metadata().is_ok()
        {
            return Err(FileFailure::Exists);
        }
        let failed = || FileFailure::new("write to", &part);
        fs::create_dir_all(destination.folder()).map_err(failed())?;
        let mut file = open_part(&part).map_err(failed())?;
        if !file.metadata().map_err(failed())?.is_file() {
            return Err(FileFailure::NotAFile);
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FileFailure::Busy),
            Err(TryLockError::Error(error)) => return Err(failed()(error)),
        }
        let len = file.metadata().map_err(failed())?.len();
        let offset = if len >= size { size } else { len - len % GROUP_LEN as u64 };
        file.set_len(offset).map_err(failed())?;
        file.seek(SeekFrom::Start(offset)).map_err(failed())?;
        let check = (offset > 0).then(|| Box::new(OutboardBuilder::new()));
        let group = Box::new([0; GROUP_LEN]);
        Ok(Self { part, destination, file, root, size, offset, sync_begun: offset, decoder: None, group, check })
    }

    /// Everything before it is stored.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The encoding of the rest follows. Returns whether that is possible.
    pub(super) fn begin(&mut self) -> bool {
        let range = GroupRange::starting_at(self.size, self.offset).ok();
        self.decoder = range.and_then(|range| Some(Box::new(Decoder::new(self.root, range).ok()?)));
        self.decoder.is_some()
    }

    /// Proves bytes of the encoding, and writes the groups in it. Returns the offset before which
    /// everything is stored.
    pub(super) fn write(&mut self, mut bytes: &[u8], sync: &mut EarlySync) -> Result<u64, FileFailure> {
        let Self { part, file, offset, decoder, group, .. } = self;
        let Some(decoder) = decoder else { return Ok(*offset) };
        while let Some(proven) = decoder
            .decode(&mut bytes, group)
            .map_err(|not_proven| FileFailure::NotProven { offset: not_proven.offset })?
        {
            let Proven::Group { bytes: group, .. } = proven else { continue };
            if let Err(error) = file.write_all(group) {
                // A part of the group may be written.
                let _ = file.set_len(*offset);
                let _ = file.seek(SeekFrom::Start(*offset));
                self.decoder = None;
                return Err(FileFailure::new("write to", part)(error));
            }
            *offset += group.len() as u64;
        }
        sync.advance(part, &mut self.sync_begun, *offset);
        match bytes {
            [] => Ok(*offset),
            _ => Err(FileFailure::NotProven { offset: *offset }),
        }
    }

    /// The encoding has ended. Returns whether everything is there.
    pub(super) fn end(&mut self) -> Result<bool, FileFailure> {
        // The group of an empty content is proven without a byte.
        self.write(&[], &mut EarlySync::default())?;
        if self.check.is_some() {
            self.file.seek(SeekFrom::Start(0)).map_err(FileFailure::new("read", &self.part))?;
        }
        Ok(self.offset == self.size && self.decoder.as_ref().is_none_or(|decoder| decoder.is_finished()))
    }

    /// Takes a step of the last check. Returns the path of the file when it has its name.
    pub(super) fn finish(&mut self) -> Result<Option<PathBuf>, FileFailure> {
        if let Some(check) = &mut self.check {
            let mut buffer = vec![0; READ_LEN];
            let len = fill(&mut self.file, &mut buffer).map_err(FileFailure::new("read", &self.part))?;
            let Ok(()) = check.update(&mut &buffer[..len], |_| Ok::<_, std::convert::Infallible>(()));
            if len == READ_LEN {
                return Ok(None);
            }
            if check.root() != self.root {
                self.file.set_len(0).map_err(FileFailure::new("write to", &self.part))?;
                return Err(FileFailure::Damaged);
            }
            self.check = None;
        }
        self.file.sync_all().map_err(FileFailure::new("write to", &self.part))?;
        let path = self.place()?;
        sync_dir(self.destination.folder()).map_err(FileFailure::new("write to", self.destination.folder()))?;
        Ok(Some(path))
    }

    /// Gives the file its name, without replacing another one.
    fn place(&self) -> Result<PathBuf, FileFailure> {
        for number in 0..MAX_COPIES {
            let path = match &self.destination {
                Destination::Folder { folder, name } => folder.join(&*numbered(name, number)),
                Destination::Path(path) => path.clone(),
            };
            match name_file(&self.part, &path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(FileFailure::new("create", &path)(error)),
            }
            if let Destination::Path(_) = self.destination {
                break;
            }
        }
        Err(FileFailure::Exists)
    }

    /// Removes what was received.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.part);
    }
}

/// Renames `part`, unless `path` exists.
fn name_file(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems have no hard links. The empty file reserves the name.
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).open(path)?;
            fs::rename(part, path)
        }
    }
}

/// Opens a partial file, which may exist, for this user alone. Never follows a link.
#[cfg(unix)]
fn open_part(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags.bits())
        .open(path)
}

#[cfg(not(unix))]
fn open_part(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}
