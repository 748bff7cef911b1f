use kabar_core::chat::{EntryHeader, Term};
use kabar_core::session::Fingerprint;
use kabar_std::text::Content;
use tempfile::TempDir;

use super::*;
use crate::history::{Batch, Beginning, NewEntry, RoomRow, Writer};
use crate::temporary_dir;

const ROOM: RoomId = RoomId { server: ServerId(0), index: 0 };
const TERM: Term = Term([1; 8]);

struct File {
    writer: Writer,
    row: RoomRow,
    log: LogRow,
    dir: DataDir,
    _home: TempDir,
}

impl File {
    /// A file with a room whose log begins after `start`.
    fn after(start: u64) -> Self {
        let (home, dir) = temporary_dir();
        let mut writer = Writer::open(&dir, "ANNA").unwrap().0;
        let row = writer.room(&Fingerprint([7; 20]), "lobby").unwrap();
        let log = writer.begin(row, None, Beginning { start, term: TERM, is_reset: false }).unwrap().log;
        Self { writer, row, log, dir, _home: home }
    }

    /// Texts with these numbers; those that are divisible by 10 have a needle.
    fn texts<T>(seqs: impl IntoIterator<Item = u64>, take: impl FnOnce(&[NewEntry<'_>]) -> T) -> T {
        let texts: Vec<_> = seqs
            .into_iter()
            .map(|seq| (seq, format!("{} {seq}", if seq % 10 == 0 { "Needle" } else { "hay" })))
            .collect();
        let entries: Vec<_> = texts
            .iter()
            .map(|(seq, text)| {
                let author = if seq % 2 == 0 { "bob" } else { "anna" };
                let header = EntryHeader {
                    seq: *seq,
                    time_ms: seq * 1000,
                    author,
                    instance: 1,
                    number: *seq,
                    kind: EntryKind::TEXT,
                };
                NewEntry { header, content: Content::Body(text.as_bytes()), attention: Attention::Unread }
            })
            .collect();
        take(&entries)
    }

    fn append(&mut self, seqs: impl IntoIterator<Item = u64>) {
        let log = self.log;
        Self::texts(seqs, |entries| self.writer.append(&[Batch { log, term: TERM, entries }])).unwrap();
    }

    fn add_page(&mut self, seqs: impl IntoIterator<Item = u64>, first_kept: Option<u64>) {
        let log = self.log;
        Self::texts(seqs, |entries| self.writer.add_page(log, entries, first_kept)).unwrap();
    }

    fn source(&self) -> (StoredHistory, Start) {
        let mut source = StoredHistory::new(self.dir.clone());
        let at = HistoryAt { identity: "ANNA".into(), row: self.row, log: Some(self.log) };
        let start = source.located(ROOM, &at).unwrap();
        source.named(ROOM.server, "anna");
        (source, start)
    }
}

fn delivered(seq: u64) -> Entry {
    Entry {
        seq,
        time_ms: seq * 1000,
        author: "bob".to_owned(),
        kind: EntryKind::TEXT,
        content: EntryContent::Body(b"later".to_vec()),
        is_own: false,
        is_mention: false,
        is_ignored: false,
    }
}

fn seqs(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.seq).collect()
}

#[test]
fn pages_go_through_the_log_in_both_directions() {
    let mut file = File::after(0);
    file.append(1..=50);
    let (source, _) = file.source();
    let newest = source.page(ROOM, Query::Newest, 20);
    assert_eq!((seqs(&newest), newest.beyond), ((31..=50).collect(), Beyond::More));
    let before = source.page(ROOM, Query::Before(11), 20);
    assert_eq!((seqs(&before), before.beyond), ((1..=10).collect(), Beyond::Nothing));
    let after = source.page(ROOM, Query::After(40), 20);
    assert_eq!((seqs(&after), after.beyond), ((41..=50).collect(), Beyond::Nothing));
    assert!(newest.entries.iter().all(|entry| entry.is_own == (entry.author == "anna")));
}

#[test]
fn the_start_says_what_is_unread_and_what_was_typed() {
    let mut file = File::after(0);
    file.append(1..=9);
    file.writer.mark_read(file.row, Place { log: file.log, seq: 5 }).unwrap();
    file.writer.save_draft(file.row, "half a").unwrap();
    let (_, start) = file.source();
    assert_eq!((start.unread, start.mentions, start.read, start.head), (4, 0, Some(5), 9));
    assert!(start.has_unread && start.draft == "half a" && start.notify == crate::command::Notify::Mentions);
}

#[test]
fn a_gap_is_filled_by_the_server_and_passed_without_it() {
    let mut file = File::after(20);
    file.append(21..=30);
    file.add_page(1..=5, None);
    let (mut source, _) = file.source();
    let page = source.page(ROOM, Query::Newest, 50);
    assert_eq!((seqs(&page), page.beyond), ((21..=30).collect(), Beyond::Server));
    assert!(source.pass_gaps(ROOM, 21), "the server is away");
    let page = source.page(ROOM, Query::Before(21), 50);
    assert_eq!((seqs(&page), page.beyond), ((1..=5).collect(), Beyond::Nothing));
    source.joined(ROOM);
    assert_eq!(source.page(ROOM, Query::Before(21), 50).beyond, Beyond::Server);
    file.add_page(6..=20, None);
    source.received(ROOM, &[delivered(6), delivered(20)], Beyond::Server);
    assert_eq!(seqs(&source.page(ROOM, Query::Newest, 50)), (1..=30).collect::<Vec<_>>());
}

#[test]
fn a_page_that_was_not_recorded_is_not_requested_again() {
    let mut file = File::after(20);
    file.append(21..=30);
    let (mut source, _) = file.source();
    source.received(ROOM, &[delivered(11), delivered(20)], Beyond::Server);
    assert_eq!(source.page(ROOM, Query::Before(21), 50).beyond, Beyond::Nothing);
}

#[test]
fn finds_texts_in_the_whole_log_by_steps_in_both_directions() {
    let mut file = File::after(0);
    file.append(1..=900);
    let (source, _) = file.source();
    assert_eq!(source.search_before(ROOM, "needle", u64::MAX), Some(900));
    assert_eq!(source.search_before(ROOM, "needle 20", 900), Some(200));
    assert_eq!(source.search_before(ROOM, "needle", 205), Some(200));
    assert_eq!(source.search_after(ROOM, "needle", 200), Some(210));
    assert_eq!(source.search_before(ROOM, "needle", 10), None);
    assert_eq!(source.search_after(ROOM, "needle", 900), None);
    assert_eq!(source.search_before(ROOM, "needle hay", u64::MAX), None, "as it is marked: one text");
}

#[test]
fn lines_of_ignored_people_are_not_displayed_and_not_found() {
    let mut file = File::after(0);
    file.append(1..=20);
    let (mut source, _) = file.source();
    let server = file.writer.server(&Fingerprint([7; 20])).unwrap();
    file.writer.ignore(server, &Name::existing("Bob").unwrap()).unwrap();
    assert_eq!(source.search_before(ROOM, "needle", u64::MAX), Some(20));
    source.ignored_changed(ROOM.server);
    let page = source.page(ROOM, Query::Newest, 50);
    assert!(page.entries.iter().all(|entry| entry.is_ignored == (entry.author == "bob")));
    assert_eq!(source.search_before(ROOM, "needle", u64::MAX), None);
}

#[test]
fn what_cannot_be_recorded_is_kept_in_memory() {
    let mut file = File::after(0);
    file.append(1..=10);
    let (mut source, _) = file.source();
    source.set_recording(false);
    (11..=14).for_each(|seq| source.delivered(ROOM, &delivered(seq)));
    assert_eq!(seqs(&source.page(ROOM, Query::Newest, 100)), (1..=14).collect::<Vec<_>>());
    assert_eq!(seqs(&source.page(ROOM, Query::Before(13), 100)), (1..=12).collect::<Vec<_>>());
    assert_eq!(seqs(&source.page(ROOM, Query::After(8), 100)), [9, 10, 11, 12, 13, 14]);
    assert_eq!(source.search_before(ROOM, "later", u64::MAX), Some(14));
    let other = RoomId { index: 1, ..ROOM };
    source.delivered(other, &delivered(1));
    source.set_recording(true);
    source.delivered(ROOM, &delivered(15));
    assert_eq!(seqs(&source.page(ROOM, Query::Newest, 100)), (1..=10).collect::<Vec<_>>());
    assert_eq!(seqs(&source.page(other, Query::Newest, 100)), [1], "a room that is in no file");
}
