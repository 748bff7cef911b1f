//! Real `kabar-server` and `kabar` processes over loopback, as users and scripts run them.

use kabar_tests::process::Process;
use kabar_tests::room::{Room, copy_files, spawn_join, start_server, temp_home, text};

#[test]
fn a_line_arrives_with_time_and_name() {
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let mut darryl = room.client("darryl");
    darryl.type_line("haloooo: \u{1f44b} apa kabar?");
    let line = farhan.expect("haloooo");
    let (time, rest) = line.split_at(22);
    assert!(time.starts_with("[20") && time.ends_with("] "), "{line}");
    assert_eq!(rest, "darryl: haloooo: \u{1f44b} apa kabar?");
    farhan.type_line("baik");
    darryl.expect("farhan: baik");
}

#[test]
fn the_server_prints_author_address_and_text_of_each_line() {
    let mut room = Room::open();
    let mut darryl = room.client("darryl");
    darryl.type_line("to all");
    let line = room.server.expect("to all");
    assert!(line.contains("darryl (127.0.0.1:") && line.ends_with("): to all"), "{line}");
}

#[test]
fn at_end_of_input_a_client_leaves_once_everything_is_stored() {
    let room = Room::open_for_machines();
    let mut reader = room.client("reader");
    let mut writer = room.client("writer");
    let count = 2_000;
    let lines: String = (0..count).map(|number| format!("line {number}\n")).collect();
    writer.type_all(&lines);
    writer.close_stdin();
    assert_eq!(writer.wait(), Some(0));
    for number in 0..count {
        let line = reader.expect("writer: line ");
        assert!(line.ends_with(&format!("writer: line {number}")), "whole and in order: {line} is not {number}");
    }
}

#[test]
fn a_text_of_4096_bytes_arrives_unchanged() {
    let room = Room::open();
    let mut reader = room.client("reader");
    let mut writer = room.client("writer");
    let mut line = "a:\u{e9}\u{1f600} ".repeat(500);
    while line.len() > 4095 || !line.is_ascii() && line.ends_with(' ') {
        line.pop();
    }
    line.push_str(&"x".repeat(4096 - line.len()));
    writer.type_line(&line);
    let shown = reader.expect("writer: a:");
    assert_eq!(&shown[22..], format!("writer: {line}"));
}

#[test]
fn a_text_that_is_too_long_is_refused_by_the_client() {
    let room = Room::open();
    let mut reader = room.client("reader");
    let mut writer = room.client("writer");
    writer.type_line(&"x".repeat(4097));
    writer.expect_stderr("4096");
    writer.type_line("short");
    reader.expect("writer: short");
    assert!(!reader.stdout.iter().any(|line| line.contains("xxxx")));
}

#[test]
fn a_wrong_address_ends_with_3() {
    let room = Room::open();
    // A socket that is bound and never answers; the port cannot be taken by another program.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let silent_port = silent.local_addr().expect("bound").port().to_string();
    let mut client = spawn_join(&room.home_of("lost"), &room.invite_to(&silent_port), "lost", &[]);
    assert_eq!(client.wait(), Some(3));
    let stderr = client.stderr.join("\n");
    assert!(stderr.contains("no response from 127.0.0.1") && stderr.contains(&silent_port), "{stderr}");
}

#[test]
fn a_wrong_secret_ends_with_4() {
    let room = Room::open();
    let (head, secret) = room.invite.rsplit_once('.').expect("a secret");
    let first = if secret.starts_with('A') { "B" } else { "A" };
    let wrong = format!("{head}.{first}{}", &secret[1..]);
    let mut client = spawn_join(&room.home_of("thief"), &wrong, "thief", &[]);
    assert_eq!(client.wait(), Some(4), "{:?}", client.stderr);
}

#[test]
fn a_server_with_another_key_than_the_invites_is_never_joined() {
    let room = Room::open();
    let other = Room::start_with_own_key(&room.home_of("other"), "127.0.0.1:0", &[]);
    // The invite of one room with the port of the other.
    let mut client = spawn_join(&room.home_of("careful"), &room.invite_to(other.port()), "careful", &[]);
    assert_eq!(client.wait(), Some(4), "{:?}", client.stderr);
}

