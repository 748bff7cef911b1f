//! Hosting, joining, and coming back.

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::room::{Room, temp_home};
use kabar_tests::terminal::{CTRL_C, Terminal};

use super::join;

fn host(home: &Path, extra: &[&str]) -> Terminal {
    let mut arguments = vec!["host", "--plain", "--name", "darryl", "--listen", "127.0.0.1:0"];
    arguments.extend(extra);
    Terminal::start("kabar", home, &arguments)
}

/// The arguments of the printed `kabar join` line.
fn printed_line(screen: &str) -> Vec<String> {
    let line = screen.lines().find(|line| line.trim_start().starts_with("kabar join kabar://")).expect("the line");
    line.split_whitespace().skip(1).map(str::to_owned).collect()
}

#[test]
fn the_first_screen_of_a_host_shows_how_others_join() {
    let home = temp_home();
    let terminal = host(home.path(), &["--advertise", "192.168.0.162:9999"]);
    terminal.expect("You are darryl.");
    let screen = terminal.screen();
    let lines: Vec<_> = screen.lines().skip_while(|line| !line.starts_with("Kabar room")).map(str::trim_end).collect();
    assert!(lines[0].starts_with("Kabar room \"lobby\", hosted on this computer (history: "), "{screen}");
    assert_eq!(lines[1], "Others on this network join with:");
    assert!(lines[2].starts_with("  kabar join kabar://192.168.0.162:9999/lobby/"), "{screen}");
    assert!(lines[3].starts_with("If they cannot reach you: allow UDP port "), "{screen}");
    assert!(lines[3].ends_with(" in this computer's firewall."), "{screen}");
    assert_eq!(lines[4], "You are darryl. /help for help, /quit to leave (this ends the room for the others).");
}

#[test]
fn the_printed_line_joins_and_both_chat() {
    let home = temp_home();
    let mut darryl = host(home.path(), &[]);
    darryl.expect("You are darryl.");
    let screen = darryl.screen();
    assert!(screen.contains("With this address only this computer can join:"), "{screen}");
    assert!(!screen.contains("firewall"), "loopback needs no firewall rule: {screen}");
    let line = printed_line(&screen);
    let mut arguments: Vec<_> = line.iter().map(String::as_str).collect();
    arguments.extend(["--plain", "--name", "farhan"]);
    let mut farhan = Terminal::start("kabar", &home.path().join("second"), &arguments);
    farhan.expect("server key matches the invite. Joined lobby as farhan; 2 here; last 2 lines:");
    farhan.expect_prompt();
    farhan.type_line("apa kabar?");
    darryl.expect("] farhan: apa kabar?");
    darryl.expect_prompt();
    darryl.type_line("baik");
    farhan.expect("] darryl: baik");
    farhan.expect("] farhan: apa kabar?");
    darryl.expect_prompt();
    darryl.type_line("/quit");
    assert_eq!(darryl.wait(), 0);
    farhan.expect("Connection lost: the server is shutting down; trying again.");
}

#[test]
fn kabar_without_arguments_asks_and_remembers_the_room() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let mine = room.home_of("anna");
    let mut terminal = Terminal::start("kabar", &mine, &["--plain"]);
    terminal.expect("Address: ");
    terminal.type_line("127.0.0.1");
    terminal.expect("Port [9999]: ");
    terminal.type_line("none");
    terminal.expect("not a number");
    terminal.type_line(room.port());
    terminal.expect("Nickname [guest]: ");
    terminal.type_line("an:na");
    terminal.expect("not allowed");
    terminal.type_line("anna");
    terminal.expect("Password (Enter if there is none): ");
    terminal.type_line("terbuka");
    terminal.expect("key is not known yet");
    terminal.expect("[y/N] ");
    terminal.type_line("y");
    terminal.expect("Joined lobby as anna; 1 here");
    terminal.expect_prompt();
    assert!(!terminal.screen().contains("terbuka"), "{}", terminal.screen());
    terminal.type_line("!q");
    assert_eq!(terminal.wait(), 0);

    let mut again = Terminal::start("kabar", &mine, &["--plain"]);
    again.expect(&format!("1  lobby at {}, as anna", room.address));
    again.expect("Number, invite or address [1]: ");
    again.type_line("");
    again.expect("Nickname [anna]: ");
    again.type_line("");
    again.expect("Joined lobby as anna; 1 here");
    again.expect_prompt();
}

