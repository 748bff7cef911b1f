//! How a command ends: what it did, or why it failed. Plain values, without sentences and exit
//! codes; [`crate::messages`] has those. Each part of a command has its own error, in `errors`.
//! `session`: how a session ends; `end`: what decides that.

mod config;
mod end;
mod errors;
mod session;

use std::io;
use std::path::PathBuf;

use kabar_core::session::Fingerprint;
use kabar_std::address::{AddressError, HostPort};
use kabar_std::data_dir::FileError;

#[cfg(unix)]
use crate::bridge::{BridgeError, Forwarded};
use crate::identity::{IdentityError, Imported};
use crate::known_servers::KnownServersError;
pub use config::{ConfigError, InvalidValue, ValueError};
pub use end::EndState;
pub use errors::{
    ChoiceError, HistoryCommandError, HostError, IdentityCommandError, NoScreen, PasswordError, PasswordSource,
    ServersCommandError, TargetError, ThreadFailed, TransferError, WebError, WizardError,
};
pub use session::{Loss, OutputStream, SessionEnd, SessionReport};

/// The result of a command that succeeded, or of a session.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing to report.
    Done,
    /// A session ended.
    Session(SessionReport),
    /// The bridge was stopped after this number of packets.
    #[cfg(unix)]
    BridgeStopped(Forwarded),
    /// Known servers were forgotten.
    ServersForgotten {
        /// The room, address or fingerprint, as it was typed.
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
    /// A key was written to a file.
    IdentityExported {
        /// The file.
        file: PathBuf,
        /// Whether a passphrase is needed to use it.
        is_sealed: bool,
    },
    /// A key was imported.
    IdentityImported {
        /// The fingerprint of the key.
        fingerprint: String,
        /// The files.
        imported: Imported,
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
    /// A setting is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
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
    Password(#[from] PasswordError),
    /// The target of `kabar join` is not usable.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// `--advertise` has too many addresses.
    #[error(transparent)]
    TooManyAdvertised(AddressError),
    /// The room cannot be hosted.
    #[error(transparent)]
    Host(#[from] HostError),
    /// `kabar identity` failed.
    #[error(transparent)]
    IdentityCommand(#[from] IdentityCommandError),
    /// `kabar servers` failed.
    #[error(transparent)]
    ServersCommand(#[from] ServersCommandError),
    /// `kabar history` failed.
    #[error(transparent)]
    History(#[from] HistoryCommandError),
    /// The questions of `kabar` were not answered.
    #[error(transparent)]
    Wizard(#[from] WizardError),
    /// `kabar web` failed.
    #[error(transparent)]
    Web(#[from] WebError),
    /// `kabar send` or `kabar get` failed.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// `kabar bridge` failed.
    #[cfg(unix)]
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// Standard output cannot be written.
    #[error("cannot print: {0}")]
    Print(io::Error),
}
