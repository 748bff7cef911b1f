use kabar_core::chat::EntryKind;

use super::*;
use crate::engine::event::EntryContent;
use crate::engine::session::tests::LOBBY;

fn entry(seq: u64) -> Entry {
    Entry {
        room: *LOBBY,
        seq,
        time_ms: 0,
        author: "bob".to_owned(),
        instance: 0,
        number: 0,
        kind: EntryKind::TEXT,
        content: EntryContent::Body(Vec::new()),
        is_own: false,
        is_replayed: true,
        is_hidden: false,
        is_mention: false,
        position: None,
    }
}

/// The page that a server with entries `first` to 6 returns.
fn page(first: u64, before: u64, count: u8) -> HistoryPage {
    let mut replies = Replies::default();
    replies.expected.push_back(Some(PageRequest { before, count }));
    let end = if before == 0 { 7 } else { before };
    let start = end.saturating_sub(count.into()).max(first);
    let number = end.saturating_sub(start);
    if number == 0 {
        return replies.entry(None, 0, *LOBBY).unwrap();
    }
    (start..end)
        .zip((0..number).rev())
        .find_map(|(seq, left)| replies.entry(Some(entry(seq)), left as u16, *LOBBY))
        .unwrap()
}

fn seen(page: &HistoryPage) -> (Vec<u64>, bool, Earlier) {
    (page.entries.iter().map(|entry| entry.seq).collect(), page.is_last, page.earlier)
}

#[test]
fn page_reports_what_precedes_it() {
    assert_eq!(seen(&page(1, 0, 2)), (vec![5, 6], true, Earlier::Possible));
    assert_eq!(seen(&page(1, 3, 2)), (vec![1, 2], false, Earlier::Beginning));
    assert_eq!(seen(&page(3, 5, 5)), (vec![3, 4], false, Earlier::NotKept));
    assert_eq!(seen(&page(3, 3, 5)), (vec![], false, Earlier::NotKept));
    assert_eq!(seen(&page(7, 0, 5)), (vec![], true, Earlier::Beginning), "the room is empty");
}

#[test]
fn page_is_no_longer_than_requested() {
    let mut replies = Replies::default();
    replies.expected.push_back(Some(PageRequest { before: 0, count: 2 }));
    for seq in 1..100 {
        assert!(replies.entry(Some(entry(seq)), 7, *LOBBY).is_none());
    }
    assert_eq!(replies.entry(None, 0, *LOBBY).unwrap().entries.len(), 2);
}

#[test]
fn members_are_sorted_and_clean() {
    let mut replies = Replies::default();
    assert_eq!(replies.name(Some("bob\x1b"), 1), None);
    assert_eq!(replies.name(Some("anna"), 0).unwrap(), ["anna", "bob"]);
}
