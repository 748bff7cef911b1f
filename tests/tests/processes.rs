//! Real `kabar-server` and `kabar` processes over loopback, as a person or a script uses them.

use std::path::Path;

use kabar_tests::process::Process;
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

fn port(address: &str) -> &str {
    address.rsplit(':').next().expect("a port")
}

fn serve(home: &Path, listen: &str) -> (Process, String, String) {
    let data = home.join("server");
    let mut server = Process::start("kabar-server", home, &["--listen", listen, "--data-dir", text(&data)]);
    let listening = server.expect("listening on ");
    let address = listening.rsplit(' ').next().expect("an address").to_owned();
    let line = server.expect("kabar://");
    let invite = line.split_whitespace().find(|word| word.starts_with("kabar://")).expect("an invite").to_owned();
    (server, address, invite)
}

fn room() -> Room {
    let home = home();
    let (server, address, invite) = serve(home.path(), "127.0.0.1:0");
    Room { home, server, address, invite }
}

impl Room {
    fn join(&self, name: &str) -> Process {
        join(self.home.path(), &self.invite, name)
    }

    fn invite_to(&self, other_port: &str) -> String {
        let changed = self.invite.replace(&format!(":{}/", port(&self.address)), &format!(":{other_port}/"));
        assert_ne!(changed, self.invite);
        changed
    }
}

/// Each member has a home of its own, as on a computer of its own.
fn start(home: &Path, invite: &str, name: &str) -> Process {
    Process::start("kabar", home, &["join", invite, "--name", name])
}

fn join(home: &Path, invite: &str, name: &str) -> Process {
    let mut client = start(&home.join(name), invite, name);
    client.expect_notice("Joined ");
    client
}

#[test]
fn a_line_reaches_the_other_with_time_and_name() {
    let room = room();
    let mut farhan = room.join("farhan");
    let mut darryl = room.join("darryl");
    darryl.type_line("haloooo: \u{1f44b} apa kabar?");
    let line = farhan.expect("haloooo");
    let (time, rest) = line.split_at(22);
    assert!(time.starts_with("[20") && time.ends_with("] "), "{line}");
    assert_eq!(rest, "darryl: haloooo: \u{1f44b} apa kabar?");
    farhan.type_line("baik");
    darryl.expect("farhan: baik");
}

#[test]
fn the_server_prints_who_said_what_from_where() {
    let mut room = room();
    let mut darryl = room.join("darryl");
    darryl.type_line("to all");
    let line = room.server.expect("to all");
    assert!(line.contains("darryl (127.0.0.1:") && line.ends_with("): to all"), "{line}");
}

#[test]
fn end_of_input_leaves_when_all_is_stored() {
    let room = room();
    let mut reader = room.join("reader");
    let mut writer = room.join("writer");
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
    let room = room();
    let mut reader = room.join("reader");
    let mut writer = room.join("writer");
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
    let room = room();
    let mut reader = room.join("reader");
    let mut writer = room.join("writer");
    writer.type_line(&"x".repeat(4097));
    writer.expect_notice("4096");
    writer.type_line("short");
    reader.expect("writer: short");
    assert!(!reader.said.iter().any(|line| line.contains("xxxx")));
}

#[test]
fn a_wrong_address_ends_with_3() {
    let room = room();
    // A socket that is bound and never answers: nobody else gets this port meanwhile.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let silent_port = silent.local_addr().expect("bound").port().to_string();
    let mut client = start(&room.home.path().join("lost"), &room.invite_to(&silent_port), "lost");
    assert_eq!(client.wait(), Some(3));
    let said = client.noticed.join("\n");
    assert!(said.contains("no answer from 127.0.0.1") && said.contains(&silent_port), "{said}");
}

#[test]
fn a_wrong_secret_ends_with_4() {
    let room = room();
    let (head, secret) = room.invite.rsplit_once('.').expect("a secret");
    let first = if secret.starts_with('A') { "B" } else { "A" };
    let wrong = format!("{head}.{first}{}", &secret[1..]);
    let mut client = start(&room.home.path().join("thief"), &wrong, "thief");
    assert_eq!(client.wait(), Some(4), "{:?}", client.noticed);
}

#[test]
fn another_server_key_than_the_invited_one_is_never_joined() {
    let room = room();
    let other = serve(&room.home.path().join("other"), "127.0.0.1:0");
    // The invite of one room, the port of the other.
    let mut client = start(&room.home.path().join("careful"), &room.invite_to(port(&other.1)), "careful");
    assert_eq!(client.wait(), Some(4), "{:?}", client.noticed);
}

