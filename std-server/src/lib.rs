//! The Kabar server as a library: a sans-IO hub of rooms, the store behind it, and what puts both on a socket.
//!
//! * [`hub`]: [`Hub`](hub::Hub): connections, members, the room's log, limits. Datagrams, time and finished jobs in; datagrams,
//!   deadlines, jobs and events out.
//! * [`store`]: where the log lies: the [`Store`](store::Store) trait and the one in memory.
//! * [`names`]: which names are allowed, and when two are the same.
//! * [`fast`]: the provider of laptops: AWS-LC's AEAD and a wide CRC table.
//! * [`invite`], [`address`], [`advertise`]: how others find a room.
//! * [`data_dir`], [`key_file`], [`random`]: what a server keeps.
//! * [`text`]: how lines look, and what is kept from being shown.

pub mod address;
pub mod advertise;
pub mod data_dir;
pub mod fast;
pub mod hub;
pub mod invite;
pub mod key_file;
pub mod names;
pub mod random;
pub mod store;
pub mod text;
