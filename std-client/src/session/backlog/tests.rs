use super::*;

const START: Instant = Instant::from_micros(60_000_000);

fn incoming<'a>(seq: u64, author: &'a str, kind: EntryKind, body: &'a [u8]) -> Incoming<'a> {
    let header = EntryHeader { seq, time_ms: 0, author, instance: 0, number: 0, kind };
    Incoming { header, content: Content::Body(body), is_own: false, is_new: true, is_announced: false }
}

fn push(backlog: &mut Backlog, seq: u64, author: &str, kind: EntryKind, text: &str, now: Instant) {
    backlog.push(&incoming(seq, author, kind, text.as_bytes()), "anna", now);
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
    let context = Incoming { is_new: false, ..incoming(3, "bob", EntryKind::TEXT, b"context") };
    backlog.push(&context, "anna", START);
    assert_eq!((backlog.unread(), backlog.deadline(), backlog.take().entries.len()), (0, None, 3));
}

#[test]
fn number_of_entries_is_bounded() {
    let mut backlog = Backlog::default();
    (1..=250).for_each(|seq| say(&mut backlog, seq, "hello", START));
    backlog.skip(251);
    assert_eq!(backlog.unread(), 250);
    let Missed { entries, left_out, end } = backlog.take();
    assert_eq!((entries.len(), entries[0].header().seq, left_out, end), (100, 151, 150, Some(251)));
}

#[test]
fn text_that_was_removed_is_not_kept() {
    let mut backlog = Backlog::default();
    say(&mut backlog, 7, "secret", START);
    backlog.push(&incoming(8, "bob", EntryKind::REMOVAL, &7_u64.to_be_bytes()), "anna", START);
    let entry = &backlog.take().entries[0];
    assert!(entry.header().kind == EntryKind::REMOVED && matches!(entry.content(), Content::Body(b"")));
}

#[test]
fn lines_that_were_counted_on_joining_are_not_reported_again() {
    let mut backlog = Backlog::default();
    let announced = |seq, text| Incoming { is_announced: true, ..incoming(seq, "bob", EntryKind::TEXT, text) };
    backlog.push(&announced(1, b"hello"), "anna", START);
    assert_eq!((backlog.unread(), backlog.deadline()), (1, None));
    backlog.push(&announced(2, b"anna: hello"), "anna", START);
    assert_eq!(backlog.report(START), report(2, Some("bob")), "mentions are");
}
