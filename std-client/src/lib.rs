//! The Kabar client for hosts, as a library: the parts of the program `kabar`. From top to bottom;
//! each part names only those below it (`tests/tests/architecture/order.txt`):
//!
//! * [`cli`]: the command line. [`commands`]: what each subcommand does. [`outcome`], [`exit`]: how
//!   it ends.
//! * [`mod@line`]: the front end for lines: a prompt on a terminal, lines or objects elsewhere.
//! * [`screen`]: a full screen on a terminal.
//! * `web` (a feature): a page in a browser.
//! * [`view`]: the content of a full screen, free of any toolkit.
//! * [`messages`]: every sentence that a person reads, made from typed values.
//! * [`engine`]: sessions on several servers, and the rooms there, on one thread. Takes commands
//!   and reports events; knows no front end. [`probe`]: only fetches the key of a server.
//! * [`history`]: the local history of a person, in one file.
//! * `bridge` (on Unix): forwards packets between serial lines and a server.
//! * [`input`], [`command`]: typed lines, and the commands in them.
//! * [`driver`]: the client on sockets and a clock. [`poller`]: the poll of its thread. [`links`],
//!   [`link`]: its sockets. [`race`]: the choice among several addresses. [`profile`]: its memory.
//!   [`resolve`], [`connect`]: host names, time-outs and errors.
//! * [`identity`], [`known_servers`], [`cursor`]: stored keys, known servers, positions in rooms.
//! * [`shared_error`]: an error that several places keep.
//! * [`transfers`]: files that are sent and received, hashed and proven on a thread.
//! * [`language`]: the texts of all sentences, one file per language.

#[cfg(unix)]
pub mod bridge;
pub mod cli;
pub mod command;
pub mod commands;
pub mod config;
pub mod connect;
pub mod cursor;
pub mod driver;
pub mod engine;
pub mod exit;
pub mod history;
pub mod identity;
pub mod input;
pub mod known_servers;
pub mod language;
pub mod line;
pub mod link;
pub mod links;
pub mod messages;
pub mod outcome;
pub mod poller;
pub mod probe;
pub mod profile;
pub mod race;
pub mod resolve;
pub mod screen;
pub mod shared_error;
pub mod transfers;
pub mod view;
#[cfg(feature = "web")]
pub mod web;

/// Returns a data directory for a test, and the folder that contains it.
#[cfg(test)]
fn temporary_dir() -> (tempfile::TempDir, kabar_std::data_dir::DataDir) {
    let home = tempfile::tempdir().unwrap();
    let dir = kabar_std::data_dir::DataDir::open(home.path()).unwrap();
    (home, dir)
}
