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
    assert_eq!(typed("/who"), Command::Who);
    assert_eq!(typed("/help"), Command::Help);
    assert_eq!(typed("/stats"), Command::Stats);
    assert_eq!(typed("/quit now"), Command::Quit);
    assert_eq!(typed("/me waves "), Command::Post(EntryKind::ACTION, "waves"));
    assert_eq!(typed("/me"), Command::Usage(CommandName::Me));
    assert_eq!(typed("/nick  Anna Lena "), Command::Nick("Anna Lena"));
    assert_eq!(typed("/kcik x"), Command::Unknown("/kcik"));
    assert_eq!(typed("//etc is a path"), Command::Post(EntryKind::TEXT, "/etc is a path"));
    assert_eq!(typed("!quit"), Command::Post(EntryKind::TEXT, "!quit"));
    assert_eq!(typed("one\n two\n\r\n"), Command::Post(EntryKind::TEXT, "one\n two"));
}

#[test]
fn commands_about_files_have_a_path_a_number_or_a_name() {
    assert_eq!(typed("/send  my file.txt "), Command::Send("my file.txt"));
    assert_eq!(typed("/get 12"), Command::Get(TypedFile::Entry(12)));
    assert_eq!(typed("/get #12"), Command::Get(TypedFile::Entry(12)));
    assert_eq!(typed("/get my file.txt"), Command::Get(TypedFile::Named("my file.txt")));
    assert_eq!(typed("/get \"12\""), Command::Get(TypedFile::Named("12")));
    assert_eq!(typed("/get \"a\" b"), Command::Get(TypedFile::Named("\"a\" b")));
    for name in ["12", "#12", "\"a\"", "\"", "\"\"", "0", "a b", "12.txt", "+7"] {
        assert_eq!(TypedFile::parse(&TypedFile::named(name)), TypedFile::Named(name));
    }
    assert_eq!(["12", "12.txt"].map(TypedFile::named), ["\"12\"", "12.txt"]);
    assert_eq!(typed("/transfers"), Command::Transfers);
    assert_eq!(typed("/cancel 3"), Command::Cancel(3));
    for (line, name) in [
        ("/send", CommandName::Send),
        ("/get", CommandName::Get),
        ("/cancel", CommandName::Cancel),
        ("/cancel x", CommandName::Cancel),
    ] {
        assert_eq!(typed(line), Command::Usage(name));
    }
    assert!(matches!(piped("/send x"), Command::Post(..)));
}

#[test]
fn commands_for_operators_are_passed_on_as_they_are_typed() {
    let passed_on = |line| match typed(line) {
        Command::Operate(word, text) => Some((word, text)),
        _ => None,
    };
    assert_eq!(passed_on("/kick Bob B  be nice \n"), Some(("/kick", "kick Bob B  be nice")));
    assert_eq!(passed_on("/invite"), Some(("/invite", "invite")));
    assert_eq!(passed_on("/server  later 1 2"), Some(("/server", "later 1 2")));
    assert!(matches!(piped("/kick bob"), Command::Post(EntryKind::TEXT, "/kick bob")));
    for command in OPERATOR_COMMANDS.iter().filter(|command| command.word != "/room") {
        assert!(passed_on(command.word).is_some(), "{command:?}");
    }
    assert_eq!(passed_on("/room add ops private what to do"), Some(("/room", "room add ops private what to do")));
    assert_eq!(passed_on("/topic what to do"), Some(("/topic", "topic what to do")));
}

#[test]
fn rooms_are_named_with_or_without_a_sign() {
    assert_eq!((typed("/room ops"), typed("/room #ops")), (Command::Room("ops"), Command::Room("ops")));
    assert_eq!((typed("/join #ops"), typed("/part")), (Command::Join("ops"), Command::Part(None)));
    assert_eq!(typed("/join kabar://here:1/x/y.z"), Command::Join("kabar://here:1/x/y.z"));
    assert_eq!((typed("/part ops"), typed("/topic")), (Command::Part(Some("ops")), Command::Topic));
    assert_eq!((typed("/rooms"), typed("/room")), (Command::Rooms, Command::Usage(CommandName::Room)));
    assert_eq!(typed("/join"), Command::Usage(CommandName::Join));
    assert_eq!((piped("/room ops"), piped("/room")), (Command::Room("ops"), Command::Usage(CommandName::Room)));
    for line in ["/room two words", "/room OPS", "/rooms", "/join ops", "/part"] {
        assert_eq!(piped(line), Command::Post(EntryKind::TEXT, line));
    }
}

#[test]
fn history_count_is_bounded() {
    assert_eq!(typed("/history"), Command::History(None));
    assert_eq!(typed("/history more"), Command::History(None));
    assert_eq!(typed("/history 7"), Command::History(Some(7)));
    assert_eq!(typed("/history 1000000"), Command::History(Some(200)));
    for wrong in ["/history 0", "/history -1", "/history x", "/history 1 2"] {
        assert!(matches!(typed(wrong), Command::Usage(_)), "{wrong}");
    }
}

#[test]
fn entries_are_deleted_by_number_or_the_last_own_one() {
    assert_eq!(typed("/delete"), Command::Delete(None));
    assert_eq!(typed("/delete 17"), Command::Delete(Some(17)));
    assert_eq!(typed("/delete #17"), Command::Delete(Some(17)));
    for wrong in ["/delete 0", "/delete -1", "/delete x", "/delete 1 2"] {
        assert!(matches!(typed(wrong), Command::Usage(_)), "{wrong}");
    }
}

#[test]
fn preferences_are_commands() {
    assert_eq!(typed("/ignore"), Command::Ignore(None));
    assert_eq!(typed("/ignore Bob B"), Command::Ignore(Some("Bob B")));
    assert_eq!(typed("/unignore bob"), Command::Unignore("bob"));
    assert_eq!(typed("/unignore"), Command::Usage(CommandName::Unignore));
    assert_eq!((typed("/joins on"), typed("/joins off")), (Command::Joins(true), Command::Joins(false)));
    assert_eq!(typed("/joins"), Command::Usage(CommandName::Joins));
    assert_eq!(typed("/notify all"), Command::Notify(Notify::All));
    assert_eq!(
        (typed("/notify mentions"), typed("/notify off")),
        (Command::Notify(Notify::Mentions), Command::Notify(Notify::Nothing))
    );
    assert_eq!(typed("/notify"), Command::Usage(CommandName::Notify));
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

#[test]
fn suggests_the_command_that_was_meant() {
    assert_eq!(
        (suggestion("/helpp"), suggestion("/quiz"), suggestion("/histor")),
        (Some("/help"), Some("/quit"), Some("/history"))
    );
    assert_eq!((suggestion("/kickk"), suggestion("/xyz"), suggestion("/")), (Some("/kick"), None, None));
    assert_eq!(suggestion(&"/".repeat(100_000)), None);
    assert_eq!((suggestion("/qiut"), suggestion("/ro0ms")), (Some("/quit"), Some("/rooms")));
}

#[test]
fn a_command_after_spaces_is_not_published() {
    assert_eq!((typed(" /quit"), typed("\t/kick anna spam")), (Command::AfterSpace, Command::AfterSpace));
    assert_eq!(typed(" !q"), Command::Quit);
    assert_eq!(typed(" //etc/hosts"), Command::Post(EntryKind::TEXT, "/etc/hosts"));
    assert_eq!(typed("  indented"), Command::Post(EntryKind::TEXT, "  indented"), "a text is kept as it is");
}
