//! Encryption of a text, one code point at a time: the same one is the same number each time.

use core::fmt;

use super::key::{PrivateKey, PublicKey, parse_number, push_number};
use super::text::TextBuffer;
use crate::wire::io::BufferFull;

/// Why a text is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncryptError {
    /// The code point is not below N, so another one would arrive.
    CodePoint(char),
    /// The buffer is too small.
    BufferFull,
}

/// Why a datagram has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecryptError {
    /// It is not decimal numbers below N with commas between them.
    Malformed,
    /// A number decrypts to no character of Unicode: most often another key encrypted it.
    NotText,
    /// The buffer is too small.
    BufferFull,
}

impl fmt::Display for EncryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CodePoint(character) => write!(f, "the key is too small for {character:?}"),
            Self::BufferFull => BufferFull.fmt(f),
        }
    }
}

impl fmt::Display for DecryptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("not numbers with commas between them"),
            Self::NotText => f.write_str("a number decrypts to no character"),
            Self::BufferFull => BufferFull.fmt(f),
        }
    }
}

impl core::error::Error for EncryptError {}
impl core::error::Error for DecryptError {}

impl From<BufferFull> for EncryptError {
    fn from(_: BufferFull) -> Self {
        Self::BufferFull
    }
}

impl From<BufferFull> for DecryptError {
    fn from(_: BufferFull) -> Self {
        Self::BufferFull
    }
}

impl PublicKey {
    /// Encrypts `text` into `out` and returns the length. An empty text is an empty datagram.
    ///
    /// # Errors
    /// [`EncryptError`]
    pub fn encrypt(&self, text: &str, out: &mut [u8]) -> Result<usize, EncryptError> {
        let mut buffer = TextBuffer::new(out);
        for character in text.chars() {
            let number = self.number(character)?;
            if buffer.len() > 0 {
                buffer.push(',')?;
            }
            push_number(&mut buffer, number)?;
        }
        Ok(buffer.len())
    }

    /// Length in bytes of `text` encrypted, with a comma after each number.
    ///
    /// # Errors
    /// [`EncryptError::CodePoint`]
    pub(super) fn encrypted_len(&self, text: &str) -> Result<usize, EncryptError> {
        text.chars().try_fold(0_usize, |len, character| {
            let digits = self.number(character)?.checked_ilog10().unwrap_or(0);
            let digits = usize::try_from(digits).unwrap_or(usize::MAX);
            Ok(len.saturating_add(digits).saturating_add(2))
        })
    }

    fn number(&self, character: char) -> Result<u64, EncryptError> {
        let code_point = u64::from(u32::from(character));
        if code_point >= self.modulus() {
            return Err(EncryptError::CodePoint(character));
        }
        Ok(self.apply(code_point))
    }
}

impl PrivateKey {
    /// Decrypts `datagram` into `out`. A text is at most twice as long as its datagram, and two
    /// bytes ([`MAX_TEXT_LEN`](super::MAX_TEXT_LEN)).
    ///
    /// # Errors
    /// [`DecryptError`]; the content of `out` is then unspecified.
    pub fn decrypt<'a>(&self, datagram: &[u8], out: &'a mut [u8]) -> Result<&'a str, DecryptError> {
        let mut buffer = TextBuffer::new(out);
        for digits in datagram.split(|byte| *byte == b',') {
            let number = parse_number(digits).ok_or(DecryptError::Malformed)?;
            if number >= self.public().modulus() {
                return Err(DecryptError::Malformed);
            }
            let code_point = u32::try_from(self.apply(number)).ok();
            let character = code_point.and_then(char::from_u32).ok_or(DecryptError::NotText)?;
            buffer.push(character)?;
        }
        Ok(buffer.into_str())
    }
}

#[cfg(test)]
mod tests;
