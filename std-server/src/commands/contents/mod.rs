//! Contents of files in `check`, `backup` and `restore`.

use std::io;
use std::path::{Path, PathBuf};

use kabar_core::content::Root;
use kabar_std::content::is_whole;
use kabar_std::sqlite::beside;

use super::CommandError;
use crate::contents::ContentDir;
use crate::store::{
    ContentRecord, FILE_NAME, OpenError, contents_of_backup, forget_contents, forget_contents_of_backup, list_contents,
};

/// The directory of the contents of a backup, next to its file.
const SUFFIX: &str = ".files";

/// The result of a check of contents.
#[derive(Debug, Default)]
pub(super) struct ContentReport {
    /// Number of contents that are whole.
    pub(super) whole: u64,
    /// What is damaged or missing, one line each.
    pub(super) problems: Vec<String>,
    /// Files that belong to no content of the history, one line each. They do no harm.
    pub(super) remarks: Vec<String>,
}

/// Proves every complete content of the history in `dir`. A server may run meanwhile.
pub(super) fn check(dir: &Path) -> Result<ContentReport, CommandError> {
    let listed = list_contents(dir).map_err(CommandError::failed)?;
    let files = ContentDir::new(dir);
    let mut report = ContentReport::default();
    let mut problems = Vec::new();
    for content in listed.iter().filter(|content| content.is_complete) {
        match prove(&files, content) {
            Ok(true) => report.whole += 1,
            Ok(false) => problems.push((content, "it does not prove against its root".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                problems.push((content, "its file is missing, or has another length".to_owned()));
            }
            Err(error) => problems.push((content, format!("it cannot be read: {error}"))),
        }
    }
    let unreadable = |error| CommandError::Failed(format!("cannot read {}: {error}", files.path().display()));
    let stored = files.stored().map_err(unreadable)?;
    // A server may have removed and received some meanwhile.
    let now = list_contents(dir).map_err(CommandError::failed)?;
    problems.retain(|(content, _)| now.contains(content));
    report.problems = problems.into_iter().map(|(it, why)| format!("the content {}: {why}", it.root)).collect();
    let is_known = |root: &Root| listed.iter().chain(&now).any(|content| content.root == *root);
    let roots = stored.whole.iter().map(|it| it.0).chain(stored.parts.iter().map(|it| it.0));
    let mut unknown: Vec<Root> = roots.filter(|root| !is_known(root)).collect();
    unknown.dedup();
    report.remarks = unknown.iter().map(|root| format!("the content {root} is not in the history")).collect();
    report.remarks.extend(stored.others.iter().map(|path| format!("{} is no content", path.display())));
    Ok(report)
}

/// Puts all complete contents of the new backup `file` next to it. Returns their number.
pub(super) fn back_up(dir: &Path, file: &Path) -> Result<usize, CommandError> {
    let (from, to) = (ContentDir::new(dir), ContentDir::at(beside(file, SUFFIX)));
    let listed = contents_of_backup(file).map_err(CommandError::failed)?;
    let mut gone = Vec::new();
    let mut copied = 0;
    for content in listed.iter().filter(|content| content.is_complete) {
        match from.copy(content.root, &to) {
            Ok(()) => copied += 1,
            // It was removed since, or is missing: a restored server lets it be sent again.
            Err(error) if error.kind() == io::ErrorKind::NotFound => gone.push(content.root),
            Err(error) => {
                return Err(CommandError::Failed(format!("cannot write {}: {error}", to.path().display())));
            }
        }
    }
    if !gone.is_empty() {
        forget_contents_of_backup(file, &gone).map_err(CommandError::failed)?;
    }
    Ok(copied)
}

/// Fetches the complete contents of the history that was restored from `file`. Returns how many are
/// there, and those that are not: the history no longer has them.
pub(super) fn fetch(dir: &Path, file: &Path) -> Result<(u64, Vec<Root>), CommandError> {
    let listed = match list_contents(dir) {
        // It has no contents before a server brings it up to date.
        Err(OpenError::Older(_)) => return Ok((0, Vec::new())),
        listed => listed.map_err(CommandError::failed)?,
    };
    let (from, to) = (source(file), ContentDir::new(dir));
    let (mut whole, mut missing) = (0, Vec::new());
    for content in listed.iter().filter(|content| content.is_complete) {
        let is_there = matches!(prove(&to, content), Ok(true)) || {
            let fetched = to.remove(content.root).and_then(|()| from.copy(content.root, &to));
            fetched.is_ok() && matches!(prove(&to, content), Ok(true))
        };
        if is_there { whole += 1 } else { missing.push(content.root) }
    }
    if !missing.is_empty() {
        forget_contents(dir, &missing).map_err(CommandError::failed)?;
    }
    Ok((whole, missing))
}

/// The contents of a backup; or those of a stopped server, if `file` is its history.
fn source(file: &Path) -> ContentDir {
    let backup: PathBuf = beside(file, SUFFIX);
    if !backup.is_dir() && file.file_name().is_some_and(|name| name == FILE_NAME) {
        return ContentDir::new(file.parent().unwrap_or(Path::new("")));
    }
    ContentDir::at(backup)
}

/// Whether a content is whole. [`NotFound`](io::ErrorKind::NotFound): it is not there.
fn prove(files: &ContentDir, content: &ContentRecord) -> io::Result<bool> {
    let source = files.open_whole(content.root, content.size)?;
    let mut source = source.ok_or(io::ErrorKind::NotFound)?;
    Ok(is_whole(content.root, content.size, &mut source))
}

#[cfg(test)]
mod tests;
