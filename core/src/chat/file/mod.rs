//! Body of a file entry (SPEC 6.4): a name, and the content that has it.
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

use super::message::HISTORY_ENTRY_OVERHEAD;
use crate::content::{ROOT_LEN, Root};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

/// Longest name of a file in bytes of UTF-8.
pub const MAX_FILE_NAME_LEN: usize = 255;
/// Longest media type in bytes.
pub const MAX_MEDIA_TYPE_LEN: usize = 127;
/// Longest body of a file entry in bytes, as this version writes it.
pub const MAX_FILE_BODY_LEN: usize = 1 + MAX_FILE_NAME_LEN + 8 + ROOT_LEN + 1 + MAX_MEDIA_TYPE_LEN;

// The smallest message buffer (SPEC 2.4) has room for it: a file never arrives as a stub.
const _: () = assert!(HISTORY_ENTRY_OVERHEAD + MAX_FILE_BODY_LEN <= 512);

/// A file: the body of an entry of kind [`EntryKind::FILE`](super::EntryKind::FILE).
///
/// ```text
/// name str8 | size u64 | root 32 | media type str8
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    name: &'a str,
    size: u64,
    root: Root,
    media_type: &'a str,
}

impl<'a> File<'a> {
    /// A file of `size` bytes with the content `root`. An empty media type means that it is
    /// unknown.
    ///
    /// `None` if the name is empty, is longer than [`MAX_FILE_NAME_LEN`] or has a control
    /// character, or if the media type is longer than [`MAX_MEDIA_TYPE_LEN`] or has other
    /// characters than visible ASCII.
    #[must_use]
    pub fn new(name: &'a str, size: u64, root: Root, media_type: &'a str) -> Option<Self> {
        let is_name = (1..=MAX_FILE_NAME_LEN).contains(&name.len()) && !name.chars().any(char::is_control);
        let is_media_type =
            media_type.len() <= MAX_MEDIA_TYPE_LEN && media_type.bytes().all(|byte| byte.is_ascii_graphic());
        (is_name && is_media_type).then_some(Self { name, size, root, media_type })
    }

    /// The name, as its author has written it. It may contain separators of paths: it names no
    /// place on the receiver's computer.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// Length of the content in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The content.
    #[must_use]
    pub const fn root(&self) -> Root {
        self.root
    }

    /// The media type (RFC 6838), such as `image/png`; empty if unknown. A statement of the author.
    #[must_use]
    pub const fn media_type(&self) -> &'a str {
        self.media_type
    }

    /// Decodes the body of an entry. Bytes after the known fields are ignored.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], and [`DecodeError::Value`] for a name or a media type that is
    /// not permitted.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let name = reader.str_u8()?;
        let size = reader.u64()?;
        let root = Root(reader.array()?);
        Self::new(name, size, root, reader.str_u8()?).ok_or(DecodeError::Value)
    }

    /// Encodes the body and returns its length, at most [`MAX_FILE_BODY_LEN`].
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        let mut writer = Writer::new(out);
        writer.bytes_u8(self.name.as_bytes())?;
        writer.u64(self.size)?;
        writer.bytes(&self.root.0)?;
        writer.bytes_u8(self.media_type.as_bytes())?;
        Ok(writer.len())
    }
}

#[cfg(test)]
mod tests;
