use kabar_core::chat::EntryKind;
use kabar_std::invite::RoomName;

use super::*;

fn header(kind: EntryKind) -> EntryHeader<'static> {
    EntryHeader { seq: 7, time_ms: 9, author: "anna", instance: 1, number: 2, kind }
}

#[test]
fn entry_has_seq_and_content() {
    let room = RoomName::default();
    let line = |kind, content| {
        let entry = DisplayedEntry { room: &room, header: header(kind), content, is_own: true };
        Object::Entry(Entry::new(&entry)).line()
    };
    let all = r#"{"type":"entry","room":"lobby","seq":7,"time_ms":9,"author":"anna","kind":"#;
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
    let kicked = line(EntryKind::KICKED, Content::Body(b"spam"));
    assert_eq!(kicked, format!("{all}\"kicked\",\"own\":true,\"text\":\"spam\"}}"));
    assert_eq!(line(EntryKind::KICKED, Content::Body(b"")), format!("{all}\"kicked\",\"own\":true}}"));
    assert_eq!(line(EntryKind::TOPIC, Content::Body(b"")), format!("{all}\"topic\",\"own\":true,\"text\":\"\"}}"));
    assert_eq!(
        line(EntryKind::RENAMED, Content::Body(b"ann")),
        format!("{all}\"renamed\",\"own\":true,\"name\":\"ann\"}}")
    );
    let seq = 17_u64.to_be_bytes();
    let removal = line(EntryKind::REMOVAL, Content::Body(&seq));
    assert_eq!(removal, format!("{all}\"removal\",\"own\":true,\"removed\":17}}"));
    assert_eq!(line(EntryKind::REMOVED, Content::Body(b"")), format!("{all}\"removed\",\"own\":true}}"));
    assert_eq!(line(EntryKind(77), Content::Body(b"")), format!("{all}\"77\",\"own\":true}}"));
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
fn help_describes_every_type() {
    let who = [String::new()];
    let name = RoomName::default();
    let (header, content) = (header(EntryKind::TEXT), Content::Body(b""));
    let entry = Entry::new(&DisplayedEntry { room: &name, header, content, is_own: false });
    let room = Some("lobby");
    let all = [
        Object::Hosting { invite: String::new(), address: String::new() },
        Object::Joined {
            room: "",
            name: "",
            members: 0,
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
        Object::Ended { room: "", reason: String::new(), unsent: 0 },
        Object::Reset { room },
        Object::Gap { room, after: 1, first: 3 },
        Object::Lost { reason: String::new() },
        Object::Back { seconds: 1, resumed: true, restarted: false },
        Object::Notice { room: None, text: "" },
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
