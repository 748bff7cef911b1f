//! Encoding of chat messages (SPEC 6.1 to 6.3): `length u16 | type u8 | body`.
//!
//! Unlike packets and frames, messages are tolerant: unknown types are skipped, bytes after the
//! known fields are ignored.
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

use super::message::{Authentication, ClientMessage, Entry, EntryHeader, Join, Post, ServerMessage, Welcome};
use super::{
    EntryKind, MAX_BODY_LEN, MAX_HISTORY, MAX_MESSAGE_LEN, MAX_NAME_LEN, MAX_PASSWORD_LEN, PostRefusedCode,
    RefusedCode, Start, Term,
};
use crate::crypto::identity::{PUBLIC_LEN, PublicIdentity, SIGNATURE_LEN};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

/// Bytes of the length field and the type.
const HEAD: usize = 2 + 1;
/// Bytes of the longest name and its length.
const NAME: usize = 1 + MAX_NAME_LEN;

/// Bytes of an Entry message besides its body, with the longest author's name. A Stub is never
/// longer.
pub const ENTRY_OVERHEAD: usize = HEAD + 1 + 8 + 8 + NAME + 8 + 8 + 1 + 2;
/// As [`ENTRY_OVERHEAD`], for Past.
pub const PAST_OVERHEAD: usize = ENTRY_OVERHEAD + 2;
/// Bytes of a Post message besides its body.
pub const POST_OVERHEAD: usize = HEAD + 1 + 8 + 8 + 8 + 1 + 2;

/// A Join at its longest: every string of 255 bytes, a password of full length.
const JOIN_MAX: usize =
    HEAD + 256 + 256 + PUBLIC_LEN + SIGNATURE_LEN + 1 + 1 + MAX_PASSWORD_LEN + 8 + 1 + 8 + 8 + 4 + 2;
const WELCOME_MAX: usize = HEAD + 1 + NAME + NAME + 8 + 8 + 8 + 8 + 8 + 8 + 2 + 32;

// SPEC 8: the largest message. SPEC 2.4: 512 bytes suffice for every message without a long body.
const _: () = assert!(PAST_OVERHEAD + MAX_BODY_LEN <= MAX_MESSAGE_LEN);
const _: () = assert!(POST_OVERHEAD + MAX_BODY_LEN <= MAX_MESSAGE_LEN);
const _: () = assert!(JOIN_MAX <= MAX_MESSAGE_LEN);
const _: () = assert!(WELCOME_MAX <= 512 && PAST_OVERHEAD <= 512 && HEAD + 1 + 256 <= 512);
const _: () = assert!(MAX_MESSAGE_LEN <= 0xffff);

/// Types (SPEC 6.2, 6.3).
mod types {
    pub(super) const JOIN: u8 = 0x01;
    pub(super) const POST: u8 = 0x02;
    pub(super) const WHO: u8 = 0x03;
    pub(super) const HISTORY: u8 = 0x04;
    pub(super) const LEAVE: u8 = 0x05;
    pub(super) const WELCOME: u8 = 0x41;
    pub(super) const REFUSED: u8 = 0x42;
    pub(super) const RESET: u8 = 0x43;
    pub(super) const ENTRY: u8 = 0x44;
    pub(super) const STUB: u8 = 0x45;
    pub(super) const STORED: u8 = 0x46;
    pub(super) const POST_REFUSED: u8 = 0x47;
    pub(super) const PAST: u8 = 0x48;
    pub(super) const MEMBER: u8 = 0x49;
    pub(super) const NOTICE: u8 = 0x4a;
}

/// Length of a whole message in bytes, its length field included, from that field.
///
/// # Errors
/// [`DecodeError::Value`] for a message without a type (SPEC 6.1).
pub fn message_len(prefix: [u8; 2]) -> Result<usize, DecodeError> {
    match u16::from_be_bytes(prefix) {
        0 => Err(DecodeError::Value),
        len => Ok(usize::from(len).saturating_add(2)),
    }
}

impl<'a> ClientMessage<'a> {
    /// Decodes a message without its length field. `Ok(None)`: the type is unknown and the message
    /// is to be skipped.
    ///
    /// # Errors
    /// [`DecodeError`]: the message does not decode (SPEC 6.1).
    pub fn decode(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(message);
        Ok(Some(match reader.u8()? {
            types::JOIN => Self::Join(Join::decode(&mut reader)?),
            types::POST => Self::Post(Post {
                handle: reader.u8()?,
                instance: reader.u64()?,
                number: reader.u64()?,
                settled: reader.u64()?,
                kind: EntryKind(reader.u8()?),
                body: reader.bytes_u16()?,
            }),
            types::WHO => Self::ListMembers { handle: reader.u8()? },
            types::HISTORY => Self::History {
                handle: reader.u8()?,
                before: reader.u64()?,
                count: match reader.u8()? {
                    count @ 1..=MAX_HISTORY => count,
                    _ => return Err(DecodeError::Value),
                },
            },
            types::LEAVE => Self::Leave { handle: reader.u8()? },
            _ => return Ok(None),
        }))
    }

