//! Memory of a client on a device.

use std::mem::size_of;
use std::println;

use crate::client::{
    Client, Output, config::StoredConfig, event_queue::EventQueue, retry::Retry, room::Room, secrets::Secrets,
};
use crate::connection::Connection;
use crate::crypto::Portable;
use crate::crypto::rsa::Rsa2048;
use crate::session::ClientHandshake;
use crate::time::Instant;
use crate::transport::InlineBuffers;

/// The profile of a device: entries up to about 1.9 KiB, no BULK, rings of one message each.
type Smallest = Profile<2048, 2048>;
/// The same with room in each ring for the next message.
type Usual = Profile<3072, 4096>;

type Profile<const SEND: usize, const RECEIVE: usize> =
    Client<Rsa2048, InlineBuffers<SEND, RECEIVE, 0, 12>, Portable, 2048, 2048>;

/// Part of the 44 KiB for static RAM and stack together.
const SMALLEST_BUDGET: usize = 14 * 1024 + 512;
const USUAL_BUDGET: usize = 17 * 1024 + 512;

/// As in a program: a client can be created at compile time.
static CLIENT: std::sync::Mutex<Usual> = std::sync::Mutex::new(Client::new(InlineBuffers::new()));

#[test]
fn device_client_fits_its_memory_budget() {
    type Memory = InlineBuffers<2048, 2048, 0, 12>;
    println!("client {} or {}", size_of::<Smallest>(), size_of::<Usual>());
    println!("  connection {}, of which memory {}", size_of::<Connection<Memory, Portable>>(), size_of::<Memory>());
    println!("  handshake {}", size_of::<ClientHandshake<Rsa2048>>());
    println!("  outbox and message {}", 2048 + 2048);
    println!("  secrets {}, stated {}", size_of::<Secrets>(), size_of::<StoredConfig>());
    println!("  room {}, retry {}, pending {}", size_of::<Room>(), size_of::<Retry>(), size_of::<EventQueue>());
    assert!(size_of::<Smallest>() <= SMALLEST_BUDGET, "{}", size_of::<Smallest>());
    assert!(size_of::<Usual>() <= USUAL_BUDGET, "{}", size_of::<Usual>());
    // SPEC 4.5: the memory of a parallel attempt.
    assert!(size_of::<ClientHandshake<Rsa2048>>() <= 1024);
    assert_eq!(CLIENT.lock().unwrap().poll_output(Instant::ZERO, &mut []), Output::Timeout(None));
}
