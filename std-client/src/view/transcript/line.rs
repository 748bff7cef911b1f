//! Entries as lines of spans.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kabar_core::chat::{EntryKind, File};
use kabar_std::text::{clean_line, size_text};

use super::source::Entry;
use crate::engine::event::EntryContent;
use crate::language::message;
use crate::view::span::{NICK_COLOURS, Role, Row, Span};
use crate::view::text;

/// How much of the time of an entry is displayed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// Nothing.
    None,
    /// `10:37`.
    #[default]
    Minutes,
    /// `10:37:10`.
    Seconds,
}

/// Local times.
#[derive(Clone, Debug)]
pub struct Times {
    /// The time zone.
    pub zone: TimeZone,
    /// What is displayed.
    pub format: TimeFormat,
}

impl Times {
    /// Returns the day, or `None` for a time after the year 9999.
    #[must_use]
    pub fn day(&self, time_ms: u64) -> Option<Date> {
        let time = Timestamp::from_millisecond(i64::try_from(time_ms).ok()?).ok()?;
        Some(time.to_zoned(self.zone.clone()).date())
    }

    /// Returns the time of day, with a space; empty if none is displayed.
    fn stamp(&self, time_ms: u64) -> String {
        let (format, unknown) = match self.format {
            TimeFormat::None => return String::new(),
            TimeFormat::Minutes => ("%H:%M ", "??:?? "),
            TimeFormat::Seconds => ("%H:%M:%S ", "??:??:?? "),
        };
        let time = i64::try_from(time_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        time.map_or_else(|| unknown.to_owned(), |time| time.to_zoned(self.zone.clone()).strftime(format).to_string())
    }
}

/// The lines of a block, before they are wrapped.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// One per line of the text.
    pub lines: Vec<Row>,
    /// The indent of rows after the first.
    pub indent: usize,
}

/// Returns the colour of a name: the same on every computer and in every room.
#[must_use]
pub fn nick_colour(name: &str) -> u8 {
    // FNV-1a.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u8::try_from((hash >> 8) % u32::from(NICK_COLOURS)).unwrap_or_default()
}

/// Formats an entry.
#[must_use]
pub fn entry_lines(entry: &Entry, times: &Times) -> Lines {
    let author = clean_line(&entry.author);
    let nick = if entry.is_own { Role::OwnNick } else { Role::Nick(nick_colour(&author)) };
    let mut first = Row::default();
    first.push(Span::new(Role::Time, times.stamp(entry.time_ms)));
    let after_time = first.width();
    let body = match &entry.content {
        EntryContent::Body(body) => String::from_utf8_lossy(body),
        EntryContent::Omitted(len) => {
            first.push(Span::new(nick, author));
            let sentence = message!("entry-too-large", size = *len);
            first.push(Span::new(Role::Removed, format!(" {sentence}")));
            return Lines { lines: vec![first], indent: after_time };
        }
    };
    let sentence = |mut first: Row, role, text: String| {
        first.push(Span::new(role, text));
        Lines { lines: vec![first], indent: after_time }
    };
    match entry.kind {
        EntryKind::TEXT | EntryKind::ACTION => {
            let is_action = entry.kind == EntryKind::ACTION;
            let role = match entry {
                Entry { is_own: true, .. } => Role::Own,
                Entry { is_mention: true, .. } => Role::Mention,
                _ => Role::Text,
            };
            if is_action {
                first.push(Span::new(nick, "* "));
            }
            first.push(Span::new(nick, author));
            first.push(Span::new(nick, if is_action { " " } else { ": " }));
            text_lines(first, role, &body)
        }
        EntryKind::OPERATOR => {
            first.push(Span::new(Role::Operator, format!("~ {author}: ")));
            text_lines(first, Role::Operator, &body)
        }
        EntryKind::JOINED => sentence(first, Role::Presence, message!("entry-joined", names = author)),
        EntryKind::LEFT => sentence(first, Role::Presence, message!("entry-left", names = author)),
        EntryKind::KICKED if body.is_empty() => {
            sentence(first, Role::Operator, format!("~ {}", message!("entry-kicked", author)))
        }
        EntryKind::KICKED => {
            first.push(Span::new(Role::Operator, format!("~ {}: ", message!("entry-kicked", author))));
            text_lines(first, Role::Operator, &body)
        }
        EntryKind::RENAMED => {
            sentence(first, Role::Presence, message!("entry-renamed", author, name = clean_line(&body)))
        }
        EntryKind::REMOVAL => match entry.removes() {
            Some(seq) => sentence(first, Role::Presence, message!("entry-removal", author, seq)),
            None => sentence(first, Role::Presence, message!("entry-removal-unknown", author)),
        },
        EntryKind::REMOVED => {
            first.push(Span::new(nick, format!("{author}: ")));
            sentence(first, Role::Removed, message!("entry-removed"))
        }
        EntryKind::TOPIC if body.is_empty() => {
            sentence(first, Role::Operator, format!("~ {}", message!("entry-topic-removed", author)))
        }
        EntryKind::TOPIC => {
            sentence(first, Role::Operator, format!("~ {}", message!("entry-topic", author, topic = clean_line(&body))))
        }
        EntryKind::FILE if let Some(file) = entry.file() => file_line(first, nick, author, entry, &file),
        EntryKind::DATA => sentence(first, Role::Removed, message!("entry-data", author, size = entry_len(entry))),
        kind => {
            let text = message!("entry-unknown", author, size = entry_len(entry), kind = kind.0);
            sentence(first, Role::Removed, text)
        }
    }
}

