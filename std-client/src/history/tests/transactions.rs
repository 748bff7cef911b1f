//! Transactions of several operations.

use super::*;
use crate::history::outbox::{Outbox, OutboxLine};

/// The file of anna with a room, its log and an outbox.
fn start(dir: &DataDir) -> (Writer, RoomRow, LogRow, Outbox) {
    let mut writer = open(dir);
    let (room, log) = lobby(&mut writer, 0);
    let outbox = Outbox::take(&writer).unwrap().unwrap();
    (writer, room, log, outbox)
}

fn bodies(outbox: &Outbox, writer: &Writer, room: RoomRow) -> Vec<String> {
    let text = |line: &OutboxLine| String::from_utf8_lossy(&line.body).into_owned();
    outbox.lines(writer, room, 0, 10).unwrap().iter().map(text).collect()
}

#[test]
fn everything_until_the_commit_is_one_transaction() {
    let (_home, dir) = temporary_dir();
    let (mut writer, room, log, mut outbox) = start(&dir);
    let before = commits(&dir, ANNA);
    writer.begin_transaction().unwrap();
    append_range(&mut writer, log, 1..=3);
    outbox.push(&mut writer, room, &[(EntryKind::TEXT, b"typed")]).unwrap();
    writer.mark_read(room, Place { log, seq: 2 }).unwrap();
    writer.begin_transaction().unwrap();
    append_range(&mut writer, log, 4..=4);
    assert_eq!((all(&writer, room), commits(&dir, ANNA)), (String::new(), before), "not yet");
    writer.commit().unwrap();
    assert_eq!((all(&writer, room).as_str(), commits(&dir, ANNA)), ("1 2 3 4", before + 1));
    assert_eq!(writer.reader().unwrap().read_mark(log), Ok(2));
    writer.commit().unwrap();
    append_range(&mut writer, log, 5..=5);
    assert_eq!(commits(&dir, ANNA), before + 2, "an operation alone is one, too");
}

#[test]
fn what_was_not_committed_is_lost_with_the_process() {
    let (_home, dir) = temporary_dir();
    let (mut writer, room, log, mut outbox) = start(&dir);
    append_range(&mut writer, log, 1..=1);
    writer.begin_transaction().unwrap();
    append_range(&mut writer, log, 2..=2);
    outbox.push(&mut writer, room, &[(EntryKind::TEXT, b"typed")]).unwrap();
    drop((writer, outbox));
    let mut writer = open(&dir);
    let outbox = Outbox::take(&writer).unwrap().unwrap();
    assert_eq!(all(&writer, room), "1");
    assert_eq!((cursor(&mut writer, room).1, bodies(&outbox, &writer, room)), (1, vec![]));
}

#[test]
fn an_operation_that_is_refused_leaves_the_others() {
    let (_home, dir) = temporary_dir();
    let (mut writer, room, log, mut outbox) = start(&dir);
    append_range(&mut writer, log, 1..=2);
    writer.begin_transaction().unwrap();
    outbox.push(&mut writer, room, &[(EntryKind::TEXT, b"typed")]).unwrap();
    let contradicting = [text(3, "three"), text(2, "another")];
    assert_eq!(append(&mut writer, log, &contradicting), Err(AppendError::NotContiguous(2)));
    assert_eq!(append(&mut writer, log, &[text(2, "another")]), Err(AppendError::Contradiction(2)));
    append_range(&mut writer, log, 3..=3);
    writer.commit().unwrap();
    assert_eq!((all(&writer, room).as_str(), bodies(&outbox, &writer, room)), ("1 2 3", vec!["typed".to_owned()]));
}

#[test]
fn an_error_of_the_file_undoes_the_whole_transaction() {
    let (_home, dir) = temporary_dir();
    let (mut writer, room, log, mut outbox) = start(&dir);
    append_range(&mut writer, log, 1..=1);
    writer.begin_transaction().unwrap();
    outbox.push(&mut writer, room, &[(EntryKind::TEXT, b"typed")]).unwrap();
    writer.limit_pages(Some(1));
    let long = "x".repeat(4000);
    let full = (2..99).find_map(|seq| append(&mut writer, log, &[text(seq, &long)]).err());
    assert_eq!(full, Some(AppendError::Storage(StorageError(StoreErrorKind::DiskFull))));
    writer.limit_pages(None);
    writer.commit().unwrap();
    assert_eq!((all(&writer, room).as_str(), bodies(&outbox, &writer, room)), ("1", vec![]));
    append_range(&mut writer, log, 2..=2);
    assert_eq!(all(&writer, room), "1 2", "it goes on after the cursor");
}
