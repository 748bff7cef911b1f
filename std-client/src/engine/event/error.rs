//! Why a session or a room ends, and why something of the user's is not kept.

use std::io;
use std::sync::Arc;

use kabar_core::client::EndReason;
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::FileError;
use kabar_std::invite::RoomName;

use crate::connect::ConnectError;
use crate::history::{OpenError, StorageError};
use crate::identity::IdentityError;
use crate::known_servers::KnownServersError;

/// Something of the user's that is not kept.
#[derive(Clone, Debug)]
pub enum NotKept {
    /// The server and its rooms, as known ones.
    Server(Arc<KnownServersError>),
    /// That a room was left.
    Parting(Arc<KnownServersError>),
    /// What is ignored, hidden and announced.
    Preferences(Arc<HistoryError>),
}

/// Why a local history is not written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file of an earlier version cannot be taken over.
    #[error(transparent)]
    File(FileError),
}

/// Why the session on a server ended.
#[derive(Clone, Debug)]
pub enum ServerEnd {
    /// As requested.
    Left,
    /// By an error.
    Failed(Arc<SessionError>),
}

/// Why a session ended without a request.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The server was not reached, or did not admit the member.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server at a known address, or at one with `--fingerprint`, has another key.
    #[error("the key of {server} has changed")]
    KeyChanged {
        /// The addresses of the server.
        server: Places,
        /// The key that was expected.
        expected: Fingerprint,
    },
    /// The server's key is not known, and nobody can be asked.
    #[error("the key of {server} is not known")]
    UnknownKey {
        /// The addresses of the server.
        server: Places,
        /// The key that it presented.
        found: Fingerprint,
    },
    /// The room has a password, and none was typed.
    #[error("a password is required")]
    PasswordRequired,
    /// The client ended.
    #[error("{0:?}")]
    Client(Box<ClientEnd>),
    /// A classic server has a password, and none was typed.
    #[error("a password is required")]
    ClassicPasswordRequired,
    /// A classic server does not understand name and password.
    #[error("the server answers: {text}")]
    LoginNotUnderstood {
        /// Its answer, as it was received.
        text: String,
    },
    /// Name and password are too long for a classic server.
    #[error("name and password are too long")]
    LoginTooLong,
    /// The key of a classic server is too small for this character of name or password.
    #[error("the key is too small for {0:?}")]
    NotInKey(char),
    /// The identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system gives no thread, socket or terminal.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// The end of a client or of one of its rooms, and the data for a sentence about it.
#[derive(Clone, Debug)]
pub struct ClientEnd {
    /// The reason; never [`EndReason::Left`].
    pub reason: EndReason,
    /// The server's text about a refusal, or about the end of the membership, as it was received;
    /// may be empty.
    pub server_text: String,
    /// The addresses of the server.
    pub server: Places,
    /// The name that the client used.
    pub name: String,
    /// The room.
    pub room: RoomName,
    /// The credential that it presented.
    pub credential: CredentialUsed,
}

/// The kind of credential that a client presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialUsed {
    /// The room's secret.
    Secret,
    /// A password.
    Password,
    /// None.
    None,
}
