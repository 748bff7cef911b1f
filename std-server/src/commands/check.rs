//! `kabar-server check`: checks the history and the contents of files for damage.

use std::io::{self, Write};
use std::path::Path;

use super::contents::{self, ContentReport};
use super::{CommandError, PROGRAM, said};
use crate::config::StorageArgs;
use crate::store::{FILE_NAME, Report};
use kabar_std::text::clean_line;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    storage: StorageArgs,
}

/// Reads the whole history and all contents, and prints a report.
///
/// # Errors
/// [`CommandError::Failed`] if there are problems, or the history cannot be read.
pub fn run(arguments: &Arguments) -> Result<(), CommandError> {
    let dir = arguments.storage.resolve().map_err(CommandError::Usage)?.data_dir;
    let report = Report::make(&dir).map_err(CommandError::failed)?;
    let path = dir.join(FILE_NAME);
    let files = contents::check(&dir)?;
    said(write_report(&path, &report, &files, &mut io::stdout().lock()))?;
    match report.problems.len() {
        0 if files.problems.is_empty() => Ok(()),
        0 => Err(CommandError::Failed(format!(
            "{} contents of files are damaged: remove each with `{PROGRAM} files remove ROOT`, then they can be sent again",
            files.problems.len()
        ))),
        count => Err(CommandError::Failed(format!(
            "{} has {count} problems: to put a backup in its place, stop the server and `kabar-server restore FILE`, which keeps the \
             damaged files ({FILE_NAME}, {FILE_NAME}-wal, {FILE_NAME}-shm); `kabar-server history` still shows what can be read",
            path.display()
        ))),
    }
}

fn write_report(path: &Path, report: &Report, files: &ContentReport, to: &mut impl Write) -> io::Result<()> {
    for problem in report.problems.iter().chain(&files.problems).chain(&files.remarks) {
        writeln!(to, "{}", clean_line(problem))?;
    }
    for room in &report.rooms {
        let (name, entries, terms) = (clean_line(&room.name), room.entries, room.terms);
        writeln!(to, "room {name}: {entries} entries, the last is {}; {terms} runs", room.head)?;
    }
    writeln!(to, "{} names", report.names)?;
    if report.not_indexed > 0 {
        writeln!(to, "{} entries are not in the search index yet", report.not_indexed)?;
    }
    if files.whole > 0 {
        writeln!(to, "{} contents of files", files.whole)?;
    }
    let verdict = if report.problems.is_empty() && files.problems.is_empty() { "no problem found" } else { "damaged" };
    writeln!(to, "{}: {verdict}", path.display())
}
