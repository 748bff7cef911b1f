//! Histories that earlier versions wrote.

use super::*;

/// Creates the history of `dir` from SQL.
fn write(dir: &DataDir, sql: &str) {
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn a_migration_of_version_1_marks_all_as_seen_now_and_keeps_the_rest() {
    let (_home, dir) = home();
    write(&dir, include_str!("version1.sql"));
    let mut store = SqliteStore::open(&dir).unwrap();
    let loaded = sorted(store.load("lobby").unwrap());
    assert_eq!((loaded.first, loaded.head, loaded.ran_ms, loaded.terms.len()), (1, 3, 0, 1));
    let names = loaded.names.iter().map(|it| (it.folded.as_str(), it.name.as_str(), it.seen_ran_ms, it.present));
    assert_eq!(names.collect::<Vec<_>>(), [("anna", "Anna", 0, false), ("ben", "Ben", 0, true)]);
    let instance = |instance, highest, highest_seq| InstanceRecord {
        instance,
        identity: PublicIdentity([0; 32]),
        highest,
        highest_seq,
        seen_ran_ms: 0,
    };
    assert_eq!(loaded.instances, [instance(7, 1, 2), instance(u64::MAX, 0, 0)]);
    assert_eq!((loaded.admissions.len(), loaded.sanctions.len()), (1, 1));
    assert_eq!(seqs(&mut store, 1..=9), [1, 2, 3]);
    let seen = InstanceRecord { seen_ran_ms: 5, ..instance(7, 1, 2) };
    let next = Batch { room: "lobby".into(), instances: vec![seen], ran_ms: Some(9), ..Batch::default() };
    assert_eq!(store.commit(&next), Ok(()));
    drop(store);
    let mut store = SqliteStore::open(&dir).unwrap();
    let again = sorted(store.load("lobby").unwrap());
    assert_eq!((again.ran_ms, again.instances[0]), (9, seen));
    assert!(Report::make(dir.path()).unwrap().problems.is_empty());
}

#[test]
fn removed_data_is_erased_from_the_file() {
    let (_home, dir) = home();
    write(&dir, include_str!("version1.sql"));
    let mut store = SqliteStore::open(&dir).unwrap();
    let forgotten = Forgotten {
        names: vec!["anna".into(), "ben".into()],
        instances: vec![7, u64::MAX],
        admissions: vec![PublicIdentity([0; 32])],
        terms: vec![Term([1; 8])],
    };
    let term = Some(TermRecord { term: Term([2; 8]), first_seq: 4 });
    let next = Batch { room: "lobby".into(), forgotten, term, ..Batch::default() };
    assert_eq!(store.commit(&next), Ok(()));
    drop(store);
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    for (table, left) in [("names", 0), ("instances", 0), ("admissions", 0), ("terms", 1), ("entries", 3)] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(connection.query_row(&count, [], |row| row.get::<_, i64>(0)), Ok(left), "{table}");
    }
    // An author whose numbers were forgotten is not damage.
    assert!(Report::make(dir.path()).unwrap().problems.is_empty());
}
