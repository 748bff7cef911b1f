//! Contents of files on a disk (SPEC 10): hashing a file, sending from it, and finding out which
//! part of a received file is proven.
//!
//! ```no_run
//! use std::fs::File;
//!
//! use kabar_core::content::{Encoder, GroupRange};
//! use kabar_std::content::{FileSource, Outboard, hash};
//!
//! // One pass over the file; 4 KiB of outboard per MiB.
//! let mut outboard = Vec::new();
//! let hashed = hash(File::open("picture.jpg")?, &mut outboard)?;
//!
//! let (content, outboard) = (File::open("picture.jpg")?, Outboard::Bytes(outboard));
//! let mut source = FileSource { content, outboard };
//! let mut encoder = Encoder::new(GroupRange::all(hashed.size));
//! let mut chunk = [0; 1000];
//! let len = encoder.encode(&mut source, &mut chunk)?;
//! # Ok::<(), std::io::Error>(())
//! ```

mod early_sync;

use std::fs::File;
use std::io::{self, Read, Write};

use kabar_core::content::{
    Decoder, Encoder, GROUP_LEN, GroupRange, MAX_DEPTH, OutboardBuilder, PARENT_LEN, Proven, Root, Source,
};

pub use early_sync::EarlySync;

/// Bytes that are read at once while hashing: whole groups are hashed fastest.
const READ_LEN: usize = 4 * GROUP_LEN;

/// A content that was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// Its root.
    pub root: Root,
    /// Its length in bytes.
    pub size: u64,
}

/// A content in a file, with its outboard: what an [`Encoder`] reads.
///
/// If the file became shorter since it was hashed, a read fails with
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof). If its bytes changed, the receiver finds out.
#[derive(Debug)]
pub struct FileSource {
    /// The content. Reads state their position, so the file may be used elsewhere as well.
    pub content: File,
    /// The parents of its tree.
    pub outboard: Outboard,
}

/// Where the parents of a content are, in post-order (SPEC 10.5).
#[derive(Debug)]
pub enum Outboard {
    /// In memory: 4 KiB per MiB of the content.
    Bytes(Vec<u8>),
    /// In a file.
    File(File),
}

/// Reads `content` to its end, writes its outboard to `outboard`, and returns its root and length.
///
/// Give a buffered writer, or a `Vec`: the parents are written one by one. Use [`io::sink`] if only
/// the root is needed. It needs 64 KiB of memory.
///
/// # Errors
/// Those of reading and writing.
pub fn hash(content: impl Read, outboard: impl Write) -> io::Result<Hashed> {
    hash_with(content, outboard, |_| true).and_then(|hashed| hashed.ok_or_else(|| io::ErrorKind::Interrupted.into()))
}

/// As [`hash`]. Calls `goes_on` with the number of bytes hashed so far, about every 64 KiB, for a
/// progress display; returns `None` as soon as it returns `false`.
///
/// # Errors
/// Those of reading and writing.
pub fn hash_with(
    mut content: impl Read,
    mut outboard: impl Write,
    mut goes_on: impl FnMut(u64) -> bool,
) -> io::Result<Option<Hashed>> {
    let mut builder = OutboardBuilder::new();
    let mut buffer = vec![0; READ_LEN];
    let mut emit = |parent: &[u8; PARENT_LEN]| outboard.write_all(parent);
    let mut size = 0;
    loop {
        let len = fill(&mut content, &mut buffer)?;
        size += len as u64;
        builder.update(&mut &buffer[..len], &mut emit)?;
        if len < buffer.len() {
            break;
        }
        if !goes_on(size) {
            return Ok(None);
        }
    }
    let root = builder.finish(&mut emit)?;
    outboard.flush()?;
    Ok(Some(Hashed { root, size }))
}

/// Returns the offset before which all groups of a content of `size` bytes prove against `root`
/// with what `source` has: `size` if the content is whole.
///
/// A receiver that stores proven groups and parents continues there after a restart. It does not
/// have to record its progress, and what a crash destroyed does not prove. Reads everything up to
/// that offset. A read that fails counts as the end of what is there.
pub fn proven(root: Root, size: u64, source: &mut impl Source) -> u64 {
    let range = GroupRange::all(size);
    let Ok(mut decoder) = Decoder::<MAX_DEPTH>::new(root, range) else { return 0 };
    let mut encoder = Encoder::new(range);
    let (mut piece, mut group) = (vec![0; GROUP_LEN], Box::new([0; GROUP_LEN]));
    let mut end = 0;
    while !decoder.is_finished() {
        let Ok(len) = encoder.encode(source, &mut piece) else { break };
        let mut input = &piece[..len];
        loop {
            match decoder.decode(&mut input, &mut group) {
                Ok(Some(Proven::Group { offset, bytes })) => end = offset + bytes.len() as u64,
                Ok(Some(Proven::Parent { .. })) => {}
                Ok(None) => break,
                Err(_) => return end,
            }
        }
        if len == 0 {
            break;
        }
    }
    end
}

/// Whether all of a content of `size` bytes proves against `root`. Unlike [`proven`], it tells an
/// empty content from one that is not.
pub fn is_whole(root: Root, size: u64, source: &mut impl Source) -> bool {
    if size == 0 { root == Root::of(b"") } else { proven(root, size, source) == size }
}

impl Source for FileSource {
    type Error = io::Error;

    fn parent(&mut self, index: u64) -> io::Result<[u8; PARENT_LEN]> {
        self.outboard.parent(index)
    }

    fn content(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_at(&self.content, offset, out)
    }
}

impl Outboard {
    /// Reads the parent at position `index`.
    ///
    /// # Errors
    /// Those of reading; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if there are fewer
    /// parents.
    pub fn parent(&self, index: u64) -> io::Result<[u8; PARENT_LEN]> {
        match self {
            Self::Bytes(bytes) => {
                let (parents, _) = bytes.as_chunks::<PARENT_LEN>();
                let parent = usize::try_from(index).ok().and_then(|index| parents.get(index));
                parent.copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
            }
            Self::File(file) => {
                let mut parent = [0; PARENT_LEN];
                read_at(file, parent_offset(index)?, &mut parent)?;
                Ok(parent)
            }
        }
    }
}

/// Offset in an outboard of the parent at position `index`.
///
/// # Errors
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if no file is that long.
pub fn parent_offset(index: u64) -> io::Result<u64> {
    index.checked_mul(PARENT_LEN as u64).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

/// Fills `buffer`, or as much of it as there is, and returns the number of bytes.
fn fill(content: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Fills `out` with the bytes of `file` from `offset` on.
///
/// # Errors
/// Those of reading; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) beyond the end.
#[cfg(unix)]
pub fn read_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

/// Writes `bytes` to `file` from `offset` on. After an error, some of them may be written.
///
/// # Errors
/// Those of writing.
#[cfg(unix)]
pub fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Fills `out` with the bytes of `file` from `offset` on. Moves the position of the file.
///
/// # Errors
/// Those of reading; [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) beyond the end.
#[cfg(not(unix))]
pub fn read_at(mut file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.read_exact(out)
}

/// Writes `bytes` to `file` from `offset` on. Moves the position of the file.
///
/// # Errors
/// Those of writing.
#[cfg(not(unix))]
pub fn write_at(mut file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests;
