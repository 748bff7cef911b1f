//! The history through the real programs: restarts, kills, disk errors, and the subcommands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kabar_core::chat::{EntryKind, Term};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_server::store::{InstanceRecord, LogEntry, RoomBatch, SqliteStore, Store, TermRecord};
use kabar_std::data_dir::DataDir;
use kabar_tests::process::{Process, TIMEOUT, program};
use kabar_tests::room::{Room, data_dir, give_key, start_server, temp_home, text};
use tempfile::TempDir;

/// A directory with a server's data, which is kept when the server ends.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        let directory = temp_home();
        give_key(directory.path());
        Self { directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn data(&self) -> PathBuf {
        data_dir(self.path())
    }

    fn history(&self) -> PathBuf {
        self.data().join("history.db")
    }

    fn serve(&self) -> Room {
        Room::start(self.path())
    }

    /// Runs a subcommand to its end. Returns exit code, stdout and stderr.
    fn command(&self, name: &str, arguments: &[&str]) -> (Option<i32>, Vec<String>, Vec<String>) {
        let mut process = start_server(self.path(), &[&[name], arguments].concat());
        let code = process.wait();
        (code, process.stdout.clone(), process.stderr.clone())
    }

    /// The messages of members that `history` prints, without their times.
    fn texts(&self, arguments: &[&str]) -> Vec<String> {
        let (code, lines, stderr) = self.command("history", arguments);
        assert_eq!(code, Some(0), "{stderr:?}");
        lines.iter().filter(|line| line.contains(": ")).map(|line| line[22..].to_owned()).collect()
    }

    fn assert_undamaged(&self) {
        let (code, stdout, stderr) = self.command("check", &[]);
        assert_eq!(code, Some(0), "{stdout:?} {stderr:?}");
    }
}

/// Joins, posts lines, and leaves once they are stored.
fn post_all(room: &Room, name: &str, lines: &[String]) {
    let mut client = room.client(name);
    client.type_all(&(lines.join("\n") + "\n"));
    client.close_stdin();
    assert_eq!(client.wait(), Some(0), "{:?}", client.stderr);
}

/// A member that receives the whole history.
fn join_with_history(room: &Room, name: &str) -> Process {
    let mut client = room.spawn_join(name, &["--since", "all"]);
    client.expect_stderr("Joined ");
    client
}

fn lines(word: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{word} {number}")).collect()
}

fn by(name: &str, lines: &[String]) -> Vec<String> {
    lines.iter().map(|line| format!("{name}: {line}")).collect()
}

fn expect_all(client: &mut Process, expected: &[String]) {
    for expected in expected {
        let line = client.expect(": ");
        assert!(line.ends_with(expected.as_str()), "{line} is not {expected}: {:?} {:?}", client.stdout, client.stderr);
    }
}

#[test]
fn history_survives_stops_and_kills_and_reaches_newcomers() {
    let home = Home::new();
    let mut expected = Vec::new();
    for (round, end) in ["TERM", "KILL", "TERM", "KILL"].into_iter().enumerate() {
        let mut room = home.serve();
        let lines = lines(&format!("round {round} line"), 10);
        post_all(&room, "anna", &lines);
        expected.extend(by("anna", &lines));
        expect_all(&mut join_with_history(&room, &format!("newcomer{round}")), &expected);
        assert_eq!(home.texts(&[]), expected, "while the server runs");
        room.server.signal(end);
        assert_eq!(room.server.wait(), (end == "TERM").then_some(0));
        assert_eq!(home.texts(&[]), expected, "after {end}");
    }
    home.assert_undamaged();
}

#[cfg(unix)]
#[test]
fn files_are_accessible_to_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    // Nothing exists before the server starts.
    let home = temp_home();
    let data = data_dir(home.path());
    let room = Room::start_with_own_key(home.path(), "127.0.0.1:0", &[]);
    post_all(&room, "anna", &lines("line", 3));
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for name in ["history.db", "history.db-wal", "history.db-shm"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
}

