//! Memory of a connection: fixed arrays on a device, a pool on a server.

use super::SentPacket;
use super::congestion::{Congestion, NewReno};
use super::ranges::{DeviceRanges, RangeStorage};
use crate::wire::MAX_DATAGRAM;
use crate::wire::frame::StreamId;
use crate::wire::packet::TransportParameters;

/// Longest delay of an acknowledgement by a host, in ms.
pub(crate) const HOST_ACK_DELAY_MS: u16 = 5;
/// Granularity of a host's clock, in us.
pub(crate) const HOST_TICK_US: u32 = 1000;
/// Idle time-out of a host, in s.
pub(crate) const HOST_IDLE_S: u16 = 60;

/// A buffer that is acquired when it is needed and released when it is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Buffer {
    /// Bytes of CHAT to send, until they are acknowledged.
    ChatSend,
    /// Bytes of CHAT received, until they are read.
    ChatReceive,
    /// Bytes of BULK to send.
    BulkSend,
    /// Bytes of BULK received.
    BulkReceive,
    /// The in-flight table.
    InFlight,
}

/// Sizes of the buffers, fixed for the life of a connection and stated to the peer as limits. In
/// bytes; `in_flight` in packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Ring of [`Buffer::ChatSend`].
    pub chat_send: usize,
    /// Ring of [`Buffer::ChatReceive`].
    pub chat_receive: usize,
    /// Ring of [`Buffer::BulkSend`]; 0 is legal.
    pub bulk_send: usize,
    /// Ring of [`Buffer::BulkReceive`]; 0 is legal and stated as limit 0.
    pub bulk_receive: usize,
    /// Packets in [`Buffer::InFlight`], at least.
    pub in_flight: usize,
}

/// The buffers at one moment. One that is not held is an empty slice.
#[derive(Debug)]
pub struct Buffers<'a> {
    /// See [`Buffer::ChatSend`].
    pub chat_send: &'a mut [u8],
    /// See [`Buffer::ChatReceive`].
    pub chat_receive: &'a mut [u8],
    /// See [`Buffer::BulkSend`].
    pub bulk_send: &'a mut [u8],
    /// See [`Buffer::BulkReceive`].
    pub bulk_receive: &'a mut [u8],
    /// See [`Buffer::InFlight`].
    pub in_flight: &'a mut [SentPacket],
}

impl Buffer {
    pub(crate) const ALL: [Self; 5] =
        [Self::ChatSend, Self::ChatReceive, Self::BulkSend, Self::BulkReceive, Self::InFlight];

    /// Its bit in a set of buffers.
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }

    pub(crate) const fn send(id: StreamId) -> Self {
        match id {
            StreamId::Chat => Self::ChatSend,
            StreamId::Bulk => Self::BulkSend,
        }
    }

    pub(crate) const fn receive(id: StreamId) -> Self {
        match id {
            StreamId::Chat => Self::ChatReceive,
            StreamId::Bulk => Self::BulkReceive,
        }
    }
}

impl Capacity {
    /// The limits that a side with these buffers states in the handshake (SPEC 2.4), for chat
    /// messages of at most `message` bytes. The other limits suit a host: acknowledgements within
    /// 5 ms, a clock that counts milliseconds, an idle time-out of 60 s.
    #[must_use]
    pub fn parameters(&self, message: usize) -> TransportParameters {
        TransportParameters {
            datagram: u16::try_from(MAX_DATAGRAM).unwrap_or(u16::MAX),
            packets: u16::try_from(self.in_flight).unwrap_or(u16::MAX),
            message: u16::try_from(message).unwrap_or(u16::MAX),
            chat: u32::try_from(self.chat_receive).unwrap_or(u32::MAX),
            bulk: u32::try_from(self.bulk_receive).unwrap_or(u32::MAX),
            ack_delay_ms: HOST_ACK_DELAY_MS,
            tick_us: HOST_TICK_US,
            idle_s: HOST_IDLE_S,
        }
    }

    pub(crate) const fn send(&self, id: StreamId) -> usize {
        match id {
            StreamId::Chat => self.chat_send,
            StreamId::Bulk => self.bulk_send,
        }
    }
}

impl Buffers<'_> {
    pub(crate) const fn send(&mut self, id: StreamId) -> &mut [u8] {
        match id {
            StreamId::Chat => self.chat_send,
            StreamId::Bulk => self.bulk_send,
        }
    }

    pub(crate) const fn receive(&mut self, id: StreamId) -> &mut [u8] {
        match id {
            StreamId::Chat => self.chat_receive,
            StreamId::Bulk => self.bulk_receive,
        }
    }
}

/// Provides the buffers of one connection.
pub trait BufferProvider {
    /// The congestion control of a connection in this memory.
    type Congestion: Congestion;
    /// The memory for ranges of a stream, of which each has two sets per direction: received ahead
    /// of a gap; acknowledged ahead, and lost.
    type Ranges: RangeStorage;

    /// The sizes. They do not change while a connection is open.
    fn capacity(&self) -> Capacity;

    /// The buffers that are held.
    fn buffers(&mut self) -> Buffers<'_>;

    /// Acquires `buffer` with its full capacity and any content. Returns `false` if there is no
    /// memory now. Called when the first byte (or packet in flight) needs it; a buffer that is held
    /// already stays as it is, but for the in-flight table: with [`Buffer::BulkSend`], it may be
    /// exchanged for a longer one that begins with the same entries.
    fn acquire(&mut self, buffer: Buffer) -> bool;

    /// Releases `buffer`: everything in it is acknowledged or read.
    fn release(&mut self, buffer: Buffer);
}

/// Buffers as inline arrays, for devices and tests; always held. `IN_FLIGHT` in packets, the rest
/// in bytes.
#[derive(Debug)]
pub struct InlineBuffers<const CHAT_SEND: usize, const CHAT_RECEIVE: usize, const BULK: usize, const IN_FLIGHT: usize> {
    chat_send: [u8; CHAT_SEND],
    chat_receive: [u8; CHAT_RECEIVE],
    bulk_send: [u8; BULK],
    bulk_receive: [u8; BULK],
    in_flight: [SentPacket; IN_FLIGHT],
}

impl<const CS: usize, const CR: usize, const B: usize, const N: usize> InlineBuffers<CS, CR, B, N> {
    /// The sizes.
    pub const CAPACITY: Capacity =
        Capacity { chat_send: CS, chat_receive: CR, bulk_send: B, bulk_receive: B, in_flight: N };

    /// All zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            chat_send: [0; CS],
            chat_receive: [0; CR],
            bulk_send: [0; B],
            bulk_receive: [0; B],
            in_flight: [SentPacket::EMPTY; N],
        }
    }
}

impl<const CS: usize, const CR: usize, const B: usize, const N: usize> Default for InlineBuffers<CS, CR, B, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const CS: usize, const CR: usize, const B: usize, const N: usize> BufferProvider for InlineBuffers<CS, CR, B, N> {
    type Congestion = NewReno;
    type Ranges = DeviceRanges;

    fn capacity(&self) -> Capacity {
        Self::CAPACITY
    }

    fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            chat_send: &mut self.chat_send,
            chat_receive: &mut self.chat_receive,
            bulk_send: &mut self.bulk_send,
            bulk_receive: &mut self.bulk_receive,
            in_flight: &mut self.in_flight,
        }
    }

    fn acquire(&mut self, _: Buffer) -> bool {
        true
    }

    fn release(&mut self, _: Buffer) {}
}
