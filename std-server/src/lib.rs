//! The Kabar server as a library: a sans-IO hub of rooms, the store behind it, and what puts both on a socket.
//!
//! * [`hub`]: [`Hub`](hub::Hub): connections, members, the room's log, limits. Datagrams, time and finished jobs in; datagrams,
//!   deadlines, jobs and events out.
//! * [`store`]: where the log lies: the [`Store`](store::Store) trait, SQLite and memory.
//! * [`names`]: which names are allowed, and when two are the same.
//! * [`fast`]: the provider of laptops: AWS-LC's AEAD and a wide CRC table.
//! * [`driver`]: puts a hub on a socket, a clock and threads.
//! * [`hosting`]: from a data directory to a running room and its invite.
//! * [`invite`], [`address`], [`advertise`], [`interfaces`]: how others find a room.
//! * [`data_dir`], [`key_file`], [`password`], [`random`]: what a server keeps.
//! * [`transcript`]: every entry as a line of a plain file.
//! * [`text`], [`json`], [`console`], [`output`]: how lines look, what is kept from being shown, and the threads that write them; what
//!   happens when they cannot be written. [`reading`]: text from outside, in any encoding.
//! * [`config`]: every setting with one value, and who said so. * [`metrics`]: figures for Prometheus.
//! * [`cli`], [`commands`]: the program `kabar-server`, subcommand by subcommand.
//! * [`clock`], [`signals`], [`notify`]: what programs need beside that.

pub mod address;
pub mod advertise;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod config;
pub mod console;
pub mod data_dir;
pub mod driver;
pub mod fast;
pub mod hosting;
pub mod hub;
pub mod interfaces;
pub mod invite;
pub mod json;
pub mod key_file;
pub mod metrics;
pub mod names;
pub mod notify;
pub mod output;
pub mod password;
pub mod random;
pub mod reading;
pub mod signals;
pub mod store;
pub mod text;
pub mod transcript;
