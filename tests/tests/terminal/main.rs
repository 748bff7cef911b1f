//! The prompt of `kabar --plain` at a real terminal, as its user sees it.

mod hosting;
mod typing;

use kabar_tests::room::Room;
use kabar_tests::terminal::Terminal;

fn join(room: &Room, name: &str) -> Terminal {
    let terminal = Terminal::start("kabar", &room.home_of(name), &["join", "--plain", &room.invite, "--name", name]);
    terminal.expect("Joined lobby as ");
    terminal.expect_prompt();
    terminal
}

/// The lines of the screen that are entries.
fn entries(screen: &str) -> Vec<String> {
    screen.lines().filter(|line| line.starts_with("[20")).map(|line| line[22..].trim_end().to_owned()).collect()
}
