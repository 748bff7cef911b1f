//! The memory that a device gives to the client: every size in one place.
//!
//! | what | bytes |
//! |---|---|
//! | rings of stream CHAT, both | [`SEND_RING_LEN`] + [`RECEIVE_RING_LEN`] |
//! | posts that are neither stored nor refused | [`OUTBOX_LEN`] |
//! | the message being assembled | [`MESSAGE_LEN`] |
//! | a datagram in the socket each way, and one being handled | 3 x [`DATAGRAM_LEN`] |
//!
//! A product that downloads files gives [`FileMemory`] in place of [`DeviceMemory`]. Only such a
//! product has code and memory for that:
//!
//! | what | bytes |
//! |---|---|
//! | rings of stream BULK, both | [`BULK_SEND_LEN`] + [`FILE_WINDOW_LEN`] |
//! | a download | 600 |

use kabar_core::chat::{HISTORY_ENTRY_OVERHEAD, MAX_TRANSFER_HEAD, ROOM_SECRET_LEN, Start};
use kabar_core::client::{Client, Config, Credential, RECORD_OVERHEAD};
use kabar_core::crypto::Portable;
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::Rsa2048;
use kabar_core::session::Fingerprint;
use kabar_core::transport::{Buffer, BufferProvider, Buffers, Capacity, DeviceRanges, InlineBuffers, NewReno};

/// Largest datagram in bytes (SPEC 2.1).
pub const DATAGRAM_LEN: usize = 1200;
/// Largest message received or sent, in bytes with its length field.
pub const MESSAGE_LEN: usize = 2048;
/// Send ring of stream CHAT in bytes: the largest message, and 1 KiB after it.
pub const SEND_RING_LEN: usize = MESSAGE_LEN + 1024;
/// Receive ring of stream CHAT in bytes: the largest message, and 2 KiB that arrive before it is
/// read.
pub const RECEIVE_RING_LEN: usize = MESSAGE_LEN + 2048;
/// Ring of stream BULK in bytes: the stream is closed.
pub const BULK_RING_LEN: usize = 0;
/// Send ring of stream BULK of a device that downloads files, in bytes: requests, no contents.
pub const BULK_SEND_LEN: usize = 2 * MAX_TRANSFER_HEAD;
/// Receive ring of stream BULK of a device that downloads files, in bytes, unless the product
/// chooses another one. As much arrives in a round-trip time: with 50 ms, 160 KB/s.
pub const FILE_WINDOW_LEN: usize = 8192;
/// Packets in flight.
pub const IN_FLIGHT: usize = 12;
/// Bytes of posts that are neither stored nor refused; each takes its body and [`RECORD_OVERHEAD`].
pub const OUTBOX_LEN: usize = 2048;
/// Largest body received, in bytes; larger entries are announced without it.
pub const LARGEST_ENTRY: u16 = 1920;
/// Longest delay of an acknowledgement in ms: a device does not answer every packet at once.
pub const ACK_DELAY_MS: u16 = 20;
/// Idle time-out proposed to the server in s.
pub const IDLE_S: u16 = 60;

const _: () = assert!(LARGEST_ENTRY as usize + HISTORY_ENTRY_OVERHEAD <= MESSAGE_LEN);
const _: () = assert!(OUTBOX_LEN >= LARGEST_ENTRY as usize + RECORD_OVERHEAD);
const _: () = assert!(SEND_RING_LEN >= MESSAGE_LEN && RECEIVE_RING_LEN >= MESSAGE_LEN);

/// The memory of a device's connection.
pub type DeviceMemory = InlineBuffers<SEND_RING_LEN, RECEIVE_RING_LEN, BULK_RING_LEN, IN_FLIGHT>;
/// The client of a device, in the memory `M`.
pub type DeviceClient<M = DeviceMemory> = Client<Rsa2048, M, Portable, OUTBOX_LEN, MESSAGE_LEN>;

/// The memory of the connection of a device that downloads files. `WINDOW` is the receive ring of
/// stream BULK in bytes: one message or more.
#[derive(Debug)]
pub struct FileMemory<const WINDOW: usize = FILE_WINDOW_LEN> {
    chat: DeviceMemory,
    bulk_send: [u8; BULK_SEND_LEN],
    bulk_receive: [u8; WINDOW],
}

impl<const WINDOW: usize> FileMemory<WINDOW> {
    /// All zero.
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(WINDOW >= MESSAGE_LEN, "a message has to fit the ring") };
        Self { chat: DeviceMemory::new(), bulk_send: [0; BULK_SEND_LEN], bulk_receive: [0; WINDOW] }
    }
}

impl<const WINDOW: usize> Default for FileMemory<WINDOW> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const WINDOW: usize> BufferProvider for FileMemory<WINDOW> {
    type Congestion = NewReno;
    type Ranges = DeviceRanges;

    fn capacity(&self) -> Capacity {
        Capacity { bulk_send: BULK_SEND_LEN, bulk_receive: WINDOW, ..self.chat.capacity() }
    }

    fn buffers(&mut self) -> Buffers<'_> {
        Buffers { bulk_send: &mut self.bulk_send, bulk_receive: &mut self.bulk_receive, ..self.chat.buffers() }
    }

    fn acquire(&mut self, buffer: Buffer) -> bool {
        self.chat.acquire(buffer)
    }

    fn release(&mut self, buffer: Buffer) {
        self.chat.release(buffer);
    }
}

/// A client in this profile, idle and all zero.
#[must_use]
pub const fn client() -> DeviceClient {
    Client::new(DeviceMemory::new())
}

/// The configuration of a device that joins with a room's secret and knows the server's key: no
/// history, entries up to [`LARGEST_ENTRY`]. `tick_us` is the granularity of the device's clock in
/// us.
#[must_use]
pub const fn config<'a>(
    server: core::net::SocketAddr,
    fingerprint: Fingerprint,
    secret: [u8; ROOM_SECRET_LEN],
    room: &'a str,
    name: &'a str,
    identity: &'a Identity,
    tick_us: u32,
) -> Config<'a> {
    Config {
        server,
        fingerprint: Some(fingerprint),
        room,
        name,
        is_default_name: false,
        identity,
        credential: Credential::Secret(secret),
        start: Start::Head,
        max_entry_len: LARGEST_ENTRY,
        idle_s: IDLE_S,
        ack_delay_ms: ACK_DELAY_MS,
        tick_us,
    }
}