/// Writes a history of `count` entries by one author, like a server.
fn write_history(data: &Path, count: u64) {
    let mut store = SqliteStore::open(&DataDir::open(data).expect("a directory")).expect("a history");
    let entry = |seq: u64| LogEntry {
        seq,
        time_ms: 1_730_457_430_000 + seq,
        author: "anna".into(),
        instance: 5,
        number: seq,
        kind: EntryKind::TEXT,
        body: format!("entry {seq}").into_bytes(),
    };
    let identity = PublicIdentity([1; 32]);
    let last = InstanceRecord { instance: 5, identity, highest: count, highest_seq: count, seen_ran_ms: 0 };
    let batch = RoomBatch {
        room: "lobby".into(),
        term: Some(TermRecord { term: Term([1; 8]), first_seq: 1 }),
        entries: (1..=count).map(entry).collect(),
        instances: vec![last],
        ..RoomBatch::default()
    };
    assert_eq!(store.commit(&batch.into()), Ok(()));
}

#[test]
fn twenty_thousand_entries_are_paged() {
    let home = Home::new();
    let count = 20_000;
    write_history(&home.data(), count);
    let room = home.serve();
    let mut reader = join_with_history(&room, "reader");
    for seq in 1..=count {
        let line = reader.expect("anna: entry ");
        assert!(line.ends_with(&format!(" entry {seq}")), "{line} is not {seq}");
    }
    let mut late = room.client("late");
    late.expect(&format!("entry {}", count - 1));
    late.expect(&format!("entry {count}"));
    assert!(late.stdout.len() <= 50, "the last lines only: {}", late.stdout.len());
}

#[test]
fn a_full_disk_loses_and_duplicates_nothing() {
    let home = Home::new();
    let (data, server, client) = (home.data(), program("kabar-server"), program("kabar"));
    let tools = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !tools.is_ok_and(|status| status.success()) {
        eprintln!(
            "\n!!! NOT TESTED: a full disk needs `unshare -rm` (util-linux, user namespaces) to mount a small one !!!\n"
        );
        return;
    }
    // A small disk mounted over the server's directory in a separate namespace, filled almost
    // completely by a file.
    let script = r#"set -e
        keys=$(mktemp -d); cp -r "$1/." "$keys"
        mount -t tmpfs -o size=32m,mode=700 tmpfs "$1"
        cp -r "$keys/." "$1"; rm -r "$keys"
        head -c 32100000 /dev/zero > "$1/ballast"
        exec "$2" --listen 127.0.0.1:0 --post-rate off --data-dir "$1""#;
    let arguments = ["-rm", "sh", "-c", script, "sh", text(&data), text(&server)];
    let mut room = Room::of(Process::start("/usr/bin/unshare", home.path(), &arguments), home.path());
    let inside = PathBuf::from(format!("/proc/{}/root{}", room.server.id(), text(&data)));
    assert!(inside.join("ballast").exists() && !data.join("ballast").exists(), "on the small disk");

    let long: Vec<String> = lines("line", 800).iter().map(|line| format!("{line} {}", "x".repeat(2_000))).collect();
    let mut reader = room.client("reader");
    // From a file: the client does not read on while posts cannot be stored.
    let file = home.path().join("long.txt");
    fs::write(&file, long.join("\n") + "\n").expect("written");
    let script = r#"exec "$1" join "$2" --name anna <"$3""#;
    let arguments = ["-c", script, "sh", text(&client), &room.invite, text(&file)];
    let mut anna = Process::start("/bin/sh", &home.path().join("anna"), &arguments);
    room.server.expect("the disk is full");
    anna.expect_stderr("cannot store");
    fs::remove_file(inside.join("ballast")).expect("removed");
    room.server.expect("the history can be written again");
    assert_eq!(anna.wait(), Some(0), "{:?}", anna.stderr);
    expect_all(&mut reader, &by("anna", &long));
    // That disk is removed with its server.
    for name in ["history.db", "history.db-wal"] {
        fs::copy(inside.join(name), data.join(name)).expect("copied");
    }
    let texts = home.texts(&[]);
    assert_eq!(texts, by("anna", &long), "once each, in order");
}

