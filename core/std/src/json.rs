//! JSON output that the programs have in common.

use std::fmt::Write as _;

use data_encoding::BASE64;
use jiff::Timestamp;
use kabar_core::chat::EntryKind;
use serde::Serialize;

use crate::text::{Content, Line};

/// The place of an entry, for a history of several rooms.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The fingerprint of the server's key.
    pub server: &'a str,
    /// The room.
    pub room: &'a str,
    /// The number of the room's log: it grows with each reset.
    pub log: u64,
}

/// Serialises an entry of a history as one line, without its end: seq, time (RFC 3339), time_ms
/// (since 1970), author, kind, and text, base64 or, if the body is not stored, size.
#[must_use]
pub fn entry_line(origin: Option<Origin<'_>>, seq: u64, entry: &Line<'_>) -> String {
    #[derive(Serialize)]
    struct Object<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        server: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        room: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        log: Option<u64>,
        seq: u64,
        time: String,
        time_ms: u64,
        author: &'a str,
        kind: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        base64: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        size: Option<u16>,
    }
    let Line { time_ms, author, kind, content, .. } = *entry;
    let time = i64::try_from(time_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let (text, base64, size) = match content {
        Content::Body(body) if kind.is_text() => (Some(String::from_utf8_lossy(body).into_owned()), None, None),
        Content::Body([]) => (None, None, None),
        Content::Body(body) => (None, Some(BASE64.encode(body)), None),
        Content::Omitted(size) => (None, None, Some(size)),
    };
    line(&Object {
        server: origin.map(|origin| origin.server),
        room: origin.map(|origin| origin.room),
        log: origin.map(|origin| origin.log),
        seq,
        time: time.map_or_else(String::new, |time| format!("{time:.3}")),
        time_ms,
        author,
        kind: kind_name(kind),
        text,
        base64,
        size,
    })
}

/// Returns the name of a kind, or its number if it has none.
#[must_use]
pub fn kind_name(kind: EntryKind) -> String {
    let name = match kind {
        EntryKind::TEXT => "text",
        EntryKind::DATA => "data",
        EntryKind::FILE => "file",
        EntryKind::ACTION => "action",
        EntryKind::JOINED => "joined",
        EntryKind::LEFT => "left",
        EntryKind::KICKED => "kicked",
        EntryKind::OPERATOR => "operator",
        EntryKind::RENAMED => "renamed",
        EntryKind::REMOVAL => "removal",
        EntryKind::REMOVED => "removed",
        EntryKind::TOPIC => "topic",
        EntryKind(other) => return other.to_string(),
    };
    name.to_owned()
}

/// Serialises an object as one line, without its end. Characters that a terminal interprets are
/// escaped.
#[must_use]
pub fn line(object: &impl Serialize) -> String {
    let json = serde_json::to_string(object).unwrap_or_default();
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        // JSON itself escapes only characters below U+0020.
        if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_text_or_base64_or_a_size() {
        let line = |kind, content| Line { time_ms: 1_730_457_430_120, author: "anna", address: None, kind, content };
        let entry = |kind, content| entry_line(None, 7, &line(kind, content));
        let head = r#"{"seq":7,"time":"2024-11-01T10:37:10.120Z","time_ms":1730457430120,"author":"anna","kind":"#;
        let text = Content::Body(b"a\n\"b\"");
        assert_eq!(entry(EntryKind::TEXT, text), format!(r#"{head}"text","text":"a\n\"b\""}}"#));
        assert_eq!(entry(EntryKind::DATA, Content::Body(&[1, 0xff])), format!(r#"{head}"data","base64":"Af8="}}"#));
        assert_eq!(entry(EntryKind::JOINED, Content::Body(b"")), format!(r#"{head}"joined"}}"#));
        assert_eq!(entry(EntryKind::TEXT, Content::Omitted(5000)), format!(r#"{head}"text","size":5000}}"#));
        let origin = Origin { server: "KEY", room: "lobby", log: 2 };
        let placed = entry_line(Some(origin), 7, &line(EntryKind::JOINED, Content::Body(b"")));
        assert!(placed.starts_with(r#"{"server":"KEY","room":"lobby","log":2,"seq":7,"#), "{placed}");
    }
}
