//! The client for hosts as a type: kinds of keys, sizes of buffers, time-outs.

mod memory;

pub use memory::HeapBuffers;

use kabar_core::chat::{MAX_BODY_LEN, MAX_MESSAGE_LEN};
use kabar_core::client::Client;
use kabar_core::crypto::rsa::AnyRsa;
use kabar_std::provider::Accelerated;

/// Send buffer of the CHAT stream, in bytes.
pub const CHAT_SEND: usize = 32 << 10;
/// Receive buffer of the CHAT stream, in bytes.
pub const CHAT_RECEIVE: usize = 64 << 10;
/// Send buffer of the BULK stream, in bytes.
pub const BULK_SEND: usize = 2 << 20;
/// Receive buffer of the BULK stream, in bytes.
pub const BULK_RECEIVE: usize = 4 << 20;
/// Packets in flight, in either direction: what the larger of these buffers fills.
pub const IN_FLIGHT: usize = 4_096;
/// Capacity for posts that are not settled, in bytes. One room can use half of it, and 1 KiB.
pub const OUTBOX: usize = 128 << 10;
/// Rooms at once: as many as a server admits a member to.
pub const ROOMS: usize = 64;
/// Largest body that is accepted: any.
pub const LARGEST_ENTRY: u16 = MAX_BODY_LEN as u16;
/// Idle time-out, in s.
pub const IDLE_S: u16 = 60;
/// Longest delay of an acknowledgement, in ms.
pub const ACK_DELAY_MS: u16 = 5;
/// Resolution of the timer, in us: the poll waits for whole milliseconds.
pub const TICK_US: u32 = 1_000;

/// The client. It has about 200 KiB besides its buffers, so keep it in a box. A slot for a room has
/// about 0.4 KiB.
pub type StdClient = Client<AnyRsa, HeapBuffers, Accelerated, OUTBOX, MAX_MESSAGE_LEN, ROOMS>;

const _: () = assert!(CHAT_SEND >= MAX_MESSAGE_LEN && CHAT_RECEIVE >= MAX_MESSAGE_LEN && OUTBOX >= MAX_MESSAGE_LEN);
const _: () = assert!(size_of::<StdClient>() < 208 << 10);
