//! `kabar-server ctl`: operates a running server through the socket in its data directory.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use kabar_tests::process::Process;
use kabar_tests::room::{Room, data_dir, give_key, start_server, temp_home, text};

fn socket(home: &Path) -> PathBuf {
    data_dir(home).join("ctl.sock")
}

/// Runs `kabar-server ctl` with these words. Returns exit code, lines of stdout and of stderr.
fn ctl(home: &Path, words: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
    let directory = data_dir(home);
    let mut process = Process::start("kabar-server", home, &[&["ctl", "--data-dir", text(&directory)], words].concat());
    let code = process.wait();
    (code, process.stdout.clone(), process.stderr.clone())
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777
}

#[test]
fn commands_of_ctl_operate_a_server_without_a_terminal() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    room.server.close_stdin();
    let mut darryl = room.client("darryl");
    assert_eq!(mode(&socket(home.path())), 0o600);

    let (code, shown, errors) = ctl(home.path(), &["who"]);
    assert_eq!((code, &*shown[0], errors), (Some(0), "1 member here", vec![]));
    assert!(shown[1].contains("darryl (127.0.0.1:"), "{shown:?}");
    assert_eq!(ctl(home.path(), &["invite"]).1, [room.invite.as_str()]);
    assert_eq!(ctl(home.path(), &["say", "dinner", "is ready"]), (Some(0), vec![], vec![]));
    darryl.expect("dinner is ready");
    let refused = (Some(1), vec![], vec!["nobody: no such member is connected (see who)".to_owned()]);
    assert_eq!(ctl(home.path(), &["kick", "nobody"]), refused);
    let (code, _, errors) = ctl(home.path(), &["kcik", "darryl"]);
    assert_eq!((code, &*errors[0]), (Some(1), "unknown command kcik (see help)"));
    assert_eq!(ctl(home.path(), &["kick", "darryl", "good", "night"]).1, ["darryl was kicked"]);
    darryl.expect_stderr("kicked");

    // Several commands; one that fails does not end them.
    let directory = data_dir(home.path());
    let mut several = Process::start("kabar-server", home.path(), &["ctl", "--data-dir", text(&directory)]);
    several.type_all("mute nobody\n\nbans\nstop\n");
    several.close_stdin();
    assert_eq!(several.wait(), Some(1));
    assert_eq!((several.stdout.clone(), several.stderr.len()), (vec!["no bans or mutes".to_owned()], 1));
    assert_eq!(room.server.wait(), Some(0), "{:?}", room.server.stderr);
    assert!(!socket(home.path()).exists(), "it is removed");
    let (code, _, errors) = ctl(home.path(), &["who"]);
    assert!(code == Some(1) && errors[0].contains("no server runs in "), "{code:?} {errors:?}");
}

#[test]
fn a_client_that_sends_or_reads_nothing_blocks_nobody() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    let connect = || UnixStream::connect(socket(home.path())).expect("it listens");
    // More than are served at once.
    let silent: Vec<UnixStream> = (0..6).map(|_| connect()).collect();
    let mut member = room.client("darryl");
    member.type_line("still here");
    room.server.expect("still here");
    assert_eq!(ctl(home.path(), &["who"]).0, Some(0), "after those that say nothing");
    drop(silent);
    for (request, answer) in [
        (b"who\nwho\n".to_vec(), "!a command is one line"),
        (b"\xff\n".to_vec(), "!a command is one line"),
        (vec![b'x'; 40_000], "!a command is one line"),
        (b"bans".to_vec(), "=no bans or mutes\n.\n"),
        (b"\n".to_vec(), ".\n"),
    ] {
        let mut stream = connect();
        // The server may close before it has read all.
        let _ = stream.write_all(&request);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut read = Vec::new();
        let _ = stream.read_to_end(&mut read);
        let read = String::from_utf8(read).expect("text");
        assert!(read.starts_with(answer) || (read.is_empty() && request.len() > 20_000), "{read:?}, not {answer:?}");
    }
}

#[test]
fn a_directory_or_socket_that_others_may_write_to_is_refused_at_the_start() {
    let home = temp_home();
    give_key(home.path());
    let directory = data_dir(home.path());
    let refusal = || {
        let mut server = start_server(home.path(), &["--listen", "127.0.0.1:0"]);
        assert_eq!((server.wait(), server.stdout.len()), (Some(1), 0), "{:?}", server.stderr);
        server.stderr.concat()
    };
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("its owner");
    for mode in [0o770, 0o722] {
        set_mode(&directory, mode);
        let why = refusal();
        assert!(why.contains("may be written by others") && why.contains(text(&directory)), "{why}");
    }
    set_mode(&directory, 0o700);
    let listener = UnixListener::bind(socket(home.path())).expect("a socket");
    set_mode(&socket(home.path()), 0o777);
    let why = refusal();
    assert!(why.contains("ctl.sock may be written by others"), "{why}");
    // Another program answers there.
    set_mode(&socket(home.path()), 0o600);
    assert!(refusal().contains("another server answers at "));
    drop(listener);
    // It no longer does: the socket is replaced.
    let room = Room::start(home.path());
    assert_eq!(ctl(home.path(), &["who"]).0, Some(0));
    drop(room);

    // Killed, it leaves its socket.
    assert!(fs::symlink_metadata(socket(home.path())).expect("there").file_type().is_socket());
    fs::remove_file(socket(home.path())).expect("removed");
    fs::write(socket(home.path()), "mine").expect("a file");
    assert!(refusal().contains("is not a socket"));
    assert_eq!(fs::read(socket(home.path())).expect("there"), b"mine");
}

#[test]
fn the_socket_of_a_killed_server_is_replaced_and_that_of_a_running_one_is_not() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    let number = || fs::symlink_metadata(socket(home.path())).expect("there").ino();
    let first = number();
    let mut second = start_server(home.path(), &["--listen", "127.0.0.1:0"]);
    assert_eq!(second.wait(), Some(1));
    assert_eq!((number(), ctl(home.path(), &["who"]).0), (first, Some(0)));
    room.kill_and_restart();
    assert_eq!(ctl(home.path(), &["who"]).1, ["0 members here"]);
    room.stop();
    assert!(!socket(home.path()).exists());
}

#[test]
fn a_server_whose_path_is_too_long_for_a_socket_runs_without_one() {
    let home = temp_home();
    let long = home.path().join("x".repeat(60)).join("y".repeat(60));
    fs::create_dir_all(&long).expect("a directory");
    let mut room = Room::start(&long);
    room.server.expect_stderr("too long for a control socket");
    let (code, _, errors) = ctl(&long, &["who"]);
    assert!(code == Some(1) && errors[0].contains("too long for a control socket"), "{code:?} {errors:?}");
    assert!(!socket(&long).exists());
    let _member = room.client("darryl");
}
