//! Memory of a connection as on a server: acquired when it is needed, and sometimes refused.

use std::cell::Cell;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;

use kabar_core::transport::{ArrayRanges, Buffer, BufferProvider, Buffers, Capacity, Congestion, SentPacket};

use super::input::Input;

/// Buffers that are allocated when they are acquired.
pub struct Memory<C> {
    capacity: Capacity,
    bytes: [Option<Vec<u8>>; 4],
    slots: Option<Vec<SentPacket>>,
    /// If not 0, every N-th request is refused.
    refuses: Cell<u8>,
    requests: u8,
    control: PhantomData<C>,
}

impl<C> Memory<C> {
    /// Takes the sizes from `input`: CHAT u8, BULK u8, packets in flight u8, refusals u8.
    pub fn new(input: &mut Input<'_>) -> Self {
        let chat = 512 + 32 * input.number(1);
        let bulk = 32 * input.number(1);
        let in_flight = 4 + input.number(1) % 32;
        let refuses = match input.byte() {
            refuses @ 2..10 => refuses,
            _ => 0,
        };
        let capacity = Capacity { chat_send: chat, chat_receive: chat, bulk_send: bulk, bulk_receive: bulk, in_flight };
        Self {
            capacity,
            bytes: [const { None }; 4],
            slots: None,
            refuses: Cell::new(refuses),
            requests: 0,
            control: PhantomData,
        }
    }

    /// Refuses nothing from now on.
    pub fn stop_refusing(&self) {
        self.refuses.set(0);
    }

    /// Number of parts that are held.
    pub fn held(&self) -> usize {
        self.bytes.iter().flatten().count() + usize::from(self.slots.is_some())
    }

    fn part(&mut self, buffer: Buffer) -> Option<(usize, &mut Option<Vec<u8>>)> {
        let Capacity { chat_send, chat_receive, bulk_send, bulk_receive, .. } = self.capacity;
        let [for_chat_send, for_chat_receive, for_bulk_send, for_bulk_receive] = &mut self.bytes;
        match buffer {
            Buffer::ChatSend => Some((chat_send, for_chat_send)),
            Buffer::ChatReceive => Some((chat_receive, for_chat_receive)),
            Buffer::BulkSend => Some((bulk_send, for_bulk_send)),
            Buffer::BulkReceive => Some((bulk_receive, for_bulk_receive)),
            Buffer::InFlight => None,
        }
    }
}

impl<C: Congestion> BufferProvider for Memory<C> {
    type Congestion = C;
    type Ranges = ArrayRanges<16>;

    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn buffers(&mut self) -> Buffers<'_> {
        let [chat_send, chat_receive, bulk_send, bulk_receive] =
            self.bytes.each_mut().map(|part| part.as_deref_mut().unwrap_or_default());
        let in_flight = self.slots.as_deref_mut().unwrap_or_default();
        Buffers { chat_send, chat_receive, bulk_send, bulk_receive, in_flight }
    }

    fn acquire(&mut self, buffer: Buffer) -> bool {
        self.requests = self.requests.wrapping_add(1);
        if self.refuses.get() > 0 && self.requests.is_multiple_of(self.refuses.get()) {
            return false;
        }
        let in_flight = self.capacity.in_flight;
        match self.part(buffer) {
            // The content is arbitrary, as in a pool that connections share.
            Some((len, bytes)) => *bytes = Some(vec![0xdb; len]),
            None => self.slots = Some(vec![SentPacket::EMPTY; in_flight]),
        }
        true
    }

    fn release(&mut self, buffer: Buffer) {
        match self.part(buffer) {
            Some((_, bytes)) => assert!(bytes.take().is_some(), "released {buffer:?} twice"),
            None => assert!(self.slots.take().is_some(), "released the table in flight twice"),
        }
    }
}

/// A digest of the content, so that the text of a connection tells whether anything of it changed.
impl<C> fmt::Debug for Memory<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hasher = DefaultHasher::new();
        self.bytes.hash(&mut hasher);
        write!(f, "Memory({:016x}, {:?}, {})", hasher.finish(), self.slots, self.requests)
    }
}
