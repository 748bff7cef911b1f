//! The full screen of `kabar` on a pseudo-terminal, as its user sees it.

mod chat;
mod everything;
mod fallback;
mod files;
mod language;
mod pictures;
mod questions;
mod restoring;
mod robust;

use std::path::Path;

use kabar_tests::room::Room;
use kabar_tests::terminal::Terminal;

/// Rows and columns of the terminal that people are likely to have.
const SIZE: (u16, u16) = (24, 80);

/// Starts `kabar` with these arguments.
fn kabar(home: &Path, arguments: &[&str]) -> Terminal {
    Terminal::start_sized("kabar", home, arguments, &[], SIZE)
}

/// Joins a room with a full screen.
fn join(room: &Room, name: &str) -> Terminal {
    let terminal = kabar(&room.home_of(name), &["join", &room.invite, "--name", name]);
    terminal.expect("[#lobby]");
    terminal.expect(&format!("{name} joined"));
    terminal
}
