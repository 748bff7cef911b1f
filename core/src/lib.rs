//! The Kabar protocol: encrypted, reliable group chat over UDP, for laptops and microcontrollers.
//!
//! This crate is `no_std`, allocates nothing, opens no socket, reads no clock and draws no randomness of its own: datagrams,
//! the time and a seed come in, datagrams, deadlines and events go out. The protocol is specified in `SPEC.md` beside this
//! crate; the code cites its sections.
//!
//! # The layers
//!
//! A lower layer never names a higher one; only [`connection`] and [`client`] compose.
//!
//! * [`client`]: the one client state machine of laptop and device: handshake, connection, join, outbox, reconnect.
//! * [`chat`]: the messages people's programs exchange: codec and limits only.
//! * [`connection`]: one peer: composes a session and a transport.
//! * [`session`]: handshake, key schedule, seal and open, replay window, cookie.
//! * [`transport`]: streams, acknowledgements, loss detection, round-trip time, congestion, timers.
//! * [`crypto`]: RSA of fixed size, AEAD, key derivation, identity; the provider seam.
//! * [`wire`]: bytes to values and back: packets, frames, CRC-32; never panics.
//! * [`serial`]: packets over a byte stream instead of UDP: delimiting, resynchronising.
//! * [`time`]: instants and durations in microseconds.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub)]

#[cfg(any(feature = "std", test))]
extern crate std;

pub mod chat;
pub mod client;
pub mod connection;
pub mod crypto;
pub mod serial;
pub mod session;
pub mod time;
pub mod transport;
pub mod wire;
