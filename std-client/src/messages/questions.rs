//! Questions of sessions and of subcommands, and what is displayed before them.

use kabar_core::session::Fingerprint;
use kabar_std::address::HostPort;
use kabar_std::invite::{RoomName, show_fingerprint};

use crate::language::message;

/// The question about an unknown key.
#[must_use]
pub fn accept_key() -> String {
    message!("question-accept-key")
}

/// A typed password has other bytes than UTF-8.
#[must_use]
pub fn password_not_utf8() -> String {
    message!("question-password-not-utf8")
}

/// The question for the passphrase of an exported key.
#[must_use]
pub fn passphrase() -> String {
    message!("question-passphrase")
}

/// The question for the passphrase of a key to export.
#[must_use]
pub fn new_passphrase() -> String {
    message!("question-new-passphrase")
}

/// The question for the same passphrase again.
#[must_use]
pub fn passphrase_again() -> String {
    message!("question-passphrase-again")
}

/// The question about another key of a server.
#[must_use]
pub fn confirm_key() -> String {
    message!("question-confirm-key")
}

/// A question with its possible answers; no is the default.
#[must_use]
pub fn yes_or_no(question: &str) -> String {
    message!("question-yes-or-no", question)
}

/// The question for a password of a room.
#[must_use]
pub fn ask_password(room: &RoomName, was_wrong: bool) -> String {
    if was_wrong { message!("question-password-again", %room) } else { message!("question-password", %room) }
}

/// The key by which a server is known.
#[must_use]
pub fn known_key(server: &HostPort, known: &Fingerprint) -> String {
    message!("key-known", %server, fingerprint = show_fingerprint(known))
}

/// The key that a server presents now.
#[must_use]
pub fn present_key(found: &Fingerprint) -> String {
    message!("key-present", fingerprint = show_fingerprint(found))
}