#[test]
fn a_locked_history_is_retried_and_authors_are_notified() {
    let home = Home::new();
    let mut room = home.serve();
    let mut reader = room.client("reader");
    let mut anna = room.client("anna");
    anna.type_line("before");
    reader.expect("anna: before");
    let other = rusqlite::Connection::open(home.history()).expect("a database");
    other.busy_timeout(TIMEOUT).expect("a timeout");
    other.execute_batch("BEGIN EXCLUSIVE").expect("locked");
    anna.type_line("meanwhile");
    room.server.expect("another program has locked the file");
    anna.expect_stderr("cannot store");
    other.execute_batch("ROLLBACK").expect("unlocked");
    room.server.expect("the history can be written again");
    reader.expect("anna: meanwhile");
    anna.type_line("after");
    reader.expect("anna: after");
    assert_eq!(home.texts(&[]), ["anna: before", "anna: meanwhile", "anna: after"]);
}

/// Starts a server that fails and returns its one line.
fn failed_start(home: &Path, data: &Path) -> String {
    let arguments = ["--listen", "127.0.0.1:0", "--data-dir", text(data)];
    let mut server = Process::start("kabar-server", home, &arguments);
    assert_eq!(server.wait(), Some(1), "{:?}", server.stderr);
    let line = server.stderr.join("\n");
    assert!(server.stderr.len() == 1 && server.stdout.is_empty(), "one line: {line} {:?}", server.stdout);
    line
}

#[test]
fn a_damaged_history_is_named_and_not_changed() {
    let home = Home::new();
    fs::write(home.history(), vec![b'x'; 20_000]).expect("written");
    let line = failed_start(home.path(), &home.data());
    assert!(line.contains(text(&home.history())) && line.contains("kabar-server check"), "{line}");
    assert_eq!(fs::read(home.history()).expect("there"), vec![b'x'; 20_000]);

    fs::remove_file(home.history()).expect("removed");
    write_history(&home.data(), 5_000);
    let mut bytes = fs::read(home.history()).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xa5);
    fs::write(home.history(), bytes).expect("written");
    let (code, stdout, stderr) = home.command("check", &[]);
    assert_eq!(code, Some(1));
    assert!(
        !stdout.is_empty() && stderr.len() == 1 && stderr[0].contains(text(&home.history())),
        "{stdout:?} {stderr:?}"
    );
}

#[test]
fn an_unusable_data_directory_is_named() {
    let home = Home::new();
    let file = home.path().join("file");
    fs::write(&file, "").expect("written");
    for data in [file.clone(), file.join("below")] {
        let line = failed_start(home.path(), &data);
        assert!(line.contains(text(&data)), "{line}");
    }
    assert!(failed_start(home.path(), &file).contains("--data-dir"), "says what to do");
    fs::create_dir(home.history()).expect("created");
    let line = failed_start(home.path(), &home.data());
    assert!(line.contains(text(&home.history())), "{line}");
}

#[test]
fn restoring_an_old_backup_is_reported_to_members() {
    let home = Home::new();
    let mut room = home.serve();
    post_all(&room, "anna", &lines("old", 3));
    let backup = home.path().join("backup.db");
    let (code, _, stderr) = home.command("backup", &[text(&backup)]);
    assert_eq!(code, Some(0), "{stderr:?}");
    post_all(&room, "anna", &lines("lost", 3));
    let mut reader = room.client("reader");
    reader.expect("lost 2");
    room.stop();
    let (code, _, stderr) = home.command("restore", &[text(&backup)]);
    assert!(code == Some(0) && stderr.join(" ").contains("kept as"), "{code:?} {stderr:?}");
    room.restart();
    reader.expect_stderr("reset to an older state");
    reader.expect("anna: old 2");
    post_all(&room, "anna", &lines("new", 2));
    reader.expect("anna: new 1");
    assert_eq!(home.texts(&[]), by("anna", &[lines("old", 3), lines("new", 2)].concat()));
    home.assert_undamaged();
}

