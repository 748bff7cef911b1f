mod beside;
mod growth;
mod older;
mod refused;
mod searching;

use std::fs;
use std::sync::Arc;

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::store::conformance::{self, batch, commit, entry, seqs, sorted, sorted_server, summary};
use crate::store::{
    Admission, ContentRecord, Forgotten, InstanceRecord, MemoryStore, NameRecord, Presence, RoomBatch, RoomSummary,
    Sanction, SanctionKind, ServerBatch, TermRecord,
};

fn home() -> (tempfile::TempDir, DataDir) {
    let home = tempfile::tempdir().unwrap();
    let dir = DataDir::open(&home.path().join("data")).unwrap();
    (home, dir)
}

fn store() -> (tempfile::TempDir, SqliteStore) {
    let (home, dir) = home();
    let store = SqliteStore::open(&dir).unwrap();
    (home, store)
}

conformance::suite!(store);

#[test]
fn committed_entries_survive_a_restart_and_a_kill() {
    let (home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    assert_eq!(store.commit(&commit(vec![entry(1, 1), entry(2, 2)])), Ok(()));
    let before = store.load_room("lobby");
    drop(store);
    let mut store = SqliteStore::open(&dir).unwrap();
    assert_eq!((store.load_room("lobby"), seqs(&mut store, 1..=9)), (before, vec![1, 2]));
    assert_eq!(store.commit(&commit(vec![entry(3, 3)])), Ok(()));
    // A killed process leaves the files as they are at this moment.
    let copy = DataDir::open(&home.path().join("copy")).unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("{FILE_NAME}{suffix}");
        fs::copy(dir.join(&name), copy.join(&name)).unwrap();
    }
    assert_eq!(seqs(&mut SqliteStore::open(&copy).unwrap(), 1..=9), [1, 2, 3]);
}

#[test]
fn a_clean_end_leaves_one_file() {
    let (_home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    assert_ne!(fs::metadata(dir.join("history.db-wal")).unwrap().len(), 0);
    drop((store, reader));
    let left = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
    // A reader that closes last leaves an empty log.
    assert!(
        left.iter().all(|name| fs::metadata(dir.path().join(name)).unwrap().len() == 0
            || name == FILE_NAME
            || name == "history.db-shm"),
        "{left:?}"
    );
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, dir) = home();
    let mode = |name: &str| fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
    let open = |dir| {
        let mut store = SqliteStore::open(dir).unwrap();
        let head = store.load_room("lobby").unwrap().head;
        assert_eq!(store.commit(&commit(vec![entry(head + 1, head + 1)])), Ok(()));
        store
    };
    let store = open(&dir);
    let names = ["history.db", "history.db-wal", "history.db-shm"];
    assert_eq!(names.map(mode), [0o600; 3]);
    for name in names {
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    drop(open(&dir));
    drop(store);
    assert_eq!(mode("history.db"), 0o600);
    assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_reader_reads_while_the_writer_writes() {
    let (_home, mut store) = store();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    let mut reader = store.reader().unwrap();
    store.connection.execute_batch("BEGIN IMMEDIATE; UPDATE entries SET body = x'00'").unwrap();
    assert_eq!(reader.read("lobby", 1..=1), Ok(vec![entry(1, 1)]), "what is committed, without waiting");
    store.connection.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.commit(&commit(vec![entry(2, 2)])), Ok(()));
    assert_eq!(seqs(&mut reader, 1..=9), [1, 2], "what was committed since");
}

#[test]
fn a_full_disk_fails_a_commit_and_loses_nothing() {
    let (_home, mut store) = store();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    store.connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 1), [], |_| Ok(())).unwrap();
    let large: Vec<LogEntry> = (2..=9).map(|seq| LogEntry { body: vec![7; 4_000], ..entry(seq, seq) }).collect();
    let large = commit(large);
    assert_eq!(store.commit(&large), Err(CommitError::Failed(StoreErrorKind::DiskFull)));
    assert_eq!((store.load_room("lobby").unwrap().head, seqs(&mut store, 1..=9)), (1, vec![1]));
    store.connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(())).unwrap();
    assert_eq!(store.commit(&large), Ok(()));
    assert_eq!(seqs(&mut store, 1..=9), (1..=9).collect::<Vec<_>>());
}

