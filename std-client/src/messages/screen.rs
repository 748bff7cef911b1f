//! Sentences about the full screen itself.

use kabar_std::data_dir::FileError;

use super::reasons;
use crate::language::message;
use crate::outcome::NoScreen;

/// The smallest terminal with a full screen, in columns and rows.
pub const MIN_SIZE: (u16, u16) = (40, 10);

/// Why the prompt is used instead of the full screen.
#[must_use]
pub fn no_screen(why: &NoScreen) -> String {
    let why = match why {
        NoScreen::Type(name) if name.is_empty() => message!("screen-no-term"),
        NoScreen::Type(name) => message!("screen-terminal-type", name),
        NoScreen::Size { columns, rows } => {
            let (min_columns, min_rows) = MIN_SIZE;
            message!("screen-too-small", columns = *columns, rows = *rows, min_columns, min_rows)
        }
    };
    message!("screen-none", reason = why)
}

/// Displayed in the input of a room until the user has sent something.
#[must_use]
pub fn placeholder() -> String {
    message!("screen-placeholder")
}

/// The same where there is no room.
#[must_use]
pub fn placeholder_without_room() -> String {
    message!("screen-placeholder-without-room")
}

/// Displayed after the text of a room, where that is shown alone.
#[must_use]
pub fn bare() -> String {
    message!("screen-bare")
}

/// Displayed by a screen that is in no room.
#[must_use]
pub fn no_room() -> String {
    message!("screen-no-room")
}

/// The position in a room is not saved.
#[must_use]
pub fn position_not_saved(error: &FileError) -> String {
    message!("screen-position", error = reasons::file(error))
}

/// Displayed by the host of a room once it is in the room.
#[must_use]
pub fn hosting() -> String {
    message!("screen-hosting")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_for_lines_is_one_line() {
        for (why, words) in [
            (NoScreen::Type(String::new()), "TERM is not set"),
            (NoScreen::Type("dumb".to_owned()), "type dumb"),
            (NoScreen::Size { columns: 30, rows: 5 }, "30x5 cells, and it needs 40x10"),
        ] {
            let text = no_screen(&why);
            assert!(text.contains(words) && !text.contains('\n'), "{text}");
        }
    }
}
