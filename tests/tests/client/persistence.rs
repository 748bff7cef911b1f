//! State that is kept between sessions: position in the room, identities, keys of servers.

use kabar_tests::process::Process;
use kabar_tests::room::{Room, copy_files, data_dir, temp_home, text};

use super::{ends_with, file, run};

#[test]
fn rejoining_resumes_after_the_last_line_printed() {
    let room = Room::open();
    let mut bob = room.client("bob");
    bob.type_line("one");
    bob.expect("bob: one");
    let mut anna = room.client("anna");
    anna.expect("bob: one");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    bob.type_line("two");
    bob.expect("bob: two");
    let (code, stdout, stderr) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("bob: two") && !stdout.contains("bob: one"), "{stdout}");
    assert!(stderr.contains("new lines since your last visit"), "{stderr}");
    for (option, value, expected) in
        [("--since", "all", true), ("--since", "1", true), ("--since", "2", false), ("--last", "1", false)]
    {
        let (_, stdout, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", option, value]);
        assert_eq!(stdout.contains("bob: one"), expected, "{option} {value}: {stdout}");
    }
}

#[test]
fn since_omits_earlier_lines_in_the_first_and_in_later_sessions() {
    let room = Room::open();
    let mut bob = room.client("bob");
    (1..=5).for_each(|number| bob.type_line(&format!("line {number}")));
    bob.expect("bob: line 5");
    // Entry 1 is bob's join.
    for _ in ["first visit", "second visit"] {
        let (code, stdout, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", "--since", "4"]);
        assert_eq!(code, 0);
        assert!(stdout.contains("line 4") && stdout.contains("line 5") && !stdout.contains("line 3"), "{stdout}");
    }
}

#[test]
fn an_older_state_of_the_room_is_reported_once() {
    let mut room = Room::open();
    room.stop();
    let (data, backup) = (data_dir(room.home()), room.home().join("backup"));
    copy_files(&data, &backup);
    room.restart();
    let mut anna = room.client("anna");
    anna.type_line("will be gone");
    anna.expect("anna: will be gone");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    room.kill();
    std::fs::remove_dir_all(&data).expect("removed");
    copy_files(&backup, &data);
    room.restart();
    let (code, stdout, stderr) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert_eq!(code, 0);
    assert!(stderr.contains("reset to an older state"), "{stderr}");
    assert!(stdout.contains("anna has joined"), "{stdout}");
    let (_, stdout, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", "--json"]);
    assert!(!stdout.contains("\"reset\""), "reported once: {stdout}");
}

#[test]
fn the_same_name_at_a_second_terminal_replaces_the_first_and_keeps_its_position() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut first = room.client("anna");
    let mut second = room.client("anna");
    assert_eq!(first.wait(), Some(7));
    assert!(first.stderr.join("\n").contains("replaced"), "{:?}", first.stderr);
    bob.type_line("to the second");
    second.expect("bob: to the second");
    second.close_stdin();
    assert_eq!(second.wait(), Some(0));
    let (_, stdout, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    assert!(!stdout.contains("to the second"), "it was read: {stdout}");
    // A client that requests no name gets another identity while the first is in use.
    let mine = room.home_of("anna");
    let mut third = Process::start("kabar", &mine, &["join", &room.invite]);
    third.expect_stderr(" as anna;");
    let mut fourth = Process::start("kabar", &mine, &["join", &room.invite]);
    fourth.expect_stderr(" as anna-2;");
    third.type_line("both are here");
    fourth.expect("anna: both are here");
}

#[test]
fn identities_are_shown_exported_imported_and_forgotten() {
    let room = Room::open();
    let (here, there) = (room.home_of("here"), room.home_of("there"));
    ends_with(0, &here, &["join", &room.invite, "--name", "Anna"]);
    let (_, list, _) = run(&here, &["identity"]);
    let fingerprint = list.split_whitespace().next().expect("a fingerprint").to_owned();
    assert_eq!((fingerprint.len(), list.ends_with("anna")), (32, true), "{list}");
    assert!(run(&here, &["identity", "show", "anna"]).1.contains(&fingerprint));
    let exported = here.join("anna.key");
    ends_with(0, &here, &["identity", "export", text(&exported), "--name", "Anna"]);
    assert!(ends_with(1, &here, &["identity", "export", text(&exported), "--name", "Anna"]).contains("exists"));
    let secret = std::fs::read_to_string(&exported).expect("a file");
    let seed = secret.lines().find_map(|line| line.strip_prefix("seed ")).expect("a seed");
    assert!(!list.contains(seed));
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&exported).expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    ends_with(5, &there, &["join", &room.invite, "--name", "anna"]);
    assert!(
        ends_with(1, &there, &["identity", "import", text(&exported)]).contains("another key"),
        "generated by the attempt to join"
    );
    ends_with(2, &there, &["identity", "forget", "anna"]);
    ends_with(0, &there, &["identity", "forget", "anna", "--yes"]);
    ends_with(0, &there, &["identity", "import", text(&exported)]);
    assert!(run(&there, &["identity", "show", "anna"]).1.contains(&fingerprint));
    ends_with(0, &there, &["join", &room.invite, "--name", "anna"]);
    file(&there, "wrong.key", "kabar identity 1\nseed 00\n");
    assert!(ends_with(1, &there, &["identity", "import", text(&there.join("wrong.key"))]).contains("damaged"));
}

#[test]
fn a_known_server_is_recognised_at_a_new_address() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    let mine = room.home_of("anna");
    ends_with(0, &mine, &["join", &room.invite, "--name", "anna"]);
    room.kill();
    let room = Room::start_with(home.path(), "127.0.0.1:0", &[]);
    let stderr = ends_with(0, &mine, &["join", &room.address]);
    assert!(stderr.contains("a known server at a new address") && stderr.contains("as anna"), "{stderr}");
}

