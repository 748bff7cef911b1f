//! The size of the write-ahead log. SQLite moves its pages into the file every thousand pages, but
//! reuses the log only when nobody reads from it: a program that keeps a transaction open lets the
//! log grow.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{BUSY, connect};
use kabar_std::sqlite::beside;

use crate::store::{Checkpoint, StoreFigures};

/// Size of the log in bytes above which a checkpoint waits for readers.
const LIMIT: u64 = 64 << 20;
/// The time between two such checkpoints.
const PAUSE: Duration = Duration::from_secs(2);
/// How long such a checkpoint waits.
const BRIEFLY: Duration = Duration::from_millis(50);

/// The state of the log.
#[derive(Debug)]
pub(super) struct Checkpoints {
    pub(super) limit: u64,
    pub(super) pause: Duration,
    page_len: u64,
    /// Pages in the log.
    pages: u64,
    /// Pages of the log that are not in the file yet.
    waiting: u64,
    last: Checkpoint,
    is_held: bool,
    tried: Option<Instant>,
}

impl Checkpoints {
    pub(super) fn new(connection: &Connection) -> Self {
        let page_len = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap_or(4_096_i64);
        let page_len = u64::try_from(page_len).unwrap_or(4_096);
        let mut this = Self {
            limit: LIMIT,
            pause: PAUSE,
            page_len,
            pages: 0,
            waiting: 0,
            last: Checkpoint::None,
            is_held: false,
            tried: None,
        };
        this.look(connection);
        this
    }

    /// Moves the pages that can be moved without waiting.
    pub(super) fn run(&mut self, connection: &Connection) {
        self.checkpoint(connection, "PASSIVE");
        self.is_held &= self.is_large();
    }

    /// Moves all pages and empties the log, so that nothing old is left in it. Returns whether that
    /// was possible: a reader prevents it.
    pub(super) fn erase(&mut self, connection: &Connection) -> bool {
        let _ = connection.busy_timeout(BRIEFLY);
        let is_busy = self.checkpoint(connection, "TRUNCATE");
        let _ = connection.busy_timeout(BUSY);
        !is_busy && self.last == Checkpoint::Complete
    }

    /// Checks the log after a commit, and waits for readers if the log is too large.
    pub(super) fn after_commit(&mut self, connection: &Connection) {
        self.look(connection);
        if !self.is_large() {
            self.is_held = false;
        } else if self.tried.is_none_or(|tried| tried.elapsed() >= self.pause) {
            self.tried = Some(Instant::now());
            let _ = connection.busy_timeout(BRIEFLY);
            self.is_held = self.checkpoint(connection, "RESTART");
            let _ = connection.busy_timeout(BUSY);
        }
    }

    pub(super) fn figures(&self, path: &Path) -> StoreFigures {
        let len = |suffix| fs::metadata(beside(path, suffix)).map_or(0, |file| file.len());
        StoreFigures {
            file_bytes: len(""),
            log_bytes: len("-wal"),
            log_pages: self.pages,
            waiting_pages: self.waiting,
            checkpoint: self.last,
            is_log_held: self.is_held,
        }
    }

    fn is_large(&self) -> bool {
        self.pages.saturating_mul(self.page_len) > self.limit
    }

    fn look(&mut self, connection: &Connection) {
        if let Ok((_, pages, moved)) = connect::checkpoint(connection, "NOOP") {
            (self.pages, self.waiting) = (pages, pages.saturating_sub(moved));
        }
    }

    /// Whether a reader prevents the reuse of the log.
    fn checkpoint(&mut self, connection: &Connection, mode: &str) -> bool {
        let Ok((is_busy, pages, moved)) = connect::checkpoint(connection, mode) else {
            self.last = Checkpoint::Failed;
            return false;
        };
        (self.pages, self.waiting) = (pages, pages.saturating_sub(moved));
        self.last = if is_busy || self.waiting > 0 { Checkpoint::Partial } else { Checkpoint::Complete };
        is_busy
    }
}
