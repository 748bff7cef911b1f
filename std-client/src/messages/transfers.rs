//! Sentences about files that are sent and received.

use kabar_core::chat::{CancelCode, PostRefusedCode};
use kabar_core::time::Duration;
use kabar_std::text::{clean_line, size_text};

use super::refusals::post_refusal;
use crate::engine::event::{Transfer, TransferFailure, TransferState, Wait};
use crate::language::message;
use crate::transfers::progress::Measured;
use crate::transfers::{FileFailure, MAX_FILE_LEN};

/// Returns the sentence about a change of a transfer; `None`: it is only progress.
pub(super) fn event(transfer: &Transfer) -> Option<String> {
    let Transfer { id, name, is_upload, .. } = transfer;
    let (name, number) = (clean_line(name), id.0);
    Some(match &transfer.state {
        TransferState::Hashing(_) | TransferState::Running(_) | TransferState::Storing => return None,
        TransferState::Waiting(Wait::Others) if *is_upload => message!("transfer-sending", name, number),
        TransferState::Waiting(Wait::Others) => message!("transfer-receiving", name, number),
        TransferState::Waiting(Wait::Connection) => return None,
        TransferState::Waiting(what) => message!("transfer-waits", name, reason = wait(*what)),
        TransferState::Sent(_) => message!("transfer-sent", name),
        TransferState::Received(path) => {
            message!("transfer-received", path = clean_line(&path.display().to_string()))
        }
        TransferState::Failed(why) if *is_upload => message!("transfer-not-sent", name, reason = failure(why)),
        TransferState::Failed(why) => message!("transfer-not-received", name, reason = failure(why)),
        TransferState::Cancelled => message!("transfer-cancelled", name),
    })
}