#[test]
fn a_room_name_of_several_servers_is_ambiguous() {
    let home = temp_home();
    let (room, other) =
        (Room::start(home.path()), Room::start_with_own_key(&home.path().join("other"), "127.0.0.1:0", &[]));
    let mine = room.home_of("anna");
    for invite in [&room.invite, &other.invite] {
        ends_with(0, &mine, &["join", invite, "--name", "anna"]);
    }
    let stderr = ends_with(2, &mine, &["join", "lobby"]);
    for room in [&room, &other] {
        assert!(stderr.contains(&format!("kabar join {}", room.address)), "{stderr}");
    }
    ends_with(0, &mine, &["join", &room.address]);
}

#[test]
fn a_typed_host_is_joined_only_with_an_accepted_key() {
    let home = temp_home();
    let room = Room::start_with_password(home.path(), "terbuka");
    let password = file(home.path(), "right", "terbuka\n");
    let mine = room.home_of("anna");
    let join = |extra: &[&str]| {
        let mut arguments = vec!["join", room.address.as_str(), "--name", "anna", "--password-file", &password];
        arguments.extend(extra);
        run(&mine, &arguments)
    };
    let (code, _, stderr) = join(&[]);
    assert_eq!(code, 4);
    let fingerprint =
        stderr.split_whitespace().skip_while(|word| *word != "--fingerprint").nth(1).expect(&stderr).to_owned();
    assert!(room.invite.contains(&fingerprint));
    let (code, _, stderr) = join(&["--fingerprint", &"A".repeat(32)]);
    assert_eq!(code, 4, "{stderr}");
    assert_eq!(join(&["--fingerprint", &fingerprint]).0, 0);
    assert_eq!(join(&[]).0, 0, "known from now on");
    let (code, list, _) = run(&mine, &["servers"]);
    assert_eq!(code, 0);
    assert!(list.contains(&fingerprint) && list.contains(&room.address) && list.contains("anna"), "{list}");
    // From now on the name of the room is enough.
    ends_with(0, &mine, &["join", "lobby", "--password-file", &password]);
    ends_with(0, &mine, &["servers", "forget", &room.address]);
    assert!(ends_with(1, &mine, &["servers", "forget", &room.address]).contains("not known"));
    assert_eq!(join(&[]).0, 4, "forgotten");
}

#[test]
fn a_changed_key_stops_the_client_which_explains_how_to_accept_it() {
    let home = temp_home();
    let mut room = Room::start_with_password(home.path(), "terbuka");
    let password = file(home.path(), "right", "terbuka\n");
    let mine = room.home_of("anna");
    let join = ["join", &room.address.clone(), "--name", "anna", "--password-file", &password];
    ends_with(0, &mine, &[&join[..], &["--accept-new"]].concat());
    room.kill();
    let listen = room.address.clone();
    let other = Room::start_with_own_key(&home.path().join("other"), &listen, &["--password-file", &password]);
    for extra in [&[][..], &["--accept-new"]] {
        let stderr = ends_with(4, &mine, &[&join[..], extra].concat());
        assert!(stderr.contains(&format!("kabar servers accept {listen}")), "{stderr}");
    }
    let stderr = ends_with(4, &mine, &["servers", "accept", &listen]);
    let fingerprint =
        stderr.split_whitespace().skip_while(|word| *word != "--fingerprint").nth(1).expect(&stderr).to_owned();
    assert!(other.invite.contains(&fingerprint));
    ends_with(4, &mine, &["servers", "accept", &listen, "--fingerprint", &"A".repeat(32)]);
    ends_with(0, &mine, &["servers", "accept", &listen, "--fingerprint", &fingerprint]);
    ends_with(0, &mine, &join);
}
