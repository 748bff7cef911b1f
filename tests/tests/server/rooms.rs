//! Several rooms on one server, as an operator and members see them.

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::room::{Room, data_dir, temp_home, text};
use kabar_tests::terminal::Terminal;

/// Runs a subcommand of `kabar-server`. Returns exit code, and the lines of stdout and stderr.
fn run(home: &Path, command: &str, words: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let directory = data_dir(home);
    let mut process =
        Process::start("kabar-server", home, &[&[command, "--data-dir", text(&directory)], words].concat());
    let code = process.wait();
    (code, process.stdout.clone(), process.stderr.clone())
}

#[test]
fn rooms_are_created_changed_and_closed_while_a_server_runs_and_while_none_does() {
    let home = temp_home();
    let room = Room::start(home.path());
    let shown = |words: &[&str]| run(home.path(), "room", words).1;
    let [added, invite] = shown(&["add", "attic", "private", "old", "things"]).try_into().expect("two lines");
    assert_eq!((added.as_str(), invite.contains("/attic/")), ("room attic is open now", true), "{invite}");
    assert_eq!(shown(&["set", "attic", "keep-age", "30d"]), ["room attic is changed"]);
    let listed =
        ["attic (private, 0 entries, keep-age 30d): old things".to_owned(), "lobby (open, 0 entries)".to_owned()];
    assert_eq!(shown(&["list"]), listed);
    assert_eq!(run(home.path(), "ctl", &["room", "list"]).1, listed);
    assert_eq!(run(home.path(), "ctl", &["--room", "attic", "topic"]).1, ["topic of attic: old things"]);
    let (code, _, stderr) = run(home.path(), "room", &["add", "attic"]);
    assert_eq!((code, stderr), (Some(1), vec!["room attic: there is a room of this name".to_owned()]));
    drop(room);
    // No server runs.
    assert_eq!(shown(&["list"]), listed);
    assert_eq!(shown(&["set", "attic", "topic", "new", "things"]), ["room attic is changed"]);
    assert_eq!(shown(&["close", "attic"]), ["room attic is closed; its log stays"]);
    let closed = "attic (closed, 1 entry, keep-age 30d): new things";
    assert_eq!(shown(&["list"])[0], closed);
    for (words, error) in [
        (&["close", "lobby"][..], "room lobby: the room of the configuration cannot be closed"),
        (&["set", "attic", "open"], "room attic: no such room"),
        (&["add", "open"], "room open: this name is a word of the commands: choose another one"),
    ] {
        let (code, _, stderr) = run(home.path(), "room", words);
        assert_eq!((code, stderr), (Some(1), vec![format!("kabar-server: {error}")]));
    }
    assert_eq!(run(home.path(), "room", &["set", "attic", "colour"]).0, Some(2));
    // A room that is opened again states another topic in its log.
    let [added, invite] = shown(&["add", "attic", "private"]).try_into().expect("two lines");
    assert_eq!((added.as_str(), invite.contains("/attic/")), ("room attic is open now", true), "{invite}");
    let listed = "attic (private, 2 entries, keep-age 30d)";
    assert_eq!(shown(&["list"])[0], listed);
    let _room = Room::start(home.path());
    assert_eq!(shown(&["list"])[0], listed);
    // Its port is another one now.
    let secret = |invite: &str| invite.split_once("/attic/").map(|(_, secret)| secret.to_owned());
    assert_eq!(secret(&run(home.path(), "invite", &["--room", "attic"]).1[0]), secret(&invite));
}

#[test]
fn members_create_rooms_if_the_server_lets_them() {
    let home = temp_home();
    for (extra, expected) in
        [(&[][..], "only an operator may do that"), (&["--create-rooms", "members"], "is open now")]
    {
        let mut room = Room::start_with(home.path(), "127.0.0.1:0", extra);
        let mine = room.home_of("anna");
        let mut anna = Terminal::start("kabar", &mine, &["join", "--plain", &room.invite, "--name", "anna"]);
        anna.expect_prompt();
        anna.type_line("/room add cellar");
        anna.expect(expected);
        if !extra.is_empty() {
            // Whoever creates a private room may join it, and invite others.
            anna.type_line("/room add den private");
            anna.expect("room den is open now");
            anna.expect("/den/");
            anna.type_line("/join den");
            anna.expect("oined den");
        }
        anna.type_line("/room close cellar");
        anna.expect("only an operator may do that");
        drop(anna);
        room.stop();
    }
}
