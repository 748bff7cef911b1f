//! What is typed, and what is displayed.

use kabar_tests::room::Room;
use kabar_tests::terminal::{CTRL_C, CTRL_D, TAB, Terminal, UP};

use super::{entries, join};

#[test]
fn a_line_is_shown_once_and_only_when_it_is_stored() {
    let mut room = Room::open();
    let mut anna = join(&room, "anna");
    anna.type_line("is stored");
    anna.expect("] anna: is stored");
    anna.expect_prompt();
    room.kill();
    anna.expect("Connection lost: ");
    // A line that is entered while output is being written stays where it is.
    anna.expect_prompt();
    anna.type_line("not yet");
    anna.expect("(not stored yet: not yet)");
    assert_eq!(entries(&anna.screen()), ["anna has joined the chat!", "anna: is stored"]);
    room.kill_and_restart();
    anna.expect("] anna: not yet");
    anna.expect("Connected again after ");
    anna.expect_prompt();
    let screen = anna.screen();
    assert_eq!(screen.matches("anna: is stored").count(), 1, "{screen}");
    assert_eq!(screen.matches("anna: not yet").count(), 1, "{screen}");
    assert!(!screen.contains("> not yet") && !screen.contains("> is stored"), "the typed line is removed:\n{screen}");
}

#[test]
fn tab_completes_names_and_commands() {
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let mut anna = join(&room, "anna");
    anna.press("/hi");
    anna.expect("> /hi");
    anna.press(TAB);
    anna.expect("> /history");
    anna.type_line("3");
    anna.expect("the last 2 lines of the room:");
    anna.expect_prompt();
    anna.press("FAR");
    anna.press(TAB);
    anna.expect("> farhan:");
    anna.press("ask far");
    anna.press(TAB);
    anna.type_line("again");
    farhan.expect("anna: farhan: ask farhan again");
    anna.expect_prompt();
    anna.press(UP);
    anna.expect("> farhan: ask farhan again");
}

#[test]
fn another_tab_takes_the_next_completion_and_a_mistyped_command_is_not_sent() {
    let room = Room::open();
    let mut anna = join(&room, "anna");
    let (_anton, _andi) = (join(&room, "anton"), join(&room, "andi"));
    anna.expect("andi has joined");
    anna.expect_prompt();
    anna.press("hi @an");
    anna.press(TAB);
    anna.expect("> hi @an");
    let first = anna.screen();
    let (first, second) = if first.contains("> hi @anton") { ("@anton", "@andi") } else { ("@andi", "@anton") };
    for expected in [first, second, first] {
        anna.expect(&format!("> hi {expected} "));
        anna.press(TAB);
    }
    anna.type_line("");
    anna.expect(&format!("anna: hi {second}"));
    for (line, answer) in [
        ("/quti", "unknown command /quti: did you mean /quit?"),
        (" /kick anton", "not sent: remove the space before the command"),
    ] {
        anna.expect_prompt();
        anna.type_line(line);
        anna.expect(answer);
    }
    anna.type_line("//quti");
    anna.expect("anna: /quti");
    assert!(!anna.screen().contains("anna:  /kick"), "{}", anna.screen());
}

#[test]
fn a_terminal_without_a_prompt_takes_the_same_commands() {
    let room = Room::open();
    let arguments = ["join", "--plain", &room.invite, "--name", "anna"];
    let mut anna = Terminal::start_with("kabar", &room.home_of("anna"), &arguments, &[("TERM", "dumb")]);
    anna.expect("Joined lobby as anna");
    anna.type_line("/me waves");
    anna.expect("* anna waves");
    anna.type_line("/kcik anna");
    anna.expect("did you mean /kick?");
    anna.type_line("/help");
    anna.expect("There is no prompt here");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
}

