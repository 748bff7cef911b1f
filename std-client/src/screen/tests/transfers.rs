//! What a terminal shows of transfers.

use kabar_core::chat::{CancelCode, File, MAX_FILE_BODY_LEN};
use kabar_core::content::Root;
use kabar_core::time::Duration;

use super::*;
use crate::engine::event::{Transfer, TransferFailure, TransferState, Wait};
use crate::transfers::TransferId;
use crate::transfers::progress::Measured;

const SIZE: u64 = 200 << 20;

impl Screenshot {
    fn transfer(&mut self, id: u32, name: &str, state: TransferState) {
        let room = RoomId { server: SERVER, index: id % 2 };
        let (name, is_upload) = (name.to_owned(), id < 3);
        self.event(Event::Transfer(Transfer { id: TransferId(id), room, is_upload, name, size: Some(SIZE), state }));
    }

    fn file(&mut self, name: &str) {
        let mut body = vec![0; MAX_FILE_BODY_LEN];
        let len = File::new(name, SIZE, Root([7; 32]), "application/pdf").unwrap().encode(&mut body).unwrap();
        self.body(0, EntryKind::FILE, "anna", &body[..len]);
    }
}

fn running(percent: u64) -> TransferState {
    let (done, rate) = (SIZE / 100 * percent, 12 << 20);
    TransferState::Running(Measured { done, rate: Some(rate), left: Some(Duration::from_secs((SIZE - done) / rate)) })
}

#[test]
fn one_transfer_is_one_row_above_the_status() {
    let mut shot = Screenshot::joined(40, 10, &["lobby"]);
    shot.file("a/../report.pdf");
    shot.transfer(2, "holiday.mp4", running(42));
    shot.assert(
        "
#lobby


──────────── Fri 1 Nov 2024 ────────────
10:37 anna: file a/../report.pdf (200
            MiB, application/pdf); /get
            1 receives it
↑ holiday.mp4  42 %, 12 MiB/s, 0:09 left
 connected · farhan
[#lobby] type a message; F1: help; /qui…",
    );
}

#[test]
fn two_transfers_are_two_rows_with_bars_where_there_is_space() {
    let mut shot = Screenshot::joined(80, 16, &["lobby", "ops"]);
    shot.transfer(2, "holiday.mp4", running(42));
    shot.transfer(5, "notes.txt", TransferState::Waiting(Wait::Server));
    let rows = shot.rows();
    assert_eq!(
        rows[12..],
        [
            "                  │↑ holiday.mp4     42 % of 200 MiB, 12 MiB/s, 0:09 left",
            "                  │↓ notes.txt #ops  the server does not take it at the moment;…",
            " connected · farhan",
            "[#lobby] type a message; F1: help; /quit leaves",
        ]
    );
    let mut wide = Screenshot::joined(118, 16, &["lobby"]);
    wide.press("alt-m");
    wide.transfer(2, "holiday.mp4", running(42));
    let rows = wide.rows();
    assert!(
        rows[13].ends_with("↑ holiday.mp4  ━━━━━━━━────────────  42 % of 200 MiB, 12 MiB/s, 0:09 left"),
        "{rows:#?}"
    );
}

fn all_states(width: u16, height: u16) -> Screenshot {
    let mut shot = Screenshot::joined(width, height, &["lobby", "ops"]);
    shot.transfer(1, "big.iso", running(10));
    shot.transfer(2, "holiday.mp4", TransferState::Hashing(50 << 20));
    shot.transfer(3, "report.pdf", TransferState::Storing);
    shot.transfer(4, "notes.txt", TransferState::Waiting(Wait::Disk));
    shot.transfer(5, "done.txt", TransferState::Sent(7));
    shot.transfer(6, "refused.txt", TransferState::Failed(TransferFailure::Refused(CancelCode::TOO_LARGE)));
    shot.transfer(7, "gone.txt", TransferState::Cancelled);
    shot
}

#[test]
fn more_transfers_are_one_row_and_a_list() {
    let mut shot = all_states(80, 14);
    assert_eq!(shot.rows()[11], "                  │↑2 ↓2  2 % of 800 MiB, 12 MiB/s, 1:05 left");
    shot.press("alt-t down");
    shot.assert(
        "
1 lobby           │#lobby
2 ops             │Transfers (up and down select, delete cancels, escape closes)
                  │ 1 ↑ big.iso #ops        10 % of 200 MiB, 12 MiB/s, 0:15 left
                  │ 2 ↑ holiday.mp4 #lobby  ━━────────  reading, 25 % of 200 MiB
                  │ 3 ↓ report.pdf #ops     being stored
                  │ 4 ↓ notes.txt #lobby    the disk is full
                  │ 7 ↓ gone.txt #ops       cancelled
                  │ 6 ↓ refused.txt #lobby  it is larger than this server takes
                  │ 5 ↓ done.txt #ops       done
                  │
                  │
                  │
 connected · farhan
[#lobby] type a message; F1: help; /quit leaves",
    );
    assert!(shot.style("2 ↑ holiday").1.contains(Modifier::REVERSED));
    assert!(!shot.style("3 ↓ report").1.contains(Modifier::REVERSED));
}

#[test]
fn a_small_list_has_two_rows_per_transfer_and_scrolls() {
    language::with("id".parse().unwrap(), || {
        let mut shot = all_states(40, 10);
        shot.press("alt-t down down");
        shot.assert(
            "
#lobby
Transfer (atas dan bawah memilih, delet…
 1 ↑ big.iso #ops
    10 %, 12 MiB/s, sisa 0:15
 2 ↑ holiday.mp4 #lobby
    dibaca, 25 % dari 200 MiB
 3 ↓ report.pdf #ops
    sedang disimpan
 tersambung · farhan
[#lobby] ketik pesan; F1: bantuan; /qui…",
        );
        shot.press("down delete");
        let rows = shot.rows();
        assert!(rows[6].starts_with(" 4 ↓ notes.txt") && rows[9] == "batalkan notes.txt? (y/n)", "{rows:#?}");
    });
}
