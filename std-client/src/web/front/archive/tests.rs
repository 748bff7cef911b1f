//! Parts of a history in a file, with ranges that are not stored.

use kabar_core::chat::{EntryHeader, Term};
use kabar_core::session::Fingerprint;
use kabar_std::text::Content;

use super::*;
use crate::history::{Batch, Beginning, NewEntry, Writer};

const ANNA: &str = "ANNA";

/// A history with entries 11 to `last`, and what is before them missing.
fn history(last: u64) -> (tempfile::TempDir, Archive, StoredRoom, u64) {
    let (home, dir) = crate::temporary_dir();
    let mut writer = Writer::open(&dir, ANNA).unwrap().0;
    let row = writer.room(&Fingerprint([7; 20]), "lobby").unwrap();
    let term = Term([1; 8]);
    let log = writer.begin(row, None, Beginning { start: 10, term, is_reset: false }).unwrap().log;
    let texts: Vec<_> = (11..=last).map(|seq| (seq, format!("text {seq}"))).collect();
    let entries: Vec<_> = texts
        .iter()
        .map(|(seq, text)| {
            let author = if seq % 2 == 0 { "anna" } else { "bob" };
            let header =
                EntryHeader { seq: *seq, time_ms: *seq, author, instance: 5, number: *seq, kind: EntryKind::TEXT };
            NewEntry { header, content: Content::Body(text.as_bytes()), attention: Attention::Mention }
        })
        .collect();
    writer.append(&[Batch { log, term, entries: &entries }]).unwrap();
    let server = writer.server(&Fingerprint([7; 20])).unwrap();
    writer.ignore(server, &Name::existing("bob").unwrap()).unwrap();
    let identity: Arc<str> = ANNA.into();
    let mut archive = Archive::new(dir);
    archive.open(&identity);
    archive.logs.insert(log.number(), log);
    (home, archive, StoredRoom { identity, row, log: Some(log) }, log.number())
}

fn ends(found: &Found) -> (u64, u64) {
    (found.entries[0].place.seq, found.entries.last().unwrap().place.seq)
}

#[test]
fn parts_are_found_around_before_and_after_a_place() {
    let (_home, mut archive, room, log) = history(1_000);
    let place = |seq| Place { log, seq };
    let mut find = |part| archive.find(&room, part, "anna").unwrap();
    let newest = find(Part::Newest);
    assert_eq!((ends(&newest), newest.has_earlier, newest.has_later), ((901, 1_000), true, false));
    assert_eq!(ends(&find(Part::Before(place(901)))), (801, 900));
    assert_eq!(ends(&find(Part::After(place(800)))), (801, 900));
    let around = find(Part::Around(place(500)));
    assert!(ends(&around).0 < 500 && ends(&around).1 > 500 && around.has_earlier && around.has_later);
}

#[test]
fn range_that_is_not_stored_is_asked_for() {
    let (_home, mut archive, room, log) = history(50);
    let before = |seq| Part::Before(Place { log, seq });
    let first = archive.find(&room, before(30), "anna").unwrap();
    assert_eq!((ends(&first), first.has_earlier), ((11, 29), true));
    assert!(archive.find(&room, before(11), "anna").is_none(), "only the server has it");
    let elsewhere = Part::Before(Place { log: log + 1, seq: 20 });
    assert!(archive.find(&room, elsewhere, "anna").is_none(), "an unknown log");
}

#[test]
fn entries_are_own_hidden_or_mentions() {
    let (_home, mut archive, room, _) = history(12);
    let found = archive.find(&room, Part::Newest, "anna").unwrap();
    let flags: Vec<_> = found.entries.iter().map(|entry| (entry.own, entry.hidden, entry.mention)).collect();
    assert_eq!(flags, [(false, true, true), (true, false, true)]);
    assert_eq!(found.entries[0].text.as_deref(), Some("text 11"));
}
