//! The files of contents: `files/ab/cdef…` in the data directory is the content whose root begins
//! with `abcdef`, in hexadecimal; `….tree` beside it is its outboard. A part is `….SIZE.part` with
//! `….SIZE.part.tree`.
//!
//! A part is renamed when all of it is durable, the outboard first: a file with the name of a whole
//! content is one. A whole file is never written again, so that a backup may be a hard link to it.
//! Files and directories are for their owner only. What is not a regular file, or not a directory,
//! is not used: a symbolic link could lead elsewhere.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use kabar_core::content::{ROOT_LEN, Root};
use kabar_std::content::{FileSource, Outboard};
use kabar_std::data_dir::sync_dir;

/// The directory of the contents in the data directory.
pub const DIR_NAME: &str = "files";
/// Digits of a root in the name of a directory.
const PREFIX_LEN: usize = 2;

/// A directory of contents.
#[derive(Clone, Debug)]
pub struct ContentDir {
    path: PathBuf,
}

/// What is in a directory of contents.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Whole contents by root, with their lengths.
    pub whole: Vec<(Root, u64)>,
    /// Parts: the root, the length of the whole content, and that of the part.
    pub parts: Vec<(Root, u64, u64)>,
    /// Files that are none of these, and outboards without a content.
    pub others: Vec<PathBuf>,
}

impl ContentDir {
    /// The contents in the data directory `data`.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self::at(data.join(DIR_NAME))
    }

    /// The contents in the directory `path`, which is created when it is needed.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a whole content of `size` bytes, if there is one.
    ///
    /// # Errors
    /// Those of the disk; also if something else is in its place.
    pub fn open_whole(&self, root: Root, size: u64) -> io::Result<Option<FileSource>> {
        let path = self.whole(root);
        let open = || -> io::Result<FileSource> {
            self.check_dirs(root)?;
            let content = open_regular(&path, OpenOptions::new().read(true))?;
            if content.metadata()?.len() != size {
                return Err(io::ErrorKind::NotFound.into());
            }
            let outboard = open_regular(&tree(&path), OpenOptions::new().read(true))?;
            Ok(FileSource { content, outboard: Outboard::File(outboard) })
        };
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens a part and its outboard to write on; creates them if there is none.
    pub(super) fn open_part(&self, root: Root, size: u64) -> io::Result<(File, File)> {
        make_dir(&self.path)?;
        make_dir(&self.dir_of(root))?;
        let path = self.part(root, size);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok((open_regular(&path, &options)?, open_regular(&tree(&path), &options)?))
    }

    /// Gives a durable part the name of a whole content.
    pub(super) fn complete(&self, root: Root, size: u64) -> io::Result<()> {
        let (part, whole) = (self.part(root, size), self.whole(root));
        fs::rename(tree(&part), tree(&whole))?;
        fs::rename(&part, &whole)?;
        sync_dir(&self.dir_of(root))
    }

    pub(super) fn remove_part(&self, root: Root, size: u64) -> io::Result<()> {
        let part = self.part(root, size);
        let removed = remove_file(&part);
        removed.and(remove_file(&tree(&part)))
    }

    /// Removes a content and all parts of it, durably.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn remove(&self, root: Root) -> io::Result<()> {
        let whole = self.whole(root);
        // Without its content, an outboard is nothing.
        remove_file(&whole)?;
        remove_file(&tree(&whole))?;
        for part in self.stored_in(root)?.parts {
            if part.0 == root {
                self.remove_part(root, part.1)?;
            }
        }
        match sync_dir(&self.dir_of(root)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced,
        }
    }

    /// Lists everything in the directory, which may not exist.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn stored(&self) -> io::Result<Stored> {
        let mut stored = Stored::default();
        for path in entries(&self.path)? {
            let prefix = name(&path).filter(|name| name.len() == PREFIX_LEN && hex(name).is_some());
            match prefix {
                Some(_) if is_dir(&path)? => self.add(&path, &mut stored)?,
                _ => stored.others.push(path),
            }
        }
        stored.whole.sort_unstable();
        stored.parts.sort_unstable();
        stored.others.sort_unstable();
        Ok(stored)
    }

    /// Puts a durable whole content with its outboard into `to`: as hard links where that is
    /// possible, otherwise as copies. Does nothing if it is there.
    ///
    /// # Errors
    /// Those of the disk; [`NotFound`](io::ErrorKind::NotFound) if there is no such content.
    pub fn copy(&self, root: Root, to: &Self) -> io::Result<()> {
        make_dir(&to.path)?;
        make_dir(&to.dir_of(root))?;
        let (from, into) = (self.whole(root), to.whole(root));
        if fs::exists(&into)? && fs::exists(tree(&into))? {
            return Ok(());
        }
        self.check_dirs(root)?;
        copy_file(&tree(&from), &tree(&into))?;
        copy_file(&from, &into)?;
        sync_dir(&to.dir_of(root))
    }

    fn dir_of(&self, root: Root) -> PathBuf {
        self.path.join(&root.to_string()[..PREFIX_LEN])
    }

    fn whole(&self, root: Root) -> PathBuf {
        self.dir_of(root).join(&root.to_string()[PREFIX_LEN..])
    }

    /// The path of a part.
    pub(super) fn part(&self, root: Root, size: u64) -> PathBuf {
        append(self.whole(root), &format!(".{size}.part"))
    }

    /// Whether the directories of a content are directories.
    fn check_dirs(&self, root: Root) -> io::Result<()> {
        for dir in [&self.path, &self.dir_of(root)] {
            if !is_dir(dir)? {
                return Err(in_the_way(dir));
            }
        }
        Ok(())
    }

    /// What is in the directory of a content.
    fn stored_in(&self, root: Root) -> io::Result<Stored> {
        let mut stored = Stored::default();
        self.add(&self.dir_of(root), &mut stored)?;
        Ok(stored)
    }

    fn add(&self, dir: &Path, stored: &mut Stored) -> io::Result<()> {
        for path in entries(dir)? {
            let Some(file) = self.parse(dir, &path) else {
                stored.others.push(path);
                continue;
            };
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                // Renamed or removed since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match file {
                _ if !metadata.is_file() => stored.others.push(path),
                Name { root, part: None, is_tree: false } => stored.whole.push((root, metadata.len())),
                Name { root, part: Some(size), is_tree: false } => stored.parts.push((root, size, metadata.len())),
                Name { root, part, is_tree: true } => {
                    let content = part.map_or_else(|| self.whole(root), |size| self.part(root, size));
                    // Between the two renames the outboard has its new name, and the part is there.
                    if !fs::exists(&content)? {
                        stored.others.push(path);
                    }
                }
            }
        }
        Ok(())
    }

    /// Which file of a content `path` is by its name.
    fn parse(&self, dir: &Path, path: &Path) -> Option<Name> {
        let (name, is_tree) = match name(path)?.strip_suffix(".tree") {
            Some(name) => (name, true),
            None => (name(path)?, false),
        };
        let (digits, part) = match name.strip_suffix(".part") {
            Some(name) => name.split_once('.').map(|(digits, size)| (digits, size.parse().ok()))?,
            None => (name, None),
        };
        let root = root_of(&format!("{}{digits}", self::name(dir)?))?;
        let expected = part.map_or_else(|| self.whole(root), |size| self.part(root, size));
        (if is_tree { tree(&expected) } else { expected } == *path).then_some(Name { root, part, is_tree })
    }
}

