//! What is the same in all JSON that Kabar's programs write.

use std::fmt::Write as _;

use kabar_core::chat::EntryKind;
use serde::Serialize;

/// What a kind is called; one without a name by its number.
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
        EntryKind(other) => return other.to_string(),
    };
    name.to_owned()
}

/// One object as one line, without its end. ASCII only where a terminal might take a character for a command.
#[must_use]
pub fn line(object: &impl Serialize) -> String {
    let json = serde_json::to_string(object).unwrap_or_default();
    let mut line = String::with_capacity(json.len());
    for c in json.chars() {
        // Those below U+0020 are escaped already; JSON takes the rest as it is, a terminal would not.
        if c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            let _ = write!(line, "\\u{:04x}", u32::from(c));
        } else {
            line.push(c);
        }
    }
    line
}
