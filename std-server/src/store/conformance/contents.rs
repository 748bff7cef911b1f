//! Tests of the index of contents.

use kabar_core::chat::File;
use kabar_core::content::{GROUP_LEN, Root};

use super::*;

const GROUP: u64 = GROUP_LEN as u64;
const HOUR: u64 = 3_600_000;
const QUOTA: FileQuota = FileQuota { file: 5 * GROUP, member: 8 * GROUP, all: 12 * GROUP };
const NO_BOUND: FileQuota = FileQuota { file: u64::MAX, member: u64::MAX, all: u64::MAX };

fn root(number: u64) -> Root {
    Root::of(&number.to_le_bytes())
}

fn offer(root: Root, size: u64, owner: PublicIdentity, now_ms: u64) -> Offer {
    Offer { root, size, owner, now_ms }
}

/// An entry that names a content of 7 bytes.
fn naming(seq: u64, root: Root) -> LogEntry {
    let mut body = vec![0; 500];
    let len = File::new("a file.txt", 7, root, "text/plain").unwrap().encode(&mut body).unwrap();
    body.truncate(len);
    LogEntry { kind: EntryKind::FILE, body, ..entry(seq, seq) }
}

fn put(store: &mut impl Store, root: Root, now_ms: u64) {
    assert_eq!(store.reserve(&offer(root, 7, ANA, now_ms), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.complete(root, 7, now_ms), Ok(true));
}

pub(in crate::store) fn quotas_of_contents_are_exact(store: &mut impl Store) {
    let mut reserve = |number, size, owner| store.reserve(&offer(root(number), size, owner, 0), &QUOTA).unwrap();
    assert_eq!(reserve(1, 5 * GROUP + 1, ANA), Reservation::TooLarge);
    assert_eq!(reserve(1, u64::MAX, ANA), Reservation::TooLarge);
    assert_eq!(reserve(1, 5 * GROUP, ANA), Reservation::Reserved);
    assert_eq!(reserve(2, 3 * GROUP + 1, ANA), Reservation::MemberQuota);
    assert_eq!(reserve(2, 3 * GROUP, ANA), Reservation::Reserved);
    // The smallest content counts as a group.
    assert_eq!(reserve(3, 0, ANA), Reservation::MemberQuota);
    assert_eq!(reserve(4, 4 * GROUP + 1, BEN), Reservation::ServerQuota);
    assert_eq!(reserve(4, 3 * GROUP, BEN), Reservation::Reserved);
    assert_eq!(reserve(5, 0, BEN), Reservation::Reserved);
    assert_eq!(reserve(6, 0, BEN), Reservation::ServerQuota);
    // Complete ones count as well, and what is known is not reserved again.
    assert_eq!(store.complete(root(1), 5 * GROUP, 0), Ok(true));
    let mut reserve = |number, size, owner| store.reserve(&offer(root(number), size, owner, 0), &QUOTA).unwrap();
    assert_eq!(reserve(3, 0, ANA), Reservation::MemberQuota);
    assert_eq!(reserve(1, 5 * GROUP, ANA), Reservation::Complete);
    assert_eq!(reserve(2, 3 * GROUP, ANA), Reservation::Reserved);
    let nothing = FileQuota { file: 0, member: 0, all: 0 };
    assert_eq!(store.reserve(&offer(root(9), 0, ANA, 0), &nothing), Ok(Reservation::MemberQuota));
    assert_eq!(store.reserve(&offer(root(9), 1, ANA, 0), &nothing), Ok(Reservation::TooLarge));
    assert_eq!(store.reserve(&offer(root(9), u64::MAX, ANA, 0), &NO_BOUND), Ok(Reservation::MemberQuota));
}

pub(in crate::store) fn a_content_counts_against_its_first_owner(store: &mut impl Store) {
    let full = FileQuota { member: 5 * GROUP, ..QUOTA };
    let mut reserve = |number, owner| store.reserve(&offer(root(number), 5 * GROUP, owner, 0), &full).unwrap();
    assert_eq!(reserve(1, ANA), Reservation::Reserved);
    assert_eq!(reserve(1, BEN), Reservation::Reserved);
    assert_eq!(reserve(2, BEN), Reservation::Reserved);
    // Even if nothing is left to him.
    assert_eq!(reserve(1, BEN), Reservation::Reserved);
    assert_eq!(reserve(3, ANA), Reservation::MemberQuota);
    assert_eq!(store.complete(root(1), 5 * GROUP, 0), Ok(true));
    assert_eq!(store.reserve(&offer(root(1), 5 * GROUP, BEN, 0), &full), Ok(Reservation::Complete));
}

pub(in crate::store) fn only_the_proven_size_of_a_content_stays(store: &mut impl Store) {
    assert_eq!(store.reserve(&offer(root(1), 3 * GROUP, ANA, 0), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.reserve(&offer(root(1), 4 * GROUP, ANA, 0), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.touch(root(1), 3 * GROUP, 0), Ok(false));
    assert_eq!(store.complete(root(1), 3 * GROUP, 0), Ok(true));
    assert_eq!(store.touch(root(1), 3 * GROUP, 0), Ok(true));
    assert_eq!(store.touch(root(1), 4 * GROUP, 0), Ok(false));
    // The other one no longer counts.
    assert_eq!(store.reserve(&offer(root(2), 5 * GROUP, ANA, 0), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.reserve(&offer(root(3), 0, ANA, 0), &QUOTA), Ok(Reservation::MemberQuota));
    assert_eq!(store.complete(root(7), 1, 0), Ok(false));
    assert_eq!(store.touch(root(7), 1, 0), Ok(false));
}

pub(in crate::store) fn a_content_is_found_where_an_entry_names_it(store: &mut impl Store) {
    put(store, root(1), 0);
    assert_eq!(store.find("lobby", root(1)), Ok(None));
    let text = LogEntry { kind: EntryKind::TEXT, ..naming(1, root(1)) };
    let broken = LogEntry { body: vec![1], ..naming(2, root(1)) };
    assert_eq!(store.commit(&commit(vec![text, broken])), Ok(()));
    assert_eq!(store.find("lobby", root(1)), Ok(None));
    let files = vec![naming(3, root(1)), naming(4, root(2)), naming(5, root(1))];
    assert_eq!(store.commit(&commit(files)), Ok(()));
    assert_eq!((store.find("lobby", root(1)), store.find("attic", root(1))), (Ok(Some(7)), Ok(None)));
    // Named, and not there yet.
    assert_eq!(store.find("lobby", root(2)), Ok(None));
    assert_eq!(store.reserve(&offer(root(2), 7, ANA, 0), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.find("lobby", root(2)), Ok(None));
    assert_eq!(store.complete(root(2), 7, 0), Ok(true));
    assert_eq!(store.find("lobby", root(2)), Ok(Some(7)));
    // Removal and retention each end one of the two entries.
    let removal = RoomBatch { removed: vec![5], ..batch(vec![]) };
    assert_eq!(store.commit(&removal.into()), Ok(()));
    assert_eq!(store.find("lobby", root(1)), Ok(Some(7)));
    let retention = RoomBatch { first: Some(4), ..batch(vec![]) };
    assert_eq!(store.commit(&retention.into()), Ok(()));
    assert_eq!((store.find("lobby", root(1)), store.find("lobby", root(2))), (Ok(None), Ok(Some(7))));
    assert_eq!(store.collect(HOUR, &[]), Ok(vec![root(1)]));
}

pub(in crate::store) fn a_closed_room_names_nothing(store: &mut impl Store) {
    put(store, root(1), 0);
    assert_eq!(store.commit(&commit(vec![naming(1, root(1))])), Ok(()));
    for (is_closed, found) in [(false, Some(7)), (true, None), (false, None)] {
        let record = RoomRecord { is_closed, ..RoomRecord::named("lobby") };
        let server = ServerBatch { rooms: vec![record], ..ServerBatch::default() };
        assert_eq!(store.commit(&server.into()), Ok(()));
        assert_eq!(store.find("lobby", root(1)), Ok(found));
    }
    assert_eq!(store.collect(HOUR, &[]), Ok(vec![root(1)]));
}

pub(in crate::store) fn collects_what_is_no_longer_needed(store: &mut impl Store) {
    put(store, root(1), 1000);
    put(store, root(2), 1000);
    assert_eq!(store.reserve(&offer(root(3), 7, ANA, 1000), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.reserve(&offer(root(3), 9, BEN, 2000), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.commit(&commit(vec![naming(1, root(2))])), Ok(()));
    assert_eq!(store.collect(HOUR + 999, &[]), Ok(vec![]));
    // A clock that was set back collects nothing.
    assert_eq!(store.collect(0, &[]), Ok(vec![]));
    assert_eq!(store.touch(root(1), 7, 5000), Ok(true));
    assert_eq!(store.collect(HOUR + 4999, &[]), Ok(vec![]));
    assert_eq!(store.collect(HOUR + 5000, &[]), Ok(vec![root(1)]));
    assert_eq!((store.touch(root(1), 7, 0), store.collect(HOUR + 5000, &[])), (Ok(false), Ok(vec![])));
    assert_eq!(store.collect(24 * HOUR + 999, &[]), Ok(vec![]));
    // The other size of the same root is still being uploaded.
    assert_eq!(store.collect(24 * HOUR + 1000, &[]), Ok(vec![]));
    assert_eq!(store.collect(24 * HOUR + 2000, &[]), Ok(vec![root(3)]));
    assert_eq!(store.collect(u64::MAX, &[]), Ok(vec![]));
    assert_eq!(store.find("lobby", root(2)), Ok(Some(7)));
    // What went no longer counts: 8 groups, and one is in use.
    let mut reserve = |number, size| store.reserve(&offer(root(number), size, ANA, 0), &QUOTA).unwrap();
    assert_eq!((reserve(4, 5 * GROUP), reserve(5, 2 * GROUP)), (Reservation::Reserved, Reservation::Reserved));
    assert_eq!(reserve(6, 0), Reservation::MemberQuota);
}

pub(in crate::store) fn an_entry_keeps_a_content_that_came_again(store: &mut impl Store) {
    put(store, root(1), 0);
    assert_eq!(store.collect(HOUR, &[]), Ok(vec![root(1)]));
    assert_eq!(store.commit(&commit(vec![naming(1, root(1))])), Ok(()));
    put(store, root(1), 0);
    assert_eq!((store.collect(HOUR, &[]), store.find("lobby", root(1))), (Ok(vec![]), Ok(Some(7))));
}

pub(in crate::store) fn collects_many_small_contents_in_parts(store: &mut impl Store) {
    const COUNT: u64 = 1020;
    let quota = FileQuota { member: COUNT * GROUP, all: COUNT * GROUP, ..QUOTA };
    for number in 0..COUNT {
        assert_eq!(store.reserve(&offer(root(number), 1, ANA, 0), &quota), Ok(Reservation::Reserved));
    }
    assert_eq!(store.reserve(&offer(root(COUNT), 1, ANA, 0), &quota), Ok(Reservation::MemberQuota));
    let mut collect = || store.collect(24 * HOUR, &[]).unwrap().len();
    assert_eq!([collect(), collect(), collect()], [1000, 20, 0]);
    assert_eq!(store.reserve(&offer(root(COUNT), 1, ANA, 0), &quota), Ok(Reservation::Reserved));
}

pub(in crate::store) fn contents_in_use_are_not_collected(store: &mut impl Store) {
    put(store, root(1), 0);
    assert_eq!(store.reserve(&offer(root(2), 7, ANA, 0), &QUOTA), Ok(Reservation::Reserved));
    let in_use = [root(1), root(2), root(3)];
    assert_eq!(store.collect(30 * HOUR, &in_use), Ok(vec![]));
    // They count as touched then.
    assert_eq!(store.collect(31 * HOUR - 1, &[]), Ok(vec![]));
    assert_eq!(store.collect(31 * HOUR, &[]), Ok(vec![root(1)]));
    assert_eq!(store.collect(54 * HOUR, &[]), Ok(vec![root(2)]));
}

pub(in crate::store) fn a_content_that_was_lost_can_come_again(store: &mut impl Store) {
    put(store, root(1), 0);
    assert_eq!(store.commit(&commit(vec![naming(1, root(1))])), Ok(()));
    assert_eq!(store.lost(root(1), HOUR), Ok(()));
    assert_eq!((store.find("lobby", root(1)), store.touch(root(1), 7, HOUR)), (Ok(None), Ok(false)));
    assert_eq!(store.collect(25 * HOUR - 1, &[]), Ok(vec![]));
    put(store, root(1), HOUR);
    assert_eq!(store.find("lobby", root(1)), Ok(Some(7)));
    // Nothing changes for one that is not there, or not complete.
    assert_eq!(store.lost(root(2), HOUR), Ok(()));
    assert_eq!(store.reserve(&offer(root(2), 7, ANA, 0), &QUOTA), Ok(Reservation::Reserved));
    assert_eq!(store.lost(root(2), 20 * HOUR), Ok(()));
    assert_eq!(store.collect(24 * HOUR, &[]), Ok(vec![root(2)]));
}
