//! `kabar` in pipes and scripts: options, exit codes, objects, what it keeps, and every kind of bad input.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use kabar_tests::process::{Process, program};
use kabar_tests::room::{Room, text};
use tempfile::TempDir;

fn home() -> TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// A file below `home` that holds `content`.
fn file(home: &Path, name: &str, content: &str) -> String {
    let path = home.join(name);
    std::fs::write(&path, content).expect("a file");
    text(&path).to_owned()
}

fn room_with_password(home: &Path) -> Room {
    let password = file(home, "password", "terbuka\n");
    Room::start_with(home, "127.0.0.1:0", &["--password-file", &password])
}

/// Runs `kabar` to its end without input: exit code, standard output, standard error.
fn run(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut process = Process::start("kabar", home, arguments);
    process.close_stdin();
    let code = process.wait().expect("a code");
    (code, process.said.join("\n"), process.noticed.join("\n"))
}

/// As [`run`], for what has to end with `code`; what it said to people.
fn ends_with(code: i32, home: &Path, arguments: &[&str]) -> String {
    let (found, said, noticed) = run(home, arguments);
    assert_eq!(found, code, "{arguments:?}: {said}\n{noticed}");
    noticed
}

fn object(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line} is no object: {error}"))
}

#[test]
fn the_next_visit_goes_on_behind_the_last_line_written_out() {
    let home = home();
    let room = Room::start(home.path());
    let mut bob = room.join_plainly("bob");
    bob.type_line("one");
    bob.expect("bob: one");
    let mut anna = room.join_plainly("anna");
    anna.expect("bob: one");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    bob.type_line("two");
    bob.expect("bob: two");
    let (code, said, noticed) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert_eq!(code, 0);
    assert!(said.contains("bob: two") && !said.contains("bob: one"), "{said}");
    assert!(noticed.contains("new lines since your last visit"), "{noticed}");
    for (option, value, wanted) in
        [("--since", "all", true), ("--since", "1", true), ("--since", "2", false), ("--last", "1", false)]
    {
        let (_, said, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", option, value]);
        assert_eq!(said.contains("bob: one"), wanted, "{option} {value}: {said}");
    }
}

#[test]
fn since_leaves_out_what_was_not_asked_for_whether_it_was_there_before_or_not() {
    let home = home();
    let room = Room::start(home.path());
    let mut bob = room.join_plainly("bob");
    (1..=5).for_each(|number| bob.type_line(&format!("line {number}")));
    bob.expect("bob: line 5");
    // Entry 1 says that bob joined.
    for _ in ["first visit", "second visit"] {
        let (code, said, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", "--since", "4"]);
        assert_eq!(code, 0);
        assert!(said.contains("line 4") && said.contains("line 5") && !said.contains("line 3"), "{said}");
    }
}

#[test]
fn objects_tell_everything_with_seq() {
    let home = home();
    let room = Room::start(home.path());
    let mut anna = room.begin_join("anna", &["--json"]);
    let joined = object(&anna.expect("\"type\":\"joined\""));
    assert_eq!(
        (joined["name"].as_str(), joined["room"].as_str(), joined["members"].as_u64()),
        (Some("anna"), Some("lobby"), Some(1))
    );
    assert_eq!((joined["start"].as_u64(), joined["term"].as_str().map(str::len)), (Some(0), Some(16)));
    anna.type_line("halo \u{1f44b}: \"semua\"");
    let entry = object(&anna.expect("semua"));
    assert_eq!(entry["type"], "entry");
    assert_eq!(
        (entry["seq"].as_u64(), entry["author"].as_str(), entry["own"].as_bool()),
        (Some(2), Some("anna"), Some(true))
    );
    assert_eq!((entry["text"].as_str(), entry["kind"].as_str()), (Some("halo \u{1f44b}: \"semua\""), Some("text")));
    assert!(entry["time_ms"].as_u64() > Some(1_700_000_000_000));
    anna.type_line("/who");
    assert_eq!(object(&anna.expect("\"type\":\"who\""))["names"][0], "anna");
    anna.type_line(&"x".repeat(5_000));
    assert!(
        object(&anna.expect("\"type\":\"refused\""))["reason"].as_str().is_some_and(|reason| reason.contains("4096"))
    );
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6));
    let all: Vec<_> = anna.said.iter().map(|line| object(line)).collect();
    let stored = all.iter().find(|object| object["type"] == "stored").expect("stored");
    assert_eq!((stored["number"].as_u64(), stored["seq"].as_u64()), (Some(1), Some(2)));
    let left = all.last().expect("an end");
    assert_eq!(
        (left["type"].as_str(), left["exit"].as_u64(), left["unsent"].as_u64()),
        (Some("left"), Some(6), Some(1))
    );
}

