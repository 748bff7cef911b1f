//! Chat messages and their encoding (SPEC 6.1 to 6.3, 6.8): `length u16 | type u8 | body`.
//!
//! Unlike packets and frames, messages are tolerant: unknown types are skipped, bytes after the
//! known fields are ignored.
//!
//! * `client`, `server`: the messages of either side. `request`: requests for information, and
//!   information. Each file has the types, the fields and their encoding.
//! * `join`: Join and Welcome, their signature and proofs.
//! * `transfer`: the messages on stream BULK, of both sides.
//! * this file: what they share.
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

/// Declares types of messages with their codes. They are an enum, so that the compiler names each
/// `match` that a new type is missing in.
macro_rules! message_types {
    ($name:ident { $($message:ident = $code:literal,)+ }) => {
        /// Types of messages.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name {
            $($message,)+
        }

        impl $name {
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$message,)+];

            /// The type with this code; `None`: it is not one of these.
            pub(super) const fn new(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$message),)+
                    _ => None,
                }
            }

            pub(super) const fn code(self) -> u8 {
                match self {
                    $(Self::$message => $code,)+
                }
            }
        }
    };
}

mod client;
mod join;
mod request;
mod server;
#[cfg(test)]
mod tests;
mod transfer;

pub use client::{ClientMessage, Post};
pub use join::{Authentication, Join, Welcome, client_proof, join_statement, server_proof};
pub use request::{Info, Request, RoomInfo};
pub use server::ServerMessage;
pub use transfer::{CHUNK_OVERHEAD, CancelCode, MAX_TRANSFER_HEAD, TransferMessage};

use super::{EntryKind, MAX_BODY_LEN, MAX_MESSAGE_LEN, MAX_NAME_LEN, MAX_PASSWORD_LEN};
use crate::crypto::identity::{PUBLIC_LEN, SIGNATURE_LEN};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

/// Bytes of the length field and the type.
const HEAD: usize = 2 + 1;
/// Bytes of the longest name and its length.
const NAME: usize = 1 + MAX_NAME_LEN;

/// Bytes of an Entry message without its body, with the longest author's name. A Stub is never
/// longer.
pub const ENTRY_OVERHEAD: usize = HEAD + 1 + 8 + 8 + NAME + 8 + 8 + 1 + 2;
/// As [`ENTRY_OVERHEAD`], for HistoryEntry.
pub const HISTORY_ENTRY_OVERHEAD: usize = ENTRY_OVERHEAD + 2;
/// Bytes of a Post message without its body.
pub const POST_OVERHEAD: usize = HEAD + 1 + 8 + 8 + 8 + 1 + 2;

/// A Join at its longest: every string of 255 bytes, a password of full length.
const JOIN_MAX: usize =
    HEAD + 256 + 256 + PUBLIC_LEN + SIGNATURE_LEN + 1 + 1 + MAX_PASSWORD_LEN + 8 + 1 + 8 + 8 + 4 + 2 + 1;
const WELCOME_MAX: usize = HEAD + 1 + NAME + NAME + 8 + 8 + 8 + 8 + 8 + 8 + 2 + 32;

// SPEC 8: the largest message. SPEC 2.4: 512 bytes suffice for every message without a long body.
const _: () = assert!(HISTORY_ENTRY_OVERHEAD + MAX_BODY_LEN <= MAX_MESSAGE_LEN);
const _: () = assert!(POST_OVERHEAD + MAX_BODY_LEN <= MAX_MESSAGE_LEN);
const _: () = assert!(JOIN_MAX <= MAX_MESSAGE_LEN);
const _: () = assert!(WELCOME_MAX <= 512 && HISTORY_ENTRY_OVERHEAD <= 512 && HEAD + 1 + 256 <= 512);
const _: () = assert!(MAX_MESSAGE_LEN <= 0xffff);

/// Header of entries, stubs and answers to History.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader<'a> {
    /// Position in the room's log.
    pub seq: u64,
    /// Time of storage, in ms since 1970.
    pub time_ms: u64,
    /// Name of the author.
    pub author: &'a str,
    /// Instance of the author; 0 = the server.
    pub instance: u64,
    /// Number in the instance.
    pub number: u64,
    /// Kind of the entry.
    pub kind: EntryKind,
}

/// An entry of a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Header.
    pub header: EntryHeader<'a>,
    /// The body.
    pub body: &'a [u8],
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

impl<'a> EntryHeader<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            seq: reader.u64()?,
            time_ms: reader.u64()?,
            author: name(reader)?,
            instance: reader.u64()?,
            number: reader.u64()?,
            kind: EntryKind(reader.u8()?),
        })
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
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

/// A `bool`: 0 or 1.
fn flag(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Value),
    }
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
