//! `kabar` as a filter in a pipeline.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use kabar_tests::process::{Process, program};
use kabar_tests::room::{Room, temp_home, text};

use super::{ends_with, file, run};

#[test]
fn passwords_come_from_a_file_the_environment_or_standard_input() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let (right, wrong) = (file(home.path(), "right", "terbuka\n"), file(home.path(), "wrong", "tertutup\n"));
    let join = |name: &str, extra: &[&str]| {
        let mut arguments = vec!["join", room.address.as_str(), "--accept-new", "--name", name];
        arguments.extend(extra);
        Process::start("kabar", &room.home_of(name), &arguments)
    };
    let mut by_file = join("anna", &["--password-file", &right]);
    by_file.close_stdin();
    assert_eq!(by_file.wait(), Some(0), "{:?}", by_file.stderr);
    let mut wrongly = join("bob", &["--password-file", &wrong]);
    assert_eq!(wrongly.wait(), Some(4));
    assert!(wrongly.stderr.join("\n").contains("wrong password"), "{:?}", wrongly.stderr);
    let mut not_at_all = join("carla", &[]);
    assert_eq!(not_at_all.wait(), Some(4));
    assert!(not_at_all.stderr.join("\n").contains("KABAR_PASSWORD"), "{:?}", not_at_all.stderr);
    let mut by_stdin = join("dina", &["--password-stdin"]);
    by_stdin.type_all("terbuka\nthe second line is posted\n");
    by_stdin.close_stdin();
    assert_eq!(by_stdin.wait(), Some(0), "{:?}", by_stdin.stderr);
    assert!(
        by_stdin.stdout.iter().any(|line| line.ends_with("dina: the second line is posted")),
        "{:?}",
        by_stdin.stdout
    );
    let by_variable = Command::new(program("kabar"))
        .args(["join", &room.address, "--accept-new", "--name", "eka"])
        .env("HOME", room.home_of("eka"))
        .env("XDG_DATA_HOME", room.home_of("eka"))
        .env_remove("KABAR_DATA_DIR")
        .env("KABAR_PASSWORD", "terbuka")
        .stdin(Stdio::null())
        .output()
        .expect("kabar");
    assert_eq!(by_variable.status.code(), Some(0), "{by_variable:?}");
    // An admitted identity needs no password.
    ends_with(0, &room.home_of("anna"), &["join", &room.address]);
}

#[test]
fn an_invite_is_read_from_standard_input() {
    let room = Room::open();
    let mut anna = Process::start("kabar", &room.home_of("anna"), &["join", "-", "--name", "anna"]);
    anna.type_all(&format!("{}\nand then what I say\n", room.invite));
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
    assert!(anna.stdout.iter().any(|line| line.ends_with("anna: and then what I say")), "{:?}", anna.stdout);
}

#[test]
fn giving_up_counts_lines_that_were_not_stored_and_the_next_run_sends_them() {
    let mut room = Room::open();
    let mut anna = room.spawn_join("anna", &["--give-up", "0.5"]);
    anna.expect_stderr("Joined ");
    room.kill();
    anna.type_all("one\ntwo\n");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6));
    assert!(anna.stderr.join("\n").contains("2 lines are kept and sent the next time"), "{:?}", anna.stderr);
    room.restart();
    let (code, stdout, stderr) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert!(stderr.contains("2 lines were typed earlier"), "{stderr}");
    assert_eq!((code, stdout.matches("anna: one").count(), stdout.matches("anna: two").count()), (0, 1, 1), "{stdout}");
}

#[test]
fn closing_standard_output_ends_the_client_without_an_error() {
    let room = Room::open();
    let mut bob = room.client("bob");
    bob.type_line("first");
    bob.expect("bob: first");
    let mut anna = Command::new(program("kabar"))
        .args(["join", &room.invite, "--name", "anna", "--data-dir", text(&room.home_of("anna"))])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kabar");
    let mut keyboard = anna.stdin.take().expect("piped");
    keyboard.write_all(b"from the pipe\n").expect("read");
    // Reads one line and closes the pipe, like `head -n 1`. The input stays open.
    let mut line = String::new();
    BufReader::new(anna.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    assert!(line.ends_with("bob has joined the chat!\n"), "{line}");
    let end = anna.wait_with_output().expect("an end");
    assert_eq!(
        (end.status.code(), String::from_utf8_lossy(&end.stderr).matches("pipe").count()),
        (Some(0), 0),
        "{end:?}"
    );
    bob.expect("anna: from the pipe");
}

#[test]
fn a_stalled_reader_delays_nobody_and_loses_nothing() {
    let room = Room::open_for_machines();
    let (mut bob, mut carla) = (room.client("bob"), room.client("carla"));
    // Its output is open, but nobody reads it, as after Ctrl-S.
    let mut anna = Command::new(program("kabar"))
        .args(["join", &room.invite, "--name", "anna", "--data-dir", text(&room.home_of("anna"))])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kabar");
    carla.expect("anna has joined");
    // More than all buffers between client and reader hold.
    let count = 1_500;
    let filling = "x".repeat(300);
    bob.type_all(&(0..count).map(|number| format!("line {number} {filling}\n")).collect::<String>());
    carla.expect(&format!("bob: line {} ", count - 1));
    let mut lines = BufReader::new(anna.stdout.take().expect("piped")).lines().map(|line| line.expect("text"));
    for number in 0..count {
        let line = lines.find(|line| line.contains("bob: line ")).expect("a line");
        assert!(line.contains(&format!("bob: line {number} ")), "{line} is not {number}");
    }
    drop(anna.stdin.take());
    assert_eq!(anna.wait().expect("an end").code(), Some(0));
}

#[test]
fn completions_and_manual_pages_list_the_commands() {
    let home = temp_home();
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(home.path(), &["completions", shell]);
        assert!(code == 0 && script.contains("accept-new") && script.contains("identity"), "{shell}");
    }
    let (code, page, _) = run(home.path(), &["man"]);
    assert!(code == 0 && page.contains("kabar") && page.contains(".TH"), "{page}");
    let directory = home.path().join("man");
    ends_with(0, home.path(), &["man", "--out", text(&directory)]);
    for page in ["kabar.1", "kabar-join.1", "kabar-servers.1"] {
        assert!(directory.join(page).is_file(), "{page}");
    }
    let (_, help, _) = run(home.path(), &["join", "--help"]);
    assert!(help.contains("Objects of --json") && help.contains("Exit codes"), "{help}");
}