    /// Encodes with the length field; returns the length in bytes.
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        framed(out, |out| match *self {
            Self::Join(join) => join.encode(out),
            Self::Post(post) => {
                out.u8(types::POST)?;
                out.u8(post.handle)?;
                out.u64(post.instance)?;
                out.u64(post.number)?;
                out.u64(post.settled)?;
                out.u8(post.kind.0)?;
                out.bytes_u16(post.body)
            }
            Self::ListMembers { handle } => out.bytes(&[types::WHO, handle]),
            Self::History { handle, before, count } => {
                out.bytes(&[types::HISTORY, handle])?;
                out.u64(before)?;
                out.u8(count)
            }
            Self::Leave { handle } => out.bytes(&[types::LEAVE, handle]),
        })
    }
}

impl<'a> ServerMessage<'a> {
    /// As [`ClientMessage::decode`].
    ///
    /// # Errors
    /// As [`ClientMessage::decode`].
    pub fn decode(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(message);
        Ok(Some(match reader.u8()? {
            types::WELCOME => Self::Welcome(Welcome::decode(&mut reader)?),
            types::REFUSED => Self::Refused { code: RefusedCode(reader.u8()?), text: reader.str_u8()? },
            types::RESET => Self::Reset { handle: reader.u8()? },
            types::ENTRY => Self::Entry {
                handle: reader.u8()?,
                entry: Entry { header: EntryHeader::decode(&mut reader)?, body: body(&mut reader)? },
            },
            types::STUB => {
                Self::Stub { handle: reader.u8()?, header: EntryHeader::decode(&mut reader)?, size: reader.u16()? }
            }
            types::STORED => Self::Stored {
                handle: reader.u8()?,
                instance: reader.u64()?,
                number: reader.u64()?,
                seq: reader.u64()?,
            },
            types::POST_REFUSED => Self::PostRefused {
                handle: reader.u8()?,
                instance: reader.u64()?,
                number: reader.u64()?,
                code: PostRefusedCode(reader.u8()?),
            },
            types::PAST => Self::Past {
                handle: reader.u8()?,
                remaining: reader.u16()?,
                entry: match reader.clone().u64()? {
                    0 => None,
                    _ => Some(Entry { header: EntryHeader::decode(&mut reader)?, body: body(&mut reader)? }),
                },
            },
            types::MEMBER => Self::Member {
                handle: reader.u8()?,
                remaining: reader.u16()?,
                name: Some(name(&mut reader)?).filter(|name| !name.is_empty()),
            },
            types::NOTICE => Self::Notice { code: reader.u8()?, text: reader.str_u8()? },
            _ => return Ok(None),
        }))
    }

    /// As [`ClientMessage::encode`].
    ///
    /// # Errors
    /// As [`ClientMessage::encode`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        framed(out, |out| match *self {
            Self::Welcome(welcome) => welcome.encode(out),
            Self::Refused { code, text } => {
                out.bytes(&[types::REFUSED, code.0])?;
                out.bytes_u8(text.as_bytes())
            }
            Self::Reset { handle } => out.bytes(&[types::RESET, handle]),
            Self::Entry { handle, entry } => {
                out.bytes(&[types::ENTRY, handle])?;
                entry.header.encode(out)?;
                out.bytes_u16(entry.body)
            }
            Self::Stub { handle, header, size } => {
                out.bytes(&[types::STUB, handle])?;
                header.encode(out)?;
                out.u16(size)
            }
            Self::Stored { handle, instance, number, seq } => {
                out.bytes(&[types::STORED, handle])?;
                out.u64(instance)?;
                out.u64(number)?;
                out.u64(seq)
            }
            Self::PostRefused { handle, instance, number, code } => {
                out.bytes(&[types::POST_REFUSED, handle])?;
                out.u64(instance)?;
                out.u64(number)?;
                out.u8(code.0)
            }
            Self::Past { handle, remaining, entry } => {
                out.bytes(&[types::PAST, handle])?;
                out.u16(remaining)?;
                let Some(entry) = entry else { return out.u64(0) };
                entry.header.encode(out)?;
                out.bytes_u16(entry.body)
            }
            Self::Member { handle, remaining, name } => {
                out.bytes(&[types::MEMBER, handle])?;
                out.u16(remaining)?;
                out.bytes_u8(name.unwrap_or_default().as_bytes())
            }
            Self::Notice { code, text } => {
                out.bytes(&[types::NOTICE, code])?;
                out.bytes_u8(text.as_bytes())
            }
        })
    }
}

