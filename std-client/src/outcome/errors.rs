//! The errors of the commands and of their arguments, one enum each.

use std::io;
use std::path::PathBuf;

use kabar_core::session::Fingerprint;
use kabar_server::driver::ServerFailed;
use kabar_server::room_host::RoomHostError;
use kabar_std::address::{AddressError, HostPort, Places};
use kabar_std::data_dir::FileError;
use kabar_std::invite::{InviteError, RoomName};
use kabar_std::password::NoPassword;
use kabar_std::reading::NotText;

use crate::history::{OpenError, StorageError};
use crate::identity::{ExportError, IdentityError, StoredIdentity};
use crate::known_servers::KnownServersError;
use crate::probe::ProbeError;
use crate::shared_error::SharedError;

/// Why a target is not usable.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// The invite and the password are both to be read from standard input.
    #[error("both the invite and the password on standard input")]
    BothOnStdin,
    /// Standard input has no target; the reason.
    #[error("standard input: {0}")]
    Stdin(SharedError<io::Error>),
    /// A key option together with an invite, which names the key.
    #[error("a key option together with an invite")]
    KeyOptionWithInvite,
    /// The invite is invalid.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// The address is invalid.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// All addresses of the invite are link-local ones without an interface.
    #[error("no usable address: {0}")]
    NoUsableAddress(AddressError),
    /// A further invite is for another server than the first one.
    #[error("an invite for another server")]
    OtherServer,
    /// A further target is an invite, and the first one is none.
    #[error("an invite after another target")]
    InviteNotFirst,
    /// A further target is no room.
    #[error("{0} is no room")]
    NoRoom(String),
    /// More rooms than one can be in.
    #[error("too many rooms")]
    TooManyRooms,
    /// Several known rooms have this name.
    #[error("{} rooms have this name", .0.len())]
    Ambiguous(Vec<(Places, RoomName)>),
}

impl From<io::Error> for TargetError {
    fn from(error: io::Error) -> Self {
        Self::Stdin(error.into())
    }
}

/// Where a password is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    /// This file.
    File(PathBuf),
    /// Standard input.
    Stdin,
    /// This variable.
    Variable(&'static str),
}

/// Why `kabar send` or `kabar get` failed.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A name for several files.
    #[error("one name for several files")]
    OneName,
    /// The file has no name that is text.
    #[error("{} has no name", .0.display())]
    Name(PathBuf),
    /// No room was stated, and none is known.
    #[error("no room")]
    NoRoom,
    /// The operating system gives no thread.
    #[error("cannot start: {0}")]
    Start(io::Error),
    /// This number of files was not transferred. Each was reported.
    #[error("{files} files were not transferred")]
    Failed {
        /// Whether they were to be sent.
        is_upload: bool,
        /// Number of files.
        files: usize,
    },
}

/// Why no password was read.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The source has other bytes than text.
    #[error("{from:?}: {error}")]
    NotText {
        /// The source.
        from: PasswordSource,
        /// The reason.
        error: io::Error,
    },
    /// The source cannot be read.
    #[error("cannot read {from:?}: {error}")]
    Read {
        /// The source.
        from: PasswordSource,
        /// The operating system's error.
        error: io::Error,
    },
    /// It is no password.
    #[error(transparent)]
    NotAllowed(#[from] NoPassword),
}

/// Why a room is not hosted.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] RoomHostError),
    /// The server failed.
    #[error(transparent)]
    Failed(#[from] ServerFailed),
}

/// Why `kabar servers` failed.
#[derive(Debug, thiserror::Error)]
pub enum ServersCommandError {
    /// No known server has this room, address or fingerprint.
    #[error("{0} is not known")]
    NotKnown(String),
    /// The server has another key than the given one.
    #[error("the server at {server} has another key")]
    OtherKey {
        /// The server.
        server: HostPort,
        /// The key that it presented.
        found: Fingerprint,
    },
    /// The key must be confirmed, and nobody can be asked.
    #[error("the key is not confirmed")]
    NotConfirmed {
        /// The key that the server presented.
        found: Fingerprint,
    },
    /// The question was answered with no.
    #[error("declined")]
    Declined,
    /// The server's key could not be fetched.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The known servers cannot be read or changed.
    #[error(transparent)]
    KnownServers(#[from] KnownServersError),
    /// The terminal cannot be read.
    #[error("cannot read from the terminal: {0}")]
    Terminal(#[from] io::Error),
}

impl From<FileError> for ServersCommandError {
    fn from(error: FileError) -> Self {
        Self::KnownServers(error.into())
    }
}

/// Why `kabar identity` failed.
#[derive(Debug, thiserror::Error)]
pub enum IdentityCommandError {
    /// There is no identity with this label, or none at all.
    #[error("no such identity")]
    NoIdentity(Option<String>),
    /// Another identity is there already.
    #[error("another identity is there")]
    OtherIdentity(Box<StoredIdentity>),
    /// The exported key cannot be used.
    #[error(transparent)]
    Exported(#[from] ExportError),
    /// The passphrase is empty, too long, or not text.
    #[error("invalid passphrase")]
    Passphrase,
    /// The passphrase was typed differently the second time.
    #[error("the passphrases differ")]
    Mistyped,
    /// A passphrase is to be typed, and nobody can be asked.
    #[error("not a terminal")]
    NoTerminal,
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The file to import is not text.
    #[error("{file:?} is not text: {why}")]
    NotText {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: NotText,
    },
    /// The file to import or to export to cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The terminal cannot be read.
    #[error("cannot read from the terminal: {0}")]
    Terminal(#[from] io::Error),
}

/// Why `kabar history` failed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryCommandError {
    /// Nothing was received yet.
    #[error("no history")]
    None,
    /// No room has this name; the names of those that are known.
    #[error("no room {0}")]
    NoRoom(String, Vec<String>),
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityCommandError),
}

/// Why the questions were not answered.
#[derive(Debug, thiserror::Error)]
pub enum WizardError {
    /// Nobody can be asked.
    #[error("not a terminal")]
    NotATerminal,
    /// The input ended, or was interrupted.
    #[error("end of input")]
    EndOfInput,
    /// The terminal cannot be read.
    #[error(transparent)]
    Terminal(io::Error),
}

/// A thread of this program has failed, which its panic has reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a thread of this program has failed")]
pub struct ThreadFailed;

/// Why a terminal has no full screen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoScreen {
    /// The terminal of this type (`TERM`) cannot move its cursor, as far as is known; empty: there
    /// is no type.
    #[error("TERM={0}")]
    Type(String),
    /// The terminal has fewer columns or rows than are needed.
    #[error("{columns}x{rows}")]
    Size {
        /// Its columns.
        columns: u16,
        /// Its rows.
        rows: u16,
    },
}

/// Why an answer to the question for a room chooses none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// No room has this number; the number of rooms.
    #[error("no such number: 1 to {0}")]
    NoSuchNumber(usize),
    /// Nothing was typed, and no room is known.
    #[error("no address")]
    NoAddress,
    /// The address is link-local and has no interface.
    #[error(transparent)]
    Zone(AddressError),
    /// It is no target.
    #[error(transparent)]
    Target(#[from] TargetError),
}

/// Why `kabar web` does not run.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The port cannot be used.
    #[error("cannot listen on 127.0.0.1:{port}: {error}")]
    Listen {
        /// The port; 0: any.
        port: u16,
        /// The operating system's error.
        error: io::Error,
    },
    /// The operating system gives no thread or signal handler.
    #[error("cannot start: {0}")]
    Start(io::Error),
}
