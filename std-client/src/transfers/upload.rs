//! A file that is sent: hashed as a whole, then encoded from where the server has it.

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use kabar_core::content::{Decoder, Encoder, GROUP_LEN, GroupRange, OutboardBuilder, PARENT_LEN, Root, Source};

use super::media_type::media_type;
use super::{FileFailure, READ_LEN};

/// Longest file that is sent. Its outboard is in memory, and has 1/256 of its length.
pub const MAX_FILE_LEN: u64 = 16 << 30;

/// A file that is being hashed.
#[derive(Debug)]
pub(super) struct Hashing {
    path: PathBuf,
    file: File,
    len: u64,
    done: u64,
    media_type: &'static str,
    builder: Box<OutboardBuilder>,
    outboard: Vec<u8>,
}

/// A file whose root is known.
#[derive(Debug)]
pub(super) struct Upload {
    path: PathBuf,
    source: FileSource,
    root: Root,
    len: u64,
    media_type: &'static str,
    /// The encoding in progress, and what checks it.
    encoding: Option<(Encoder, Box<Decoder>)>,
    group: Box<[u8; GROUP_LEN]>,
}

/// A file and its outboard.
#[derive(Debug)]
struct FileSource {
    file: File,
    outboard: Vec<u8>,
}

impl Hashing {
    pub(super) fn open(path: &Path) -> Result<Self, FileFailure> {
        let failed = || FileFailure::new("read", path);
        // Opening a pipe could wait for its other end.
        check_kind(&fs::metadata(path).map_err(failed())?)?;
        let file = File::open(path).map_err(failed())?;
        let metadata = file.metadata().map_err(failed())?;
        check_kind(&metadata)?;
        if metadata.len() > MAX_FILE_LEN {
            return Err(FileFailure::TooLong);
        }
        let (builder, outboard) = (Box::new(OutboardBuilder::new()), Vec::new());
        Ok(Self { path: path.to_owned(), file, len: metadata.len(), done: 0, media_type: "", builder, outboard })
    }

    /// Bytes that were hashed.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// The length of the file in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Hashes the next bytes. Returns whether that were the last ones.
    pub(super) fn step(&mut self) -> Result<bool, FileFailure> {
        let mut buffer = vec![0; READ_LEN];
        let len = fill(&mut self.file, &mut buffer).map_err(FileFailure::new("read", &self.path))?;
        if self.done == 0 {
            self.media_type = media_type(&buffer[..len]);
        }
        self.done += len as u64;
        let outboard = &mut self.outboard;
        let Ok(()) = self.builder.update(&mut &buffer[..len], |parent| {
            outboard.extend_from_slice(parent);
            Ok::<_, Infallible>(())
        });
        match (len < READ_LEN, self.done == self.len) {
            (false, _) if self.done <= self.len => Ok(false),
            (true, true) => Ok(true),
            _ => Err(FileFailure::Changed),
        }
    }

    pub(super) fn finish(mut self) -> Upload {
        let outboard = &mut self.outboard;
        let Ok(root) = self.builder.finish(|parent| {
            outboard.extend_from_slice(parent);
            Ok::<_, Infallible>(())
        });
        let source = FileSource { file: self.file, outboard: self.outboard };
        let Self { path, len, media_type, .. } = self;
        Upload { path, source, root, len, media_type, encoding: None, group: Box::new([0; GROUP_LEN]) }
    }
}

impl Upload {
    pub(super) fn root(&self) -> Root {
        self.root
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn media_type(&self) -> &'static str {
        self.media_type
    }

    /// The encoding begins at this offset. Returns whether that is possible.
    pub(super) fn begin(&mut self, offset: u64) -> bool {
        let range = GroupRange::starting_at(self.len, offset).ok();
        self.encoding =
            range.and_then(|range| Some((Encoder::new(range), Box::new(Decoder::new(self.root, range).ok()?))));
        self.encoding.is_some()
    }

    /// Returns the next `max` bytes of the encoding, the offset in the file that they reach, and
    /// whether they are the last ones. Bytes that do not belong to the content are not returned.
    pub(super) fn encode(&mut self, max: usize) -> Result<(Vec<u8>, u64, bool), FileFailure> {
        let Self { path, source, group, encoding, .. } = self;
        let Some((encoder, decoder)) = encoding else { return Ok((Vec::new(), 0, true)) };
        let mut bytes = vec![0; max];
        let len = encoder.encode(source, &mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FileFailure::Changed,
            _ => FileFailure::new("read", path)(error),
        })?;
        bytes.truncate(len);
        let mut input = &bytes[..];
        while decoder.decode(&mut input, group).map_err(|_| FileFailure::Changed)?.is_some() {}
        Ok((bytes, encoder.offset(), encoder.is_finished()))
    }
}

impl Source for FileSource {
    type Error = io::Error;

    fn parent(&mut self, index: u64) -> io::Result<[u8; PARENT_LEN]> {
        let (parents, _) = self.outboard.as_chunks::<PARENT_LEN>();
        let parent = usize::try_from(index).ok().and_then(|index| parents.get(index));
        parent.copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn content(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(out)
    }
}

fn check_kind(metadata: &fs::Metadata) -> Result<(), FileFailure> {
    match metadata.is_file() {
        true => Ok(()),
        false if metadata.is_dir() => Err(FileFailure::Directory),
        false => Err(FileFailure::NotAFile),
    }
}

/// Reads until `buffer` is full or the file ends. Returns the number of bytes.
pub(super) fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}