#[test]
fn a_lock_of_another_program_fails_a_commit_until_it_is_gone() {
    let (_home, mut store) = store();
    store.connection.busy_timeout(Duration::ZERO).unwrap();
    let other = Connection::open(store.path()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Err(CommitError::Failed(StoreErrorKind::Locked)));
    assert_eq!(store.load_room("lobby").unwrap().head, 0);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
}

#[test]
fn a_leftover_transaction_is_rolled_back() {
    let (_home, mut store) = store();
    store
        .connection
        .execute_batch("BEGIN IMMEDIATE; INSERT INTO rooms (id, name, head) VALUES (7, 'ghost', 1)")
        .unwrap();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    assert_eq!(store.load_room("ghost").unwrap().head, 0);
}

#[test]
fn a_history_that_was_moved_away_is_not_written_to() {
    let (home, mut store) = store();
    assert_eq!(store.commit(&commit(vec![entry(1, 1)])), Ok(()));
    let (path, away) = (store.path().to_path_buf(), home.path().join("away.db"));
    fs::rename(&path, &away).unwrap();
    assert_eq!(store.commit(&commit(vec![entry(2, 2)])), Err(CommitError::Failed(StoreErrorKind::Moved)));
    fs::rename(&away, &path).unwrap();
    assert_eq!(store.commit(&commit(vec![entry(2, 2)])), Ok(()));
}

#[test]
fn a_file_that_is_not_a_history_is_reported_in_one_line() {
    let (_home, dir) = home();
    let path = dir.join(FILE_NAME);
    let mut complaints = Vec::new();
    let mut complain = |what: &str| {
        let error = SqliteStore::open(&dir).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()) && !error.contains('\n'), "{error}");
        assert!(error.contains(what), "{error}");
        complaints.push(error);
    };
    fs::write(&path, vec![b'x'; 10_000]).unwrap();
    complain("kabar-server check");
    fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    complain("another program");
    fs::remove_file(&path).unwrap();
    drop(SqliteStore::open(&dir).unwrap());
    let steps = i64::try_from(schema::STEPS.len()).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", steps + 1).unwrap();
    complain("later version");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    complain("cannot");
    assert_eq!(complaints.len(), 4);
}

#[test]
fn a_damaged_file_is_found_when_it_is_read() {
    let (_home, dir) = home();
    let mut store = SqliteStore::open(&dir).unwrap();
    assert_eq!(store.commit(&commit((1..=500).map(|seq| entry(seq, seq)).collect())), Ok(()));
    drop(store);
    let path = dir.join(FILE_NAME);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4_096..].iter_mut().for_each(|byte| *byte = 0xa5);
    fs::write(&path, bytes).unwrap();
    match SqliteStore::open(&dir) {
        Err(OpenError::Unusable(_, StoreErrorKind::Damaged)) => {}
        Ok(mut store) => {
            assert_eq!(store.load_room("lobby").map(|_| ()), Err(ReadError(StoreErrorKind::Damaged)));
        }
        Err(error) => panic!("{error}"),
    }
}

/// The database enforces the rules by itself.
#[test]
fn the_tables_enforce_the_invariants() {
    let (_home, mut store) = store();
    assert_eq!(store.commit(&commit(vec![entry(1, 1), entry(2, 2)])), Ok(()));
    for wrong in [
        "INSERT INTO entries SELECT NULL, room, seq, time_ms, author, 9, 9, kind, body FROM entries WHERE seq = 1",
        "INSERT INTO entries SELECT NULL, room, 3, time_ms, author, instance, 1, kind, body FROM entries WHERE seq = 1",
        "INSERT INTO entries SELECT NULL, 99, 3, time_ms, author, 9, 9, kind, body FROM entries WHERE seq = 1",
        "UPDATE entries SET body = 'text' WHERE seq = 1",
        "UPDATE entries SET kind = 256 WHERE seq = 1",
        "UPDATE instances SET identity = x'00'",
        "INSERT INTO rooms (name, head) SELECT name, 0 FROM rooms",
        "DELETE FROM rooms",
    ] {
        let error = store.connection.execute_batch(wrong).unwrap_err();
        assert_eq!(failed(error), CommitError::Failed(StoreErrorKind::Contradiction), "{wrong}");
    }
}

