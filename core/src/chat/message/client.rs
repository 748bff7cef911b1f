//! Messages of a client (SPEC 6.2), each with its type, its fields and their encoding.

use super::framed;
use super::join::Join;
use super::request::{Request, RequestType};
use crate::chat::EntryKind;
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

message_types! {
    ClientType {
        Join = 0x01,
        Post = 0x02,
        Leave = 0x05,
    }
}

/// Client to server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// Requests to be admitted to a room.
    Join(Join<'a>),
    /// Adds an entry to the log.
    Post(Post<'a>),
    /// Requests information or a change.
    Request {
        /// The room.
        handle: u8,
        /// The request.
        request: Request<'a>,
    },
    /// Leaves the room.
    Leave {
        /// The room.
        handle: u8,
    },
}

/// Post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post<'a> {
    /// The room.
    pub handle: u8,
    /// The author's instance.
    pub instance: u64,
    /// 1, 2, 3, ... in the instance.
    pub number: u64,
    /// Every number up to this one is settled for the author (SPEC 6.5).
    pub settled: u64,
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Up to [`MAX_BODY_LEN`](crate::chat::MAX_BODY_LEN) bytes.
    pub body: &'a [u8],
}

impl<'a> ClientMessage<'a> {
    /// Decodes a message without its length field. `Ok(None)`: the type is unknown and the message
    /// is to be skipped.
    ///
    /// # Errors
    /// [`DecodeError`]: the message does not decode (SPEC 6.1).
    pub fn decode(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(message);
        let code = reader.u8()?;
        if let Some(request_type) = RequestType::new(code) {
            let handle = reader.u8()?;
            return Ok(Some(Self::Request { handle, request: Request::decode(request_type, &mut reader)? }));
        }
        let Some(message_type) = ClientType::new(code) else { return Ok(None) };
        Ok(Some(match message_type {
            ClientType::Join => Self::Join(Join::decode(&mut reader)?),
            ClientType::Post => Self::Post(Post {
                handle: reader.u8()?,
                instance: reader.u64()?,
                number: reader.u64()?,
                settled: reader.u64()?,
                kind: EntryKind(reader.u8()?),
                body: reader.bytes_u16()?,
            }),
            ClientType::Leave => Self::Leave { handle: reader.u8()? },
        }))
    }

    /// Encodes with the length field; returns the length in bytes.
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        framed(out, |out| self.write(out))
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        match *self {
            Self::Join(join) => {
                out.u8(ClientType::Join.code())?;
                join.encode(out)
            }
            Self::Post(post) => {
                out.bytes(&[ClientType::Post.code(), post.handle])?;
                out.u64(post.instance)?;
                out.u64(post.number)?;
                out.u64(post.settled)?;
                out.u8(post.kind.0)?;
                out.bytes_u16(post.body)
            }
            Self::Request { handle, request } => request.encode(handle, out),
            Self::Leave { handle } => out.bytes(&[ClientType::Leave.code(), handle]),
        }
    }
}
