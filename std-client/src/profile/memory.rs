//! The buffers of the client's connection, on the heap: those of stream BULK, and what they need,
//! exist once there was a transfer.

use kabar_core::transport::{Buffer, BufferProvider, Buffers, Capacity, RateBased, SentPacket};
use kabar_std::ranges::HeapRanges;

/// Ranges per set of a stream. With 4 MiB in flight, one packet in four may be lost.
const RANGES: usize = 1_024;

const CAPACITY: Capacity = Capacity {
    chat_send: super::CHAT_SEND,
    chat_receive: super::CHAT_RECEIVE,
    bulk_send: super::BULK_SEND,
    bulk_receive: super::BULK_RECEIVE,
    in_flight: super::IN_FLIGHT,
};

/// The buffers of a connection. Once acquired, they are kept for the next time.
#[derive(Debug, Default)]
pub struct HeapBuffers {
    chat_send: Vec<u8>,
    chat_receive: Vec<u8>,
    bulk_send: Vec<u8>,
    bulk_receive: Vec<u8>,
    in_flight: Vec<SentPacket>,
}

impl BufferProvider for HeapBuffers {
    type Congestion = RateBased;
    type Ranges = HeapRanges<RANGES>;

    fn capacity(&self) -> Capacity {
        CAPACITY
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

    fn acquire(&mut self, buffer: Buffer) -> bool {
        match buffer {
            Buffer::ChatSend => allocate(&mut self.chat_send, CAPACITY.chat_send, 0),
            Buffer::ChatReceive => allocate(&mut self.chat_receive, CAPACITY.chat_receive, 0),
            Buffer::BulkSend => allocate(&mut self.bulk_send, CAPACITY.bulk_send, 0),
            Buffer::BulkReceive => allocate(&mut self.bulk_receive, CAPACITY.bulk_receive, 0),
            Buffer::InFlight => allocate(&mut self.in_flight, CAPACITY.in_flight, SentPacket::EMPTY),
        }
        true
    }

    fn release(&mut self, _: Buffer) {}
}

/// Gives `buffer` this length, once.
fn allocate<T: Clone>(buffer: &mut Vec<T>, len: usize, empty: T) {
    if buffer.is_empty() {
        *buffer = vec![empty; len];
    }
}
