//! `kabar` in several rooms of a server.

use kabar_tests::process::Process;
use kabar_tests::room::{Room, spawn_join, temp_home};
use serde_json::Value;

use super::{ends_with, object};

/// A server with the rooms lobby and ops.
pub(super) fn house() -> Room {
    let mut room = Room::open();
    room.server.type_line("/room add ops what to do");
    room.server.expect("room ops is open now");
    room
}

/// The invite, for another room.
fn invite_to(room: &Room, name: &str) -> String {
    room.invite.replace("/lobby/", &format!("/{name}/"))
}

/// A member of the rooms lobby and ops, that has joined both.
fn in_two(room: &Room, name: &str) -> Process {
    let mut client = room.spawn_join(name, &["--room", "ops"]);
    client.expect_stderr("Joined lobby as ");
    client.expect_stderr("Also joined ops; ");
    client
}

/// A member of ops alone.
pub(super) fn in_ops(room: &Room, name: &str) -> Process {
    let mut client = spawn_join(&room.home_of(name), &invite_to(room, "ops"), name, &[]);
    client.expect_stderr("Joined ops as ");
    client
}

fn objects(process: &Process) -> Vec<Value> {
    process.stdout.iter().map(|line| object(line)).collect()
}

#[test]
fn every_object_about_a_room_names_it() {
    let room = house();
    let mut bob = in_ops(&room, "bob");
    let mut anna = room.spawn_join("anna", &["--room", "ops", "--json"]);
    anna.expect("\"type\":\"joined\",\"room\":\"lobby\"");
    anna.expect("\"type\":\"joined\",\"room\":\"ops\"");
    let topic = object(&anna.expect("\"type\":\"topic\""));
    assert_eq!((topic["room"].as_str(), topic["topic"].as_str()), (Some("ops"), Some("what to do")));
    anna.type_line("in the lobby");
    anna.type_line("/room ops");
    anna.expect("\"type\":\"room\",\"room\":\"ops\"");
    anna.type_line("in ops");
    bob.expect("anna: in ops");
    bob.type_line("seen");
    anna.expect("\"text\":\"seen\"");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
    let all = objects(&anna);
    let texts = |room: &str| {
        let entries = all.iter().filter(|object| object["type"] == "entry" && object["room"] == room);
        entries.filter_map(|entry| entry["text"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(texts("lobby"), ["in the lobby"]);
    assert_eq!(texts("ops"), ["in ops", "seen"]);
    let stored: Vec<_> = all.iter().filter(|object| object["type"] == "stored").collect();
    for name in ["lobby", "ops"] {
        let numbers: Vec<_> = stored.iter().filter(|stored| stored["room"] == name).map(|it| &it["number"]).collect();
        assert_eq!(numbers, [1], "each room has its own numbers");
    }
    assert!(!bob.stdout.iter().any(|line| line.contains("in the lobby")), "{:?}", bob.stdout);
}

#[test]
fn text_shows_one_room_at_a_time_and_nothing_is_lost() {
    let room = house();
    let mut bob = in_ops(&room, "bob");
    let mut anna = in_two(&room, "anna");
    bob.type_line("hello");
    bob.type_line("anna: are you there?");
    bob.expect("are you there?");
    anna.expect_stderr("#ops: bob mentions you; 2 new lines");
    assert!(!anna.stdout.iter().any(|line| line.contains("hello")), "{:?}", anna.stdout);
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    // What was not shown is new the next time, too.
    let mut anna = in_two(&room, "anna");
    anna.type_line("/room ops");
    anna.expect_stderr("--- #ops: what to do ---");
    anna.expect("bob: anna: are you there?");
    anna.type_line("here");
    bob.expect("anna: here");
    anna.expect("anna: here");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    let mut anna = in_two(&room, "anna");
    anna.type_line("/room ops");
    anna.expect_stderr("--- #ops");
    bob.type_line("later");
    anna.expect("bob: later");
    assert!(!anna.stdout.iter().any(|line| line.contains("are you there?")), "{:?}", anna.stdout);
}

#[test]
fn room_that_is_refused_does_not_affect_the_others() {
    let room = house();
    let mut anna = room.spawn_join("anna", &["--room", "nowhere", "--room", "ops"]);
    anna.expect_stderr("Joined lobby as ");
    anna.expect_stderr("#nowhere: there is no room nowhere on this server");
    anna.expect_stderr("Also joined ops; ");
    anna.type_line("/room nowhere");
    anna.type_line("for nobody else");
    anna.type_line("/room lobby");
    anna.type_line("for all");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6), "{:?}", anna.stderr);
    assert!(anna.stderr.join("\n").contains("line 2 not sent: you are not in the room"), "{:?}", anna.stderr);
    let (lines, lobby) = (anna.stdout.join("\n"), "anna: for all");
    assert!(lines.contains(lobby) && !lines.contains("for nobody else"), "{lines}");
    ends_with(7, &room.home_of("carl"), &["join", &invite_to(&room, "nowhere"), "--name", "carl"]);
}

#[test]
fn lines_of_a_script_go_nowhere_if_the_first_room_is_refused() {
    let room = house();
    let mut anna = spawn_join(&room.home_of("anna"), &invite_to(&room, "nowhere"), "anna", &["--room", "ops"]);
    anna.expect_stderr("there is no room nowhere on this server");
    anna.type_line("for nobody else");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6), "{:?}", anna.stderr);
    assert!(!anna.stdout.join("\n").contains("for nobody else"), "{:?}", anna.stdout);
}

