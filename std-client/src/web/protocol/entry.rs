//! Entries, as a page displays them.

use kabar_core::chat::EntryKind;
use kabar_std::text::{Content, removed_seq};
use serde::Serialize;

use super::{Place, RoomKey};

/// An entry. The names of its fields and kinds are those of `--json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its place.
    #[serde(flatten)]
    pub place: Place,
    /// When it was stored, in ms since 1970.
    pub time_ms: u64,
    /// The author.
    pub author: String,
    /// The kind.
    pub kind: String,
    /// Whether it is the user's own.
    pub own: bool,
    /// Whether it mentions the user.
    pub mention: bool,
    /// Whether the user does not want to see it.
    pub hidden: bool,
    /// Whether it was in the log when the room was joined.
    pub replayed: bool,
    /// The text, topic or reason; or the new name of a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Bytes of a body that is not displayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// The entry whose text is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

/// The content of an [`Entry`]: text, size, and the entry that it removes.
#[must_use]
pub fn content_of(kind: EntryKind, content: Content<'_>) -> (Option<String>, Option<usize>, Option<u64>) {
    let is_shown = kind.is_text() || [EntryKind::TOPIC, EntryKind::KICKED, EntryKind::RENAMED].contains(&kind);
    match content {
        Content::Body(body) if is_shown => (Some(String::from_utf8_lossy(body).into_owned()), None, None),
        Content::Body(body) if kind == EntryKind::REMOVAL => (None, None, removed_seq(body)),
        Content::Body([]) => (None, None, None),
        Content::Body(body) => (None, Some(body.len()), None),
        Content::Omitted(size) => (None, Some(size.into()), None),
    }
}

/// A text that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Hit {
    /// The room, if the user is in it.
    pub room: Option<RoomKey>,
    /// The name of the room.
    pub name: String,
    /// The entry.
    pub entry: Entry,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_text_or_sizes() {
        let content = |kind, body: &[u8]| content_of(kind, Content::Body(body));
        assert_eq!(content(EntryKind::TEXT, b"<b>\xff"), (Some("<b>\u{fffd}".to_owned()), None, None));
        assert_eq!(content(EntryKind::REMOVAL, &9_u64.to_be_bytes()), (None, None, Some(9)));
        assert_eq!(content(EntryKind::DATA, b"abc"), (None, Some(3), None));
        assert_eq!(content(EntryKind::JOINED, b""), (None, None, None));
        assert_eq!(content_of(EntryKind::TEXT, Content::Omitted(9_000)), (None, Some(9_000), None));
    }
}
