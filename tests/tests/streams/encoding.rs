//! Invalid UTF-8, byte order marks, and line ends of other systems, wherever the programs read
//! text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use kabar_tests::process::{Process, program};
use kabar_tests::room::{Room, data_dir, give_key, start_server, temp_home, text};
use kabar_tests::terminal::Terminal;

/// A path in `home` that is not UTF-8.
fn odd_path(home: &Path) -> std::path::PathBuf {
    home.join(OsStr::from_bytes(b"caf\xe9"))
}

/// Exit code and standard error of a program that ends on its own.
fn end(mut process: Process) -> (Option<i32>, String) {
    process.close_stdin();
    let code = process.wait();
    (code, process.stderr.join("\n"))
}

#[test]
fn invalid_utf8_at_the_prompt_is_reported_and_the_session_continues() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna =
        Terminal::start("kabar", &room.home_of("anna"), &["join", "--plain", &room.invite, "--name", "anna"]);
    anna.expect_prompt();
    for (bytes, expected) in [
        (b"\xff".as_slice(), "still here"),
        (b"\xe9\r", "and here"),
        (b"\xff\xfe\x80\xc3(\xf0\x9f\x91", "after many of them"),
    ] {
        let before = anna.written().matches("is not UTF-8").count();
        anna.press_bytes(bytes);
        anna.until_written("the notice", |written| written.matches("is not UTF-8").count() > before);
        // An incomplete last sequence includes the next key.
        anna.press("\x15");
        anna.type_line(expected);
        bob.expect(&format!("anna: {expected}"));
        assert_eq!(anna.written().matches("is not UTF-8").count(), before + 1, "once per line");
    }
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
}

#[test]
fn text_typed_before_invalid_utf8_stays_in_the_line() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna =
        Terminal::start("kabar", &room.home_of("anna"), &["join", "--plain", &room.invite, "--name", "anna"]);
    anna.expect_prompt();
    anna.press("caf au lait");
    anna.expect("> caf au lait");
    anna.press_bytes(b"\xff");
    anna.expect("is not UTF-8");
    anna.until("the line again", |screen| screen.lines().next_back().is_some_and(|line| line == "> caf au lait"));
    anna.type_line("!");
    bob.expect("anna: caf au lait!");
}

#[test]
fn invalid_utf8_at_the_prompt_of_a_host_does_not_end_the_room() {
    let home = temp_home();
    let mut host =
        Terminal::start("kabar", home.path(), &["host", "--plain", "--name", "darryl", "--listen", "127.0.0.1:0"]);
    host.expect_prompt();
    host.press_bytes(b"\xff");
    host.expect("is not UTF-8");
    host.type_line("the room continues");
    host.expect("] darryl: the room continues");
}

#[test]
fn a_line_of_invalid_utf8_at_the_servers_terminal_is_refused_and_the_next_is_posted() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let home = temp_home();
    give_key(home.path());
    let data = data_dir(home.path());
    let mut server =
        Terminal::start("kabar-server", home.path(), &["--listen", "127.0.0.1:0", "--data-dir", text(&data)]);
    server.expect("kabar://");
    server.press_bytes(b"caf\xe9\n");
    server.expect("not sent: the line is not UTF-8 text");
    server.type_line("/who");
    server.expect("0 members here");
    // The same from a pipe.
    let mut room = room;
    room.server.type_bytes(b"caf\xe9\nafter it\n");
    room.server.expect("not sent: the line is not UTF-8 text");
    bob.expect("server: after it");
    assert!(!bob.stdout.iter().any(|line| line.contains("caf")), "{:?}", bob.stdout);
}

#[test]
fn a_piped_line_of_invalid_utf8_is_reported_by_number_and_the_others_are_sent() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut anna = Process::start("kabar", &room.home_of("anna"), &["join", "-", "--name", "anna"]);
    anna.type_bytes(format!("\u{feff}  {}\r\n", room.invite).as_bytes());
    anna.type_bytes(b"one\r\ncaf\xe9\nthree\n");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(6), "{:?}", anna.stderr);
    let stderr = anna.stderr.join("\n");
    assert!(stderr.contains("line 3 not sent: not UTF-8 text") && stderr.contains("1 line was not sent"), "{stderr}");
    bob.expect("anna: one");
    bob.expect("anna: three");
    assert!(!bob.stdout.iter().any(|line| line.contains("caf")), "{:?}", bob.stdout);
}

