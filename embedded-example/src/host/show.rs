//! An entry as a line. Text from others loses what could move the cursor or turn the line round.

use std::format;
use std::string::String;

use kabar_core::chat::{EntryHeader, EntryKind};

/// `[10:37:10] farhan: hello`; the time is UTC, for a device knows no other.
#[must_use]
pub fn entry(header: &EntryHeader<'_>, body: &[u8]) -> String {
    let seconds = header.time_ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let (author, said) = (text(header.author.as_bytes()), text(body));
    let line = match header.kind {
        EntryKind::TEXT | EntryKind::OPERATOR => format!("{author}: {said}"),
        EntryKind::ACTION => format!("* {author} {said}"),
        EntryKind::JOINED => format!("{author} has joined the chat!"),
        EntryKind::LEFT => format!("{author} has left the chat!"),
        EntryKind::KICKED => format!("{author} was put out."),
        _ => format!("{author}: {} bytes of data", body.len()),
    };
    format!("[{hours:02}:{minutes:02}:{seconds:02}] {line}")
}

/// Without control and bidirectional characters; what follows a line break is indented, so that nobody forges a line.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for character in String::from_utf8_lossy(bytes).chars() {
        match character {
            '\n' => shown.push_str("\n    "),
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            character if character.is_control() => {}
            character => shown.push(character),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: EntryKind) -> EntryHeader<'static> {
        EntryHeader { seq: 7, time_ms: 1_730_457_430_999, author: "Farhan", instance: 1, number: 1, kind }
    }

    #[test]
    fn shows_each_kind_with_its_time() {
        assert_eq!(entry(&header(EntryKind::TEXT), b"haloooo"), "[10:37:10] Farhan: haloooo");
        assert_eq!(entry(&header(EntryKind::JOINED), b""), "[10:37:10] Farhan has joined the chat!");
        assert_eq!(entry(&header(EntryKind::DATA), &[0, 1, 2]), "[10:37:10] Farhan: 3 bytes of data");
    }

    #[test]
    fn shows_no_character_that_moves_the_cursor_or_turns_the_line() {
        let hostile = "a\u{1b}[2Jb\r\nserver: c\u{202e}d\u{9b}e\u{2028}f\u{7}";
        assert_eq!(text(hostile.as_bytes()), "a[2Jb\n    server: cdef");
        assert_eq!(text(b"\xff"), "\u{fffd}");
    }
}
