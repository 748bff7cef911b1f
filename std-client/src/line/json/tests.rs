use kabar_core::chat::EntryKind;

use super::*;
use crate::engine::{RoomId, ServerId};

fn entry(kind: EntryKind, content: EntryContent) -> event::Entry {
    event::Entry {
        room: RoomId { server: ServerId(0), index: 0 },
        seq: 7,
        time_ms: 9,
        author: "anna".to_owned(),
        instance: 1,
        number: 2,
        kind,
        content,
        is_own: true,
        is_replayed: false,
        is_hidden: false,
        is_mention: false,
        position: None,
    }
}

#[test]
fn entry_has_seq_and_content() {
    let line = |kind, content| Object::Entry(Entry::new("lobby", &entry(kind, content))).line();
    let all = r#"{"type":"entry","room":"lobby","seq":7,"time_ms":9,"author":"anna","kind":"#;
    assert_eq!(
        line(EntryKind::TEXT, EntryContent::Body(b"a\n\"b\"".to_vec())),
        format!("{all}\"text\",\"own\":true,\"text\":\"a\\n\\\"b\\\"\"}}")
    );
    assert_eq!(
        line(EntryKind::DATA, EntryContent::Body(vec![1, 0xff])),
        format!("{all}\"data\",\"own\":true,\"base64\":\"Af8=\"}}")
    );
    assert_eq!(line(EntryKind::JOINED, EntryContent::Body(b"".to_vec())), format!("{all}\"joined\",\"own\":true}}"));
    assert_eq!(line(EntryKind::TEXT, EntryContent::Omitted(9)), format!("{all}\"text\",\"own\":true,\"size\":9}}"));
    let kicked = line(EntryKind::KICKED, EntryContent::Body(b"spam".to_vec()));
    assert_eq!(kicked, format!("{all}\"kicked\",\"own\":true,\"text\":\"spam\"}}"));
    assert_eq!(line(EntryKind::KICKED, EntryContent::Body(b"".to_vec())), format!("{all}\"kicked\",\"own\":true}}"));
    assert_eq!(
        line(EntryKind::TOPIC, EntryContent::Body(b"".to_vec())),
        format!("{all}\"topic\",\"own\":true,\"text\":\"\"}}")
    );
    assert_eq!(
        line(EntryKind::RENAMED, EntryContent::Body(b"ann".to_vec())),
        format!("{all}\"renamed\",\"own\":true,\"name\":\"ann\"}}")
    );
    let seq = 17_u64.to_be_bytes();
    let removal = line(EntryKind::REMOVAL, EntryContent::Body(seq.to_vec()));
    assert_eq!(removal, format!("{all}\"removal\",\"own\":true,\"removed\":17}}"));
    assert_eq!(line(EntryKind::REMOVED, EntryContent::Body(b"".to_vec())), format!("{all}\"removed\",\"own\":true}}"));
    assert_eq!(line(EntryKind(77), EntryContent::Body(b"".to_vec())), format!("{all}\"77\",\"own\":true}}"));
}

#[test]
fn line_has_no_control_characters_and_loses_nothing() {
    let text = "\x1b[2J\u{9b}2J\u{202e}\u{7f}\u{2028}\u{e9}\u{1f44b}";
    let line = Object::Notice { room: None, text }.line();
    assert!(!line.contains(char::is_control) && !line.contains('\u{202e}') && line.contains('\u{1f44b}'), "{line}");
    let back: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(back["text"], text);
}

#[test]
fn a_file_that_is_hashed_has_a_percentage() {
    let transfer = |size, state| {
        let room = RoomId { server: ServerId(0), index: 0 };
        let name = "a".to_owned();
        event::Transfer { id: crate::transfers::TransferId(3), room, is_upload: true, name, size, state }
    };
    let line = |transfer: event::Transfer| Object::Transfer(TransferObject::new("lobby", &transfer)).line();
    let all = r#"{"type":"transfer","room":"lobby","transfer":3,"direction":"send","name":"a""#;
    assert_eq!(
        line(transfer(Some(1_000), TransferState::Hashing(250))),
        format!("{all},\"size\":1000,\"state\":\"hashing\",\"done\":250,\"percent\":25}}")
    );
    assert_eq!(
        line(transfer(None, TransferState::Hashing(0))),
        format!("{all},\"size\":null,\"state\":\"hashing\",\"done\":0}}")
    );
}

#[test]
fn help_describes_every_type() {
    let who = [String::new()];
    let text = entry(EntryKind::TEXT, EntryContent::Body(Vec::new()));
    let entry = Entry::new("lobby", &text);
    let room = Some("lobby");
    let all = [
        Object::Hosting { invite: String::new(), address: String::new() },
        Object::Joined {
            room: "",
            name: "",
            members: Some(0),
            start: 0,
            head: 0,
            term: format_term(Term([0; 8])),
            resumed: true,
        },
        Object::Entry(entry.clone()),
        Object::Past(entry),
        Object::Who { room, names: &who },
        Object::Stored { room, number: 1, seq: 1 },
        Object::Refused { room: None, number: None, reason: String::new() },
        Object::Room { room: "", topic: "" },
        Object::Topic { room, topic: "" },
        Object::Ended { room: "", reason: String::new(), unsent: 0, kept: 0 },
        Object::Reset { room },
        Object::Gap { room, after: 1, first: 3 },
        Object::Lost { reason: String::new() },
        Object::Back { seconds: 1, resumed: true, restarted: false },
        Object::Notice { room: None, text: "" },
        Object::Left { exit: 0, unsent: 0, kept: 0, reason: None },
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
