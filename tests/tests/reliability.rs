//! Real processes that are killed, suspended and cut off: posts that were reported as stored stay,
//! and everybody receives them once.

use std::time::{Duration, Instant};

use kabar_tests::process::Process;
use kabar_tests::room::{Member, Room, line, lines};

/// Repeats `act` for `span`.
fn repeat_for(span: Duration, mut act: impl FnMut()) {
    let end = Instant::now() + span;
    while Instant::now() < end {
        act();
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn stored_posts_survive_twenty_kills_of_the_server_under_load() {
    const KILLS: usize = 20;
    const LINES_PER_KILL: usize = 60;
    const NAMES: [&str; 3] = ["anna", "budi", "citra"];
    let mut room = Room::open_for_machines();
    let mut observer = room.join("observer");
    let mut writers = NAMES.map(|name| room.join(name));
    let mut posted = 0;
    for round in 1..=KILLS {
        for (writer, name) in writers.iter_mut().zip(NAMES) {
            writer.post((posted + 1..=posted + LINES_PER_KILL).map(|number| line(name, number)));
        }
        posted += LINES_PER_KILL;
        // The kill happens at a different position each time.
        let before = observer.texts().count();
        observer.wait_for((before + 1 + round * 37 % 150).min(NAMES.len() * posted));
        room.kill_and_restart();
    }
    for (writer, name) in writers.iter_mut().zip(NAMES) {
        assert_eq!(writer.leave(), Some(0), "{name} has everything stored: {:?}", writer.process.stderr);
    }
    let all = NAMES.len() * posted;
    observer.wait_for(all);
    let log = room.log("reader", all);
    assert_eq!(log[0].seq, 1);
    for pair in log.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq + 1);
    }
    for (writer, name) in writers.iter().zip(NAMES) {
        let own: Vec<_> = log.iter().filter(|entry| entry.author == name && entry.kind == "text").collect();
        let texts: Vec<_> = own.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, lines(name, posted), "each of {name}'s lines once and in order");
        // Every post that was reported as stored is in the log.
        assert!(writer.stored.iter().any(|(number, _)| *number == posted as u64), "{:?}", writer.stored);
        for (number, seq) in writer.stored.iter().filter(|(_, seq)| *seq > 0) {
            let entry = &log[*seq as usize - 1];
            assert_eq!((entry.author.as_str(), &entry.text), (name, &line(name, *number as usize)));
        }
        assert!(writer.lost > 0, "{name} lost its connection");
    }
    for member in writers.iter().chain([&observer]) {
        member.assert_whole();
        let common = member.entries.len().min(log.len());
        assert_eq!(member.entries[..common], log[..common]);
    }
}

#[test]
fn five_thousand_lines_from_a_pipe_arrive_whole() {
    const LINES: usize = 5_000;
    let room = Room::open_for_machines();
    let mut reader = room.join("reader");
    let mut writer = room.join("writer");
    writer.post(lines("writer", LINES));
    assert_eq!(writer.leave(), Some(0), "{:?}", writer.process.stderr);
    reader.wait_for(LINES);
    assert_eq!(reader.texts_of("writer"), lines("writer", LINES));
    reader.assert_whole();
}

#[test]
fn a_client_that_is_suspended_for_20_seconds_loses_nothing_and_delays_nobody() {
    let room = Room::open();
    let mut sleeper = room.join("sleeper");
    let mut anna = room.join("anna");
    let mut budi = room.join("budi");
    sleeper.process.signal("STOP");
    sleeper.post(["meanwhile".to_owned()]);
    let mut posted = 0;
    repeat_for(Duration::from_secs(20), || {
        posted += 1;
        anna.post([line("anna", posted)]);
        budi.wait_for(posted);
    });
    sleeper.process.signal("CONT");
    sleeper.wait_for(posted + 1);
    assert_eq!(sleeper.texts_of("anna"), lines("anna", posted));
    sleeper.assert_whole();
    budi.wait_for(posted + 1);
    assert_eq!(budi.texts_of("sleeper"), ["meanwhile"]);
    assert_eq!(sleeper.leave(), Some(0), "{:?}", sleeper.process.stderr);
}

#[test]
fn a_server_that_is_suspended_for_10_seconds_loses_nothing() {
    let room = Room::open();
    let mut anna = room.join("anna");
    let mut budi = room.join("budi");
    room.server.signal("STOP");
    let mut posted = 0;
    repeat_for(Duration::from_secs(10), || {
        posted += 1;
        anna.post([line("anna", posted)]);
        budi.post([line("budi", posted)]);
    });
    room.server.signal("CONT");
    for member in [&mut anna, &mut budi] {
        member.wait_for(2 * posted);
        member.assert_whole();
        assert_eq!(member.texts_of("anna"), lines("anna", posted));
        assert_eq!(member.texts_of("budi"), lines("budi", posted));
    }
    assert_eq!((anna.leave(), budi.leave()), (Some(0), Some(0)));
}

/// A `kabar join` in a shell pipeline; `KABAR` stands for it in `script`.
fn in_shell(room: &Room, name: &str, script: &str) -> Process {
    let join = format!("\"$BIN/kabar\" join {} --name {name}", room.invite);
    Process::shell(&script.replace("KABAR", &join), &room.home_of(name))
}

#[test]
fn closing_the_pipe_ends_the_client_without_an_error() {
    let room = Room::open();
    let mut anna = room.join("anna");
    let mut short = in_shell(&room, "short", "{ KABAR; echo \"code $?\" >&2; } | head -1");
    short.expect_stderr("Joined ");
    anna.post(lines("anna", 100));
    short.expect_stderr("code 0");
    assert_eq!(short.wait(), Some(0));
    assert_eq!(short.stdout.len(), 1, "{:?}", short.stdout);
    // The room continues.
    anna.wait_for(100);
}

#[test]
fn a_client_without_input_prints_the_log_and_ends() {
    let room = Room::open();
    let mut anna = room.join("anna");
    anna.post(lines("anna", 10));
    anna.wait_for(10);
    for (name, script) in [("closed", "KABAR <&-"), ("empty", "KABAR </dev/null")] {
        let mut client = in_shell(&room, name, script);
        assert_eq!(client.wait(), Some(0), "{name}: {:?}", client.stderr);
        let shown: Vec<_> = client.stdout.iter().filter(|line| line.contains("anna: line")).collect();
        assert_eq!(shown.len(), 10, "{name}: {:?}", client.stdout);
    }
}

#[test]
fn a_client_without_output_posts_its_input() {
    let room = Room::open();
    let mut anna: Member = room.join("anna");
    for (at, (name, script)) in
        [("closed", "echo hello | KABAR >&-"), ("quiet", "echo hello | KABAR >/dev/null 2>&1")].into_iter().enumerate()
    {
        let mut client = in_shell(&room, name, script);
        assert_eq!(client.wait(), Some(0), "{name}: {:?}", client.stderr);
        anna.wait_for(at + 1);
        assert_eq!(anna.texts_of(name), ["hello"]);
    }
}
