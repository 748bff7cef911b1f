//! Frames: what the body of a sealed packet holds (SPEC 5.1).

use super::cursor::{BufferFull, DecodeError, Reader, Writer};

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

/// Which of the two streams.
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
    /// Data of a stream at an offset; never empty.
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
        /// Bytes that may be sent in all.
        offset: u64,
    },
    /// Asks for the same bytes from where this arrived.
    PathChallenge([u8; 8]),
    /// Answers a PATH_CHALLENGE.
    PathResponse([u8; 8]),
    /// Ends the connection.
    Close {
        /// Why.
        code: CloseCode,
        /// In words, up to 64 bytes.
        reason: &'a str,
    },
}

/// An ACK frame, its ranges checked but not unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The largest packet number acknowledged.
    pub largest: u64,
    /// How long the largest waited for this, in us.
    pub delay_us: u32,
    /// Packets directly below the largest that are acknowledged as well.
    pub first: u32,
    /// `count` encoded pairs of gap and length.
    pub(crate) ranges: &'a [u8],
}

/// Decodes the frames of a body one by one; ends after the first error.
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

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let _ = &self.reader;
        todo!()
    }
}

impl Frame<'_> {
    /// Whether the packet that carries this must be acknowledged (SPEC 5.1).
    #[must_use]
    pub const fn is_ack_eliciting(&self) -> bool {
        !matches!(self, Self::Ack(_) | Self::Close { .. })
    }

    /// Appends the frame, all or nothing. (ACK frames are encoded from the transport's ranges, not from here.)
    ///
    /// # Errors
    /// [`BufferFull`] if it does not fit.
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        let _ = out;
        todo!()
    }
}

impl CloseCode {
    /// The person left.
    pub const LEFT: Self = Self(0);
    /// Own fault.
    pub const INTERNAL: Self = Self(1);
    /// More stream data than allowed.
    pub const FLOW_CONTROL: Self = Self(2);
    /// A frame that does not decode.
    pub const FRAME: Self = Self(3);
    /// Anything else that breaks a rule of streams or acknowledgements.
    pub const PROTOCOL: Self = Self(4);
    /// A chat message that breaks its rules.
    pub const MESSAGE: Self = Self(5);
    /// The same identity joined from elsewhere.
    pub const REPLACED: Self = Self(0x100);
    /// By an operator.
    pub const KICKED: Self = Self(0x101);
    /// By an operator.
    pub const BANNED: Self = Self(0x102);
    /// The server stops.
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
