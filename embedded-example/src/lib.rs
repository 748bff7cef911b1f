//! An example product on [`kabar_device`]: a thermometer with a light that is a member of a room.
//!
//! * [`probe`]: [`Probe`]: the application: it posts readings and answers commands.
//! * [`update`]: [`Updater`]: the same, and it takes firmware images from the room into flash.
//! * `script`, with the feature `replay`: replays a recorded exchange, to check that a new board
//!   sends the same bytes.
//!
//! All are `no_std`. The feature `host` adds what the program of the same name needs:
//!
//! * [`host`]: the computer as a board, and how entries are printed.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "host")]
extern crate std;

#[cfg(feature = "host")]
pub mod host;
pub mod probe;
#[cfg(any(feature = "replay", test))]
pub mod script;
pub mod update;

/// The README's Rust is compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use probe::{Board, Probe};
pub use update::{Update, Updater};
