//! Proof without memory for a group: the bytes go to where they are to be kept, and are hashed from
//! there (SPEC 10.3). For devices, whose flash has the room that their RAM does not have.
//!
//! A group is in the storage before it is proven. It counts only after that: until then nothing but
//! the proof reads it, and a device that restarts begins with it again. In return the proof covers
//! what the storage holds, so that a write that failed unseen is found as well.

use heapless::Vec;

use super::hash::{self, NodeHash};
use super::prover::Prover;
use super::tree::{self, GROUP, GroupRange, Node};
use super::{GROUP_LEN, NotProven, PARENT_LEN, Root, TooLong};

/// Bytes that are read at once, into the stack.
const READ_LEN: usize = 512;

/// Where a content is kept: a slot of flash, a file.
pub trait Storage {
    /// Why an operation failed.
    type Error;

    /// Makes room for the `len` bytes of the group at `offset`, a multiple of [`GROUP_LEN`]. Any
    /// of them may have been written before. What is before `offset` has to stay.
    ///
    /// # Errors
    /// Those of the storage.
    fn prepare(&mut self, offset: u64, len: usize) -> Result<(), Self::Error>;

    /// Writes bytes at `offset`, which are within the group that was prepared last. Each call
    /// continues where the one before ended.
    ///
    /// # Errors
    /// Those of the storage.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Self::Error>;

    /// The group is complete: what a storage holds back, to write whole pages, has to be written.
    ///
    /// # Errors
    /// Those of the storage.
    fn flush(&mut self) -> Result<(), Self::Error>;

    /// Fills `out` with the bytes from `offset`, which are written and flushed.
    ///
    /// # Errors
    /// Those of the storage.
    fn read(&mut self, offset: u64, out: &mut [u8]) -> Result<(), Self::Error>;
}

/// Why a group is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageError<E> {
    /// A node does not prove: the sender is faulty, or the storage does not hold what was written.
    NotProven(NotProven),
    /// An operation of the storage failed.
    Storage(E),
}

/// Proves the encoding of a range of groups, whose bytes are in a [`Storage`].
///
/// `DEPTH` bounds the length of contents: [`GROUP_LEN`] times 2^`DEPTH` bytes. The size of a
/// decoder is 32 bytes per level and 192 at most; a proof takes 3 KiB of stack.
#[derive(Clone, Debug)]
pub struct StorageDecoder<const DEPTH: usize> {
    prover: Prover<DEPTH>,
    /// The parent that arrives.
    parent: [u8; PARENT_LEN],
    /// Bytes of the current node that have arrived.
    filled: usize,
    /// Whether the storage has made room for the current node, a group.
    is_prepared: bool,
}

impl<const DEPTH: usize> StorageDecoder<DEPTH> {
    /// A decoder for the encoding of `range`, which states the length of the content.
    ///
    /// # Errors
    /// [`TooLong`] if the tree has more than `DEPTH` levels.
    pub fn new(root: Root, range: GroupRange) -> Result<Self, TooLong> {
        Ok(Self { prover: Prover::new(root, range)?, parent: [0; PARENT_LEN], filled: 0, is_prepared: false })
    }

    /// Consumes bytes from `input` until a group is proven. Returns the offset before which all
    /// groups are proven then. Call it again with the rest, until it returns `None`: then `input`
    /// is empty, or the encoding has ended.
    ///
    /// # Errors
    /// [`StorageError::NotProven`]; every further call returns it again. After
    /// [`StorageError::Storage`], the next call repeats the operation that failed.
    pub fn decode<S: Storage>(
        &mut self,
        input: &mut &[u8],
        storage: &mut S,
    ) -> Result<Option<u64>, StorageError<S::Error>> {
        while let Some((node, len)) = self.prover.node().map_err(StorageError::NotProven)? {
            if node.is_parent() {
                if !self.take_parent(input) {
                    return Ok(None);
                }
                self.prover.prove_parent(node, &self.parent).map_err(StorageError::NotProven)?;
            } else {
                if !self.take_group(node, len, input, storage).map_err(StorageError::Storage)? {
                    return Ok(None);
                }
                let (offset, is_root) = (self.prover.offset_of(node), self.prover.is_root(node));
                let hash = hash_stored(offset, len, is_root, storage).map_err(StorageError::Storage)?;
                self.prover.prove_group(node, &hash).map_err(StorageError::NotProven)?;
            }
            (self.filled, self.is_prepared) = (0, false);
            if !node.is_parent() {
                return Ok(Some(self.prover.offset()));
            }
        }
        Ok(None)
    }

