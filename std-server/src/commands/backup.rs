//! `kabar-server backup FILE`: a copy of the history as it is at one moment.

use std::path::PathBuf;

use super::CommandError;
use crate::config::StorageArgs;
use crate::store::{FILE_NAME, copy};
use kabar_std::output::remark;

/// Of `backup`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To put a copy back: stop the server, `kabar-server restore FILE`, start the server. It checks the copy, and keeps \
the history that is there (history.db, history.db-wal and history.db-shm, which belong together) under another name."
)]
pub struct Arguments {
    /// The copy; nothing may be there.
    file: PathBuf,

    #[command(flatten)]
    storage: StorageArgs,
}

/// Makes the copy, for its owner only.
///
/// # Errors
/// [`CommandError::Failed`] if it is not made; nothing is left of it then.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let dir = arguments.storage.resolve().map_err(CommandError::Usage)?.data_dir;
    copy(&dir, &arguments.file).map_err(CommandError::failed)?;
    remark(&format!("copied {} to {}", dir.join(FILE_NAME).display(), arguments.file.display()));
    Ok(())
}