#[test]
fn the_output_of_commands_is_distinct_from_messages() {
    let room = Room::open();
    let mut bob = room.client("bob");
    bob.type_line("first");
    bob.expect("bob: first");
    let mut anna = join(&room, "anna");
    anna.type_line("/who");
    anna.expect("2 here: anna, bob");
    anna.type_line("/history 2");
    anna.expect("the last 2 lines of the room (/history more shows earlier ones):\n| 2 [");
    anna.expect("] bob: first\n| 3 [");
    anna.type_line("/stats");
    anna.expect("round trip");
    anna.expect("not authentic  0");
    anna.expect("connections    1");
    anna.type_line("/me waves");
    bob.expect("* anna waves");
    anna.type_line("/help");
    anna.expect("//TEXT");
    anna.type_line("/nonsense");
    anna.expect("unknown command /nonsense");
    anna.type_line("//nonsense");
    bob.expect("anna: /nonsense");
}

#[test]
fn nick_renames_the_member_to_a_free_name_only() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    anna.type_line("/nick anita");
    anna.expect("You are anita now.");
    anna.expect("] anna is now known as anita");
    bob.expect("anna is now known as anita");
    anna.type_line("it is me");
    bob.expect("anita: it is me");
    anna.type_line("/nick Bob");
    anna.expect("you stay anita: ");
    anna.type_line("still me");
    bob.expect("anita: still me");
    anna.type_line("/nick b:b");
    anna.expect("you stay anita: the name contains ':'");
    anna.type_line("/nick anita");
    anna.expect("you stay anita: that is your name already");
    let screen = anna.screen();
    assert_eq!(screen.matches("] anita: it is me").count(), 1, "nothing is shown twice:\n{screen}");
    assert!(!screen.contains("has left"), "the member stays:\n{screen}");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    let again = Terminal::start("kabar", &room.home_of("anna"), &["join", "--plain", "lobby"]);
    again.expect("Joined lobby as anita");
}

#[test]
fn delete_removes_the_own_text_for_everybody() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    anna.type_line("/delete");
    anna.expect("no message of yours to delete is here");
    anna.type_line("a secret");
    anna.expect("] anna: a secret");
    bob.expect("anna: a secret");
    anna.type_line("/delete");
    anna.expect("] anna removed message 3");
    bob.expect("anna removed message 3");
    anna.type_line("/history");
    anna.expect("| 3 [");
    anna.expect("] anna [removed]");
    bob.type_line("of bob");
    anna.expect("] bob: of bob");
    anna.type_line("/delete 5");
    anna.expect("message 5 stays: ");
    let later = join(&room, "carl");
    later.expect("] anna [removed]");
    assert!(!later.screen().contains("a secret"), "{}", later.screen());
}

#[test]
fn ignored_members_and_joins_are_hidden_and_stay_so() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    anna.type_line("/ignore bob");
    anna.expect("lines of bob are hidden from now on");
    bob.type_line("nobody hears me");
    bob.expect("bob: nobody hears me");
    anna.type_line("/joins off");
    anna.expect("joins and leaves are hidden from now on");
    let mut carl = room.client("carl");
    carl.type_line("hello");
    anna.expect("] carl: hello");
    anna.type_line("/stats");
    anna.expect("ignored        1 line");
    let screen = anna.screen();
    assert!(!screen.contains("nobody hears me") && !screen.contains("carl has joined"), "{screen}");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    bob.type_line("still not");
    bob.expect("bob: still not");
    carl.type_line("and now");
    bob.expect("carl: and now");
    let mut anna = join(&room, "anna");
    anna.expect("] carl: and now");
    assert!(!anna.screen().contains("still not"), "{}", anna.screen());
    anna.type_line("/ignore");
    anna.expect("ignored: bob");
    anna.type_line("/unignore bob");
    anna.expect("lines of bob are displayed again");
    bob.type_line("at last");
    anna.expect("] bob: at last");
}

