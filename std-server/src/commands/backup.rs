//! `kabar-server backup FILE`: copies the history as of one moment, with the contents of files.

use std::fs;
use std::path::PathBuf;

use super::{CommandError, contents};
use crate::config::StorageArgs;
use crate::store::{FILE_NAME, copy};
use kabar_std::output::remark;

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To put a copy back: stop the server, `kabar-server restore FILE`, start the server. It checks the copy, and keeps \
the history that is there (history.db, history.db-wal and history.db-shm, which belong together) under another name. The contents of files are put into the directory FILE.files: as hard links \
where that is possible, otherwise as copies."
)]
pub struct Arguments {
    /// The file to create; it must not exist.
    file: PathBuf,

    #[command(flatten)]
    storage: StorageArgs,
}

/// Creates the copy, accessible to its owner only.
///
/// # Errors
/// [`CommandError::Failed`]; nothing is left of the copy of the history then.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let dir = arguments.storage.resolve().map_err(CommandError::Usage)?.data_dir;
    copy(&dir, &arguments.file).map_err(CommandError::failed)?;
    let files = contents::back_up(&dir, &arguments.file).inspect_err(|_| {
        let _ = fs::remove_file(&arguments.file);
    })?;
    if files > 0 {
        remark(&format!("contents of files in {}.files: {files}", arguments.file.display()));
    }
    remark(&format!("copied {} to {}", dir.join(FILE_NAME).display(), arguments.file.display()));
    Ok(())
}
