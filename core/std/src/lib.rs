//! Code that the Kabar programs for operating systems share.
//!
//! * [`clock`], [`random`], [`signals`]: the operating system's time, randomness and signals.
//! * [`provider`]: the accelerated cryptography provider (AWS-LC, CRC-32 by carry-less
//!   multiplication).
//! * [`address`], [`interfaces`], [`advertise`]: host names, ports, and the addresses that others
//!   can reach.
//! * [`invite`]: the `kabar://` URI, room names, room secrets. [`password`]: the normal form of a
//!   password.
//! * [`names`]: which member names are allowed, and when two are the same.
//! * [`content`]: contents of files on a disk: hashing, sending, proving.
//! * [`data_dir`]: private files, atomic replacement, locks.
//! * [`burst`]: datagrams that leave together. [`ranges`]: memory for the ranges of a stream.
//! * [`reading`]: text from outside, in any encoding. [`output`]: the threads that write standard
//!   output and error.
//! * [`text`], [`json`]: how an entry is formatted, for people and for programs.
//! * [`search`]: queries over texts, in any case. [`sqlite`]: what SQLite files have in common.
//! * [`since`]: times in the past, as people write them.
//! * [`line_editor`]: a prompt at a terminal, with output above it.
//! * [`command_line`]: one-line usage errors and help. [`config_file`]: settings in TOML, with the
//!   line of each.

pub mod address;
pub mod advertise;
pub mod burst;
pub mod clock;
pub mod command_line;
pub mod config_file;
pub mod content;
pub mod data_dir;
pub mod interfaces;
pub mod invite;
pub mod json;
pub mod line_editor;
pub mod names;
pub mod output;
pub mod password;
pub mod provider;
pub mod random;
pub mod ranges;
pub mod reading;
pub mod search;
pub mod signals;
pub mod since;
pub mod sqlite;
pub mod text;
