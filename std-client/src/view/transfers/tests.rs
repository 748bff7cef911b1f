use std::path::PathBuf;

use proptest::prelude::*;

use kabar_core::chat::CancelCode;

use super::draw::{height, list_rows, rows};
use super::*;
use crate::engine::event::{TransferFailure, Wait};
use crate::view::span::{Role, Row};
use crate::view::text::tests::hard_text;

const ROOM: RoomId = RoomId { server: ServerId(0), index: 0 };
const OTHER: RoomId = RoomId { server: ServerId(1), index: 0 };

fn transfer(id: u32, name: &str, state: TransferState) -> Transfer {
    Transfer {
        id: TransferId(id),
        room: ROOM,
        is_upload: id.is_multiple_of(2),
        name: name.to_owned(),
        size: Some(4 << 20),
        state,
    }
}

fn running(done: u64, rate: Option<u64>) -> TransferState {
    let left = rate.map(|rate| Duration::from_secs(((4 << 20) - done).div_ceil(rate)));
    TransferState::Running(Measured { done, rate, left })
}

fn waiting() -> TransferState {
    TransferState::Waiting(Wait::Others)
}

fn list(transfers: &[Transfer]) -> TransferList {
    let mut list = TransferList::default();
    transfers.iter().for_each(|transfer| list.update(transfer, "lobby"));
    list
}

fn ids(list: &TransferList) -> Vec<u32> {
    list.all().iter().map(|item| item.transfer.id.0).collect()
}

fn texts(rows: Vec<Row>) -> Vec<String> {
    rows.iter().map(|row| row.text().trim_end().to_owned()).collect()
}

#[test]
fn those_that_run_come_first_and_the_last_that_ended_after_them() {
    let mut list = list(&[1, 2, 3, 4].map(|id| transfer(id, "a", waiting())));
    for id in [1, 3] {
        list.update(&transfer(id, "a", TransferState::Sent(7)), "lobby");
    }
    assert_eq!(ids(&list), [2, 4, 3, 1]);
    assert_eq!(list.open().count(), 2);
}

#[test]
fn only_the_last_that_ended_are_kept() {
    let ended = |id| transfer(id, "a", TransferState::Cancelled);
    let mut list = list(&[transfer(0, "a", waiting())]);
    (1..=300).for_each(|id| list.update(&ended(id), "lobby"));
    assert_eq!(list.all().len(), 1 + MAX_ENDED);
    assert_eq!((ids(&list)[..2].to_vec(), ids(&list).last().copied()), (vec![0, 300], Some(201)));
}

#[test]
fn a_list_of_the_engine_replaces_what_has_not_ended() {
    let mut list = list(&[transfer(1, "a", waiting()), transfer(2, "b", TransferState::Cancelled)]);
    list.update(&Transfer { room: OTHER, ..transfer(3, "c", waiting()) }, "ops");
    list.replace(ServerId(0), &[transfer(4, "d", waiting())], |_| "lobby");
    assert_eq!(ids(&list), [3, 4, 2]);
    list.forget(|room| room == OTHER);
    assert_eq!(ids(&list), [4, 2]);
}

#[test]
fn the_summary_adds_up_and_keeps_what_was_done_before_a_wait() {
    let mut list = list(&[
        transfer(1, "a", running(1 << 20, Some(1 << 20))),
        transfer(2, "b", running(2 << 20, Some(1 << 20))),
        transfer(3, "c", TransferState::Failed(TransferFailure::Protocol)),
    ]);
    let summary = list.summary();
    assert_eq!((summary.sending, summary.receiving, summary.size), (1, 1, 8 << 20));
    assert_eq!(summary.measured.rate, Some(2 << 20));
    assert_eq!(summary.measured.left, Some(Duration::from_secs(3)));
    list.update(&transfer(1, "a", TransferState::Waiting(Wait::Connection)), "lobby");
    assert_eq!(list.summary().measured.done, 3 << 20);
}

#[test]
fn the_selection_follows_a_transfer_and_stays_in_the_list() {
    let mut list = list(&[1, 2, 3].map(|id| transfer(id, "a", waiting())));
    let selected = |list: &TransferList| list.selected().map(|item| item.transfer.id.0);
    assert_eq!(selected(&list), Some(1));
    list.select(Move::Down(1));
    list.update(&transfer(1, "a", TransferState::Cancelled), "lobby");
    assert_eq!(selected(&list), Some(2), "it has moved to the front");
    list.select(Move::Down(9));
    assert_eq!(selected(&list), Some(1));
    list.select(Move::Up(1));
    assert_eq!(selected(&list), Some(3));
    list.forget(|_| true);
    assert_eq!(selected(&list), Some(1), "the ended one is left");
    assert!(TransferList::default().selected().is_none());
}