/// Returns the answer to `/transfers`.
pub(super) fn list(transfers: &[Transfer]) -> String {
    if transfers.is_empty() {
        return message!("transfers-none");
    }
    let row = |transfer: &Transfer| format!("{}  {}", transfer.id.0, line(transfer));
    transfers.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Returns a line about how far a transfer is.
#[must_use]
pub fn line(transfer: &Transfer) -> String {
    let Transfer { name, is_upload, .. } = transfer;
    let arrow = if *is_upload { "\u{2191}" } else { "\u{2193}" };
    let state = state_texts(transfer).into_iter().next().unwrap_or_default();
    format!("{arrow} {}: {state}", clean_line(name))
}

/// Returns how far a transfer is, in words: from the longest form to the shortest one.
#[must_use]
pub fn state_texts(transfer: &Transfer) -> Vec<String> {
    let size = transfer.size.unwrap_or(0);
    let text = match &transfer.state {
        TransferState::Waiting(what) => wait(*what),
        TransferState::Hashing(_) if transfer.size.is_none() => message!("transfer-opening"),
        TransferState::Hashing(done) => {
            let percent = percent_of(*done, size);
            let whole = message!("transfer-hashing", percent, size = size_text(size));
            return vec![whole, message!("transfer-hashing-short", percent)];
        }
        TransferState::Running(measured) => return summary_texts(*measured, size),
        TransferState::Storing => message!("transfer-storing"),
        TransferState::Sent(_) | TransferState::Received(_) => message!("transfer-done"),
        TransferState::Failed(why) => failure(why),
        TransferState::Cancelled => message!("transfer-is-cancelled"),
    };
    vec![text]
}

/// Returns how far transfers of `size` bytes are, in words: from the longest form to the shortest
/// one.
#[must_use]
pub fn summary_texts(measured: Measured, size: u64) -> Vec<String> {
    let Measured { done, rate, left } = measured;
    let (percent, size) = (percent_of(done, size), size_text(size));
    let shortest = format!("{percent} %");
    match (rate, left) {
        (Some(rate), Some(left)) => {
            let (rate, left) = (size_text(rate), duration(left));
            let whole = message!("transfer-progress", percent, size = &*size, rate = &*rate, left = &*left);
            let short = message!("transfer-progress-short", percent, rate, left = &*left);
            vec![whole, short, message!("transfer-progress-left", percent, left), shortest]
        }
        _ => vec![message!("transfer-progress-unknown", percent, size), shortest],
    }
}

/// Returns how much of a file is transferred, or hashed before that.
#[must_use]
pub fn percent(transfer: &Transfer) -> Option<u64> {
    match &transfer.state {
        TransferState::Hashing(done) => Some(percent_of(*done, transfer.size?)),
        TransferState::Running(measured) => Some(percent_of(measured.done, transfer.size.unwrap_or(0))),
        _ => None,
    }
}

fn percent_of(done: u64, size: u64) -> u64 {
    let percent = u128::from(done).saturating_mul(100).checked_div(u128::from(size)).unwrap_or(100);
    u64::try_from(percent).unwrap_or(100).min(100)
}

/// `1:02:03`, or `2:03`.
fn duration(time: Duration) -> String {
    let seconds = time.as_millis() / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Returns what a transfer waits for.
#[must_use]
pub fn wait(wait: Wait) -> String {
    match wait {
        Wait::Others => message!("transfer-wait-others"),
        Wait::Connection => message!("transfer-wait-connection"),
        Wait::Server => message!("transfer-wait-server"),
        Wait::Disk => message!("transfer-wait-disk"),
        Wait::Damaged => message!("file-damaged"),
    }
}

/// Returns why a transfer has failed.
#[must_use]
pub fn failure(failure: &TransferFailure) -> String {
    match failure {
        TransferFailure::File(failure) => file_failure(failure),
        TransferFailure::Refused(code) => refusal(*code),
        TransferFailure::EntryRefused(PostRefusedCode::CONTENT) => refusal(CancelCode::REMOVED),
        TransferFailure::EntryRefused(code) => post_refusal(*code),
        TransferFailure::Protocol => message!("transfer-protocol"),
        TransferFailure::NotSupported => message!("transfer-not-supported"),
        TransferFailure::NotInRoom => message!("transfer-not-in-room"),
        TransferFailure::NoSuchFile => message!("transfer-no-such-file"),
        TransferFailure::Name => message!("transfer-name"),
        TransferFailure::TooMany => message!("transfer-too-many"),
        TransferFailure::NoFolder => message!("transfer-no-folder"),
        TransferFailure::NoThread => message!("transfer-no-thread"),
    }
}

fn file_failure(failure: &FileFailure) -> String {
    match failure {
        FileFailure::Directory => message!("file-directory"),
        FileFailure::NotAFile => message!("file-not-regular"),
        FileFailure::TooLong => message!("file-too-long", max = size_text(MAX_FILE_LEN)),
        FileFailure::Changed => message!("file-changed"),
        FileFailure::NotProven { offset } => message!("file-not-proven", offset = *offset),
        FileFailure::Damaged => message!("file-damaged"),
        FileFailure::Exists => message!("file-exists"),
        FileFailure::Busy => message!("file-busy"),
        FileFailure::Full => message!("transfer-wait-disk"),
        FileFailure::File(error) => clean_line(&error.to_string()),
    }
}

fn refusal(code: CancelCode) -> String {
    match code {
        CancelCode::NOT_PERMITTED => message!("cancel-not-permitted"),
        CancelCode::NOT_FOUND => message!("cancel-not-found"),
        CancelCode::TOO_LARGE => message!("cancel-too-large"),
        CancelCode::MEMBER_QUOTA => message!("cancel-member-quota"),
        CancelCode::SERVER_QUOTA => message!("cancel-server-quota"),
        CancelCode::REMOVED => message!("cancel-removed"),
        CancelCode::NOT_PROVEN | CancelCode::OUT_OF_RANGE => message!("transfer-protocol"),
        CancelCode(code) => message!("cancel-other", code = code),
    }
}
