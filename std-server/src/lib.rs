//! The Kabar server as a library: a sans-IO hub of rooms, the store that keeps their logs, and the
//! driver that runs both on a socket.
//!
//! * [`hub`]: [`Hub`](hub::Hub): connections, members, the room's log, limits. Datagrams, time and
//!   finished jobs in; datagrams, deadlines, jobs and events out.
//! * [`store`]: the [`Store`](store::Store) trait; SQLite and memory.
//! * [`contents`]: what members send, group by group: files and memory.
//! * [`driver`]: runs a hub on a socket, a clock and threads.
//! * [`room_host`]: starts a room from a data directory, with its invite.
//! * [`key_file`], [`password`]: the server's key, room secrets, password hashes.
//! * [`transcript`]: writes every entry as a line of a text file.
//! * [`console`]: events and commands at the server's terminal. [`logging`]: log records on
//!   standard error. [`metrics`]: metrics for Prometheus. [`notify`]: the service manager.
//! * [`config`]: every setting with one value and its origin. [`units`]: how values are written.
//! * [`cli`], [`commands`]: the program `kabar-server`, subcommand by subcommand.

pub mod cli;
pub mod commands;
pub mod config;
pub mod console;
pub mod contents;
pub mod driver;
pub mod hub;
pub mod key_file;
pub mod logging;
mod messages;
pub mod metrics;
pub mod notify;
pub mod password;
pub mod room_host;
pub mod store;
pub mod transcript;
pub mod units;

/// A data directory for a test, and the temporary folder that contains it.
#[cfg(test)]
fn temporary_dir() -> (tempfile::TempDir, kabar_std::data_dir::DataDir) {
    let home = tempfile::tempdir().unwrap();
    let dir = kabar_std::data_dir::DataDir::open(home.path()).unwrap();
    (home, dir)
}
