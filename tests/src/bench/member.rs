//! One member: the client for hosts with its buffers from a pool, so that thousands fit into
//! memory.

use kabar_core::chat::{EntryKind, MAX_MESSAGE_LEN};
use kabar_core::client::{Client, Config, ConfigError, Output, PostError, RoomSlot};
use kabar_core::crypto::rsa::AnyRsa;
use kabar_core::time::Instant;
use kabar_core::transport::Capacity;
use kabar_server::hub::{Pool, Pooled};
use kabar_std::provider::Accelerated;

/// Buffer sizes of the client for hosts, without those for files.
const CAPACITY: Capacity = Capacity {
    chat_send: kabar_client::profile::CHAT_SEND,
    chat_receive: kabar_client::profile::CHAT_RECEIVE,
    bulk_send: 0,
    bulk_receive: 0,
    in_flight: 64,
};
/// Outbox of a member that only reads, in bytes.
const READS: usize = 256;
/// Outbox of a member that posts, in bytes: that of the client for hosts.
const POSTS: usize = kabar_client::profile::OUTBOX;

/// A client with any outbox.
pub(super) trait Member {
    fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError>;
    fn handle_datagram(&mut self, now: Instant, from: std::net::SocketAddr, datagram: &mut [u8]);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_output(&mut self, now: Instant, out: &mut [u8]) -> Output<'_>;
    fn post(&mut self, body: &[u8]) -> Result<u64, PostError>;
    fn leave(&mut self, now: Instant);
}

impl<const OUTBOX: usize> Member for Client<AnyRsa, Pooled, Accelerated, OUTBOX, MAX_MESSAGE_LEN> {
    fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) -> Result<(), ConfigError> {
        Self::start(self, config, seed, now)
    }

    fn handle_datagram(&mut self, now: Instant, from: std::net::SocketAddr, datagram: &mut [u8]) {
        Self::handle_datagram(self, now, from, datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        Self::handle_timeout(self, now);
    }

    fn poll_output(&mut self, now: Instant, out: &mut [u8]) -> Output<'_> {
        Self::poll_output(self, now, out)
    }

    fn post(&mut self, body: &[u8]) -> Result<u64, PostError> {
        Self::post(self, RoomSlot::FIRST, EntryKind::TEXT, body)
    }

    fn leave(&mut self, now: Instant) {
        Self::leave(self, now);
    }
}

/// The pool of buffers of all members of a fleet.
pub(super) fn pool() -> Pool {
    Pool::new(CAPACITY, usize::MAX)
}

/// A member that is not started.
pub(super) fn member(pool: &Pool, posts: bool) -> Box<dyn Member> {
    if posts {
        Box::new(Client::<_, _, _, POSTS, _>::new(pool.memory()))
    } else {
        Box::new(Client::<_, _, _, READS, _>::new(pool.memory()))
    }
}