#[test]
fn a_wrong_address_is_reported_and_ends_with_3() {
    let home = temp_home();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let mut terminal =
        Terminal::start("kabar", home.path(), &["join", "--plain", &format!("127.0.0.1:{port}"), "--name", "anna"]);
    terminal.expect(&format!("Connecting to 127.0.0.1:{port} ... "));
    assert_eq!(terminal.wait(), 3);
    terminal.expect(&format!(
        "no response from 127.0.0.1:{port} after 5 s: wrong address, a firewall, or the room is not running"
    ));
}

#[test]
fn a_wrong_password_is_asked_for_at_most_three_times() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let arguments = ["join", "--plain", &room.address, "--name", "anna", "--accept-new"];
    let mut terminal = Terminal::start("kabar", home.path(), &arguments);
    terminal.expect("Password of lobby: ");
    for tries in 1..=3 {
        terminal.type_line("tertutup");
        if tries < 3 {
            terminal
                .until("asked again", |screen| screen.matches("Wrong password. Password of lobby: ").count() == tries);
        }
    }
    assert_eq!(terminal.wait(), 4);
    terminal.expect("wrong password");
    assert!(!terminal.screen().contains("tertutup"), "{}", terminal.screen());
}

#[test]
fn a_client_waits_for_a_killed_server_and_misses_nothing() {
    let mut room = Room::open();
    let (mut anna, mut bob) = (join(&room, "anna"), room.client("bob"));
    room.kill_and_restart();
    anna.expect("Connection lost: ");
    anna.expect("Connected again after ");
    bob.type_line("back");
    anna.expect("] bob: back");
    anna.expect_prompt();
    anna.type_line("me too");
    bob.expect("anna: me too");
}

#[test]
fn name_is_kept_when_the_server_is_restarted() {
    let mut room = Room::open();
    let mut anna = join(&room, "anna");
    anna.type_line("/nick anita");
    anna.expect("You are anita now.");
    room.kill_and_restart();
    anna.expect("Connected again after ");
    anna.expect_prompt();
    anna.type_line("it is me");
    anna.expect("] anita: it is me");
    assert_eq!(anna.screen().matches("is now known as").count(), 1, "{}", anna.screen());
}

#[test]
fn the_operator_looks_different_from_members() {
    let mut room = Room::open();
    let mut bob = room.client("bob");
    let anna = join(&room, "anna");
    let plain = Terminal::start_with(
        "kabar",
        &room.home_of("carla"),
        &["join", "--plain", &room.invite, "--name", "carla"],
        &[("NO_COLOR", "1")],
    );
    plain.expect("Joined lobby as carla");
    room.server.type_line("dinner is ready");
    bob.type_line("~ server: I am a member");
    for terminal in [&anna, &plain] {
        terminal.expect("] ~ server: dinner is ready");
        terminal.expect("] bob: ~ server: I am a member");
    }
    assert!(anna.written().contains("\x1b[7m["), "in inverse video");
    assert!(!plain.written().contains("\x1b[7m"), "{}", plain.written());
}

#[test]
fn the_same_person_is_at_two_terminals() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut first = join(&room, "anna");
    let mut second = Terminal::start("kabar", &room.home_of("anna"), &["join", "--plain", &room.invite]);
    second.expect("Joined lobby as anna; 2 here");
    second.expect_prompt();
    second.type_line("I am here, too");
    first.expect("] anna: I am here, too");
    first.type_line("/nick ann");
    second.expect("] anna is now known as ann");
    second.type_line("it is us");
    first.expect("] ann: it is us");
    first.type_line("/quit");
    assert_eq!(first.wait(), 0);
    bob.type_line("who is here?");
    second.expect("] bob: who is here?");
    let screen = second.screen();
    assert!(!screen.contains("ann has left") && screen.matches("has joined").count() <= 2, "{screen}");
}

