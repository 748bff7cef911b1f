//! A text as the datagrams of a classic server: each is encrypted and has at most
//! [`MAX_DATAGRAM`] bytes, which is all that the original reads.

use std::borrow::Cow;
use std::collections::VecDeque;

use kabar_core::classic::{EncryptError, MAX_DATAGRAM, MAX_TEXT_LEN, Post, PublicKey};

use crate::engine::event::NotPosted;

/// Stands where a line goes on in the next datagram, and where it has begun in the one before.
const CUT: &str = "\u{2026}";
/// Takes the place of a colon: the server splits at the last ones, and calls a message that has one
/// compromised.
const COLON: &str = "\u{ff1a}";

/// A text that can be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prepared {
    /// Its datagrams, in order; at least one.
    pub(super) datagrams: VecDeque<Vec<u8>>,
    /// What the others read, in one piece.
    pub(super) text: String,
    /// Whether it had colons.
    pub(super) had_colons: bool,
}

/// Encrypts a text by the member with this name. Each of its lines is a message or several.
pub(super) fn prepare(name: &str, text: &str, key: &PublicKey) -> Result<Prepared, NotPosted> {
    let (had_colons, text) = (text.contains(':'), text.replace(':', COLON));
    let error = |why| match why {
        EncryptError::CodePoint(character) => NotPosted::NotInKey(character),
        _ => NotPosted::TooLong(text.len()),
    };
    let mut datagrams = VecDeque::new();
    for line in text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()) {
        let mut rest = Cow::Borrowed(line);
        let mut begin = "";
        loop {
            let len = Post { name, message: &rest }.fitting_len(key, begin).map_err(error)?;
            if len == rest.len() {
                datagrams.push_back(encrypt(name, &format!("{begin}{rest}"), key).map_err(error)?);
                break;
            }
            let marks = format!("{begin}{CUT}");
            let len = Post { name, message: &rest }.fitting_len(key, &marks).map_err(error)?;
            let (part, after) = rest.split_at(end_of_part(&rest, len));
            let message = format!("{begin}{}{CUT}", part.trim_end());
            datagrams.push_back(encrypt(name, &message, key).map_err(error)?);
            rest = Cow::Owned(after.trim_start().to_owned());
            begin = CUT;
        }
    }
    if datagrams.is_empty() { Err(NotPosted::Empty) } else { Ok(Prepared { datagrams, text, had_colons }) }
}

/// Returns where a part of at most `len` bytes ends: after a word, unless that is long.
fn end_of_part(text: &str, len: usize) -> usize {
    let fitting = text.get(..len).unwrap_or(text);
    fitting.rfind(' ').filter(|at| *at > len / 2).unwrap_or(fitting.len())
}

fn encrypt(name: &str, message: &str, key: &PublicKey) -> Result<Vec<u8>, EncryptError> {
    let mut text = [0; MAX_TEXT_LEN];
    let len = Post { name, message }.encode(&mut text)?;
    encrypted(text.get(..len).unwrap_or_default(), key)
}

/// Encrypts a text of the dialect.
pub(super) fn encrypted(text: &[u8], key: &PublicKey) -> Result<Vec<u8>, EncryptError> {
    let mut datagram = vec![0; MAX_DATAGRAM];
    let len = key.encrypt(str::from_utf8(text).unwrap_or_default(), &mut datagram)?;
    datagram.truncate(len);
    Ok(datagram)
}

#[cfg(test)]
mod tests;
