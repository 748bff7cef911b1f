//! How a session ends, and what was lost in it. Plain values; [`crate::messages`] turns them into
//! an exit code and sentences.

use std::io;

use kabar_core::client::EndReason;
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::data_dir::FileError;
use kabar_std::invite::RoomName;

use crate::connect::ConnectError;
use crate::identity::IdentityError;
use crate::input::InputError;

/// The end of a session, and what was lost until then.
#[derive(Debug)]
pub struct SessionReport {
    /// Why it ended.
    pub end: SessionEnd,
    /// Losses that make it an error, each once.
    pub losses: Vec<Loss>,
}

/// Why a session ended.
#[derive(Debug)]
pub enum SessionEnd {
    /// By a command, or at the end of input. Everything is stored.
    Left,
    /// By Ctrl-C or SIGTERM.
    Interrupted,
    /// By request, with this number of lines not in the room.
    Unsent(u64),
    /// By an error.
    Failed(SessionError),
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
    /// The server's key is not known, and cannot be accepted without a terminal.
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

/// The end of a client, and the data for a sentence about it.
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

/// Something that was lost and makes an otherwise successful session an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Standard input or the terminal failed.
    Input(InputError),
    /// The joined room could not be added to the known servers; the error.
    ServerNotStored(String),
    /// An output cannot be written.
    Output {
        /// The output.
        stream: OutputStream,
        /// The operating system's error.
        error: String,
    },
    /// Nobody read an output, so the rest was not written.
    OutputNotRead(OutputStream),
    /// The position in the room could not be saved; the error.
    PositionNotSaved(String),
    /// Lines are missing in the transcript of a hosted room; the server's words.
    Transcript(String),
}

/// An output of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl From<SessionError> for SessionEnd {
    fn from(error: SessionError) -> Self {
        Self::Failed(error)
    }
}