#[test]
fn objects_tell_of_lost_and_found_connections() {
    let home = home();
    let mut room = Room::start(home.path());
    let mut anna = room.begin_join("anna", &["--json"]);
    anna.expect("\"type\":\"joined\"");
    room.kill_and_restart();
    anna.expect("\"type\":\"lost\"");
    anna.expect("\"type\":\"joined\"");
    anna.expect("\"type\":\"back\"");
}

#[test]
fn a_host_tells_its_invite_as_an_object() {
    let home = home();
    let mut host =
        Process::start("kabar", home.path(), &["host", "--name", "darryl", "--listen", "127.0.0.1:0", "--json"]);
    let hosting = object(&host.expect("\"type\":\"hosting\""));
    let invite = hosting["invite"].as_str().expect("an invite").to_owned();
    host.expect("\"type\":\"joined\"");
    ends_with(0, &home.path().join("guest"), &["join", &invite, "--name", "guest"]);
    host.type_line("!q");
    assert_eq!(host.wait(), Some(0));
}

#[test]
fn an_older_state_of_the_room_is_said_and_never_skipped_in_silence() {
    let home = home();
    let mut room = Room::start(home.path());
    room.server.signal("TERM");
    room.server.wait();
    let (data, backup) = (home.path().join("server"), home.path().join("backup"));
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp");
        assert!(copied.success());
    };
    copy(&data, &backup);
    let mut room = Room::start_with(home.path(), &room.address, &[]);
    let mut anna = room.join_plainly("anna");
    anna.type_line("will be gone");
    anna.expect("anna: will be gone");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    room.server.kill();
    std::fs::remove_dir_all(&data).expect("removed");
    copy(&backup, &data);
    let room = Room::start_with(home.path(), &room.address, &[]);
    let (code, said, noticed) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert_eq!(code, 0);
    assert!(noticed.contains("reset to an older state"), "{noticed}");
    assert!(said.contains("anna has joined"), "{said}");
    let (_, said, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", "--json"]);
    assert!(!said.contains("\"reset\""), "said once: {said}");
}

#[test]
fn passwords_come_from_a_file_the_environment_or_standard_input() {
    let home = home();
    let room = room_with_password(home.path());
    let (right, wrong) = (file(home.path(), "right", "terbuka\n"), file(home.path(), "wrong", "tertutup\n"));
    let join = |name: &str, further: &[&str]| {
        let mut arguments = vec!["join", room.address.as_str(), "--accept-new", "--name", name];
        arguments.extend(further);
        Process::start("kabar", &room.home_of(name), &arguments)
    };
    let mut by_file = join("anna", &["--password-file", &right]);
    by_file.close_stdin();
    assert_eq!(by_file.wait(), Some(0), "{:?}", by_file.noticed);
    let mut wrongly = join("bob", &["--password-file", &wrong]);
    assert_eq!(wrongly.wait(), Some(4));
    assert!(wrongly.noticed.join("\n").contains("wrong password"), "{:?}", wrongly.noticed);
    let mut not_at_all = join("carla", &[]);
    assert_eq!(not_at_all.wait(), Some(4));
    assert!(not_at_all.noticed.join("\n").contains("KABAR_PASSWORD"), "{:?}", not_at_all.noticed);
    let mut by_stdin = join("dina", &["--password-stdin"]);
    by_stdin.type_all("terbuka\nthe second line is said\n");
    by_stdin.close_stdin();
    assert_eq!(by_stdin.wait(), Some(0), "{:?}", by_stdin.noticed);
    assert!(by_stdin.said.iter().any(|line| line.ends_with("dina: the second line is said")), "{:?}", by_stdin.said);
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
    // Who was let in once is not asked again.
    ends_with(0, &room.home_of("anna"), &["join", &room.address]);
}

