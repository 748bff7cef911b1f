//! Full disks and closed pipes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, pipe};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use kabar_tests::process::{Process, TIMEOUT, environment, program};
use kabar_tests::room::{Room, data_dir, give_key, temp_home, text};

const NO_ROOM: &str = "No space left on device";

/// An output that is always full.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").expect("/dev/full")
}

/// A pipe whose reader is closed.
fn gone() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// Runs a program with its data under `home` and these outputs. Returns its exit code, and the
/// content of outputs that are pipes.
fn run(home: &Path, name: &str, arguments: &[&str], out: Stdio, err: Stdio) -> (Option<i32>, String, String) {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null()).stdout(out).stderr(err).env_remove("KABAR_PASSWORD");
    environment(home).into_iter().for_each(|(variable, value)| {
        value.map(|value| command.env(variable, value));
    });
    let mut child = command.spawn().expect("it starts");
    let (mut stdout, mut stderr) = (String::new(), String::new());
    child.stdout.take().map(|mut out| out.read_to_string(&mut stdout));
    child.stderr.take().map(|mut err| err.read_to_string(&mut stderr));
    (child.wait().expect("a child process").code(), stdout, stderr)
}

#[test]
fn output_to_a_full_disk_ends_with_1_and_the_lines_are_printed_by_the_next_session() {
    let room = Room::open();
    let mut bob = room.client("bob");
    bob.type_line("one");
    bob.expect("bob: one");
    for extra in [&[][..], &["--json"]] {
        let arguments = [&["join", &room.invite, "--name", "anna"], extra].concat();
        let (code, _, stderr) = run(&room.home_of("anna"), "kabar", &arguments, full().into(), Stdio::piped());
        assert!(
            code == Some(1) && stderr.contains(&format!("cannot write to standard output: {NO_ROOM}")),
            "{code:?} {stderr}"
        );
    }
    let arguments = ["join", &room.invite, "--name", "anna"];
    let (code, stdout, _) = run(&room.home_of("anna"), "kabar", &arguments, Stdio::piped(), Stdio::piped());
    assert!(code == Some(0) && stdout.contains("bob: one"), "{code:?} {stdout}");
}

#[test]
fn output_to_a_full_disk_ends_with_6_if_a_line_was_not_sent() {
    let room = Room::open();
    let script = format!("printf 'caf\\351\\nstored\\n' | \"$BIN/kabar\" join {} --name anna >/dev/full", room.invite);
    let mut anna = Process::shell(&script, &room.home_of("anna"));
    assert_eq!(anna.wait(), Some(6), "{:?}", anna.stderr);
    let stderr = anna.stderr.join("\n");
    assert!(stderr.contains("1 line was not sent; cannot write to standard output"), "{stderr}");
    assert!(room.log("reader", 1).iter().any(|entry| entry.text == "stored"));
}

#[test]
fn a_closed_output_ends_with_0() {
    let room = Room::open();
    let arguments = ["join", &room.invite, "--name", "anna"];
    let (code, _, stderr) = run(&room.home_of("anna"), "kabar", &arguments, gone(), Stdio::piped());
    assert!(code == Some(0) && !stderr.contains("written"), "{code:?} {stderr}");
    let arguments = ["join", &room.invite, "--name", "carla"];
    let (code, stdout, _) = run(&room.home_of("carla"), "kabar", &arguments, Stdio::piped(), gone());
    assert!(code == Some(0) && stdout.contains("has joined"), "{code:?} {stdout}");
}

#[test]
fn notices_to_a_full_disk_lose_no_lines_and_end_with_1() {
    let room = Room::open();
    let arguments = ["join", &room.invite, "--name", "anna"];
    let (code, stdout, _) = run(&room.home_of("anna"), "kabar", &arguments, Stdio::piped(), full().into());
    assert!(code == Some(1) && stdout.contains("anna has joined"), "{code:?} {stdout}");
}

