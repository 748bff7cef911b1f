//! Hashes a content that arrives in pieces, and yields its root and its parents (SPEC 10.5).

use core::convert::Infallible;

use heapless::Vec;

use super::hash::{self, NodeHash};
use super::tree::GROUP;
use super::{GROUP_LEN, MAX_DEPTH, PARENT_LEN, Root};

/// Computes the root of a content, and the parents of its tree in post-order, which is the order in
/// which they become known: a caller appends them to a file. Its size is 4 KiB at most.
///
/// Pieces that contain whole groups are hashed fastest.
#[derive(Clone, Debug)]
pub struct OutboardBuilder {
    /// Hashes the current group.
    hasher: blake3::Hasher,
    /// Bytes of the current group.
    group_len: usize,
    /// Groups before the current one.
    groups: u64,
    /// Chaining values of the subtrees of these groups, the largest first: one per bit of `groups`,
    /// and more while parents are to be yielded.
    subtrees: Vec<NodeHash, MAX_DEPTH>,
}

impl OutboardBuilder {
    /// A builder that has no bytes yet.
    #[must_use]
    pub fn new() -> Self {
        Self { hasher: hash::group_hasher(0), group_len: 0, groups: 0, subtrees: Vec::new() }
    }

    /// Consumes all of `input`, the next bytes of the content. Passes each parent that becomes
    /// known to `emit`.
    ///
    /// # Errors
    /// The first error of `emit`. Nothing is lost: the next call, with the rest of `input`, passes
    /// that parent again.
    pub fn update<E>(
        &mut self,
        input: &mut &[u8],
        mut emit: impl FnMut(&[u8; PARENT_LEN]) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            self.merge(&mut emit)?;
            if input.is_empty() {
                return Ok(());
            }
            if self.group_len == GROUP_LEN {
                // It is not the last group, so its hash is a chaining value.
                self.next_group();
            }
            let free = GROUP_LEN.saturating_sub(self.group_len);
            if let Some((bytes, rest)) = input.split_at_checked(free.min(input.len())) {
                self.hasher.update(bytes);
                self.group_len = self.group_len.saturating_add(bytes.len());
                *input = rest;
            }
        }
    }

    /// Passes the remaining parents to `emit` and returns the root.
    ///
    /// # Errors
    /// The first error of `emit`. The next call begins with the first remaining parent again.
    pub fn finish<E>(&mut self, mut emit: impl FnMut(&[u8; PARENT_LEN]) -> Result<(), E>) -> Result<Root, E> {
        self.merge(&mut emit)?;
        let mut subtrees = self.subtrees.iter().rev().peekable();
        let mut hash = hash::finish_group(&self.hasher, subtrees.peek().is_none());
        while let Some(left) = subtrees.next() {
            emit(&hash::join(left, &hash))?;
            hash = hash::parent(left, &hash, subtrees.peek().is_none());
        }
        Ok(Root(hash))
    }

    /// The root of the content. For callers that store no parents.
    #[must_use]
    pub fn root(&mut self) -> Root {
        let Ok(root) = self.finish(|_| Ok::<_, Infallible>(()));
        root
    }

    /// Joins pairs of equal subtrees. The current group follows them, so none of them is the whole.
    fn merge<E>(&mut self, emit: &mut impl FnMut(&[u8; PARENT_LEN]) -> Result<(), E>) -> Result<(), E> {
        while self.subtrees.len() > self.groups.count_ones().try_into().unwrap_or(usize::MAX)
            && let [.., left, right] = self.subtrees.as_slice()
        {
            emit(&hash::join(left, right))?;
            let joined = hash::parent(left, right, false);
            self.subtrees.pop();
            if let Some(last) = self.subtrees.last_mut() {
                *last = joined;
            }
        }
        Ok(())
    }

    fn next_group(&mut self) {
        // There is room: a content of 2^64 - 1 bytes has 2^50 groups.
        let pushed = self.subtrees.push(hash::finish_group(&self.hasher, false));
        debug_assert!(pushed.is_ok());
        self.groups = self.groups.saturating_add(1);
        self.group_len = 0;
        self.hasher = hash::group_hasher(self.groups.saturating_mul(GROUP));
    }
}

impl Default for OutboardBuilder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
