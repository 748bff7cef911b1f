use std::collections::BTreeMap;

use super::*;
use crate::store::conformance::{batch, commit, entry, seqs};
use crate::store::sqlite::SqliteStore;
use crate::store::{LogReader as _, Store as _, copy};

/// A history of three entries, a backup of two of them, and a killed server.
fn home(folder: &Path) -> (DataDir, PathBuf) {
    let running = DataDir::open(&folder.join("running")).unwrap();
    let dir = DataDir::open(&folder.join("data")).unwrap();
    let backup = folder.join("backup.db");
    let mut store = SqliteStore::open(&running).unwrap();
    let term = Some(crate::store::TermRecord { term: kabar_core::chat::Term([1; 8]), first_seq: 1 });
    let first = crate::store::RoomBatch { term, ..batch(vec![entry(1, 1), entry(2, 2)]) };
    assert_eq!(store.commit(&first.into()), Ok(()));
    copy(running.path(), &backup).unwrap();
    assert_eq!(store.commit(&commit(vec![entry(3, 3)])), Ok(()));
    for suffix in SUFFIXES {
        let name = format!("{FILE_NAME}{suffix}");
        fs::copy(running.join(&name), dir.join(&name)).unwrap();
    }
    (dir, backup)
}

fn content(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().to_str().unwrap().to_owned(), fs::read(entry.path()).unwrap())).collect()
}

fn served(dir: &DataDir) -> Vec<u64> {
    seqs(&mut SqliteStore::open(dir).unwrap(), 1..=9)
}

#[test]
fn puts_the_backup_in_place_and_keeps_the_old_history() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, backup) = home(folder.path());
    let (before, file) = (content(dir.path()), fs::read(&backup).unwrap());
    let restored = restore(&dir, &backup, "lobby").unwrap();
    let kept = restored.kept.unwrap();
    assert_eq!(restored.report.rooms[0].entries, 2);
    for suffix in SUFFIXES {
        assert_eq!(fs::read(beside(&kept, suffix)).unwrap(), before[&format!("{FILE_NAME}{suffix}")], "{suffix}");
    }
    assert_eq!(fs::read(&backup).unwrap(), file, "the backup stays");
    assert_eq!(served(&dir), [1, 2]);
    // The kept files are a history that can be restored.
    let again = restore(&dir, &kept, "lobby").unwrap();
    assert_ne!(again.kept, Some(kept));
    assert_eq!(served(&dir), [1, 2, 3]);
}

#[test]
fn every_interruption_leaves_the_old_history_or_the_new_one() {
    for steps in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let (dir, backup) = home(folder.path());
        let before = content(dir.path());
        copy_checked(&dir, &backup, "lobby").unwrap();
        let mut left = steps;
        let mut step = || {
            left -= 1;
            if left < 0 { Err(io::Error::other("killed")) } else { Ok(()) }
        };
        let is_done = put_in_place(dir.path(), "T", &mut step).is_ok();
        let is_decided = steps > 0;
        if is_decided && !is_done {
            assert!(is_pending(dir.path()));
            let error = crate::store::History::open(dir.path()).unwrap_err().to_string();
            assert!(error.contains("interrupted") && error.contains("start the server"), "{error}");
        }
        assert_eq!(served(&dir), if is_decided { vec![1, 2] } else { vec![1, 2, 3] }, "after {steps} steps");
        if is_decided {
            let kept = content(dir.path());
            assert_eq!(kept["history-T.db"], before[FILE_NAME], "after {steps} steps");
            assert_eq!(kept["history-T.db-wal"], before["history.db-wal"], "after {steps} steps");
        }
        if is_done {
            assert!(steps >= 5, "{steps}");
            return;
        }
    }
}

#[test]
fn a_second_restore_finishes_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, backup) = home(folder.path());
    copy_checked(&dir, &backup, "lobby").unwrap();
    let mut left = 3;
    let mut step = || {
        left -= 1;
        if left < 0 { Err(io::Error::other("killed")) } else { Ok(()) }
    };
    put_in_place(dir.path(), "T", &mut step).unwrap_err();
    // A file that was put there meanwhile is kept like any other.
    fs::write(dir.join(FILE_NAME), "mine").unwrap();
    restore(&dir, &backup, "lobby").unwrap();
    assert_eq!(served(&dir), [1, 2]);
    let files = content(dir.path());
    assert_eq!(files.values().filter(|bytes| bytes.as_slice() == b"mine").count(), 1, "{:?}", files.keys());
    assert!(files.contains_key("history-T.db") && files.contains_key("history-T.db-wal"), "{:?}", files.keys());
}

#[test]
fn a_backup_that_is_not_whole_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, backup) = home(folder.path());
    let good = fs::read(&backup).unwrap();
    let with = |name: &str, change: &dyn Fn(&Path)| {
        let path = folder.path().join(name);
        fs::write(&path, &good).unwrap();
        change(&path);
        path
    };
    let sql = |sql: &'static str| move |path: &Path| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let before = content(dir.path());
    for (from, wanted) in [
        (folder.path().join("nowhere"), "does not exist"),
        (with("empty", &|path| fs::write(path, "").unwrap()), "is empty"),
        (with("noise", &|path| fs::write(path, [b'x'; 9_000]).unwrap()), "damaged"),
        (with("cut", &|path| fs::write(path, &good[..good.len() / 2]).unwrap()), "damaged"),
        (with("gap", &sql("DELETE FROM entries WHERE seq = 1; UPDATE rooms SET head = 7")), "damaged"),
        (with("newer", &sql("PRAGMA user_version = 99")), "later version"),
        (with("foreign", &sql("PRAGMA application_id = 7")), "another program"),
        (with("other", &sql("UPDATE rooms SET name = 'attic'")), "--room: attic"),
        (
            with("log", &|path| assert!(fs::copy(dir.join("history.db-wal"), beside(path, "-wal")).is_ok())),
            "another history",
        ),
        (dir.join(FILE_NAME), "the history itself"),
        (folder.path().to_path_buf(), "directory"),
    ] {
        let beside_it = content_of(&from);
        let error = restore(&dir, &from, "lobby").unwrap_err().to_string();
        assert!(error.contains(wanted) && !error.contains('\n'), "{error}");
        assert_eq!(content(dir.path()), before, "{error}");
        assert_eq!(content_of(&from), beside_it, "{error}");
    }
    assert_eq!(served(&dir), [1, 2, 3]);
}

fn content_of(path: &Path) -> Vec<Option<Vec<u8>>> {
    SUFFIXES.iter().map(|suffix| fs::read(beside(path, suffix)).ok()).collect()
}

#[test]
fn files_of_a_killed_server_are_a_backup_and_an_empty_directory_takes_one() {
    let folder = tempfile::tempdir().unwrap();
    let (killed, _) = home(folder.path());
    let before = content(killed.path());
    let fresh = DataDir::open(&folder.path().join("fresh")).unwrap();
    let restored = restore(&fresh, &killed.join(FILE_NAME), "lobby").unwrap();
    assert_eq!(restored.kept, None);
    assert_eq!(content(killed.path()), before);
    assert_eq!(served(&fresh), [1, 2, 3]);
    let mut store = SqliteStore::open(&fresh).unwrap();
    assert_eq!(store.commit(&commit(vec![entry(4, 4)])), Ok(()));
    assert_eq!(store.read("lobby", 1..=9).unwrap().len(), 4);
}
