//! Logs begin and continue; entries and their cursor.

use super::*;

#[test]
fn entries_and_cursor_are_there_after_a_restart() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 4);
    append(&mut writer, log, &[text(5, "five"), stub(6, 5000), text(7, "seven")]).unwrap();
    drop(writer);
    let mut writer = open(&dir);
    assert_eq!(writer.room(&key(7), "lobby").unwrap(), room);
    assert_eq!(cursor(&mut writer, room), (log, 7, T1));
    let reader = writer.reader().unwrap();
    let stored = reader.entry(Place { log, seq: 5 }).unwrap().unwrap();
    assert_eq!((stored.author.as_str(), stored.time_ms, stored.instance, stored.number), ("bob", 5000, 5, 5));
    assert_eq!(stored.content, StoredContent::Body(b"five".to_vec()));
    assert_eq!(reader.entry(Place { log, seq: 6 }).unwrap().unwrap().content, StoredContent::Omitted(5000));
    assert_eq!(all(&writer, room), "[1-4] 5 ~6 7");
}

#[test]
fn batches_of_several_rooms_are_one_transaction() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (lobby, first) = lobby(&mut writer, 0);
    let other = writer.room(&key(8), "lobby").unwrap();
    let second = writer.begin(other, None, at(0, T2)).unwrap().log;
    let batch = |log, entries| Batch { log, term: T2, entries };
    let (one, two) = ([text(1, "one")], [text(2, "two")]);
    let wrong = writer.append(&[batch(first, &one), batch(second, &two)]);
    assert_eq!(wrong, Err(AppendError::NotContiguous(2)));
    assert_eq!(cursor(&mut writer, lobby), (first, 0, T1), "nothing of it is stored");
    writer.append(&[batch(first, &one), batch(second, &one)]).unwrap();
    assert_eq!((cursor(&mut writer, lobby), cursor(&mut writer, other)), ((first, 1, T2), (second, 1, T2)));
}

#[test]
fn entries_that_do_not_follow_are_refused() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 2);
    append_range(&mut writer, log, 3..=4);
    let largest = u64::MAX;
    for (seqs, wrong) in [(vec![6], 6), (vec![5, 7], 7), (vec![5, 5], 5), (vec![largest], largest), (vec![0], 0)] {
        let entries: Vec<_> = seqs.iter().map(|seq| text(*seq, "x")).collect();
        assert_eq!(append(&mut writer, log, &entries), Err(AppendError::NotContiguous(wrong)), "{seqs:?}");
    }
    let many: Vec<_> = (5..=5 + MAX_BATCH as u64).map(|seq| text(seq, "x")).collect();
    assert_eq!(append(&mut writer, log, &many), Err(AppendError::TooMany));
    append(&mut writer, log, &[]).unwrap();
    assert_eq!(cursor(&mut writer, room), (log, 4, T1));
}

#[test]
fn another_process_appends_the_same_entries() {
    let (_home, dir) = temporary_dir();
    let (mut first, mut second) = (open(&dir), open(&dir));
    let (room, log) = lobby(&mut first, 0);
    assert_eq!(lobby(&mut second, 0), (room, log), "begun in the same term");
    append_range(&mut first, log, 1..=3);
    append_range(&mut second, log, 1..=2);
    assert_eq!(cursor(&mut first, room), (log, 3, T1), "the cursor does not go back");
    append_range(&mut second, log, 3..=5);
    assert_eq!(cursor(&mut first, room), (log, 5, T1));
    append_range(&mut first, log, 4..=6);
    assert_eq!(all(&first, room), "1 2 3 4 5 6");
}

