//! Terminals without a full screen.

use kabar_tests::room::Room;
use kabar_tests::terminal::Terminal;

use super::SIZE;

#[test]
fn a_terminal_that_cannot_display_it_has_lines_and_says_so() {
    let room = Room::open();
    let dumb: &[(&str, &str)] = &[("TERM", "dumb")];
    let unknown: &[(&str, &str)] = &[("TERM", "")];
    for (name, variables, size, why) in [
        ("anna", dumb, SIZE, "a terminal of type dumb cannot display it"),
        ("carl", unknown, SIZE, "TERM is not set"),
        ("dora", &[], (5, 30), "30x5 cells"),
    ] {
        let arguments = ["join", &room.invite, "--name", name];
        let mut terminal = Terminal::start_sized("kabar", &room.home_of(name), &arguments, variables, size);
        terminal.until_written("the reason", |written| {
            written.contains(&format!("no full screen, but lines: {why}")[..20])
        });
        terminal.until_written("joined", |written| written.contains("Joined lobby"));
        assert!(!terminal.written().contains("\x1b[?1049h"), "{}", terminal.written());
        terminal.type_line("/quit");
        assert_eq!(terminal.wait(), 0);
        assert!(terminal.written().contains(why), "{}", terminal.written());
    }
}