#[test]
fn a_name_that_another_key_owns_ends_with_5() {
    let room = room();
    let _owner = room.join("darryl");
    for (folder, name) in [("same", "darryl"), ("case", "DARRYL"), ("width", "\u{ff44}arryl")] {
        let mut client = start(&room.home.path().join(folder), &room.invite, name);
        assert_eq!(client.wait(), Some(5), "{name}: {:?}", client.noticed);
    }
}

#[test]
fn a_bad_invite_ends_with_2_and_one_line() {
    let home = home();
    for bad in ["kabar://127.0.0.1:1/lobby/AAAA", "kabar://", "kabar://127.0.0.1:99999/lobby/A.B"] {
        let mut client = start(home.path(), bad, "anna");
        assert_eq!(client.wait(), Some(2), "{bad}: {:?}", client.noticed);
        assert_eq!(client.noticed.iter().filter(|line| !line.is_empty()).count(), 1, "{:?}", client.noticed);
    }
}

#[test]
fn a_second_server_on_the_same_data_names_the_first() {
    let room = room();
    let data = room.home.path().join("server");
    let arguments = ["--listen", "127.0.0.1:0", "--data-dir", text(&data)];
    let mut second = Process::start("kabar-server", room.home.path(), &arguments);
    assert_eq!(second.wait(), Some(1));
    let said = second.noticed.join("\n");
    assert!(said.contains(&room.server.id().to_string()), "{said}");
}

#[test]
fn a_taken_port_is_named() {
    let room = room();
    let data = room.home.path().join("second");
    let arguments = ["--listen", &room.address, "--data-dir", text(&data)];
    let mut second = Process::start("kabar-server", room.home.path(), &arguments);
    assert_eq!(second.wait(), Some(1));
    assert!(second.noticed.join("\n").contains(&room.address), "{:?}", second.noticed);
}

#[test]
fn clients_survive_a_killed_and_restarted_server() {
    let mut room = room();
    let mut darryl = room.join("darryl");
    let mut farhan = room.join("farhan");
    darryl.type_line("before");
    farhan.expect("darryl: before");
    room.server.kill();
    let (_server, address, invite) = serve(room.home.path(), &room.address);
    assert_eq!((&address, &invite), (&room.address, &room.invite), "same data, same invite");
    darryl.type_line("after");
    farhan.expect("darryl: after");
}

#[test]
fn the_server_stops_cleanly_on_a_signal() {
    let mut room = room();
    let mut member = room.join("darryl");
    room.server.signal("TERM");
    assert_eq!(room.server.wait(), Some(0), "{:?}", room.server.noticed);
    member.signal("INT");
    assert_eq!(member.wait(), Some(130), "{:?}", member.noticed);
}

#[test]
fn two_words_leave() {
    let room = room();
    for word in ["!q", "/quit"] {
        let mut client = room.join("darryl");
        client.type_line(word);
        assert_eq!(client.wait(), Some(0), "{word}: {:?}", client.noticed);
    }
}

#[test]
fn one_command_hosts_and_the_printed_line_joins() {
    let home = home();
    let data = home.path().join("host");
    let arguments = ["host", "--name", "darryl", "--listen", "127.0.0.1:0", "--data-dir", text(&data)];
    let mut host = Process::start("kabar", home.path(), &arguments);
    let line = host.expect_notice("kabar join kabar://");
    let invite = line.split_whitespace().last().expect("an invite").to_owned();
    let mut guest = join(home.path(), &invite, "farhan");
    guest.type_line("from the second laptop");
    host.expect("farhan: from the second laptop");
    host.type_line("from the host");
    guest.expect("darryl: from the host");
}

#[test]
fn the_same_identity_elsewhere_takes_the_place() {
    let room = room();
    let mut first = room.join("darryl");
    // The same identity on a second computer: its files, copied.
    let (from, to) = (room.home.path().join("darryl"), room.home.path().join("copy"));
    let copied = std::process::Command::new("cp").arg("-r").arg(&from).arg(&to).status().expect("cp");
    assert!(copied.success());
    let mut second = start(&to, &room.invite, "darryl");
    second.expect_notice("Joined ");
    assert_eq!(first.wait(), Some(7), "{:?}", first.noticed);
}
