//! The messages of a page.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Place, RoomKey, ServerKey, TransferKey};

/// A message of a page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromPage {
    /// A line was typed: a text or a command.
    Input {
        /// The room that is displayed.
        room: Option<RoomKey>,
        /// The line.
        text: String,
    },
    /// Part of the history is needed. [`ToPage::Page`](super::ToPage::Page) answers.
    Page {
        /// The room.
        room: RoomKey,
        /// The part.
        part: Part,
        /// Returned in the answer.
        tag: u32,
    },
    /// The members of a room are displayed. [`ToPage::Members`](super::ToPage::Members) answers,
    /// and [`ToPage::Member`](super::ToPage::Member) reports changes.
    Members {
        /// The room.
        room: RoomKey,
    },
    /// Texts are searched. [`ToPage::Found`](super::ToPage::Found) answers.
    Search {
        /// Only in this room; otherwise in all.
        room: Option<RoomKey>,
        /// The words.
        text: String,
        /// Returned in the answer.
        tag: u32,
    },
    /// Entries up to this one were displayed.
    Read {
        /// The room.
        room: RoomKey,
        /// The last one.
        place: Place,
    },
    /// A text was typed and not sent.
    Draft {
        /// The room.
        room: RoomKey,
        /// The text; empty: there is none.
        text: String,
    },
    /// The answer to [`Question::Key`](super::Question::Key).
    AnswerKey {
        /// The server.
        server: ServerKey,
        /// Whether the key is accepted.
        accept: bool,
    },
    /// The answer to [`Question::Password`](super::Question::Password).
    Password {
        /// The server.
        server: ServerKey,
        /// The password; `None`: there is none.
        password: Option<Password>,
    },
    /// The rooms of a server are displayed. [`ToPage::RoomList`](super::ToPage::RoomList) answers.
    ListRooms {
        /// The server.
        server: ServerKey,
    },
    /// The content of a file is to be in the cache. [`ToPage::Content`](super::ToPage::Content)
    /// answers, but for a picture that is not displayed.
    Fetch {
        /// The room.
        room: RoomKey,
        /// The entry that names the file.
        place: Place,
        /// Whether it is to be displayed; otherwise it is to be saved.
        is_picture: bool,
    },
    /// A transfer is cancelled.
    Cancel {
        /// The transfer.
        transfer: TransferKey,
    },
    /// Transfers that have ended are no longer displayed.
    ForgetTransfers,
}

/// A password. Not displayed by `Debug`, and wiped.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Password(Zeroizing<String>);

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Password {
    /// Returns the text.
    #[must_use]
    pub fn into_text(self) -> Zeroizing<String> {
        self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// A part of the history of a room: at most [`MAX_PAGE`](super::MAX_PAGE) entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The last entries.
    Newest,
    /// Those before this place.
    Before(Place),
    /// Those after this place.
    After(Place),
    /// Those around this place.
    Around(Place),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{RoomId, ServerId};

    #[test]
    fn messages_with_unknown_parts_are_refused() {
        let parse = serde_json::from_str::<FromPage>;
        let part = Part::Before(Place { log: 1, seq: 7 });
        let room = RoomKey(RoomId { server: ServerId(0), index: 1 });
        let text = r#"{"type":"page","room":"0.1","tag":5,"part":{"before":{"log":1,"seq":7}}}"#;
        assert_eq!(parse(text).unwrap(), FromPage::Page { room, part, tag: 5 });
        for wrong in [
            r#"{"type":"stop"}"#,
            r#"{"type":"list_rooms","server":0,"more":1}"#,
            r#"{"type":"list_rooms","server":-1}"#,
            r#"{"type":"page","room":"0.1","tag":5,"part":"oldest"}"#,
            r#"{"type":"input","text":7}"#,
            "[]",
            "",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn passwords_are_not_displayed() {
        let message = r#"{"type":"password","server":0,"password":"swordfish"}"#;
        let message: FromPage = serde_json::from_str(message).unwrap();
        assert!(!format!("{message:?}").contains("swordfish"));
    }
}
