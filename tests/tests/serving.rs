//! The operator's side of the real `kabar-server`: console, signals, configuration, metrics, subcommands, bad input.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use kabar_core::crypto::rsa::KeySize;
use kabar_server::data_dir::DataDir;
use kabar_server::key_file::load_or_make_key;
use kabar_tests::process::{PATIENCE, Process, program};
use tempfile::TempDir;

struct Room {
    home: TempDir,
    server: Process,
    address: String,
    invite: String,
}

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn data_dir(home: &Path) -> PathBuf {
    home.join("server")
}

/// `kabar-server` with these words and its data below `home`.
fn start(home: &Path, words: &[&str]) -> Process {
    let data = data_dir(home);
    Process::start("kabar-server", home, &[words, &["--data-dir", text(&data)]].concat())
}

/// All servers here have one key: making one takes a debug build a while.
fn give_key(data: &Path) {
    static KEY: OnceLock<String> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let folder = home();
        let dir = DataDir::open(folder.path()).expect("a directory");
        drop(load_or_make_key(&dir, KeySize::Bits2048, || ()).expect("a key"));
        fs::read_to_string(folder.path().join("server.key")).expect("a key")
    });
    fs::create_dir_all(data).expect("made");
    fs::write(data.join("server.key"), key).expect("written");
}

fn serve(home: TempDir, more: &[&str]) -> Room {
    give_key(&data_dir(home.path()));
    let server = start(home.path(), &[&["--listen", "127.0.0.1:0"], more].concat());
    let mut room = Room { home, server, address: String::new(), invite: String::new() };
    room.address = room.server.expect("listening on ").rsplit(' ').next().expect("an address").to_owned();
    room.invite = room.server.expect("kabar://");
    room
}

fn room() -> Room {
    serve(home(), &[])
}

impl Room {
    fn visit(&self, name: &str, more: &[&str]) -> Process {
        Process::start("kabar", &self.home.path().join(name), &[&["join", &self.invite, "--name", name], more].concat())
    }

    fn join(&self, name: &str) -> Process {
        let mut client = self.visit(name, &[]);
        client.expect_notice("Joined ");
        client
    }
}

/// What a subcommand comes to: exit code, stdout, stderr.
fn ask(home: &Path, words: &[&str]) -> (Option<i32>, String, String) {
    let mut process = start(home, words);
    process.close_stdin();
    let code = process.wait();
    (code, process.said.join("\n"), process.noticed.join("\n"))
}

/// Code and complaint of a server that does not start: one line on stderr, nothing on stdout.
fn complaint(mut server: Process) -> (Option<i32>, String) {
    server.close_stdin();
    let code = server.wait();
    assert!(server.said.is_empty(), "{:?}", server.said);
    assert_eq!(server.noticed.len(), 1, "{:?}", server.noticed);
    (code, server.noticed[0].clone())
}

#[test]
fn the_first_lines_are_the_address_and_the_invite() {
    let mut room = room();
    assert_eq!(room.server.said.len(), 2);
    assert_eq!(room.server.said[0], format!("listening on {}", room.address));
    assert!(room.address.starts_with("127.0.0.1:") && !room.address.ends_with(":0"));
    assert!(room.server.said[1].starts_with(&format!("kabar://{}/lobby/", room.address)));
    let mut member = room.join("darryl");
    member.type_line("halo");
    let line = room.server.expect("halo");
    assert!(line.starts_with("[20") && line[22..].starts_with("darryl (127.0.0.1:"), "{line}");
}

