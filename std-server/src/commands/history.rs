//! `kabar-server history`: prints the history, also while the server runs.

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;

use super::{CommandError, said};
use crate::config::RoomArgs;
use crate::store::{Filter, History, LogEntry, Query, complete_index};
use kabar_std::json;
use kabar_std::since::parse_since;
use kabar_std::text::{Content, Line, LineFormatter};

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    room: RoomArgs,

    /// Only the last N matching entries.
    #[arg(long, value_name = "N")]
    last: Option<u64>,

    /// Only entries since a date, a date and a time (local, or RFC 3339), or a span back from now
    /// such as 2h, 3d or 1w.
    #[arg(long, value_name = "TIME", value_parser = parse_since, allow_hyphen_values = true)]
    since: Option<u64>,

    /// Only texts that contain all these words, in upper or lower case; "in double quotes": exactly
    /// this.
    #[arg(long, value_name = "TEXT", value_parser = parse_search, allow_hyphen_values = true)]
    search: Option<Query>,

    /// Output format.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// The output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// `[2024-11-01 10:37:10] Farhan: haloooo`; further lines of a text are indented.
    Text,
    /// One object per line: seq, time (RFC 3339), time_ms (since 1970), author, kind, and text or
    /// base64.
    Json,
}

/// Prints the entries.
///
/// # Errors
/// [`CommandError::Failed`] if there is no such history or it cannot be read.
pub fn run(arguments: Arguments) -> Result<(), CommandError> {
    let config = arguments.room.resolve().map_err(CommandError::Usage)?;
    let dir = config.data_dir;
    let history = History::open(&dir).map_err(CommandError::failed)?;
    if arguments.search.is_some() {
        complete_index(&dir);
    }
    let unusable = |error| CommandError::failed(history.unusable(error));
    let filter = Filter { since_ms: arguments.since, last: arguments.last, search: arguments.search };
    let room = config.room.as_str();
    let Some(mut selection) = history.find(room, &filter).map_err(unusable)? else {
        let rooms = history.rooms().map_err(unusable)?;
        return Err(CommandError::Failed(match rooms.as_slice() {
            [] => "the history is empty".to_owned(),
            rooms => format!("there is no room {room}; choose another with --room: {}", rooms.join(", ")),
        }));
    };
    let lines = LineFormatter::new();
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let page = history.next_page(&mut selection).map_err(unusable)?;
        if page.is_empty() {
            return said(out.flush());
        }
        let shown = page.iter().try_for_each(|entry| match arguments.format {
            Format::Text => writeln!(out, "{}", lines.format(&line(entry))),
            Format::Json => writeln!(out, "{}", json::entry_line(None, entry.seq, &line(entry))),
        });
        if shown.is_err() {
            return said(shown);
        }
    }
}

fn line(entry: &LogEntry) -> Line<'_> {
    let LogEntry { time_ms, author, kind, body, .. } = entry;
    Line { time_ms: *time_ms, author, address: None, kind: *kind, content: Content::Body(body) }
}

fn parse_search(text: &str) -> Result<Query, String> {
    Query::new(text).ok_or_else(|| "there is nothing to search for".to_owned())
}
