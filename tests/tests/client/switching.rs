//! `kabar` in several rooms at a terminal: which one is shown, and what is typed there.

use kabar_tests::terminal::{TAB, Terminal};

use super::rooms::{house, in_ops};

#[test]
fn one_room_is_shown_and_the_prompt_names_it() {
    let house = house();
    let mut bob = in_ops(&house, "bob");
    let mut anna =
        Terminal::start("kabar", &house.home_of("anna"), &["join", "--plain", &house.invite, "--name", "anna"]);
    anna.expect("Joined lobby as anna");
    anna.expect_prompt();
    anna.press(&format!("/join {TAB}\r"));
    anna.expect("Joined ops as anna; 2 here");
    anna.expect("Topic: what to do");
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
    anna.expect("--- #ops: what to do ---");
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
        let mut terminal = Terminal::start("kabar", &home, &["--plain"]);
        terminal.expect("Number, invite or address [1]: ");
        terminal.type_line("");
        terminal.expect("Nickname [anna]: ");
        terminal.type_line("");
        terminal.expect("Joined lobby as anna");
        terminal
    };
    let mut first =
        Terminal::start("kabar", &home, &["join", "--plain", &house.invite, "--room", "ops", "--name", "anna"]);
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

#[test]
fn private_room_is_joined_by_its_own_invite() {
    let mut house = house();
    house.server.type_line("/room add den private");
    house.server.expect("room den is open now");
    house.server.type_line("/room den");
    house.server.expect("den");
    house.server.type_line("/invite");
    let invite = house.server.expect("/den/").trim().to_owned();
    let mut anna =
        Terminal::start("kabar", &house.home_of("anna"), &["join", "--plain", &house.invite, "--name", "anna"]);
    anna.expect("Joined lobby as anna");
    anna.expect_prompt();
    anna.type_line("/join den");
    anna.expect("#den: there is no room den on this server");
    anna.type_line("/join kabar://here:1/den/x.y");
    anna.expect("the invite");
    anna.type_line(&format!("/join {invite}"));
    anna.expect("Joined den as anna; 1 here");
    anna.expect("den> ");
    anna.type_line("/rooms");
    anna.expect("3 rooms (* you are in; > shown):");
    anna.until("a row for each", |screen| {
        screen.contains("> den    1 here; private\n")
            && screen.contains("* lobby  1 here\n")
            && screen.contains("  ops    0 here  what to do\n")
    });
    anna.type_line("/topic only we");
    anna.expect("/topic: only an operator may do that");
    house.server.type_line("/op anna");
    house.server.expect("anna is an operator now");
    anna.type_line("/topic only we");
    anna.expect("~ anna set the topic: only we");
    anna.type_line("/topic");
    anna.expect("Topic: only we");
    anna.type_line("/room close den");
    anna.expect("#den: the room is closed");
    anna.type_line("into the void");
    anna.expect("no room is shown: /room NAME shows one (lobby)");
}
