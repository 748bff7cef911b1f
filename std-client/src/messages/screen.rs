//! Sentences about the full screen itself.

use crate::outcome::NoScreen;

/// The smallest terminal with a full screen, in columns and rows.
pub const MIN_SIZE: (u16, u16) = (40, 10);

/// Why the prompt is used instead of the full screen.
#[must_use]
pub fn no_screen(why: &NoScreen) -> String {
    let why = match why {
        NoScreen::Type(name) if name.is_empty() => "TERM is not set".to_owned(),
        NoScreen::Type(name) => format!("a terminal of type {name} cannot display it"),
        NoScreen::Size { columns, rows } => {
            let (min_columns, min_rows) = MIN_SIZE;
            format!("the terminal has {columns}x{rows} cells, and it needs {min_columns}x{min_rows}")
        }
    };
    format!("no full screen, but lines: {why}")
}

/// Displayed in the input of a room until the user has sent something.
pub const PLACEHOLDER: &str = "type a message; F1: help; /quit leaves";

/// The same where there is no room.
pub const PLACEHOLDER_WITHOUT_ROOM: &str = "F1: help; /quit leaves";

/// Displayed after the text of a room, where that is shown alone.
pub const BARE: &str = "(select and copy; any key shows the screen again)";

/// Displayed by a screen that is in no room.
pub const NO_ROOM: &str = "You are in no room: /join INVITE joins one, /quit leaves. `kabar host` creates a room.";

/// Displayed by the host of a room once it is in the room.
pub const HOSTING: &str = "This computer hosts the room: it ends for the others when you leave (/quit).";

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
