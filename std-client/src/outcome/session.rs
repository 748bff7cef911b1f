//! How a session with a front end ends, and what was lost in it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use kabar_std::data_dir::FileError;

use crate::engine::event::SessionError;
use crate::input::InputError;
use crate::known_servers::KnownServersError;
use crate::shared_error::SharedError;

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
    /// By request, with lines that are not in their rooms.
    Unsent {
        /// Number of lines that are lost.
        lost: u64,
        /// Number of lines that are kept, and sent the next time.
        kept: u64,
    },
    /// By an error.
    Failed(Arc<SessionError>),
}

/// Something that was lost and makes an otherwise successful session an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Standard input or the terminal failed.
    Input(InputError),
    /// The joined room could not be added to the known servers; the error.
    ServerNotStored(SharedError<KnownServersError>),
    /// An output cannot be written.
    Output {
        /// The output.
        stream: OutputStream,
        /// The operating system's error.
        error: SharedError<io::Error>,
    },
    /// Nobody read an output, so the rest was not written.
    OutputNotRead(OutputStream),
    /// The position in the room could not be saved; the error.
    PositionNotSaved(SharedError<FileError>),
    /// Lines are missing at the end of the transcript of a hosted room.
    Transcript {
        /// The file.
        path: PathBuf,
        /// Number of lines.
        lines: u64,
    },
}

/// An output of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
