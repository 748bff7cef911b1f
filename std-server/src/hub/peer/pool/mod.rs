//! Rings from a shared pool: acquired at the first byte, released when everything is acknowledged
//! or read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kabar_core::transport::{Buffer, BufferProvider, Buffers, Capacity, RateBased, SentPacket};
use kabar_std::ranges::HeapRanges;

/// Free pieces kept per kind, because a busy room reuses them at once; more are returned to the
/// allocator.
const MAX_SPARE: usize = 256;
/// The same for rings of stream BULK and the tables that go with them, which are large.
const MAX_SPARE_BULK: usize = 8;
/// Bytes of stream BULK per packet in flight: somewhat less than a datagram carries.
const BYTES_PER_PACKET: usize = 1_024;
/// Ranges per set of a stream.
const RANGES: usize = 1_024;

/// The memory of all connections of one hub, with a bound on the bytes of their rings.
#[derive(Clone, Debug)]
pub struct Pool {
    capacity: Capacity,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug)]
struct Shared {
    used: usize,
    limit: usize,
    refused: u64,
    /// Memories created for connections.
    #[cfg(test)]
    made: u64,
    /// By [`spare_list`].
    spare_rings: [Vec<Box<[u8]>>; 4],
    spare_tables: Vec<Box<[SentPacket]>>,
    /// Of connections that send on stream BULK.
    spare_long_tables: Vec<Box<[SentPacket]>>,
}

/// The memory of one connection.
#[derive(Debug)]
pub struct Pooled {
    pool: Pool,
    rings: [Box<[u8]>; 4],
    in_flight: Box<[SentPacket]>,
}

impl Pool {
    /// A pool of `limit` bytes of rings for connections of `capacity`.
    #[must_use]
    pub fn new(capacity: Capacity, limit: usize) -> Self {
        let shared = Shared {
            used: 0,
            limit,
            refused: 0,
            #[cfg(test)]
            made: 0,
            spare_rings: Default::default(),
            spare_tables: Vec::new(),
            spare_long_tables: Vec::new(),
        };
        Self { capacity, shared: Arc::new(Mutex::new(shared)) }
    }

    /// The memory of a new connection, which holds no rings yet.
    #[must_use]
    pub fn memory(&self) -> Pooled {
        #[cfg(test)]
        {
            self.shared().made += 1;
        }
        Pooled { pool: self.clone(), rings: Default::default(), in_flight: Box::default() }
    }

    /// Bytes of rings that connections hold.
    #[must_use]
    pub fn used(&self) -> usize {
        self.shared().used
    }

    /// Number of failed acquisitions.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.shared().refused
    }

    #[cfg(test)]
    pub(in crate::hub) fn memories_made(&self) -> u64 {
        self.shared().made
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Nothing panics while it holds the lock, and counts and lists are consistent at every
        // step.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pooled {
    /// Bytes of rings that it holds.
    #[must_use]
    pub fn held_in_all(&self) -> usize {
        self.rings.iter().map(|ring| ring.len()).sum()
    }

    /// Bytes of one ring, if it holds it.
    pub(in crate::hub) fn held(&self, part: Buffer) -> usize {
        ring(&self.pool.capacity, part).map_or(0, |(which, _)| self.rings[which].len())
    }

    /// Exchanges the in-flight table for a longer one, with as many packets as the ring of stream
    /// BULK fills besides.
    fn lengthen_table(&mut self, shared: &mut Shared) {
        let len = long_table(&self.pool.capacity);
        if self.in_flight.len() < len {
            // Not limited, because there is one at most per ring; but it takes from other rings.
            shared.used += len * size_of::<SentPacket>();
            let table = || vec![SentPacket::EMPTY; len].into();
            let mut long = shared.spare_long_tables.pop().unwrap_or_else(table);
            long[..self.in_flight.len()].copy_from_slice(&self.in_flight);
            let short = core::mem::replace(&mut self.in_flight, long);
            keep(&mut shared.spare_tables, short, MAX_SPARE);
        }
    }

    /// Whether it holds a ring of stream BULK.
    pub(in crate::hub) fn holds_bulk(&self) -> bool {
        self.held(Buffer::BulkSend) + self.held(Buffer::BulkReceive) > 0
    }
}

