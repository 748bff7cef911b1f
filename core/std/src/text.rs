//! Formats entries as lines, for the server's console and the client, and removes what must not be
//! displayed.
//!
//! ```text
//! [2024-11-01 10:37:10] Farhan: haloooo
//!     a second line of the same text is indented, so that no text looks like two entries
//! [2024-11-01 10:37:10] Farhan has joined the chat!
//! ```

use std::net::SocketAddr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kabar_core::chat::{EntryKind, RefusedCode};

/// Prefix of all lines of a text but the first.
pub const CONTINUATION: &str = "    ";

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

/// Formats lines, with local time.
#[derive(Clone, Debug)]
pub struct LineFormatter {
    zone: TimeZone,
}

impl LineFormatter {
    /// Creates a formatter for the time zone of this computer.
    #[must_use]
    pub fn new() -> Self {
        Self { zone: TimeZone::system() }
    }

    /// Formats an entry, without a line end; all lines of a text but the first are indented.
    #[must_use]
    pub fn format(&self, line: &Line<'_>) -> String {
        let (time, author) = (self.stamp(line.time_ms), clean_line(line.author));
        let address = line.address.map(|address| format!(" ({address})")).unwrap_or_default();
        match (line.kind, line.content) {
            (EntryKind::JOINED, _) => format!("[{time}] {author}{address} has joined the chat!"),
            (EntryKind::LEFT, _) => format!("[{time}] {author}{address} has left the chat!"),
            (EntryKind::KICKED, _) => format!("[{time}] {author}{address} was kicked from the chat!"),
            (_, Content::Omitted(size)) => {
                format!("[{time}] {author}{address} sent {size} bytes, too many to display")
            }
            (EntryKind::ACTION, Content::Body(body)) => format!("[{time}] * {author}{address} {}", clean_body(body)),
            (kind, Content::Body(body)) if kind.is_text() => {
                format!("[{time}] {author}{address}: {}", clean_body(body))
            }
            (EntryKind::DATA, Content::Body(body)) => {
                format!("[{time}] {author}{address} sent {} bytes of data", body.len())
            }
            (kind, Content::Body(body)) => {
                format!("[{time}] {author}{address} sent {} bytes of unknown kind {}", body.len(), kind.0)
            }
        }
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

impl Default for LineFormatter {
    fn default() -> Self {
        Self::new()
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TIME_MS: u64 = 1_730_457_430_123;

    fn show(kind: EntryKind, body: &[u8], address: Option<SocketAddr>) -> String {
        let lines = LineFormatter { zone: TimeZone::UTC };
        lines.format(&Line { time_ms: TIME_MS, author: "Farhan", address, kind, content: Content::Body(body) })
    }

    #[test]
    fn formats_each_kind_of_entry() {
        assert_eq!(show(EntryKind::TEXT, b"haloooo", None), "[2024-11-01 10:37:10] Farhan: haloooo");
        assert_eq!(show(EntryKind::JOINED, b"", None), "[2024-11-01 10:37:10] Farhan has joined the chat!");
        assert_eq!(show(EntryKind::LEFT, b"", None), "[2024-11-01 10:37:10] Farhan has left the chat!");
        assert_eq!(show(EntryKind::ACTION, b"waves", None), "[2024-11-01 10:37:10] * Farhan waves");
        let address = Some("192.168.0.7:4711".parse().unwrap());
        assert_eq!(show(EntryKind::TEXT, b"a: b", address), "[2024-11-01 10:37:10] Farhan (192.168.0.7:4711): a: b");
    }

    #[test]
    fn displays_no_other_content_as_text() {
        assert_eq!(show(EntryKind::DATA, b"\x1b[2J", None), "[2024-11-01 10:37:10] Farhan sent 4 bytes of data");
        assert_eq!(show(EntryKind(200), b"\n", None), "[2024-11-01 10:37:10] Farhan sent 1 bytes of unknown kind 200");
        let lines = LineFormatter { zone: TimeZone::UTC };
        let line = Line {
            time_ms: u64::MAX,
            author: "a\nb",
            address: None,
            kind: EntryKind::TEXT,
            content: Content::Omitted(9),
        };
        assert_eq!(lines.format(&line), "[????-??-?? ??:??:??] a b sent 9 bytes, too many to display");
    }

    #[test]
    fn displays_local_time() {
        let lines = LineFormatter { zone: TimeZone::fixed(jiff::tz::offset(7)) };
        assert_eq!(lines.stamp(TIME_MS), "2024-11-01 17:37:10");
    }

    #[test]
    fn formats_every_time_of_a_server() {
        let last = 253_402_207_200_000;
        for zone in [TimeZone::UTC, TimeZone::fixed(jiff::tz::offset(25)), TimeZone::fixed(jiff::tz::offset(-25))] {
            let lines = LineFormatter { zone };
            for time_ms in [0, 1, (1 << 31) * 1_000, (1 << 32) * 1_000, last - 1_000, last] {
                assert!(!lines.stamp(time_ms).contains('?'), "{time_ms}");
            }
            for time_ms in [last + 1_000, i64::MAX as u64, 1 << 63, u64::MAX] {
                assert_eq!(lines.stamp(time_ms), "????-??-?? ??:??:??");
            }
        }
        let utc = LineFormatter { zone: TimeZone::UTC };
        assert_eq!(utc.stamp((1 << 31) * 1_000), "2038-01-19 03:14:08");
        assert_eq!(utc.stamp(last), "9999-12-30 22:00:00");
    }

    #[test]
    fn text_cannot_forge_a_line() {
        for end in ["\n", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}"] {
            let shown = show(EntryKind::TEXT, format!("hi{end}[2024-11-01 10:37:11] Darryl: I agree").as_bytes(), None);
            assert_eq!(shown, "[2024-11-01 10:37:10] Farhan: hi\n    [2024-11-01 10:37:11] Darryl: I agree");
        }
        assert_eq!(
            show(EntryKind::TEXT, b"hi\r[2024] Darryl: ho", None),
            "[2024-11-01 10:37:10] Farhan: hi[2024] Darryl: ho"
        );
    }

    #[test]
    fn text_cannot_control_the_terminal() {
        assert_eq!(clean_text("\x1b[31mred\x07 \u{9b}2J\u{202e}abc\u{2066}x\u{200f}y\u{7f}\0"), "[31mred 2Jabcxy");
        assert_eq!(clean_line("a\tb\nc\u{2028}d"), "a b c d");
    }

    #[test]
    fn keeps_text_of_all_languages() {
        for text in [
            "s\u{e9}lamat",
            "\u{645}\u{631}\u{62d}\u{628}\u{627}",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "e\u{301}",
            "\u{d55c}\u{ae00}",
        ] {
            assert_eq!(clean_text(text), text);
            assert_eq!(clean_line(text), text);
        }
    }

    proptest! {
        #[test]
        fn output_has_no_control_character(text in any::<String>()) {
            prop_assert!(!clean_line(&text).contains(char::is_control));
            let shown = clean_text(&text);
            prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
            prop_assert!(shown.lines().skip(1).all(|line| line.starts_with(CONTINUATION)));
        }
    }
}
