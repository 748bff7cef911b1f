//! The input of a session, from a person or a script: one line at a time, or why there is no more.
//! Plain values; [`crate::line`] creates them, [`crate::command`] parses the lines.

use std::io;

use crate::shared_error::SharedError;

/// One unit of input, from the prompt or from a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A line without its end, at most [`kabar_core::chat::MAX_TEXT_LEN`] bytes long.
    Line(String),
    /// A line that is too long; its length in bytes.
    TooLong(usize),
    /// A line that is not UTF-8.
    NotUtf8,
    /// Bytes typed at the prompt that are not UTF-8, and were dropped.
    InvalidBytes,
    /// The end of input.
    End,
    /// The end of input, because of an error.
    Failed(InputError),
}

impl Input {
    /// Whether it is a line, valid or not.
    #[must_use]
    pub fn is_line(&self) -> bool {
        matches!(self, Self::Line(_) | Self::TooLong(_) | Self::NotUtf8)
    }
}

/// How lines are entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputMode {
    /// In a line editor, which completes and recalls.
    Prompt,
    /// By a person, at a terminal that has no line editor.
    Terminal,
    /// By a program, or from a file.
    Pipe,
}

/// Why no more lines can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// Standard input failed; the operating system's error.
    Stdin(SharedError<io::Error>),
    /// The terminal failed; the error.
    Terminal(SharedError<io::Error>),
}