#[test]
fn all_rooms_are_joined_again_after_a_restart_of_the_server() {
    let mut room = house();
    let mut anna = room.spawn_join("anna", &["--room", "ops", "--json"]);
    anna.expect("\"type\":\"joined\",\"room\":\"ops\"");
    room.kill();
    anna.expect("\"type\":\"lost\"");
    anna.type_all("one\n/room ops\ntwo\n");
    room.restart();
    let mut bob = in_ops(&room, "bob");
    bob.expect("anna: two");
    anna.expect("\"type\":\"back\"");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
    let all = objects(&anna);
    for (name, text) in [("lobby", "one"), ("ops", "two")] {
        let found = all.iter().filter(|object| object["room"] == name && object["text"] == text).count();
        assert_eq!(found, 1, "{name}");
        let joined = all.iter().filter(|object| object["room"] == name && object["type"] == "joined");
        assert_eq!(joined.map(|joined| joined["resumed"].as_bool()).collect::<Vec<_>>(), [Some(false), Some(true)]);
    }
}

#[test]
fn membership_that_ends_does_not_affect_the_others() {
    let mut room = house();
    let mut anna = in_two(&room, "anna");
    anna.type_line("/room ops");
    anna.expect_stderr("--- #ops");
    room.server.type_line("/kick anna from the lobby");
    anna.expect_stderr("#lobby: you were kicked from the room");
    anna.type_line("still here");
    anna.expect("anna: still here");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
}

#[test]
fn several_invites_are_for_one_server() {
    let room = house();
    let key = room.invite.split(['/', '.']).find(|part| part.len() == 32).expect("a fingerprint");
    let other = room.invite.replace(key, &"A".repeat(32));
    let stderr = ends_with(2, &room.home_of("anna"), &["join", &room.invite, &other]);
    assert!(stderr.contains("all invites must be for one server"), "{stderr}");
    let mut anna = room.spawn_join("anna", &[&invite_to(&room, "ops")]);
    anna.expect_stderr("Also joined ops; ");
}

#[test]
fn host_creates_the_rooms_that_it_names_and_is_in_all_of_them() {
    let home = temp_home();
    let arguments =
        ["host", "--name", "darryl", "--listen", "127.0.0.1:0", "--json", "--room", "lobby", "--room", "ops"];
    for is_again in [false, true] {
        let mut host = Process::start("kabar", home.path(), &arguments);
        let hosting = object(&host.expect("\"type\":\"hosting\""));
        host.expect("\"type\":\"joined\",\"room\":\"ops\"");
        let invite = hosting["invite"].as_str().expect("an invite").replace("/lobby/", "/ops/");
        let guest = home.path().join("guest");
        std::fs::create_dir_all(&guest).expect("a home");
        ends_with(0, &guest, &["join", &invite, "--name", "guest"]);
        host.close_stdin();
        assert_eq!(host.wait(), Some(0), "{is_again}: {:?}", host.stderr);
    }
}
