//! Every command of an operator works at the console, through `kabar-server ctl` and from a client.

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::room::{Room, data_dir, spawn_join, temp_home, text};
use kabar_tests::terminal::Terminal;

/// A way to give commands.
trait Front {
    /// Gives a command, and waits for a line of its output.
    fn give(&mut self, room: &mut Room, command: &str, expected: &str);
}

/// The server's console.
struct Console;

impl Front for Console {
    fn give(&mut self, room: &mut Room, command: &str, expected: &str) {
        room.server.type_line(&format!("/{command}"));
        room.server.expect(expected);
    }
}

/// `kabar-server ctl`.
struct Ctl;

impl Front for Ctl {
    fn give(&mut self, room: &mut Room, command: &str, expected: &str) {
        let shown = ctl(room.home(), &command.split(' ').collect::<Vec<_>>());
        assert!(shown.contains(expected), "{command}: {shown}, not {expected}");
    }
}

/// The client of an operator.
struct Client(Terminal);

impl Front for Client {
    fn give(&mut self, _: &mut Room, command: &str, expected: &str) {
        self.0.expect_prompt();
        // The client itself has commands under these names.
        let server = if command == "who" || command.starts_with("delete") { "server " } else { "" };
        self.0.type_line(&format!("/{server}{command}"));
        self.0.expect(expected);
    }
}

/// What `kabar-server ctl` prints.
fn ctl(home: &Path, words: &[&str]) -> String {
    let directory = data_dir(home);
    let mut process = Process::start("kabar-server", home, &[&["ctl", "--data-dir", text(&directory)], words].concat());
    process.wait();
    [process.stdout.join("\n"), process.stderr.join("\n")].concat()
}

/// The fingerprint by which the configuration names the person of a client.
fn fingerprint(home: &Path) -> String {
    let mut process = Process::start("kabar", home, &["identity"]);
    assert_eq!(process.wait(), Some(0), "{:?}", process.stderr);
    let words = process.stdout.iter().flat_map(|line| line.split_whitespace());
    words.filter(|word| word.len() == 32).map(str::to_owned).next().expect("a fingerprint")
}

/// Gives every command that acts on somebody or something. `hello`: the entry of the only message.
fn give_all(front: &mut impl Front, room: &mut Room, hello: u64) {
    // It waits to be let in.
    let mut darryl = room.spawn_join("darryl", &[]);
    darryl.expect_stderr("an operator has to let you in");
    front.give(room, "who", "darryl (127.0.0.1:");
    front.give(room, "accept darryl", "is let in");
    darryl.expect_stderr("Joined ");
    darryl.type_line("hello");
    room.server.expect("hello");
    front.give(room, "mute darryl", "darryl is muted");
    front.give(room, "bans", "darryl muted since");
    front.give(room, "unmute darryl", "darryl is no longer muted");
    front.give(room, "op darryl", "darryl is an operator now");
    front.give(room, "ops", "darryl operator since");
    front.give(room, "deop darryl", "darryl is no longer an operator");
    front.give(room, "trust darryl", "darryl may post at any rate now");
    front.give(room, "untrust darryl", "darryl is no longer trusted");
    front.give(room, "topic dinner at eight", "topic of lobby: dinner at eight");
    front.give(room, &format!("delete {hello}"), &format!("entry {hello} is "));
    front.give(room, "invite", "kabar://127.0.0.1:");
    front.give(room, "invite new --uses 1", "kabar://127.0.0.1:");
    front.give(room, "invite list", "1: in force, the standing one, for all open rooms, made by server");
    front.give(room, "kick darryl", "darryl was kicked");
    assert_eq!(darryl.wait(), Some(7));
    front.give(room, "ban darryl", "darryl is banned");
    front.give(room, "unban darryl", "darryl is no longer banned");
    front.give(room, "release darryl", "darryl is free for anyone to take");
}

fn start(home: &Path, extra: &[&str]) -> Room {
    Room::start_with(home, "127.0.0.1:0", &[&["--admission", "approve", "--advertise", "127.0.0.1"], extra].concat())
}

#[test]
fn every_command_works_at_the_console() {
    let home = temp_home();
    let mut room = start(home.path(), &[]);
    give_all(&mut Console, &mut room, 2);
}

#[test]
fn every_command_works_through_ctl() {
    let home = temp_home();
    let mut room = start(home.path(), &[]);
    give_all(&mut Ctl, &mut room, 2);
}

#[test]
fn every_command_works_from_the_client_of_an_operator_of_the_configuration() {
    let home = temp_home();
    let mut room = start(home.path(), &[]);
    let mine = room.home_of("anna");
    let anna = room.spawn_join("anna", &[]);
    room.server.expect("anna (127.0.0.1:");
    drop(anna);
    let operator = fingerprint(&mine);
    room.stop();
    let mut room = start(home.path(), &["--operator", &operator]);
    let anna = Terminal::start("kabar", &mine, &["join", "--plain", &room.invite, "--name", "anna"]);
    room.server.expect("anna (127.0.0.1:");
    room.server.type_line("/accept anna");
    anna.expect("Joined lobby as anna");
    let mut anna = Client(anna);
    give_all(&mut anna, &mut room, 3);
    anna.give(&mut room, "ops", "anna operator by the configuration");
    anna.give(&mut room, "deop anna", "is an operator by the server's configuration");
    // Others learn who did it.
    room.server.type_line("/bans");
    room.server.expect("no bans or mutes");
    anna.give(&mut room, "invite list", "made by anna");
}