#[test]
fn a_typed_host_is_joined_only_with_a_key_that_somebody_vouches_for() {
    let home = home();
    let room = room_with_password(home.path());
    let password = file(home.path(), "right", "terbuka\n");
    let mine = room.home_of("anna");
    let join = |further: &[&str]| {
        let mut arguments = vec!["join", room.address.as_str(), "--name", "anna", "--password-file", &password];
        arguments.extend(further);
        run(&mine, &arguments)
    };
    let (code, _, said) = join(&[]);
    assert_eq!(code, 4);
    let fingerprint =
        said.split_whitespace().skip_while(|word| *word != "--fingerprint").nth(1).expect(&said).to_owned();
    assert!(room.invite.contains(&fingerprint));
    let (code, _, said) = join(&["--fingerprint", &"A".repeat(32)]);
    assert_eq!(code, 4, "{said}");
    assert_eq!(join(&["--fingerprint", &fingerprint]).0, 0);
    assert_eq!(join(&[]).0, 0, "known from now on");
    let (code, list, _) = run(&mine, &["servers"]);
    assert_eq!(code, 0);
    assert!(list.contains(&fingerprint) && list.contains(&room.address) && list.contains("anna"), "{list}");
    // The name of the room is enough now.
    ends_with(0, &mine, &["join", "lobby", "--password-file", &password]);
    ends_with(0, &mine, &["servers", "forget", &room.address]);
    assert!(ends_with(1, &mine, &["servers", "forget", &room.address]).contains("not known"));
    assert_eq!(join(&[]).0, 4, "forgotten");
}

#[test]
fn a_changed_key_stops_and_says_how_it_is_taken_on_purpose() {
    let home = home();
    let mut room = room_with_password(home.path());
    let password = file(home.path(), "right", "terbuka\n");
    let mine = room.home_of("anna");
    let join = ["join", &room.address.clone(), "--name", "anna", "--password-file", &password];
    ends_with(0, &mine, &[&join[..], &["--accept-new"]].concat());
    room.server.kill();
    let listen = room.address.clone();
    let other = Room::start_with(&home.path().join("other"), &listen, &["--password-file", &password]);
    for further in [&[][..], &["--accept-new"]] {
        let said = ends_with(4, &mine, &[&join[..], further].concat());
        assert!(said.contains(&format!("kabar servers accept {listen}")), "{said}");
    }
    let said = ends_with(4, &mine, &["servers", "accept", &listen]);
    let fingerprint =
        said.split_whitespace().skip_while(|word| *word != "--fingerprint").nth(1).expect(&said).to_owned();
    assert!(other.invite.contains(&fingerprint));
    ends_with(4, &mine, &["servers", "accept", &listen, "--fingerprint", &"A".repeat(32)]);
    ends_with(0, &mine, &["servers", "accept", &listen, "--fingerprint", &fingerprint]);
    ends_with(0, &mine, &join);
}

#[test]
fn a_server_is_known_by_its_key_wherever_it_is() {
    let home = home();
    let mut room = Room::start(home.path());
    let mine = room.home_of("anna");
    ends_with(0, &mine, &["join", &room.invite, "--name", "anna"]);
    room.server.kill();
    let room = Room::start_with(home.path(), "127.0.0.1:0", &[]);
    let said = ends_with(0, &mine, &["join", &room.address]);
    assert!(said.contains("a known server at a new address") && said.contains("as anna"), "{said}");
}

#[test]
fn a_room_of_several_servers_is_not_guessed() {
    let home = home();
    let (room, other) = (Room::start(home.path()), Room::start(&home.path().join("other")));
    let mine = room.home_of("anna");
    for invite in [&room.invite, &other.invite] {
        ends_with(0, &mine, &["join", invite, "--name", "anna"]);
    }
    let said = ends_with(2, &mine, &["join", "lobby"]);
    for room in [&room, &other] {
        assert!(said.contains(&format!("kabar join {}", room.address)), "{said}");
    }
    ends_with(0, &mine, &["join", &room.address]);
}

#[test]
fn names_that_are_not_allowed_are_told_with_the_reason() {
    let home = home();
    let room = Room::start(home.path());
    let _owner = room.join_plainly("darryl");
    for (name, reason) in [
        ("", "empty"),
        ("a:b", "':'"),
        ("a\u{200b}b", "200b"),
        (" a", "space"),
        ("server", "reserved"),
        ("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", "32 bytes"),
        ("DARRYL", "taken"),
        ("\u{ff44}arryl", "taken"),
    ] {
        let said = ends_with(5, &room.home_of("other"), &["join", &room.invite, "--name", name]);
        assert!(said.contains(reason), "{name:?}: {said}");
    }
}

