//! Messages of transfers on stream BULK (SPEC 6.8), each with its type, its fields and their
//! encoding.

#[cfg(test)]
mod tests;

use super::{HEAD, framed};
use crate::content::{ROOT_LEN, Root};
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

message_types! {
    TransferType {
        Put = 0x81,
        Get = 0x82,
        Chunk = 0x83,
        End = 0x84,
        Cancel = 0x85,
        PutAt = 0xc1,
        GetAt = 0xc2,
    }
}

/// Bytes of a Chunk without its part of the encoding.
pub const CHUNK_OVERHEAD: usize = HEAD + 4;
/// Bytes of the longest message that is not a Chunk: Get.
pub const MAX_TRANSFER_HEAD: usize = CHUNK_OVERHEAD + 1 + ROOT_LEN + 8 + 8;

/// A message on stream BULK. The number `transfer` identifies a transfer on its connection; the
/// client draws it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferMessage<'a> {
    /// Client to server: offers a content for a room.
    Put {
        /// The transfer.
        transfer: u32,
        /// The room.
        handle: u8,
        /// The content.
        root: Root,
        /// Its length in bytes.
        size: u64,
    },
    /// Server to client: the upload begins at `offset`.
    PutAt {
        /// The transfer.
        transfer: u32,
        /// Everything before it is proven and stored; the length of the content if that is all.
        offset: u64,
    },
    /// Client to server: requests the groups that have the bytes from `offset`.
    Get {
        /// The transfer.
        transfer: u32,
        /// The room.
        handle: u8,
        /// The content.
        root: Root,
        /// The first byte.
        offset: u64,
        /// Number of bytes; `u64::MAX`: up to the end.
        length: u64,
    },
    /// Server to client: the download follows.
    GetAt {
        /// The transfer.
        transfer: u32,
        /// Length of the content in bytes.
        size: u64,
        /// The first byte of the first group.
        offset: u64,
        /// Bytes of all groups.
        length: u64,
    },
    /// The next part of the encoding (SPEC 10.2).
    Chunk {
        /// The transfer.
        transfer: u32,
        /// At least one byte.
        bytes: &'a [u8],
    },
    /// From the client: the encoding is complete. From the server: so is the download, or the
    /// upload is stored durably.
    End {
        /// The transfer.
        transfer: u32,
    },
    /// The transfer is over without its end, or the same of the other side was received.
    Cancel {
        /// The transfer.
        transfer: u32,
        /// Why.
        code: CancelCode,
        /// With [`CancelCode::NOT_PROVEN`], where the node begins that does not prove; otherwise 0.
        offset: u64,
    },
}

/// Why a transfer is over before its end (SPEC 6.8).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CancelCode(pub u8);

impl CancelCode {
    /// Its user has cancelled it, or the server stops.
    pub const CANCELLED: Self = Self(0);
    /// The member may not do it: muted, or not in the room.
    pub const NOT_PERMITTED: Self = Self(1);
    /// No entry of the room that the member may read names the content, or it is not stored.
    pub const NOT_FOUND: Self = Self(2);
    /// Longer than the server accepts.
    pub const TOO_LARGE: Self = Self(3);
    /// It would exceed the quota of the member.
    pub const MEMBER_QUOTA: Self = Self(4);
    /// It would exceed the quota of the server.
    pub const SERVER_QUOTA: Self = Self(5);
    /// A node does not prove.
    pub const NOT_PROVEN: Self = Self(6);
    /// The range is beyond the end of the content.
    pub const OUT_OF_RANGE: Self = Self(7);
    /// The content was removed meanwhile.
    pub const REMOVED: Self = Self(8);
    /// Storage failed, or there are too many transfers. A later attempt may succeed.
    pub const TRY_LATER: Self = Self(9);
}

impl core::fmt::Debug for CancelCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CancelCode(0x{:02x})", self.0)
    }
}

impl<'a> TransferMessage<'a> {
    /// The number of the transfer.
    #[must_use]
    pub const fn transfer(&self) -> u32 {
        match *self {
            Self::Put { transfer, .. }
            | Self::PutAt { transfer, .. }
            | Self::Get { transfer, .. }
            | Self::GetAt { transfer, .. }
            | Self::Chunk { transfer, .. }
            | Self::End { transfer }
            | Self::Cancel { transfer, .. } => transfer,
        }
    }