#[test]
fn passwords_of_any_editor_are_accepted_and_invalid_utf8_is_refused() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let file = odd_path(home.path());
    let visits = std::cell::Cell::new(0);
    let join = |arguments: &[&OsStr], variable: Option<&OsStr>, typed: &[u8]| {
        // An admitted identity needs no password, so each attempt has another name.
        visits.set(visits.get() + 1);
        let name = format!("guest {}", visits.get());
        let mut command = Command::new(program("kabar"));
        command.args(["join", &room.address, "--accept-new", "--name", &name]).args(arguments);
        command.envs(variable.map(|variable| ("KABAR_PASSWORD", variable)));
        let mut process = Process::command(&mut command, &room.home_of(&name));
        process.type_bytes(typed);
        end(process)
    };
    let by_file = [OsStr::new("--password-file"), file.as_os_str()];
    for (content, code, expected) in [
        (b"\xef\xbb\xbfterbuka\r\n".as_slice(), 0, ""),
        (b"terbuka\n\xff is ignored\n", 0, ""),
        (b"terbuk\xe9\n", 2, "line 1 is not UTF-8"),
        (b"t\0e\0r\0", 2, "zero byte"),
        (b"\xff\xfet\0e\0", 2, "UTF-16"),
        (&[b'x'; 5_000], 2, "longer than"),
    ] {
        fs::write(&file, content).expect("written");
        let (found, stderr) = join(&by_file, None, b"");
        assert!(found == Some(code) && stderr.contains(expected), "{content:?}: {found:?} {stderr}");
        if content.len() < 5_000 {
            let (found, stderr) = join(
                &[OsStr::new("--password-stdin")],
                None,
                content.split_inclusive(|b| *b == b'\n').next().unwrap_or(content),
            );
            assert!(found == Some(code) && stderr.contains(expected), "stdin {content:?}: {found:?} {stderr}");
        }
    }
    let (code, stderr) = join(&[], Some(OsStr::from_bytes(b"terbuk\xe9")), b"");
    assert!(code == Some(2) && stderr.contains("KABAR_PASSWORD") && stderr.contains("UTF-8"), "{code:?} {stderr}");
    let (code, stderr) = join(&[], Some(OsStr::new("terbuka")), b"");
    assert_eq!(code, Some(0), "{stderr}");
    // The server's password file.
    for (content, code, expected) in
        [(b"terbuk\xe9\n".as_slice(), 2, "line 1 is not UTF-8"), (b"\xff\xfet\0", 2, "UTF-16")]
    {
        fs::write(&file, content).expect("written");
        let mut command = Command::new(program("kabar-server"));
        command.args(["--data-dir", text(&home.path().join("other")), "--listen", "127.0.0.1:0"]).args(by_file);
        let (found, stderr) = end(Process::command(&mut command, home.path()));
        assert!(found == Some(code) && stderr.contains(expected), "{found:?} {stderr}");
    }
}

#[test]
fn settings_of_any_editor_are_accepted_and_invalid_utf8_is_reported_with_its_line() {
    let home = temp_home();
    give_key(home.path());
    let settings = data_dir(home.path()).join("kabar-server.toml");
    fs::write(&settings, b"\xef\xbb\xbfroom = \"den\"\r\nmax-members = 12\r\n").expect("written");
    let mut server = start_server(home.path(), &["--listen", "127.0.0.1:0"]);
    assert!(server.expect("kabar://").contains("/den/"));
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    fs::write(&settings, b"room = \"den\"\n# caf\xe9\n").expect("written");
    let (code, stderr) = end(start_server(home.path(), &["--listen", "127.0.0.1:0"]));
    assert!(
        code == Some(2) && stderr.contains("kabar-server.toml") && stderr.contains("line 2 is not UTF-8"),
        "{stderr}"
    );
}

