//! Frames, the content of the body of a sealed packet (SPEC 5.1).

use core::ops::RangeInclusive;

use super::io::{BufferFull, DecodeError, Reader, Writer};

// Frame codes (SPEC 5.1).
const PADDING: u8 = 0x00;
const PING: u8 = 0x01;
const ACK: u8 = 0x02;
const STREAM: u8 = 0x03;
const MAX_DATA: u8 = 0x04;
const PATH_CHALLENGE: u8 = 0x05;
const PATH_RESPONSE: u8 = 0x06;
const CLOSE: u8 = 0x07;

/// Bytes of an ACK frame of one range.
pub const ACK_HEADER_LEN: usize = 18;
/// Bytes of each further range of an ACK frame.
pub const ACK_RANGE_LEN: usize = 8;
/// Bytes of a STREAM frame before its data.
pub const STREAM_HEADER_LEN: usize = 12;
/// Bytes of a MAX_DATA frame.
pub const MAX_DATA_LEN: usize = 10;
/// Bytes of a PATH_CHALLENGE or PATH_RESPONSE frame.
pub const PATH_LEN: usize = 9;
/// Most further ranges of an ACK frame.
pub const MAX_ACK_RANGES: usize = 31;
/// Longest reason of a CLOSE frame in bytes.
pub const MAX_REASON_LEN: usize = 64;
/// No stream goes beyond this offset (SPEC 5.1).
pub const MAX_OFFSET: u64 = 1 << 62;

/// One of the two streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StreamId {
    /// 0: chat messages.
    Chat,
    /// 1: files; lower priority.
    Bulk,
}

/// Why a connection ended (SPEC 5.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct CloseCode(pub u16);

/// One frame. PADDING is consumed by the decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Asks for an acknowledgement.
    Ping,
    /// Packets received.
    Ack(Ack<'a>),
    /// Data of a stream at an offset. Never empty.
    Stream {
        /// The stream.
        id: StreamId,
        /// Offset of the first byte.
        offset: u64,
        /// One byte or more.
        data: &'a [u8],
    },
    /// Raises the limit of a stream.
    MaxData {
        /// The stream.
        id: StreamId,
        /// Bytes of the stream that may be sent in total.
        offset: u64,
    },
    /// Asks for the same bytes from the address where it arrived.
    PathChallenge([u8; 8]),
    /// Answers a PATH_CHALLENGE.
    PathResponse([u8; 8]),
    /// Ends the connection.
    Close {
        /// Why.
        code: CloseCode,
        /// Text for people, up to 64 bytes.
        reason: &'a str,
    },
}

/// An ACK frame, its ranges checked but not unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The largest packet number acknowledged.
    pub largest: u64,
    /// Delay from the receipt of the largest to this ACK, in us.
    pub delay_us: u32,
    /// Count of packets directly below the largest that are acknowledged as well.
    pub first: u32,
    /// `count` encoded pairs of gap and length.
    pub(crate) ranges: &'a [u8],
}

/// Why the frames of a body do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum FrameError {
    /// A frame does not decode, or its type is unknown.
    Malformed(DecodeError),
    /// A frame names a stream that does not exist (SPEC 5.2).
    UnknownStream,
}

/// Iterator over the frames of a body. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Frames<'a> {
    reader: Reader<'a>,
}

impl<'a> Frames<'a> {
    /// Reads the body of a sealed packet.
    #[must_use]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { reader: Reader::new(body) }
    }
}

impl<'a> Frames<'a> {
    fn decode(&mut self) -> Result<Option<Frame<'a>>, FrameError> {
        let reader = &mut self.reader;
        Ok(Some(match reader.u8()? {
            PADDING => {
                // SPEC 5.1: padding extends to the end of the body and is canonical (2.3).
                return if reader.rest().iter().all(|&byte| byte == 0) { Ok(None) } else { Err(DecodeError::Value)? };
            }
            PING => Frame::Ping,
            ACK => Frame::Ack(Ack::decode(reader)?),
            STREAM => {
                let id = StreamId::decode(reader.u8()?)?;
                let offset = reader.u64()?;
                let data = reader.bytes_u16()?;
                let len = u64::try_from(data.len()).map_err(|_| DecodeError::Value)?;
                // SPEC 5.1
                if data.is_empty() || offset.checked_add(len).is_none_or(|end| end > MAX_OFFSET) {
                    return Err(DecodeError::Value)?;
                }
                Frame::Stream { id, offset, data }
            }
            MAX_DATA => Frame::MaxData { id: StreamId::decode(reader.u8()?)?, offset: reader.u64()? },
            PATH_CHALLENGE => Frame::PathChallenge(reader.array()?),
            PATH_RESPONSE => Frame::PathResponse(reader.array()?),
            CLOSE => {
                let code = CloseCode(reader.u16()?);
                let reason = reader.str_u8()?;
                // SPEC 5.1
                if reason.len() > MAX_REASON_LEN {
                    return Err(DecodeError::Value)?;
                }
                Frame::Close { code, reason }
            }
            _ => return Err(DecodeError::Value)?,
        }))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let frame = self.decode().transpose();
        if !matches!(frame, Some(Ok(_))) {
            self.reader.rest();
        }
        frame
    }
}

