//! No contents: for servers that take no files.

use kabar_core::content::{GroupRange, Root};

use super::{ContentError, ContentStore};

/// A store that has no contents and takes none.
#[derive(Clone, Copy, Debug)]
pub struct NoContents;

impl ContentStore for NoContents {
    fn open_upload(&mut self, _: u64, _: Root, _: u64) -> Result<u64, ContentError> {
        Err(ContentError::Missing)
    }

    fn append(&mut self, _: u64, _: &[u8]) -> Result<u64, ContentError> {
        Err(ContentError::Missing)
    }

    fn finish(&mut self, _: u64) -> Result<(), ContentError> {
        Err(ContentError::Missing)
    }

    fn open_download(&mut self, _: u64, _: Root, _: u64, _: GroupRange) -> Result<(), ContentError> {
        Err(ContentError::Missing)
    }

    fn read(&mut self, _: u64, _: usize, _: &mut Vec<u8>) -> Result<bool, ContentError> {
        Err(ContentError::Missing)
    }

    fn close(&mut self, _: u64) {}

    fn remove(&mut self, _: Root) -> Result<(), ContentError> {
        Ok(())
    }
}
