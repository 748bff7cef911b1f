//! `kabar send` and `kabar get`: real programs, which are also killed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kabar_tests::process::Process;
use kabar_tests::room::{Room, text};

use super::{object, run};

/// Length of a file whose transfer takes a while.
const LARGE: usize = 60_000_001;

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at / 7) ^ (at >> 11)) as u8).collect()
}

fn write(home: &Path, name: &str, content: &[u8]) -> PathBuf {
    let path = home.join(name);
    fs::write(&path, content).expect("written");
    path
}

fn send(room: &Room, name: &str, file: &Path, further: &[&str]) -> (i32, String, String) {
    let arguments = [&["send", text(file), "--to", &room.invite, "--name", name][..], further].concat();
    run(&room.home_of(name), &arguments)
}

fn get(room: &Room, name: &str, file: &str, to: &Path) -> (i32, String, String) {
    run(&room.home_of(name), &["get", file, "--from", &room.invite, "--name", name, "--output", text(to)])
}

#[test]
fn a_sent_file_is_received_whole_by_another_member() {
    let room = Room::open();
    let home = room.home().to_owned();
    for (name, len) in [("empty.txt", 0), ("report.pdf", 100_000)] {
        let bytes = content(len);
        let (code, _, stderr) = send(&room, "anna", &write(&home, name, &bytes), &[]);
        assert_eq!(code, 0, "{stderr}");
        let to = home.join("received");
        let (code, stdout, stderr) = get(&room, "bob", name, &to.join(name));
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(stdout, text(&to.join(name)));
        assert_eq!(fs::read(to.join(name)).expect("received"), bytes);
    }
    let mut carl = room.client("carl");
    carl.expect("anna sent a file: report.pdf (97 KiB)");
}

#[test]
fn a_file_keeps_the_name_that_was_chosen_and_objects_say_how_far_it_is() {
    let room = Room::open();
    let home = room.home().to_owned();
    let (code, stdout, _) = send(&room, "anna", &write(&home, "a", b"content"), &["--as", "b.txt", "--json"]);
    assert_eq!(code, 0);
    let last = object(stdout.lines().last().expect("an object"));
    assert_eq!((last["type"].as_str(), last["state"].as_str()), (Some("transfer"), Some("sent")), "{last}");
    assert_eq!((last["name"].as_str(), last["size"].as_u64()), (Some("b.txt"), Some(7)), "{last}");
    let (code, ..) = get(&room, "bob", last["seq"].to_string().as_str(), &home.join("copy"));
    assert_eq!(code, 0);
    assert_eq!(fs::read(home.join("copy")).expect("received"), b"content");
}

#[test]
fn what_is_no_file_is_refused_and_nothing_is_replaced() {
    let room = Room::open();
    let home = room.home().to_owned();
    let (code, _, stderr) = send(&room, "anna", &home, &[]);
    assert_eq!(code, 6);
    assert!(stderr.contains("tar"), "{stderr}");
    let (code, _, stderr) = get(&room, "anna", "nothing", &home.join("x"));
    assert_eq!(code, 1);
    assert!(stderr.contains("no entry here has such a file"), "{stderr}");
    let file = write(&home, "mine", b"mine");
    assert_eq!(send(&room, "anna", &file, &[]).0, 0);
    assert_eq!(get(&room, "anna", "mine", &file).0, 1);
    assert_eq!(fs::read(file).expect("there"), b"mine");
}

#[test]
fn one_call_sends_more_files_than_are_under_way_at_once() {
    const FILES: usize = 150;
    let room = Room::open();
    let home = room.home().to_owned();
    let mut files: Vec<_> = (0..FILES).map(|number| write(&home, &format!("file-{number}"), b"")).collect();
    // What cannot be sent, and what is named twice, changes nothing for the others.
    files.insert(70, home.clone());
    files.insert(71, home.join("missing"));
    files.insert(72, files[0].clone());
    let arguments: Vec<&str> = files.iter().map(|file| text(file)).collect();
    let arguments = [&["send", "--to", &room.invite, "--name", "anna", "--json"], &arguments[..]].concat();
    let (code, stdout, stderr) = run(&room.home_of("anna"), &arguments);
    assert_eq!(code, 6, "{stderr}");
    assert!(stderr.contains("2 files"), "{stderr}");
    let states = |state: &str| {
        let objects = stdout.lines().map(object).filter(|line| line["state"].as_str() == Some(state));
        objects.map(|line| line["name"].as_str().expect("a name").to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(states("sent"), (0..FILES).map(|number| format!("file-{number}")).collect());
    assert_eq!(states("failed").len(), 2, "{stdout}");
    assert_eq!(stdout.matches("\"sent\"").count(), FILES, "each once");
}

/// Starts a transfer, and returns once some of it is transferred and much is not.
fn in_the_middle(home: &Path, arguments: &[&str]) -> Process {
    let mut process = Process::start("kabar", home, &[arguments, &["--json"]].concat());
    loop {
        let line = process.expect("\"running\"");
        if object(&line)["done"].as_u64() > Some(1_000_000) {
            return process;
        }
    }
}

#[test]
fn a_transfer_goes_on_after_client_and_server_were_killed() {
    let mut room = Room::open();
    let home = room.home().to_owned();
    let bytes = content(LARGE);
    let file = write(&home, "large.bin", &bytes);
    // A path on which the transfer takes some seconds.
    let relay = room.relay("127.0.0.1:0", &["--delay", "30"]);
    let invite = room.invite.replace(&room.address, &relay.address);
    let arguments = ["send", text(&file), "--to", &invite, "--name", "anna"];
    let anna = room.home_of("anna");
    in_the_middle(&anna, &arguments).kill();
    let mut sending = in_the_middle(&anna, &arguments);
    room.kill_and_restart();
    sending.expect("\"sent\"");
    assert_eq!(sending.wait(), Some(0));
    let to = home.join("copy");
    let bob = room.home_of("bob");
    let arguments = ["get", "large.bin", "--from", &invite, "--name", "bob", "--output", text(&to)];
    in_the_middle(&bob, &arguments).kill();
    let mut receiving = in_the_middle(&bob, &arguments);
    room.kill_and_restart();
    receiving.expect("\"received\"");
    assert_eq!(receiving.wait(), Some(0));
    assert!(fs::read(to).expect("received") == bytes);
    let (_, stdout, _) = run(&bob, &["join", &invite, "--name", "bob", "--since", "all", "--json"]);
    assert_eq!(stdout.matches("\"kind\":\"file\"").count(), 1, "posted once: {stdout}");
}
