//! The texts of the dialect, as both sides write and read them.

mod line;

use core::fmt::{self, Write};

use super::cipher::EncryptError;
use super::key::PublicKey;
use super::text::TextBuffer;
use super::{KEY_REQUEST, MAX_DATAGRAM};
use crate::crypto::{Portable, Provider};
use crate::wire::io::BufferFull;

pub use line::{DateTime, Line, LineBody, encode_line};

/// Longest CRC in decimal digits.
pub const MAX_CRC_LEN: usize = 10;

/// Whether a datagram that begins with `byte` may be a client's of the dialect. No packet of Kabar
/// begins with it (SPEC 2.1).
#[must_use]
pub const fn is_first_byte(byte: u8) -> bool {
    matches!(byte, b'G' | b'0'..=b'9')
}

/// A datagram of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Exactly [`KEY_REQUEST`].
    PublicKey,
    /// Digits and commas. Whether they are numbers is found when they are decrypted.
    Encrypted(&'a [u8]),
}

impl<'a> Request<'a> {
    /// Tells what `datagram` is; `None` for anything else.
    #[must_use]
    pub fn decode(datagram: &'a [u8]) -> Option<Self> {
        if datagram == KEY_REQUEST.as_bytes() {
            return Some(Self::PublicKey);
        }
        let is_encrypted = datagram.first().is_some_and(u8::is_ascii_digit)
            && datagram.iter().all(|byte| byte.is_ascii_digit() || *byte == b',');
        is_encrypted.then_some(Self::Encrypted(datagram))
    }
}

/// The first text of a client: `name:password`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Login<'a> {
    /// The name. It contains no colon.
    pub name: &'a str,
    /// The password.
    pub password: &'a str,
}

impl fmt::Debug for Login<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Login<'a> {
    /// Splits `text` at its first colon; `None` if it has none.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        text.split_once(':').map(|(name, password)| Self { name, password })
    }

    /// Writes the text into `out` and returns its length.
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        encode(out, format_args!("{}:{}", self.name, self.password))
    }
}

/// A later text of a client: `name:message:crc`, with the CRC-32/ISO-HDLC of the message.
///
/// It is split at the last two colons: a message that contains one is not read as it was written,
/// and its CRC is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post<'a> {
    /// The author, as the client states it.
    pub name: &'a str,
    /// The message.
    pub message: &'a str,
}

/// Why a text is not a [`Post`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostError {
    /// It has not three parts, or the last one is not a number.
    Format,
    /// The CRC is that of another message.
    Integrity,
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "not name, message and CRC with colons between them",
            Self::Integrity => "the CRC is that of another message",
        })
    }
}

impl core::error::Error for PostError {}

impl<'a> Post<'a> {
    /// Parses a text and verifies its CRC.
    ///
    /// # Errors
    /// [`PostError`]
    pub fn parse(text: &'a str) -> Result<Self, PostError> {
        let mut parts = text.rsplitn(3, ':');
        let (Some(crc), Some(message), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(PostError::Format);
        };
        // A negative number is a number, and the CRC of nothing.
        let digits = crc.strip_prefix(['+', '-']).unwrap_or(crc);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PostError::Format);
        }
        if crc.parse() != Ok(Portable::crc32(message.as_bytes())) {
            return Err(PostError::Integrity);
        }
        Ok(Self { name, message })
    }

    /// Writes the text into `out` and returns its length.
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        let crc = Portable::crc32(self.message.as_bytes());
        encode(out, format_args!("{}:{}:{crc}", self.name, self.message))
    }

    /// Length in bytes of the longest beginning of the message that ends at a character and with
    /// which, and `mark` after it, the encrypted text is at most [`MAX_DATAGRAM`] bytes long.
    ///
    /// # Errors
    /// [`EncryptError::CodePoint`] for the first character of the name, the mark or that beginning
    /// that cannot be encrypted. [`EncryptError::BufferFull`] if no character fits.
    pub fn fitting_len(&self, key: &PublicKey, mark: &str) -> Result<usize, EncryptError> {
        // The CRC depends on the message, so the longest is assumed.
        let digit = "0123456789".split("").map(|digit| key.encrypted_len(digit)).try_fold(0, |max, len| {
            let len = len?;
            Ok::<_, EncryptError>(len.max(max))
        })?;
        let around = [self.name, ":", mark, ":"].iter().try_fold(0_usize, |sum, part| {
            let len = key.encrypted_len(part)?;
            Ok::<_, EncryptError>(sum.saturating_add(len))
        })?;
        // No comma is after the last number.
        let around = around.saturating_add(digit.saturating_mul(MAX_CRC_LEN)).saturating_sub(1);
        let (mut available, mut fitting) = (MAX_DATAGRAM.saturating_sub(around), 0_usize);
        for character in self.message.chars() {
            let len = key.encrypted_len(character.encode_utf8(&mut [0; 4]))?;
            let Some(rest) = available.checked_sub(len) else { break };
            (available, fitting) = (rest, fitting.saturating_add(character.len_utf8()));
        }
        if fitting == 0 && !self.message.is_empty() { Err(EncryptError::BufferFull) } else { Ok(fitting) }
    }
}

/// What the server answers to one client, in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer<'a> {
    /// The password is wrong.
    IncorrectPassword,
    /// Another member has the name, or it belongs to somebody.
    NameTaken,
    /// The text is not what it has to be.
    InvalidFormat,
    /// The CRC of a post is wrong.
    IntegrityCompromised,
    /// The client is in the room under this name.
    Joined(&'a str),
    /// The datagram after [`Answer::Joined`].
    Accepted,
}

impl<'a> Answer<'a> {
    /// The answers that consist of the same words each time.
    const WORDS: [(Self, &'static str); 5] = [
        (Self::IncorrectPassword, "Incorrect password."),
        (Self::NameTaken, "Name already taken."),
        (Self::InvalidFormat, "Invalid message format."),
        (Self::IntegrityCompromised, "Message integrity compromised!"),
        (Self::Accepted, "Password accepted. You are now connected."),
    ];
    const JOINED: &'static str = " joined!";

    /// Parses a datagram of the server; `None` if it is a line or anything else.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let words = Self::WORDS.into_iter().find_map(|(answer, words)| (text == words).then_some(answer));
        // A line of the room begins with its time and may end in any words.
        let joined = || text.strip_suffix(Self::JOINED).filter(|_| Line::parse(text).is_none()).map(Self::Joined);
        words.or_else(joined)
    }

    /// Writes the datagram into `out` and returns its length.
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        encode(out, format_args!("{self}"))
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Joined(name) = self {
            return write!(f, "{name}{}", Self::JOINED);
        }
        let words = Self::WORDS.into_iter().find_map(|(answer, words)| (answer == *self).then_some(words));
        f.write_str(words.unwrap_or_default())
    }
}

fn encode(out: &mut [u8], text: fmt::Arguments<'_>) -> Result<usize, BufferFull> {
    let mut buffer = TextBuffer::new(out);
    buffer.write_fmt(text).map_err(|_| BufferFull)?;
    Ok(buffer.len())
}

#[cfg(test)]
mod tests;
