//! The console of `kabar-server` at a terminal: a line editor, above which all output is printed.

use std::path::Path;

use kabar_tests::room::{data_dir, give_key, spawn_join, temp_home, text};
use kabar_tests::terminal::{CTRL_C, CTRL_D, TAB, Terminal, UP};

fn start(home: &Path) -> Terminal {
    give_key(home);
    let data = data_dir(home);
    let server = Terminal::start("kabar-server", home, &["--listen", "127.0.0.1:0", "--data-dir", text(&data)]);
    server.expect("kabar://");
    server.expect_prompt();
    server
}

fn invite(screen: &str) -> String {
    screen.lines().find(|line| line.starts_with("kabar://")).expect("an invite").to_owned()
}

#[test]
fn output_is_printed_above_what_is_being_typed() {
    let home = temp_home();
    let mut server = start(home.path());
    let invite = invite(&server.screen());
    server.press("/who is half of it");
    server.expect("> /who is half of it");
    let mut darryl = spawn_join(&home.path().join("darryl"), &invite, "darryl", &[]);
    darryl.expect_stderr("Joined ");
    darryl.type_line("good evening");
    let is_above = |screen: &str| {
        let lines: Vec<&str> = screen.lines().collect();
        let said = lines.iter().position(|line| line.ends_with("): good evening"));
        said.is_some() && lines.last().is_some_and(|line| line.trim_end() == "> /who is half of it")
    };
    server.until("the line of the member above the typed one", is_above);
    // Edited, not entered: the last four words are deleted.
    server.press("\x17\x17\x17\x17\r");
    server.expect("1 member here");
    server.expect_prompt();
    server.type_line("hello, all");
    darryl.expect("server: hello, all");
    server.expect("server: hello, all");
    server.type_line("/stop");
    assert_eq!(server.wait(), 0);
    let screen = server.screen();
    assert_eq!(screen.matches("good evening").count(), 1, "{screen}");
    assert_ne!(screen.lines().last().map(str::trim_end), Some(">"), "the prompt is removed: {screen}");
}

#[test]
fn tab_completes_commands_and_members_and_the_arrow_key_recalls_lines() {
    let home = temp_home();
    let mut server = start(home.path());
    let mut darryl = spawn_join(&home.path().join("darryl"), &invite(&server.screen()), "darryl", &[]);
    darryl.expect_stderr("Joined ");
    server.expect("darryl (127.0.0.1:");
    server.press(&format!("/mu{TAB}"));
    server.expect("> /mute");
    server.press(&format!("dar{TAB}"));
    server.expect("> /mute darryl");
    server.press("\r");
    server.expect("darryl is muted");
    server.expect_prompt();
    server.press(UP);
    server.expect("> /mute darryl");
    server.press("\r");
    server.expect("darryl: is already muted");
    server.expect_prompt();
    server.press(CTRL_C);
    assert_eq!(server.wait(), 0);
}

#[test]
fn control_d_ends_the_prompt_and_not_the_server() {
    let home = temp_home();
    let mut server = start(home.path());
    let invite = invite(&server.screen());
    server.press(CTRL_D);
    let mut darryl = spawn_join(&home.path().join("darryl"), &invite, "darryl", &[]);
    darryl.expect_stderr("Joined ");
    server.expect("darryl (127.0.0.1:");
    // The terminal is as it was before: Ctrl-C is a signal.
    server.press(CTRL_C);
    assert_eq!(server.wait(), 0);
}