#[test]
fn what_is_no_text_or_too_long_is_refused_here_and_the_rest_arrives() {
    let home = home();
    let room = Room::start(home.path());
    let mut bob = room.join_plainly("bob");
    let mut anna = Command::new(program("kabar"))
        .args(["join", &room.invite, "--name", "anna", "--data-dir", text(&room.home_of("anna"))])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kabar");
    let long = "x".repeat(4_097);
    let stdin = anna.stdin.as_mut().expect("piped");
    stdin
        .write_all(b"good\n\xff\xfe no text\n")
        .and_then(|()| stdin.write_all(format!("{long}\nlast\n").as_bytes()))
        .expect("read");
    let end = anna.wait_with_output().expect("an end");
    assert_eq!(end.status.code(), Some(6));
    let said = String::from_utf8(end.stderr).expect("text");
    assert!(
        said.contains("not UTF-8") && said.contains("4097 bytes") && said.contains("2 lines are not sent"),
        "{said}"
    );
    bob.expect("anna: good");
    bob.expect("anna: last");
    assert!(!bob.said.iter().any(|line| line.contains("xxxx") || line.contains("no text")), "{:?}", bob.said);
}

#[test]
fn what_cannot_be_reached_is_told_by_its_kind() {
    let home = home();
    let said = ends_with(3, home.path(), &["join", "no-such-host.invalid:7", "--name", "anna"]);
    assert!(said.contains("no such host: no-such-host.invalid") || said.contains("was not found in"), "{said}");
    // Bound and given back: nobody listens there.
    let free = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let said = ends_with(3, home.path(), &["join", &free.to_string(), "--name", "anna"]);
    assert!(said.contains("refused"), "{said}");
}

#[test]
fn every_address_of_a_name_is_tried() {
    let home = home();
    // `localhost` is ::1 and 127.0.0.1 on most computers; each server listens on one of them.
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        if std::net::UdpSocket::bind(listen).is_err() {
            eprintln!("not tried: this computer has no {listen}");
            continue;
        }
        let room = Room::start_with(&home.path().join(listen.replace([':', '[', ']'], "_")), listen, &[]);
        let names = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 1)).expect("localhost");
        let is_named = names.into_iter().any(|address| address.is_ipv4() == listen.starts_with('1'));
        let (_, rest) = room.invite.split_once(room.port()).expect("a port");
        let invite = format!("kabar://localhost:{}{rest}", room.port());
        let (code, _, said) = run(&room.home_of("anna"), &["join", &invite, "--name", "anna"]);
        assert_eq!(code, if is_named { 0 } else { 3 }, "{said}");
    }
}

