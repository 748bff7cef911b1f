//! Contents in memory, for simulation and tests. They outlive a server that is killed.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use kabar_core::content::{Encoder, GroupRange, NotProven, PARENT_LEN, Root, Source};
use kabar_std::content::{is_whole, proven};

use super::upload::{Place, Upload, encode};
use super::{ContentError, ContentStore};

/// Contents in memory.
#[derive(Debug, Default)]
pub struct MemoryContents {
    whole: BTreeMap<Root, Arc<Content>>,
    parts: BTreeMap<(Root, u64), Content>,
    uploads: BTreeMap<u64, (Root, u64, Upload)>,
    downloads: BTreeMap<u64, (Encoder, Arc<Content>)>,
    is_full: bool,
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    parents: BTreeMap<u64, [u8; PARENT_LEN]>,
}

/// The part that an upload writes, and whether there is room for more.
struct Writer<'a> {
    content: &'a mut Content,
    is_full: bool,
}

impl MemoryContents {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether every write fails from now on because the disk is full.
    pub fn set_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    /// Returns a whole content, for models and tests.
    #[must_use]
    pub fn content(&self, root: Root) -> Option<&[u8]> {
        self.whole.get(&root).map(|content| &content.bytes[..])
    }

    /// What a loss of power leaves: all whole contents, and of each part some bytes from its start
    /// and some of its parents. No transfer is under way. `choose(n)` returns a number from 0 to n.
    pub fn crash(&mut self, mut choose: impl FnMut(u64) -> u64) {
        self.uploads.clear();
        self.downloads.clear();
        for part in self.parts.values_mut() {
            let len = choose(part.bytes.len() as u64);
            part.bytes.truncate(usize::try_from(len).unwrap_or(usize::MAX));
            part.parents.retain(|_, _| choose(15) > 0);
        }
    }

    fn whole(&self, root: Root, size: u64) -> Option<&Arc<Content>> {
        self.whole.get(&root).filter(|content| content.bytes.len() as u64 == size)
    }
}

impl ContentStore for MemoryContents {
    fn open_upload(&mut self, key: u64, root: Root, size: u64) -> Result<u64, ContentError> {
        let offset = match self.whole(root, size) {
            Some(_) => size,
            None if self.is_full => return Err(ContentError::Full),
            None => proven(root, size, &mut &*self.parts.entry((root, size)).or_default()),
        };
        self.uploads.insert(key, (root, size, Upload::new(root, size, offset)?));
        Ok(offset)
    }

    fn append(&mut self, key: u64, bytes: &[u8]) -> Result<u64, ContentError> {
        let (root, size, upload) = self.uploads.get_mut(&key).ok_or(ContentError::Missing)?;
        // Another upload of this content may have been finished.
        let mut elsewhere = Content::default();
        let content = self.parts.get_mut(&(*root, *size)).unwrap_or(&mut elsewhere);
        upload.append(bytes, &mut Writer { content, is_full: self.is_full })
    }

    fn finish(&mut self, key: u64) -> Result<(), ContentError> {
        let (root, size, upload) = self.uploads.get(&key).ok_or(ContentError::Missing)?;
        if !upload.is_finished() {
            return Err(NotProven { offset: upload.offset(), is_parent: false }.into());
        }
        let (root, size) = (*root, *size);
        self.uploads.remove(&key);
        if self.whole(root, size).is_some() {
            return Ok(());
        }
        let content = self.parts.remove(&(root, size)).ok_or(ContentError::Missing)?;
        debug_assert!(is_whole(root, size, &mut &content), "an unproven content is finished");
        self.whole.insert(root, Arc::new(content));
        Ok(())
    }

    fn open_download(&mut self, key: u64, root: Root, size: u64, range: GroupRange) -> Result<(), ContentError> {
        let content = self.whole(root, size).ok_or(ContentError::Missing)?.clone();
        self.downloads.insert(key, (Encoder::new(range), content));
        Ok(())
    }

    fn read(&mut self, key: u64, max: usize, out: &mut Vec<u8>) -> Result<bool, ContentError> {
        let (encoder, content) = self.downloads.get_mut(&key).ok_or(ContentError::Missing)?;
        encode(encoder, &mut &**content, max, out)
    }

    fn close(&mut self, key: u64) {
        self.uploads.remove(&key);
        self.downloads.remove(&key);
    }

    fn remove(&mut self, root: Root) -> Result<(), ContentError> {
        self.uploads.retain(|_, upload| upload.0 != root);
        self.parts.retain(|part, _| part.0 != root);
        self.whole.remove(&root);
        Ok(())
    }
}

impl Source for &Content {
    type Error = io::Error;

    fn parent(&mut self, index: u64) -> io::Result<[u8; PARENT_LEN]> {
        self.parents.get(&index).copied().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn content(&mut self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let bytes = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..));
        let bytes = bytes.and_then(|bytes| bytes.get(..out.len()));
        out.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl Place for Writer<'_> {
    fn write_parent(&mut self, index: u64, parent: &[u8; PARENT_LEN]) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.content.parents.insert(index, *parent);
        Ok(())
    }

    fn write_group(&mut self, offset: u64, group: &[u8]) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let bytes = &mut self.content.bytes;
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)?;
        bytes.resize(bytes.len().max(start + group.len()), 0);
        bytes[start..][..group.len()].copy_from_slice(group);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::{self, Sample, chunks};
    use super::*;

    conformance::suite!(|| ((), MemoryContents::new()));

    #[test]
    fn a_full_disk_loses_nothing() {
        let sample = Sample::new(5 * 16384 + 7);
        let mut contents = MemoryContents::new();
        assert_eq!(contents.open_upload(1, sample.root, sample.size()).unwrap(), 0);
        let encoding = sample.encoding(0);
        for (place, chunk) in chunks(&encoding, 5000).enumerate() {
            contents.set_full(place % 2 == 0);
            if let Err(error) = contents.append(1, chunk) {
                assert!(matches!(error, ContentError::Full) && place % 2 == 0);
                assert!(matches!(contents.append(1, chunk), Err(ContentError::Full)));
                contents.set_full(false);
                contents.append(1, chunk).unwrap();
            }
        }
        contents.finish(1).unwrap();
        assert_eq!(contents.content(sample.root), Some(&sample.content[..]));
    }

    #[test]
    fn a_crash_leaves_a_proven_prefix() {
        let sample = Sample::new(9 * 16384);
        for cut in [0, 1, 16384, 3 * 16384 + 5, 9 * 16384] {
            let mut contents = MemoryContents::new();
            contents.open_upload(1, sample.root, sample.size()).unwrap();
            contents.append(1, &sample.encoding(0)).unwrap();
            contents.crash(|most| if most == 15 { 1 } else { cut });
            assert!(matches!(contents.finish(1), Err(ContentError::Missing)));
            let offset = contents.open_upload(2, sample.root, sample.size()).unwrap();
            assert_eq!(offset, cut / 16384 * 16384);
            contents.crash(|most| if most == 15 { 0 } else { most });
            assert_eq!(contents.open_upload(2, sample.root, sample.size()).unwrap(), 0);
        }
    }
}
