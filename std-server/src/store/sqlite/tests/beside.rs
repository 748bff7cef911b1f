//! Queries, checks and copies while a server runs.

use super::*;

/// A server that has posted these texts, one per second.
pub(super) fn server(texts: &[&str]) -> (tempfile::TempDir, DataDir, SqliteStore) {
    let (home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    say(&mut store, texts);
    (home, dir, store)
}

pub(super) fn say(store: &mut SqliteStore, texts: &[&str]) {
    let head = store.load_room("lobby").unwrap().head;
    let term = (head == 0).then_some(TermRecord { term: Term([1; 8]), first_seq: 1 });
    let entries = texts.iter().zip(head + 1..).map(|(text, seq)| {
        let body = text.as_bytes().to_vec();
        LogEntry { time_ms: seq * 1_000, body, ..entry(seq, seq) }
    });
    assert_eq!(store.commit(&RoomBatch { term, ..batch(entries.collect()) }.into()), Ok(()));
}

pub(super) fn found(dir: &DataDir, filter: &Filter) -> Vec<u64> {
    let history = History::open(dir.path()).unwrap();
    let mut selection = history.find("lobby", filter).unwrap().unwrap();
    let mut found = Vec::new();
    loop {
        let page = history.next_page(&mut selection).unwrap();
        if page.is_empty() {
            return found;
        }
        found.extend(page.into_iter().map(|entry| entry.seq));
    }
}

pub(super) fn search(text: &str) -> Filter {
    Filter { search: Query::new(text), ..Filter::default() }
}

#[test]
fn looks_up_the_last_and_the_latest() {
    let texts: Vec<String> = (1..=700).map(|seq| format!("text {seq}")).collect();
    let (_home, dir, _store) = server(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let all: Vec<u64> = (1..=700).collect();
    assert_eq!(found(&dir, &Filter::default()), all);
    let filter = |last, since_ms| Filter { last, since_ms, search: None };
    assert_eq!(found(&dir, &filter(Some(3), None)), [698, 699, 700]);
    assert_eq!(found(&dir, &filter(Some(0), None)), [0; 0]);
    assert_eq!(found(&dir, &filter(None, Some(699_000))), [699, 700]);
    assert_eq!(found(&dir, &filter(Some(1), Some(699_000))), [700]);
    assert_eq!(found(&dir, &filter(Some(u64::MAX), Some(0))), all);
    assert_eq!(found(&dir, &filter(None, Some(u64::MAX))), [0; 0]);
    let history = History::open(dir.path()).unwrap();
    assert!(history.find("attic", &Filter::default()).unwrap().is_none());
    assert_eq!(history.rooms(), Ok(vec!["lobby".to_owned()]));
}

#[test]
fn finds_words_whatever_is_in_the_index() {
    let (_home, dir, mut store) =
        server(&["Apa kabar?", "KABAR baik", "a:b*c-d \"quoted\"", "ÉLÉA", "ab", "\u{1f44b}\u{1f44b}"]);
    let check = || {
        for (text, wanted) in [
            ("kabar", vec![1, 2]),
            ("kab BAIK", vec![2]),
            ("\"a k\"", vec![1]),
            ("a:b*c-d", vec![3]),
            ("\"quoted\"", vec![3]),
            ("*", vec![3]),
            ("OR", vec![]),
            ("NOT kabar", vec![]),
            ("\"", vec![3]),
            ("éléa", vec![4]),
            ("AB", vec![1, 2, 5]),
            ("\u{1f44b}", vec![6]),
            ("body:kabar", vec![]),
            ("(kabar", vec![]),
            ("^kabar", vec![]),
        ] {
            assert_eq!(found(&dir, &search(text)), wanted, "{text}");
        }
    };
    check();
    while store.maintain() {}
    check();
    assert_eq!(Report::make(dir.path()).unwrap().not_indexed, 0);
    say(&mut store, &["kabar again"]);
    assert_eq!(found(&dir, &search("kabar")), [1, 2, 7], "half of them from the index");
    let limited = Filter { last: Some(2), ..search("kabar") };
    assert_eq!(found(&dir, &limited), [2, 7]);
    let recent = Filter { since_ms: Some(2_000), ..search("kabar") };
    assert_eq!(found(&dir, &recent), [2, 7]);
    complete_index(dir.path());
    assert_eq!(found(&dir, &search("kabar")), [1, 2, 7]);
    assert!(!store.maintain(), "nothing is left to do");
}

#[test]
fn a_damaged_index_hides_nothing() {
    let (_home, dir, mut store) = server(&["findme", "not this", "FINDME"]);
    while store.maintain() {}
    store.connection.execute_batch("DELETE FROM search_data WHERE id > 10").unwrap();
    assert_eq!(found(&dir, &search("findme")), [1, 3]);
}

#[test]
fn only_texts_are_searched() {
    let (_home, dir, mut store) = server(&["findme"]);
    let data = LogEntry { kind: EntryKind::DATA, body: b"findme".to_vec(), ..entry(2, 2) };
    assert_eq!(store.commit(&commit(vec![data])), Ok(()));
    assert_eq!(found(&dir, &search("findme")), [1]);
    while store.maintain() {}
    assert_eq!(found(&dir, &search("findme")), [1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_index_finds_the_same_as_a_scan_of_all_texts(
        texts in prop::collection::vec("[aAbB \"*ÉéßÇ:ΣσςИи]{0,12}", 1..20),
        parts in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, 3..6_usize), 1..12),
        queries in prop::collection::vec("[aAbB \"*ÉéßÇ:ΣσςИи]{1,6}|.{1,4}", 1..12),
        indexed in 0..20_usize,
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (now, later) = texts.split_at(indexed.min(texts.len()));
        let (_home, dir, mut store) = server(now);
        while store.maintain() {}
        say(&mut store, later);
        let part = |(at, from, count): (prop::sample::Index, usize, usize)| {
            at.get(&texts).chars().skip(from).take(count).collect::<String>()
        };
        let queries: Vec<String> = parts.into_iter().map(part).chain(queries).collect();
        for text in queries {
            let Some(query) = Query::new(&text) else { continue };
            let wanted: Vec<u64> =
                texts.iter().zip(1..).filter(|(text, _)| query.matches(text)).map(|(_, seq)| seq).collect();
            prop_assert_eq!(found(&dir, &search(&text)), wanted, "{:?}", text);
        }
    }
}

#[test]
fn a_whole_history_has_no_problem() {
    let (_home, dir, mut store) = server(&["one", "two"]);
    let report = Report::make(dir.path()).unwrap();
    assert_eq!((report.problems, report.not_indexed), (vec![], 2));
    while store.maintain() {}
    let report = Report::make(dir.path()).unwrap();
    let room = RoomReport { name: "lobby".into(), entries: 2, head: 2, terms: 1 };
    assert_eq!(report, Report { rooms: vec![room], names: 0, not_indexed: 0, problems: vec![] });
}

#[test]
fn check_finds_every_kind_of_damage() {
    for (damage, wanted) in [
        ("DELETE FROM entries WHERE seq = 2", "entries 2 to 2 are missing"),
        ("DELETE FROM entries WHERE seq = 3", "the last entry is 2, but 3 had been reached"),
        ("UPDATE entries SET number = 9 WHERE seq = 2", "entry 3 has number 3 after number 9"),
        ("UPDATE instances SET highest = 7", "the number of entry 3"),
        ("UPDATE entries SET body = x'ff' WHERE seq = 2", "entry 2 is a text that is not UTF-8"),
        ("UPDATE terms SET first_seq = 9", "the runs of the server do not follow each other"),
        ("DELETE FROM terms", "no run of the server is known"),
        ("UPDATE entries SET room = 5 WHERE seq = 3", "belongs to no room"),
        ("DELETE FROM search_docsize WHERE id = 2", "does not hold what it says"),
        ("DELETE FROM search_data WHERE id > 10", "table \"search\""),
        ("PRAGMA writable_schema = on; DELETE FROM sqlite_schema WHERE name = 'entries_by_seq'", "the file:"),
    ] {
        let (_home, dir, mut store) = server(&["first", "second", "third"]);
        while store.maintain() {}
        drop(store);
        let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
        connection.execute_batch("PRAGMA foreign_keys = off").unwrap();
        connection.execute_batch(damage).unwrap();
        drop(connection);
        let report = Report::make(dir.path()).unwrap();
        assert!(report.problems.iter().any(|line| line.contains(wanted)), "{damage}: {:#?}", report.problems);
    }
}

#[test]
fn a_page_that_is_damaged_is_found() {
    let texts = vec!["some text that fills pages, so that there are many of them"; 500];
    let (_home, dir, store) = server(&texts);
    drop(store);
    let path = dir.join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    // A page of entries: those of the schema are before them.
    let at = (bytes.len() / 4 * 3) & !4_095;
    bytes[at..at + 4_096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    assert_ne!(Report::make(dir.path()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_copy_is_the_history_of_one_moment() {
    let (home, dir, mut store) = server(&["one", "two"]);
    while store.maintain() {}
    let to = home.path().join("copy.db");
    copy(dir.path(), &to).unwrap();
    say(&mut store, &["three"]);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&to.metadata().unwrap().permissions()) & 0o777, 0o600);
    assert!(matches!(copy(dir.path(), &to), Err(CopyError::Exists(_))));
    let other = DataDir::open(&home.path().join("other")).unwrap();
    fs::rename(&to, other.join(FILE_NAME)).unwrap();
    let mut copied = SqliteStore::open(&other).unwrap();
    assert_eq!((seqs(&mut copied, 1..=9), seqs(&mut store, 1..=9)), (vec![1, 2], vec![1, 2, 3]));
    assert_eq!(Report::make(other.path()).unwrap().problems, Vec::<String>::new());
    assert_eq!(found(&other, &search("two")), [2]);
}

#[test]
fn a_copy_that_fails_leaves_nothing() {
    let (home, dir, _store) = server(&["one"]);
    let to = home.path().join("nowhere/copy.db");
    let error = copy(dir.path(), &to).unwrap_err().to_string();
    assert!(error.contains("nowhere") && !error.contains('\n'), "{error}");
    assert!(matches!(copy(home.path(), &home.path().join("x")), Err(CopyError::Open(OpenError::Missing(_)))));
    assert!(!home.path().join("x").exists());
}
