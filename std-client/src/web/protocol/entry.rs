//! Entries, as a page displays them.

use kabar_core::chat::{EntryKind, File};
use kabar_std::text::{Content, removed_seq};
use serde::Serialize;

use super::{Place, RoomKey};
use crate::web::picture;

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
    /// The file that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileInfo>,
    /// The entry whose text is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<u64>,
}

/// A file in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileInfo {
    /// Its name, as its author has written it.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// The root of its content.
    pub root: String,
    /// Its media type; empty: not known. A statement of its author.
    pub media_type: String,
    /// Whether its author calls it a picture that may be displayed. Whether it is one is decided by
    /// its content.
    pub is_picture: bool,
}

/// What the names of pictures end with.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "gif", "webp"];

/// Returns the file that an entry names.
#[must_use]
pub fn file_of(kind: EntryKind, content: Content<'_>) -> Option<FileInfo> {
    let Content::Body(body) = content else { return None };
    let file = File::decode(body).ok().filter(|_| kind == EntryKind::FILE)?;
    let extension = file.name().rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_called_picture = PICTURES.iter().any(|known| extension.eq_ignore_ascii_case(known));
    Some(FileInfo {
        name: file.name().to_owned(),
        size: file.size(),
        root: file.root().to_string(),
        media_type: file.media_type().to_owned(),
        is_picture: is_called_picture && (1..=picture::MAX_LEN).contains(&file.size()),
    })
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
    use kabar_core::content::{ROOT_LEN, Root};

    use super::*;

    #[test]
    fn file_is_called_a_picture_by_its_name_and_length() {
        let is_picture = |name: &str, size: u64| {
            let mut body = [0; kabar_core::chat::MAX_FILE_BODY_LEN];
            let file = File::new(name, size, Root([7; ROOT_LEN]), "image/png").unwrap();
            let len = file.encode(&mut body).unwrap();
            let found = file_of(EntryKind::FILE, Content::Body(&body[..len])).unwrap();
            assert_eq!((found.name.as_str(), found.size, found.root), (name, size, "07".repeat(32)));
            assert_eq!(file_of(EntryKind::DATA, Content::Body(&body[..len])), None);
            found.is_picture
        };
        assert!(is_picture("a.png", 1) && is_picture("b.x.JPEG", picture::MAX_LEN));
        assert!(!is_picture("a.png", 0) && !is_picture("a.png", picture::MAX_LEN + 1));
        assert!(!is_picture("a.svg", 1) && !is_picture("png", 1) && !is_picture("a.html", 1));
        assert_eq!(file_of(EntryKind::FILE, Content::Body(b"x")), None);
    }

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
