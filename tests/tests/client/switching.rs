//! `kabar` in several rooms at a terminal: which one is shown, and what is typed there.

use kabar_tests::terminal::{TAB, Terminal};

use super::rooms::{house, in_ops};

#[test]
fn one_room_is_shown_and_the_prompt_names_it() {
    let house = house();
    let mut bob = in_ops(&house, "bob");
    let mut anna = Terminal::start("kabar", &house.home_of("anna"), &["join", &house.invite, "--name", "anna"]);
    anna.expect("Joined lobby as anna");
    anna.expect_prompt();
    anna.type_line("/join ops");
    anna.expect("Joined ops as anna; 2 here");
    anna.expect("ops> ");
    anna.type_line("hello");
    bob.expect("anna: hello");
    anna.type_line("/room lobby");
    anna.expect("--- #lobby");
    anna.expect("lobby> ");
    bob.type_line("anna: are you there?");
    anna.expect("#ops: bob mentions you; 1 new line");
    anna.type_line("only here");
    anna.expect("anna: only here");
    anna.press(&format!("/room o{TAB}\r"));
    anna.expect("--- #ops");
    anna.expect("bob: anna: are you there?");
    anna.expect("ops> ");
    anna.type_line("/room nowhere");
    anna.expect("you are not in nowhere");
    anna.type_line("/part");
    anna.expect("left ops");
    anna.until("the lobby alone", |screen| screen.trim_end().ends_with("--- #lobby; nothing new ---\n>"));
}

#[test]
fn kabar_without_arguments_returns_to_all_rooms_that_were_not_left() {
    let house = house();
    let home = house.home_of("anna");
    let again = || {
        let mut terminal = Terminal::start("kabar", &home, &[]);
        terminal.expect("Number, invite or address [1]: ");
        terminal.type_line("");
        terminal.expect("Nickname [anna]: ");
        terminal.type_line("");
        terminal.expect("Joined lobby as anna");
        terminal
    };
    let mut first = Terminal::start("kabar", &home, &["join", &house.invite, "--room", "ops", "--name", "anna"]);
    first.expect("Also joined ops");
    first.expect("lobby> ");
    first.type_line("/quit");
    assert_eq!(first.wait(), 0);
    let mut second = again();
    second.expect("Also joined ops");
    second.expect("lobby> ");
    second.type_line("/part ops");
    second.expect("left ops");
    second.type_line("/part");
    second.expect("lobby is the only room that you are in");
    second.type_line("/quit");
    assert_eq!(second.wait(), 0);
    let third = again();
    third.expect_prompt();
    let screen = third.screen();
    assert!(!screen.contains("Also joined") && !screen.contains("lobby>"), "{screen}");
}
