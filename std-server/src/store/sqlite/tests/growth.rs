//! The size of the write-ahead log.

use super::beside::{say, server};
use super::*;
use crate::store::Checkpoint;

#[test]
fn figures_report_the_size_of_the_log() {
    let (_home, dir, mut store) = server(&["one"]);
    while store.maintain() {}
    let figures = store.figures().unwrap();
    assert_eq!((figures.waiting_pages, figures.checkpoint, figures.is_log_held), (0, Checkpoint::Complete, false));
    assert_eq!(figures.file_bytes, fs::metadata(dir.join(FILE_NAME)).unwrap().len());
    say(&mut store, &["two"]);
    let figures = store.figures().unwrap();
    assert!(figures.waiting_pages > 0 && figures.log_pages >= figures.waiting_pages, "{figures:?}");
    assert!(figures.log_bytes >= figures.log_pages * 4_096, "{figures:?}");
}

#[test]
fn a_log_that_a_reader_holds_is_reported_and_restarts_afterwards() {
    let (_home, dir, mut store) = server(&["one"]);
    (store.checkpoints.limit, store.checkpoints.pause) = (1 << 20, Duration::from_millis(200));
    let text = "x".repeat(4_000);
    // Without a reader it never grows far beyond the limit.
    for _ in 0..400 {
        say(&mut store, &[&text]);
        assert!(!store.figures().unwrap().is_log_held);
    }
    assert!(store.figures().unwrap().log_bytes < 8 << 20, "{:?}", store.figures());
    let reader = Connection::open(dir.join(FILE_NAME)).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM entries").unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    while !store.figures().unwrap().is_log_held {
        assert!(std::time::Instant::now() < deadline, "{:?}", store.figures());
        say(&mut store, &[&text]);
    }
    let held = store.figures().unwrap();
    assert!(held.checkpoint == Checkpoint::Partial && held.waiting_pages > 0, "{held:?}");
    reader.execute_batch("ROLLBACK").unwrap();
    while store.figures().unwrap().is_log_held {
        assert!(std::time::Instant::now() < deadline, "{:?}", store.figures());
        say(&mut store, &[&text]);
    }
    // A large log is truncated when it is reused.
    say(&mut store, &[&text]);
    assert!(store.figures().unwrap().log_pages < held.log_pages / 2, "{:?}", store.figures());
}
