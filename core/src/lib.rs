#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub)]

#[cfg(any(feature = "std", test))]
extern crate std;

pub mod base32;
pub mod chat;
pub mod client;
pub mod connection;
pub mod crypto;
pub mod invite;
pub mod serial;
pub mod session;
pub mod time;
pub mod transport;
pub mod wire;
