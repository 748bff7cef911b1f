//! The Kabar client for laptops, as a library: what the program `kabar` is made of.
//!
//! * [`cli`], [`commands`]: from the command line to a visit. [`ending`]: from its end to an exit code.
//! * [`talk`]: one visit: connecting, being there, leaving. [`words`]: what people are told when something does not work.
//! * [`driver`], [`links`], [`link`], [`race`], [`resolve`], [`mail`], [`look`]: the client on a
//!   socket, a clock and threads. [`profile`]: its sizes.
//! * [`ui`]: a prompt on a terminal, lines elsewhere.
//! * `bridge` (on Unix): packets between serial lines and a server.
//! * [`identity`], [`known`], [`cursor`]: what is kept: who one is, which servers are known, what was shown of a room.

pub mod app_event;
#[cfg(unix)]
pub mod bridge;
pub mod cli;
pub mod commands;
pub mod cursor;
pub mod driver;
pub mod exit;
pub mod identity;
pub mod known_servers;
pub mod link;
pub mod links;
pub mod messages;
pub mod probe;
pub mod profile;
pub mod race;
pub mod resolve;
pub mod session;
pub mod ui;

/// A data directory of a test's own, and the folder that holds it.
#[cfg(test)]
fn temporary_dir() -> (tempfile::TempDir, kabar_std::data_dir::DataDir) {
    let home = tempfile::tempdir().unwrap();
    let dir = kabar_std::data_dir::DataDir::open(home.path()).unwrap();
    (home, dir)
}
