//! The subcommands of `kabar`: their arguments, and the work that each does. Each ends with an
//! [`Outcome`] or a [`CommandError`], never with an exit code.
//!
//! * [`host`], [`join`]: a session in a room. [`wizard`]: `kabar` without a subcommand, which asks.
//!   [`session`]: what displays it. [`known`], [`request`]: which servers and rooms are requested.
//!   [`target`], [`password`], [`arguments`]: their arguments.
//! * [`send`], [`get`]: files. [`transfer`]: what these have in common.
//! * `web` (a feature): a page in a browser.
//! * [`servers`], [`identity`], [`history`], [`config`]: stored servers, keys, entries and
//!   settings.
//! * `bridge` (on Unix): devices on serial lines.

use std::io::{self, Write};
use std::path::PathBuf;

use kabar_std::data_dir::DataDir;

use crate::line::stdin::read_yes;
use crate::messages::questions;
use crate::outcome::{CommandError, Outcome};

pub mod arguments;
#[cfg(unix)]
pub mod bridge;
pub mod config;
pub mod get;
pub mod history;
pub mod host;
pub mod identity;
pub mod join;
pub mod known;
pub mod password;
pub mod request;
pub mod send;
pub mod servers;
pub mod session;
pub mod target;
pub mod transfer;
#[cfg(feature = "web")]
pub mod web;
pub mod wizard;

/// Opens the given data directory, or the user's.
///
/// # Errors
/// [`CommandError::NoDataDir`], [`CommandError::File`].
pub fn open(data_dir: Option<PathBuf>) -> Result<DataDir, CommandError> {
    let path = data_dir.or_else(DataDir::default_path).ok_or(CommandError::NoDataDir)?;
    Ok(DataDir::open(&path)?)
}

/// Writes to standard output. A closed pipe is no error.
pub(crate) fn print(bytes: &[u8]) -> Result<Outcome, CommandError> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Print(error)),
        _ => Ok(Outcome::Done),
    }
}

/// Asks on standard error. No answer, and one that is not text, means no.
fn ask_yes(question: &str) -> io::Result<bool> {
    let _ = write!(io::stderr(), "{}", questions::yes_or_no(question));
    read_yes(&mut io::stdin().lock())
}