impl Shared {
    /// Rings of stream BULK leave half of the bytes to the chat.
    fn take(&mut self, part: Buffer, bytes: usize) -> bool {
        let limit = if is_bulk(part) { self.limit / 2 } else { self.limit };
        let fits = self.used + bytes <= limit;
        if fits {
            self.used += bytes;
        } else {
            self.refused += 1;
        }
        fits
    }
}

fn is_bulk(part: Buffer) -> bool {
    matches!(part, Buffer::BulkSend | Buffer::BulkReceive)
}

/// The length of the in-flight table of a connection that sends on stream BULK.
fn long_table(capacity: &Capacity) -> usize {
    capacity.in_flight + capacity.bulk_send / BYTES_PER_PACKET
}

/// The index and the size of a ring; `None`: the in-flight table.
fn ring(capacity: &Capacity, part: Buffer) -> Option<(usize, usize)> {
    match part {
        Buffer::ChatSend => Some((0, capacity.chat_send)),
        Buffer::ChatReceive => Some((1, capacity.chat_receive)),
        Buffer::BulkSend => Some((2, capacity.bulk_send)),
        Buffer::BulkReceive => Some((3, capacity.bulk_receive)),
        Buffer::InFlight => None,
    }
}

/// The index of the list in which spare rings of this index are. Both of stream BULK share one if
/// they have one size: a download takes the ring of the upload before it.
fn spare_list(capacity: &Capacity, which: usize) -> usize {
    if which == 3 && capacity.bulk_send == capacity.bulk_receive { 2 } else { which }
}

impl BufferProvider for Pooled {
    type Congestion = RateBased;
    type Ranges = HeapRanges<RANGES>;

    fn capacity(&self) -> Capacity {
        self.pool.capacity
    }

    fn buffers(&mut self) -> Buffers<'_> {
        let [chat_send, chat_receive, bulk_send, bulk_receive] = &mut self.rings;
        Buffers { chat_send, chat_receive, bulk_send, bulk_receive, in_flight: &mut self.in_flight }
    }

    fn acquire(&mut self, part: Buffer) -> bool {
        let capacity = self.pool.capacity;
        let pool = self.pool.clone();
        let mut shared = pool.shared();
        if let Some((which, len)) = ring(&capacity, part) {
            let ring = &mut self.rings[which];
            if ring.len() == len {
                return true;
            }
            if !shared.take(part, len) {
                return false;
            }
            *ring = shared.spare_rings[spare_list(&capacity, which)].pop().unwrap_or_else(|| vec![0; len].into());
            if part == Buffer::BulkSend && !self.in_flight.is_empty() {
                self.lengthen_table(&mut shared);
            }
        } else if self.held(Buffer::BulkSend) > 0 {
            self.lengthen_table(&mut shared);
        } else if self.in_flight.is_empty() {
            // Not counted: without a table a connection could not even report that its buffer is
            // full.
            let table = || vec![SentPacket::EMPTY; capacity.in_flight].into();
            self.in_flight = shared.spare_tables.pop().unwrap_or_else(table);
        }
        true
    }

    fn release(&mut self, part: Buffer) {
        let capacity = self.pool.capacity;
        let mut shared = self.pool.shared();
        if let Some((which, _)) = ring(&capacity, part) {
            let ring = core::mem::take(&mut self.rings[which]);
            shared.used -= ring.len();
            let most = if is_bulk(part) { MAX_SPARE_BULK } else { MAX_SPARE };
            keep(&mut shared.spare_rings[spare_list(&capacity, which)], ring, most);
        } else {
            let table = core::mem::take(&mut self.in_flight);
            if table.len() > capacity.in_flight {
                shared.used -= table.len() * size_of::<SentPacket>();
                keep(&mut shared.spare_long_tables, table, MAX_SPARE_BULK);
            } else {
                keep(&mut shared.spare_tables, table, MAX_SPARE);
            }
        }
    }
}

/// Keeps what was released for the next that needs it.
fn keep<T>(spare: &mut Vec<Box<[T]>>, released: Box<[T]>, most: usize) {
    if !released.is_empty() && spare.len() < most {
        spare.push(released);
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        for part in [Buffer::ChatSend, Buffer::ChatReceive, Buffer::BulkSend, Buffer::BulkReceive, Buffer::InFlight] {
            self.release(part);
        }
    }
}

#[cfg(test)]
mod tests;
