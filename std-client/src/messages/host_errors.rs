//! Why a room is not hosted, and what happens to its transcript.

use std::io;
use std::path::Path;

use kabar_server::driver::StartError;
use kabar_server::room_host::RoomHostError;
use kabar_server::store::{FILE_NAME, OpenError};
use kabar_server::transcript::TranscriptWarning;
use kabar_std::sqlite::StoreErrorKind;

use super::{causes, reasons};
use crate::language::message;
use crate::outcome::HostError;

/// Why a room is not hosted.
pub(super) fn host(error: &HostError) -> String {
    match error {
        HostError::Start(error) => start(error),
        HostError::Failed(_) => message!("host-failed"),
    }
}

fn start(error: &RoomHostError) -> String {
    match error {
        RoomHostError::File(error) => reasons::file(error),
        RoomHostError::InUse(path, None) => message!("host-in-use", path = %path.display()),
        RoomHostError::InUse(path, Some(process)) => {
            message!("host-in-use-by", path = %path.display(), process = %process)
        }
        RoomHostError::History(error) => history(error),
        RoomHostError::Start(StartError::Bind(address, error)) => {
            let reason = match error.kind() {
                io::ErrorKind::AddrInUse => message!("host-port-in-use"),
                _ => causes::io(error),
            };
            message!("host-cannot-listen", %address, reason)
        }
        RoomHostError::Start(StartError::System(error)) => message!("cannot-start", error = causes::io(error)),
        RoomHostError::Start(StartError::Store(error)) => {
            message!("host-history-not-read", reason = reasons::store(error.0))
        }
        error => error.to_string(),
    }
}

/// Why the history of a server cannot be opened.
pub(super) fn history(error: &OpenError) -> String {
    match error {
        OpenError::File(error) => reasons::file(error),
        OpenError::Missing(path) => message!("host-history-missing", path = %path.display()),
        OpenError::Unusable(path, StoreErrorKind::Damaged) => {
            message!("host-history-damaged", path = %path.display())
        }
        OpenError::Unusable(path, StoreErrorKind::Locked) => message!("host-history-locked", path = %path.display()),
        OpenError::Unusable(path, kind) => {
            message!("host-history-unusable", path = %path.display(), reason = reasons::store(*kind))
        }
        OpenError::Foreign(path) => message!("host-history-foreign", path = %path.display()),
        OpenError::Newer(path) => message!("host-history-newer", path = %path.display()),
        OpenError::Older(path) => message!("host-history-older", path = %path.display()),
        OpenError::Directory(path) => message!("host-history-directory", path = %path.display()),
        OpenError::Empty(path) => message!("host-history-empty", path = %path.display(), file = FILE_NAME),
        OpenError::LogOnly(path) => message!("host-history-log-only", path = %path.display(), file = FILE_NAME),
        OpenError::ForeignLog(path) => message!("host-history-foreign-log", path = %path.display(), file = FILE_NAME),
        OpenError::Restoring(path) => message!("host-history-restoring", path = %path.display()),
        error => error.to_string(),
    }
}

/// Lines are missing at the end of the transcript of a hosted room.
pub(super) fn transcript_incomplete(path: &Path, lines: u64) -> String {
    message!("transcript-incomplete", lines, path = %path.display())
}

/// Returns the line about the transcript of a hosted room.
#[must_use]
pub fn transcript(warning: &TranscriptWarning) -> String {
    match warning {
        TranscriptWarning::NotReopened(error) => message!("transcript-not-reopened", reason = reasons::file(error)),
        TranscriptWarning::NotWritable(error) => message!("transcript-not-writable", reason = reasons::file(error)),
        TranscriptWarning::WritableAgain(path) => message!("transcript-writable-again", path = %path.display()),
        TranscriptWarning::Incomplete { path, lines } => transcript_incomplete(path, *lines),
    }
}