fn identities() -> impl Strategy<Value = PublicIdentity> {
    (0..3_u8).prop_map(|byte| PublicIdentity([byte; 32]))
}

/// Instances, including some that the batch uses.
fn forgotten() -> impl Strategy<Value = Forgotten> {
    let draft = (any::<bool>(), 0..20_u64, identities(), 0..20_u8);
    draft.prop_map(|(is_admission, instance, identity, term)| Forgotten {
        instances: (instance < 4).then_some(instance).into_iter().collect(),
        admissions: is_admission.then_some(identity).into_iter().collect(),
        terms: (term < 5).then_some(Term([term; 8])).into_iter().collect(),
    })
}

/// Batches as a hub creates them, and sometimes one that no store accepts.
fn batches() -> impl Strategy<Value = Vec<Draft>> {
    let entry = (0..4_u64, 0..4_u64, any::<u64>(), 0..5_u8, prop::collection::vec(any::<u8>(), 0..12));
    let name = (0..3_u8, identities(), any::<u64>(), any::<bool>());
    let sanction = (identities(), any::<bool>(), any::<u64>());
    let draft = (
        (any::<bool>(), 0..30_u8, prop::option::of((0..5_u8, 0..9_u64))),
        prop::collection::vec(entry, 0..6),
        prop::collection::vec(name, 0..3),
        prop::collection::vec(0..3_u8, 0..2),
        prop::collection::vec((identities(), any::<[u8; 16]>()), 0..2),
        prop::collection::vec(sanction, 0..3),
        prop::collection::vec((identities(), any::<bool>()), 0..2),
        (forgotten(), prop::option::of(0..3_u8), prop::option::of(0..1_000_u64)),
        (prop::option::weighted(0.3, 0..4_u64), prop::collection::vec(0..6_u64, 0..2)),
    )
        .prop_map(
            |(
                (attic, mistake, term),
                entries,
                names,
                released,
                admissions,
                sanctions,
                lifted,
                (forgotten, forgotten_name, ran_ms),
                (first, removed),
            )| {
                Draft {
                    attic,
                    mistake,
                    term,
                    entries,
                    names,
                    released,
                    admissions,
                    sanctions,
                    lifted,
                    forgotten,
                    forgotten_names: forgotten_name.into_iter().collect(),
                    first,
                    removed,
                    ran_ms,
                }
            },
        );
    prop::collection::vec(draft, 1..25)
}

#[derive(Clone, Debug)]
struct Draft {
    attic: bool,
    mistake: u8,
    term: Option<(u8, u64)>,
    entries: Vec<(u64, u64, u64, u8, Vec<u8>)>,
    names: Vec<(u8, PublicIdentity, u64, bool)>,
    released: Vec<u8>,
    admissions: Vec<(PublicIdentity, [u8; 16])>,
    sanctions: Vec<(PublicIdentity, bool, u64)>,
    lifted: Vec<(PublicIdentity, bool)>,
    forgotten: Forgotten,
    forgotten_names: Vec<u8>,
    first: Option<u64>,
    removed: Vec<u64>,
    ran_ms: Option<u64>,
}