impl Frame<'_> {
    /// Whether the packet that carries it must be acknowledged (SPEC 5.1).
    #[must_use]
    pub const fn is_ack_eliciting(&self) -> bool {
        !matches!(self, Self::Ack(_) | Self::Close { .. })
    }

    /// Appends the frame, all or nothing.
    ///
    /// # Errors
    /// [`BufferFull`] if it does not fit, or if a reason is longer than [`MAX_REASON_LEN`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        if out.remaining() < self.encoded_len() {
            return Err(BufferFull);
        }
        match self {
            Self::Ping => out.u8(PING),
            Self::Ack(ack) => {
                out.u8(ACK)?;
                out.u64(ack.largest)?;
                out.u32(ack.delay_us)?;
                out.u32(ack.first)?;
                let count = ack.ranges.len().checked_div(ACK_RANGE_LEN).unwrap_or_default();
                out.u8(u8::try_from(count).map_err(|_| BufferFull)?)?;
                out.bytes(ack.ranges)
            }
            Self::Stream { id, offset, data } => Self::encode_stream(out, *id, *offset, [data, &[]]),
            Self::MaxData { id, offset } => {
                out.u8(MAX_DATA)?;
                out.u8(id.code())?;
                out.u64(*offset)
            }
            Self::PathChallenge(data) => {
                out.u8(PATH_CHALLENGE)?;
                out.bytes(data)
            }
            Self::PathResponse(data) => {
                out.u8(PATH_RESPONSE)?;
                out.bytes(data)
            }
            Self::Close { code, reason } => {
                if reason.len() > MAX_REASON_LEN {
                    return Err(BufferFull);
                }
                out.u8(CLOSE)?;
                out.u16(code.0)?;
                out.bytes_u8(reason.as_bytes())
            }
        }
    }

    /// Appends a STREAM frame with data in two slices, all or nothing.
    ///
    /// # Errors
    /// As [`Frame::encode`].
    #[inline]
    pub fn encode_stream(out: &mut Writer<'_>, id: StreamId, offset: u64, data: [&[u8]; 2]) -> Result<(), BufferFull> {
        let len = data.iter().fold(0_usize, |len, piece| len.saturating_add(piece.len()));
        let wire_len = u16::try_from(len).map_err(|_| BufferFull)?;
        if out.remaining() < STREAM_HEADER_LEN.saturating_add(len) {
            return Err(BufferFull);
        }
        out.u8(STREAM)?;
        out.u8(id.code())?;
        out.u64(offset)?;
        out.u16(wire_len)?;
        data.into_iter().try_for_each(|piece| out.bytes(piece))
    }

    /// Bytes that [`Frame::encode`] appends.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Ping => 1,
            Self::Ack(ack) => ACK_HEADER_LEN.saturating_add(ack.ranges.len()),
            Self::Stream { data, .. } => STREAM_HEADER_LEN.saturating_add(data.len()),
            Self::MaxData { .. } => MAX_DATA_LEN,
            Self::PathChallenge(_) | Self::PathResponse(_) => PATH_LEN,
            Self::Close { reason, .. } => 4_usize.saturating_add(reason.len()),
        }
    }
}

