//! A start that is refused changes nothing on the disk.

use std::collections::BTreeMap;

use kabar_std::sqlite::{self, migrate, of_io};

use super::beside::{say, server};
use super::*;

/// The files of a directory, by length and checksum.
fn content(dir: &Path) -> BTreeMap<String, (usize, u64)> {
    let mut content = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let bytes = if path.is_dir() { b"directory".to_vec() } else { fs::read(path).unwrap() };
        let mut sum = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&bytes, &mut sum);
        content.insert(entry.file_name().to_str().unwrap().to_owned(), (bytes.len(), std::hash::Hasher::finish(&sum)));
    }
    content
}

/// A copy of a directory at this moment.
fn like(home: &Path, name: &str, dir: &DataDir, suffixes: &[&str]) -> DataDir {
    let copy = DataDir::open(&home.join(name)).unwrap();
    for suffix in suffixes {
        let name = format!("{FILE_NAME}{suffix}");
        fs::copy(dir.join(&name), copy.join(&name)).unwrap();
    }
    copy
}

/// Asserts that every way to open it fails with the same error, which contains `wanted`, and
/// changes nothing.
fn refuses(dir: &DataDir, wanted: &[&str]) -> OpenError {
    let before = content(dir.path());
    let refusal = SqliteStore::open(dir).unwrap_err();
    for _ in 0..3 {
        assert_eq!(SqliteStore::open(dir).unwrap_err().to_string(), refusal.to_string());
    }
    let line = refusal.to_string();
    assert!(wanted.iter().all(|wanted| line.contains(wanted)) && !line.contains('\n'), "{line}");
    assert_eq!(content(dir.path()), before, "{line}");
    refusal
}

/// The same, and also for readers.
fn refuses_all(dir: &DataDir, wanted: &[&str]) -> OpenError {
    let refusal = refuses(dir, wanted);
    let before = content(dir.path());
    let _ = History::open(dir.path());
    let _ = Report::make(dir.path());
    complete_index(dir.path());
    let after = content(dir.path());
    for (name, content) in &before {
        assert!(name.ends_with("-shm") || after.get(name) == Some(content), "{name}: {refusal}");
    }
    refusal
}

const NEEDED: [&str; 3] = ["history.db-wal", "history.db-shm", "kabar-server restore FILE"];

#[test]
fn a_log_beside_a_backup_is_not_replayed() {
    for (before, after) in [(3, 1), (3, 300), (300, 3), (1, 1)] {
        let texts = |word: &str, count| (0..count).map(|number| format!("{word} {number}")).collect::<Vec<_>>();
        let all = |texts: &[String]| texts.iter().map(String::as_str).collect::<Vec<_>>().join("\0");
        let (home, dir, mut store) = server(&[]);
        for chunk in [texts("old", before), texts("lost", after)] {
            for text in all(&chunk).split('\0') {
                say(&mut store, &[text]);
            }
            if chunk[0].starts_with("old") {
                copy(dir.path(), &home.path().join("backup.db")).unwrap();
            }
        }
        // Killed now.
        let killed = like(home.path(), "killed", &dir, &["", "-wal", "-shm"]);
        fs::copy(home.path().join("backup.db"), killed.join(FILE_NAME)).unwrap();
        assert!(matches!(refuses_all(&killed, &NEEDED), OpenError::ForeignLog(_)));
        let backup = fs::read(home.path().join("backup.db")).unwrap();
        assert_eq!(fs::read(killed.join(FILE_NAME)).unwrap(), backup, "the backup is what it was");
        // Without the index of the log, too.
        fs::remove_file(killed.join("history.db-shm")).unwrap();
        refuses_all(&killed, &NEEDED);
    }
}

#[test]
fn a_log_with_all_pages_of_another_history_is_not_replayed() {
    let (home, dir, mut store) = server(&["one"]);
    say(&mut store, &["two"]);
    // Every page is in the log: with it, any file is a sound history.
    store.connection.execute_batch("PRAGMA wal_autocheckpoint = 0; VACUUM").unwrap();
    let killed = like(home.path(), "killed", &dir, &["", "-wal"]);
    let (_home, other, _store) = server(&["theirs"]);
    copy(other.path(), &home.path().join("backup.db")).unwrap();
    fs::copy(home.path().join("backup.db"), killed.join(FILE_NAME)).unwrap();
    assert!(matches!(refuses_all(&killed, &NEEDED), OpenError::ForeignLog(_)));
}

