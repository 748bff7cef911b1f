//! `kabar-server restore FILE`: replaces the history with a backup, and fetches the contents of its
//! files.

use std::path::PathBuf;

use super::{CommandError, contents};
use crate::config::RoomArgs;
use crate::store::{FILE_NAME, Restored, restore};
use kabar_std::data_dir::{DataDir, LockError, SERVER_LOCK};

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "FILE is read to its end first, and stays. The history that is there is kept: history.db, history.db-wal and \
history.db-shm become history-TIME.db, history-TIME.db-wal and history-TIME.db-shm in the data directory; remove them when they are \
no longer needed. An interrupted restore changed nothing, or is finished by the next start of the server. When the server is \
restarted, members are notified that the history was reset to an older state. The contents of files are fetched \
from FILE.files and proven; those of the old history stay."
)]
pub struct Arguments {
    /// A file that `backup` wrote; or history.db of a stopped server, next to its history.db-wal if
    /// there is one.
    file: PathBuf,

    #[command(flatten)]
    room: RoomArgs,
}

/// Checks the backup and replaces the history with it.
///
/// # Errors
/// [`CommandError::Failed`]; the history is unchanged then, unless contents of files cannot be
/// written: restore again.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = arguments.room.resolve().map_err(CommandError::Usage)?;
    let dir = DataDir::open(&config.data_dir).map_err(CommandError::failed)?;
    // Keeps a server from writing meanwhile.
    let _lock = dir.lock(SERVER_LOCK).map_err(|error| match error {
        LockError::Held(id) => {
            let id = id.map_or_else(String::new, |id| format!(" (process {id})"));
            CommandError::Failed(format!("a server is running in {}{id}: stop it first", dir.path().display()))
        }
        LockError::File(error) => CommandError::failed(error),
    })?;
    let Restored { report, kept } =
        restore(&dir, &arguments.file, config.room.as_str()).map_err(CommandError::failed)?;
    let entries: u64 = report.rooms.iter().map(|room| room.entries).sum();
    eprintln!("restored {} from {}: {entries} entries", dir.join(FILE_NAME).display(), arguments.file.display());
    let (whole, missing) = contents::fetch(dir.path(), &arguments.file)?;
    if whole > 0 || !missing.is_empty() {
        eprintln!("contents of files: {whole}; missing in the backup, or damaged: {}", missing.len());
    }
    for root in missing {
        eprintln!("missing: {root}");
    }
    if let Some(kept) = kept {
        eprintln!("the old history is kept as {}", kept.display());
    }
    Ok(())
}
