//! The commands `room` and `topic`: how they are written, and how rooms are shown to an operator.
//! Shared by the console, `kabar-server ctl`, `kabar-server room` and clients.

use kabar_core::chat::MAX_TOPIC_LEN;
use kabar_std::invite::RoomName;
use kabar_std::text::clean_line;

use crate::hub::{RoomChange, RoomInfo, Unit};
use crate::store::{Retention, RoomRecord, Visibility};
use crate::units;

/// The arguments of `room`, as the help shows them.
pub const ARGUMENTS: &str = " [NAME | list | add NAME [private] [TOPIC] | set NAME topic|open|private|keep-age|keep-entries|keep-bytes [VALUE] \
     | close NAME]";

/// Restores the server's own setting.
const DEFAULT: &str = "default";
/// Ends a bound.
const OFF: &str = "off";

/// What is to be done with rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomCommand {
    /// List all rooms.
    List,
    /// Create a room, or open a closed one again.
    Add {
        /// Its name.
        name: RoomName,
        /// Who may join.
        visibility: Visibility,
        /// Its topic.
        topic: String,
    },
    /// Change a room.
    Set {
        /// Its name.
        name: RoomName,
        /// What to change.
        change: RoomChange,
    },
    /// Close a room.
    Close {
        /// Its name.
        name: RoomName,
    },
}

impl RoomCommand {
    /// Parses the words after `room`; `None`: they are not valid, or name a room only.
    #[must_use]
    pub fn parse(arguments: &str) -> Option<Self> {
        let (word, rest) = split_word(arguments);
        match word {
            "list" if rest.is_empty() => Some(Self::List),
            "add" => {
                let (name, rest) = split_word(rest);
                let name = name.parse().ok()?;
                let (visibility, topic) = match split_word(rest) {
                    ("private", topic) => (Visibility::Private, topic),
                    _ => (Visibility::Open, rest),
                };
                is_topic(topic).then(|| Self::Add { name, visibility, topic: topic.to_owned() })
            }
            "set" => {
                let (name, rest) = split_word(rest);
                let (property, value) = split_word(rest);
                let change = match property {
                    "topic" if is_topic(value) => RoomChange::Topic(value.to_owned()),
                    "open" if value.is_empty() => RoomChange::Visibility(Visibility::Open),
                    "private" if value.is_empty() => RoomChange::Visibility(Visibility::Private),
                    "keep-age" => RoomChange::KeepAge(parse_bound(Unit::Time, value)?.map(|micros| micros / 1_000)),
                    "keep-entries" => RoomChange::KeepEntries(parse_bound(Unit::Count, value)?),
                    "keep-bytes" => RoomChange::KeepBytes(parse_bound(Unit::Bytes, value)?),
                    _ => return None,
                };
                Some(Self::Set { name: name.parse().ok()?, change })
            }
            "close" => Some(Self::Close { name: rest.parse().ok()? }),
            _ => None,
        }
    }

    /// Whether a word begins a command, and is not the name of a room.
    #[must_use]
    pub fn is_word(arguments: &str) -> bool {
        matches!(split_word(arguments).0, "list" | "add" | "set" | "close" | "open")
    }
}

fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// Whether a text is short enough for a topic.
#[must_use]
pub fn is_topic(text: &str) -> bool {
    text.len() <= MAX_TOPIC_LEN
}

/// Parses a bound: a value, `off`, or `default`.
#[expect(clippy::option_option, reason = "the outer one: it is valid; the inner one: there is one")]
fn parse_bound(unit: Unit, text: &str) -> Option<Option<u64>> {
    match text {
        DEFAULT => Some(None),
        OFF => Some(Some(0)),
        _ => units::parse(unit, text).map(Some),
    }
}