#[test]
fn rejoining_shows_some_context_and_what_is_new() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = join(&room, "anna");
    (1..=12).for_each(|number| bob.type_line(&format!("old {number}")));
    anna.expect("] bob: old 12");
    anna.expect_prompt();
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    bob.expect("anna has left the chat!");
    bob.type_line("something new");
    bob.expect("bob: something new");
    let anna = join(&room, "anna");
    anna.expect("3 new lines since your last visit:");
    anna.expect("] bob: something new");
    anna.expect_prompt();
    let screen = anna.screen();
    let all: Vec<_> = screen.lines().map(str::trim_end).collect();
    let mark = all.iter().position(|line| line.starts_with("--- new since")).expect("a mark");
    assert!(all[mark - 1].ends_with("bob: old 12") && all[mark + 1].ends_with("anna has left the chat!"), "{screen}");
    assert!(screen.contains("bob: old 3") && !screen.contains("bob: old 2\n"), "ten lines of context:\n{screen}");
}

#[test]
fn a_changed_server_key_is_reported_and_accepted_on_request() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    let mine = room.home_of("anna");
    let mut first =
        Terminal::start("kabar", &mine, &["join", "--plain", &room.address, "--name", "anna", "--accept-new"]);
    first.expect("Password of lobby: ");
    first.press(CTRL_C);
    first.wait();
    let mut first = Terminal::start("kabar", &mine, &["join", "--plain", &room.invite, "--name", "anna"]);
    first.expect_prompt();
    first.type_line("/quit");
    assert_eq!(first.wait(), 0);
    room.kill();
    let other = Room::start_with_own_key(&home.path().join("other"), &room.address, &[]);
    let mut second = Terminal::start("kabar", &mine, &["join", "--plain", &other.address]);
    assert_eq!(second.wait(), 4);
    second.expect(&format!("kabar servers accept {}", other.address));

    let mut accept = Terminal::start("kabar", &mine, &["servers", "accept", &other.address]);
    accept.expect("[y/N] ");
    accept.type_line("y");
    assert_eq!(accept.wait(), 0);
    let mut third = Process::start("kabar", &mine, &["join", &other.invite]);
    third.expect_stderr("Joined lobby as anna");
}

#[test]
fn the_host_operates_the_room_from_its_client_and_others_may_not() {
    let home = temp_home();
    let mut darryl = host(home.path(), &[]);
    darryl.expect("You are darryl.");
    let line = printed_line(&darryl.screen());
    let join = |folder: &str, name: &str| {
        let mut arguments: Vec<_> = line.iter().map(String::as_str).collect();
        arguments.extend(["--plain", "--name", name]);
        Terminal::start("kabar", &home.path().join(folder), &arguments)
    };
    let mut farhan = join("second", "farhan");
    farhan.expect("Joined lobby as farhan");
    farhan.expect_prompt();
    farhan.type_line("/kick darryl");
    farhan.expect("/kick: only an operator may do that");
    darryl.expect_prompt();
    darryl.type_line("/bans");
    darryl.expect("no bans or mutes");
    darryl.type_line("/topic x");
    darryl.expect("~ darryl set the topic: x");
    darryl.type_line("/server stop");
    darryl.expect("only where the server runs");
    darryl.type_line("/kick farhan too loud");
    darryl.expect("farhan was kicked from the chat: by darryl: too loud");
    farhan.expect("by darryl: too loud");
    assert_eq!(farhan.wait(), 7);

    let mut farhan = join("second", "farhan");
    farhan.expect("Joined lobby as farhan");
    darryl.type_line("/ban farhan spam");
    darryl.expect("farhan is banned");
    farhan.expect("by darryl: spam");
    assert_eq!(farhan.wait(), 7);
    let mut renamed = join("second", "george");
    renamed.expect("spam");
    assert_ne!(renamed.wait(), 0);
}
