//! The commands of `kabar`.
//!
//! * [`host`], [`join`]: a session in a room. [`wizard`]: `kabar` without a command, which asks.
//!   [`target`], [`password`]: their arguments.
//! * [`servers`], [`identity`]: stored servers and keys. [`shell`]: completions and manual pages.

use std::io::{self, Write};
use std::path::PathBuf;

use kabar_core::session::Fingerprint;
use kabar_std::address::{AddressError, HostPort, Places};
use kabar_std::data_dir::{DataDir, FileError};

use crate::cli::{Cli, Command};
use crate::identity::IdentityError;
use crate::known_servers::KnownServersError;
use crate::session::{self, SessionReport};

pub mod host;
pub mod identity;
pub mod join;
pub mod password;
pub mod servers;
pub mod shell;
pub mod target;
pub mod wizard;

/// The result of a command that succeeded, or of a session.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing to report.
    Done,
    /// A session ended.
    Session(SessionReport),
    /// The bridge was stopped after this number of packets.
    BridgeStopped {
        /// Packets from devices to the server.
        to_server: u64,
        /// Packets from the server to devices.
        to_devices: u64,
    },
    /// Known servers were forgotten.
    ServersForgotten {
        /// What was to be forgotten, as it was typed.
        target: String,
        /// Number of rooms.
        rooms: usize,
    },
    /// The server has the key that is known already.
    KeyAlreadyKnown {
        /// The server.
        server: HostPort,
        /// Its key.
        found: Fingerprint,
    },
    /// Another key was accepted for a server.
    KeyAccepted {
        /// The server.
        server: HostPort,
        /// Its key.
        found: Fingerprint,
    },
    /// The key of this name was removed.
    IdentityForgotten(String),
    /// The key of a name was written to a file.
    IdentityExported {
        /// The name.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// The key of a name was imported.
    IdentityImported {
        /// The name.
        name: String,
        /// The fingerprint of the key.
        fingerprint: String,
    },
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line is invalid; the parser's words.
    #[error("{0}")]
    CommandLine(String),
    /// There is no data directory and no home directory.
    #[error("no data directory")]
    NoDataDir,
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The known servers cannot be changed.
    #[error(transparent)]
    KnownServers(#[from] KnownServersError),
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No password was read.
    #[error(transparent)]
    Password(#[from] password::PasswordError),
    /// The target of `kabar join` is not usable.
    #[error(transparent)]
    Target(#[from] target::TargetError),
    /// `--advertise` has too many addresses.
    #[error(transparent)]
    TooManyAdvertised(AddressError),
    /// The room cannot be hosted.
    #[error(transparent)]
    Host(#[from] host::HostError),
    /// `kabar identity` failed.
    #[error(transparent)]
    IdentityCommand(#[from] identity::IdentityCommandError),
    /// `kabar servers` failed.
    #[error(transparent)]
    ServersCommand(#[from] servers::ServersCommandError),
    /// The questions of `kabar` were not answered.
    #[error(transparent)]
    Wizard(#[from] wizard::WizardError),
    /// The bridge cannot start.
    #[error("{0}")]
    Bridge(String),
    /// The bridge was stopped before an address of the server was found.
    #[error("cannot resolve {0}")]
    BridgeUnresolved(Places),
    /// Standard output cannot be written.
    #[error("cannot print: {0}")]
    Print(io::Error),
}

/// Runs a command.
///
/// # Errors
/// [`CommandError`].
pub fn run(cli: Cli) -> Result<Outcome, CommandError> {
    let data_dir = cli.data_dir;
    let visit = |config| Outcome::Session(session::run(config, drop));
    match cli.command {
        Some(Command::Host(arguments)) => host::run(arguments, data_dir),
        Some(Command::Join(arguments)) => join::configure(arguments, data_dir).map(visit),
        None => wizard::ask(data_dir).map(visit),
        Some(Command::Servers { action }) => servers::run(action, data_dir),
        Some(Command::Identity { action }) => identity::run(action, data_dir),
        #[cfg(unix)]
        Some(Command::Bridge(arguments)) => crate::bridge::run(arguments),
        Some(Command::Completions { shell }) => shell::completions(shell),
        Some(Command::Man { out }) => shell::manual(out.as_deref()),
    }
}

/// Opens the given data directory, or the user's.
///
/// # Errors
/// [`CommandError::NoDataDir`], [`CommandError::File`].
pub fn open(data_dir: Option<PathBuf>) -> Result<DataDir, CommandError> {
    let path = data_dir.or_else(DataDir::default_path).ok_or(CommandError::NoDataDir)?;
    Ok(DataDir::open(&path)?)
}

/// Writes to standard output. A closed pipe is no error.
fn print(bytes: &[u8]) -> Result<Outcome, CommandError> {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CommandError::Print(error)),
        _ => Ok(Outcome::Done),
    }
}
