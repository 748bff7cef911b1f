//! Contents on a disk: the transfers of a server.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::Path;

use kabar_core::content::{Encoder, GroupRange, NotProven, PARENT_LEN, Root};
use kabar_std::content::{EarlySync, FileSource, Outboard, is_whole, parent_offset, proven, write_at};

use super::dir::ContentDir;
use super::upload::{Place, Upload, encode};
use super::{ContentError, ContentStore};

/// Contents in a data directory. Uses two file handles and less than 20 KiB per transfer.
#[derive(Debug)]
pub struct FileContents {
    dir: ContentDir,
    uploads: HashMap<u64, FileUpload>,
    downloads: HashMap<u64, (Encoder, FileSource)>,
    sync: EarlySync,
}

#[derive(Debug)]
struct FileUpload {
    root: Root,
    size: u64,
    proof: Upload,
    /// `None` if the content was whole at the start.
    part: Option<Part>,
    /// Where its synchronisation began last.
    sync_begun: u64,
}

/// The files of a part.
#[derive(Debug)]
struct Part {
    content: File,
    outboard: File,
}

impl FileContents {
    /// The contents in the data directory `data`. Creates nothing before the first upload.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self {
            dir: ContentDir::new(data),
            uploads: HashMap::new(),
            downloads: HashMap::new(),
            sync: EarlySync::default(),
        }
    }

    /// Opens what is there of a content, and finds out how much of it proves.
    fn open(&self, root: Root, size: u64) -> io::Result<(u64, Option<Part>)> {
        if let Some(mut whole) = self.dir.open_whole(root, size)?
            && is_whole(root, size, &mut whole)
        {
            return Ok((size, None));
        }
        let (content, outboard) = self.dir.open_part(root, size)?;
        let mut source = FileSource { content, outboard: Outboard::File(outboard.try_clone()?) };
        let offset = proven(root, size, &mut source);
        // What follows does not prove, and the file of a whole content has its length.
        source.content.set_len(offset)?;
        Ok((offset, Some(Part { content: source.content, outboard })))
    }

    /// Makes a part durable and whole.
    fn complete(&self, root: Root, size: u64, part: &Part) -> io::Result<()> {
        part.content.sync_all()?;
        part.outboard.sync_all()?;
        self.dir.complete(root, size)
    }
}

impl ContentStore for FileContents {
    fn open_upload(&mut self, key: u64, root: Root, size: u64) -> Result<u64, ContentError> {
        let (offset, part) = self.open(root, size)?;
        let proof = Upload::new(root, size, offset).inspect_err(|_| {
            // The root of an empty content is wrong: there is no part of it to keep.
            let _ = self.dir.remove_part(root, size);
        })?;
        self.uploads.insert(key, FileUpload { root, size, proof, part, sync_begun: offset });
        Ok(offset)
    }

    fn append(&mut self, key: u64, bytes: &[u8]) -> Result<u64, ContentError> {
        let upload = self.uploads.get_mut(&key).ok_or(ContentError::Missing)?;
        let offset = upload.proof.append(bytes, &mut upload.part)?;
        if upload.part.is_some() {
            let path = self.dir.part(upload.root, upload.size);
            self.sync.advance(&path, &mut upload.sync_begun, offset);
        }
        Ok(offset)
    }

    fn finish(&mut self, key: u64) -> Result<(), ContentError> {
        let upload = self.uploads.get(&key).ok_or(ContentError::Missing)?;
        if !upload.proof.is_finished() {
            return Err(NotProven { offset: upload.proof.offset(), is_parent: false }.into());
        }
        let Some(FileUpload { root, size, part, .. }) = self.uploads.remove(&key) else { return Ok(()) };
        let completed = match part {
            Some(part) => self.complete(root, size, &part),
            None => Err(io::ErrorKind::NotFound.into()),
        };
        match completed {
            Ok(()) => Ok(()),
            // Another upload of the same content was finished before.
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.dir.open_whole(root, size)? {
                Some(_) => Ok(()),
                None => Err(ContentError::Missing),
            },
            Err(error) => {
                // After a failed synchronisation the system may have dropped what it could not
                // write, and reads what is still in memory: only new bytes are to be relied on.
                self.uploads.retain(|_, upload| upload.root != root);
                let _ = self.dir.remove_part(root, size);
                Err(error.into())
            }
        }
    }

    fn open_download(&mut self, key: u64, root: Root, size: u64, range: GroupRange) -> Result<(), ContentError> {
        let source = self.dir.open_whole(root, size)?.ok_or(ContentError::Missing)?;
        self.downloads.insert(key, (Encoder::new(range), source));
        Ok(())
    }

    fn read(&mut self, key: u64, max: usize, out: &mut Vec<u8>) -> Result<bool, ContentError> {
        let (encoder, source) = self.downloads.get_mut(&key).ok_or(ContentError::Missing)?;
        encode(encoder, source, max, out)
    }

    fn close(&mut self, key: u64) {
        self.uploads.remove(&key);
        self.downloads.remove(&key);
    }

    fn remove(&mut self, root: Root) -> Result<(), ContentError> {
        // An upload that goes on would rename the part of a later one.
        self.uploads.retain(|_, upload| upload.root != root);
        Ok(self.dir.remove(root)?)
    }
}

impl Place for Option<Part> {
    fn write_parent(&mut self, index: u64, parent: &[u8; PARENT_LEN]) -> io::Result<()> {
        self.as_ref().map_or(Ok(()), |part| write_at(&part.outboard, parent_offset(index)?, parent))
    }

    fn write_group(&mut self, offset: u64, group: &[u8]) -> io::Result<()> {
        self.as_ref().map_or(Ok(()), |part| write_at(&part.content, offset, group))
    }
}

#[cfg(test)]
mod tests;