/// Describes a room in one line.
#[must_use]
pub fn describe_room(info: &RoomInfo) -> String {
    let RoomInfo { record, first, head, members } = info;
    let what = match record {
        RoomRecord { is_closed: true, .. } => "closed",
        RoomRecord { visibility: Visibility::Private, .. } => "private",
        RoomRecord { visibility: Visibility::Open, .. } => "open",
    };
    let here = if *members > 0 { format!(", {members} here") } else { String::new() };
    let entries = head + 1 - first;
    let noun = if entries == 1 { "entry" } else { "entries" };
    let Retention { age_ms, entries: kept, bytes } = record.retention;
    let bound = |name: &str, unit, raw: Option<u64>| {
        let value = raw.map(|raw| if raw == 0 { OFF.to_owned() } else { units::format(unit, raw) });
        value.map_or_else(String::new, |value| format!(", {name} {value}"))
    };
    let age = bound("keep-age", Unit::Time, age_ms.map(|ms| ms.saturating_mul(1_000)));
    let bounds = [age, bound("keep-entries", Unit::Count, kept), bound("keep-bytes", Unit::Bytes, bytes)].concat();
    let topic = if record.topic.is_empty() { String::new() } else { format!(": {}", clean_line(&record.topic)) };
    format!("{} ({what}{here}, {entries} {noun}{bounds}){topic}", record.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_after_room_are_a_command_or_a_name() {
        let name = |name: &str| name.parse().expect("a name");
        let add = |visibility, topic: &str| RoomCommand::Add { name: name("attic"), visibility, topic: topic.into() };
        assert_eq!(RoomCommand::parse("list"), Some(RoomCommand::List));
        assert_eq!(RoomCommand::parse("add attic"), Some(add(Visibility::Open, "")));
        assert_eq!(RoomCommand::parse(" add  attic  old things "), Some(add(Visibility::Open, "old things")));
        assert_eq!(RoomCommand::parse("add attic private old"), Some(add(Visibility::Private, "old")));
        assert_eq!(RoomCommand::parse("close attic"), Some(RoomCommand::Close { name: name("attic") }));
        let set = |text: &str| match RoomCommand::parse(&format!("set attic {text}")) {
            Some(RoomCommand::Set { change, .. }) => Some(change),
            _ => None,
        };
        assert_eq!(
            (set("topic a b"), set("topic")),
            (Some(RoomChange::Topic("a b".into())), Some(RoomChange::Topic("".into())))
        );
        assert_eq!(set("private"), Some(RoomChange::Visibility(Visibility::Private)));
        assert_eq!(
            (set("keep-age 30d"), set("keep-age off")),
            (Some(RoomChange::KeepAge(Some(30 * 86_400_000))), Some(RoomChange::KeepAge(Some(0))))
        );
        assert_eq!(
            (set("keep-entries default"), set("keep-bytes 1MiB")),
            (Some(RoomChange::KeepEntries(None)), Some(RoomChange::KeepBytes(Some(1 << 20))))
        );
        for wrong in ["keep-age", "keep-age soon", "open now", "nothing", ""] {
            assert_eq!(set(wrong), None, "{wrong}");
        }
        for wrong in ["list all", "add", "add not/a/name", "close", "close a b", "attic", ""] {
            assert_eq!(RoomCommand::parse(wrong), None, "{wrong}");
        }
        assert_eq!(RoomCommand::parse(&format!("add attic {}", "x".repeat(201))), None);
        assert!(RoomCommand::is_word("add") && !RoomCommand::is_word("attic"));
    }

    #[test]
    fn a_room_is_described_in_one_line() {
        let retention = Retention { age_ms: Some(86_400_000), entries: Some(0), bytes: None };
        let record = RoomRecord {
            topic: "old\x1b[2J".into(),
            visibility: Visibility::Private,
            retention,
            ..RoomRecord::named("attic")
        };
        let info = RoomInfo { record, first: 3, head: 7, members: 2 };
        let line = describe_room(&info);
        assert!(line.starts_with("attic (private, 2 here, 5 entries, keep-age 1d, keep-entries off): old"), "{line}");
        assert!(!line.contains('\x1b'));
        let record = RoomRecord { is_closed: true, ..RoomRecord::named("attic") };
        let closed = RoomInfo { record, first: 1, head: 0, members: 0 };
        assert_eq!(describe_room(&closed), "attic (closed, 0 entries)");
    }
}