/// Names and content of the files of the history.
fn files(data: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(data).expect("there").map(|entry| entry.expect("an entry"));
    let names = entries.map(|entry| entry.file_name().into_string().expect("UTF-8"));
    let mut names: Vec<String> = names.filter(|name| name.starts_with("history")).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), fs::read(data.join(name)).expect("read"))).collect()
}

#[test]
fn a_backup_copied_next_to_the_wal_of_a_killed_server_is_refused_and_kept() {
    let home = Home::new();
    let mut room = home.serve();
    post_all(&room, "anna", &lines("old", 3));
    let backup = home.path().join("backup.db");
    assert_eq!(home.command("backup", &[text(&backup)]).0, Some(0));
    let (code, _, stderr) = home.command("restore", &[text(&backup)]);
    assert!(code == Some(1) && stderr.join(" ").contains("stop it first"), "{code:?} {stderr:?}");
    post_all(&room, "anna", &lines("lost", 200));
    room.server.signal("KILL");
    assert_eq!(room.server.wait(), None);
    let killed = files(&home.data());
    assert!(killed.iter().any(|(name, bytes)| name == "history.db-wal" && !bytes.is_empty()));

    // As earlier documentation advised.
    fs::copy(&backup, home.history()).expect("copied");
    let before = files(&home.data());
    for _ in 0..2 {
        let line = failed_start(home.path(), &home.data());
        for expected in ["history.db-wal", "history.db-shm", "kabar-server restore FILE"] {
            assert!(line.contains(expected), "{line}");
        }
        assert!(files(&home.data()) == before, "nothing changed");
    }
    for command in ["check", "history"] {
        let (code, _, stderr) = home.command(command, &[]);
        assert!(code == Some(1) && stderr.join(" ").contains("kabar-server restore FILE"), "{code:?} {stderr:?}");
        assert!(files(&home.data()) == before, "nothing changed by {command}");
    }
    let (code, _, stderr) = home.command("restore", &[text(&backup)]);
    assert_eq!(code, Some(0), "{stderr:?}");
    assert_eq!(home.texts(&[]), by("anna", &lines("old", 3)));
    assert_eq!(files(&home.data()).len(), 1 + before.len(), "the replaced files are kept");
    home.assert_undamaged();
    room.restart();
    post_all(&room, "anna", &lines("new", 2));
    assert_eq!(home.texts(&[]), by("anna", &[lines("old", 3), lines("new", 2)].concat()));
}

#[cfg(unix)]
#[test]
fn an_unwritable_history_is_named_and_not_changed() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let mut room = home.serve();
    post_all(&room, "anna", &lines("line", 3));
    room.stop();
    let data = home.data();
    let id = Command::new("id").arg("-u").output().expect("id");
    let is_root = id.stdout.starts_with(b"0\n");
    // Root may write everything, so the server runs as another user.
    let mut arguments = vec![text(&program("kabar-server")).to_owned()];
    if is_root {
        let given = Command::new("chown").args(["-R", "nobody", text(&data)]).status();
        assert!(given.is_ok_and(|status| status.success()));
        arguments.splice(0..0, ["setpriv", "--reuid=nobody", "--clear-groups"].map(str::to_owned));
    }
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
    mode(home.path(), 0o755);
    for (directory, file) in [(0o500, 0o600), (0o500, 0o400), (0o700, 0o400)] {
        mode(&home.history(), file);
        mode(&data, directory);
        let before = files(&data);
        let mut server = Command::new(&arguments[0]);
        let server = server.args(&arguments[1..]).args(["--listen", "127.0.0.1:0", "--data-dir", text(&data)]);
        let output = server.stdin(Stdio::null()).output().expect("a server");
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        mode(&data, 0o700);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(line.contains("is not writable") && line.contains(text(&home.history())), "{line}");
        assert!(files(&data) == before, "{line}");
    }
}

