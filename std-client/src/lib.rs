//! The Kabar client for hosts, as a library: the parts of the program `kabar`.
//!
//! * [`cli`], [`commands`]: from the command line to a session. [`exit`]: exit codes. [`messages`]:
//!   sentences for people.
//! * [`session`]: one session in a room: connecting, being a member, leaving.
//! * [`driver`]: the client on sockets and a clock. [`links`], [`link`]: its sockets. [`race`]: the
//!   choice among several addresses. [`profile`]: its memory.
//! * [`app_event`]: events of other threads. [`resolve`]: host names. [`connect`]: time-outs and
//!   errors of connecting. [`probe`]: the key of a server.
//! * [`ui`]: a prompt on a terminal, lines elsewhere.
//! * `bridge` (on Unix): forwards packets between serial lines and a server.
//! * [`identity`], [`known_servers`], [`cursor`]: stored keys, known servers, and positions in
//!   rooms.

pub mod app_event;
#[cfg(unix)]
pub mod bridge;
pub mod cli;
pub mod command;
pub mod commands;
pub mod connect;
pub mod cursor;
pub mod driver;
pub mod exit;
pub mod identity;
pub mod input;
pub mod known_servers;
pub mod link;
pub mod links;
pub mod messages;
pub mod outcome;
pub mod probe;
pub mod profile;
pub mod race;
pub mod resolve;
pub mod session;
pub mod ui;

/// Returns a data directory for a test, and the folder that contains it.
#[cfg(test)]
fn temporary_dir() -> (tempfile::TempDir, kabar_std::data_dir::DataDir) {
    let home = tempfile::tempdir().unwrap();
    let dir = kabar_std::data_dir::DataDir::open(home.path()).unwrap();
    (home, dir)
}
