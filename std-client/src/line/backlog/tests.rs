use super::*;
use crate::cursor::{Cursor, CursorFile, SharedCursorFile};
use crate::engine::{RoomId, ServerId};

const START: Instant = Instant::from_micros(60_000_000);

fn incoming(seq: u64, author: &str, kind: EntryKind, body: &[u8]) -> Entry {
    Entry {
        room: RoomId { server: ServerId(0), index: 0 },
        seq,
        time_ms: 0,
        author: author.to_owned(),
        instance: 0,
        number: 0,
        kind,
        content: EntryContent::Body(body.to_vec()),
        is_own: false,
        is_replayed: false,
        is_hidden: false,
        is_mention: body.starts_with(b"anna"),
        position: None,
    }
}

fn push(backlog: &mut Backlog, seq: u64, author: &str, kind: EntryKind, text: &str, now: Instant) {
    backlog.push(incoming(seq, author, kind, text.as_bytes()), "anna", true, now);
}

fn say(backlog: &mut Backlog, seq: u64, text: &str, now: Instant) {
    push(backlog, seq, "bob", EntryKind::TEXT, text, now);
}

fn report(lines: u64, by: Option<&str>) -> Option<UnreadReport> {
    Some(UnreadReport { lines, mentioned_by: by.map(str::to_owned) })
}

#[test]
fn unread_lines_are_reported_every_few_seconds() {
    let mut backlog = Backlog::default();
    (1..=3).for_each(|seq| say(&mut backlog, seq, "hello", START));
    assert_eq!(backlog.report(START), None, "more may follow");
    assert_eq!(backlog.report(START + COLLECT), report(3, None));
    say(&mut backlog, 4, "hello", START + COLLECT);
    assert_eq!(backlog.deadline(), Some(START + COLLECT + INTERVAL));
    assert_eq!(backlog.report(START + COLLECT + INTERVAL), report(4, None));
    assert_eq!((backlog.deadline(), backlog.unread()), (None, 4));
    backlog.take();
    assert_eq!((backlog.report(START + INTERVAL + INTERVAL), backlog.unread()), (None, 0));
}

#[test]
fn mention_is_reported_at_once() {
    let mut backlog = Backlog::default();
    say(&mut backlog, 1, "hello", START);
    say(&mut backlog, 2, "anna: hello", START);
    assert_eq!(backlog.report(START), report(2, Some("bob")));
    say(&mut backlog, 3, "anna?", START);
    assert_eq!(backlog.deadline(), Some(START + MENTION_INTERVAL), "but not many times a second");
}

#[test]
fn own_lines_joins_and_context_are_not_unread() {
    let mut backlog = Backlog::default();
    push(&mut backlog, 1, "bob", EntryKind::JOINED, "", START);
    push(&mut backlog, 2, "anna", EntryKind::TEXT, "from my other computer", START);
    backlog.push(incoming(3, "bob", EntryKind::TEXT, b"context"), "anna", false, START);
    assert_eq!((backlog.unread(), backlog.deadline(), backlog.take().entries.len()), (0, None, 3));
}

#[test]
fn number_of_entries_is_bounded() {
    let mut backlog = Backlog::default();
    (1..=250).for_each(|seq| say(&mut backlog, seq, "hello", START));
    assert_eq!(backlog.unread(), 250);
    let Missed { entries, left_out, .. } = backlog.take();
    assert_eq!((entries.len(), entries[0].seq, left_out), (100, 151, 150));
}

#[test]
fn text_that_was_removed_is_not_kept() {
    let mut backlog = Backlog::default();
    say(&mut backlog, 7, "secret", START);
    backlog.push(incoming(8, "bob", EntryKind::REMOVAL, &7_u64.to_be_bytes()), "anna", true, START);
    let entry = &backlog.take().entries[0];
    assert_eq!((entry.kind, &entry.content), (EntryKind::REMOVED, &EntryContent::Body(Vec::new())));
}

#[test]
fn lines_that_were_counted_on_joining_are_not_reported_again() {
    let mut backlog = Backlog::default();
    let announced = |seq, text| Entry { is_replayed: true, ..incoming(seq, "bob", EntryKind::TEXT, text) };
    backlog.push(announced(1, b"hello"), "anna", true, START);
    assert_eq!((backlog.unread(), backlog.deadline()), (1, None));
    backlog.push(announced(2, b"anna: hello"), "anna", true, START);
    assert_eq!(backlog.report(START), report(2, Some("bob")), "mentions are");
}

#[test]
fn position_is_that_of_the_last_entry_displayed_or_hidden() {
    let (_home, dir) = crate::temporary_dir();
    let (server, lobby) = (kabar_core::session::Fingerprint([7; 20]), kabar_std::invite::RoomName::default());
    let file = SharedCursorFile::new(CursorFile::open(&dir, &server, &lobby, "ANNA", &[]).file);
    let position = |seq| {
        let cursor = Cursor { seq, term: kabar_core::chat::Term([9; 8]) };
        Some(Position { shown: crate::cursor::Shown { cursor, log: None }, file: file.clone() })
    };
    let mut backlog = Backlog::default();
    backlog.push(Entry { position: position(1), ..incoming(1, "bob", EntryKind::TEXT, b"one") }, "anna", true, START);
    backlog.skip(position(2));
    assert_eq!(backlog.take().end.map(|end| end.shown.cursor.seq), Some(2));
    assert!(backlog.take().end.is_none());
}
