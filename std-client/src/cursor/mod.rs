//! The position in a room: the last entry displayed, stored per room and identity, so that the next
//! session continues after it.
//!
//! ```text
//! cursors/SERVER.ROOM.IDENTITY     and .2, .3, ... of sessions at the same time
//!   kabar cursor 1
//!   seq NUMBER
//!   term HEX
//!   log NUMBER                     in the local history, if the entry is recorded there
//! ```
//! SERVER and IDENTITY are fingerprints. A position is written after the output was flushed: an
//! entry that was displayed and not recorded is displayed again, none is left out.
//!
//! Sessions of one identity may run at the same time, at two terminals or in pipes, and each
//! displays every entry. So each has its own position: a process holds the lock of the first
//! file that no other process holds. It continues after the farthest position that no process
//! holds: everything up to there was displayed by a session that has ended, without a gap, because
//! a session without such a position begins at the position of one that runs. The other positions
//! that no process holds are dropped. Nothing that no session displayed is left out, and nothing
//! that an ended session displayed is displayed again.
//!
//! Earlier versions stored positions per name, as `cursors/SERVER.ROOM.NAME`. Those of the names of
//! an identity apply until it has its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use data_encoding::HEXLOWER;
use kabar_core::chat::Term;
use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError, Lock, LockError, Unusable};
use kabar_std::invite::{RoomName, show_fingerprint};

const VERSION: &str = "kabar cursor 1";
/// Sessions of one identity in one room that have a position; further ones save none.
const MAX_FILES: usize = 16;

/// A position in a room's log, and the term of the server in which it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Sequence number of the entry.
    pub seq: u64,
    /// The term.
    pub term: Term,
}

/// The last entry displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Its position.
    pub cursor: Cursor,
    /// The number of its log in the local history; `None`: not recorded.
    pub log: Option<u64>,
}

/// The file of a cursor, which no other process writes.
#[derive(Debug)]
pub struct CursorFile {
    dir: DataDir,
    /// Name of the first file.
    base: String,
    held: Option<HeldFile>,
}

/// A file whose lock this process holds.
#[derive(Debug)]
struct HeldFile {
    name: String,
    _lock: Lock,
}

/// A position, and when it was written.
type Stored = (Shown, Option<SystemTime>);

impl CursorFile {
    /// Opens a file for the identity with the fingerprint `identity` in `room` of the server with
    /// this key. `former_names`: case-folded names under which earlier versions used the identity.
    #[must_use]
    pub fn open(
        dir: &DataDir,
        server: &Fingerprint,
        room: &RoomName,
        identity: &str,
        former_names: &[String],
    ) -> Opened {
        let prefix = format!("cursors/{}.{room}.", show_fingerprint(server));
        let mut file = Self { dir: dir.clone(), base: format!("{prefix}{identity}"), held: None };
        // If it cannot be locked now, saving reports why.
        let _ = file.hold();
        let former = former_names.iter().map(|name| format!("{prefix}{name}"));
        let start = file.start(former);
        Opened { file, start }
    }

    /// Saves `shown`, unless all files are held by other processes.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn save(&mut self, shown: Shown) -> Result<(), FileError> {
        self.hold()?;
        match &self.held {
            Some(held) => self.dir.replace(&held.name, format(shown).as_bytes()),
            None => Ok(()),
        }
    }

    fn name(&self, number: usize) -> String {
        if number == 1 { self.base.clone() } else { format!("{}.{number}", self.base) }
    }

    /// Takes the first file that no other process holds.
    fn hold(&mut self) -> Result<(), FileError> {
        for number in 1..=MAX_FILES {
            if self.held.is_some() {
                break;
            }
            let name = self.name(number);
            self.held = try_lock(&self.dir, &name)?.map(|lock| HeldFile { name, _lock: lock });
        }
        Ok(())
    }

    /// Returns the position to continue after.
    fn start(&self, former: impl Iterator<Item = String>) -> Result<Option<Shown>, FileError> {
        let own = self.held.as_ref().map(|held| held.name.as_str());
        let (mut free, mut in_use, mut dropped, mut error) = (None, None, Vec::new(), None);
        for name in (1..=MAX_FILES).map(|number| self.name(number)) {
            let stored = load(&self.dir, &name).unwrap_or_else(|damaged| {
                error.get_or_insert(damaged);
                None
            });
            let Some(stored) = stored else { continue };
            if own == Some(name.as_str()) {
                free = farther(free, stored);
            } else if let Ok(Some(lock)) = try_lock(&self.dir, &name) {
                free = farther(free, stored);
                dropped.push((name, lock));
            } else {
                in_use = farther(in_use, stored);
            }
        }
        let Some((start, _)) = free.or(in_use) else {
            if let Some(error) = error {
                return Err(error);
            }
            let former = former.filter_map(|name| load(&self.dir, &name).ok()?);
            return Ok(former.fold(None, farther).map(|(shown, _)| shown));
        };
        // A position is dropped only when another file has it.
        if let (Some(own), false) = (own, dropped.is_empty())
            && self.dir.replace(own, format(start).as_bytes()).is_ok()
        {
            dropped.iter().for_each(|(name, _lock)| drop(std::fs::remove_file(self.dir.join(name))));
        }
        Ok(Some(start))
    }
}

