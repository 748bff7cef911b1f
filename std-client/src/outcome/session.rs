//! How a session with a front end ends, and what was lost in it.

use std::sync::Arc;

use crate::engine::event::SessionError;
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
