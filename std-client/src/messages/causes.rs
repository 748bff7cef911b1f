//! Why an operation of the operating system failed, or why a file is not used.

use std::io::{self, ErrorKind};

use kabar_std::data_dir::Unusable;
use kabar_std::reading::NotText;

use crate::history::TooManyAside;
use crate::language::message;
use crate::outcome::ThreadFailed;

/// Returns the sentence for an error: that of this program's own cause in it, or else that of the
/// operating system, translated where its kind is a known one.
pub(super) fn io(error: &io::Error) -> String {
    if let Some(inner) = error.get_ref() {
        if let Some(why) = inner.downcast_ref::<NotText>() {
            return not_text(*why);
        }
        if let Some(why) = inner.downcast_ref::<Unusable>() {
            return unusable(*why);
        }
        if inner.is::<TooManyAside>() {
            return message!("history-too-many-aside");
        }
        if inner.is::<ThreadFailed>() {
            return message!("thread-failed");
        }
        #[cfg(unix)]
        if inner.is::<crate::bridge::NotAPort>() {
            return message!("bridge-not-a-port");
        }
    }
    message!("system-error", kind = kind(error), text = %error)
}

/// Why bytes are no text.
pub(super) fn not_text(why: NotText) -> String {
    match why {
        NotText::Utf16 => message!("not-text-utf16"),
        NotText::NotUtf8(line) => message!("not-text-utf8", line),
        NotText::ZeroByte(line) => message!("not-text-zero-byte", line),
        NotText::TooLong(max) => message!("not-text-too-long", max),
    }
}

/// Why a file cannot be used.
fn unusable(why: Unusable) -> String {
    match why {
        Unusable::NotADirectory => message!("unusable-not-a-directory"),
        Unusable::FarTooLong => message!("unusable-far-too-long"),
        Unusable::DamagedKey => message!("unusable-damaged-key"),
        Unusable::DamagedSecret => message!("unusable-damaged-secret"),
        Unusable::DamagedText => message!("unusable-damaged-text"),
        Unusable::DamagedAndReplaced => message!("unusable-damaged-and-replaced"),
    }
}

/// The name of the kind of an error, in the form `system-error`.
pub(super) fn kind(error: &io::Error) -> &'static str {
    // EMFILE and ENFILE, which have no kind.
    if cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24)) {
        return "too-many-files";
    }
    KINDS.iter().find(|(kind, _)| *kind == error.kind()).map_or("other", |(_, name)| name)
}

/// The kinds that have a sentence in other languages.
pub(super) const KINDS: [(ErrorKind, &str); 22] = [
    (ErrorKind::AddrInUse, "address-in-use"),
    (ErrorKind::AddrNotAvailable, "address-not-available"),
    (ErrorKind::AlreadyExists, "already-exists"),
    (ErrorKind::BrokenPipe, "broken-pipe"),
    (ErrorKind::ConnectionRefused, "connection-refused"),
    (ErrorKind::ConnectionReset, "connection-reset"),
    (ErrorKind::DirectoryNotEmpty, "directory-not-empty"),
    (ErrorKind::FileTooLarge, "file-too-large"),
    (ErrorKind::HostUnreachable, "host-unreachable"),
    (ErrorKind::InvalidInput, "invalid-argument"),
    (ErrorKind::IsADirectory, "is-a-directory"),
    (ErrorKind::NetworkDown, "network-down"),
    (ErrorKind::NetworkUnreachable, "network-unreachable"),
    (ErrorKind::NotADirectory, "not-a-directory"),
    (ErrorKind::NotFound, "not-found"),
    (ErrorKind::OutOfMemory, "out-of-memory"),
    (ErrorKind::PermissionDenied, "permission-denied"),
    (ErrorKind::QuotaExceeded, "quota-exceeded"),
    (ErrorKind::ReadOnlyFilesystem, "read-only"),
    (ErrorKind::ResourceBusy, "busy"),
    (ErrorKind::StorageFull, "disk-full"),
    (ErrorKind::TimedOut, "timed-out"),
];