#[test]
fn state_that_cannot_be_saved_is_reported_with_1() {
    let room = Room::open();
    let join = |name: &str| {
        let home = room.home_of(name);
        let arguments = ["join", &room.invite, "--name", name, "--data-dir", text(&home)];
        run(&home, "kabar", &arguments, Stdio::piped(), Stdio::piped())
    };
    // A file in place of a directory, a directory in place of a file: not even root can write
    // there.
    fs::write(room.home_of("anna").join("cursors"), "").expect("written");
    let (code, stdout, stderr) = join("anna");
    assert!(code == Some(1) && stdout.contains("anna has joined"), "{code:?} {stdout}");
    assert!(
        stderr.ends_with("\n")
            && stderr.lines().last().is_some_and(|end| end.starts_with("could not save your position in this room")),
        "{stderr}"
    );
    fs::create_dir(room.home_of("bob").join("known_servers.lock")).expect("created");
    let (code, _, stderr) = join("bob");
    assert!(
        code == Some(1)
            && stderr.lines().last().is_some_and(|end| end.starts_with("could not add this room to the known servers")),
        "{code:?} {stderr}"
    );
    fs::write(room.home_of("carla").join("identities"), "").expect("written");
    let (code, _, stderr) = join("carla");
    assert!(code == Some(1) && stderr.contains("identities") && stderr.lines().count() == 1, "{code:?} {stderr}");
}

#[test]
fn a_file_size_limit_counts_as_a_full_disk() {
    let room = Room::open();
    let script = format!("ulimit -f 0; \"$BIN/kabar\" join {} --name anna </dev/null", room.invite);
    let mut anna = Process::shell(&script, &room.home_of("anna"));
    assert_eq!(anna.wait(), Some(1), "{:?}", anna.stderr);
    assert!(anna.stderr.join("\n").contains("File too large"), "{:?}", anna.stderr);
}

#[test]
fn printing_commands_end_with_1_on_a_full_disk_and_0_on_a_closed_output() {
    let room = Room::open();
    let mut anna = Process::start("kabar", room.home(), &["join", &room.invite, "--name", "anna"]);
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    let data = data_dir(room.home());
    let on_data = |word| vec![word, "--data-dir", text(&data)];
    for (name, arguments) in [
        ("kabar", vec!["--help"]),
        ("kabar", vec!["join", "--help"]),
        ("kabar", vec!["--version"]),
        ("kabar", vec!["servers"]),
        ("kabar", vec!["identity"]),
        ("kabar", vec!["identity", "export", "-"]),
        ("kabar", vec!["completions", "bash"]),
        ("kabar", vec!["man"]),
        ("kabar-server", vec!["--help"]),
        ("kabar-server", vec!["--version"]),
        ("kabar-server", on_data("history")),
        ("kabar-server", [on_data("history"), vec!["--format", "json"]].concat()),
        ("kabar-server", on_data("check")),
        ("kabar-server", on_data("config")),
        ("kabar-server", on_data("invite")),
        ("kabar-server", vec!["completions", "fish"]),
        ("kabar-server", vec!["man"]),
    ] {
        let (code, _, stderr) = run(room.home(), name, &arguments, full().into(), Stdio::piped());
        let is_reported = stderr.contains("cannot print") && stderr.contains(NO_ROOM) && stderr.lines().count() == 1;
        assert!(code == Some(1) && is_reported, "{name} {arguments:?}: {code:?} {stderr}");
        let (code, _, stderr) = run(room.home(), name, &arguments, gone(), Stdio::piped());
        assert!(code == Some(0) && stderr.is_empty(), "{name} {arguments:?}: {code:?} {stderr}");
    }
    // Additional notes on standard error may be lost.
    let copy = room.home().join("copy.db");
    let backup = [on_data("backup"), vec![text(&copy)]].concat();
    assert_eq!(run(room.home(), "kabar-server", &backup, Stdio::piped(), full().into()).0, Some(0));
    assert!(copy.is_file());
    let empty = room.home_of("empty");
    for arguments in [["servers"], ["identity"]] {
        assert_eq!(run(&empty, "kabar", &arguments, Stdio::piped(), full().into()).0, Some(0), "{arguments:?}");
    }
}