impl<'a> Join<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            room: reader.str_u8()?,
            name: reader.str_u8()?,
            identity: PublicIdentity(reader.array()?),
            signature: reader.array()?,
            authentication: Authentication::decode(reader)?,
            instance: reader.u64()?,
            start: Start::decode(reader)?,
            max_entry_len: reader.u16()?,
        })
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(types::JOIN)?;
        out.bytes_u8(self.room.as_bytes())?;
        out.bytes_u8(self.name.as_bytes())?;
        out.bytes(&self.identity.0)?;
        out.bytes(&self.signature)?;
        self.authentication.encode(out)?;
        out.u64(self.instance)?;
        self.start.encode(out)?;
        out.u16(self.max_entry_len)
    }
}

impl<'a> Authentication<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (kind, bytes) = (reader.u8()?, reader.bytes_u8()?);
        match kind {
            0 if bytes.is_empty() => Ok(Self::None),
            1 => bytes.try_into().map(Self::Secret).map_err(|_| DecodeError::Value),
            2 if bytes.len() <= MAX_PASSWORD_LEN => Ok(Self::Password(bytes)),
            _ => Err(DecodeError::Value),
        }
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::None => out.bytes(&[0, 0]),
            Self::Secret(proof) => {
                out.u8(1)?;
                out.bytes_u8(proof)
            }
            Self::Password(password) => {
                out.u8(2)?;
                out.bytes_u8(password)
            }
        }
    }
}

impl Start {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, seq, term, count) = (reader.u8()?, reader.u64()?, Term(reader.array()?), reader.u32()?);
        // SPEC 6.2: what a kind does not use is 0.
        let is_unused = seq == 0 && term == Term::default();
        match kind {
            0 if is_unused && count == 0 => Ok(Self::Head),
            1 if is_unused => Ok(Self::Last(count)),
            2 => Ok(Self::After { seq, term, fallback_count: count }),
            _ => Err(DecodeError::Value),
        }
    }

    fn encode(self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        let (kind, seq, term, count) = match self {
            Self::Head => (0, 0, Term::default(), 0),
            Self::Last(count) => (1, 0, Term::default(), count),
            Self::After { seq, term, fallback_count } => (2, seq, term, fallback_count),
        };
        out.u8(kind)?;
        out.u64(seq)?;
        out.bytes(&term.0)?;
        out.u32(count)
    }
}

impl<'a> Welcome<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            handle: reader.u8()?,
            room: name(reader)?,
            name: name(reader)?,
            term: Term(reader.array()?),
            first: reader.u64()?,
            head: reader.u64()?,
            start: reader.u64()?,
            instance: reader.u64()?,
            highest_stored: reader.u64()?,
            members: reader.u16()?,
            proof: reader.array()?,
        })
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.bytes(&[types::WELCOME, self.handle])?;
        out.bytes_u8(self.room.as_bytes())?;
        out.bytes_u8(self.name.as_bytes())?;
        out.bytes(&self.term.0)?;
        out.u64(self.first)?;
        out.u64(self.head)?;
        out.u64(self.start)?;
        out.u64(self.instance)?;
        out.u64(self.highest_stored)?;
        out.u16(self.members)?;
        out.bytes(&self.proof)
    }
}

impl<'a> EntryHeader<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            seq: reader.u64()?,
            time_ms: reader.u64()?,
            author: name(reader)?,
            instance: reader.u64()?,
            number: reader.u64()?,
            kind: EntryKind(reader.u8()?),
        })
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u64(self.seq)?;
        out.u64(self.time_ms)?;
        out.bytes_u8(self.author.as_bytes())?;
        out.u64(self.instance)?;
        out.u64(self.number)?;
        out.u8(self.kind.0)
    }
}

/// A name that a server wrote, at most [`MAX_NAME_LEN`] bytes (SPEC 6.6). The server checks names
/// that clients request.
fn name<'a>(reader: &mut Reader<'a>) -> Result<&'a str, DecodeError> {
    reader.str_u8().and_then(|name| if name.len() <= MAX_NAME_LEN { Ok(name) } else { Err(DecodeError::Value) })
}

/// The body of an entry, at most [`MAX_BODY_LEN`] bytes (SPEC 6.4).
fn body<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    reader.bytes_u16().and_then(|body| if body.len() <= MAX_BODY_LEN { Ok(body) } else { Err(DecodeError::Value) })
}

/// Writes a message with `write`, and its length before it.
fn framed(out: &mut [u8], write: impl FnOnce(&mut Writer<'_>) -> Result<(), BufferFull>) -> Result<usize, BufferFull> {
    let (prefix, message) = out.split_first_chunk_mut::<2>().ok_or(BufferFull)?;
    let mut message = Writer::new(message);
    write(&mut message)?;
    *prefix = u16::try_from(message.len()).map_err(|_| BufferFull)?.to_be_bytes();
    Ok(message.len().saturating_add(2))
}

#[cfg(test)]
mod tests;
