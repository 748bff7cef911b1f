//! Transfers in progress, and entries that name files.

use kabar_core::chat::File;
use kabar_core::content::Root;
use rusqlite::Connection;

use super::super::outbox::Outbox;
use super::super::schema::STEPS;
use super::*;

fn record(name: &str, is_upload: bool) -> TransferRecord {
    let (path, content) = (format!("/somewhere/{name}").into(), Some((Root([5; 32]), u64::MAX)));
    TransferRecord { is_upload, name: name.to_owned(), path, is_folder: !is_upload, content }
}

fn taken(writer: &mut Writer, room: RoomRow) -> Vec<TransferRecord> {
    writer.take_transfers(room).unwrap().into_iter().map(|(_, record)| record).collect()
}

fn body(name: &str) -> Vec<u8> {
    let mut body = vec![0; kabar_core::chat::MAX_FILE_BODY_LEN];
    let len = File::new(name, 7, Root([5; 32]), "").unwrap().encode(&mut body).unwrap();
    body.truncate(len);
    body
}

#[test]
fn a_transfer_belongs_to_one_process_until_that_ends() {
    let (_home, dir) = temporary_dir();
    let (mut writer, mut other) = (open(&dir), open(&dir));
    let (room, _) = lobby(&mut writer, 0);
    let elsewhere = writer.room(&key(7), "elsewhere").unwrap();
    let records = [record("one", true), record("two", false)];
    let held: Vec<_> = records.iter().map(|record| writer.add_transfer(room, record).unwrap().unwrap()).collect();
    assert!(taken(&mut other, room).is_empty() && taken(&mut other, elsewhere).is_empty());
    // As after a kill: the locks are free, and the records remain.
    drop(held);
    let held = other.take_transfers(room).unwrap();
    assert!(held.iter().map(|(_, record)| record).eq(&records));
    assert!(taken(&mut writer, room).is_empty());
    other.remove_transfer(&held[0].0).unwrap();
    drop(held);
    assert_eq!(taken(&mut writer, room), [record("two", false)]);
}

#[test]
fn an_upload_that_is_not_hashed_is_recorded_and_its_content_added() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, _) = lobby(&mut writer, 0);
    let wish = TransferRecord { content: None, ..record("one", true) };
    drop(writer.add_transfer(room, &wish).unwrap().unwrap());
    let (held, taken) = writer.take_transfers(room).unwrap().remove(0);
    assert_eq!(taken, wish);
    writer.set_transfer_content(&held, Root([9; 32]), 7).unwrap();
    drop(held);
    let (_, taken) = writer.take_transfers(room).unwrap().remove(0);
    assert_eq!(taken.content, Some((Root([9; 32]), 7)));
}

#[test]
fn an_upload_ends_in_the_transaction_that_posts_its_entry() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, _) = lobby(&mut writer, 0);
    let held = writer.add_transfer(room, &record("one", true)).unwrap().unwrap();
    let mut outbox = Outbox::take(&writer).unwrap().unwrap();
    let mut post = |writer: &mut Writer| {
        writer.begin_transaction().unwrap();
        outbox.push(writer, room, &[(EntryKind::FILE, &body("one"))]).unwrap();
        writer.remove_transfer(&held).unwrap();
    };
    let lines = |writer: &Writer| -> i64 {
        writer.connection.query_row("SELECT count(*) FROM outbox_lines", [], |row| row.get(0)).unwrap()
    };
    post(&mut writer);
    // Killed before the commit.
    drop(writer);
    let mut writer = open(&dir);
    assert_eq!((lines(&writer), taken(&mut writer, room).len()), (0, 1));
    post(&mut writer);
    writer.commit().unwrap();
    assert_eq!((lines(&writer), taken(&mut writer, room).len()), (1, 0));
}

#[test]
fn a_file_is_found_by_its_entry_and_by_the_last_name() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (_, log) = lobby(&mut writer, 0);
    let bodies = [body("a.txt"), body("b\u{202e}.txt"), body("a.txt")];
    let files = (1..).zip(&bodies).map(|(seq, body)| entry(seq, EntryKind::FILE, Content::Body(body)));
    let damaged = entry(5, EntryKind::FILE, Content::Body(b"damaged"));
    let entries: Vec<_> = files.chain([text(4, "a.txt"), damaged]).collect();
    append(&mut writer, log, &entries).unwrap();
    let reader = writer.reader().unwrap();
    let found = |entry: FileEntry| reader.file_entry(log, &entry).unwrap().map(|(seq, _)| seq);
    let named = |name: &str| found(FileEntry::Named(name.to_owned()));
    assert_eq!((named("a.txt"), named("b.txt"), named("b\u{202e}.txt"), named("c")), (Some(3), Some(2), Some(2), None));
    assert_eq!(reader.files(log, 2).unwrap(), [b"damaged".to_vec(), body("a.txt")]);
    assert_eq!(reader.files(log, 9).unwrap().len(), 4);
    let seqs = [1, 4, 9, u64::MAX].map(|seq| found(FileEntry::Seq(seq)));
    assert_eq!(seqs, [Some(1), None, None, None]);
}

#[test]
fn a_history_of_an_earlier_version_gets_transfers() {
    let (_home, dir) = temporary_dir();
    let (room, log) = {
        let mut writer = open(&dir);
        let (room, log) = lobby(&mut writer, 0);
        append_range(&mut writer, log, 1..=3);
        (room, log)
    };
    let path = dir.join(&format!("history/{ANNA}.db"));
    let former = Connection::open(path).unwrap();
    former
        .execute_batch(
            "DROP TABLE transfers; DROP INDEX entries_of_files; PRAGMA user_version = 1; PRAGMA journal_mode = DELETE",
        )
        .unwrap();
    drop(former);
    assert_eq!(STEPS.len(), 3);
    let mut writer = open(&dir);
    assert!(writer.add_transfer(room, &record("one", true)).unwrap().is_some());
    assert_eq!(cursor(&mut writer, room).0, log);
    assert_eq!(all(&writer, room), "1 2 3");
}