/// A cursor file that was opened.
#[derive(Debug)]
pub struct Opened {
    /// The file to save positions in.
    pub file: CursorFile,
    /// The position to continue after; an error if the file is damaged.
    pub start: Result<Option<Shown>, FileError>,
}

/// Returns `None` if another process holds the lock.
fn try_lock(dir: &DataDir, name: &str) -> Result<Option<Lock>, FileError> {
    match dir.lock(&format!("{name}.lock")) {
        Ok(lock) => Ok(Some(lock)),
        Err(LockError::Held(_)) => Ok(None),
        Err(LockError::File(error)) => Err(error),
    }
}

/// Of one term, the position with the larger number is the farther one. Numbers of different terms
/// do not compare: the history may have been reset between them. Then the one written later counts.
fn farther(known: Option<Stored>, other: Stored) -> Option<Stored> {
    let Some(known) = known else { return Some(other) };
    let (before, after) = (known.0.cursor, other.0.cursor);
    let is_farther =
        if before.term == after.term { after.seq > before.seq } else { other.1.is_some_and(|at| Some(at) > known.1) };
    Some(if is_farther { other } else { known })
}

fn load(dir: &DataDir, name: &str) -> Result<Option<Stored>, FileError> {
    let Some(text) = dir.read(name)? else { return Ok(None) };
    let path = dir.join(name);
    let damaged = || FileError::damaged(&path, Unusable::DamagedAndReplaced);
    let written = std::fs::metadata(&path).and_then(|file| file.modified()).ok();
    parse(&text).map(|shown| Some((shown, written))).ok_or_else(damaged)
}

/// A [`CursorFile`] shared with the thread that writes output.
#[derive(Clone, Debug)]
pub struct SharedCursorFile(Arc<Mutex<CursorFile>>);

impl SharedCursorFile {
    /// Shares `file`.
    #[must_use]
    pub fn new(file: CursorFile) -> Self {
        Self(Arc::new(Mutex::new(file)))
    }

    /// Whether this is the same file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Saves `shown`.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn save(&self, shown: Shown) -> Result<(), FileError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).save(shown)
    }
}

/// The position of an entry, and the file in which it is saved once the entry is displayed.
#[derive(Clone, Debug)]
pub struct Position {
    /// The position.
    pub shown: Shown,
    /// The file of its room.
    pub file: SharedCursorFile,
}

fn parse(text: &str) -> Option<Shown> {
    let mut lines = text.lines();
    if lines.next()? != VERSION {
        return None;
    }
    let seq = lines.next()?.strip_prefix("seq ")?.parse().ok()?;
    let term = HEXLOWER.decode(lines.next()?.strip_prefix("term ")?.as_bytes()).ok()?;
    let log = match lines.next() {
        Some(line) => Some(line.strip_prefix("log ")?.parse().ok()?),
        None => None,
    };
    let cursor = Cursor { seq, term: Term(term.try_into().ok()?) };
    lines.next().is_none().then_some(Shown { cursor, log })
}

fn format(Shown { cursor: Cursor { seq, term }, log }: Shown) -> String {
    let log = log.map(|log| format!("log {log}\n")).unwrap_or_default();
    format!("{VERSION}\nseq {seq}\nterm {}\n{log}", HEXLOWER.encode(&term.0))
}

#[cfg(test)]
mod tests;
