//! What a session that transfers files shows.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use kabar_std::output::remark;
use unicode_width::UnicodeWidthChar;

use crate::commands::print;
use crate::engine::event::{Event, Transfer, TransferState};
use crate::line::json::Object;
use crate::messages::{events, transfers};
use crate::outcome::CommandError;

/// How often progress is printed without a terminal.
const PRINT_EVERY: Duration = Duration::from_secs(3);

/// Shows how far the transfers are: in the last line of a terminal, in a line every few seconds
/// elsewhere, or as objects.
#[derive(Debug, Default)]
pub(super) struct Display {
    is_json: bool,
    room: String,
    /// Whether the last line has progress.
    has_line: bool,
    printed: Option<Instant>,
}

impl Display {
    /// Transfers in this room are shown as objects, or in words.
    pub(super) fn new(is_json: bool, room: String) -> Self {
        Self { is_json, room, ..Self::default() }
    }

    pub(super) fn transfer(&mut self, transfer: &Transfer) -> Result<(), CommandError> {
        if self.is_json {
            let event = Event::Transfer(transfer.clone());
            let object = Object::of_event(&event, Some(&self.room)).map(|object| object.line() + "\n");
            return object.map_or(Ok(()), |line| print(line.as_bytes()).map(drop));
        }
        if !transfer.state.is_end() {
            self.progress(&transfers::line(transfer));
            return Ok(());
        }
        self.sentence(&Event::Transfer(transfer.clone()));
        match &transfer.state {
            TransferState::Received(path) if !io::stdout().is_terminal() => {
                print(format!("{}\n", path.display()).as_bytes()).map(drop)
            }
            _ => Ok(()),
        }
    }

    fn progress(&mut self, line: &str) {
        if io::stderr().is_terminal() {
            let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
            let mut used = 0;
            let fits = |c: &char| {
                used += c.width().unwrap_or(0);
                used < width
            };
            let line: String = line.chars().take_while(fits).collect();
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
            self.has_line = true;
        } else if self.printed.is_none_or(|printed| printed.elapsed() >= PRINT_EVERY) {
            self.printed = Some(Instant::now());
            remark(line);
        }
    }

    /// Shows an event in words.
    pub(super) fn sentence(&mut self, event: &Event) {
        if let Some(text) = events::text(event, None) {
            self.clear();
            remark(&text);
        }
    }

    /// Removes the progress from the last line.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.has_line) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
