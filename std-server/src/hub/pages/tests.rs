use kabar_core::chat::EntryKind;

use super::*;
use crate::store::LogEntry;

const ROOM: RoomId = RoomId { index: 3, generation: 1 };
const OTHER: RoomId = RoomId { index: 4, generation: 0 };

fn entries(range: RangeInclusive<u64>) -> PageRead {
    let entry = |seq| LogEntry {
        seq,
        time_ms: 0,
        author: "ana".into(),
        instance: 1,
        number: seq,
        kind: EntryKind::DATA,
        body: vec![0; 1_000],
    };
    PageRead::new(&range.map(entry).collect::<Vec<_>>())
}

/// The next page of the room to read.
fn next(pages: &mut Pages, kept: RangeInclusive<u64>) -> Option<RangeInclusive<u64>> {
    pages.next_read(|_| kept.clone()).map(|(room, range)| {
        assert_eq!(room, ROOM);
        range
    })
}

fn look(pages: &mut Pages, seq: u64) -> Lookup {
    pages.lookup(ROOM, seq..=seq, |_| true)
}

#[test]
fn a_page_is_read_once_for_all_waiting_connections() {
    let mut pages = Pages::new(1 << 20, 2);
    assert!(matches!(look(&mut pages, 40), Lookup::Later));
    pages.want(ROOM, 40, 1, For::Cursor);
    pages.want(ROOM, 41, 2, For::Cursor);
    pages.want(ROOM, 40, 1, For::Answer);
    assert_eq!(next(&mut pages, 1..=100), Some(33..=64));
    assert_eq!(next(&mut pages, 1..=100), None);
    assert_eq!(pages.complete(ROOM, 33..=64, entries(33..=64)), BTreeSet::from([1, 2]));
    assert!(pages.wanted.is_empty());
    assert!(matches!(look(&mut pages, 64), Lookup::Here(64, entry) if entry.entry().header.seq == 64));
    assert!(matches!(look(&mut pages, 65), Lookup::Later));
}

#[test]
fn reads_are_bounded_in_number_and_stay_within_the_log() {
    let mut pages = Pages::new(1 << 20, 2);
    for (id, seq) in [(1, 1), (2, 40), (3, 90)] {
        pages.want(ROOM, seq, id, For::Cursor);
    }
    assert_eq!(next(&mut pages, 5..=70), Some(5..=32));
    assert_eq!(next(&mut pages, 5..=70), Some(33..=64));
    assert_eq!(next(&mut pages, 5..=70), None);
    pages.fail(ROOM, &(5..=32));
    assert_eq!(next(&mut pages, 5..=70), Some(5..=32), "it was wanted first");
}

#[test]
fn pages_are_read_in_order_of_their_first_request() {
    let mut pages = Pages::new(1 << 20, 1);
    // One reads old pages, one new ones; both want their next page when they have one.
    let mut wanted = [1, 0, 897];
    pages.want(ROOM, wanted[0], 0, For::Answer);
    pages.want(ROOM, wanted[2], 2, For::Cursor);
    let mut read = Vec::new();
    for _ in 0..6 {
        let range = next(&mut pages, 1..=1_000).expect("a page is wanted");
        read.push(*range.start());
        for id in pages.complete(ROOM, range.clone(), entries(range)) {
            wanted[id as usize] += 32;
            pages.want(ROOM, wanted[id as usize], id, For::Answer);
        }
    }
    assert_eq!(read, [1, 897, 33, 929, 65, 961]);
}

#[test]
fn a_connection_requests_one_page_per_purpose() {
    let mut pages = Pages::new(1 << 20, 8);
    for seq in [1, 33, 65, 97] {
        pages.want(ROOM, seq, 1, For::Answer);
        pages.want(ROOM, seq + 320, 1, For::Cursor);
    }
    pages.want(ROOM, 33, 2, For::Cursor);
    let read: Vec<u64> = core::iter::from_fn(|| next(&mut pages, 1..=1_000)).map(|range| *range.start()).collect();
    assert_eq!(read, [97, 417, 33]);
}

#[test]
fn a_page_requested_only_by_a_removed_connection_is_not_read() {
    let mut pages = Pages::new(1 << 20, 8);
    pages.want(ROOM, 1, 1, For::Answer);
    pages.want(ROOM, 40, 1, For::Cursor);
    pages.want(ROOM, 40, 2, For::Cursor);
    pages.forget(ROOM, 1);
    assert_eq!(next(&mut pages, 1..=100), Some(33..=64));
    assert_eq!(next(&mut pages, 1..=100), None);
    pages.forget(ROOM, 2);
    pages.fail(ROOM, &(33..=64));
    assert_eq!(next(&mut pages, 1..=100), None);
    assert!(pages.waiting.is_empty() && pages.order.is_empty() && pages.wanted.is_empty());
}