impl Draft {
    fn commit(self, loaded: &RoomState, room: &str) -> Commit {
        let kind = |is_ban| if is_ban { SanctionKind::Ban } else { SanctionKind::Mute };
        let mut instances: Vec<InstanceRecord> = Vec::new();
        let mut entries = Vec::new();
        for ((instance, step, time_ms, kind, body), seq) in self.entries.into_iter().zip(loaded.head + 1..) {
            let known = loaded.instances.iter().find(|record| record.instance == instance).copied();
            let identity = PublicIdentity([instance as u8; 32]);
            let mut number = 0;
            if instance != 0 {
                let at = instances.iter().position(|record| record.instance == instance).unwrap_or_else(|| {
                    let fresh = InstanceRecord { instance, identity, highest: 0, highest_seq: 0, seen_ran_ms: 0 };
                    instances.push(known.unwrap_or(fresh));
                    instances.len() - 1
                });
                number = instances[at].highest + step + u64::from(self.mistake != 1);
                (instances[at].highest, instances[at].highest_seq) = (number, seq);
            }
            let seq = if self.mistake == 2 { seq + step } else { seq };
            let author = format!("author {instance}");
            entries.push(LogEntry { seq, time_ms, author, instance, number, kind: EntryKind(kind), body });
        }
        if self.mistake == 3 {
            instances.iter_mut().for_each(|record| record.identity = PublicIdentity([9; 32]));
        }
        if self.mistake == 4 {
            instances.pop();
        }
        let shown = |folded, seen_ran_ms| format!("NAME {folded} {seen_ran_ms}");
        let (present, absent): (Vec<_>, Vec<_>) = self.names.iter().copied().partition(|(.., present)| *present);
        let presence = |(folded, identity, seen, _)| Presence { identity, name: shown(folded, seen) };
        let name = |(folded, identity, seen_ran_ms, _): (u8, _, _, _)| NameRecord {
            folded: format!("name {folded}"),
            name: shown(folded, seen_ran_ms),
            identity,
            seen_ran_ms,
        };
        let server = ServerBatch {
            names: self.names.into_iter().map(name).collect(),
            released: self.released.into_iter().map(|folded| format!("name {folded}")).collect(),
            forgotten: self.forgotten_names.into_iter().map(|folded| format!("name {folded}")).collect(),
            ran_ms: self.ran_ms,
            ..ServerBatch::default()
        };
        let end = loaded.head + 1;
        let first = self.first.map(|step| (loaded.first + step).min(end + u64::from(self.mistake == 5)));
        let kept = first.unwrap_or(loaded.first);
        let removed = self.removed.into_iter().map(|back| loaded.head.saturating_sub(back));
        let removed = removed.filter(|seq| self.mistake == 6 || (kept..end).contains(seq)).collect();
        let batch = RoomBatch {
            removed,
            first,
            room: room.to_owned(),
            term: self.term.map(|(term, first)| TermRecord { term: Term([term; 8]), first_seq: first + 1 }),
            entries,
            instances,
            present: present.into_iter().map(presence).collect(),
            absent: absent.into_iter().map(|(_, identity, ..)| identity).collect(),
            admissions: self.admissions.into_iter().map(|(identity, tag)| Admission { identity, tag }).collect(),
            sanctions: self
                .sanctions
                .into_iter()
                .map(|(identity, ban, since_ms)| Sanction {
                    identity,
                    kind: kind(ban),
                    name: "x".into(),
                    since_ms,
                    reason: ban.then(|| format!("reason {since_ms}")),
                    by: ban.then_some(identity),
                })
                .collect(),
            lifted: self.lifted.into_iter().map(|(identity, ban)| (identity, kind(ban))).collect(),
            forgotten: self.forgotten,
        };
        Commit { server: Arc::new(server), rooms: vec![Arc::new(batch)] }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn both_stores_hold_the_same(drafts in batches()) {
        let (home, dir) = home();
        let mut disk = SqliteStore::open(&dir).unwrap();
        disk.connection.pragma_update(None, "synchronous", "off").unwrap();
        let mut memory = MemoryStore::new();
        for draft in drafts {
            let room = if draft.attic { "attic" } else { "lobby" };
            let commit = draft.commit(&memory.load_room(room).unwrap(), room);
            prop_assert_eq!(disk.commit(&commit), memory.commit(&commit), "{:?}", commit);
            prop_assert_eq!(sorted(disk.load_room(room).unwrap()), sorted(memory.load_room(room).unwrap()));
            let (on_disk, in_memory) = (disk.load_server().unwrap(), memory.load_server().unwrap());
            prop_assert_eq!(sorted_server(on_disk), sorted_server(in_memory));
            disk.maintain();
        }
        let mut reader = disk.reader().unwrap();
        for room in ["lobby", "attic"] {
            prop_assert_eq!(reader.read(room, 1..=u64::MAX), memory.read(room, 1..=u64::MAX));
            prop_assert_eq!(disk.read(room, 3..=5), memory.read(room, 3..=5));
        }
        drop(home);
    }
}
