use std::fs;

use kabar_core::chat::{EntryKind, File, Term};
use kabar_core::content::{Encoder, GroupRange, SliceSource};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_std::content::hash;
use kabar_std::data_dir::DataDir;

use super::*;
use crate::contents::{ContentStore, FileContents};
use crate::store::{
    ContentIndex, FileQuota, InstanceRecord, LogEntry, Offer, Reservation, RoomBatch, SqliteStore, Store, TermRecord,
    copy, restore,
};
use crate::temporary_dir;

const OWNER: PublicIdentity = PublicIdentity([1; 32]);

/// Stores a content, and records it, as a server does.
fn put(dir: &DataDir, content: &[u8]) -> Root {
    let quota = FileQuota { file: 1 << 20, member: 1 << 30, all: 1 << 30 };
    let mut outboard = Vec::new();
    let (size, root) = (content.len() as u64, hash(content, &mut outboard).unwrap().root);
    let mut store = SqliteStore::open(dir).unwrap();
    assert_eq!(store.reserve(&Offer { root, size, owner: OWNER, now_ms: 0 }, &quota), Ok(Reservation::Reserved));
    let mut contents = FileContents::new(dir.path());
    assert_eq!(contents.open_upload(1, root, size).unwrap(), 0);
    let mut encoding = vec![0; 2 * content.len()];
    let mut source = SliceSource { content, outboard: &outboard };
    let len = Encoder::new(GroupRange::all(size)).encode(&mut source, &mut encoding).unwrap();
    contents.append(1, &encoding[..len]).unwrap();
    contents.finish(1).unwrap();
    store.complete(root, size, 0).unwrap();
    root
}

/// Posts an entry that names a content.
fn post(dir: &DataDir, seq: u64, root: Root, name: &str) {
    let mut body = vec![0; 500];
    let len = File::new(name, 5, root, "").unwrap().encode(&mut body).unwrap();
    body.truncate(len);
    let (author, kind) = ("ana".to_owned(), EntryKind::FILE);
    let entry = LogEntry { seq, time_ms: 0, author, instance: 5, number: seq, kind, body };
    let instance = InstanceRecord { instance: 5, identity: OWNER, highest: seq, highest_seq: seq, seen_ran_ms: 0 };
    let (entries, instances) = (vec![entry], vec![instance]);
    let term = Some(TermRecord { term: Term([1; 8]), first_seq: 1 });
    let batch = RoomBatch { room: "lobby".into(), term, entries, instances, ..RoomBatch::default() };
    SqliteStore::open(dir).unwrap().commit(&batch.into()).unwrap();
}

/// The file of a whole content.
fn path(dir: &Path, root: Root) -> PathBuf {
    let digits = root.to_string();
    dir.join("files").join(&digits[..2]).join(&digits[2..])
}

#[test]
fn a_check_names_what_is_damaged_missing_or_unknown() {
    let (_home, dir) = temporary_dir();
    let [whole, damaged, missing, cut] =
        [vec![1; 40_000], vec![2; 40_000], vec![3; 40_000], vec![4; 40_000]].map(|content| put(&dir, &content));
    let report = check(dir.path()).unwrap();
    assert_eq!((report.whole, report.problems.len(), report.remarks.len()), (4, 0, 0));
    let mut bytes = fs::read(path(dir.path(), damaged)).unwrap();
    bytes[20_000] ^= 1;
    fs::write(path(dir.path(), damaged), bytes).unwrap();
    fs::remove_file(path(dir.path(), missing)).unwrap();
    fs::write(path(dir.path(), cut), [4; 39_999]).unwrap();
    forget_contents(dir.path(), &[whole]).unwrap();
    fs::write(dir.join("files/notes"), "").unwrap();
    let report = check(dir.path()).unwrap();
    let named = |root: Root| report.problems.iter().filter(|it| it.contains(&root.to_string())).count();
    assert_eq!((report.whole, report.problems.len()), (0, 3));
    assert_eq!([damaged, missing, cut].map(named), [1; 3]);
    assert!(report.remarks[0].contains(&whole.to_string()));
    assert!(report.remarks.iter().any(|it| it.contains("notes")));
}

#[test]
fn a_backup_has_the_contents_that_its_history_names() {
    let (home, dir) = temporary_dir();
    let [kept, late, lost] = [vec![1; 40_000], vec![2; 10], vec![3; 10]].map(|content| put(&dir, &content));
    post(&dir, 1, kept, "kept.bin");
    let file = home.path().join("backup.db");
    copy(dir.path(), &file).unwrap();
    // Removed after the history was copied.
    ContentDir::new(dir.path()).remove(late).unwrap();
    assert_eq!(back_up(dir.path(), &file).unwrap(), 2);
    let roots = |records: Vec<ContentRecord>| records.into_iter().map(|it| it.root).collect::<Vec<_>>();
    let mut expected = vec![kept, lost];
    expected.sort_unstable();
    assert_eq!(roots(contents_of_backup(&file).unwrap()), expected);
    // The backup loses one, and the original has gone.
    fs::remove_dir_all(dir.join("files")).unwrap();
    ContentDir::at(home.path().join("backup.db.files")).remove(lost).unwrap();
    let other = DataDir::open(&home.path().join("other")).unwrap();
    restore(&other, &file, "lobby").unwrap();
    assert_eq!(fetch(other.path(), &file).unwrap(), (1, vec![lost]));
    let report = check(other.path()).unwrap();
    assert_eq!((report.whole, report.problems, report.remarks), (1, vec![], vec![]));
    assert_eq!(SqliteStore::open(&other).unwrap().find("lobby", kept), Ok(Some(40_000)));
    // Once more, over what is there; a damaged file is replaced.
    fs::remove_file(path(other.path(), kept)).unwrap();
    fs::write(path(other.path(), kept), [0; 40_000]).unwrap();
    restore(&other, &file, "lobby").unwrap();
    assert_eq!(fetch(other.path(), &file).unwrap(), (1, vec![lost]));
}

#[test]
fn the_history_of_a_stopped_server_is_restored_with_its_contents() {
    let (home, dir) = temporary_dir();
    let root = put(&dir, b"12345");
    post(&dir, 1, root, "five.txt");
    let other = DataDir::open(&home.path().join("other")).unwrap();
    restore(&other, &dir.join(FILE_NAME), "lobby").unwrap();
    assert_eq!(fetch(other.path(), &dir.join(FILE_NAME)).unwrap(), (1, vec![]));
}
