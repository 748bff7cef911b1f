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
    let loaded = sorted(store.load_room("lobby").unwrap());
    let server = sorted_server(store.load_server().unwrap());
    assert_eq!((loaded.first, loaded.head, server.ran_ms, loaded.terms.len()), (1, 3, 0, 1));
    let names = server.names.iter().map(|it| (it.folded.as_str(), it.name.as_str(), it.seen_ran_ms));
    assert_eq!(names.collect::<Vec<_>>(), [("anna", "Anna", 0), ("ben", "Ben", 0)]);
    assert_eq!(loaded.present, [Presence { identity: PublicIdentity([0; 32]), name: "Ben".into() }]);
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
    let server = Arc::new(ServerBatch { ran_ms: Some(9), ..ServerBatch::default() });
    let rooms = vec![Arc::new(RoomBatch { instances: vec![seen], ..batch(vec![]) })];
    assert_eq!(store.commit(&Commit { server, rooms }), Ok(()));
    drop(store);
    let mut store = SqliteStore::open(&dir).unwrap();
    let again = sorted(store.load_room("lobby").unwrap());
    assert_eq!((store.load_server().unwrap().ran_ms, again.instances[0]), (9, seen));
    assert!(Report::make(dir.path()).unwrap().problems.is_empty());
}

/// A history that a server of version 3 of the file left when it was killed, and moved into one
/// file: Anna is present, Éléa left, was muted, and then banned.
fn version_3() -> (tempfile::TempDir, DataDir) {
    let (home, dir) = home();
    fs::write(dir.join(FILE_NAME), include_bytes!("version3.db")).unwrap();
    (home, dir)
}

#[test]
fn a_migration_of_version_3_takes_everything_over() {
    let (_home, dir) = version_3();
    let mut store = SqliteStore::open(&dir).unwrap();
    let (server, room) = (sorted_server(store.load_server().unwrap()), sorted(store.load_room("lobby").unwrap()));
    let [anna, elea] = [server.names[0].identity, server.names[1].identity];
    assert_eq!((anna.0[0], elea.0[0]), (0xfb, 0xff));
    let record = |folded: &str, name: &str, identity, seen_ran_ms| NameRecord {
        folded: folded.into(),
        name: name.into(),
        identity,
        seen_ran_ms,
    };
    assert_eq!(server.names, [record("anna", "Anna", anna, 254), record("éléa", "Éléa", elea, 12_230)]);
    let lobby = RoomSummary { is_occupied: true, ..summary("lobby", 1, 8) };
    assert_eq!((server.ran_ms, server.rooms), (14_246, vec![lobby]));
    assert_eq!(room.present, [Presence { identity: anna, name: "Anna".into() }]);
    let term = TermRecord { term: Term([0x7f, 0x93, 0xfc, 0x46, 0x11, 0xd9, 0x2a, 0x52]), first_seq: 1 };
    assert_eq!((room.first, room.head, room.terms), (1, 8, vec![term]));
    let instance = |instance: i64, identity, highest, highest_seq, seen_ran_ms| InstanceRecord {
        instance: instance.cast_unsigned(),
        identity,
        highest,
        highest_seq,
        seen_ran_ms,
    };
    let of_elea = instance(-8_714_075_364_499_562_975, elea, 1, 4, 12_230);
    let of_anna = instance(-7_823_455_347_993_260_384, anna, 3, 8, 14_246);
    assert_eq!(room.instances, [of_elea, of_anna]);
    let sanction =
        |kind, since_ms| Sanction { identity: elea, kind, name: "Éléa".into(), since_ms, reason: None, by: None };
    let (ban, mute) = (sanction(SanctionKind::Ban, 1_795_865_427_871), sanction(SanctionKind::Mute, 1_795_865_425_855));
    assert_eq!(room.sanctions, [ban, mute]);
    assert_eq!(room.admissions.iter().map(|it| it.identity).collect::<Vec<_>>(), [anna, elea]);
    let entries = store.read("lobby", 1..=9).unwrap();
    let texts = entries.iter().filter(|entry| entry.kind.is_text());
    let texts: Vec<_> = texts.map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect();
    let said = ["hello from Anna", "salut, la compagnie", "a second line", "maintenance tonight", "last words"];
    assert_eq!((entries.len(), texts), (8, said.map(str::to_owned).to_vec()));
    // The index is still used, and the next commit continues the log.
    let history = History::open(dir.path()).unwrap();
    let filter = Filter { search: Query::new("COMPAGNIE"), ..Filter::default() };
    let mut found = history.find("lobby", &filter).unwrap().unwrap();
    assert_eq!(history.next_page(&mut found).unwrap().iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4]);
    drop(history);
    let next = LogEntry { instance: 0, number: 0, ..entry(9, 0) };
    assert_eq!(store.commit(&RoomBatch { entries: vec![next], ..batch(vec![]) }.into()), Ok(()));
    drop(store);
    assert!(Report::make(dir.path()).unwrap().problems.is_empty());
}