#[test]
fn an_entry_that_contradicts_changes_nothing() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=3);
    let named = |author| NewEntry { header: EntryHeader { author, ..text(3, "").header }, ..text(3, "text 3") };
    let numbered = |number| NewEntry { header: EntryHeader { number, ..text(3, "").header }, ..text(3, "text 3") };
    let action = entry(3, EntryKind::ACTION, Content::Body(b"text 3"));
    for other in [text(3, "other"), named("eve"), numbered(9), action] {
        let result = append(&mut writer, log, &[text(2, "text 2"), other, text(4, "four")]);
        assert_eq!(result, Err(AppendError::Contradiction(3)), "{other:?}");
    }
    assert_eq!(cursor(&mut writer, room), (log, 3, T1));
    // The session begins another log where it is.
    let next = writer.begin(room, Some(log), reset(2, T2)).unwrap();
    assert!(next.log > log);
    writer.append(&[Batch { log: next.log, term: T2, entries: &[text(3, "other")] }]).unwrap();
    assert_eq!(all(&writer, room), "1 2 3 (1-2) 3".replace("(1-2)", "[1-2]"));
}

#[test]
fn a_reset_begins_a_log_and_the_earlier_one_stays() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 10);
    append_range(&mut writer, log, 11..=12);
    let next = writer.begin(room, Some(log), reset(0, T2)).unwrap();
    assert_eq!((next.cursor, next.log > log), (Cursor { seq: 0, term: T2 }, true));
    assert_eq!(writer.begin(room, Some(log), reset(0, T2)).unwrap().log, next.log, "another process was reset too");
    writer.append(&[Batch { log: next.log, term: T2, entries: &[text(1, "new")] }]).unwrap();
    assert_eq!(cursor(&mut writer, room), (next.log, 1, T2));
    assert_eq!(all(&writer, room), "(1-10) 11 12 1");
    // Another term: another life.
    let third = writer.begin(room, Some(next.log), reset(0, T1)).unwrap();
    assert!(third.log > next.log);
    let fourth = writer.begin(room, Some(third.log), reset(0, T2)).unwrap();
    let logs = "SELECT count(*) FROM logs";
    let logs: i64 = writer.connection.query_row(logs, [], |row| row.get(0)).unwrap();
    assert_eq!((fourth.log > third.log, logs), (true, 3), "one without entries is not kept");
}

#[test]
fn a_log_that_another_process_dropped_begins_again() {
    let (_home, dir) = temporary_dir();
    let (mut first, mut second) = (open(&dir), open(&dir));
    let (room, log) = lobby(&mut first, 3);
    let next = second.begin(room, Some(log), reset(3, T2)).unwrap().log;
    assert_eq!(append(&mut first, log, &[text(4, "x")]), Err(AppendError::Contradiction(4)));
    assert!(matches!(first.add_page(log, &[text(3, "x")], None), Err(AppendError::Contradiction(_))));
    assert_eq!(first.begin(room, Some(log), at(3, T2)).unwrap().log, next);
    append(&mut first, next, &[text(4, "x")]).unwrap();
    assert_eq!(all(&first, room), "[1-3] 4");
}

#[test]
fn a_log_continues_after_its_cursor_or_after_a_gap() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=3);
    let resumed = writer.begin(room, Some(log), at(3, T2)).unwrap();
    assert_eq!(resumed, CurrentLog { log, start: 0, cursor: Cursor { seq: 3, term: T2 } });
    // The server has dropped 4 to 6.
    assert_eq!(writer.begin(room, Some(log), at(6, T2)).unwrap().cursor, Cursor { seq: 6, term: T2 });
    assert_eq!(all(&writer, room), "1 2 3 (4-6)");
    append_range(&mut writer, log, 7..=8);
    assert_eq!(all(&writer, room), "1 2 3 (4-6) 7 8");
    // A process that was slower.
    assert_eq!(writer.begin(room, Some(log), at(3, T1)).unwrap().cursor.seq, 8);
    assert_eq!(writer.begin(room, Some(log), at(u64::MAX, T1)), Err(AppendError::NotContiguous(u64::MAX)));
}

