//! The index and the texts give the same results.

use super::beside::{found, say, search, server};
use super::*;

/// Every letter of Unicode.
fn letters() -> impl Iterator<Item = char> {
    ('\0'..=char::MAX).filter(|c| c.is_alphabetic())
}

/// Letters that differ from their case or normal forms; the others cannot differ.
fn letters_with_forms() -> Vec<char> {
    use unicode_normalization::UnicodeNormalization as _;
    let has_forms = |c: &char| {
        let text = c.to_string();
        text.to_lowercase() != text || text.to_uppercase() != text || text.nfd().ne([*c]) || text.nfc().ne([*c])
    };
    // Hangul syllables all behave alike.
    letters().filter(|c| !('\u{ac10}'..='\u{d7a3}').contains(c)).filter(has_forms).collect()
}

#[test]
fn every_letter_is_found_by_its_own_word_in_each_form() {
    use unicode_normalization::UnicodeNormalization as _;
    let letters = letters_with_forms();
    assert!(letters.len() > 2_500, "{}", letters.len());
    let texts: Vec<String> = letters.iter().map(|c| format!("aaa{c}bbb")).collect();
    let (_home, dir, mut store) = server(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    while store.maintain() {}
    let history = History::open(dir.path()).unwrap();
    let mut missed = Vec::new();
    for (c, seq) in letters.iter().zip(1_u64..) {
        let word = format!("aaa{c}bbb");
        let forms =
            [word.clone(), word.to_lowercase(), word.to_uppercase(), word.nfc().collect(), word.nfd().collect()];
        for form in forms {
            let query = Query::new(&form).unwrap();
            let filter = Filter { search: Some(query), ..Filter::default() };
            let mut selection = history.find("lobby", &filter).unwrap().unwrap();
            let page = history.next_page(&mut selection).unwrap();
            if !page.iter().any(|entry| entry.seq == seq) {
                missed.push(form);
            }
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}

/// Everything that the files of a history contain.
fn bytes_on_disk(dir: &DataDir) -> Vec<u8> {
    let files = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap());
    let files = files.filter(|file| file.file_name().to_string_lossy().starts_with(FILE_NAME));
    files.flat_map(|file| fs::read(file.path()).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_removed_body_is_in_no_file_and_in_no_index() {
    let (_home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    let (secret, kept) = ("tall \u{1f980} hushhush", "tall \u{1f981} kept");
    let long = format!("{secret} {}", "\u{1f980} nothing to see ".repeat(200));
    let text = |seq, text: &str| LogEntry { body: text.into(), ..entry(seq, seq) };
    let term = Some(TermRecord { term: Term([1; 8]), first_seq: 1 });
    let entries = vec![text(1, secret), text(2, kept), text(3, &long)];
    assert_eq!(store.commit(&RoomBatch { term, ..batch(entries) }.into()), Ok(()));
    while store.maintain() {}
    assert_eq!((found(&dir, &search("tall")), found(&dir, &search("\u{1f980} hush"))), (vec![1, 2, 3], vec![1, 3]));
    let removal = RoomBatch { removed: vec![1, 3], ..batch(vec![text(4, "gone")]) };
    assert_eq!(store.commit(&removal.into()), Ok(()));
    assert_eq!((found(&dir, &search("tall")), found(&dir, &search("hushhush"))), (vec![2], vec![]));
    while store.maintain() {}
    // Trigrams of the index would contain this character.
    let bytes = bytes_on_disk(&dir);
    assert!(contains(&bytes, kept) && contains(&bytes, "\u{1f981}"));
    assert!(!contains(&bytes, "hushhush"));
    assert!(!contains(&bytes, "\u{1f980}"), "in the index");
    assert_eq!((found(&dir, &search("tall")), found(&dir, &search("hushhush"))), (vec![2], vec![]));
    drop(store);
    assert_eq!(Report::make(dir.path()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn entries_that_are_not_kept_leave_the_index() {
    let (_home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    let text = |seq| LogEntry { body: format!("word{seq}").into(), ..entry(seq, seq) };
    let term = Some(TermRecord { term: Term([1; 8]), first_seq: 1 });
    assert_eq!(store.commit(&RoomBatch { term, ..batch((1..=600).map(text).collect()) }.into()), Ok(()));
    while store.maintain() {}
    assert_eq!(store.commit(&RoomBatch { first: Some(500), ..batch(vec![]) }.into()), Ok(()));
    assert_eq!((found(&dir, &search("word499")), found(&dir, &search("word500"))), (vec![], vec![500]));
    // A part of the index is not complete yet.
    assert_eq!(store.commit(&commit((601..=700).map(text).collect())), Ok(()));
    assert_eq!(store.commit(&RoomBatch { first: Some(650), removed: vec![660], ..batch(vec![]) }.into()), Ok(()));
    assert_eq!(
        (found(&dir, &search("word6")), found(&dir, &search("word660"))),
        ((650..=699).filter(|seq| *seq != 660).collect(), vec![])
    );
    while store.maintain() {}
    assert_eq!(found(&dir, &search("word70")), [700]);
    drop(store);
    assert_eq!(Report::make(dir.path()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_damaged_index_prevents_no_removal() {
    let (_home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    let text = |seq| LogEntry { body: format!("word{seq}").into(), ..entry(seq, seq) };
    assert_eq!(store.commit(&commit((1..=9).map(text).collect())), Ok(()));
    while store.maintain() {}
    store.connection.execute_batch("DELETE FROM search_data WHERE id > 10").unwrap();
    assert_eq!(store.commit(&RoomBatch { removed: vec![3], ..batch(vec![]) }.into()), Ok(()));
    assert_eq!(store.commit(&RoomBatch { first: Some(3), ..batch(vec![]) }.into()), Ok(()));
    while store.maintain() {}
    assert_eq!(found(&dir, &search("word")), (4..=9).collect::<Vec<_>>());
}

#[test]
fn words_of_other_writings_are_found() {
    let texts = [
        "\u{130}stanbul",
        "\u{10d0}\u{10d1}\u{10d2}\u{10d3}",
        "\u{13a0}\u{13a1}\u{13a2}",
        "\u{1e900}\u{1e901}\u{1e902}",
        "\u{104b0}\u{104b1}\u{104b2}",
        "stra\u{df}e",
        "cafe\u{301}",
        "abc\0defgh",
    ];
    let (_home, dir, mut store) = server(&texts);
    for is_indexed in [false, true] {
        for (text, seq) in texts.iter().zip(1..) {
            for form in [(*text).to_owned(), text.to_uppercase(), text.to_lowercase()] {
                assert_eq!(found(&dir, &search(&form)), [seq], "{form} {is_indexed}");
            }
        }
        assert_eq!(found(&dir, &search("caf\u{e9}")), [7]);
        assert_eq!(found(&dir, &search("STRASSE")), [6]);
        assert_eq!(found(&dir, &search("efg")), [8], "after a NUL");
        while store.maintain() {}
    }
}

#[test]
fn bytes_that_are_no_text_hide_nothing() {
    let (_home, dir, mut store) = server(&["one"]);
    let broken = LogEntry { body: b"ab\xff\xc3findme\0behind".to_vec(), ..entry(2, 2) };
    assert_eq!(store.commit(&commit(vec![broken])), Ok(()));
    for _ in 0..2 {
        assert_eq!(found(&dir, &search("findme")), [2]);
        assert_eq!(found(&dir, &search("behind")), [2]);
        while store.maintain() {}
    }
}

#[test]
fn an_index_that_lost_its_texts_is_not_asked_and_made_again() {
    let (_home, dir, mut store) = server(&["findme", "not this", "FINDME"]);
    for damage in [
        "INSERT INTO search (search) VALUES ('delete-all')",
        "UPDATE indexed SET form = 'another'",
        "DELETE FROM search_docsize WHERE id = 3",
        "DELETE FROM search_idx",
        "DELETE FROM indexed",
    ] {
        while store.maintain() {}
        store.connection.execute_batch("SAVEPOINT a").unwrap();
        store.connection.execute_batch(damage).unwrap();
        store.connection.execute_batch("RELEASE a").unwrap();
        assert_eq!(found(&dir, &search("findme")), [1, 3], "{damage}");
        if damage.contains("search_idx") || damage.contains("FROM indexed") {
            store.connection.execute_batch("INSERT OR REPLACE INTO indexed VALUES (0, 0, -1, '')").unwrap();
        }
        drop(store);
        store = SqliteStore::open(&dir).unwrap();
        while store.maintain() {}
        let report = Report::make(dir.path()).unwrap();
        assert_eq!((report.problems, report.not_indexed), (vec![], 0), "{damage}");
        assert_eq!(found(&dir, &search("findme")), [1, 3], "{damage}");
    }
}

#[test]
fn entries_that_are_gone_are_not_found() {
    let (_home, dir, mut store) = server(&["findme one", "findme two", "findme three"]);
    while store.maintain() {}
    store.connection.execute_batch("DELETE FROM entries WHERE seq = 1").unwrap();
    assert_eq!(found(&dir, &search("findme")), [2, 3]);
    say(&mut store, &["findme four"]);
    assert_eq!(found(&dir, &search("findme")), [2, 3, 4]);
}

#[test]
fn a_query_of_any_length_is_answered() {
    let (_home, dir, mut store) = server(&["abc def ghi"]);
    while store.maintain() {}
    let many: String = std::iter::repeat_n("abc def ghi ", 2_000).collect();
    assert_eq!(found(&dir, &search(&many)), [1]);
}
