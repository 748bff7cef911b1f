//! Being in rooms.

use kabar_tests::room::{Room, temp_home};
use kabar_tests::terminal::{TAB, Terminal};

use super::{SIZE, join, kabar};

#[test]
fn the_screen_is_entered_and_left() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    assert!(anna.is_full_screen());
    bob.type_line("apa kabar?");
    anna.expect("bob: apa kabar?");
    anna.type_line("baik");
    bob.expect("anna: baik");
    anna.expect("anna: baik");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    anna.assert_restored();
    bob.expect("anna has left the chat!");
}

#[test]
fn the_first_screen_of_a_host_says_how_others_join_and_how_to_leave() {
    let home = temp_home();
    let mut darryl = kabar(home.path(), &["host", "--name", "darryl", "--listen", "127.0.0.1:0"]);
    darryl.expect("kabar://127.0.0.1:");
    darryl.expect("/quit");
    darryl.expect("F1: help");
    // The line is wrapped inside of the screen. It can be copied from the text alone.
    darryl.press("\x1bl");
    darryl.expect("any key shows the screen again");
    assert!(!darryl.is_full_screen());
    let text = darryl.screen();
    let line = text.lines().rfind(|line| line.trim_start().starts_with("kabar join kabar://")).expect("the line");
    darryl.press("x");
    darryl.expect("F1: help");
    assert!(darryl.is_full_screen());
    let mut arguments: Vec<_> = line.split_whitespace().skip(1).collect();
    arguments.extend(["--name", "farhan"]);
    let mut farhan = kabar(&home.path().join("second"), &arguments);
    farhan.expect("farhan joined");
    farhan.type_line("hello");
    darryl.expect("farhan: hello");
    darryl.type_line("/quit");
    assert_eq!(darryl.wait(), 0);
    darryl.assert_restored();
    farhan.expect("reconnecting");
}

#[test]
fn a_mention_rings_the_bell_and_notifies() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let anna = join(&room, "anna");
    bob.type_line("nothing special");
    anna.expect("bob: nothing special");
    assert!(!anna.written().contains("\x1b]9;"));
    bob.type_line("anna: look at https://kabar.example/x \x1b]0;evil\x07");
    anna.expect("bob: anna: look at");
    anna.until_written("a notification", |written| written.contains("\x07\x1b]9;#lobby bob: anna: look"));
    let written = anna.written();
    assert!(written.contains("\x1b]8;;https://kabar.example/x\x1b\\"), "a link");
    assert!(!written.contains("\x1b]0;evil"), "{written:?}");
}

#[test]
fn what_is_typed_completes_and_commands_are_explained() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    bob.type_line("hello");
    anna.expect("bob: hello");
    anna.press(&format!("bo{TAB}and "));
    anna.type_line(":wave");
    bob.expect("anna: bob: and :wave");
    anna.press("\x1bOP");
    anna.expect("Keys");
    anna.type_line("/nonsense");
    anna.expect("unknown command /nonsense");
    anna.paste("one\ntwo");
    anna.press("\r");
    bob.expect("anna: one");
    bob.expect("    two");
}

#[test]
fn wide_and_joined_characters_are_edited_and_displayed_whole() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    // A family of three, which is one cluster of several characters, and a combining accent.
    let text = "\u{65e5}\u{672c}\u{8a9e} \u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} e\u{301}";
    bob.type_line(text);
    anna.expect("bob: \u{65e5}\u{672c}\u{8a9e} ");
    anna.press("\u{65e5}\u{672c}e\u{301}");
    // Twice to the left, over the accented letter and the wide one.
    anna.press("\x1b[D\x1b[D");
    anna.type_line("x");
    bob.expect("anna: \u{65e5}x\u{672c}e\u{301}");
}

#[test]
fn a_click_shows_a_room() {
    let mut room = Room::open();
    room.server.type_line("/room add ops");
    room.server.expect("room ops is open now");
    let arguments = ["join", &room.invite, "--room", "ops", "--name", "anna"];
    let mut anna = kabar(&room.home_of("anna"), &arguments);
    anna.expect("[#lobby]");
    anna.expect("2 ops");
    // Pressed and released, in the third column of the second row.
    anna.press("\x1b[<0;3;2M\x1b[<0;3;2m");
    anna.expect("[#ops]");
}

#[test]
fn a_terminal_without_colours_gets_none() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let arguments = ["join", &room.invite, "--name", "anna"];
    let anna = Terminal::start_sized("kabar", &room.home_of("anna"), &arguments, &[("NO_COLOR", "1")], SIZE);
    anna.expect("anna joined");
    bob.type_line("anna: hello");
    anna.expect("bob: anna: hello");
    let written = anna.written();
    let sequences = written.split("\x1b[").skip(1).filter_map(|rest| rest.split_once('m'));
    let styles =
        sequences.map(|(style, _)| style).filter(|style| style.bytes().all(|b| b.is_ascii_digit() || b == b';'));
    for style in styles {
        // 39 and 49 are the colours of the terminal itself.
        let is_colour = |code: &str| matches!(code.parse(), Ok(30..=38 | 40..=48 | 90..=107));
        assert!(!style.split(';').any(is_colour), "{style}");
    }
}