/// A file: its name, what is known about it, and how others receive it. The media type is that of
/// the sender, and only displayed.
fn file_line(mut first: Row, nick: Role, author: String, entry: &Entry, file: &File<'_>) -> Lines {
    first.push(Span::new(nick, author));
    first.push(Span::new(nick, ": "));
    let indent = first.width();
    let role = if entry.is_own { Role::Own } else { Role::Text };
    first.push(Span::new(role, message!("entry-file-name", name = clean_line(file.name()))));
    let size = size_text(file.size());
    let about = match file.media_type() {
        "" => size,
        media_type => format!("{size}, {}", clean_line(media_type)),
    };
    first.push(Span::new(Role::Time, format!(" ({about})")));
    if !entry.is_own {
        first.push(Span::new(Role::Time, message!("entry-file-get", seq = entry.seq)));
    }
    Lines { lines: vec![first], indent }
}

fn entry_len(entry: &Entry) -> usize {
    match &entry.content {
        EntryContent::Body(body) => body.len(),
        EntryContent::Omitted(len) => usize::from(*len),
    }
}

/// Formats successive joins and leaves as one line.
#[must_use]
pub fn fold_lines(entries: &[Entry], times: &Times) -> Lines {
    let mut first = Row::default();
    first.push(Span::new(Role::Time, entries.first().map(|first| times.stamp(first.time_ms)).unwrap_or_default()));
    let indent = first.width();
    let names = |kind| {
        let mut names: Vec<String> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.kind == kind) {
            let name = clean_line(&entry.author);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.join(", ")
    };
    let (joined, left) = (names(EntryKind::JOINED), names(EntryKind::LEFT));
    let joined = (!joined.is_empty()).then(|| message!("entry-joined", names = joined));
    let left = (!left.is_empty()).then(|| message!("entry-left", names = left));
    let text: Vec<_> = joined.into_iter().chain(left).collect();
    first.push(Span::new(Role::Presence, text.join("; ")));
    Lines { lines: vec![first], indent }
}

/// Formats a day.
#[must_use]
pub fn day_text(day: Date) -> String {
    let number = |number: i8| number.unsigned_abs();
    let weekday = number(day.weekday().to_monday_one_offset());
    let year = day.year().unsigned_abs();
    message!("day", weekday, day = number(day.day()), month = number(day.month()), year)
}

/// Formats a notice of this program.
#[must_use]
pub fn notice_lines(role: Role, text: &str) -> Lines {
    let is_invite = |line: &str| text::invites::invite(line).is_some();
    let flush = |line: &str| linked(role, if is_invite(line) { line.trim_start() } else { line });
    Lines { lines: text::clean_lines(text).map(|line| flush(&line)).collect(), indent: 2 }
}

/// Appends a text to the beginning of its first line.
fn text_lines(mut first: Row, role: Role, body: &str) -> Lines {
    let indent = first.width();
    let mut lines = text::clean_lines(body).map(|line| linked(role, &line));
    first.spans.extend(lines.next().unwrap_or_default().spans);
    Lines { lines: std::iter::once(first).chain(lines).collect(), indent }
}

/// Splits a line into text and links.
fn linked(role: Role, line: &str) -> Row {
    let (mut row, mut at) = (Row::default(), 0);
    for range in text::links::links(line) {
        row.push(Span::new(role, &line[at..range.start]));
        let link = &line[range.clone()];
        row.push(Span { link: Some(link.into()), ..Span::new(role, link) });
        at = range.end;
    }
    row.push(Span::new(role, &line[at..]));
    row
}