#[test]
fn a_log_beside_a_copy_of_the_file_alone_is_not_replayed() {
    // An old copy of the file by other means, and the log of much later.
    let (home, dir, mut store) = server(&["one", "two"]);
    let clean = |store: SqliteStore| {
        drop(store);
        SqliteStore::open(&dir).unwrap()
    };
    store = clean(store);
    let old = like(home.path(), "old", &dir, &[""]);
    for round in 0..3 {
        say(&mut store, &[&format!("later {round}")]);
        store = clean(store);
    }
    say(&mut store, &["last"]);
    fs::copy(dir.join("history.db-wal"), old.join("history.db-wal")).unwrap();
    assert!(matches!(refuses_all(&old, &NEEDED), OpenError::ForeignLog(_)));
    // The log belongs to any state of its file since then.
    let own = like(home.path(), "own", &dir, &["", "-wal"]);
    assert_eq!(seqs(&mut SqliteStore::open(&own).unwrap(), 1..=9), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_log_of_an_earlier_version_is_replayed_where_it_fits() {
    let (home, dir) = home();
    // As version 1 wrote it.
    let path = dir.join(FILE_NAME);
    let mut old = Connection::open(&path).unwrap();
    old.pragma_update(None, "journal_mode", "wal").unwrap();
    migrate(&mut old, &schema::STEPS[..1], mark::begin).unwrap();
    let add = |old: &Connection, seq: u64| {
        let insert = "INSERT INTO entries VALUES (NULL, 1, ?1, ?1, 'anna', 5, ?1, 1, CAST('text ' || ?1 AS BLOB))";
        old.execute(insert, [seq.cast_signed()]).unwrap();
        let sql = "UPDATE rooms SET head = ?1; UPDATE instances SET highest = ?1, highest_seq = ?1";
        old.execute_batch(&sql.replace("?1", &seq.to_string())).unwrap();
    };
    old.execute_batch(
        "INSERT INTO rooms VALUES (1, 'lobby', 0); INSERT INTO terms VALUES (NULL, 1, x'0101010101010101', 1);
         INSERT INTO instances VALUES (1, 5, zeroblob(32), 0, 0); PRAGMA wal_checkpoint(TRUNCATE)",
    )
    .unwrap();
    (1..=5).for_each(|seq| add(&old, seq));
    old.execute_batch(
        "INSERT INTO search (rowid, body) SELECT id, CAST(body AS TEXT) FROM entries; UPDATE indexed SET up_to = 5",
    )
    .unwrap();
    let killed = like(home.path(), "killed", &dir, &["", "-wal"]);
    let mut store = SqliteStore::open(&killed).unwrap();
    assert_eq!(seqs(&mut store, 1..=9), [1, 2, 3, 4, 5]);
    while store.maintain() {}
    drop(store);
    assert_eq!(Report::make(killed.path()).unwrap().problems, Vec::<String>::new());
    let history = History::open(killed.path()).unwrap();
    let filter = Filter { search: Query::new("TEXT 4"), ..Filter::default() };
    assert!(history.find("lobby", &filter).unwrap().is_some());
    // A log that does not fit: of a copy made many pages earlier.
    old.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let other = like(home.path(), "other", &dir, &[""]);
    (6..=300).for_each(|seq| add(&old, seq));
    old.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    (301..=303).for_each(|seq| add(&old, seq));
    fs::copy(dir.join("history.db-wal"), other.join("history.db-wal")).unwrap();
    assert!(matches!(refuses_all(&other, &NEEDED), OpenError::ForeignLog(_)));
}

#[test]
fn rejects_empty_history_instead_of_starting_a_new_one() {
    let (home, dir, mut store) = server(&["one"]);
    say(&mut store, &["two"]);
    for (name, suffixes) in [("alone", &[] as &[&str]), ("log", &["-wal"]), ("all", &["-wal", "-shm"])] {
        let emptied = like(home.path(), name, &dir, suffixes);
        fs::write(emptied.join(FILE_NAME), "").unwrap();
        assert!(matches!(refuses_all(&emptied, &NEEDED), OpenError::Empty(_)));
        if !suffixes.is_empty() {
            fs::remove_file(emptied.join(FILE_NAME)).unwrap();
            assert!(matches!(refuses_all(&emptied, &NEEDED), OpenError::LogOnly(_)));
        }
    }
    // A database without a table is as empty.
    let blank = like(home.path(), "blank", &dir, &[]);
    let none = Connection::open(blank.join(FILE_NAME)).unwrap();
    none.execute_batch("CREATE TABLE a (x); DROP TABLE a").unwrap();
    drop(none);
    refuses_all(&blank, &NEEDED);
}

#[test]
fn leftovers_of_an_interrupted_first_start_are_replaced() {
    let (_home, dir) = home();
    for suffix in ["", "-wal", "-journal"] {
        fs::write(sqlite::beside(&dir.join(connect::NEW), suffix), "unfinished").unwrap();
    }
    let mut store = SqliteStore::open(&dir).unwrap();
    say(&mut store, &["one"]);
    drop(store);
    assert_eq!(content(dir.path()).keys().collect::<Vec<_>>(), [FILE_NAME]);
}

#[test]
fn a_file_of_another_version_is_not_changed() {
    let (home, dir, mut store) = server(&["one"]);
    say(&mut store, &["two"]);
    let with = |name: &str, bytes: &[u8]| {
        let made = like(home.path(), name, &dir, &["-wal", "-shm"]);
        fs::write(made.join(FILE_NAME), bytes).unwrap();
        made
    };
    let good = fs::read(dir.join(FILE_NAME)).unwrap();
    refuses_all(&with("noise", &[b'x'; 20_000]), &["damaged", "kabar-server check", "restore FILE"]);
    refuses_all(&with("short", &good[..10]), &["damaged"]);
    refuses_all(&with("head", &good[..100]), &[]);
    let mut torn = good.clone();
    torn[20..4_096].fill(0xa5);
    refuses_all(&with("torn", &torn), &[]);

    for (name, change, wanted) in [
        ("newer", "PRAGMA user_version = 99", "later version"),
        ("foreign", "PRAGMA application_id = 7", "another program"),
    ] {
        let changed = like(home.path(), name, &dir, &["", "-wal"]);
        let path = changed.join(FILE_NAME);
        let other = Connection::open(&path).unwrap();
        other.execute_batch(change).unwrap();
        // With the change in the log, and then in the file.
        let killed = like(home.path(), &format!("{name} killed"), &changed, &["", "-wal", "-shm"]);
        drop(other);
        refuses_all(&killed, &[wanted]);
        refuses_all(&changed, &[wanted]);
    }
    let place = DataDir::open(&home.path().join("place")).unwrap();
    fs::create_dir(place.join(FILE_NAME)).unwrap();
    refuses_all(&place, &["directory"]);
}

#[test]
fn a_damage_that_the_start_meets_is_left_as_it_is() {
    let (home, dir, mut store) = server(&["one"]);
    say(&mut store, &["two"]);
    store.connection.execute_batch("UPDATE names SET seen_ran_ms = 1; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let root: usize = store
        .connection
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'terms'", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .try_into()
        .unwrap();
    say(&mut store, &["three"]);
    let damaged = like(home.path(), "damaged", &dir, &["", "-wal", "-shm"]);
    let mut bytes = fs::read(damaged.join(FILE_NAME)).unwrap();
    bytes[(root - 1) * 4_096..root * 4_096].fill(0xa5);
    fs::write(damaged.join(FILE_NAME), bytes).unwrap();
    refuses(&damaged, &["damaged", "restore FILE"]);
}

#[test]
fn opening_without_writing_keeps_the_write_ahead_log() {
    let (home, dir, mut store) = server(&["one"]);
    say(&mut store, &["two"]);
    let killed = like(home.path(), "killed", &dir, &["", "-wal"]);
    let before = content(killed.path());
    drop(SqliteStore::open(&killed).unwrap());
    let after = content(killed.path());
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)), "{:?}", after.keys());
}

#[test]
fn a_file_that_may_not_be_written_stays_as_it_is() {
    // Root may write everything, so this tests the message for other users only.
    let (_home, dir, store) = server(&["one"]);
    drop(store);
    let error = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let line = OpenError::unusable(&dir.join(FILE_NAME), of_io(&error)).to_string();
    assert!(line.contains("is not writable") && line.contains("user"), "{line}");
}
