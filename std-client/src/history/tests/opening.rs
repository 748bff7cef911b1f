//! The file: new, private, damaged, of another version, on a full disk.

use std::fs;

use super::*;

fn path(dir: &DataDir) -> std::path::PathBuf {
    dir.join(&format!("history/{ANNA}.db"))
}

#[test]
#[cfg(unix)]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    lobby(&mut writer, 0);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in fs::read_dir(dir.join("history")).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(writer);
    fs::set_permissions(path(&dir), fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&dir));
    assert_eq!(mode(&path(&dir)), 0o600);
}

#[test]
fn a_file_that_cannot_be_used_is_set_aside() {
    let (_home, dir) = temporary_dir();
    drop(open(&dir));
    let whole = fs::read(path(&dir)).unwrap();
    let sql = |sql: &str| {
        let connection = rusqlite::Connection::open(path(&dir)).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    type Break<'a> = &'a dyn Fn();
    let cases: [(Break<'_>, SetAsideReason, &str); 5] = [
        (&|| fs::write(path(&dir), b"no database at all").unwrap(), SetAsideReason::Damaged, "damaged-1"),
        (&|| fs::write(path(&dir), &whole[..whole.len() / 2]).unwrap(), SetAsideReason::Damaged, "damaged-2"),
        (&|| sql("PRAGMA user_version = 99"), SetAsideReason::Newer, "newer-1"),
        (&|| sql("PRAGMA user_version = -1"), SetAsideReason::Newer, "newer-2"),
        (&|| sql("PRAGMA application_id = 5"), SetAsideReason::Foreign, "foreign-1"),
    ];
    for (damage, reason, suffix) in cases {
        fs::write(path(&dir), &whole).unwrap();
        damage();
        let broken = fs::read(path(&dir)).unwrap();
        assert!(matches!(Reader::open(&dir, ANNA), Err(OpenError::Unusable(_, found)) if found == reason), "{suffix}");
        let (mut writer, aside) = Writer::open(&dir, ANNA).unwrap();
        let aside = aside.unwrap();
        assert_eq!((aside.reason, aside.path.clone()), (reason, dir.join(&format!("history/{ANNA}.db.{suffix}"))));
        assert_eq!(fs::read(aside.path).unwrap(), broken, "nothing is deleted");
        lobby(&mut writer, 0);
        drop(writer);
        drop(open(&dir));
    }
}

#[test]
fn damage_that_is_found_later_is_examined_at_the_next_opening() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=2000);
    drop(writer);
    let mut bytes = fs::read(path(&dir)).unwrap();
    // The pages at the end hold entries.
    let from = bytes.len() / 2;
    bytes[from..].fill(0x55);
    fs::write(path(&dir), &bytes).unwrap();
    let mut writer = open(&dir);
    let reader = writer.reader().unwrap();
    let read = (0..20).find_map(|page| reader.page(room, Anchor::Time(page * 100_000), MAX_PAGE).err());
    assert_eq!(read, Some(StorageError(StoreErrorKind::Damaged)));
    drop(reader);
    let (mut next, aside) = Writer::open(&dir, ANNA).unwrap();
    assert_eq!(aside.unwrap().reason, SetAsideReason::Damaged);
    lobby(&mut next, 0);
    // The process that still has the damaged one open does not write into the new one.
    assert_eq!(writer.room(&key(9), "x"), Err(StorageError(StoreErrorKind::Moved)));
    drop(writer);
    assert_eq!(next.current(room).unwrap().unwrap().cursor.seq, 0);
    drop(next);
    drop(open(&dir));
}

#[test]
fn a_full_disk_is_an_error_that_changes_nothing() {
    let (_home, dir) = temporary_dir();
    let mut writer = open(&dir);
    let (room, log) = lobby(&mut writer, 0);
    append_range(&mut writer, log, 1..=3);
    let pages: i64 = writer.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = |writer: &Writer, pages: i64| {
        writer.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    };
    limit(&writer, pages);
    let long = "x".repeat(4000);
    let entries: Vec<_> = (4..=40).map(|seq| text(seq, &long)).collect();
    let full = AppendError::Storage(StorageError(StoreErrorKind::DiskFull));
    assert_eq!(append(&mut writer, log, &entries), Err(full));
    assert_eq!((cursor(&mut writer, room), all(&writer, room).as_str()), ((log, 3, T1), "1 2 3"));
    limit(&writer, pages + 1000);
    append(&mut writer, log, &entries).unwrap();
    assert_eq!(cursor(&mut writer, room), (log, 40, T1));
}

#[test]
fn a_reader_reports_that_there_is_none() {
    let (_home, dir) = temporary_dir();
    assert!(matches!(Reader::open(&dir, ANNA), Err(OpenError::Missing(_))));
    assert!(!path(&dir).exists());
}

#[test]
fn a_place_that_cannot_be_written_is_reported() {
    let (home, dir) = temporary_dir();
    fs::write(home.path().join("history"), "a file").unwrap();
    let error = Writer::open(&dir, ANNA).unwrap_err().to_string();
    assert!(error.contains("history"), "{error}");
    let (home, dir) = temporary_dir();
    fs::create_dir_all(home.path().join(format!("history/{ANNA}.db"))).unwrap();
    let error = Writer::open(&dir, ANNA).unwrap_err().to_string();
    assert!(error.contains("history") && error.contains("cannot be used"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_read_only_directory_is_reported() {
    // Not even root can write there.
    let dir = DataDir::open("/proc".as_ref()).unwrap();
    let error = Writer::open(&dir, ANNA).unwrap_err();
    assert!(matches!(&error, OpenError::File(_)) && error.to_string().contains("/proc/history"), "{error}");
}

#[test]
fn processes_that_open_at_once_create_one_file() {
    let (_home, dir) = temporary_dir();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let dir = &dir;
            scope.spawn(move || {
                let mut writer = open(dir);
                let room = writer.room(&key(7), &format!("room{number}")).unwrap();
                let log = writer.begin(room, None, at(0, T1)).unwrap().log;
                (1..=10).for_each(|seq| append_range(&mut writer, log, seq..=seq));
            });
        }
    });
    let writer = open(&dir);
    let rooms = writer.reader().unwrap().rooms().unwrap();
    assert_eq!(rooms.len(), 8);
    assert!(rooms.iter().all(|known| all(&writer, known.room) == "1 2 3 4 5 6 7 8 9 10"));
}
