//! The terminal is given back, however the program ends.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kabar_client::config::Config;
use kabar_client::identity::{IdentityChoice, LocalIdentity};
use kabar_client::outcome::SessionEnd;
use kabar_client::screen::{self, ScreenConfig};
use kabar_std::data_dir::DataDir;
use kabar_tests::room::{Room, temp_home};
use kabar_tests::terminal::{CTRL_C, Terminal};

use super::join;

#[test]
fn control_c_clears_the_input_and_asks_before_it_leaves() {
    let room = Room::open();
    let mut anna = join(&room, "anna");
    anna.press("not this");
    anna.expect("[#lobby] not this");
    anna.press(CTRL_C);
    anna.until("an empty input", |screen| !screen.contains("not this"));
    anna.press(CTRL_C);
    anna.expect("leave?");
    anna.press("n");
    anna.expect("[#lobby]");
    anna.press(CTRL_C);
    anna.expect("leave?");
    anna.press(CTRL_C);
    assert_eq!(anna.wait(), 130);
    anna.assert_restored();
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let room = Room::open();
    let mut anna = join(&room, "anna");
    anna.signal("TERM");
    assert_eq!(anna.wait(), 130);
    anna.assert_restored();
}

#[test]
fn lines_that_are_not_stored_are_reported_at_the_end() {
    let mut room = Room::open();
    let mut anna = join(&room, "anna");
    room.kill();
    anna.expect("reconnecting");
    anna.type_line("one");
    anna.expect("1 unsent");
    anna.press(CTRL_C);
    anna.expect("1 unsent (y/n");
    anna.press(CTRL_C);
    assert_eq!(anna.wait(), 6);
    anna.assert_restored();
    anna.expect("1 line ");
}

#[test]
fn control_z_suspends_and_the_screen_comes_back() {
    let room = Room::open();
    let mut bob = room.client("bob");
    // A shell with job control, as at a terminal.
    let script = format!("set -m; \"$BIN/kabar\" join {} --name anna; echo suspended; read line; fg", room.invite);
    let mut anna = Terminal::shell(&script, &room.home_of("anna"));
    anna.expect("anna joined");
    anna.press("a draft");
    anna.expect("[#lobby] a draft");
    anna.press("\x1a");
    anna.expect("suspended");
    assert!(!anna.is_full_screen());
    bob.type_line("meanwhile");
    bob.expect("bob: meanwhile");
    anna.press("\n");
    anna.expect("bob: meanwhile");
    anna.expect("[#lobby] a draft");
    assert!(anna.is_full_screen());
    anna.press(CTRL_C);
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    anna.assert_restored();
}

#[test]
fn a_stop_by_another_program_gives_the_terminal_back_and_the_screen_comes_back() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let script = format!("set -m; \"$BIN/kabar\" join {} --name anna; kill -l $?; read line; fg", room.invite);
    let mut anna = Terminal::shell(&script, &room.home_of("anna"));
    anna.expect("anna joined");
    anna.press("a draft");
    anna.expect("[#lobby] a draft");
    stop_children(anna.process());
    anna.expect("TSTP");
    assert!(!anna.is_full_screen());
    bob.type_line("meanwhile");
    bob.expect("bob: meanwhile");
    anna.press("\n");
    anna.expect("bob: meanwhile");
    anna.expect("[#lobby] a draft");
    assert!(anna.is_full_screen());
    anna.press(CTRL_C);
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
    anna.assert_restored();
}

/// Sends SIGTSTP to the children of a shell.
fn stop_children(shell: u32) {
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).expect("children");
    let sent = Command::new("kill").arg("-TSTP").args(children.split_whitespace()).status().expect("kill");
    assert!(sent.success(), "{children}: {sent}");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let home = temp_home();
    let test = std::env::current_exe().expect("this test");
    let arguments = ["--exact", "restoring::child_that_panics", "--ignored", "--nocapture"];
    let mut child = Terminal::run(&test, home.path(), &arguments);
    child.until_written("the screen", |written| written.contains("\x1b[?1049h"));
    child.wait();
    child.assert_restored();
    child.expect("on purpose");
    child.expect("a thread of this program has failed");
}

/// The process of [`a_panic_gives_the_terminal_back`].
#[test]
#[ignore = "run by a_panic_gives_the_terminal_back"]
fn child_that_panics() {
    let home = std::env::var_os("HOME").expect("a home");
    let dir = DataDir::open(Path::new(&home)).expect("a directory");
    let _ = LocalIdentity::open(&dir, IdentityChoice::default()).expect("an identity");
    let Config { appearance, .. } = Config::resolve(&[], &|name| std::env::var_os(name), None).expect("the defaults");
    let config = ScreenConfig {
        servers: Vec::new(),
        dir,
        give_up: Duration::from_secs(1),
        ends_with_servers: false,
        opening: None,
        connect: Box::new(|_| unreachable!()),
        appearance,
        downloads: None,
    };
    let report = screen::run(config, |sender| {
        if let Some(sender) = sender {
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                sender.send("displayed before".to_owned());
                std::thread::sleep(Duration::from_millis(100));
                panic!("on purpose");
            });
        }
    });
    let SessionEnd::Failed(error) = report.end else { panic!("{:?}", report.end) };
    println!("{error}");
}
