use super::*;
use crate::temporary_dir;

fn open(dir: &DataDir, room: &str, identity: &str) -> (CursorFile, Option<Shown>) {
    let Opened { file, start } =
        CursorFile::open(dir, &Fingerprint([7; 20]), &RoomName::new(room).unwrap(), identity, &[]);
    (file, start.unwrap())
}

fn at(seq: u64) -> Shown {
    Shown { cursor: Cursor { seq, term: Term([9; 8]) }, log: Some(seq % 2).filter(|odd| *odd == 1) }
}

#[test]
fn stores_a_cursor_per_identity_and_room() {
    let (_home, dir) = temporary_dir();
    open(&dir, "lobby", "ANNA").0.save(at(42)).unwrap();
    assert_eq!(open(&dir, "lobby", "ANNA").1, Some(at(42)));
    assert_eq!(open(&dir, "lobby", "BOB").1, None);
    assert_eq!(open(&dir, "other", "ANNA").1, None);
}

#[test]
fn sessions_at_the_same_time_have_positions_of_their_own() {
    let (_home, dir) = temporary_dir();
    let (mut first, _) = open(&dir, "lobby", "ANNA");
    first.save(at(10)).unwrap();
    let (mut second, start) = open(&dir, "lobby", "ANNA");
    assert_eq!(start, Some(at(10)), "begins where the other one is");
    first.save(at(12)).unwrap();
    second.save(at(11)).unwrap();
    assert_eq!(open(&dir, "lobby", "ANNA").1, Some(at(12)), "a third one begins at the farthest");
    drop(second);
    first.save(at(15)).unwrap();
    assert_eq!(open(&dir, "lobby", "ANNA").1, Some(at(11)), "nobody displayed 12 to 15 at this terminal");
}

#[test]
fn what_an_ended_session_displayed_is_not_displayed_again() {
    let (_home, dir) = temporary_dir();
    let (mut first, _) = open(&dir, "lobby", "ANNA");
    first.save(at(10)).unwrap();
    let (mut second, _) = open(&dir, "lobby", "ANNA");
    second.save(at(20)).unwrap();
    drop((first, second));
    let (mut next, start) = open(&dir, "lobby", "ANNA");
    assert_eq!(start, Some(at(20)));
    let positions = std::fs::read_dir(dir.join("cursors")).unwrap();
    let positions = positions.filter(|file| !file.as_ref().unwrap().path().to_str().unwrap().ends_with(".lock"));
    assert_eq!(positions.count(), 1, "the position of the first is dropped");
    next.save(at(21)).unwrap();
    drop(next);
    assert_eq!(open(&dir, "lobby", "ANNA").1, Some(at(21)));
}

#[test]
fn of_two_terms_the_position_written_last_counts() {
    let (early, late) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1));
    let old = (at(100), Some(early));
    let new = (Shown { cursor: Cursor { seq: 3, term: Term([1; 8]) }, log: None }, Some(late));
    assert_eq!(farther(Some(old), new), Some(new));
    assert_eq!(farther(Some(new), old), Some(new));
    assert_eq!(farther(Some((at(100), Some(early))), (at(99), Some(late))), Some(old));
}

#[test]
fn position_under_a_former_name_applies_until_there_is_another() {
    let (_home, dir) = temporary_dir();
    let (lobby, server) = (RoomName::new("lobby").unwrap(), Fingerprint([7; 20]));
    let former = format!("cursors/{}.lobby.anna", show_fingerprint(&server));
    dir.replace(&former, format(at(5)).as_bytes()).unwrap();
    let open = || CursorFile::open(&dir, &server, &lobby, "ANNA", &["ann".to_owned(), "anna".to_owned()]);
    let Opened { mut file, start } = open();
    assert_eq!(start.unwrap(), Some(at(5)));
    file.save(at(6)).unwrap();
    drop(file);
    assert_eq!(open().start.unwrap(), Some(at(6)));
    assert_eq!(parse(&dir.read(&former).unwrap().unwrap()), Some(at(5)), "kept for an earlier version");
}

#[test]
fn reports_a_damaged_file() {
    let (_home, dir) = temporary_dir();
    let text = format(at(42));
    let base = open(&dir, "lobby", "BOB").0.base;
    for damaged in ["", &text[..20], &text.replace("42", "-1"), &text.replace("09", "zz"), &format!("{text}more")] {
        dir.replace(&base, damaged.as_bytes()).unwrap();
        let opened = CursorFile::open(&dir, &Fingerprint([7; 20]), &RoomName::new("lobby").unwrap(), "BOB", &[]);
        assert!(opened.start.unwrap_err().to_string().contains("cursors"), "{damaged}");
    }
}
