//! JSON output that the programs have in common.

use std::fmt::Write as _;

use kabar_core::chat::EntryKind;
use serde::Serialize;

/// Returns the name of a kind, or its number if it has none.
#[must_use]
pub fn kind_name(kind: EntryKind) -> String {
    let name = match kind {
        EntryKind::TEXT => "text",
        EntryKind::DATA => "data",
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
