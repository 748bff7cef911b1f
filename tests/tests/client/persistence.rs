//! State that is kept between sessions: position in the room, identities, keys of servers.

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
fn since_takes_a_time_as_well() {
    let room = Room::open();
    let mut bob = room.client("bob");
    bob.type_line("just now");
    bob.expect("bob: just now");
    for (since, expected) in [("1h", true), ("2024-11-01", true), ("2124-11-01T10:00:00Z", false)] {
        let (code, stdout, _) = run(&room.home_of("anna"), &["join", &room.invite, "--name", "anna", "--since", since]);
        assert_eq!((code, stdout.contains("just now")), (0, expected), "{since}: {stdout}");
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
fn sessions_of_one_person_have_positions_of_their_own() {
    let room = Room::open();
    let mut bob = room.client("bob");
    let mut first = room.client("anna");
    let mut second = room.client("anna");
    bob.type_line("to both");
    first.expect("bob: to both");
    second.expect("bob: to both");
    first.close_stdin();
    assert_eq!(first.wait(), Some(0), "{:?}", first.stderr);
    bob.type_line("to the second");
    second.expect("bob: to the second");
    second.close_stdin();
    assert_eq!(second.wait(), Some(0));
    bob.type_line("to nobody");
    bob.expect("bob: to nobody");
    let (_, stdout, _) = run(&room.home_of("anna"), &["join", &room.invite]);
    assert!(!stdout.contains("to both") && !stdout.contains("to the second"), "they were displayed: {stdout}");
    assert!(stdout.contains("bob: to nobody"), "{stdout}");
}

#[test]
fn a_default_name_that_is_taken_gets_a_number() {
    let room = Room::open();
    let (here, there) = (room.home_of("here"), room.home_of("there"));
    let join = ["join", &room.invite];
    let stderr = ends_with(0, &here, &join);
    assert!(stderr.contains(" as guest;") && !stderr.contains("/nick"), "{stderr}");
    let stderr = ends_with(0, &there, &join);
    assert!(
        stderr.contains(" as guest2;") && stderr.contains("you are guest2 here; /nick NAME changes it"),
        "{stderr}"
    );
    let stderr = ends_with(0, &there, &join);
    assert!(stderr.contains(" as guest2;") && !stderr.contains("/nick"), "it is the usual name now: {stderr}");
    assert!(ends_with(5, &there, &["join", &room.invite, "--name", "guest"]).contains("kabar identity export"));
    let stderr = ends_with(0, &there, &["join", "lobby", "--identity", "Eka"]);
    assert!(stderr.contains(" as Eka;"), "another person on the same computer: {stderr}");
    assert!(ends_with(0, &there, &["join", "lobby"]).contains(" as guest2;"), "which changes nothing for the first");
}

#[test]
fn keys_per_name_of_an_earlier_version_are_taken_over() {
    let room = Room::open();
    let mine = room.home_of("mine");
    let testdata = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../std-client/src/identity/testdata");
    copy_files(&testdata.join("key_per_name"), &mine);
    let before = std::fs::read_to_string(mine.join("identities/anna.key")).expect("a key");
    let join =
        |extra: &[&str]| ends_with(0, &mine, &[&["join", &room.invite, "--data-dir", text(&mine)], extra].concat());
    join(&["--name", "anna"]);
    join(&["--name", "bob b"]);
    // Anna is another person than bob, so she is asked for, or known from the room joined last.
    assert!(join(&["--name", "anna"]).contains(" as anna;"));
    assert!(join(&[]).contains(" as anna;"));
    let (_, list, _) = run(&mine, &["identity", "--data-dir", text(&mine)]);
    assert!(list.contains("  you  names: bob b\n") && list.contains("  --name anna  names: anna\n"), "{list}");
    assert_eq!(std::fs::read_to_string(mine.join("identities/anna.key")).expect("a key"), before);
}

#[test]
fn a_person_is_exported_and_imported() {
    let room = Room::open();
    let (here, there) = (room.home_of("here"), room.home_of("there"));
    assert!(ends_with(1, &here, &["identity", "export", "-"]).contains("no identity yet"));
    ends_with(0, &here, &["join", &room.invite, "--name", "Anna"]);
    let (_, list, _) = run(&here, &["identity"]);
    let fingerprint = list.split_whitespace().next().expect("a fingerprint").to_owned();
    assert!(
        fingerprint.len() == 32 && list.contains("  you  names: Anna\n") && list.contains("identity.key"),
        "{list}"
    );
    let exported = here.join("anna.key");
    ends_with(0, &here, &["identity", "export", text(&exported)]);
    assert!(ends_with(1, &here, &["identity", "export", text(&exported)]).contains("exists"));
    let secret = std::fs::read_to_string(&exported).expect("a file");
    let seed = secret.lines().find_map(|line| line.strip_prefix("seed ")).expect("a seed");
    assert!(!list.contains(seed));
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&exported).expect("a file").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    let refused = ends_with(5, &there, &["join", &room.invite, "--name", "anna"]);
    assert!(refused.contains("kabar identity import"), "{refused}");
    let import = ["identity", "import", text(&exported)];
    assert!(ends_with(1, &there, &import).contains("--replace"), "made by the attempt to join");
    let imported = ends_with(0, &there, &[&import[..], &["--replace"]].concat());
    assert!(imported.contains(&fingerprint) && imported.contains("the key before is in "), "{imported}");
    ends_with(0, &there, &import);
    assert!(ends_with(0, &there, &["join", &room.invite]).contains(" as Anna;"), "the server knows the name");
    for (name, content, line) in [
        ("cut.key", &secret[..90], "damaged"),
        ("newer.key", "kabar identity export 9\n", "newer version"),
        ("other.key", "hello\n", "not a file of kabar identity export"),
    ] {
        let path = file(&there, name, content);
        assert!(ends_with(1, &there, &["identity", "import", &path]).contains(line), "{name}");
    }
}

#[test]
fn an_exported_person_may_need_a_passphrase() {
    let room = Room::open();
    let (here, there) = (room.home_of("here"), room.home_of("there"));
    ends_with(0, &here, &["join", &room.invite, "--name", "Anna"]);
    let (right, wrong) = (file(&here, "right", "sesame\n"), file(&here, "wrong", "simsim\n"));
    let exported = here.join("anna.key");
    ends_with(0, &here, &["identity", "export", text(&exported), "--passphrase-file", &right]);
    let import = ["identity", "import", text(&exported)];
    assert!(ends_with(1, &there, &import).contains("--passphrase-file FILE"));
    assert!(ends_with(4, &there, &[&import[..], &["--passphrase-file", &wrong]].concat()).contains("wrong passphrase"));
    ends_with(0, &there, &[&import[..], &["--passphrase-file", &right]].concat());
    assert!(ends_with(0, &there, &["join", &room.invite]).contains(" as Anna;"));
    assert!(ends_with(2, &here, &["identity", "export", "other.key", "--passphrase"]).contains("--passphrase-file"));
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
