//! `kabar history`: prints or searches what was received, from the local file.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use kabar_std::data_dir::DataDir;
use kabar_std::invite::show_fingerprint;
use kabar_std::json::{self, Origin};
use kabar_std::search::Query;
use kabar_std::since::parse_since;
use kabar_std::text::{Line, LineFormatter};

use super::open;
use crate::history::{Anchor, KnownRoomRow, LogRow, MAX_PAGE, OpenError, PageItem, Place, Reader, StoredEntry};
use crate::identity::StoredIdentity;
use crate::messages::entries::line_formatter;
use crate::messages::history as messages;
use crate::outcome::{CommandError, HistoryCommandError, IdentityCommandError, Outcome};

/// `kabar history`.
#[derive(Debug, clap::Args)]
pub struct HistoryArguments {
    /// The room [default: all rooms].
    #[arg(value_name = "ROOM")]
    room: Option<String>,

    /// Only texts that contain all these words, in upper or lower case; "in double quotes": exactly
    /// this.
    #[arg(long, value_name = "WORDS", value_parser = parse_search, allow_hyphen_values = true)]
    search: Option<Query>,

    /// Only entries since a date, a date and a time (local, or RFC 3339), a span back from now such
    /// as 2h, 3d or 1w, or from an entry's number on.
    #[arg(long, value_name = "TIME|SEQ", value_parser = Since::parse, allow_hyphen_values = true)]
    since: Option<Since>,

    /// Only the last N matching entries of a room, or of a search.
    #[arg(long, value_name = "N")]
    last: Option<usize>,

    /// Print one object per line: server, room, log, seq, time (RFC 3339), time_ms (since 1970),
    /// author, kind, and text, base64 or size. Each reset of a room begins a log.
    #[arg(long)]
    json: bool,

    /// The identity with this label [default: your own].
    #[arg(long, value_name = "LABEL")]
    identity: Option<String>,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    /// At a time, in ms since 1970.
    Time(u64),
    /// At an entry of a room's log.
    Seq(u64),
}

impl Since {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map(Self::Seq).or_else(|_| parse_since(text).map(Self::Time))
    }
}

pub(crate) fn run(arguments: &HistoryArguments, data_dir: Option<PathBuf>) -> Result<Outcome, CommandError> {
    let dir = open(data_dir)?;
    let mut out = Printer::new(BufWriter::new(io::stdout().lock()), arguments.json);
    match print(arguments, &dir, &mut out).map(|()| out.flush()) {
        Err(Failed::Printing(error)) | Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Print(error))
        }
        Err(Failed::Reading(error)) => Err(error.into()),
        _ => Ok(Outcome::Done),
    }
}

/// Why nothing more is printed.
#[derive(Debug)]
enum Failed {
    Reading(HistoryCommandError),
    Printing(io::Error),
}

impl<E: Into<HistoryCommandError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Reading(error.into())
    }
}

fn print(arguments: &HistoryArguments, dir: &DataDir, out: &mut Printer<impl Write>) -> Result<(), Failed> {
    let identity = StoredIdentity::find(dir, arguments.identity.as_deref()).map_err(IdentityCommandError::from)?;
    let Some(identity) = identity else {
        return Err(match arguments.identity.clone() {
            None => HistoryCommandError::None,
            label => IdentityCommandError::NoIdentity(label).into(),
        }
        .into());
    };
    let reader = match Reader::open(dir, &identity.key.fingerprint()) {
        Err(OpenError::Missing(_)) => return Err(HistoryCommandError::None.into()),
        reader => reader?,
    };
    let rooms = wanted_rooms(&reader, arguments.room.as_deref())?;
    out.has_headings = rooms.len() > 1;
    if let Some(query) = &arguments.search {
        return search(&reader, &rooms, query, arguments, out);
    }
    rooms.iter().try_for_each(|room| print_room(&reader, room, arguments, out))
}

fn wanted_rooms(reader: &Reader, name: Option<&str>) -> Result<Vec<KnownRoomRow>, HistoryCommandError> {
    let mut rooms = reader.rooms()?;
    if rooms.is_empty() {
        return Err(HistoryCommandError::None);
    }
    if let Some(name) = name {
        let all: Vec<_> = rooms.iter().map(|room| room.name.clone()).collect();
        rooms.retain(|room| room.name == name);
        if rooms.is_empty() {
            return Err(HistoryCommandError::NoRoom(name.to_owned(), all));
        }
    }
    Ok(rooms)
}

