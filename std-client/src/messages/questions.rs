//! Questions of sessions and of subcommands, and what is displayed before them.

use kabar_core::session::Fingerprint;
use kabar_std::address::HostPort;
use kabar_std::invite::{RoomName, show_fingerprint};

/// The question about an unknown key.
pub const ACCEPT_KEY: &str = "Is this the fingerprint in the host's invite?";
/// A typed password has other bytes than UTF-8.
pub const PASSWORD_NOT_UTF8: &str = "not UTF-8 text: set this terminal to UTF-8. ";

/// The question for the passphrase of an exported key.
pub const PASSPHRASE: &str = "Passphrase: ";
/// The question for the passphrase of a key to export.
pub const NEW_PASSPHRASE: &str = "New passphrase: ";
/// The question for the same passphrase again.
pub const PASSPHRASE_AGAIN: &str = "Again: ";

/// The question about another key of a server.
pub const CONFIRM_KEY: &str = "Does its operator confirm this key?";

/// A question with its possible answers; no is the default.
#[must_use]
pub fn yes_or_no(question: &str) -> String {
    format!("{question} [y/N] ")
}

/// The question for a password of a room.
#[must_use]
pub fn ask_password(room: &RoomName, was_wrong: bool) -> String {
    format!("{}Password of {room}: ", if was_wrong { "Wrong password. " } else { "" })
}

/// The key by which a server is known.
#[must_use]
pub fn known_key(server: &HostPort, known: &Fingerprint) -> String {
    format!("known key for {server}:  {}", show_fingerprint(known))
}

/// The key that a server presents now.
#[must_use]
pub fn present_key(found: &Fingerprint) -> String {
    format!("the server's key now:  {}", show_fingerprint(found))
}
