//! Invalid input, each with its exit code and its reason.

use std::io::Write;
use std::process::{Command, Stdio};

use kabar_tests::process::program;
use kabar_tests::room::{Room, temp_home, text};

use super::{ends_with, file, run};

#[test]
fn names_that_are_not_allowed_are_refused_with_a_reason() {
    let room = Room::open();
    let _owner = room.client("darryl");
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
        let stderr = ends_with(5, &room.home_of("other"), &["join", &room.invite, "--name", name]);
        assert!(stderr.contains(reason), "{name:?}: {stderr}");
    }
}

#[test]
fn lines_of_invalid_utf8_or_too_long_are_refused_and_the_rest_arrives() {
    let room = Room::open();
    let mut bob = room.client("bob");
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
    let stderr = String::from_utf8(end.stderr).expect("text");
    assert!(
        stderr.contains("not UTF-8") && stderr.contains("4097 bytes") && stderr.contains("2 lines were not sent"),
        "{stderr}"
    );
    bob.expect("anna: good");
    bob.expect("anna: last");
    assert!(!bob.stdout.iter().any(|line| line.contains("xxxx") || line.contains("no text")), "{:?}", bob.stdout);
}

#[test]
fn unreachable_hosts_are_reported_by_kind() {
    let home = temp_home();
    let stderr = ends_with(3, home.path(), &["join", "no-such-host.invalid:7", "--name", "anna"]);
    assert!(stderr.contains("no such host: no-such-host.invalid") || stderr.contains("could not resolve"), "{stderr}");
    // Bound and released: nothing listens on this port.
    let free = std::net::UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let stderr = ends_with(3, home.path(), &["join", &free.to_string(), "--name", "anna"]);
    assert!(stderr.contains("refused"), "{stderr}");
}

#[test]
fn every_address_of_a_name_is_tried() {
    let home = temp_home();
    // `localhost` is ::1 and 127.0.0.1 on most computers; each server listens on one of them.
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        if std::net::UdpSocket::bind(listen).is_err() {
            eprintln!("SKIPPED: this computer has no {listen}");
            continue;
        }
        let room = Room::start_with(&home.path().join(listen.replace([':', '[', ']'], "_")), listen, &[]);
        let names = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 1)).expect("localhost");
        let is_named = names.into_iter().any(|address| address.is_ipv4() == listen.starts_with('1'));
        let (_, rest) = room.invite.split_once(room.port()).expect("a port");
        let invite = format!("kabar://localhost:{}{rest}", room.port());
        let (code, _, stderr) = run(&room.home_of("anna"), &["join", &invite, "--name", "anna"]);
        assert_eq!(code, if is_named { 0 } else { 3 }, "{stderr}");
    }
}

#[test]
fn a_usage_error_is_one_line_with_2() {
    let home = temp_home();
    for (arguments, about) in [
        (&[][..], "kabar join INVITE"),
        (&["join", "a b"], "host"),
        (&["join", "http://here"], "kabar://"),
        (&["join", "here", "--since", "yesterday"], "--since"),
        (&["join", "here", "--since", "1", "--last", "1"], "--last"),
        (&["join", "here", "--fingerprint", "short"], "fingerprint"),
        (&["join", "here", "--no-such-flag"], "--no-such-flag"),
        (&["dance"], "dance"),
        (&["identity", "import", "nobody", "--no"], "--no"),
    ] {
        let stderr = ends_with(2, home.path(), arguments);
        assert!(stderr.contains(about) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
    assert_eq!(
        std::fs::read_dir(home.path()).expect("a directory").count(),
        0,
        "nothing is created before the command line was checked"
    );
}

#[test]
fn reasons_are_in_the_language_of_the_option_and_objects_in_english() {
    let home = temp_home();
    let none = ["join", "127.0.0.1:1", "--name", "server", "--lang", "id"];
    let stderr = ends_with(5, home.path(), &none);
    assert!(stderr.contains("nama \"server\" dicadangkan: pilih nama lain"), "{stderr}");
    let stderr = ends_with(5, home.path(), &[&none[..], &["--json"]].concat());
    assert!(stderr.contains("the name \"server\" is reserved"), "{stderr}");
    let settings = file(home.path(), "config.toml", "language = \"id\"\n");
    assert!(ends_with(0, home.path(), &["servers", "--config", &settings]).contains("belum ada ruang"));
    let (code, stdout, _) = run(home.path(), &["config", "--config", &settings, "--lang", "en"]);
    assert!(code == 0 && stdout.starts_with("language = \"en\"  # --lang\n"), "{stdout}");
    assert!(ends_with(2, home.path(), &["servers", "--lang", "xx"]).contains("en, id"));
}

#[test]
fn an_unusable_data_directory_is_named() {
    let home = temp_home();
    let plain = file(home.path(), "plain", "");
    for arguments in [&["servers"][..], &["join", "127.0.0.1:7", "--name", "anna"], &["host", "--name", "anna"]] {
        let stderr = ends_with(1, home.path(), &[arguments, &["--data-dir", &format!("{plain}/directory")]].concat());
        assert!(stderr.contains(&plain) && stderr.lines().count() == 1, "{stderr}");
    }
}
