//! Invites that are counted and taken back, with real programs.

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::room::{Room, data_dir, start_server, temp_home, text};

/// Runs `kabar-server invite` with these words. Returns exit code, lines of stdout, and stderr.
fn invite(home: &Path, words: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let directory = data_dir(home);
    let head = ["invite", "--data-dir", text(&directory), "--advertise", "127.0.0.1"];
    let mut process = Process::start("kabar-server", home, &[&head, words].concat());
    let code = process.wait();
    (code, process.stdout.clone(), process.stderr.join("\n"))
}

fn created(home: &Path, words: &[&str]) -> String {
    let (code, lines, stderr) = invite(home, words);
    assert!(code == Some(0) && lines.len() == 1 && lines[0].starts_with("kabar://"), "{code:?} {lines:?} {stderr}");
    lines[0].clone()
}

/// The objects that `invite list --secrets --json` prints, one per line.
fn listed_as_json(home: &Path) -> Vec<serde_json::Value> {
    let (code, lines, stderr) = invite(home, &["list", "--secrets", "--json"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    lines.iter().map(|line| serde_json::from_str(line).expect("an object")).collect()
}

#[test]
fn an_invite_for_one_admits_one_and_a_revoked_one_nobody() {
    let home = temp_home();
    let home = home.path();
    let mut room = Room::start_with(home, "127.0.0.1:0", &["--advertise", "127.0.0.1"]);
    let standing = room.invite.clone();
    let once = created(home, &["new", "--uses", "1", "--expires", "7d"]);
    let (_, _, stderr) = invite(home, &["new"]);
    assert!(stderr.contains("in effect at once") && stderr.contains(&room.server.id().to_string()), "{stderr}");

    room.invite = once;
    let mut first = room.client("first");
    let mut second = room.spawn_join("second", &[]);
    assert_eq!(second.wait(), Some(4));
    assert!(second.stderr.concat().contains("this invite is used up"), "{:?}", second.stderr);

    // The third is the one without bounds. Nobody comes by it once it is revoked.
    let (_, list, _) = invite(home, &["list"]);
    assert!(list.len() == 3 && list[0].contains("1: in force, the standing one"), "{list:?}");
    assert!(list[1].contains("2: used up") && list[1].contains("used 1 of 1 times"), "{list:?}");
    let (_, list, _) = invite(home, &["list", "--secrets"]);
    assert!(list.contains(&standing), "{list:?}");
    let objects = listed_as_json(home);
    assert_eq!(
        objects.iter().map(|it| it["state"].as_str()).collect::<Vec<_>>(),
        [Some("in force"), Some("used up"), Some("in force")]
    );
    assert_eq!(
        (objects[0]["is_standing"].as_bool(), objects[0]["invite"].as_str()),
        (Some(true), Some(standing.as_str()))
    );
    assert_eq!((objects[1]["uses_left"].as_u64(), objects[1]["used_by"][0]["name"].as_str()), (Some(0), Some("first")));
    room.invite = list.last().expect("the third").clone();
    let mut guest = room.client("guest");
    assert_eq!(invite(home, &["revoke", "3"]).0, Some(0));
    let mut late = room.spawn_join("late", &[]);
    assert_eq!(late.wait(), Some(4));
    assert!(late.stderr.concat().contains("this invite was revoked"), "{:?}", late.stderr);
    let (code, _, stderr) = invite(home, &["revoke", "3"]);
    assert!(code == Some(1) && stderr.contains("already"), "{code:?} {stderr}");

    // Members stay; a new standing invite takes effect at once.
    let new_standing = created(home, &["revoke", "standing"]);
    assert_ne!(new_standing, standing);
    first.type_line("still here");
    guest.expect("still here");
    room.invite = standing;
    assert_eq!(room.spawn_join("later", &[]).wait(), Some(4));

    // After a restart everything is as it was.
    room.stop();
    let objects = listed_as_json(home);
    // The revoked one is still listed.
    let is_standing = |it: &&serde_json::Value| it["is_standing"] == true && it["state"] == "in force";
    let standing = objects.iter().find(is_standing).expect("the new one");
    assert_eq!(
        (standing["invite"].as_str(), objects[2]["state"].as_str()),
        (Some(new_standing.as_str()), Some("revoked"))
    );
    let expiring = created(home, &["new", "--expires", "2s"]);
    let (_, _, stderr) = invite(home, &["revoke", "2"]);
    assert!(stderr.contains("when the server is started"), "{stderr}");
    let mut server = start_server(home, &["--listen", &room.address, "--advertise", "127.0.0.1"]);
    assert_eq!(server.expect("kabar://"), new_standing);
    first.type_line("after the restart");
    guest.expect("after the restart");
    std::thread::sleep(std::time::Duration::from_secs(2));
    room.invite = expiring;
    let mut expired = room.spawn_join("expired", &[]);
    assert_eq!(expired.wait(), Some(4));
    assert!(expired.stderr.concat().contains("this invite has expired"), "{:?}", expired.stderr);
}

#[test]
fn newcomers_wait_until_the_console_lets_them_in() {
    let home = temp_home();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--admission", "approve"]);
    let mut anna = room.spawn_join("anna", &[]);
    anna.expect_stderr("an operator has to let you in");
    room.server.expect("anna (127.0.0.1:");
    room.server.type_line("/who");
    room.server.expect("waits to be let in since");
    room.server.type_line("/accept anna");
    room.server.expect("is let in");
    room.server.expect("anna has joined");
    let mut eve = room.spawn_join("eve", &[]);
    eve.expect_stderr("an operator has to let you in");
    room.server.type_line("/reject eve");
    assert_eq!(eve.wait(), Some(4));
    assert!(eve.stderr.concat().contains("decided not to let you in"), "{:?}", eve.stderr);
}