#[test]
fn history_is_displayed_page_by_page_to_the_beginning() {
    let room = Room::open();
    let mut bob = room.client("bob");
    (1..=7).for_each(|number| bob.type_line(&format!("line {number}")));
    bob.expect("bob: line 7");
    let mut anna = join(&room, "anna");
    anna.type_line("/history 4");
    anna.expect("the last 4 lines of the room (/history more shows earlier ones):\n| 6 [");
    anna.type_line("/history more");
    anna.expect("4 earlier lines (/history more shows earlier ones):\n| 2 [");
    anna.type_line("/history");
    anna.expect("1 earlier line, from the beginning of the room:\n| 1 [");
    anna.type_line("/history");
    anna.expect("there are no earlier lines: this is the beginning of the room");
}

#[test]
fn control_c_ends_at_once_with_130_and_control_d_with_0() {
    let room = Room::open();
    for (key, code) in [(CTRL_C, 130), (CTRL_D, 0)] {
        let mut anna = join(&room, "anna");
        anna.press(key);
        assert_eq!(anna.wait(), code);
        assert!(anna.written().contains("\x1b[?2004l"), "the terminal mode is restored");
    }
}

#[test]
fn control_c_counts_lines_that_are_not_stored_and_ends_with_6() {
    let mut room = Room::open();
    let mut anna = join(&room, "anna");
    room.kill();
    anna.expect("Connection lost: ");
    // A line that is entered while output is being written stays where it is.
    anna.expect_prompt();
    anna.type_line("one");
    anna.expect("(not stored yet: one)");
    anna.press(CTRL_C);
    assert_eq!(anna.wait(), 6);
    anna.expect("1 line is kept and sent the next time");
}

#[test]
fn long_lines_are_whole_on_a_narrow_screen() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    anna.resize(50, 20);
    bob.type_line("a text that is longer than twenty columns");
    anna.expect("bob: a text that is longer than twenty columns");
    anna.type_line("and so is the answer to it");
    bob.expect("anna: and so is the answer to it");
    anna.type_line("/stats");
    anna.expect("connections    1");
    anna.resize(50, 120);
    anna.type_line("wide again");
    anna.expect("] anna: wide again");
    anna.expect_prompt();
}

#[test]
fn a_paste_of_several_lines_is_one_text_and_shown_once() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    anna.paste("first line\n[2026-11-22 10:00:00] bob: forged\nthird");
    anna.expect("third");
    anna.press("\r");
    bob.expect("anna: first line");
    bob.expect("    [2026-11-22 10:00:00] bob: forged");
    bob.expect("    third");
    anna.expect("] anna: first line\n    [2026-11-22 10:00:00] bob: forged\n    third");
    anna.expect_prompt();
    let screen = anna.screen();
    assert_eq!(screen.matches("first line").count(), 1, "{screen}");
    assert_eq!(screen.matches("third").count(), 1, "{screen}");
}

#[test]
fn messages_of_others_do_not_control_the_terminal() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let anna = join(&room, "anna");
    bob.type_line("before \x1b[2J\x1b[31m\x07 \u{9b}2J \u{202e}after");
    anna.expect("bob: before [2J[31m 2J after");
    anna.expect("Joined lobby as anna");
    assert!(!anna.written().contains("\x1b[31m"));
}

#[test]
fn no_color_disables_colour() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let colourful = join(&room, "anna");
    bob.type_line("anna, look");
    colourful.expect("bob: anna, look");
    assert!(colourful.written().contains("\x1b[1m["), "a line that names you is bold");
    let arguments = ["join", "--plain", &room.invite, "--name", "carla"];
    let plain = Terminal::start_with("kabar", &room.home_of("carla"), &arguments, &[("NO_COLOR", "1")]);
    plain.expect("Joined lobby as carla");
    bob.type_line("carla, look");
    plain.expect("bob: carla, look");
    plain.expect_prompt();
    assert!(!plain.written().contains("\x1b[1m") && !plain.written().contains("\x1b[2m"), "{}", plain.written());
}
