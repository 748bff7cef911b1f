//! Questions of `kabar` without a subcommand.

use kabar_std::address::DEFAULT_PORT;
use kabar_std::password::NoPassword;

use super::errors::target_error;
use super::questions::password_not_utf8;
use super::reasons;
use crate::known_servers::KnownRoom;
use crate::language::message;
use crate::outcome::ChoiceError;

/// The answer has other bytes than UTF-8, or is far too long.
#[must_use]
pub fn not_text() -> String {
    message!("wizard-not-text")
}

/// What was typed is no password.
#[must_use]
pub fn no_password(why: NoPassword) -> String {
    reasons::password(why)
}

/// Displayed before the question for a room: the rooms that are known.
#[must_use]
pub fn rooms(rooms: &[KnownRoom]) -> String {
    if rooms.is_empty() {
        return message!("wizard-where") + "\n";
    }
    let mut text = message!("wizard-known-rooms") + "\n";
    for (number, known) in (1..).zip(rooms) {
        let address = known.addresses.first().map(ToString::to_string).unwrap_or_default();
        let room = &known.room;
        let row = if known.name.is_empty() {
            message!("wizard-known-room", %room, address)
        } else {
            message!("wizard-known-room-as", %room, address, name = &known.name)
        };
        text.push_str(&format!("  {number}  {row}\n"));
    }
    text
}

/// The question for a room.
#[must_use]
pub fn room(is_any_known: bool) -> String {
    if is_any_known { message!("wizard-room") } else { message!("wizard-address") }
}

/// Why an answer chooses no room.
#[must_use]
pub fn no_choice(error: &ChoiceError) -> String {
    match error {
        ChoiceError::NoSuchNumber(rooms) => message!("wizard-no-such-number", rooms = *rooms),
        ChoiceError::NoAddress => message!("wizard-no-address"),
        ChoiceError::Zone(error) => reasons::address(error),
        ChoiceError::Target(error) => target_error(error),
    }
}

/// The question for the password.
#[must_use]
pub fn password(was_not_utf8: bool) -> String {
    let why = if was_not_utf8 { password_not_utf8() } else { String::new() };
    why + &message!("wizard-password")
}

/// The question for the port of a host.
#[must_use]
pub fn port() -> String {
    message!("wizard-port", port = DEFAULT_PORT)
}

/// The question for a name.
#[must_use]
pub fn name(usual: &str) -> String {
    message!("wizard-name", usual)
}