#[test]
fn run_may_be_said() {
    let home = home();
    give_key(&data_dir(home.path()));
    let mut server = start(home.path(), &["run", "--listen", "127.0.0.1:0"]);
    server.expect("listening on ");
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn the_operator_talks_and_asks() {
    let mut room = room();
    let mut darryl = room.join("darryl");
    room.server.type_line("dinner is ready");
    darryl.expect("server: dinner is ready");
    room.server.expect("server: dinner is ready");
    room.server.type_line("/who");
    room.server.expect("1 member here");
    let line = room.server.expect("darryl (127.0.0.1:");
    assert!(line.contains(" since 20") && line.contains(", idle ") && line.contains("round trip "), "{line}");
    room.server.type_line("/stats");
    room.server.expect("1 member of at most 10000");
    room.server.expect("dropped: damaged 0, not authentic 0, replayed 0");
    room.server.expect("entries in ");
    room.server.expect("no limit was met");
    room.server.type_line("/invite");
    assert_eq!(room.server.expect("kabar://"), room.invite);
    room.server.type_line("/help");
    room.server.expect("/release NAME");
    room.server.type_line("/bans");
    room.server.expect("nobody is banned or muted");
}

#[test]
fn what_the_operator_mistypes_is_told_in_one_line_and_said_to_nobody() {
    let mut room = room();
    let mut darryl = room.join("darryl");
    for (typed, told) in [
        ("/kcik darryl", "there is no command /kcik; /help"),
        ("/kick", "/kick NAME"),
        ("/kick nobody", "nobody: nobody of that name is here; /who"),
        ("/ban nobody", "nobody: nobody has this name"),
        ("/unban darryl", "darryl: is not banned; /bans"),
        ("/unmute darryl", "darryl: is not muted; /bans"),
        ("/release darryl", "darryl: its owner is here"),
        ("/release nobody", "nobody: nobody owns this name"),
        ("/stop now", "/stop stands alone"),
    ] {
        room.server.type_line(typed);
        room.server.expect(told);
    }
    room.server.type_line("the end");
    darryl.expect("server: the end");
    assert!(!darryl.said.iter().any(|line| line.contains("/k")), "{:?}", darryl.said);
}

#[test]
fn who_is_kicked_ends_with_7_and_may_come_again() {
    let mut room = room();
    let mut reader = room.join("reader");
    let mut darryl = room.join("darryl");
    room.server.type_line("/kick DARRYL");
    room.server.expect("darryl was put out");
    assert_eq!(darryl.wait(), Some(7), "{:?}", darryl.noticed);
    reader.expect("darryl was put out of the chat!");
    room.join("darryl");
}

#[test]
fn who_is_banned_ends_with_7_and_stays_out_until_unbanned_also_after_a_restart() {
    let mut room = room();
    let mut darryl = room.join("darryl");
    room.server.type_line("/ban darryl");
    room.server.expect("darryl is banned");
    assert_eq!(darryl.wait(), Some(7));
    assert!(darryl.noticed.iter().any(|line| line.contains("banned")), "{:?}", darryl.noticed);
    // Killed at once: the ban is in the store all the same.
    room.server.type_line("/bans");
    room.server.expect("darryl banned since 20");
    let mut again = room.visit("darryl", &[]);
    assert_eq!(again.wait(), Some(7), "{:?}", again.noticed);
    let mut thief =
        Process::start("kabar", &room.home.path().join("thief"), &["join", &room.invite, "--name", "Darryl"]);
    assert_eq!(thief.wait(), Some(5), "the name stays taken: {:?}", thief.noticed);
    room.server.kill();
    let address = room.address.clone();
    let mut server = start(room.home.path(), &["--listen", &address]);
    server.expect("listening on ");
    let mut again = room.visit("darryl", &[]);
    assert_eq!(again.wait(), Some(7), "{:?}", again.noticed);
    server.type_line("/unban darryl");
    server.expect("darryl may come in again");
    room.join("darryl");
}

#[test]
fn who_is_muted_hears_why_its_line_was_not_taken() {
    let mut room = room();
    let mut reader = room.join("reader");
    let mut darryl = room.join("darryl");
    room.server.type_line("/mute darryl");
    room.server.expect("darryl may only listen now");
    darryl.type_line("can you hear me");
    darryl.expect_notice("may not speak");
    room.server.type_line("/unmute darryl");
    room.server.expect("darryl may speak again");
    darryl.type_line("and now");
    reader.expect("darryl: and now");
    assert!(!reader.said.iter().any(|line| line.contains("hear me")), "{:?}", reader.said);
}

#[test]
fn a_released_name_is_free_for_another() {
    let mut room = room();
    let mut darryl = room.join("darryl");
    darryl.type_line("/quit");
    assert_eq!(darryl.wait(), Some(0));
    room.server.expect("darryl (127.0.0.1");
    let other = room.home.path().join("other");
    let visit = || Process::start("kabar", &other, &["join", &room.invite, "--name", "darryl"]);
    assert_eq!(visit().wait(), Some(5));
    room.server.type_line("/release darryl");
    room.server.expect("darryl is free");
    visit().expect_notice("Joined ");
}

#[test]
fn stop_and_signals_end_it_cleanly_and_the_end_of_its_input_does_not() {
    for how in ["/stop", "TERM", "INT"] {
        let mut room = room();
        let mut member = room.join("darryl");
        if how == "/stop" {
            room.server.type_line(how);
        } else {
            room.server.close_stdin();
            member.type_line("still here");
            room.server.expect("still here");
            room.server.signal(how);
        }
        assert_eq!(room.server.wait(), Some(0), "{how}: {:?}", room.server.noticed);
    }
}

#[test]
fn nobody_reading_its_output_keeps_nobody_waiting() {
    let home = home();
    let data = data_dir(home.path());
    give_key(&data);
    // `| head -2`, and a reader that reads two lines and then no more.
    for is_closed in [true, false] {
        let mut server = Command::new(program("kabar-server"))
            .args(["--listen", "127.0.0.1:0", "--data-dir", text(&data)])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut stdout = server.stdout.take().expect("piped");
        let mut said = Vec::new();
        while said.iter().filter(|byte| **byte == b'\n').count() < 2 {
            let mut byte = [0];
            stdout.read_exact(&mut byte).expect("two lines");
            said.extend(byte);
        }
        let invite = String::from_utf8(said).expect("text").lines().nth(1).expect("an invite").to_owned();
        let reader = (!is_closed).then_some(stdout);
        // More than any pipe holds.
        let (count, length) = (3_000, 100);
        let folder = home.path().join(if is_closed { "a" } else { "b" });
        let mut writer =
            Process::start("kabar", &folder, &["join", &invite, "--name", if is_closed { "a" } else { "b" }]);
        let lines: String = (0..count).map(|number| format!("{number:0length$}\n")).collect();
        writer.type_all(&lines);
        writer.close_stdin();
        assert_eq!(writer.wait(), Some(0), "all was stored: {:?}", writer.noticed);
        let kill = Command::new("kill").arg("-TERM").arg(server.id().to_string()).status();
        assert!(kill.expect("kill(1)").success());
        let deadline = std::time::Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = server.try_wait().expect("ours") {
                break status;
            }
            if std::time::Instant::now() > deadline {
                drop(server.kill());
                panic!("it does not end");
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        assert_eq!(status.code(), Some(0), "closed: {is_closed}");
        drop(reader);
    }
}

#[test]
fn a_transcript_has_the_lines_and_outlives_the_server() {
    let home = home();
    let file = home.path().join("chat_history.txt");
    let mut room = serve(home, &["--transcript", text(&file)]);
    let mut darryl = room.join("darryl");
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

fn get(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("somebody listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn metrics_are_answered_while_a_scraper_hangs() {
    let mut room = serve(home(), &["--metrics", "0", "--max-members", "7"]);
    let line = room.server.expect_notice("metrics on http://127.0.0.1:");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    // Says nothing for as long as this test lasts.
    let _hanging = TcpStream::connect(&address).expect("somebody listens");
    let mut darryl = room.join("darryl");
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
fn a_password_comes_from_stdin_the_environment_or_a_file() {
    let home = home();
    give_key(&data_dir(home.path()));
    let mut server = start(home.path(), &["--listen", "127.0.0.1:0", "--password-stdin"]);
    server.type_line("open sesame");
    let address = server.expect("listening on ").rsplit(' ').next().expect("an address").to_owned();
    // The next line is for the console.
    server.type_line("/who");
    server.expect("0 members here");
    let file = home.path().join("password");
    fs::write(&file, "open sesame\n").expect("written");
    let visit = |name: &str, password: &Path| {
        let words = ["join", &address, "--name", name, "--accept-new", "--password-file", text(password)];
        Process::start("kabar", &home.path().join(name), &words)
    };
    visit("darryl", &file).expect_notice("Joined ");
    let wrong = home.path().join("wrong");
    fs::write(&wrong, "guess\n").expect("written");
    assert_eq!(visit("thief", &wrong).wait(), Some(4));
    server.kill();

    fs::write(&file, "\n").expect("written");
    let (code, said) = complaint(start(home.path(), &["--listen", "127.0.0.1:0", "--password-file", text(&file)]));
    assert!(code == Some(2) && said.contains("empty") && said.contains(text(&file)), "{code:?} {said}");
    let mut long = start(home.path(), &["--listen", "127.0.0.1:0", "--password-stdin"]);
    long.type_line(&"x".repeat(2_000));
    let (code, said) = complaint(long);
    assert!(code == Some(2) && said.contains("longer than") && said.contains("--password-stdin"), "{code:?} {said}");
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let home = home();
    let data = data_dir(home.path());
    give_key(&data);
    fs::write(data.join("kabar-server.toml"), "room = \"den\"\nmax-members = 12\nmax-body = 99\n").expect("written");
    let config = |words: &[&str]| {
        let output = Command::new(program("kabar-server"))
            .arg("config")
            .args(["--data-dir", text(&data)])
            .args(words)
            .env("KABAR_MAX_BODY", "77")
            .env("KABAR_ROOM", "attic")
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let shown = config(&["--room", "yard"]);
    let has = |start: &str, end: &str| shown.lines().any(|line| line.starts_with(start) && line.ends_with(end));
    assert!(has("room = \"yard\"", "# --room"), "{shown}");
    assert!(has("max-body = \"77\"", "# KABAR_MAX_BODY"), "{shown}");
    assert!(has("max-members = \"12\"", "kabar-server.toml:2"), "{shown}");
    assert!(has("max-events = \"4096\"", "# default"), "{shown}");
    // And it is what the server does.
    let mut server = start(home.path(), &["--listen", "127.0.0.1:0", "--max-body", "50"]);
    assert!(server.expect("kabar://").contains("/den/"));
    server.type_line("/stats");
    server.expect("at most 12;");
}

#[test]
fn bad_input_is_told_in_one_line_that_names_it() {
    let home = home();
    let listen = ["--listen", "127.0.0.1:0"];
    for (words, named) in [
        (vec!["--lisen", "1"], "--lisen"),
        (vec!["--listen", "here"], "--listen \"here\""),
        (vec!["--max-members", "none"], "--max-members \"none\""),
        (vec!["--room", "Lob by"], "--room"),
        (vec!["--key-bits", "1024"], "--key-bits"),
        (vec!["--metrics", "somewhere"], "--metrics"),
        (vec!["--config", "/nonexistent/k.toml"], "/nonexistent/k.toml"),
        (vec!["dance"], "dance"),
    ] {
        let (code, said) = complaint(start(home.path(), &words));
        assert!(code == Some(2) && said.starts_with("kabar-server: ") && said.contains(named), "{code:?} {said}");
    }
    let data = data_dir(home.path());
    assert!(!data.exists(), "nothing was made for nothing");
    fs::create_dir(&data).expect("made");
    fs::write(data.join("kabar-server.toml"), "# limits\nmax-membrs = 5\n").expect("written");
    let (code, said) = complaint(start(home.path(), &listen));
    assert!(code == Some(2) && said.contains("kabar-server.toml:2") && said.contains("max-membrs"), "{code:?} {said}");
    fs::write(data.join("kabar-server.toml"), "max-members = 0\n").expect("written");
    let (code, said) = complaint(start(home.path(), &listen));
    assert!(code == Some(2) && said.contains("kabar-server.toml:1") && said.contains("max-members"), "{code:?} {said}");
}

#[test]
fn a_port_or_a_directory_that_cannot_be_had_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let (home, other) = (home(), home());
    give_key(&data_dir(home.path()));
    let (code, said) = complaint(start(home.path(), &["--listen", &address]));
    assert!(code == Some(1) && said.contains(&address) && said.contains("in use"), "{code:?} {said}");
    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let metrics = tcp.local_addr().expect("bound").to_string();
    let (code, said) = complaint(start(home.path(), &["--listen", "127.0.0.1:0", "--metrics", &metrics]));
    assert!(code == Some(1) && said.contains(&metrics), "{code:?} {said}");
    // A file where the directory should be: not even root can write there.
    fs::write(other.path().join("server"), "").expect("written");
    let (code, said) = complaint(start(other.path(), &["--listen", "127.0.0.1:0"]));
    assert!(code == Some(1) && said.contains(text(&data_dir(other.path()))), "{code:?} {said}");
}

#[test]
fn the_invite_can_be_had_without_a_server_and_renewed() {
    let home = home();
    let (code, _, said) = ask(home.path(), &["invite"]);
    assert!(code == Some(1) && said.contains("no server has run"), "{code:?} {said}");
    assert!(!data_dir(home.path()).exists());
    let mut room = serve(home, &["--advertise", "127.0.0.1"]);
    let home = room.home.path();
    let (code, invite, _) = ask(home, &["invite"]);
    assert_eq!((code, &invite), (Some(0), &room.invite));
    let (_, elsewhere, _) = ask(home, &["invite", "--advertise", "chat.example:1234"]);
    assert!(elsewhere.starts_with("kabar://chat.example:1234/lobby/"), "{elsewhere}");
    let (code, picture, _) = ask(home, &["invite", "--qr"]);
    assert!(code == Some(0) && picture.starts_with(&room.invite) && picture.lines().count() > 15, "{picture}");
    assert!(picture.lines().skip(1).any(|line| line.contains('\u{2588}')), "{picture}");

    let (code, renewed, told) = ask(home, &["invite", "--new"]);
    assert!(code == Some(0) && told.contains("earlier invites stop working"), "{code:?} {told}");
    assert!(told.contains(&room.server.id().to_string()) && renewed != room.invite, "{told}");
    // The running server keeps to the old one, the next one to the new.
    let guest = room.join("guest");
    drop(guest);
    room.server.signal("TERM");
    assert_eq!(room.server.wait(), Some(0));
    let mut server = start(home, &["--listen", &room.address, "--advertise", "127.0.0.1"]);
    assert_eq!(server.expect("kabar://"), renewed);
    assert_eq!(room.visit("late", &[]).wait(), Some(4), "the old invite");
}

#[test]
fn completions_and_manual_name_every_flag_and_command() {
    let home = home();
    let ask = |words: &[&str]| {
        let output = Command::new(program("kabar-server")).args(words).output().expect("it runs");
        assert!(output.status.success(), "{words:?} {output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let help = ask(&["--help"]);
    let flags: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 4).collect();
    assert!(flags.len() > 40, "{flags:?}");
    let (bash, zsh, fish) =
        (ask(&["completions", "bash"]), ask(&["completions", "zsh"]), ask(&["completions", "fish"]));
    let manual = ask(&["man"]).replace("\\-", "-");
    for flag in flags {
        let flag = flag.trim_end_matches([',', ';', ')']);
        for (kind, text) in [("bash", &bash), ("zsh", &zsh), ("man", &manual)] {
            assert!(text.contains(flag), "{flag} is not in {kind}");
        }
        assert!(fish.contains(&flag[2..]), "{flag} is not in fish");
    }
    let pages = home.path().join("man");
    ask(&["man", "--out", text(&pages)]);
    for command in ["", "-run", "-invite", "-config", "-completions", "-man"] {
        let page = fs::read_to_string(pages.join(format!("kabar-server{command}.1"))).expect("a page");
        assert!(page.contains(".SH NAME"), "{page}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_service_manager_is_told_when_members_can_come() {
    let home = home();
    let data = data_dir(home.path());
    give_key(&data);
    let path = home.path().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    let heard = || {
        let mut buffer = [0; 64];
        let len = manager.recv(&mut buffer).expect("a word");
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
    assert_eq!(heard(), "READY=1");
    assert!(Command::new("kill").arg(server.id().to_string()).status().expect("kill(1)").success());
    assert_eq!(heard(), "STOPPING=1");
    assert!(server.wait().expect("ours").success());
}

/// A terminal of its own, and what is said on it.
struct Terminal {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    lines: std::sync::mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Terminal {
    /// `sh -c SCRIPT SERVER DATA`, with the terminal as its own.
    fn run(home: &Path, script: &str) -> Self {
        let pty = portable_pty::native_pty_system();
        // Wide enough that no line is folded.
        let size = portable_pty::PtySize { rows: 50, cols: 300, ..Default::default() };
        let pair = pty.openpty(size).expect("a terminal");
        let mut command = portable_pty::CommandBuilder::new("sh");
        command.args(["-c", script, text(&program("kabar-server")), text(&data_dir(home))]);
        let child = pair.slave.spawn_command(command).expect("it starts");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let mut screen = std::io::BufReader::new(pair.master.try_clone_reader().expect("a screen"));
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // The master lives as long as somebody reads it.
            let _master = pair.master;
            let mut line = String::new();
            while std::io::BufRead::read_line(&mut screen, &mut line).is_ok_and(|len| len > 0) {
                if sender.send(std::mem::take(&mut line).trim_end().to_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, keyboard, lines, said: Vec::new() }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.keyboard, "{line}").and_then(|()| self.keyboard.flush()).expect("it reads");
    }

    fn expect(&mut self, wanted: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("no line with {wanted:?}: {:#?}", self.said));
            self.said.push(line.clone());
            if line.contains(wanted) {
                return line;
            }
        }
    }
}

impl Terminal {
    /// The exit code.
    fn wait(&mut self) -> u32 {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("ours") {
                return status.exit_code();
            }
            assert!(std::time::Instant::now() < deadline, "it does not end: {:#?}", self.said);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        drop(self.child.kill());
    }
}

#[test]
fn at_its_terminal_the_operator_types_and_a_room_in_the_background_goes_on() {
    let home = home();
    give_key(&data_dir(home.path()));
    let mut terminal = Terminal::run(home.path(), r#"exec "$0" --listen 127.0.0.1:0 --data-dir "$1""#);
    terminal.expect("kabar://");
    for _ in 0..2 {
        terminal.type_line("/who");
        terminal.expect("0 members here");
    }
    // Ctrl-C.
    terminal.type_line("\u{3}");
    assert_eq!(terminal.wait(), 0);

    // With job control, another job than the one in the foreground may not read the terminal.
    let script = r#"set -m; "$0" --listen 127.0.0.1:0 --data-dir "$1" & echo "job $!"; cat"#;
    let mut terminal = Terminal::run(home.path(), script);
    let invite = terminal.expect("kabar://");
    let job = terminal.said.iter().find_map(|line| line.strip_prefix("job ")).map(str::to_owned);
    // Echoed by the terminal and by cat: not for the server.
    terminal.type_line("/who");
    terminal.expect("/who");
    terminal.expect("/who");
    let mut member = Process::start("kabar", home.path(), &["join", &invite, "--name", "darryl"]);
    member.expect_notice("Joined ");
    member.type_line("still here");
    terminal.expect("still here");
    assert!(!terminal.said.iter().any(|line| line.contains("members here")), "{:?}", terminal.said);
    let job = job.or_else(|| terminal.said.iter().find_map(|line| line.strip_prefix("job ")).map(str::to_owned));
    let stopped = Command::new("kill").arg(job.expect("its id")).status();
    assert!(stopped.expect("kill(1)").success());
}