#[test]
fn arguments_and_variables_of_invalid_utf8_are_named_and_such_paths_are_accepted() {
    let home = temp_home();
    give_key(home.path());
    let odd = OsStr::from_bytes(b"caf\xe9");
    let run = |name: &str, arguments: &[&OsStr], variables: &[(&str, &OsStr)]| {
        let mut command = Command::new(program(name));
        command.args(arguments).envs(variables.iter().copied());
        end(Process::command(&mut command, home.path()))
    };
    let os = OsStr::new;
    for (name, arguments, variables, named) in [
        ("kabar", vec![os("join"), odd], vec![], "UTF-8"),
        ("kabar", vec![os("join"), os("here"), os("--name"), odd], vec![], "UTF-8"),
        ("kabar-server", vec![os("--room"), odd], vec![], "--room"),
        ("kabar-server", vec![os("history"), os("--search"), odd], vec![], "UTF-8"),
        ("kabar-server", vec![], vec![("KABAR_ROOM", odd)], "KABAR_ROOM"),
        ("kabar-server", vec![], vec![("KABAR_MAX_MEMBERS", odd)], "KABAR_MAX_MEMBERS"),
        ("kabar-server", vec![], vec![("KABAR_PASSWORD", odd)], "KABAR_PASSWORD"),
    ] {
        let (code, stderr) = run(name, &arguments, &variables);
        assert!(
            code == Some(2) && stderr.contains(named) && stderr.lines().count() == 1,
            "{arguments:?}: {code:?} {stderr}"
        );
    }
    // Every path is not UTF-8.
    let directory = odd_path(home.path());
    fs::create_dir(&directory).expect("created");
    let transcript = directory.join(odd);
    let mut command = Command::new(program("kabar-server"));
    command.args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(&directory).arg("--transcript").arg(&transcript);
    let room = Room::of(Process::command(&mut command, home.path()), home.path());
    let mut command = Command::new(program("kabar"));
    command
        .args(["join", &room.invite, "--name", "anna", "--data-dir"])
        .arg(directory.join(OsStr::from_bytes(b"dat\xe9")));
    assert_eq!(end(Process::command(&mut command, home.path())).0, Some(0));
    assert!(fs::read_to_string(&transcript).expect("a transcript").contains("anna has joined"));
    let (code, stderr) = run(
        "kabar",
        &[os("servers")],
        &[("KABAR_DATA_DIR", directory.join(OsStr::from_bytes(b"dat\xe9")).as_os_str())],
    );
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn files_that_an_editor_saved_are_still_read_and_damaged_ones_are_named() {
    let room = Room::open();
    let mine = room.home_of("anna");
    let join = || end(Process::start("kabar", &mine, &["join", "lobby", "--name", "anna", "--data-dir", text(&mine)]));
    let first = Process::start("kabar", &mine, &["join", &room.invite, "--name", "anna", "--data-dir", text(&mine)]);
    assert_eq!(end(first).0, Some(0));
    let cursor = fs::read_dir(mine.join("cursors")).expect("a directory").map(|file| file.expect("a file").path());
    let cursor = cursor.into_iter().find(|path| path.extension().is_none_or(|end| end != "lock")).expect("a cursor");
    let files = [mine.join("known_servers.toml"), mine.join("identity.key"), cursor];
    let contents: Vec<_> = files.iter().map(|file| fs::read_to_string(file).expect("text")).collect();
    for (file, content) in files.iter().zip(&contents) {
        fs::write(file, format!("\u{feff}{}", content.replace('\n', "\r\n"))).expect("written");
    }
    let (code, stderr) = join();
    assert!(code == Some(0) && !stderr.contains("could not read"), "{stderr}");
    for (file, code) in files.iter().zip([1, 1, 0]) {
        let whole = fs::read(file).expect("a file");
        fs::write(file, [&whole[..], b"\n# caf\xe9\n"].concat()).expect("written");
        let (found, stderr) = join();
        let name = file.file_name().and_then(OsStr::to_str).expect("text");
        assert!(found == Some(code) && stderr.contains(name) && stderr.contains("UTF-8"), "{name}: {found:?} {stderr}");
        fs::write(file, whole).expect("written");
    }
}

#[test]
fn invalid_utf8_as_an_answer_repeats_the_question_or_means_no() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let mut alone = Terminal::start("kabar", &room.home_of("anna"), &["--plain"]);
    alone.expect("Address: ");
    alone.press_bytes(b"caf\xe9\r");
    alone.expect("not UTF-8 text");
    alone.type_line(&room.address);
    alone.expect("Nickname");
    alone.type_line("anna");
    alone.expect("Password (Enter if there is none): ");
    alone.press_bytes(b"terbuk\xff\r");
    alone.expect("not UTF-8 text");
    alone.type_line("terbuka");
    alone.expect("[y/N]");
    alone.type_line("y");
    alone.expect("Joined lobby as anna");
    let arguments = ["join", "--plain", &room.address, "--name", "bob"];
    let mut bob = Terminal::start("kabar", &room.home_of("bob"), &arguments);
    bob.expect("[y/N]");
    bob.press_bytes(b"y\xe9s\r");
    assert_eq!(bob.wait(), 4);
    bob.expect("declined");
}