#[test]
fn a_backup_of_version_3_is_restored() {
    let (home, dir) = home();
    let backup = home.path().join("backup.db");
    fs::write(&backup, include_bytes!("version3.db")).unwrap();
    let restored = restore(&dir, &backup, "lobby").unwrap();
    assert_eq!((restored.report.names, restored.report.rooms[0].entries), (2, 8));
    assert_eq!(SqliteStore::open(&dir).unwrap().load_room("lobby").unwrap().head, 8);
}

/// A history that version 4 of the file left: Anna, an operator, and Éléa, who is muted, are in the
/// lobby; in the attic two entries were written, and one is kept.
#[test]
fn a_migration_of_version_4_takes_everything_over() {
    let (_home, dir) = home();
    fs::write(dir.join(FILE_NAME), include_bytes!("version4.db")).unwrap();
    let mut store = SqliteStore::open(&dir).unwrap();
    let (server, lobby) = (sorted_server(store.load_server().unwrap()), sorted(store.load_room("lobby").unwrap()));
    let occupied = RoomSummary { is_occupied: true, ..summary("lobby", 1, 4) };
    assert_eq!((server.ran_ms, server.rooms), (60_000, vec![summary("attic", 2, 2), occupied]));
    let [anna, elea] = [1, 2].map(|key| PublicIdentity([key; 32]));
    assert_eq!(server.names.iter().map(|it| it.identity).collect::<Vec<_>>(), [anna, elea]);
    assert_eq!((server.privileges.len(), server.privileges[0].identity), (1, anna));
    let rooms: Vec<_> = server.invites.iter().map(|it| it.room.as_deref()).collect();
    assert_eq!((rooms, server.invite_uses[0].identity), (vec![Some("lobby"); 2], elea));
    assert_eq!((lobby.terms[0].term, lobby.instances.len(), lobby.admissions.len()), (Term([4; 8]), 2, 2));
    assert_eq!(lobby.present.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Anna", "Éléa"]);
    let mute = &lobby.sanctions[0];
    assert_eq!((mute.kind, mute.reason.as_deref(), mute.by), (SanctionKind::Mute, Some("too loud"), Some(anna)));
    assert_eq!((seqs(&mut store, 1..=9), store.read("attic", 1..=9).unwrap().len()), (vec![1, 2, 3, 4], 1));
    drop(store);
    assert_eq!(Report::make(dir.path()).unwrap().problems, Vec::<String>::new());
}

#[test]
fn names_of_several_rooms_become_one_list() {
    let (_home, dir) = version_3();
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    // The lobby has run for 14246 ms. In the attic Anna's name is Éléa's, who was seen earlier, and
    // in the cellar somebody else's; anna2 is taken.
    connection
        .execute_batch(
            "INSERT INTO rooms (name, head, ran_ms) VALUES ('attic', 0, 20000), ('cellar', 0, 14246);
             INSERT INTO names SELECT 2, 'éléa', 'ÉLÉA', identity, 5, 0 FROM names WHERE folded = 'éléa';
             INSERT INTO names SELECT 2, 'anna', 'anna', identity, 5000, 1 FROM names WHERE name = 'Éléa';
             INSERT INTO names VALUES (3, 'anna', 'ANNA', zeroblob(32), 14000, 0);
             INSERT INTO names VALUES (3, 'anna2', 'Anna2', zeroblob(32), 9, 0);
             UPDATE entries SET seq = seq + 10; UPDATE rooms SET head = 18 WHERE id = 1;",
        )
        .unwrap();
    drop(connection);
    let mut store = SqliteStore::open(&dir).unwrap();
    let server = sorted_server(store.load_server().unwrap());
    let names: Vec<_> = server
        .names
        .iter()
        .map(|it| (it.folded.as_str(), it.name.as_str(), it.identity.0[0], it.seen_ran_ms))
        .collect();
    // The time since each was seen stays the same.
    let ran = 20_000;
    assert_eq!(
        names,
        [
            ("anna", "ANNA", 0, ran - 246),
            ("anna2", "Anna2", 0, ran - 14_237),
            ("anna3", "Anna3", 0xfb, ran - 13_992),
            ("anna4", "anna4", 0xff, 5_000),
            ("éléa", "Éléa", 0xff, ran - 2_016)
        ]
    );
    let occupied = |room| RoomSummary { is_occupied: true, ..room };
    assert_eq!((server.ran_ms, server.rooms[0].clone()), (ran, occupied(summary("attic", 1, 0))));
    assert_eq!(server.rooms[1..], [summary("cellar", 1, 0), occupied(summary("lobby", 11, 18))]);
    assert_eq!(store.load_room("attic").unwrap().present[0].name, "anna");
    assert_eq!(store.load_room("lobby").unwrap().instances[0].seen_ran_ms, ran - 2_016);
}

#[test]
fn removed_data_is_erased_from_the_file() {
    let (_home, dir) = home();
    write(&dir, include_str!("version1.sql"));
    let mut store = SqliteStore::open(&dir).unwrap();
    let forgotten = Forgotten {
        instances: vec![7, u64::MAX],
        admissions: vec![PublicIdentity([0; 32])],
        terms: vec![Term([1; 8])],
    };
    let term = Some(TermRecord { term: Term([2; 8]), first_seq: 4 });
    let server = Arc::new(ServerBatch { forgotten: vec!["anna".into(), "ben".into()], ..ServerBatch::default() });
    let absent = vec![PublicIdentity([0; 32])];
    let rooms = vec![Arc::new(RoomBatch { forgotten, term, absent, ..batch(vec![]) })];
    assert_eq!(store.commit(&Commit { server, rooms }), Ok(()));
    drop(store);
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    for (table, left) in
        [("names", 0), ("present", 0), ("instances", 0), ("admissions", 0), ("terms", 1), ("entries", 3)]
    {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(connection.query_row(&count, [], |row| row.get::<_, i64>(0)), Ok(left), "{table}");
    }
    // An author whose numbers were forgotten is not damage.
    assert!(Report::make(dir.path()).unwrap().problems.is_empty());
}

/// A history that version 5 of the file left: as that of version 4, with a closed attic.
#[test]
fn a_migration_of_version_5_takes_everything_over() {
    let (_home, dir) = home();
    fs::write(dir.join(FILE_NAME), include_bytes!("version5.db")).unwrap();
    let mut store = SqliteStore::open(&dir).unwrap();
    let rooms = store.load_server().unwrap().rooms;
    let rooms: Vec<_> = rooms.iter().map(|it| (&it.record.name[..], it.record.is_closed, it.first, it.head)).collect();
    assert_eq!(rooms, [("attic", true, 2, 2), ("lobby", false, 1, 4)]);
    assert_eq!(seqs(&mut store, 1..=9), [1, 2, 3, 4]);
    // The index of contents is there, and empty.
    assert_eq!(list_contents(dir.path()).unwrap(), []);
    let quota = FileQuota { file: 9, member: 1 << 20, all: 1 << 20 };
    let (root, owner) = (Root([1; 32]), PublicIdentity([1; 32]));
    let offer = Offer { root, size: 9, owner, now_ms: 1 };
    assert_eq!(store.reserve(&offer, &quota), Ok(Reservation::Reserved));
    let expected = ContentRecord { root, size: 9, owner, is_complete: false };
    assert_eq!(list_contents(dir.path()).unwrap(), [expected]);
    drop(store);
    assert_eq!(Report::make(dir.path()).unwrap().problems, Vec::<String>::new());
    let mut store = SqliteStore::open(&dir).unwrap();
    assert_eq!(store.reserve(&offer, &quota), Ok(Reservation::Reserved));
    assert_eq!(store.complete(root, 9, 1), Ok(true));
    drop(store);
    assert_eq!(list_contents(dir.path()).unwrap(), [ContentRecord { is_complete: true, ..expected }]);
    forget_contents(dir.path(), &[root]).unwrap();
    assert_eq!(list_contents(dir.path()).unwrap(), []);
    assert_eq!(Report::make(dir.path()).unwrap().problems, Vec::<String>::new());
    // Damage of the sums is found.
    let connection = Connection::open(dir.join(FILE_NAME)).unwrap();
    connection.execute("INSERT INTO contents VALUES (zeroblob(32), 5, zeroblob(32), 1, 1, 0)", []).unwrap();
    drop(connection);
    assert_eq!(Report::make(dir.path()).unwrap().problems.len(), 2);
}
