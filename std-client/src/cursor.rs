//! The position in a room: the last entry displayed, stored per room and name, so that the next
//! session continues after it.
//!
//! ```text
//! cursors/FINGERPRINT.ROOM.NAME
//!   kabar cursor 1
//!   seq NUMBER
//!   term HEX
//! ```
//! Written after the output was flushed: an entry that was displayed and not recorded is displayed
//! again, none is left out. If two processes have the same identity in the same room, only the one
//! that holds the lock file writes it.

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use kabar_core::chat::Term;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError};
use kabar_std::invite::{RoomName, show_fingerprint};

const VERSION: &str = "kabar cursor 1";

/// A position in a room's log, and the term of the server in which it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Sequence number of the entry.
    pub seq: u64,
    /// The term.
    pub term: Term,
}

/// The file of a cursor.
#[derive(Debug)]
pub struct CursorFile {
    dir: DataDir,
    name: String,
    lock: Option<Lock>,
}

impl CursorFile {
    /// Returns the file for the case-folded name `folded` in `room` of the server with this key.
    #[must_use]
    pub fn new(dir: &DataDir, server: &Fingerprint, room: &RoomName, folded: &str) -> Self {
        let name = format!("cursors/{}.{room}.{folded}", show_fingerprint(server));
        Self { dir: dir.clone(), name, lock: None }
    }

    /// Loads the cursor; `None` if there is none.
    ///
    /// # Errors
    /// [`FileError`], also if the file is damaged.
    pub fn load(&self) -> Result<Option<Cursor>, FileError> {
        let Some(text) = self.dir.read(&self.name)? else { return Ok(None) };
        let damaged = || FileError::damaged(&self.dir.join(&self.name), "the file is damaged and will be replaced");
        parse(&text).map(Some).ok_or_else(damaged)
    }

    /// Saves `cursor`, unless another process with this identity does.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn save(&mut self, cursor: Cursor) -> Result<(), FileError> {
        if self.lock.is_none() {
            match self.dir.lock(&format!("{}.lock", self.name)) {
                Ok(lock) => self.lock = Some(lock),
                Err(LockError::Held(_)) => return Ok(()),
                Err(LockError::File(error)) => return Err(error),
            }
        }
        self.dir.replace(&self.name, format(cursor).as_bytes())
    }
}

/// A [`CursorFile`] that is not known from the beginning, shared with the thread that writes
/// output.
#[derive(Clone, Debug, Default)]
pub struct CursorSlot(Arc<Mutex<Option<CursorFile>>>);

impl CursorSlot {
    /// Sets the file.
    pub fn set(&self, file: CursorFile) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }

    /// Saves `cursor`, if there is a file.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn save(&self, cursor: Cursor) -> Result<(), FileError> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_mut().map_or(Ok(()), |file| file.save(cursor))
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let mut lines = text.lines();
    if lines.next()? != VERSION {
        return None;
    }
    let seq = lines.next()?.strip_prefix("seq ")?.parse().ok()?;
    let term = HEXLOWER.decode(lines.next()?.strip_prefix("term ")?.as_bytes()).ok()?;
    lines.next().is_none().then_some(Cursor { seq, term: Term(term.try_into().ok()?) })
}

fn format(cursor: Cursor) -> String {
    format!("{VERSION}\nseq {}\nterm {}\n", cursor.seq, HEXLOWER.encode(&cursor.term.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temporary_dir;

    fn file(dir: &DataDir, room: &str, name: &str) -> CursorFile {
        CursorFile::new(dir, &Fingerprint([7; 20]), &RoomName::new(room).unwrap(), name)
    }

    const AT: Cursor = Cursor { seq: 42, term: Term([9; 8]) };

    #[test]
    fn stores_a_cursor_per_name_and_room() {
        let (_home, dir) = temporary_dir();
        file(&dir, "lobby", "anna").save(AT).unwrap();
        assert_eq!(file(&dir, "lobby", "anna").load().unwrap(), Some(AT));
        assert_eq!(file(&dir, "lobby", "bob").load().unwrap(), None);
        assert_eq!(file(&dir, "other", "anna").load().unwrap(), None);
    }

    #[test]
    fn only_one_process_at_a_time_writes() {
        let (_home, dir) = temporary_dir();
        let mut first = file(&dir, "lobby", "anna");
        first.save(AT).unwrap();
        let mut second = file(&dir, "lobby", "anna");
        second.save(Cursor { seq: 50, ..AT }).unwrap();
        assert_eq!(second.load().unwrap(), Some(AT), "the first is still there");
        drop(first);
        second.save(Cursor { seq: 51, ..AT }).unwrap();
        assert_eq!(second.load().unwrap(), Some(Cursor { seq: 51, ..AT }));
    }

    #[test]
    fn reports_a_damaged_file() {
        let (_home, dir) = temporary_dir();
        let anna = file(&dir, "lobby", "anna");
        let text = format(AT);
        for damaged in ["", &text[..20], &text.replace("42", "-1"), &text.replace("09", "zz"), &format!("{text}more")] {
            dir.replace(&anna.name, damaged.as_bytes()).unwrap();
            assert!(anna.load().unwrap_err().to_string().contains("cursors"), "{damaged}");
        }
    }

    #[test]
    fn saves_nothing_before_the_file_is_set() {
        let (_home, dir) = temporary_dir();
        let slot = CursorSlot::default();
        slot.save(AT).unwrap();
        slot.set(file(&dir, "lobby", "anna"));
        slot.save(AT).unwrap();
        assert_eq!(file(&dir, "lobby", "anna").load().unwrap(), Some(AT));
    }
}
