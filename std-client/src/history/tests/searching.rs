//! Full-text search.

use kabar_std::search::Query;

use super::*;

fn find(writer: &Writer, query: &str, room: Option<RoomRow>) -> Vec<(RoomRow, u64)> {
    let query = Query::new(query).unwrap();
    let found = writer.reader().unwrap().search(&query, room, None, 100).unwrap();
    assert_eq!(found.next, None);
    found.hits.iter().map(|hit| (hit.room, hit.entry.place.seq)).collect()
}

#[test]
fn words_and_phrases_are_found_newest_first() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (lobby, log) = lobby(&mut writer, 0);
    let other = writer.room(&key(8), "other").unwrap();
    let other_log = writer.begin(other, None, at(5, T1)).unwrap().log;
    let data = entry(4, EntryKind::DATA, Content::Body(b"apa kabar"));
    append(&mut writer, log, &[text(1, "Apa kabar?"), text(2, "baik"), stub(3, 5000), data]).unwrap();
    append(&mut writer, other_log, &[text(6, "KABAR, apa itu"), text(7, "\u{c9}l\u{e9}a: ok")]).unwrap();
    // An older page is stored later.
    writer.add_page(other_log, &[text(2, "kabar baik, apa kabar")], None).unwrap();
    // With the index, without it, and with a part of it.
    for (round, up_to) in [i64::MAX, 0, 4].into_iter().enumerate() {
        if round > 0 {
            let fold = "INSERT INTO search (search) VALUES ('delete-all');
                        UPDATE indexed SET up_to = (SELECT min(max(id), ?1) FROM entries);";
            writer.connection.execute_batch(&fold.replace("?1", &up_to.to_string())).unwrap();
            writer.connection.execute("INSERT INTO search (rowid, body) SELECT id, body FROM texts", []).unwrap();
        }
        assert_eq!(find(&writer, "apa KABAR", None), [(other, 6), (other, 2), (lobby, 1)]);
        assert_eq!(find(&writer, "\"apa kabar\"", None), [(other, 2), (lobby, 1)]);
        assert_eq!(find(&writer, "apa kabar", Some(lobby)), [(lobby, 1)]);
        assert_eq!(find(&writer, "\u{e9}l\u{c9}A", None), [(other, 7)]);
        assert_eq!(find(&writer, "ok", None), [(other, 7)], "a short word");
        assert_eq!(find(&writer, "nothing", None), []);
    }
}

#[test]
fn pages_of_hits_join_without_overlap() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (_, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=50);
    let reader = writer.reader().unwrap();
    for query in ["text", "te"] {
        let (mut seqs, mut after) = (Vec::new(), None);
        loop {
            let page = reader.search(&Query::new(query).unwrap(), None, after, 7).unwrap();
            seqs.extend(page.hits.iter().map(|hit| hit.entry.place.seq));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seqs, (1..=50).rev().collect::<Vec<_>>());
    }
}

#[test]
fn an_index_of_another_form_is_filled_again() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    for from in [1, 1001, 2001] {
        append_range(&mut writer, log, from..=from + 999);
    }
    writer.connection.execute("UPDATE indexed SET form = 'earlier'", []).unwrap();
    assert_eq!(find(&writer, "\"text 1234\"", None), [(room, 1234)]);
    let mut rounds = 0;
    while writer.maintain().unwrap() {
        rounds += 1;
        assert_eq!(find(&writer, "\"text 1234\"", None), [(room, 1234)]);
    }
    assert_eq!(rounds, 2, "1024 at a time");
    let texts: i64 = writer.connection.query_row("SELECT count(*) FROM search_docsize", [], |row| row.get(0)).unwrap();
    assert_eq!(texts, 3000);
    writer.connection.execute("INSERT INTO search (search) VALUES ('integrity-check')", []).unwrap();
}

#[test]
fn a_damaged_index_hides_nothing() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=9);
    writer.connection.execute("DELETE FROM search_data WHERE id > 10", []).unwrap();
    assert_eq!(find(&writer, "\"text 5\"", None), [(room, 5)]);
}
