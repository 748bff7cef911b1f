//! `--json`: output for scripts.

use kabar_tests::process::Process;
use kabar_tests::room::{Room, spawn_join, temp_home};

use super::{ends_with, object};

#[test]
fn json_objects_describe_every_event() {
    let room = Room::open();
    let mut anna = room.spawn_join("anna", &["--json"]);
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
    let all: Vec<_> = anna.stdout.iter().map(|line| object(line)).collect();
    let stored = all.iter().find(|object| object["type"] == "stored").expect("stored");
    assert_eq!((stored["number"].as_u64(), stored["seq"].as_u64()), (Some(1), Some(2)));
    let left = all.last().expect("an end");
    assert_eq!(
        (left["type"].as_str(), left["exit"].as_u64(), left["unsent"].as_u64()),
        (Some("left"), Some(6), Some(1))
    );
}

#[test]
fn lines_that_are_kept_are_not_unsent() {
    let mut room = Room::open();
    let mut anna = room.spawn_join("anna", &["--json", "--give-up", "1"]);
    anna.expect("\"type\":\"joined\"");
    room.kill();
    anna.expect("\"type\":\"lost\"");
    anna.type_all("one\ntwo\n");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6));
    let left = object(anna.stdout.last().expect("an end"));
    assert_eq!((left["unsent"].as_u64(), left["kept"].as_u64()), (Some(0), Some(2)), "{left}");
}

#[test]
fn the_end_of_a_refused_join_has_the_text_of_the_server() {
    let room = Room::open();
    let _anna = room.client("anna");
    let mut other = spawn_join(&room.home_of("other"), &room.invite, "Anna", &["--json"]);
    assert_eq!(other.wait(), Some(5));
    let left = object(other.stdout.last().expect("an end"));
    let reason = left["reason"].as_str().expect("a reason");
    assert!(reason.starts_with("the name Anna is taken"), "{reason}");
    assert!(reason.contains("(server: somebody else has this name"), "{reason}");
}

#[test]
fn json_objects_report_lost_and_restored_connections() {
    let mut room = Room::open();
    let mut anna = room.spawn_join("anna", &["--json"]);
    anna.expect("\"type\":\"joined\"");
    room.kill_and_restart();
    anna.expect("\"type\":\"lost\"");
    anna.expect("\"type\":\"joined\"");
    anna.expect("\"type\":\"back\"");
}

#[test]
fn a_host_prints_its_invite_as_a_json_object() {
    let home = temp_home();
    let mut host =
        Process::start("kabar", home.path(), &["host", "--name", "darryl", "--listen", "127.0.0.1:0", "--json"]);
    let hosting = object(&host.expect("\"type\":\"hosting\""));
    let invite = hosting["invite"].as_str().expect("an invite").to_owned();
    host.expect("\"type\":\"joined\"");
    ends_with(0, &home.path().join("guest"), &["join", &invite, "--name", "guest"]);
    host.type_line("!q");
    assert_eq!(host.wait(), Some(0));
}