#[test]
fn a_row_has_what_fits() {
    let one = list(&[transfer(2, "report.pdf", running(1 << 20, Some(1 << 20)))]);
    let row = |width| texts(rows(&one, Some(ROOM), width, 1)).remove(0);
    let bar = "\u{2501}".repeat(5) + &"\u{2500}".repeat(15);
    assert_eq!(row(80), format!("\u{2191} report.pdf  {bar}  25 % of 4.0 MiB, 1.0 MiB/s, 0:03 left"));
    assert_eq!(row(51), "\u{2191} report.pdf  25 % of 4.0 MiB, 1.0 MiB/s, 0:03 left");
    assert_eq!(row(40), "\u{2191} report.pdf  25 %, 1.0 MiB/s, 0:03 left");
    assert_eq!(row(30), "\u{2191} report.pdf  25 %, 0:03 left");
    assert_eq!(row(12), "\u{2191} rep\u{2026}  25 %");
    assert!(texts(rows(&one, None, 80, 1))[0].starts_with("\u{2191} report.pdf #lobby  "));
}

#[test]
fn many_are_one_row() {
    let many = list(&[
        transfer(1, "a", running(1 << 20, Some(1 << 20))),
        transfer(2, "b", waiting()),
        transfer(3, "c", waiting()),
    ]);
    assert_eq!((height(&many, 80, 24), height(&many, 40, 10)), (1, 1));
    assert_eq!(texts(rows(&many, None, 80, 1)), ["\u{2191}1 \u{2193}2  8 % of 12 MiB, 1.0 MiB/s, 0:11 left"]);
    let two = list(&[transfer(1, "a", waiting()), transfer(2, "b", waiting())]);
    assert_eq!((height(&two, 80, 24), height(&two, 80, 12), height(&two, 50, 24)), (2, 1, 1));
    assert_eq!(height(&list(&[transfer(1, "a", TransferState::Cancelled)]), 80, 24), 0);
}

fn state() -> impl Strategy<Value = TransferState> {
    let measured = (any::<u64>(), any::<Option<u64>>(), any::<Option<u32>>()).prop_map(|(done, rate, left)| {
        TransferState::Running(Measured { done, rate, left: left.map(|left| Duration::from_secs(left.into())) })
    });
    prop_oneof![
        4 => measured,
        1 => Just(waiting()),
        1 => any::<u64>().prop_map(TransferState::Hashing),
        1 => Just(TransferState::Storing),
        1 => any::<u64>().prop_map(TransferState::Sent),
        1 => hard_text().prop_map(|text| TransferState::Received(PathBuf::from(text))),
        1 => any::<u8>().prop_map(|code| TransferState::Failed(TransferFailure::Refused(CancelCode(code)))),
        1 => Just(TransferState::Cancelled),
    ]
}

proptest! {
    #[test]
    fn every_row_fits_and_the_selected_transfer_is_displayed(
        transfers in proptest::collection::vec((0_u32..12, hard_text(), any::<Option<u64>>(), state()), 0..24),
        moves in proptest::collection::vec(any::<bool>(), 0..8),
        (columns, lines) in (0_usize..100, 0_usize..20),
    ) {
        let mut list = TransferList::default();
        for (id, name, size, state) in transfers {
            list.update(&Transfer { size, ..transfer(id, &name, state) }, &name);
        }
        for is_down in moves {
            list.select(if is_down { Move::Down(1) } else { Move::Up(1) });
        }
        let above = rows(&list, None, columns, height(&list, columns, lines));
        let all = list_rows(&list, columns, lines);
        prop_assert!(above.len() <= 2 && all.len() <= lines);
        let is_selected = |row: &&Row| row.spans.iter().any(|span| span.role == Role::Selected);
        if list.selected().is_some() && columns > 0 && lines >= 3 {
            prop_assert!(all.iter().any(|row| is_selected(&row)));
        }
        for row in above.iter().chain(&all) {
            prop_assert!(row.width() <= columns, "{row:?}");
            prop_assert!(!row.text().chars().any(char::is_control));
            prop_assert!(row.spans.iter().all(|span| !span.text.is_empty()));
        }
    }
}
