//! An entry as a line. Control and bidirectional characters in texts from others are removed.

use std::format;
use std::string::String;

use kabar_core::chat::{EntryHeader, EntryKind};

/// `[10:37:10] farhan: hello`; the time is UTC: a device knows no time zone.
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
        EntryKind::KICKED => format!("{author} was kicked from the chat!"),
        EntryKind::RENAMED => format!("{author} is now known as {said}"),
        EntryKind::REMOVED => format!("{author}: [removed]"),
        EntryKind::REMOVAL => format!("{author} removed a message"),
        EntryKind::TOPIC => format!("{author} set the topic: {said}"),
        _ => format!("{author}: {} bytes of data", body.len()),
    };
    format!("[{hours:02}:{minutes:02}:{seconds:02}] {line}")
}

/// Text without control and bidirectional characters. Further lines are indented, so that no text
/// looks like another entry.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    kabar_std::text::clean_text(&String::from_utf8_lossy(bytes))
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
    fn removes_characters_that_move_the_cursor_or_change_the_direction() {
        let hostile = "a\u{1b}[2Jb\r\nserver: c\u{202e}d\u{9b}e\u{2028}f\u{7}";
        assert_eq!(text(hostile.as_bytes()), "a[2Jb\n    server: cde\n    f");
        assert_eq!(text(b"\xff"), "\u{fffd}");
    }
}