#[test]
fn an_empty_history_is_reported() {
    let home = Home::new();
    let mut room = home.serve();
    post_all(&room, "anna", &lines("line", 3));
    room.stop();
    fs::write(home.history(), "").expect("emptied");
    let line = failed_start(home.path(), &home.data());
    assert!(line.contains("is empty") && line.contains("kabar-server restore FILE"), "{line}");
    assert_eq!(fs::metadata(home.history()).expect("there").len(), 0);
}

#[cfg(unix)]
#[test]
fn too_few_open_files_are_reported() {
    let home = Home::new();
    write_history(&home.data(), 10);
    let mut reported = 0;
    for limit in 4..12 {
        let script = format!(r#"ulimit -n {limit}; exec "$0" check --data-dir "$1""#);
        let mut check = Command::new("sh");
        let output = check.args(["-c", &script]).arg(program("kabar-server")).arg(home.data()).output();
        let output = output.expect("a shell");
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!line.contains("(14)"), "{limit}: {line}");
        if line.contains("ulimit -n") {
            assert!(line.contains("too many open files") && line.contains("LimitNOFILE="), "{limit}: {line}");
            reported += 1;
        }
    }
    assert!(reported > 0, "one of them is too few");
}

#[test]
fn metrics_report_the_size_of_the_history() {
    use std::io::{Read, Write};
    let home = Home::new();
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--metrics", "127.0.0.1:0"]);
    post_all(&room, "anna", &lines("line", 3));
    let line = room.server.expect_stderr("metrics on http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("sent");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("answered");
    let value = |name: &str| {
        let line =
            page.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{name}: {page}"));
        line.split(' ').nth(1).and_then(|value| value.parse::<f64>().ok()).expect("a number")
    };
    assert!(value("kabar_store_bytes") > 0.0 && value("kabar_store_wal_bytes") >= 0.0);
    assert!(value("kabar_store_wal_pages") >= value("kabar_store_wal_pages_not_checkpointed"));
    assert!(value("kabar_store_wal_held").abs() < 0.5);
    assert!(page.contains("kabar_store_last_checkpoint{result=\"complete\"}"), "{page}");
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_overwrites_nothing() {
    let home = Home::new();
    let room = home.serve();
    post_all(&room, "anna", &lines("line", 5));
    let copy = home.path().join("copy.db");
    assert_eq!(home.command("backup", &[text(&copy)]).0, Some(0));
    let (code, _, stderr) = home.command("backup", &[text(&copy)]);
    assert!(code == Some(1) && stderr.len() == 1 && stderr[0].contains(text(&copy)), "{code:?} {stderr:?}");
    #[cfg(unix)]
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&copy).expect("there").permissions()) & 0o777,
        0o600
    );
    let data = home.path().join("elsewhere");
    fs::create_dir(&data).expect("created");
    fs::rename(copy, data.join("history.db")).expect("moved");
    let mut history = Process::start("kabar-server", home.path(), &["history", "--data-dir", text(&data)]);
    assert_eq!(history.wait(), Some(0));
    assert_eq!(history.stdout.iter().filter(|line| line.contains("anna: line")).count(), 5);
}