#[test]
fn a_removal_erases_the_body_everywhere() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    // No other word begins with a q, so the index holds this one as it is.
    let secret = "qjx";
    let index_holds_it = |writer: &Writer| -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM search_data WHERE instr(block, CAST('qjx' AS BLOB)))";
        writer.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    append(&mut writer, log, &[text(1, "one"), text(2, secret), text(3, "three")]).unwrap();
    while writer.maintain().unwrap() {}
    let holds = |dir: &DataDir, bytes: &[u8]| {
        ["", "-wal"].iter().any(|suffix| {
            let file = std::fs::read(dir.join(&format!("history/{ANNA}.db{suffix}"))).unwrap();
            file.windows(bytes.len()).any(|window| window == bytes)
        })
    };
    assert!(holds(&dir, secret.as_bytes()) && index_holds_it(&writer));
    let reader = writer.reader().unwrap();
    append(&mut writer, log, &[removal(4, &2_u64.to_be_bytes())]).unwrap();
    assert!(!writer.maintain().unwrap());
    assert!(!holds(&dir, secret.as_bytes()) && !index_holds_it(&writer));
    assert_eq!(all(&writer, room), "1 -2 3 4");
    let query = kabar_std::search::Query::new(secret).unwrap();
    assert_eq!(reader.search(&query, None, None, 10).unwrap().hits, []);
    assert_eq!(reader.summaries().unwrap()[0].unread.entries, 3, "it is unread no longer");
    // A process that received it before the removal does not bring it back.
    append(&mut writer, log, &[text(2, secret), text(3, "three"), removal(4, &2_u64.to_be_bytes())]).unwrap();
    assert_eq!(all(&writer, room), "1 -2 3 4");
}

#[test]
fn a_removed_entry_is_the_same_entry() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=3);
    // Received after its removal, by another process; and a removal that arrives before its entry.
    append(&mut writer, log, &[entry(2, EntryKind::REMOVED, Content::Body(b""))]).unwrap();
    assert_eq!(all(&writer, room), "1 -2 3");
    let (room, log) = {
        let room = writer.room(&key(8), "lobby").unwrap();
        (room, writer.begin(room, None, at(5, T1)).unwrap().log)
    };
    append(&mut writer, log, &[removal(6, &4_u64.to_be_bytes()), removal(7, &6_u64.to_be_bytes())]).unwrap();
    writer.add_page(log, &[text(3, "three"), text(4, "four"), text(5, "five")], None).unwrap();
    assert_eq!(all(&writer, room), "[1-2] 3 -4 5 6 7", "a removal is not removed");
}

#[test]
fn older_pages_fill_gaps_and_move_no_cursor() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 6);
    append_range(&mut writer, log, 7..=8);
    writer.add_page(log, &[text(3, "three"), text(4, "four")], None).unwrap();
    assert_eq!(all(&writer, room), "[1-2] 3 4 [5-6] 7 8");
    writer.add_page(log, &[text(5, "five"), text(6, "six"), text(7, "text 7")], Some(2)).unwrap();
    assert_eq!(all(&writer, room), "(1-2-2] 3 4 5 6 7 8");
    assert_eq!(cursor(&mut writer, room), (log, 8, T1));
    assert_eq!(writer.add_page(log, &[text(8, "text 8"), text(9, "nine")], None), Err(AppendError::NotContiguous(9)));
    assert_eq!(writer.add_page(log, &[text(7, "other")], None), Err(AppendError::Contradiction(7)));
}

#[test]
fn a_body_replaces_a_stub_and_own_lines_are_not_unread() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append(&mut writer, log, &[stub(1, 5000), text(2, "mine")]).unwrap();
    append(&mut writer, log, &[text(1, "the whole text")]).unwrap();
    append(&mut writer, log, &[stub(1, 5000)]).unwrap();
    assert_eq!(all(&writer, room), "1 2");
    append(&mut writer, log, &[NewEntry { attention: Attention::None, ..text(2, "mine") }]).unwrap();
    let reader = writer.reader().unwrap();
    assert_eq!(reader.summaries().unwrap()[0].unread.entries, 1);
    let query = kabar_std::search::Query::new("whole").unwrap();
    assert_eq!(reader.search(&query, None, None, 10).unwrap().hits.len(), 1, "it is indexed");
}