#[test]
fn a_ban_with_all_ends_the_invite_too() {
    let home = temp_home();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--advertise", "127.0.0.1"]);
    let mut anna = room.client("anna");
    let second = ctl(home.path(), &["invite", "new"]);
    room.invite = second.clone();
    let mut eve = room.client("eve");
    room.server.type_line("/ban eve spam");
    room.server.expect("eve came by invite 2, which is still valid: /ban NAME all revokes it, too");
    anna.expect("eve is banned by server: spam");
    assert_eq!(eve.wait(), Some(7));
    room.server.type_line("/ban eve all");
    room.server.expect("eve is banned already");
    room.server.expect("invite 2, by which eve came, is revoked");
    // The same person with another key.
    let mut again = room.spawn_join("eve2", &[]);
    assert_eq!(again.wait(), Some(4));
    assert!(again.stderr.concat().contains("this invite was revoked"), "{:?}", again.stderr);
    room.invite = ctl(home.path(), &["invite", "new", "--uses", "1"]);
    let _eve = room.client("eve3");
    // Who came by the standing invite: it is replaced.
    let shown = ctl(home.path(), &["ban", "anna", "all"]);
    assert!(shown.contains("the standing invite, by which anna came, is replaced"), "{shown}");
    let new = ctl(home.path(), &["invite"]);
    let mut late = room.spawn_join("late", &[]);
    assert_eq!(late.wait(), Some(4), "the invite for one is used up");
    room.invite = new;
    let _late = room.client("later");
}

#[test]
fn a_command_acts_on_the_room_that_is_named() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    let _darryl = room.client("darryl");
    assert!(ctl(home.path(), &["--room", "lobby", "who"]).contains("1 member here"));
    assert_eq!(ctl(home.path(), &["--room", "nowhere", "who"]), "nowhere: no such room");
    assert!(ctl(home.path(), &["--room", "No Where", "who"]).contains("invalid value"));
    room.server.type_line("/room");
    room.server.expect("commands act on the room lobby");
    room.server.type_line("/room nowhere");
    room.server.expect("nowhere: no such room");
    room.server.type_line("/who");
    room.server.expect("1 member here");
}

#[test]
fn a_private_room_is_joined_by_its_own_invites() {
    let home = temp_home();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--advertise", "127.0.0.1"]);
    let standing = room.invite.clone();
    room.server.type_line("/room add cellar private the wine");
    room.server.expect("room cellar is open now");
    let of_cellar = ctl(home.path(), &["--room", "cellar", "invite"]);
    assert!(of_cellar.contains("/cellar/"), "{of_cellar}");
    assert_eq!(ctl(home.path(), &["invite"]), standing);
    let _anna = room.client("anna");
    // Neither a member of another room nor a holder of the server's invite learns that it exists.
    for other in ["cellar", "nowhere"] {
        let mut refused =
            spawn_join(&room.home_of("anna"), &standing.replace("/lobby/", &format!("/{other}/")), "anna", &[]);
        assert_eq!(refused.wait(), Some(7));
        assert!(refused.stderr.concat().contains("there is no such room here"), "{:?}", refused.stderr);
    }
    room.invite = of_cellar;
    let _ben = room.client("ben");
    assert!(ctl(home.path(), &["--room", "cellar", "who"]).contains("ben (127.0.0.1:"));
    assert!(ctl(home.path(), &["who"]).starts_with("1 member here"));
    // By the subcommand, in the running server.
    let directory = data_dir(home.path());
    let invite = |words: &[&str]| {
        let head = ["invite", "--data-dir", text(&directory), "--advertise", "127.0.0.1"];
        let mut process = Process::start("kabar-server", home.path(), &[&head, words].concat());
        assert_eq!(process.wait(), Some(0), "{:?}", process.stderr);
        process.stdout.join("\n")
    };
    room.invite = invite(&["new", "--room", "cellar", "--uses", "1"]);
    let _cho = room.client("cho");
    let listed = invite(&["list"]);
    let used = "used up, for the room cellar, made by server";
    assert!(listed.contains(used) && listed.contains("used 1 of 1 times (by cho)"), "{listed}");
    room.server.type_line("/room cellar");
    room.server.expect("commands act on the room cellar now");
    room.server.type_line("/who");
    room.server.expect("2 members here");
    room.server.type_line("/room close cellar");
    room.server.expect("room cellar is closed");
    assert!(invite(&["list"]).contains("2: revoked, the standing one, for the room cellar"), "{}", invite(&["list"]));
    // And while none runs.
    room.server.type_line("/room add cellar private");
    room.server.expect("room cellar is open now");
    room.server.type_line("/stop");
    assert_eq!(room.server.wait(), Some(0));
    assert!(invite(&["new", "--room", "cellar"]).contains("/cellar/"));
    assert!(invite(&["--room", "cellar"]).contains("/cellar/"));
}
