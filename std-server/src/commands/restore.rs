//! `kabar-server restore FILE`: a backup in the room of the history.

use std::path::PathBuf;

use super::CommandError;
use crate::config::RoomArgs;
use crate::store::{FILE_NAME, Restored, restore};
use kabar_std::data_dir::{DataDir, LockError, SERVER_LOCK};

/// Of `restore`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "FILE is read to its end first, and stays. The history that is there is kept: history.db, history.db-wal and \
history.db-shm become history-TIME.db, history-TIME.db-wal and history-TIME.db-shm in the data directory; remove them when they are \
not needed any more. An interrupted restore changed nothing, or is finished by the next start of the server. When the server is \
started again, members are told that the history was reset to an older state."
)]
pub struct Arguments {
    /// A file that `backup` made; or history.db of a stopped server, with history.db-wal beside it if there is one.
    file: PathBuf,

    #[command(flatten)]
    room: RoomArgs,
}

/// Checks the backup and puts it in room.
///
/// # Errors
/// [`CommandError::Failed`] if that is not done; the history is what it was then.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let config = arguments.room.resolve().map_err(CommandError::Usage)?;
    let dir = DataDir::open(&config.data_dir).map_err(CommandError::failed)?;
    // A server that would write on, or begin to, is kept from it.
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
    if let Some(kept) = kept {
        eprintln!("what was there before is kept as {}", kept.display());
    }
    Ok(())
}