#[test]
fn history_finds_and_prints_messages() {
    let home = Home::new();
    let (code, _, stderr) = home.command("history", &[]);
    assert!(code == Some(1) && stderr.len() == 1 && stderr[0].contains("no history"), "{code:?} {stderr:?}");
    let room = home.serve();
    let texts = ["Apa kabar?", "colons: \"quotes\" * - ok", "baik \u{1f44b}", "kabar baik"].map(str::to_owned);
    post_all(&room, "anna", &texts);
    let found = |arguments: &[&str]| home.texts(arguments);
    assert_eq!(found(&[]), by("anna", &texts));
    assert_eq!(found(&["--search", "KABAR"]), ["anna: Apa kabar?", "anna: kabar baik"]);
    assert_eq!(found(&["--search", "baik kabar", "--last", "1"]), ["anna: kabar baik"]);
    for odd in ["\"quotes\"", "*", "-", "colons:"] {
        assert_eq!(found(&["--search", odd]), ["anna: colons: \"quotes\" * - ok"], "{odd}");
    }
    assert_eq!(found(&["--since", "2h"]), by("anna", &texts));
    assert_eq!(found(&["--since", "2999-01-01"]), Vec::<String>::new());
    let (code, _, stderr) = home.command("history", &["--since", "yesterday-ish"]);
    assert!(code == Some(2) && stderr.join("\n").contains("2h"), "{code:?} {stderr:?}");
    let (code, _, stderr) = home.command("history", &["--room", "attic"]);
    assert!(code == Some(1) && stderr.join("\n").contains("lobby"), "{code:?} {stderr:?}");

    let (code, objects, _) = home.command("history", &["--format", "json", "--search", "quotes"]);
    let object: serde_json::Value = serde_json::from_str(&objects[0]).expect("an object");
    assert_eq!(
        (code, &object["text"], &object["author"], &object["kind"]),
        (Some(0), &texts[1].as_str().into(), &"anna".into(), &"text".into())
    );
    assert!(
        object["seq"].is_u64()
            && object["time_ms"].is_u64()
            && object["time"].as_str().is_some_and(|time| time.ends_with('Z'))
    );
}

#[test]
fn closing_the_output_early_is_not_an_error() {
    let home = Home::new();
    write_history(&home.data(), 20_000);
    let script = r#"("$0" history --data-dir "$1"; echo "code $?" >&2) | head -1"#;
    let output = Command::new("sh")
        .args(["-c", script])
        .arg(program("kabar-server"))
        .arg(home.data())
        .output()
        .expect("a shell");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((stdout.lines().count(), stderr.trim()), (1, "code 0"));
}

#[test]
fn the_transcript_continues_and_repeats_nothing() {
    let home = Home::new();
    let path = home.path().join("chat_history.txt");
    for run in 0..2 {
        let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--transcript", text(&path)]);
        post_all(&room, "anna", &lines(&format!("run {run} line"), 3));
        room.stop();
    }
    let written = fs::read_to_string(&path).expect("a transcript");
    let (_, history, _) = home.command("history", &[]);
    assert_eq!(written.lines().collect::<Vec<_>>(), history, "the same lines in the same form");
    assert_eq!(written.matches("anna: run").count(), 6);

    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &["--transcript", "/dev/full"]);
    post_all(&room, "anna", &lines("unwritten", 3));
    post_all(&room, "anna", &lines("more", 3));
    room.server.signal("TERM");
    assert_eq!(room.server.wait(), Some(1), "{:?}", room.server.stderr);
    // One line when it begins, and one for all lines that are missing at the end.
    let complaints: Vec<_> = room.server.stderr.iter().filter(|line| line.contains("/dev/full")).collect();
    assert!(complaints.len() == 2 && complaints[1].contains("lines are missing"), "{complaints:?}");
}

#[test]
fn a_search_finds_entries_that_are_not_indexed_yet() {
    let home = Home::new();
    write_history(&home.data(), 2_000);
    let mut room = home.serve();
    assert_eq!(home.texts(&["--search", "ENTRY 1999"]), ["anna: entry 1999"]);
    let deadline = Instant::now() + TIMEOUT;
    let is_done = || home.command("check", &[]).1.iter().all(|line| !line.contains("are not in the search index yet"));
    while !is_done() {
        assert!(Instant::now() < deadline, "the index is filled in the background");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(home.texts(&["--search", "ENTRY 1999"]), ["anna: entry 1999"]);
    room.stop();
    home.assert_undamaged();
}
