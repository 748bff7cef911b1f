//! Questions of `kabar` without a subcommand.

use kabar_std::address::DEFAULT_PORT;

use super::errors::target_error;
use super::questions::PASSWORD_NOT_UTF8;
use crate::known_servers::KnownRoom;
use crate::outcome::ChoiceError;

/// The answer has other bytes than UTF-8, or is far too long.
pub const NOT_TEXT: &str = "not UTF-8 text, or far too long: set this terminal to UTF-8";

/// Displayed before the question for a room: the rooms that are known.
#[must_use]
pub fn rooms(rooms: &[KnownRoom]) -> String {
    if rooms.is_empty() {
        return "Where is the room? An invite (kabar://...) or the address of its host; `kabar host` creates a room.\n"
            .to_owned();
    }
    let mut text = "Rooms you know:\n".to_owned();
    for (number, known) in (1..).zip(rooms) {
        let address = known.addresses.first().map(ToString::to_string).unwrap_or_default();
        let name = if known.name.is_empty() { String::new() } else { format!(", as {}", known.name) };
        text.push_str(&format!("  {number}  {} at {address}{name}\n", known.room));
    }
    text
}

/// The question for a room.
#[must_use]
pub const fn room(is_any_known: bool) -> &'static str {
    if is_any_known { "Number, invite or address [1]: " } else { "Address: " }
}

/// Why an answer chooses no room.
#[must_use]
pub fn no_choice(error: &ChoiceError) -> String {
    match error {
        ChoiceError::NoSuchNumber(rooms) => format!("no room with this number: 1 to {rooms}"),
        ChoiceError::NoAddress => "an address is needed, as 192.168.0.162 or 192.168.0.162:9999".to_owned(),
        ChoiceError::Zone(error) => error.to_string(),
        ChoiceError::Target(error) => target_error(error),
    }
}

/// The question for the password.
#[must_use]
pub fn password(was_not_utf8: bool) -> String {
    let why = if was_not_utf8 { PASSWORD_NOT_UTF8 } else { "" };
    format!("{why}Password (Enter if there is none): ")
}

/// The question for the port of a host.
#[must_use]
pub fn port() -> String {
    format!("Port [{DEFAULT_PORT}]: ")
}

/// The question for a name.
#[must_use]
pub fn name(usual: &str) -> String {
    format!("Nickname [{usual}]: ")
}