impl<'a> Ack<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (largest, delay_us, first) = (reader.u64()?, reader.u32()?, reader.u32()?);
        let count = usize::from(reader.u8()?);
        // SPEC 5.1
        if count > MAX_ACK_RANGES {
            return Err(DecodeError::Value);
        }
        let ranges = reader.bytes(count.saturating_mul(ACK_RANGE_LEN))?;
        let ack = Self { largest, delay_us, first, ranges };
        // Gaps and lengths are 1 or more, and nothing goes below 0.
        if ack.ranges().count() == count.saturating_add(1) { Ok(ack) } else { Err(DecodeError::Value) }
    }

    /// The numbers acknowledged, from the highest range to the lowest.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> + use<'a> {
        let mut reader = Reader::new(self.ranges);
        let mut lowest = self.largest.checked_sub(u64::from(self.first));
        let first = lowest.map(|lowest| lowest..=self.largest);
        first.into_iter().chain(core::iter::from_fn(move || {
            let (gap, length) = (reader.u32().ok()?, reader.u32().ok()?);
            let highest = lowest?.checked_sub(u64::from(gap))?.checked_sub(1)?;
            let next = highest.checked_sub(u64::from(length.checked_sub(1)?))?;
            lowest = (gap > 0).then_some(next);
            lowest.map(|lowest| lowest..=highest)
        }))
    }

    /// Appends an ACK frame of `ranges` (not adjacent, from the highest to the lowest): all of
    /// them, or as many of the highest as fit.
    ///
    /// # Errors
    /// [`BufferFull`] if not even the first range fits, or if there is none.
    pub fn encode_ranges(
        out: &mut Writer<'_>,
        delay_us: u32,
        ranges: impl Iterator<Item = RangeInclusive<u64>> + Clone,
    ) -> Result<(), BufferFull> {
        let further = out.remaining().checked_sub(ACK_HEADER_LEN).ok_or(BufferFull)?;
        let further = further.checked_div(ACK_RANGE_LEN).unwrap_or_default().min(MAX_ACK_RANGES);
        let first = ranges.clone().next().ok_or(BufferFull)?;
        let pairs = ranges.clone().zip(ranges.skip(1)).map_while(|(above, range)| {
            let gap = above.start().checked_sub(*range.end())?.checked_sub(1)?;
            let length = range.end().checked_sub(*range.start())?.checked_add(1)?;
            // A value that does not fit a u32 ends the frame: it is older than any packet in
            // flight.
            Some((u32::try_from(gap).ok()?, u32::try_from(length).ok()?))
        });
        let pairs = pairs.take(further);
        let below = first.end().saturating_sub(*first.start());
        out.u8(ACK)?;
        out.u64(*first.end())?;
        out.u32(delay_us)?;
        let Ok(below) = u32::try_from(below) else {
            out.u32(u32::MAX)?;
            return out.u8(0);
        };
        out.u32(below)?;
        out.u8(u8::try_from(pairs.clone().count()).map_err(|_| BufferFull)?)?;
        for (gap, length) in pairs {
            out.u32(gap)?;
            out.u32(length)?;
        }
        Ok(())
    }
}

impl StreamId {
    /// Both streams, by priority.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Bulk];

    /// Its index in a pair: 0 or 1.
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Chat => 0,
            Self::Bulk => 1,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Chat => 0,
            Self::Bulk => 1,
        }
    }

    const fn decode(code: u8) -> Result<Self, FrameError> {
        match code {
            0 => Ok(Self::Chat),
            1 => Ok(Self::Bulk),
            _ => Err(FrameError::UnknownStream),
        }
    }
}

impl From<DecodeError> for FrameError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl core::fmt::Display for FrameError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::UnknownStream => f.write_str("stream does not exist"),
        }
    }
}

impl core::error::Error for FrameError {}

impl CloseCode {
    /// The member left.
    pub const LEFT: Self = Self(0);
    /// An internal error of the sender.
    pub const INTERNAL: Self = Self(1);
    /// More stream data than the limit allows.
    pub const FLOW_CONTROL: Self = Self(2);
    /// A frame that does not decode.
    pub const FRAME: Self = Self(3);
    /// Another violation of the rules of streams or acknowledgements.
    pub const PROTOCOL: Self = Self(4);
    /// A chat message that violates its rules.
    pub const MESSAGE: Self = Self(5);
    /// The same identity joined from elsewhere.
    pub const REPLACED: Self = Self(0x100);
    /// An operator kicked the member.
    pub const KICKED: Self = Self(0x101);
    /// An operator banned the member.
    pub const BANNED: Self = Self(0x102);
    /// The server is shutting down.
    pub const SHUTDOWN: Self = Self(0x103);
    /// No Join in time.
    pub const NOT_JOINED: Self = Self(0x104);
    /// Follows a Refused message.
    pub const REFUSED: Self = Self(0x105);
}

impl core::fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "CloseCode(0x{:04x})", self.0)
    }
}

#[cfg(test)]
mod tests;
