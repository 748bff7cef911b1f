//! The Kabar client on smoltcp: what a device needs between its network driver and a room.
//!
//! * [`profile`]: how much memory a device gives to it, in one place.
//! * [`link`]: how datagrams get to the server: a UDP socket of smoltcp on any [`smoltcp::phy::Device`], or a serial line.
//! * [`node`]: [`Node`]: a link and the client, driven by one call.
//! * [`member`]: [`Member`]: what a small device does in a room: it says what it measures and answers when it is asked.
//! * [`script`]: a recorded exchange, gone through again: whether a new board says byte for byte what a laptop does.
//! * [`seed`]: fresh randomness at every start, on a device that has none of its own.
//!
//! The library is `no_std`, allocates nothing, reads no clock and draws no randomness: `now` and seeds come in. The feature `host`
//! adds what the program of the same name needs on a laptop:
//!
//! * [`host`]: a device whose far side is an ordinary UDP socket, the invite, how lines are shown.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "host")]
extern crate std;

#[cfg(feature = "host")]
pub mod host;
pub mod link;
pub mod member;
#[cfg(all(test, feature = "host"))]
mod memory_device;
pub mod node;
pub mod profile;
pub mod script;
pub mod seed;

/// The README's Rust is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use link::{Addressing, Either, IpLink, IpStorage, Link, Network};
pub use member::{Board, Clock, Member, News, Settings};
pub use node::{Node, StartError, Storage};
pub use profile::DeviceClient;