    /// As [`Decoder::offset`](super::Decoder::offset).
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.prover.offset()
    }

    /// Whether all groups of the range are proven.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.prover.is_finished()
    }

    /// Whether the current node, a parent, is complete.
    fn take_parent(&mut self, input: &mut &[u8]) -> bool {
        let free = self.parent.get_mut(self.filled..).unwrap_or_default();
        let bytes = take(input, free.len());
        free.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        self.filled = self.filled.saturating_add(bytes.len());
        self.filled == PARENT_LEN
    }

    /// Whether the current node, a group of `len` bytes, is complete.
    fn take_group<S: Storage>(
        &mut self,
        node: Node,
        len: usize,
        input: &mut &[u8],
        storage: &mut S,
    ) -> Result<bool, S::Error> {
        let offset = self.prover.offset_of(node);
        // Not before its first byte: a device erases a part of its flash for it.
        if !self.is_prepared && (len == 0 || !input.is_empty()) {
            storage.prepare(offset, len)?;
            self.is_prepared = true;
        }
        let mut rest = *input;
        let bytes = take(&mut rest, len.saturating_sub(self.filled));
        if !bytes.is_empty() {
            let filled = u64::try_from(self.filled).unwrap_or(u64::MAX);
            storage.write(offset.saturating_add(filled), bytes)?;
            self.filled = self.filled.saturating_add(bytes.len());
            *input = rest;
        }
        if self.filled < len {
            return Ok(false);
        }
        storage.flush()?;
        Ok(true)
    }
}

/// Computes the root of a content in a [`Storage`], one group per step: 64 bytes and 32 per level.
#[derive(Clone, Debug)]
pub struct StorageHasher<const DEPTH: usize> {
    len: u64,
    /// Groups before the next one.
    groups: u64,
    /// Chaining values of the subtrees of these groups, the largest first: one per bit of `groups`.
    subtrees: Vec<NodeHash, DEPTH>,
}

impl<const DEPTH: usize> StorageHasher<DEPTH> {
    /// A hasher for a content of `len` bytes.
    ///
    /// # Errors
    /// [`TooLong`] if the tree has more than `DEPTH` levels.
    pub fn new(len: u64) -> Result<Self, TooLong> {
        match usize::try_from(GroupRange::all(len).depth()) {
            Ok(depth) if depth <= DEPTH => Ok(Self { len, groups: 0, subtrees: Vec::new() }),
            _ => Err(TooLong),
        }
    }

    /// Hashes the next group. Returns the root after the last one, and again in each further call.
    ///
    /// # Errors
    /// Those of the storage; the next call reads the group again.
    pub fn step<S: Storage>(&mut self, storage: &mut S) -> Result<Option<Root>, S::Error> {
        let offset = self.groups.saturating_mul(GROUP);
        let len = usize::try_from(self.len.saturating_sub(offset).min(GROUP)).unwrap_or(GROUP_LEN);
        let is_last = self.groups.saturating_add(1) == tree::group_count(self.len);
        let mut hash = hash_stored(offset, len, is_last && self.subtrees.is_empty(), storage)?;
        if is_last {
            let mut subtrees = self.subtrees.iter().rev().peekable();
            while let Some(left) = subtrees.next() {
                hash = hash::parent(left, &hash, subtrees.peek().is_none());
            }
            return Ok(Some(Root(hash)));
        }
        // A subtree is complete with each 1 at the end of the number of groups before it.
        for _ in 0..self.groups.trailing_ones() {
            hash = hash::parent(&self.subtrees.pop().unwrap_or_default(), &hash, false);
        }
        // There is room: fewer than 2^DEPTH groups are followed by another one.
        let pushed = self.subtrees.push(hash);
        debug_assert!(pushed.is_ok());
        self.groups = self.groups.saturating_add(1);
        Ok(None)
    }
}

/// Takes up to `len` bytes from `input`.
fn take<'i>(input: &mut &'i [u8], len: usize) -> &'i [u8] {
    let (bytes, rest) = input.split_at_checked(len.min(input.len())).unwrap_or_default();
    *input = rest;
    bytes
}

/// Hash of the group at `offset` as the storage holds it.
fn hash_stored<S: Storage>(offset: u64, len: usize, is_root: bool, storage: &mut S) -> Result<NodeHash, S::Error> {
    let mut hasher = hash::group_hasher(offset);
    let mut buffer = [0; READ_LEN];
    let (mut at, mut rest) = (offset, len);
    while rest > 0 {
        let out = buffer.get_mut(..rest.min(READ_LEN)).unwrap_or_default();
        storage.read(at, out)?;
        hasher.update(out);
        at = at.saturating_add(u64::try_from(out.len()).unwrap_or(u64::MAX));
        rest = rest.saturating_sub(out.len());
    }
    Ok(hash::finish_group(&hasher, is_root))
}

impl<E: core::fmt::Display> core::fmt::Display for StorageError<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotProven(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl<E: core::fmt::Debug + core::fmt::Display> core::error::Error for StorageError<E> {}

#[cfg(test)]
mod tests;
