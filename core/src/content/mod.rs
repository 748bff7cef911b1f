//! Contents of files (SPEC 10). A BLAKE3 root identifies a content, and a receiver proves each
//! group of 16 KiB against the root before it uses a byte of it.
//!
//! * [`OutboardBuilder`]: hashes a content; yields its root, and the parents of its tree for
//!   storage.
//! * [`Encoder`]: the encoding of a range of groups, with the parents that prove them.
//! * [`Decoder`]: proves an encoding that arrives in pieces of any size.
//! * [`StorageDecoder`], [`StorageHasher`]: the same, and the root, for a device that has no memory
//!   for a group: the bytes are where they are to be kept.
//! * [`GroupRange`]: groups of a content, as sender and receiver state them.
//!
//! The encoding is that of Bao (O'Connor) with groups of 16 chunks, without its length header.
//!
//! ```
//! use kabar_core::content::*;
//!
//! // The sender hashes the content once.
//! let content = vec![7; 100_000];
//! let (mut builder, mut outboard) = (OutboardBuilder::new(), Vec::new());
//! let mut store = |parent: &[u8; PARENT_LEN]| Ok::<(), ()>(outboard.extend_from_slice(parent));
//! builder.update(&mut &content[..], &mut store)?;
//! let root = builder.finish(&mut store)?;
//!
//! // The receiver has the first two groups and asks for the rest.
//! let range = GroupRange::starting_at(100_000, 2 * GROUP_LEN as u64).map_err(drop)?;
//! let mut encoder = Encoder::new(range);
//! let mut source = SliceSource { content: &content, outboard: &outboard };
//! let mut decoder = Decoder::<8>::new(root, range).map_err(drop)?;
//! let (mut datagram, mut group) = ([0; 1000], [0; GROUP_LEN]);
//! while !decoder.is_finished() {
//!     let len = encoder.encode(&mut source, &mut datagram).map_err(drop)?;
//!     let mut input = &datagram[..len];
//!     while let Some(proven) = decoder.decode(&mut input, &mut group).map_err(drop)? {
//!         if let Proven::Group { offset, bytes } = proven {
//!             assert_eq!(bytes, &content[offset as usize..][..bytes.len()]);
//!         }
//!     }
//! }
//! # Ok::<(), ()>(())
//! ```
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod decoder;
mod encoder;
mod hash;
mod outboard;
mod prover;
mod storage;
mod tree;

#[cfg(test)]
mod testing;

pub use decoder::{Decoder, Proven};
pub use encoder::{Encoder, OutOfBounds, SliceSource, Source};
pub use outboard::OutboardBuilder;
pub use storage::{Storage, StorageDecoder, StorageError, StorageHasher};
pub use tree::{GroupRange, OutOfRange, outboard_len};

/// Length of a root in bytes.
pub const ROOT_LEN: usize = 32;
/// Length of a group in bytes; only the last group of a content is shorter (SPEC 10.1).
pub const GROUP_LEN: usize = 16 * 1024;
/// Length of a parent in bytes: the chaining values of its two children (SPEC 10.1).
pub const PARENT_LEN: usize = 64;
/// Levels of parents above the groups of the longest content, 2^64 - 1 bytes.
pub const MAX_DEPTH: usize = 50;

/// The BLAKE3 hash of a content (SPEC 10.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Root(pub [u8; ROOT_LEN]);

impl Root {
    /// The root of a content that is in memory.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }
}

/// 64 hexadecimal digits, as `b3sum` prints them.
impl core::fmt::Display for Root {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for Root {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Root({self})")
    }
}

/// A parent or a group does not have the hash that it should have. Everything before it is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NotProven {
    /// Offset in the content of the first byte of the group, or of the groups below the parent.
    pub offset: u64,
    /// Whether it is a parent.
    pub is_parent: bool,
}

/// The content is longer than the decoder was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooLong;

impl core::fmt::Display for NotProven {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let node = if self.is_parent { "parent" } else { "group" };
        write!(f, "the {node} at offset {} does not belong to the content", self.offset)
    }
}

impl core::error::Error for NotProven {}

impl core::fmt::Display for TooLong {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the content is too long")
    }
}

impl core::error::Error for TooLong {}
