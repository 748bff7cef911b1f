//! What was shown of a room: the last entry, kept per room and name, so that the next visit goes on behind it.
//!
//! ```text
//! cursors/FINGERPRINT.ROOM.NAME
//!   kabar cursor 1
//!   seq NUMBER
//!   term HEX
//! ```
//! Written after the output was flushed: what is shown and not noted is shown again, never left out. Of two processes that are the same
//! person in the same room only one writes it, the one that has the lock beside it.

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use kabar_core::chat::Term;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError};
use kabar_std::invite::{RoomName, show_fingerprint};

const VERSION: &str = "kabar cursor 1";

/// An entry of a room's log, and the server's run in which it was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The entry.
    pub seq: u64,
    /// The run.
    pub term: Term,
}

/// Where a cursor is kept.
#[derive(Debug)]
pub struct CursorFile {
    dir: DataDir,
    name: String,
    lock: Option<Lock>,
}

impl CursorFile {
    /// That of `folded`, a name as it is compared, in `room` of the server with this key.
    #[must_use]
    pub fn new(dir: &DataDir, server: &Fingerprint, room: &RoomName, folded: &str) -> Self {
        let name = format!("cursors/{}.{room}.{folded}", show_fingerprint(server));
        Self { dir: dir.clone(), name, lock: None }
    }

    /// What is kept; `None`: nothing yet.
    ///
    /// # Errors
    /// [`FileError`], also if it is damaged.
    pub fn load(&self) -> Result<Option<Cursor>, FileError> {
        let Some(text) = self.dir.read(&self.name)? else { return Ok(None) };
        let damaged = || FileError::damaged(&self.dir.join(&self.name), "it is damaged and will be made anew");
        parse(&text).map(Some).ok_or_else(damaged)
    }

    /// Keeps `cursor`, unless another process of this person does that here.
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
        self.dir.replace(&self.name, show(cursor).as_bytes())
    }
}

/// The place of a [`CursorFile`] that is not known from the beginning, shared with the thread that writes to the screen.
#[derive(Clone, Debug, Default)]
pub struct CursorSlot(Arc<Mutex<Option<CursorFile>>>);

impl CursorSlot {
    /// From now on cursors are kept there.
    pub fn set(&self, file: CursorFile) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
    }

    /// Keeps `cursor`, if it is known where.
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

fn show(cursor: Cursor) -> String {
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
    fn each_name_and_room_has_its_own() {
        let (_home, dir) = temporary_dir();
        file(&dir, "lobby", "anna").save(AT).unwrap();
        assert_eq!(file(&dir, "lobby", "anna").load().unwrap(), Some(AT));
        assert_eq!(file(&dir, "lobby", "bob").load().unwrap(), None);
        assert_eq!(file(&dir, "other", "anna").load().unwrap(), None);
    }

    #[test]
    fn one_process_at_a_time_writes_it() {
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
    fn a_damaged_one_is_told() {
        let (_home, dir) = temporary_dir();
        let anna = file(&dir, "lobby", "anna");
        let text = show(AT);
        for damaged in ["", &text[..20], &text.replace("42", "-1"), &text.replace("09", "zz"), &format!("{text}more")] {
            dir.replace(&anna.name, damaged.as_bytes()).unwrap();
            assert!(anna.load().unwrap_err().to_string().contains("cursors"), "{damaged}");
        }
    }

    #[test]
    fn nothing_is_kept_before_it_is_known_where() {
        let (_home, dir) = temporary_dir();
        let slot = CursorSlot::default();
        slot.save(AT).unwrap();
        slot.set(file(&dir, "lobby", "anna"));
        slot.save(AT).unwrap();
        assert_eq!(file(&dir, "lobby", "anna").load().unwrap(), Some(AT));
    }
}