#[test]
fn a_server_with_output_to_a_full_disk_reports_it_continues_and_ends_with_1() {
    let home = temp_home();
    give_key(home.path());
    let data = text(&data_dir(home.path())).to_owned();
    for (outputs, is_heard) in [(">/dev/full", true), (">/dev/full 2>&1", false), ("2>/dev/full", false)] {
        let script = format!("exec \"$BIN/kabar-server\" --listen 127.0.0.1:0 --data-dir '{data}' {outputs}");
        let mut server = Process::shell(&script, home.path());
        if is_heard {
            server.expect_stderr(&format!("kabar-server: cannot write to standard output: {NO_ROOM}"));
        }
        let invite = await_invite(home.path(), &data);
        let (code, stdout, _) = run(
            &home.path().join("anna"),
            "kabar",
            &["join", &invite, "--name", "anna"],
            Stdio::piped(),
            Stdio::piped(),
        );
        assert!(code == Some(0) && stdout.contains("anna has joined"), "{code:?} {stdout}");
        server.signal("TERM");
        assert_eq!(server.wait(), Some(1), "{outputs}: {:?}", server.stderr);
        if is_heard {
            let stderr = server.stderr.join("\n");
            assert!(stderr.ends_with("lines could not be written to standard output"), "{stderr}");
            assert_eq!(stderr.matches(NO_ROOM).count(), 1, "reported once: {stderr}");
        }
        fs::remove_dir_all(Path::new(&data).join("rooms")).expect("removed");
    }
}

/// The invite of a server that was just started, printed by the subcommand.
fn await_invite(home: &Path, data: &str) -> String {
    let deadline = Instant::now() + TIMEOUT;
    while !Path::new(data).join("rooms/lobby.address").exists() {
        assert!(Instant::now() < deadline, "no invite");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (_, stdout, _) = run(home, "kabar-server", &["invite", "--data-dir", data], Stdio::piped(), Stdio::piped());
    stdout.trim().to_owned()
}

#[test]
fn a_transcript_on_a_full_disk_resumes_when_there_is_room_and_counts_missing_lines() {
    let home = temp_home();
    give_key(home.path());
    let disk = home.path().join("disk");
    fs::create_dir(&disk).expect("created");
    let (data, disk) = (text(&data_dir(home.path())).to_owned(), text(&disk).to_owned());
    // A disk that only this server sees, almost full from the beginning.
    let script = format!(
        "exec unshare -m sh -c 'mount -t tmpfs -o size=64k none {disk} || exit 77; head -c 60000 /dev/zero >{disk}/filling; \
         exec \"$BIN/kabar-server\" --listen 127.0.0.1:0 --data-dir {data} --transcript {disk}/chat.txt' || exit 77"
    );
    let mut server = Process::shell(&script, home.path());
    if !is_started(&mut server) {
        eprintln!("SKIPPED: this user may not mount a disk");
        return;
    }
    let seen = format!("/proc/{}/root{disk}", server.id());
    let room = Room::of(server, home.path());
    let (mut room, filling) = (room, "x".repeat(4_000));
    let mut anna = room.client("anna");
    for number in 0..4 {
        anna.type_line(&format!("{number} {filling}"));
        anna.expect(&format!("anna: {number} "));
    }
    room.server.expect_stderr("cannot write the transcript");
    fs::remove_file(format!("{seen}/filling")).expect("there is room");
    anna.type_line("there is room");
    room.server.expect_stderr("can be written again");
    // Its disk can be read only while the server runs.
    let chat = fs::read_to_string(format!("{seen}/chat.txt")).expect("a transcript");
    room.server.signal("TERM");
    assert_eq!(room.server.wait(), Some(0), "{:?}", room.server.stderr);
    let missing: u64 =
        chat.lines().filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<u64>().ok()).sum();
    let whole = chat.lines().filter(|line| line.ends_with(&filling)).count() as u64;
    assert!(missing > 0 && missing + whole == 4, "{missing} and {whole}");
    assert_eq!(room.server.stderr.iter().filter(|line| line.contains("cannot write the transcript")).count(), 1);

    // Full until the end.
    let script = script.replace("size=64k", "size=4k").replace("head -c 60000", "head -c 4096");
    let mut server = Process::shell(&script, home.path());
    server.expect("kabar://");
    server.type_line("nowhere to be written");
    server.expect_stderr("cannot write the transcript");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(1), "{:?}", server.stderr);
    assert!(
        server.stderr.last().is_some_and(|line| line.contains("missing at the end of the transcript")),
        "{:?}",
        server.stderr
    );
}

/// Waits until the script has become the server. `false` if this user may not mount a disk.
fn is_started(server: &mut Process) -> bool {
    let deadline = Instant::now() + TIMEOUT;
    while Instant::now() < deadline {
        if Path::new(&format!("/proc/{}/comm", server.id())).exists()
            && fs::read_to_string(format!("/proc/{}/comm", server.id())).is_ok_and(|name| name.trim() == "kabar-server")
        {
            return true;
        }
        if server.has_ended() {
            return false;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    false
}