#[test]
fn usage_is_one_line_with_2() {
    let home = home();
    for (arguments, about) in [
        (&[][..], "kabar join INVITE"),
        (&["join", "a b"], "host"),
        (&["join", "http://here"], "kabar://"),
        (&["join", "here", "--since", "yesterday"], "--since"),
        (&["join", "here", "--since", "1", "--last", "1"], "--last"),
        (&["join", "here", "--fingerprint", "short"], "fingerprint"),
        (&["join", "here", "--no-such-flag"], "--no-such-flag"),
        (&["dance"], "dance"),
        (&["identity", "forget", "nobody", "--no"], "--no"),
    ] {
        let said = ends_with(2, home.path(), arguments);
        assert!(said.contains(about) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    assert_eq!(
        std::fs::read_dir(home.path()).expect("a folder").count(),
        0,
        "nothing is made before the command line is right"
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let home = home();
    let plain = file(home.path(), "plain", "");
    for arguments in [&["servers"][..], &["join", "127.0.0.1:7", "--name", "anna"], &["host", "--name", "anna"]] {
        let said = ends_with(1, home.path(), &[arguments, &["--data-dir", &format!("{plain}/folder")]].concat());
        assert!(said.contains(&plain) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn a_reader_that_stands_still_holds_nobody_up_and_loses_nothing() {
    let home = home();
    let room = Room::start(home.path());
    let (mut bob, mut carla) = (room.join_plainly("bob"), room.join_plainly("carla"));
    // As behind Ctrl-S: it is there, and nobody reads what it writes.
    let mut anna = Command::new(program("kabar"))
        .args(["join", &room.invite, "--name", "anna", "--data-dir", text(&room.home_of("anna"))])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kabar");
    carla.expect("anna has joined");
    // More than all buffers on the way to the reader hold.
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
fn an_invite_is_read_from_standard_input() {
    let home = home();
    let room = Room::start(home.path());
    let mut anna = Process::start("kabar", &room.home_of("anna"), &["join", "-", "--name", "anna"]);
    anna.type_all(&format!("{}\nand then what I say\n", room.invite));
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.noticed);
    assert!(anna.said.iter().any(|line| line.ends_with("anna: and then what I say")), "{:?}", anna.said);
}

#[test]
fn giving_up_counts_what_was_not_stored() {
    let home = home();
    let mut room = Room::start(home.path());
    let mut anna = room.begin_join("anna", &["--give-up", "0.5"]);
    anna.expect_notice("Joined ");
    room.server.kill();
    anna.type_all("one\ntwo\n");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6));
    assert!(anna.noticed.join("\n").contains("2 lines are not sent"), "{:?}", anna.noticed);
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let home = home();
    let room = Room::start(home.path());
    let mut bob = room.join_plainly("bob");
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
    // Takes one line, as `head -n 1` does, and goes. The input stays open.
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
fn the_same_name_at_a_second_terminal_takes_the_place_and_keeps_what_was_read() {
    let home = home();
    let room = Room::start(home.path());
    let mut bob = room.join_plainly("bob");
    let mut first = room.join_plainly("anna");
    let mut second = room.join_plainly("anna");
    assert_eq!(first.wait(), Some(7));
    assert!(first.noticed.join("\n").contains("replaced"), "{:?}", first.noticed);
    bob.type_line("to the second");
    second.expect("bob: to the second");
    second.close_stdin();
    assert_eq!(second.wait(), Some(0));
    let (_, said, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert!(!said.contains("to the second"), "it was read: {said}");
    // Who asks for no name is somebody else.
    let mine = room.home_of("anna");
    let mut third = Process::start("kabar", &mine, &["join", &room.invite]);
    third.expect_notice(" as anna;");
    let mut fourth = Process::start("kabar", &mine, &["join", &room.invite]);
    fourth.expect_notice(" as anna-2;");
    third.type_line("both are here");
    fourth.expect("anna: both are here");
}

#[test]
fn a_key_is_shown_carried_and_forgotten() {
    let home = home();
    let room = Room::start(home.path());
    let (here, there) = (room.home_of("here"), room.home_of("there"));
    ends_with(0, &here, &["join", &room.invite, "--name", "Anna"]);
    let (_, list, _) = run(&here, &["identity"]);
    let fingerprint = list.split_whitespace().next().expect("a fingerprint").to_owned();
    assert_eq!((fingerprint.len(), list.ends_with("anna")), (32, true), "{list}");
    assert!(run(&here, &["identity", "show", "anna"]).1.contains(&fingerprint));
    let exported = here.join("anna.key");
    ends_with(0, &here, &["identity", "export", text(&exported), "--name", "Anna"]);
    assert!(ends_with(1, &here, &["identity", "export", text(&exported), "--name", "Anna"]).contains("exists"));
    let secret = std::fs::read_to_string(&exported).expect("a file");
    let seed = secret.lines().find_map(|line| line.strip_prefix("seed ")).expect("a seed");
    assert!(!list.contains(seed));
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&exported).expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    ends_with(5, &there, &["join", &room.invite, "--name", "anna"]);
    assert!(
        ends_with(1, &there, &["identity", "import", text(&exported)]).contains("another key"),
        "made by trying to join"
    );
    ends_with(2, &there, &["identity", "forget", "anna"]);
    ends_with(0, &there, &["identity", "forget", "anna", "--yes"]);
    ends_with(0, &there, &["identity", "import", text(&exported)]);
    assert!(run(&there, &["identity", "show", "anna"]).1.contains(&fingerprint));
    ends_with(0, &there, &["join", &room.invite, "--name", "anna"]);
    file(&there, "wrong.key", "kabar identity 1\nseed 00\n");
    assert!(ends_with(1, &there, &["identity", "import", text(&there.join("wrong.key"))]).contains("damaged"));
}

#[test]
fn completions_and_manual_pages_know_the_commands() {
    let home = home();
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, _) = run(home.path(), &["completions", shell]);
        assert!(code == 0 && script.contains("accept-new") && script.contains("identity"), "{shell}");
    }
    let (code, page, _) = run(home.path(), &["man"]);
    assert!(code == 0 && page.contains("kabar") && page.contains(".TH"), "{page}");
    let folder = home.path().join("man");
    ends_with(0, home.path(), &["man", "--out", text(&folder)]);
    for page in ["kabar.1", "kabar-join.1", "kabar-servers.1"] {
        assert!(folder.join(page).is_file(), "{page}");
    }
    let (_, help, _) = run(home.path(), &["join", "--help"]);
    assert!(help.contains("Objects of --json") && help.contains("Exit codes"), "{help}");
}
