//! Formats entries as lines, for the server's console and the client, and removes what must not be
//! displayed.
//!
//! ```text
//! [2024-11-01 10:37:10] Farhan: haloooo
//!     a second line of the same text is indented, so that no text looks like two entries
//! [2024-11-01 10:37:10] * Farhan waves
//! [2024-11-01 10:37:10] Farhan has joined the chat!
//! [2024-11-01 10:37:10] ~ server: dinner is ready
//! ```
//! What the operator says and does has a `~` after the time. A line of a member has its name there,
//! or `*` and its name, and no name contains a `~` or a `:` (SPEC 6.6). So no member can write a
//! line that looks like the operator's, whatever its name and its text are.

use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kabar_core::chat::{EntryKind, File, RefusedCode};

/// Prefix of all lines of a text but the first.
pub const CONTINUATION: &str = "    ";

/// What is between the time and the author of a line about what the operator said or did.
pub const OPERATOR_MARK: &str = "~ ";

/// An entry, as far as it is displayed.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// When it was stored, in ms since 1970.
    pub time_ms: u64,
    /// The author.
    pub author: &'a str,
    /// The author's address, if it is known and to be displayed.
    pub address: Option<SocketAddr>,
    /// The kind of entry.
    pub kind: EntryKind,
    /// The content.
    pub content: Content<'a>,
}

/// The content of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// The whole body.
    Body(&'a [u8]),
    /// A body of this length in bytes, which is too long for this program.
    Omitted(u16),
}

/// What an author did, for a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It joined the room.
    Joined,
    /// It left the room.
    Left,
    /// It was kicked, for this reason.
    Kicked(Option<String>),
    /// It has this name from now on.
    Renamed(String),
    /// It removed the text of the entry with this seq, if that is known.
    RemovedEntry(Option<u64>),
    /// It set this topic; `None`: it removed the topic.
    SetTopic(Option<String>),
    /// It sent this number of bytes, which are too many to display.
    SentTooMuch(u16),
    /// It sent a file with this name and of this size in bytes.
    SentFile(String, u64),
    /// It sent this number of bytes of data.
    SentData(usize),
    /// It sent this number of bytes of this unknown kind.
    SentUnknown(usize, u8),
}

/// Forms a sentence from an author and what it did.
pub type Describe = fn(&str, &Action) -> String;

/// Formats lines, with local time.
#[derive(Clone, Debug)]
pub struct LineFormatter {
    zone: TimeZone,
    describe: Describe,
    removed: String,
}

impl LineFormatter {
    /// Creates a formatter for the time zone of this computer, with English sentences.
    #[must_use]
    pub fn new() -> Self {
        Self::with_sentences(describe, "[removed]".to_owned())
    }

    /// Creates a formatter with these sentences, and these words in the place of a removed text.
    #[must_use]
    pub fn with_sentences(describe: Describe, removed: String) -> Self {
        Self { zone: TimeZone::system(), describe, removed }
    }

    /// Formats an entry, without a line end; all lines of a text but the first are indented.
    #[must_use]
    pub fn format(&self, line: &Line<'_>) -> String {
        let address = line.address.map(|address| format!(" ({address})")).unwrap_or_default();
        let author = clean_line(line.author) + &address;
        let sentence = |action: Action| (self.describe)(&author, &action);
        let text = match (line.kind, line.content) {
            (EntryKind::JOINED, _) => sentence(Action::Joined),
            (EntryKind::LEFT, _) => sentence(Action::Left),
            (EntryKind::KICKED, content) => {
                let reason = match content {
                    Content::Body(reason) if !reason.is_empty() => Some(clean_body(reason)),
                    _ => None,
                };
                format!("{OPERATOR_MARK}{}", sentence(Action::Kicked(reason)))
            }
            (EntryKind::RENAMED, Content::Body(name)) => sentence(Action::Renamed(clean_line_of(name))),
            (EntryKind::REMOVAL, Content::Body(body)) => sentence(Action::RemovedEntry(removed_seq(body))),
            (EntryKind::REMOVED, _) => format!("{author} {}", self.removed),
            (EntryKind::TOPIC, Content::Body(topic)) => {
                let topic = (!topic.is_empty()).then(|| clean_line_of(topic));
                format!("{OPERATOR_MARK}{}", sentence(Action::SetTopic(topic)))
            }
            (EntryKind::OPERATOR, Content::Body(body)) => format!("{OPERATOR_MARK}{author}: {}", clean_body(body)),
            (_, Content::Omitted(size)) => sentence(Action::SentTooMuch(size)),
            (EntryKind::ACTION, Content::Body(body)) => format!("* {author} {}", clean_body(body)),
            (kind, Content::Body(body)) if kind.is_text() => format!("{author}: {}", clean_body(body)),
            (EntryKind::FILE, Content::Body(body)) => match File::decode(body) {
                Ok(file) => sentence(Action::SentFile(clean_line(file.name()), file.size())),
                Err(_) => sentence(Action::SentUnknown(body.len(), line.kind.0)),
            },
            (EntryKind::DATA, Content::Body(body)) => sentence(Action::SentData(body.len())),
            (kind, Content::Body(body)) => sentence(Action::SentUnknown(body.len(), kind.0)),
        };
        format!("[{}] {text}", self.stamp(line.time_ms))
    }

