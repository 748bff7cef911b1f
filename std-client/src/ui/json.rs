//! What `--json` writes: one object per line on standard output. The names never change their meaning; new ones may come.

use data_encoding::{BASE64, HEXLOWER};
use kabar_core::chat::{EntryHeader, Term};
use kabar_std::json;
use kabar_std::text::Content;
use serde::Serialize;

/// The end of `--help` that says what they mean.
pub const HELP: &str = "\
Objects of --json, one per line, each with a \"type\":
  hosting    invite, address: the room runs (kabar host)
  joined     room, name, members, start, head, term, resumed: entries above `start` follow
  entry      seq, time_ms, author, kind, own, and text, or base64 (data), or size of what was too large
             kind: text, action, data, joined, left, kicked, operator, or a number
  past, who  answers to /history (as entry) and /who (names)
  stored     number, seq: your lines up to this number (1, 2, 3, ...) are in the room for good; seq 0: where is not known
  refused    number, reason: this line never will be
  reset      the history is not the one known: it was reset to an older state, delivery starts again
  gap        after, first: what lies between is no longer kept
  lost       reason: the room cannot be reached, it is tried again
  back       seconds, resumed, restarted: it can be reached again; restarted: the server was meanwhile
  notice     text
  left       exit, unsent, reason: the end
A reader that remembers the last `seq` goes on behind it with --since SEQ.";

/// One thing that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Object<'a> {
    /// A room runs in this process.
    Hosting {
        /// What lets others in.
        invite: String,
        /// Where it listens.
        address: String,
    },
    /// In the room.
    Joined {
        /// Which.
        room: &'a str,
        /// As whom.
        name: &'a str,
        /// How many are there.
        members: u16,
        /// Entries above this come.
        start: u64,
        /// The last entry now.
        head: u64,
        /// The server's run.
        term: String,
        /// Whether it goes on where it was left.
        resumed: bool,
    },
    /// An entry of the room's log.
    Entry(Entry<'a>),
    /// An answer about the past.
    Past(Entry<'a>),
    /// Who is there.
    Who {
        /// Their names.
        names: &'a [String],
    },
    /// Posts are stored.
    Stored {
        /// Up to this one.
        number: u64,
        /// Its place.
        seq: u64,
    },
    /// A post is refused.
    Refused {
        /// Which; `None`: it was not even sent.
        number: Option<u64>,
        /// Why.
        reason: &'a str,
    },
    /// Another history than the one known.
    Reset,
    /// Entries that are no longer kept.
    Gap {
        /// The last one delivered.
        after: u64,
        /// The next one that is.
        first: u64,
    },
    /// The room is out of reach.
    Lost {
        /// Why.
        reason: &'a str,
    },
    /// It is in reach again.
    Back {
        /// After so long.
        seconds: u64,
        /// Whether nothing was missed.
        resumed: bool,
        /// Whether it is another run of the server.
        restarted: bool,
    },
    /// For people.
    Notice {
        /// The words.
        text: &'a str,
    },
    /// The end.
    Left {
        /// The exit code.
        exit: u8,
        /// Lines that are not in the room.
        unsent: u64,
        /// In words, if there are any.
        reason: Option<&'a str>,
    },
}

/// An entry.
#[derive(Clone, Debug, Serialize)]
pub struct Entry<'a> {
    seq: u64,
    time_ms: u64,
    author: &'a str,
    kind: String,
    own: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u16>,
}

impl<'a> Entry<'a> {
    /// The entry of this header.
    #[must_use]
    pub fn new(header: &EntryHeader<'a>, content: Content<'_>, own: bool) -> Self {
        let kind = json::kind_name(header.kind);
        let (text, base64, size) = match content {
            Content::Body(body) if header.kind.is_text() => {
                (Some(String::from_utf8_lossy(body).into_owned()), None, None)
            }
            Content::Body(&[]) => (None, None, None),
            Content::Body(body) => (None, Some(BASE64.encode(body)), None),
            Content::Omitted(size) => (None, None, Some(size)),
        };
        Self { seq: header.seq, time_ms: header.time_ms, author: header.author, kind, own, text, base64, size }
    }
}

impl Object<'_> {
    /// The line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        json::line(self)
    }
}

/// A run of a server, as objects name it.
#[must_use]
pub fn term(term: Term) -> String {
    HEXLOWER.encode(&term.0)
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::EntryKind;

    use super::*;

    fn header(kind: EntryKind) -> EntryHeader<'static> {
        EntryHeader { seq: 7, time_ms: 9, author: "anna", instance: 1, number: 2, kind }
    }

    #[test]
    fn entries_carry_seq_and_what_was_said() {
        let line = |kind, content| Object::Entry(Entry::new(&header(kind), content, true)).line();
        let all = r#"{"type":"entry","seq":7,"time_ms":9,"author":"anna","kind":"#;
        assert_eq!(
            line(EntryKind::TEXT, Content::Body(b"a\n\"b\"")),
            format!("{all}\"text\",\"own\":true,\"text\":\"a\\n\\\"b\\\"\"}}")
        );
        assert_eq!(
            line(EntryKind::DATA, Content::Body(&[1, 0xff])),
            format!("{all}\"data\",\"own\":true,\"base64\":\"Af8=\"}}")
        );
        assert_eq!(line(EntryKind::JOINED, Content::Body(b"")), format!("{all}\"joined\",\"own\":true}}"));
        assert_eq!(line(EntryKind::TEXT, Content::Omitted(9)), format!("{all}\"text\",\"own\":true,\"size\":9}}"));
        assert_eq!(line(EntryKind(77), Content::Body(b"")), format!("{all}\"77\",\"own\":true}}"));
    }

    #[test]
    fn nothing_in_a_line_steers_a_terminal_and_all_of_it_comes_back() {
        let text = "\x1b[2J\u{9b}2J\u{202e}\u{7f}\u{2028}\u{e9}\u{1f44b}";
        let line = Object::Notice { text }.line();
        assert!(!line.contains(char::is_control) && !line.contains('\u{202e}') && line.contains('\u{1f44b}'), "{line}");
        let back: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(back["text"], text);
    }

    #[test]
    fn every_type_is_in_the_help() {
        let who = [String::new()];
        let entry = Entry::new(&header(EntryKind::TEXT), Content::Body(b""), false);
        let all = [
            Object::Hosting { invite: String::new(), address: String::new() },
            Object::Joined {
                room: "",
                name: "",
                members: 0,
                start: 0,
                head: 0,
                term: term(Term([0; 8])),
                resumed: true,
            },
            Object::Entry(entry.clone()),
            Object::Past(entry),
            Object::Who { names: &who },
            Object::Stored { number: 1, seq: 1 },
            Object::Refused { number: None, reason: "" },
            Object::Reset,
            Object::Gap { after: 1, first: 3 },
            Object::Lost { reason: "" },
            Object::Back { seconds: 1, resumed: true, restarted: false },
            Object::Notice { text: "" },
            Object::Left { exit: 0, unsent: 0, reason: None },
        ];
        for object in all {
            let value: serde_json::Value = serde_json::from_str(&object.line()).unwrap();
            let name = value["type"].as_str().unwrap().to_owned();
            assert!(
                HELP.lines().any(|line| line.trim_start().starts_with(&name) || line.contains(&format!(", {name} "))),
                "{name}"
            );
        }
    }
}