    /// As [`ClientMessage::decode`](super::ClientMessage::decode).
    ///
    /// # Errors
    /// As [`ClientMessage::decode`](super::ClientMessage::decode).
    pub fn decode(message: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let mut reader = Reader::new(message);
        let Some(message_type) = TransferType::new(reader.u8()?) else { return Ok(None) };
        let transfer = reader.u32()?;
        Ok(Some(match message_type {
            TransferType::Put => {
                Self::Put { transfer, handle: reader.u8()?, root: Root(reader.array()?), size: reader.u64()? }
            }
            TransferType::PutAt => Self::PutAt { transfer, offset: reader.u64()? },
            TransferType::Get => Self::Get {
                transfer,
                handle: reader.u8()?,
                root: Root(reader.array()?),
                offset: reader.u64()?,
                length: reader.u64()?,
            },
            TransferType::GetAt => {
                Self::GetAt { transfer, size: reader.u64()?, offset: reader.u64()?, length: reader.u64()? }
            }
            TransferType::Chunk => match reader.rest() {
                [] => return Err(DecodeError::Value),
                bytes => Self::Chunk { transfer, bytes },
            },
            TransferType::End => Self::End { transfer },
            TransferType::Cancel => Self::Cancel { transfer, code: CancelCode(reader.u8()?), offset: reader.u64()? },
        }))
    }

    /// As [`ClientMessage::encode`](super::ClientMessage::encode).
    ///
    /// # Errors
    /// As [`ClientMessage::encode`](super::ClientMessage::encode).
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        framed(out, |out| {
            self.write_head(out)?;
            out.bytes(self.payload())
        })
    }

    /// Encodes into two parts, so that the bytes of a Chunk are not copied: the first is written
    /// to `head`, the second is the message's own.
    ///
    /// # Errors
    /// [`BufferFull`] if the message is longer than any may be.
    pub fn encode_parts<'b>(&self, head: &'b mut [u8; MAX_TRANSFER_HEAD]) -> Result<[&'b [u8]; 2], BufferFull>
    where
        'a: 'b,
    {
        let payload = self.payload();
        let len = framed(head, |out| self.write_head(out))?;
        let (written, _) = head.split_at_mut_checked(len).ok_or(BufferFull)?;
        let (prefix, _) = written.split_first_chunk_mut::<2>().ok_or(BufferFull)?;
        let whole = u16::from_be_bytes(*prefix).checked_add(u16::try_from(payload.len()).map_err(|_| BufferFull)?);
        *prefix = whole.ok_or(BufferFull)?.to_be_bytes();
        Ok([written, payload])
    }

    /// The bytes of a Chunk.
    const fn payload(&self) -> &'a [u8] {
        match self {
            Self::Chunk { bytes, .. } => bytes,
            _ => &[],
        }
    }

    const fn message_type(&self) -> TransferType {
        match self {
            Self::Put { .. } => TransferType::Put,
            Self::PutAt { .. } => TransferType::PutAt,
            Self::Get { .. } => TransferType::Get,
            Self::GetAt { .. } => TransferType::GetAt,
            Self::Chunk { .. } => TransferType::Chunk,
            Self::End { .. } => TransferType::End,
            Self::Cancel { .. } => TransferType::Cancel,
        }
    }

    /// Writes everything but the bytes of a Chunk.
    fn write_head(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(self.message_type().code())?;
        out.u32(self.transfer())?;
        match *self {
            Self::Put { handle, root, size, .. } => {
                out.u8(handle)?;
                out.bytes(&root.0)?;
                out.u64(size)
            }
            Self::PutAt { offset, .. } => out.u64(offset),
            Self::Get { handle, root, offset, length, .. } => {
                out.u8(handle)?;
                out.bytes(&root.0)?;
                out.u64(offset)?;
                out.u64(length)
            }
            Self::GetAt { size, offset, length, .. } => {
                out.u64(size)?;
                out.u64(offset)?;
                out.u64(length)
            }
            Self::Chunk { .. } | Self::End { .. } => Ok(()),
            Self::Cancel { code, offset, .. } => {
                out.u8(code.0)?;
                out.u64(offset)
            }
        }
    }
}