#[test]
fn outstanding_reads_are_bounded_by_the_page_memory() {
    let mut pages = Pages::new(2 * MAX_PAGE_LEN, 8);
    let mut tiny = Pages::new(0, 8);
    for seq in [1, 40, 90] {
        pages.want(ROOM, seq, seq as u32, For::Cursor);
        tiny.want(ROOM, seq, seq as u32, For::Cursor);
    }
    let count = |pages: &mut Pages| core::iter::from_fn(|| next(pages, 1..=100)).count();
    assert_eq!((count(&mut pages), count(&mut tiny)), (2, 1));
}

#[test]
fn lookup_skips_rejected_entries_within_the_page() {
    let mut pages = Pages::new(1 << 20, 2);
    pages.complete(ROOM, 33..=64, entries(33..=64));
    let mut find = |range, wanted: u64| pages.lookup(ROOM, range, |entry| entry.entry().header.seq == wanted);
    assert!(matches!(find(40..=90, 50), Lookup::Here(50, _)));
    assert!(matches!(find(40..=90, 90), Lookup::Passed(65)));
    assert!(matches!(find(40..=49, 50), Lookup::Passed(50)));
}

#[test]
fn a_page_truncated_at_the_head_is_read_again_when_the_log_has_grown() {
    let mut pages = Pages::new(1 << 20, 2);
    pages.want(ROOM, 33, 1, For::Cursor);
    assert_eq!(next(&mut pages, 1..=40), Some(33..=40));
    pages.complete(ROOM, 33..=40, entries(33..=40));
    assert!(matches!(look(&mut pages, 41), Lookup::Later));
    pages.want(ROOM, 41, 1, For::Cursor);
    assert_eq!(next(&mut pages, 1..=99), Some(33..=64));
    pages.complete(ROOM, 33..=64, entries(33..=64));
    assert!(matches!(look(&mut pages, 41), Lookup::Here(41, _)));
}

#[test]
fn a_missing_entry_of_a_read_page_is_gone() {
    let mut pages = Pages::new(1 << 20, 2);
    pages.want(ROOM, 1, 1, For::Cursor);
    assert_eq!(next(&mut pages, 1..=32), Some(1..=32));
    pages.complete(ROOM, 1..=32, entries(5..=32));
    assert!(matches!(look(&mut pages, 4), Lookup::Gone));
    assert!(matches!(look(&mut pages, 5), Lookup::Here(5, _)));
}

#[test]
fn pages_are_bounded_in_bytes_and_evicted_least_recently_used_first() {
    let mut pages = Pages::new(80_000, 9);
    for page in 0..2 {
        pages.complete(ROOM, page * 32 + 1..=page * 32 + 32, entries(page * 32 + 1..=page * 32 + 32));
    }
    assert!(matches!(look(&mut pages, 1), Lookup::Here(..)));
    pages.complete(ROOM, 65..=96, entries(65..=96));
    assert!(pages.bytes <= 80_000);
    assert!(matches!(look(&mut pages, 1), Lookup::Here(..)));
    assert!(matches!(look(&mut pages, 33), Lookup::Later));
    assert_eq!(pages.ages.len(), pages.pages.len());
}

#[test]
fn pages_of_rooms_are_apart_and_share_the_memory() {
    let mut pages = Pages::new(1 << 20, 1);
    pages.want(ROOM, 1, 1, For::Cursor);
    pages.want(OTHER, 1, 1, For::Cursor);
    assert_eq!(pages.next_read(|_| 1..=9), Some((ROOM, 1..=9)));
    assert_eq!(pages.next_read(|_| 1..=9), None, "reads of all rooms are bounded together");
    pages.complete(ROOM, 1..=9, entries(1..=9));
    assert!(matches!(pages.lookup(OTHER, 1..=1, |_| true), Lookup::Later));
    assert!(pages.is_reading(OTHER) && !pages.is_reading(ROOM));
    assert_eq!(pages.next_read(|_| 1..=7), Some((OTHER, 1..=7)));
    pages.complete(OTHER, 1..=7, entries(1..=7));
    pages.clear(ROOM);
    assert!(matches!(look(&mut pages, 1), Lookup::Later));
    assert!(matches!(pages.lookup(OTHER, 1..=1, |_| true), Lookup::Here(1, _)));
    assert_eq!((pages.pages.len(), pages.ages.len()), (1, 1));
    let mut small = Pages::new(40_000, 9);
    small.complete(ROOM, 1..=32, entries(1..=32));
    small.complete(OTHER, 1..=32, entries(1..=32));
    assert!(small.bytes <= 40_000 && matches!(look(&mut small, 1), Lookup::Later));
}
