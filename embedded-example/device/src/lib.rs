//! The Kabar client for products without an operating system.
//!
//! A product supplies its hardware and its behaviour in the room; the library is everything in
//! between:
//!
//! ```text
//! Application              the product: sensors, lights, commands
//!     |
//!   Member                 main loop: call it, sleep until the time that it returns
//!     |
//!    Node                  the client at the end of a link
//!    /  \
//! Client  Link             kabar-core's client; UDP over smoltcp, or a serial line
//! ```
//!
//! * [`member`]: [`Member`] drives an [`Application`] and a node, and reports the state of the
//!   network.
//! * [`node`]: [`Node`]: a link and the client, driven by one call.
//! * [`link`]: how datagrams reach the server: a UDP socket of smoltcp on any
//!   [`smoltcp::phy::Device`], or a serial line.
//! * [`profile`]: how much memory a device gives to the client, in one place.
//! * [`seed`]: fresh randomness at every start, for a device without a random number generator.
//! * [`text`]: texts of bounded length without the formatting of the standard library.
//!
//! The library is `no_std`, allocates nothing, reads no clock and draws no randomness: `now` and
//! seeds are arguments. The feature `std` adds `host`, which runs a product on a computer with an
//! operating system, for development and for tests.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, feature = "std"))]
extern crate std;

#[cfg(any(test, feature = "std"))]
pub mod host;
pub mod link;
pub mod member;
pub mod node;
pub mod profile;
pub mod seed;
pub mod text;

pub use link::{Addressing, BoardLink, IpLink, IpStorage, Link, Network};
pub use member::{Application, Clock, DeviceEvent, Member, Settings};
pub use node::{Node, StartError, Storage};
pub use profile::DeviceClient;