fn print_room(
    reader: &Reader,
    room: &KnownRoomRow,
    arguments: &HistoryArguments,
    out: &mut Printer<impl Write>,
) -> Result<(), Failed> {
    let Some(mut place) = first_place(reader, room, arguments)? else { return Ok(()) };
    let since_ms = if let Some(Since::Time(time_ms)) = arguments.since { time_ms } else { 0 };
    let mut log = None;
    loop {
        let page = reader.page(room.room, Anchor::At(place), MAX_PAGE)?;
        for item in &page.items {
            match item {
                PageItem::Entry(entry) if entry.time_ms >= since_ms => {
                    if log.is_some_and(|log| log != entry.place.log) {
                        out.note(&messages::reset()).map_err(Failed::Printing)?;
                    }
                    log = Some(entry.place.log);
                    out.entry(room, entry).map_err(Failed::Printing)?;
                }
                // Not what is before the first entry.
                PageItem::Gap(gap) if log == Some(gap.log) => {
                    out.note(&messages::gap(gap.first, gap.last)).map_err(Failed::Printing)?;
                }
                _ => {}
            }
        }
        let Some(last) = page.entries().next_back().filter(|_| page.has_later) else { return Ok(()) };
        place = Place { seq: last.place.seq.saturating_add(1), ..last.place };
    }
}

/// Returns the place of the first entry to print.
fn first_place(
    reader: &Reader,
    room: &KnownRoomRow,
    arguments: &HistoryArguments,
) -> Result<Option<Place>, HistoryCommandError> {
    let first =
        |from| Ok::<_, HistoryCommandError>(reader.page(room.room, from, 1)?.entries().next().map(|it| it.place));
    let since = match arguments.since {
        None => None,
        Some(Since::Time(time_ms)) => Some(first(Anchor::Time(time_ms))?),
        // The number is one of the present log.
        Some(Since::Seq(seq)) => Some(first(Anchor::Last)?.map(|last| Place { seq, ..last })),
    };
    if since == Some(None) {
        return Ok(None);
    }
    let since = since.flatten();
    let Some(mut left) = arguments.last else {
        return if since.is_some() { Ok(since) } else { first(Anchor::Time(0)) };
    };
    let (mut from, mut place) = (Anchor::Last, None);
    while left > 0 {
        let page = reader.page(room.room, from, left.min(MAX_PAGE))?;
        let Some(earliest) = page.entries().next() else { break };
        place = Some(earliest.place);
        left = left.saturating_sub(page.entries().count());
        if !page.has_earlier || place < since {
            break;
        }
        from = Anchor::Before(earliest.place);
    }
    Ok(place.map(|place| since.map_or(place, |since| since.max(place))))
}

fn search(
    reader: &Reader,
    rooms: &[KnownRoomRow],
    query: &Query,
    arguments: &HistoryArguments,
    out: &mut Printer<impl Write>,
) -> Result<(), Failed> {
    let last = arguments.last.unwrap_or(usize::MAX);
    let only = if let [room] = rooms { Some(room.room) } else { None };
    let (mut found, mut after) = (VecDeque::new(), None);
    while found.len() < last {
        let page = reader.search(query, only, after, MAX_PAGE)?;
        for hit in page.hits {
            let is_since = match arguments.since {
                None => true,
                Some(Since::Time(time_ms)) => hit.entry.time_ms >= time_ms,
                Some(Since::Seq(seq)) => hit.entry.place.seq >= seq,
            };
            let room = rooms.iter().find(|room| room.room == hit.room);
            if let Some(room) = room.filter(|_| is_since && found.len() < last) {
                found.push_front((room, hit.entry));
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.iter().try_for_each(|(room, entry)| out.entry(room, entry)).map_err(Failed::Printing)
}

/// Prints entries.
struct Printer<W> {
    out: W,
    is_json: bool,
    /// Whether several rooms are printed.
    has_headings: bool,
    /// The room of the last entry.
    room: Option<KnownRoomRow>,
    lines: LineFormatter,
}

impl<W: Write> Printer<W> {
    fn new(out: W, is_json: bool) -> Self {
        Self { out, is_json, has_headings: false, room: None, lines: line_formatter() }
    }

    fn entry(&mut self, room: &KnownRoomRow, entry: &StoredEntry) -> io::Result<()> {
        let StoredEntry { place, time_ms, author, kind, content, .. } = entry;
        let content = content.as_content();
        let line = Line { time_ms: *time_ms, author, address: None, kind: *kind, content };
        let server = show_fingerprint(&room.fingerprint);
        if self.is_json {
            let origin = Origin { server: &server, room: &room.name, log: LogRow::number(place.log) };
            return writeln!(self.out, "{}", json::entry_line(Some(origin), place.seq, &line));
        }
        if self.has_headings && self.room.as_ref() != Some(room) {
            writeln!(self.out, "{}", messages::heading(&room.name, &server))?;
            self.room = Some(room.clone());
        }
        writeln!(self.out, "{}", self.lines.format(&line))
    }

    fn note(&mut self, line: &str) -> io::Result<()> {
        if self.is_json { Ok(()) } else { writeln!(self.out, "{line}") }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn parse_search(text: &str) -> Result<Query, String> {
    Query::new(text).ok_or_else(|| "there is nothing to search for".to_owned())
}

#[cfg(test)]
mod tests;
