//! The sending side: the encoding of a range of groups (SPEC 10.2), in pieces of any size.

use super::PARENT_LEN;
use super::tree::{GroupRange, Walk};

/// Produces the encoding of a range of groups. It holds no part of the content.
#[derive(Clone, Debug)]
pub struct Encoder {
    walk: Walk,
    /// Bytes of the current node that were produced.
    done: usize,
}

/// Where an encoder reads a content and its outboard.
pub trait Source {
    /// Why a read failed.
    type Error;

    /// Reads the parent at position `index` of the outboard, in parents.
    ///
    /// # Errors
    /// Those of the storage.
    fn parent(&mut self, index: u64) -> Result<[u8; PARENT_LEN], Self::Error>;

    /// Fills `out` with the bytes of the content from `offset` on. They are within one group.
    ///
    /// # Errors
    /// Those of the storage.
    fn content(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Self::Error>;
}

/// A content and its outboard in memory.
#[derive(Clone, Copy, Debug)]
pub struct SliceSource<'a> {
    /// The content.
    pub content: &'a [u8],
    /// Its parents in post-order, as [`OutboardBuilder`](super::OutboardBuilder) yields them.
    pub outboard: &'a [u8],
}

/// The bytes are not in the slices of a [`SliceSource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

impl Encoder {
    /// An encoder of `range`.
    #[must_use]
    pub const fn new(range: GroupRange) -> Self {
        Self { walk: Walk::new(range), done: 0 }
    }

    /// Writes the next bytes of the encoding to `out` and returns their number: 0 only at the end
    /// of the encoding, or if `out` is empty.
    ///
    /// # Errors
    /// An error of `source`, if it is the first that happens: bytes that were written before one
    /// are returned. Nothing is lost, the next call reads there again.
    pub fn encode<S: Source>(&mut self, source: &mut S, out: &mut [u8]) -> Result<usize, S::Error> {
        let mut written = 0;
        while written < out.len() && !self.is_finished() {
            match self.encode_node(source, out.get_mut(written..).unwrap_or_default()) {
                Ok(len) => written = written.saturating_add(len),
                Err(error) if written == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(written)
    }

    /// Offset of the group that comes next or is in progress.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.walk.offset()
    }

    /// Whether the encoding has ended.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.walk.node().is_none()
    }

    /// Writes bytes of the current node and returns their number.
    fn encode_node<S: Source>(&mut self, source: &mut S, out: &mut [u8]) -> Result<usize, S::Error> {
        let Some(node) = self.walk.node() else { return Ok(0) };
        let rest = self.walk.encoded_len(node).saturating_sub(self.done);
        let len = rest.min(out.len());
        let out = out.get_mut(..len).unwrap_or_default();
        if node.is_parent() {
            let parent = source.parent(node.parent_index())?;
            out.iter_mut().zip(parent.iter().skip(self.done)).for_each(|(to, from)| *to = *from);
        } else if len > 0 {
            let done = u64::try_from(self.done).unwrap_or(u64::MAX);
            source.content(self.walk.offset_of(node).saturating_add(done), out)?;
        }
        self.done = self.done.saturating_add(len);
        if len == rest {
            self.walk.advance();
            self.done = 0;
        }
        Ok(len)
    }
}

impl Source for SliceSource<'_> {
    type Error = OutOfBounds;

    fn parent(&mut self, index: u64) -> Result<[u8; PARENT_LEN], OutOfBounds> {
        let (parents, _) = self.outboard.as_chunks::<PARENT_LEN>();
        let index = usize::try_from(index).map_err(|_| OutOfBounds)?;
        parents.get(index).copied().ok_or(OutOfBounds)
    }

    fn content(&mut self, offset: u64, out: &mut [u8]) -> Result<(), OutOfBounds> {
        let offset = usize::try_from(offset).map_err(|_| OutOfBounds)?;
        let rest = self.content.get(offset..).ok_or(OutOfBounds)?;
        out.copy_from_slice(rest.get(..out.len()).ok_or(OutOfBounds)?);
        Ok(())
    }
}

impl core::fmt::Display for OutOfBounds {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the content or its outboard is shorter than stated")
    }
}

impl core::error::Error for OutOfBounds {}

#[cfg(test)]
mod tests;
