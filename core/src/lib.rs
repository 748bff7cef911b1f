#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations)]
// Without `internals`, the items that it exports are reachable from nowhere.
#![cfg_attr(feature = "internals", deny(unreachable_pub))]
#![cfg_attr(not(feature = "internals"), allow(unreachable_pub))]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "std", test))]
extern crate std;

pub mod base32;
pub mod chat;
#[cfg(feature = "classic")]
pub mod classic;
pub mod client;
pub mod connection;
pub mod content;
pub mod crypto;
#[cfg(feature = "internals")]
pub mod internals;
pub mod invite;
pub mod serial;
pub mod session;
mod slices;
pub mod time;
pub mod transport;
mod wire;

pub use wire::MAX_DATAGRAM;
