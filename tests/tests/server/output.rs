//! Output of a server: lines, metrics, invites, manual pages.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kabar_tests::process::{TIMEOUT, program};
use kabar_tests::room::{Room, data_dir, give_key, spawn_join, start_server, temp_home, text};

/// Runs a subcommand and returns exit code, stdout and stderr.
fn subcommand(home: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut process = start_server(home, arguments);
    process.close_stdin();
    let code = process.wait();
    (code, process.stdout.join("\n"), process.stderr.join("\n"))
}

#[test]
fn the_first_lines_are_the_address_and_the_invite() {
    let mut room = Room::open();
    assert_eq!(room.server.stdout.len(), 2);
    assert_eq!(room.server.stdout[0], format!("listening on {}", room.address));
    assert!(room.address.starts_with("127.0.0.1:") && !room.address.ends_with(":0"));
    assert!(room.server.stdout[1].starts_with(&format!("kabar://{}/lobby/", room.address)));
    let mut member = room.client("darryl");
    member.type_line("halo");
    let line = room.server.expect("halo");
    assert!(line.starts_with("[20") && line[22..].starts_with("darryl (127.0.0.1:"), "{line}");
}

#[test]
fn an_unread_output_delays_nobody() {
    let home = temp_home();
    let data = data_dir(home.path());
    give_key(home.path());
    // `| head -2`, and a reader that stops reading after two lines.
    for is_closed in [true, false] {
        let mut server = Command::new(program("kabar-server"))
            .args(["--listen", "127.0.0.1:0", "--post-rate", "off", "--data-dir", text(&data)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut stdout = server.stdout.take().expect("piped");
        let mut printed = Vec::new();
        while printed.iter().filter(|byte| **byte == b'\n').count() < 2 {
            let mut byte = [0];
            stdout.read_exact(&mut byte).expect("two lines");
            printed.extend(byte);
        }
        let invite = String::from_utf8(printed).expect("text").lines().nth(1).expect("an invite").to_owned();
        let reader = (!is_closed).then_some(stdout);
        // More than any pipe buffers.
        let (count, length) = (3_000, 100);
        let name = if is_closed { "a" } else { "b" };
        let mut writer = spawn_join(&home.path().join(name), &invite, name, &[]);
        let lines: String = (0..count).map(|number| format!("{number:0length$}\n")).collect();
        writer.type_all(&lines);
        writer.close_stdin();
        assert_eq!(writer.wait(), Some(0), "everything was stored: {:?}", writer.stderr);
        let kill = Command::new("kill").arg("-TERM").arg(server.id().to_string()).status();
        assert!(kill.expect("kill(1)").success());
        let deadline = std::time::Instant::now() + TIMEOUT;
        let status = loop {
            if let Some(status) = server.try_wait().expect("a child process") {
                break status;
            }
            if std::time::Instant::now() > deadline {
                let _ = server.kill();
                panic!("the program did not end");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(0), "closed: {is_closed}");
        drop(reader);
    }
}

#[test]
fn a_transcript_has_every_line_and_outlives_the_server() {
    let home = temp_home();
    let file = home.path().join("chat_history.txt");
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--transcript", text(&file)]);
    let mut darryl = room.client("darryl");
    darryl.type_line("halo");
    room.server.expect("halo");
    room.server.type_line("/stop");
    assert_eq!(room.server.wait(), Some(0));
    let lines = fs::read_to_string(&file).expect("written");
    assert!(lines.contains(" has joined the chat!"), "{lines}");
    assert!(
        lines.lines().any(|line| line.starts_with("[20") && line.contains("darryl") && line.ends_with(": halo")),
        "{lines}"
    );
}

/// The response to `request`.
pub(crate) fn get(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn metrics_are_answered_while_a_scraper_hangs() {
    let home = temp_home();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--metrics", "0", "--max-members", "7"]);
    let line = room.server.expect_stderr("metrics on http://127.0.0.1:");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    // Sends nothing for the duration of this test.
    let _hanging = TcpStream::connect(&address).expect("somebody listens");
    let mut darryl = room.client("darryl");
    darryl.type_line("halo");
    room.server.expect("halo");
    let answer = get(&address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{answer}");
    for line in [
        "kabar_members 1",
        "kabar_posts_total 1",
        "kabar_limit{name=\"max-members\"} 7",
        "kabar_limit{name=\"join-time\"} 10",
        "kabar_dropped_total{reason=\"not_authentic\"} 0",
        "kabar_handshake_seconds_count 1",
        "kabar_receive_buffer_drops_total 0",
    ] {
        assert!(answer.lines().any(|it| it == line), "{line}\n{answer}");
    }
    assert!(!answer.contains("kabar_commit_seconds_count 0\n") && answer.contains("kabar_commit_seconds_count "));
    // Every sample has a type, and no name is declared twice.
    let types: Vec<&str> = answer.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let unique: std::collections::BTreeSet<&str> = types.iter().copied().collect();
    assert_eq!(unique.len(), types.len());
    let body = answer.split("\r\n\r\n").nth(1).expect("a body");
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a sample");
        let name = name.split('{').next().expect("a name");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
        assert!(unique.contains(name) || family.is_some_and(|family| unique.contains(family)), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(get(&address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(get(&address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
}

#[test]
fn the_invite_is_printed_and_renewed_by_a_subcommand() {
    let home = temp_home();
    let (code, _, stderr) = subcommand(home.path(), &["invite"]);
    assert!(code == Some(1) && stderr.contains("no server has run"), "{code:?} {stderr}");
    assert!(!data_dir(home.path()).exists());
    let home = home.path();
    let mut room = Room::start_with(home, "127.0.0.1:0", &["--advertise", "127.0.0.1"]);
    let (code, invite, _) = subcommand(home, &["invite"]);
    assert_eq!((code, &invite), (Some(0), &room.invite));
    let (_, elsewhere, _) = subcommand(home, &["invite", "--advertise", "chat.example:1234"]);
    assert!(elsewhere.starts_with("kabar://chat.example:1234/lobby/"), "{elsewhere}");
    let (code, picture, _) = subcommand(home, &["invite", "--qr"]);
    assert!(code == Some(0) && picture.starts_with(&room.invite) && picture.lines().count() > 15, "{picture}");
    assert!(picture.lines().skip(1).any(|line| line.contains('\u{2588}')), "{picture}");

    let (code, renewed, stderr) = subcommand(home, &["invite", "revoke", "standing"]);
    assert!(code == Some(0) && stderr.contains("in effect at once"), "{code:?} {stderr}");
    assert!(stderr.contains(&room.server.id().to_string()) && renewed != room.invite, "{stderr}");
    assert_eq!(room.spawn_join("guest", &[]).wait(), Some(4), "the old invite");
    room.stop();
    let mut server = start_server(home, &["--listen", &room.address, "--advertise", "127.0.0.1"]);
    assert_eq!(server.expect("kabar://"), renewed);
    assert_eq!(room.spawn_join("late", &[]).wait(), Some(4), "the old invite");
}

#[test]
fn completions_and_manual_list_every_flag_and_command() {
    let home = temp_home();
    let subcommand = |arguments: &[&str]| {
        let output = Command::new(program("kabar-server")).args(arguments).output().expect("it runs");
        assert!(output.status.success(), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let help = subcommand(&["--help"]);
    let flags: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 4).collect();
    assert!(flags.len() > 40, "{flags:?}");
    let (bash, zsh, fish) = (
        subcommand(&["completions", "bash"]),
        subcommand(&["completions", "zsh"]),
        subcommand(&["completions", "fish"]),
    );
    let manual = subcommand(&["man"]).replace("\\-", "-");
    for flag in flags {
        // A value that may be left out follows in brackets.
        let flag = flag.trim_end_matches([',', ';', ')']).split('[').next().unwrap_or_default();
        for (kind, text) in [("bash", &bash), ("zsh", &zsh), ("man", &manual)] {
            assert!(text.contains(flag), "{flag} is not in {kind}");
        }
        assert!(fish.contains(&flag[2..]), "{flag} is not in fish");
    }
    let pages = home.path().join("man");
    subcommand(&["man", "--out", text(&pages)]);
    for command in ["", "-run", "-invite", "-config", "-completions", "-man"] {
        let page = fs::read_to_string(pages.join(format!("kabar-server{command}.1"))).expect("a page");
        assert!(page.contains(".SH NAME"), "{page}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_service_manager_is_notified_of_start_and_stop() {
    let home = temp_home();
    let data = data_dir(home.path());
    give_key(home.path());
    let path = home.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(TIMEOUT)).expect("a timeout");
    let notification = || {
        let mut buffer = [0; 64];
        let len = manager.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    let mut server = Command::new(program("kabar-server"))
        .args(["--listen", "127.0.0.1:0", "--data-dir", text(&data)])
        .env("NOTIFY_SOCKET", &path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    assert_eq!(notification(), "READY=1");
    assert!(Command::new("kill").arg(server.id().to_string()).status().expect("kill(1)").success());
    assert_eq!(notification(), "STOPPING=1");
    assert!(server.wait().expect("a child process").success());
}

/// systemd sets `NOTIFY_SOCKET` for units that report readiness, and `JOURNAL_STREAM` for those
/// whose output is the journal.
#[cfg(target_os = "linux")]
#[test]
fn the_invite_is_not_printed_where_a_service_manager_keeps_the_output() {
    use std::os::linux::fs::MetadataExt;
    let home = temp_home();
    let data = data_dir(home.path());
    give_key(home.path());
    let start = |variable: &str, value: &str, journal: &fs::File| {
        let mut server = Command::new(program("kabar-server"))
            .args(["--listen", "127.0.0.1:0", "--log-level", "trace", "--data-dir", text(&data)])
            .env(variable, value)
            .stdin(Stdio::null())
            .stdout(journal.try_clone().expect("a handle"))
            .stderr(journal.try_clone().expect("a handle"))
            .spawn()
            .expect("it starts");
        let path = home.path().join("journal");
        let printed = || fs::read_to_string(&path).expect("text");
        let deadline = Instant::now() + TIMEOUT;
        while !printed().contains("history: ") {
            assert!(Instant::now() < deadline, "{}", printed());
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(Command::new("kill").arg(server.id().to_string()).status().expect("kill(1)").success());
        assert!(server.wait().expect("a child process").success());
        printed()
    };
    let journal = || fs::File::create(home.path().join("journal")).expect("a file");
    let file = journal();
    let own = file.metadata().expect("a file");
    let stream = format!("{}:{}", own.st_dev(), own.st_ino());
    let kept = [start("JOURNAL_STREAM", &stream, &file), start("NOTIFY_SOCKET", "/nonexistent", &journal())];
    let elsewhere = start("JOURNAL_STREAM", "1:1", &journal());

    let output = Command::new(program("kabar-server")).args(["invite", "--data-dir", text(&data)]).output();
    let output = output.expect("it runs");
    let invite = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let secret = invite.rsplit('.').next().expect("a secret");
    assert!(secret.len() == 26, "{invite}");
    for printed in &kept {
        assert!(!printed.contains(secret) && !printed.contains("kabar://"), "{printed}");
        let hint =
            format!("the invite is a secret and this output is kept: `kabar-server invite --data-dir {}`", text(&data));
        assert!(printed.contains(&hint), "{printed}");
    }
    assert!(elsewhere.contains(secret), "{elsewhere}");
}
