//! Keys of names: earlier versions made one for each name. They stay where they are and own what
//! they owned. The one used last becomes the user's own identity.

use std::time::{SystemTime, UNIX_EPOCH};

use kabar_std::data_dir::{DataDir, FileError};

use super::key_file::{self, Key};
use crate::known_servers::KnownServers;

/// The highest number that earlier versions appended to a name in use.
const MAX_SUFFIX: u32 = 100;
const CURSORS: &str = "cursors";

/// The keys of names that earlier versions made.
#[derive(Debug, Default)]
pub(super) struct FormerKeys(Vec<FormerKey>);

#[derive(Debug)]
struct FormerKey {
    /// The name, case-folded.
    name: String,
    file: String,
    /// `None`: the file is damaged.
    key: Option<Key>,
}

impl FormerKeys {
    /// Loads them.
    ///
    /// # Errors
    /// [`FileError`] if the folder cannot be read.
    pub(super) fn load(dir: &DataDir) -> Result<Self, FileError> {
        let mut keys = Vec::new();
        for (name, file) in key_file::list(dir)? {
            match key_file::load(dir, &file) {
                Ok(Some(found)) if !found.is_label => keys.push(FormerKey { name, file, key: Some(found.key) }),
                Ok(_) => {}
                Err(_) => keys.push(FormerKey { name, file, key: None }),
            }
        }
        Ok(Self(keys))
    }

    /// Returns the key of this case-folded name.
    ///
    /// # Errors
    /// [`FileError`] if its file is damaged.
    pub(super) fn find(&self, dir: &DataDir, name: &str) -> Result<Option<Key>, FileError> {
        let Some(found) = self.0.iter().find(|former| former.name == name) else { return Ok(None) };
        match &found.key {
            Some(key) => Ok(Some(key.clone())),
            None => key_file::load(dir, &found.file).map(|found| found.map(|found| found.key)),
        }
    }

    /// Returns the case-folded names of `key`.
    pub(super) fn names_of(&self, key: &Key) -> Vec<String> {
        self.0.iter().filter(|former| former.key.as_ref() == Some(key)).map(|former| former.name.clone()).collect()
    }

    /// Returns the case-folded names of other keys than `key`.
    pub(super) fn names_of_others(&self, key: &Key) -> Vec<String> {
        self.0.iter().filter(|former| former.key.as_ref() != Some(key)).map(|former| former.name.clone()).collect()
    }

    /// Returns the key that was used last, or `None` if there is none at all.
    ///
    /// The evidence is the last change of the files that a session writes: the lock of the name at
    /// its start, and the positions in rooms. A name without a position was never in a room with
    /// `kabar` (devices have keys in the same folder); a name with a number was made because the
    /// other one was in use. Both are taken only if there is no other. Of files changed in the same
    /// second, as in a copy, those of the room joined last count.
    ///
    /// # Errors
    /// [`FileError`] if the file of the key is damaged.
    pub(super) fn used_last(&self, dir: &DataDir) -> Result<Option<Key>, FileError> {
        let rooms = KnownServers::load(dir).map(|known| known.rooms()).unwrap_or_default();
        let cursors = cursor_files(dir);
        let rank = |former: &FormerKey| {
            // SERVER.ROOM.NAME
            let name_in = |file: &'_ str| file.splitn(3, '.').nth(2) == Some(former.name.as_str());
            let own = || cursors.iter().filter(|(file, _)| name_in(file));
            let used = own().map(|(_, changed)| *changed).chain(changed(dir, &key_file::lock_of(&former.name))).max();
            let is_room = |room: &crate::known_servers::KnownRoom| fold(&room.name) == former.name;
            let room = rooms.iter().position(is_room).map(|at| rooms.len() - at);
            (own().next().is_some(), !self.has_number(&former.name), used, room)
        };
        let Some(last) = self.0.iter().max_by_key(|former| rank(former)) else { return Ok(None) };
        self.find(dir, &last.name)
    }

    /// Whether the name is another one with a number.
    fn has_number(&self, name: &str) -> bool {
        let Some((base, number)) = name.rsplit_once('-') else { return false };
        number.parse().is_ok_and(|number: u32| (2..=MAX_SUFFIX).contains(&number))
            && self.0.iter().any(|former| former.name == base)
    }
}

fn fold(name: &str) -> String {
    kabar_std::names::Name::existing(name).map(|name| name.folded().to_owned()).unwrap_or_default()
}

/// Returns the names of the files with positions in rooms, and when they were changed.
fn cursor_files(dir: &DataDir) -> Vec<(String, u64)> {
    let Ok(files) = std::fs::read_dir(dir.join(CURSORS)) else { return Vec::new() };
    let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    names.filter_map(|name| Some((name.clone(), changed(dir, &format!("{CURSORS}/{name}"))?))).collect()
}

/// Returns when a file was changed, in s since 1970.
fn changed(dir: &DataDir, file: &str) -> Option<u64> {
    let changed: SystemTime = std::fs::metadata(dir.join(file)).ok()?.modified().ok()?;
    Some(changed.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
