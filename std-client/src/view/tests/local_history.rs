//! A view that reads the local history.

use kabar_core::chat::{EntryHeader, EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::DataDir;
use kabar_std::text::Content;

use super::fixture::*;
use crate::engine::event::Entry;
use crate::engine::{Command, Event};
use crate::history::{Attention, Batch, Beginning, NewEntry, Place, Writer};
use crate::temporary_dir;
use crate::view::transcript::stored::StoredHistory;

/// Records 40 texts of bob, of which the last three are unread, and the last one is a mention.
/// Returns the event about their place.
fn recorded(dir: &DataDir) -> Event {
    let mut writer = Writer::open(dir, "ANNA").unwrap().0;
    let row = writer.room(&Fingerprint([0; 20]), "ops").unwrap();
    let term = Term([1; 8]);
    let log = writer.begin(row, None, Beginning { start: 0, term, is_reset: false }).unwrap().log;
    let texts: Vec<_> = (1..=40).map(|seq: u64| (seq, format!("text {seq}."))).collect();
    let entry = |(seq, text): &(u64, String)| {
        let (seq, kind) = (*seq, EntryKind::TEXT);
        let header = EntryHeader { seq, time_ms: seq * 1000, author: "bob", instance: 1, number: seq, kind };
        let attention = if seq == 40 { Attention::Mention } else { Attention::Unread };
        (header, text.clone(), attention)
    };
    let entries: Vec<_> = texts.iter().map(entry).collect();
    let entries: Vec<_> = entries
        .iter()
        .map(|(header, text, attention)| NewEntry {
            header: *header,
            content: Content::Body(text.as_bytes()),
            attention: *attention,
        })
        .collect();
    writer.append(&[Batch { log, term, entries: &entries }]).unwrap();
    writer.mark_read(row, Place { log, seq: 37 }).unwrap();
    writer.save_draft(row, "half a").unwrap();
    Event::HistoryAt { room: room(1), identity: "ANNA".into(), row, log: Some(log) }
}

#[test]
fn a_room_that_is_not_joined_yet_shows_what_is_unread_and_what_was_typed() {
    let (_home, dir) = temporary_dir();
    let located = recorded(&dir);
    let mut fixture = Fixture::reading(Box::new(StoredHistory::new(dir)), 80, 12);
    let places = "kabar.example:7777".parse().unwrap();
    fixture.event(Event::ServerAdded { server: SERVER, places, is_host: false });
    for (index, name) in (0..).zip(["lobby", "ops"]) {
        fixture.event(Event::RoomAdded { room: room(index), name: name.parse().unwrap() });
    }
    fixture.event(located);
    assert!(fixture.shows("2 ops          3@1"), "{:?}", fixture.screen());
    fixture.effects.clear();
    fixture.press("alt-2");
    assert!(fixture.shows("bob: text 40.") && fixture.shows(" new ") && fixture.typed() == "half a");
    let commands = fixture.commands();
    assert!(commands.iter().any(|command| matches!(command, Command::MarkRead { seq: 40, .. })), "{commands:?}");
    fixture.press("ctrl-home");
    assert!(fixture.shows("bob: text 1."), "without the server");
    fixture.press("ctrl-f");
    fixture.type_text("text 9.");
    assert!(fixture.shows("bob: text 9."));
    fixture.press("escape");
    // What the server sends now counts from there.
    fixture.join(1, 41, None, false);
    fixture.press("alt-1");
    fixture.skip_entries(1, 40);
    let entry = Entry { room: room(1), ..fixture.next_entry(1) };
    fixture.event(Event::Entry(entry));
    assert!(fixture.shows("2 ops            1"), "{:?}", fixture.screen());
}