#[test]
fn a_name_that_another_key_owns_ends_with_5() {
    let room = Room::open();
    let _owner = room.client("darryl");
    for (directory, name) in [("same", "darryl"), ("case", "DARRYL"), ("width", "\u{ff44}arryl")] {
        let mut client = spawn_join(&room.home_of(directory), &room.invite, name, &[]);
        assert_eq!(client.wait(), Some(5), "{name}: {:?}", client.stderr);
    }
}

#[test]
fn a_bad_invite_ends_with_2_and_one_line() {
    let home = temp_home();
    for bad in ["kabar://127.0.0.1:1/lobby/AAAA", "kabar://", "kabar://127.0.0.1:99999/lobby/A.B"] {
        let mut client = spawn_join(home.path(), bad, "anna", &[]);
        assert_eq!(client.wait(), Some(2), "{bad}: {:?}", client.stderr);
        assert_eq!(client.stderr.iter().filter(|line| !line.is_empty()).count(), 1, "{:?}", client.stderr);
    }
}

#[test]
fn a_second_server_on_the_same_data_names_the_first() {
    let room = Room::open();
    let mut second = start_server(room.home(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(second.wait(), Some(1));
    let stderr = second.stderr.join("\n");
    assert!(stderr.contains(&room.server.id().to_string()), "{stderr}");
}

#[test]
fn a_taken_port_is_named() {
    let room = Room::open();
    let mut second = start_server(&room.home_of("second"), &["--listen", &room.address]);
    assert_eq!(second.wait(), Some(1));
    assert!(second.stderr.join("\n").contains(&room.address), "{:?}", second.stderr);
}

#[test]
fn clients_survive_a_killed_and_restarted_server() {
    let mut room = Room::open();
    let mut darryl = room.client("darryl");
    let mut farhan = room.client("farhan");
    darryl.type_line("before");
    farhan.expect("darryl: before");
    room.kill_and_restart();
    darryl.type_line("after");
    farhan.expect("darryl: after");
    let back = farhan.expect_stderr("Connected again");
    assert!(back.contains("; the server was restarted; nothing was missed; "), "{back}");
}

#[test]
fn the_server_stops_cleanly_on_a_signal() {
    let mut room = Room::open();
    let mut member = room.client("darryl");
    room.server.signal("TERM");
    assert_eq!(room.server.wait(), Some(0), "{:?}", room.server.stderr);
    member.signal("INT");
    assert_eq!(member.wait(), Some(130), "{:?}", member.stderr);
}

#[test]
fn both_quit_commands_leave() {
    let room = Room::open();
    for word in ["!q", "/quit"] {
        let mut client = room.client("darryl");
        client.type_line(word);
        assert_eq!(client.wait(), Some(0), "{word}: {:?}", client.stderr);
    }
}

#[test]
fn one_command_hosts_and_the_printed_line_joins() {
    let home = temp_home();
    let data = home.path().join("host");
    let arguments = ["host", "--name", "darryl", "--listen", "127.0.0.1:0", "--data-dir", text(&data)];
    let mut host = Process::start("kabar", home.path(), &arguments);
    let line = host.expect_stderr("kabar join kabar://");
    let invite = line.split_whitespace().last().expect("an invite").to_owned();
    let mut guest = spawn_join(&home.path().join("farhan"), &invite, "farhan", &[]);
    guest.expect_stderr("Joined ");
    guest.type_line("from the second computer");
    host.expect("farhan: from the second computer");
    host.type_line("from the host");
    guest.expect("darryl: from the host");
}

#[test]
fn the_same_identity_elsewhere_is_the_same_member() {
    let room = Room::open();
    let mut first = room.client("darryl");
    // The same identity on a second computer: a copy of its files.
    let (from, to) = (room.home_of("darryl"), room.home().join("copy"));
    copy_files(&from, &to);
    let mut second = spawn_join(&to, &room.invite, "darryl", &[]);
    second.expect_stderr("Joined lobby as darryl; 1 here");
    first.type_line("from the first");
    second.expect("darryl: from the first");
    second.type_line("from the second");
    first.expect("darryl: from the second");
}
