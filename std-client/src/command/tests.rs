use super::*;

#[test]
fn both_quit_commands_leave() {
    for line in ["!q", "/quit"] {
        assert_eq!(typed(line), Command::Quit);
        assert_eq!(typed(&format!("{line} ")), Command::Quit);
        assert_eq!(piped(line), Command::Quit);
    }
}

#[test]
fn typed_slash_is_a_command_and_two_are_text() {
    assert_eq!(typed("/who"), Command::Request(Request::ListMembers));
    assert_eq!(typed("/help"), Command::Help);
    assert_eq!(typed("/stats"), Command::Stats);
    assert_eq!(typed("/quit now"), Command::Quit);
    assert_eq!(typed("/me waves "), Command::Post(EntryKind::ACTION, "waves"));
    assert_eq!(typed("/me"), Command::Usage(CommandName::Me));
    assert_eq!(typed("/nick  Anna Lena "), Command::Nick("Anna Lena"));
    assert_eq!(typed("/kick x"), Command::Unknown("/kick"));
    assert_eq!(typed("//etc is a path"), Command::Post(EntryKind::TEXT, "/etc is a path"));
    assert_eq!(typed("!quit"), Command::Post(EntryKind::TEXT, "!quit"));
    assert_eq!(typed("one\n two\n\r\n"), Command::Post(EntryKind::TEXT, "one\n two"));
}

#[test]
fn history_count_is_bounded() {
    assert_eq!(typed("/history"), history(20));
    assert_eq!(typed("/history 7"), history(7));
    assert_eq!(typed("/history 1000000"), history(200));
    for wrong in ["/history 0", "/history -1", "/history x", "/history 1 2"] {
        assert!(matches!(typed(wrong), Command::Usage(_)), "{wrong}");
    }
}

#[test]
fn piped_line_is_text() {
    for line in ["/etc/passwd", "//", "/me x", " !q", "  indented", "/quit now", "/history 3", "/nick x"] {
        assert_eq!(piped(line), Command::Post(EntryKind::TEXT, line));
    }
}

#[test]
fn empty_line_is_ignored() {
    assert_eq!(typed("  "), Command::Nothing);
    assert_eq!(piped(""), Command::Nothing);
}

#[test]
fn every_command_is_parsed() {
    for name in CommandName::ALL {
        assert!(!matches!(typed(name.word()), Command::Unknown(_) | Command::Post(..)), "{name:?}");
        let takes_argument = matches!(typed(&format!("{} 7", name.word())), Command::Post(_, "7") | Command::Nick("7"));
        assert!(!takes_argument || name.argument().is_some(), "{name:?}");
    }
}

#[test]
fn finds_commands_by_their_beginning() {
    let found = |part| CommandName::starting_with(part).collect::<Vec<_>>();
    assert_eq!(found("/h"), [CommandName::History, CommandName::Help]);
    assert_eq!(found("/").len(), CommandName::ALL.len());
    assert_eq!(found("/x"), []);
}
