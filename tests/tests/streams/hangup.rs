//! SIGHUP, terminals that close, and transcripts that are moved.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kabar_tests::process::{Process, TIMEOUT};
use kabar_tests::room::{Room, data_dir, give_key, temp_home, text};
use kabar_tests::terminal::Terminal;

/// Waits until the content of a file satisfies `condition`, and returns it.
fn await_file(path: &Path, condition: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let content = fs::read_to_string(path).unwrap_or_default();
        if condition(&content) {
            return content;
        }
        assert!(Instant::now() < deadline, "{}: {content}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_moved_transcript_is_created_again_with_and_without_sighup() {
    let home = temp_home();
    let (file, moved) = (home.path().join("chat.txt"), home.path().join("chat.txt.1"));
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--transcript", text(&file)]);
    room.server.close_stdin();
    let mut anna = room.client("anna");
    anna.type_line("one");
    await_file(&file, |content| content.ends_with("anna: one\n"));
    // Like logrotate without a signal to the program.
    fs::rename(&file, &moved).expect("moved");
    anna.type_line("two");
    let content = await_file(&file, |content| content.ends_with("anna: two\n"));
    assert_eq!(content.lines().count(), 1, "{content}");
    assert!(await_file(&moved, |_| true).ends_with("anna: one\n"));
    // After SIGHUP it is created even without a line to write.
    fs::remove_file(&file).expect("deleted");
    room.server.signal("HUP");
    await_file(&file, |_| file.exists());
    anna.type_line("three");
    await_file(&file, |content| content.ends_with("anna: three\n"));
    room.stop();
}

#[test]
fn a_host_reports_transcript_errors_in_its_output_format() {
    let home = temp_home();
    let (file, moved) = (home.path().join("chat.txt"), home.path().join("chat.txt.1"));
    let arguments = ["host", "--name", "darryl", "--listen", "127.0.0.1:0", "--transcript", text(&file), "--json"];
    let mut host = Process::start("kabar", home.path(), &arguments);
    host.expect("\"type\":\"joined\"");
    await_file(&file, |content| content.contains("darryl has joined"));
    fs::rename(&file, &moved).expect("moved");
    fs::create_dir(&file).expect("created");
    host.type_line("where to?");
    host.expect("cannot open the transcript again");
    await_file(&moved, |content| content.ends_with("darryl: where to?\n"));
    host.close_stdin();
    assert_eq!(host.wait(), Some(0), "{:?}", host.stderr);
}

/// Runs `command` at a terminal that closes as soon as `is_ready` returns; its exit code.
fn at_a_terminal_that_closes(home: &Path, command: &str, is_ready: impl FnOnce(&mut Terminal)) -> String {
    // The shell is the terminal's controlling process: the terminal closes with the shell, and the
    // program and its parent receive SIGHUP.
    let script = format!(
        "exec 3<&0; (trap : HUP; {command} <&3; echo $? >code.tmp; mv code.tmp code) & while [ ! -e go ]; do sleep 0.02; done"
    );
    let mut terminal = Terminal::shell(&script, home);
    is_ready(&mut terminal);
    fs::write(home.join("go"), "").expect("written");
    let code = await_file(&home.join("code"), |code| code.ends_with('\n'));
    code.trim().to_owned()
}

#[test]
fn a_server_whose_terminal_closes_stops_cleanly() {
    let home = temp_home();
    give_key(home.path());
    let command = format!("\"$BIN/kabar-server\" --listen 127.0.0.1:0 --data-dir '{}'", text(&data_dir(home.path())));
    let code = at_a_terminal_that_closes(home.path(), &command, |terminal| terminal.expect("kabar://"));
    assert_eq!(code, "0");
    // Its outputs are redirected; the terminal only controls it.
    let again = home.path().join("again");
    give_key(&again);
    let command = format!(
        "\"$BIN/kabar-server\" --listen 127.0.0.1:0 --data-dir '{}' >out 2>&1 </dev/null",
        text(&data_dir(&again))
    );
    let code = at_a_terminal_that_closes(&again, &command, |_| {
        await_file(&again.join("out"), |out| out.contains("history: "));
    });
    assert_eq!(code, "0");
}

#[test]
fn a_server_that_ignores_sighup_outlives_its_terminal() {
    let home = temp_home();
    give_key(home.path());
    let data = text(&data_dir(home.path())).to_owned();
    let script = format!("trap '' HUP; exec \"$BIN/kabar-server\" --listen 127.0.0.1:0 --data-dir '{data}'");
    let mut room = Room::of(Process::shell(&script, home.path()), home.path());
    room.server.signal("HUP");
    let mut anna = room.client("anna");
    anna.type_line("still there?");
    room.server.expect("still there?");
    room.stop();
}

#[test]
fn a_client_whose_terminal_closes_ends_once_typed_lines_are_stored() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mine = room.home_of("anna");
    let command = format!("\"$BIN/kabar\" join --plain {} --name anna", room.invite);
    let code = at_a_terminal_that_closes(&mine, &command, |anna| {
        anna.expect_prompt();
        anna.type_line("my last arguments");
    });
    bob.expect("anna: my last arguments");
    bob.expect("anna has left the chat!");
    assert_eq!(code, "0");
}

#[test]
fn a_piped_client_ends_at_sighup_once_everything_is_stored_or_with_6() {
    let mut room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = room.client("anna");
    anna.type_line("one");
    anna.signal("HUP");
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
    bob.expect("anna: one");
    let mut carla = room.spawn_join("carla", &["--give-up", "0.5"]);
    carla.expect_stderr("Joined ");
    room.kill();
    carla.expect_stderr("Connection lost");
    carla.type_line("two");
    carla.signal("HUP");
    assert_eq!(carla.wait(), Some(6), "{:?}", carla.stderr);
    // A client that ignores SIGHUP outlives its terminal.
    room.restart();
    let script = format!("trap '' HUP; exec \"$BIN/kabar\" join --plain {} --name dina", room.invite);
    let mut dina = Process::shell(&script, &room.home_of("dina"));
    dina.expect_stderr("Joined ");
    dina.signal("HUP");
    dina.type_line("still here");
    dina.expect("dina: still here");
}
