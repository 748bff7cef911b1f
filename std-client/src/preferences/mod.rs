//! What a person wants to see on a server: whose lines are ignored, and whether joins and leaves
//! are displayed. Kept per server and identity; changes nothing in the room.
//!
//! ```text
//! preferences/SERVER.IDENTITY
//!   kabar preferences 1
//!   joins hidden        if they are
//!   ignore NAME         for each
//! ```
//! SERVER and IDENTITY are fingerprints. A client sees names only, so names are ignored; whoever
//! is ignored stays ignored under a new name.

use kabar_core::session::Fingerprint;
use kabar_std::data_dir::{DataDir, FileError};
use kabar_std::invite::show_fingerprint;
use kabar_std::names::Name;

const VERSION: &str = "kabar preferences 1";
const LOCK: &str = "preferences.lock";
const HIDDEN: &str = "joins hidden";
const IGNORE: &str = "ignore ";
/// Bound of the names that are ignored.
pub const MAX_IGNORED: usize = 256;

/// The preferences of one identity on one server.
#[derive(Debug)]
pub struct Preferences {
    dir: DataDir,
    file: String,
    values: Values,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Values {
    ignored: Vec<Name>,
    hides_joins: bool,
}

/// Whether a change was one, and whether it is kept.
#[derive(Debug)]
pub struct Change {
    /// Whether something is different now.
    pub is_change: bool,
    /// An error: it lasts until the end of this session only.
    pub kept: Result<(), FileError>,
}

impl Preferences {
    /// The preferences of the identity with the fingerprint `identity` on the server with this key,
    /// before they are loaded.
    #[must_use]
    pub fn new(dir: &DataDir, server: &Fingerprint, identity: &str) -> Self {
        let file = format!("preferences/{}.{identity}", show_fingerprint(server));
        Self { dir: dir.clone(), file, values: Values::default() }
    }

    /// Loads them.
    ///
    /// # Errors
    /// [`FileError`], also if the file is damaged.
    pub fn load(&mut self) -> Result<(), FileError> {
        self.values = self.stored()?;
        Ok(())
    }

    fn stored(&self) -> Result<Values, FileError> {
        let Some(text) = self.dir.read(&self.file)? else { return Ok(Values::default()) };
        let damaged = || FileError::damaged(&self.dir.join(&self.file), "the file is damaged; correct or remove it");
        parse(&text).ok_or_else(damaged)
    }

    /// Whether lines of `author` are ignored.
    #[must_use]
    pub fn ignores(&self, author: &str) -> bool {
        !self.values.ignored.is_empty()
            && Name::existing(author).is_ok_and(|author| self.values.position(&author).is_some())
    }

    /// Returns the names that are ignored.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.values.ignored.iter().map(|name| name.shown().to_owned()).collect()
    }

    /// Whether joins and leaves are hidden.
    #[must_use]
    pub fn hides_joins(&self) -> bool {
        self.values.hides_joins
    }

    /// Ignores `name`. `None`: too many are ignored.
    pub fn ignore(&mut self, name: &Name) -> Option<Change> {
        if self.values.ignored.len() >= MAX_IGNORED {
            return None;
        }
        Some(self.change(|values| {
            let is_new = values.position(name).is_none();
            if is_new {
                values.ignored.push(name.clone());
            }
            is_new
        }))
    }

    /// Displays lines of `name` again.
    pub fn unignore(&mut self, name: &Name) -> Change {
        self.change(|values| values.position(name).map(|at| values.ignored.remove(at)).is_some())
    }

    /// A member has another name: if it is ignored, it stays ignored.
    pub fn renamed(&mut self, from: &str, to: &str) -> Option<Change> {
        if !self.ignores(from) {
            return None;
        }
        let (from, to) = (Name::existing(from).ok()?, Name::existing(to).ok()?);
        Some(self.change(|values| {
            let found = values.position(&from);
            if let Some(name) = found.and_then(|at| values.ignored.get_mut(at)) {
                *name = to.clone();
            }
            found.is_some()
        }))
    }

    /// Hides or displays joins and leaves.
    pub fn hide_joins(&mut self, hides: bool) -> Change {
        self.change(|values| std::mem::replace(&mut values.hides_joins, hides) != hides)
    }

    /// Changes what is in use and what is stored: another session may have changed that.
    fn change(&mut self, change: impl Fn(&mut Values) -> bool) -> Change {
        let is_change = change(&mut self.values);
        let store = || {
            let _lock = self.dir.lock_waiting(LOCK)?;
            let mut stored = self.stored()?;
            change(&mut stored);
            self.dir.replace(&self.file, format(&stored).as_bytes())?;
            Ok(stored)
        };
        let kept = store().map(|stored| self.values = stored);
        Change { is_change, kept }
    }
}

impl Values {
    fn position(&self, name: &Name) -> Option<usize> {
        self.ignored.iter().position(|ignored| ignored.folded() == name.folded())
    }
}

fn parse(text: &str) -> Option<Values> {
    let mut lines = text.lines().peekable();
    if lines.next()? != VERSION {
        return None;
    }
    let hides_joins = lines.next_if_eq(&HIDDEN).is_some();
    let ignored: Option<Vec<_>> = lines.map(|line| Name::existing(line.strip_prefix(IGNORE)?).ok()).collect();
    Some(Values { ignored: ignored?, hides_joins })
}

fn format(values: &Values) -> String {
    let joins = if values.hides_joins { format!("{HIDDEN}\n") } else { String::new() };
    let ignored: String = values.ignored.iter().map(|name| format!("{IGNORE}{}\n", name.shown())).collect();
    format!("{VERSION}\n{joins}{ignored}")
}

#[cfg(test)]
mod tests;
