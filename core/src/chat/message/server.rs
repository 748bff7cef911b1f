//! Messages of a server (SPEC 6.3), each with its type, its fields and their encoding.

use super::join::Welcome;
use super::request::{Info, InfoType};
use super::{Entry, EntryHeader, body, framed, name};
use crate::chat::{PostRefusedCode, RefusedCode};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

message_types! {
    ServerType {
        Welcome = 0x41,
        Refused = 0x42,
        Reset = 0x43,
        Entry = 0x44,
        Stub = 0x45,
        Stored = 0x46,
        PostRefused = 0x47,
    }
}

/// Server to client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// Admits the client.
    Welcome(Welcome<'a>),
    /// Refuses a Join.
    Refused {
        /// Why.
        code: RefusedCode,
        /// Text for the user.
        text: &'a str,
        /// The room of the Join. Left out by earlier servers: empty, which is that of the only Join
        /// in progress.
        room: &'a str,
    },
    /// The cursor is not valid; delivery starts over.
    Reset {
        /// The room.
        handle: u8,
    },
    /// An entry of the log.
    Entry {
        /// The room.
        handle: u8,
        /// The entry.
        entry: Entry<'a>,
    },
    /// An entry that is longer than the member accepts.
    Stub {
        /// The room.
        handle: u8,
        /// Header.
        header: EntryHeader<'a>,
        /// Length of the body in bytes.
        size: u16,
    },
    /// Posts are stored; cumulative.
    Stored {
        /// The room.
        handle: u8,
        /// The author's instance.
        instance: u64,
        /// Every number up to this one that was not refused is stored.
        number: u64,
        /// Its seq.
        seq: u64,
    },
    /// A post is refused permanently.
    PostRefused {
        /// The room.
        handle: u8,
        /// The author's instance.
        instance: u64,
        /// The number.
        number: u64,
        /// Why.
        code: PostRefusedCode,
    },
    /// An answer or a notice.
    Info(Info<'a>),
}

impl<'a> ServerMessage<'a> {
    /// As [`ClientMessage::decode`](super::ClientMessage::decode).
    ///
    /// # Errors
    /// As [`ClientMessage::decode`](super::ClientMessage::decode).
    pub fn decode(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        Self::decode_with::<true>(message)
    }

    /// As [`ServerMessage::decode`]. `LISTS`: the client is for several rooms; for one room, lists
    /// of rooms and topics are skipped, and take no space in the flash of a device.
    pub(crate) fn decode_with<const LISTS: bool>(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(message);
        let code = reader.u8()?;
        if let Some(info_type) = InfoType::new(code) {
            return Ok(Info::decode::<LISTS>(info_type, &mut reader)?.map(Self::Info));
        }
        let Some(message_type) = ServerType::new(code) else { return Ok(None) };
        Ok(Some(match message_type {
            ServerType::Welcome => Self::Welcome(Welcome::decode(&mut reader)?),
            ServerType::Refused => Self::Refused {
                code: RefusedCode(reader.u8()?),
                text: reader.str_u8()?,
                room: if reader.is_empty() { "" } else { name(&mut reader)? },
            },
            ServerType::Reset => Self::Reset { handle: reader.u8()? },
            ServerType::Entry => Self::Entry {
                handle: reader.u8()?,
                entry: Entry { header: EntryHeader::decode(&mut reader)?, body: body(&mut reader)? },
            },
            ServerType::Stub => {
                Self::Stub { handle: reader.u8()?, header: EntryHeader::decode(&mut reader)?, size: reader.u16()? }
            }
            ServerType::Stored => Self::Stored {
                handle: reader.u8()?,
                instance: reader.u64()?,
                number: reader.u64()?,
                seq: reader.u64()?,
            },
            ServerType::PostRefused => Self::PostRefused {
                handle: reader.u8()?,
                instance: reader.u64()?,
                number: reader.u64()?,
                code: PostRefusedCode(reader.u8()?),
            },
        }))
    }

    /// As [`ClientMessage::encode`](super::ClientMessage::encode).
    ///
    /// # Errors
    /// As [`ClientMessage::encode`](super::ClientMessage::encode).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        framed(out, |out| self.write(out))
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        match *self {
            Self::Welcome(welcome) => {
                out.u8(ServerType::Welcome.code())?;
                welcome.encode(out)
            }
            Self::Refused { code, text, room } => {
                out.bytes(&[ServerType::Refused.code(), code.0])?;
                out.bytes_u8(text.as_bytes())?;
                out.bytes_u8(room.as_bytes())
            }
            Self::Reset { handle } => out.bytes(&[ServerType::Reset.code(), handle]),
            Self::Entry { handle, entry } => {
                out.bytes(&[ServerType::Entry.code(), handle])?;
                entry.header.encode(out)?;
                out.bytes_u16(entry.body)
            }
            Self::Stub { handle, header, size } => {
                out.bytes(&[ServerType::Stub.code(), handle])?;
                header.encode(out)?;
                out.u16(size)
            }
            Self::Stored { handle, instance, number, seq } => {
                out.bytes(&[ServerType::Stored.code(), handle])?;
                out.u64(instance)?;
                out.u64(number)?;
                out.u64(seq)
            }
            Self::PostRefused { handle, instance, number, code } => {
                out.bytes(&[ServerType::PostRefused.code(), handle])?;
                out.u64(instance)?;
                out.u64(number)?;
                out.u8(code.0)
            }
            Self::Info(info) => info.encode(out),
        }
    }
}