    /// Formats a time as `YYYY-MM-DD HH:MM:SS`, local time; with `?` for digits after the year
    /// 9999.
    #[must_use]
    pub fn stamp(&self, time_ms: u64) -> String {
        let time = i64::try_from(time_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let Some(time) = time else { return "????-??-?? ??:??:??".to_owned() };
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// The sentences in English.
fn describe(author: &str, action: &Action) -> String {
    match action {
        Action::Joined => format!("{author} has joined the chat!"),
        Action::Left => format!("{author} has left the chat!"),
        Action::Kicked(None) => format!("{author} was kicked from the chat!"),
        Action::Kicked(Some(reason)) => format!("{author} was kicked from the chat: {reason}"),
        Action::Renamed(name) => format!("{author} is now known as {name}"),
        Action::RemovedEntry(Some(seq)) => format!("{author} removed message {seq}"),
        Action::RemovedEntry(None) => format!("{author} removed a message"),
        Action::SetTopic(None) => format!("{author} removed the topic"),
        Action::SetTopic(Some(topic)) => format!("{author} set the topic: {topic}"),
        Action::SentTooMuch(size) => format!("{author} sent {size} bytes, too many to display"),
        Action::SentFile(name, size) => format!("{author} sent a file: {name} ({})", size_text(*size)),
        Action::SentData(size) => format!("{author} sent {size} bytes of data"),
        Action::SentUnknown(size, kind) => format!("{author} sent {size} bytes of unknown kind {kind}"),
    }
}

impl Default for LineFormatter {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the seq of the entry that a removal (SPEC 6.4) is about, from its body.
#[must_use]
pub fn removed_seq(body: &[u8]) -> Option<u64> {
    body.try_into().ok().map(u64::from_be_bytes)
}

/// Formats a number of bytes, rounded down: `17 B`, `1.5 KiB`, `12 MiB`.
#[must_use]
pub fn size_text(bytes: u64) -> String {
    let mut tenths = u128::from(bytes) * 10;
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].into_iter();
    while tenths >= 10_240
        && let Some(_) = units.next()
    {
        tenths /= 1_024;
    }
    let unit = units.next().unwrap_or("EiB");
    match (tenths / 10, tenths % 10) {
        (whole @ 1..10, tenth) if unit != "B" => format!("{whole}.{tenth} {unit}"),
        (whole, _) => format!("{whole} {unit}"),
    }
}

/// Cleans text of other members for one line: removes characters that move the cursor, change
/// colours or the direction of writing; replaces tabs and line ends by spaces.
#[must_use]
pub fn clean_line(text: &str) -> String {
    text.chars().filter_map(|c| if matches!(c, '\n' | '\t') || is_line_end(c) { Some(' ') } else { shown(c) }).collect()
}

/// Cleans text of other members that may have several lines, and indents all but the first.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => clean.push(' '),
            c if c == '\n' || is_line_end(c) => {
                clean.push('\n');
                clean.push_str(CONTINUATION);
            }
            c => clean.extend(shown(c)),
        }
    }
    clean
}

fn clean_line_of(body: &[u8]) -> String {
    clean_line(&String::from_utf8_lossy(body))
}

fn clean_body(body: &[u8]) -> String {
    clean_text(&String::from_utf8_lossy(body))
}

/// NEXT LINE, LINE SEPARATOR and PARAGRAPH SEPARATOR; vertical tab and form feed, which end a line
/// on some terminals.
const fn is_line_end(c: char) -> bool {
    matches!(c, '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Returns `None` for control characters, characters that change the direction of writing (UAX 9),
/// and invisible annotations.
fn shown(c: char) -> Option<char> {
    let is_hidden = c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}');
    (!is_hidden).then_some(c)
}

/// Describes why a Join was refused.
#[must_use]
pub fn refusal(code: RefusedCode) -> String {
    let words = match code {
        RefusedCode::AUTHENTICATION => "wrong secret or password",
        RefusedCode::NAME_TAKEN => "the name is taken",
        RefusedCode::NAME_NOT_ALLOWED => "the name is not allowed",
        RefusedCode::UNKNOWN_ROOM => "there is no such room",
        RefusedCode::ROOM_FULL => "the room is full",
        RefusedCode::BANNED => "banned",
        RefusedCode::SIGNATURE => "the signature is not valid",
        RefusedCode::VERSION => "another version of the chat protocol",
        RefusedCode::TRY_LATER => "not possible at the moment; try again later",
        RefusedCode::INSTANCE => "this session belongs to another identity",
        RefusedCode(code) => return format!("unknown reason {code}"),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests;
