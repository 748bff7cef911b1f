//! What `kabar` keeps on this computer: the entries that it received, and lines that it could not
//! send.

use std::fs;

use kabar_client::history::Reader;
use kabar_std::data_dir::DataDir;
use kabar_tests::process::Process;
use kabar_tests::room::Room;
use kabar_tests::terminal::{CTRL_D, Terminal};

use super::run;

/// The file of the only identity.
fn file(room: &Room, name: &str) -> std::path::PathBuf {
    let files = fs::read_dir(room.home_of(name).join("share/kabar/history")).expect("a history");
    let mut files = files.map(|file| file.expect("a file").path());
    files.find(|path| path.extension().is_some_and(|extension| extension == "db")).expect("a database")
}

fn anna(room: &Room, further: &[&str]) -> (i32, String, String) {
    let arguments = [&["join", &room.invite, "--name", "anna"], further].concat();
    run(&room.home_of("anna"), &arguments)
}

#[test]
fn a_line_of_a_killed_client_is_in_the_room_once() {
    let mut room = Room::open();
    let mut first: Process = room.spawn_join("anna", &[]);
    first.expect_stderr("Joined ");
    first.type_line("before");
    first.expect("anna: before");
    room.kill();
    first.expect_stderr("Connection lost");
    first.type_line("while it was away");
    // It is durable once the client has read it.
    let is_kept = || {
        let bytes = [file(&room, "anna"), file(&room, "anna").with_extension("db-wal")].map(fs::read);
        bytes.into_iter().flatten().any(|bytes| bytes.windows(17).any(|part| part == b"while it was away"))
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !is_kept() {
        assert!(std::time::Instant::now() < until, "the line is not on the disk");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    first.kill();
    room.restart();
    for round in ["sent", "not sent again"] {
        let (code, _, stderr) = anna(&room, &[]);
        assert_eq!((code, stderr.contains("1 line was typed earlier")), (0, round == "sent"), "{round}: {stderr}");
    }
    let (_, stdout, _) = anna(&room, &["--since", "all"]);
    let texts: Vec<_> = stdout.lines().filter(|line| line.contains("anna: ")).collect();
    assert_eq!(texts.len(), 2, "{stdout}");
    assert!(texts[0].ends_with("anna: before") && texts[1].ends_with("anna: while it was away"), "{texts:?}");
}

/// The number of lines that are unread.
fn unread(room: &Room, name: &str) -> u64 {
    let dir = DataDir::open(&room.home_of(name).join("share/kabar")).expect("a directory");
    let identity = file(room, name).file_stem().expect("a name").to_string_lossy().into_owned();
    let reader = Reader::open(&dir, &identity).expect("a history");
    reader.summaries().expect("read").iter().map(|summary| summary.unread.entries).sum()
}

#[test]
fn lines_on_a_terminal_are_read_and_lines_in_a_pipe_are_not() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut pipe = room.spawn_join("carla", &[]);
    pipe.expect_stderr("Joined ");
    let arguments = ["join", "--plain", &room.invite, "--name", "anna"];
    let mut terminal = Terminal::start("kabar", &room.home_of("anna"), &arguments);
    terminal.expect_prompt();
    bob.type_line("hello");
    terminal.expect("bob: hello");
    pipe.expect("bob: hello");
    terminal.press(CTRL_D);
    pipe.close_stdin();
    assert_eq!((terminal.wait(), pipe.wait()), (0, Some(0)));
    assert_eq!((unread(&room, "anna"), unread(&room, "carla")), (0, 1));
}

#[test]
fn what_was_received_is_read_and_searched_without_a_server() {
    let mut room = Room::open();
    let mut bob = room.client("bob");
    bob.type_all("the first line\nthe second line\n");
    bob.expect("bob: the second line");
    assert_eq!(anna(&room, &[]).0, 0);
    room.kill();
    let home = room.home_of("anna");
    let (code, stdout, stderr) = run(&home, &["history", "lobby"]);
    assert!(code == 0 && stdout.contains("bob: the first line") && stdout.contains("second"), "{stdout} {stderr}");
    let (_, stdout, _) = run(&home, &["history", "--search", "SECOND"]);
    assert!(stdout.contains("bob: the second line") && !stdout.contains("first"), "{stdout}");
}

#[test]
fn a_damaged_history_is_set_aside_and_begins_again_from_the_server() {
    let room = Room::open();
    let mut bob = room.client("bob");
    bob.type_line("hello");
    bob.expect("bob: hello");
    assert_eq!(anna(&room, &[]).0, 0);
    let file = file(&room, "anna");
    fs::write(&file, "not a database at all").expect("written");
    let (code, _, stderr) = anna(&room, &[]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("your local history is damaged") && stderr.contains(".db.damaged-1"), "{stderr}");
    assert_eq!(fs::read(file.with_extension("db.damaged-1")).expect("kept"), b"not a database at all");
    bob.type_line("again");
    bob.expect("bob: again");
    let (code, _, stderr) = anna(&room, &[]);
    assert!(code == 0 && !stderr.contains("damaged"), "{stderr}");
    let (_, stdout, _) = run(&room.home_of("anna"), &["history"]);
    assert!(stdout.contains("bob: again"), "{stdout}");
}