/// The meaning of a file's name.
struct Name {
    root: Root,
    /// Length of the whole content, if it is a part.
    part: Option<u64>,
    is_tree: bool,
}

/// The root that 64 hexadecimal digits state.
#[must_use]
pub fn root_of(digits: &str) -> Option<Root> {
    hex(digits)?.try_into().ok().map(Root)
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok().filter(|bytes| bytes.len() <= ROOT_LEN)
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn append(path: PathBuf, suffix: &str) -> PathBuf {
    let mut path = path.into_os_string();
    path.push(suffix);
    path.into()
}

/// The outboard of a content.
fn tree(content: &Path) -> PathBuf {
    append(content.to_path_buf(), ".tree")
}

/// Paths in a directory; none if it does not exist.
fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn is_dir(path: &Path) -> io::Result<bool> {
    Ok(fs::symlink_metadata(path)?.is_dir())
}

/// Creates a directory for its owner only, durably, if there is none.
fn make_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Ok(()) => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_dir(parent.unwrap_or(Path::new(".")))
        }
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if is_dir(path)? => Ok(()),
        Err(_) => Err(in_the_way(path)),
    }
}

/// Opens a regular file, and nothing else.
fn open_regular(path: &Path, options: &OpenOptions) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(in_the_way(path)),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    options.open(path)
}

fn in_the_way(path: &Path) -> io::Error {
    io::Error::other(format!("{} is in the way: move it elsewhere", path.display()))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Links `to` to a regular file, or copies it if there can be no link. After a crash, `to` is whole
/// or not there.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut content = open_regular(from, OpenOptions::new().read(true))?;
    remove_file(to)?;
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    let new = append(to.to_path_buf(), ".new");
    remove_file(&new)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut copy = options.open(&new)?;
    io::copy(&mut content, &mut copy)?;
    copy.sync_all()?;
    fs::rename(new, to)
}

#[cfg(test)]
mod tests;
