//! Real processes that are killed, stopped and cut off: what a sender was told is stored stays, and
//! everybody sees it once.

use std::time::{Duration, Instant};

use kabar_tests::process::Process;
use kabar_tests::room::{Member, Room, line, lines};

/// Does `act` again and again for `span`.
fn keep_on(span: Duration, mut act: impl FnMut()) {
    let end = Instant::now() + span;
    while Instant::now() < end {
        act();
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_is_stored_survives_twenty_kills_of_the_server_under_load() {
    const KILLS: usize = 20;
    const LINES_PER_KILL: usize = 60;
    const NAMES: [&str; 3] = ["anna", "budi", "citra"];
    let mut room = Room::open();
    let mut observer = room.join("observer");
    let mut writers = NAMES.map(|name| room.join(name));
    let mut said = 0;
    for round in 1..=KILLS {
        for (writer, name) in writers.iter_mut().zip(NAMES) {
            writer.say((said + 1..=said + LINES_PER_KILL).map(|number| line(name, number)));
        }
        said += LINES_PER_KILL;
        // In the middle of it, each time somewhere else.
        let before = observer.texts().count();
        observer.see((before + 1 + round * 37 % 150).min(NAMES.len() * said));
        room.kill_and_restart();
    }
    for (writer, name) in writers.iter_mut().zip(NAMES) {
        assert_eq!(writer.leave(), Some(0), "{name} has everything stored: {:?}", writer.process.noticed);
    }
    let all = NAMES.len() * said;
    observer.see(all);
    let log = room.log("reader", all);
    assert_eq!(log[0].seq, 1);
    for pair in log.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq + 1);
    }
    for (writer, name) in writers.iter().zip(NAMES) {
        let own: Vec<_> = log.iter().filter(|entry| entry.author == name && entry.kind == "text").collect();
        let texts: Vec<_> = own.iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, lines(name, said), "each of {name}'s lines once and in order");
        // Every single time that something was said to be stored, it was, and there.
        assert!(writer.stored.iter().any(|(number, _)| *number == said as u64), "{:?}", writer.stored);
        for (number, seq) in writer.stored.iter().filter(|(_, seq)| *seq > 0) {
            let entry = &log[*seq as usize - 1];
            assert_eq!((entry.author.as_str(), &entry.text), (name, &line(name, *number as usize)));
        }
        assert!(writer.lost > 0, "{name} went through it");
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
    let room = Room::open();
    let mut reader = room.join("reader");
    let mut writer = room.join("writer");
    writer.say(lines("writer", LINES));
    assert_eq!(writer.leave(), Some(0), "{:?}", writer.process.noticed);
    reader.see(LINES);
    assert_eq!(reader.said_by("writer"), lines("writer", LINES));
    reader.assert_whole();
}

#[test]
fn a_client_that_is_stopped_for_20_seconds_loses_nothing_and_slows_nobody() {
    let room = Room::open();
    let mut sleeper = room.join("sleeper");
    let mut anna = room.join("anna");
    let mut budi = room.join("budi");
    sleeper.process.signal("STOP");
    sleeper.say(["meanwhile".to_owned()]);
    let mut said = 0;
    keep_on(Duration::from_secs(20), || {
        said += 1;
        anna.say([line("anna", said)]);
        budi.see(said);
    });
    sleeper.process.signal("CONT");
    sleeper.see(said + 1);
    assert_eq!(sleeper.said_by("anna"), lines("anna", said));
    sleeper.assert_whole();
    budi.see(said + 1);
    assert_eq!(budi.said_by("sleeper"), ["meanwhile"]);
    assert_eq!(sleeper.leave(), Some(0), "{:?}", sleeper.process.noticed);
}

#[test]
fn a_server_that_is_stopped_for_10_seconds_loses_nothing() {
    let room = Room::open();
    let mut anna = room.join("anna");
    let mut budi = room.join("budi");
    room.server.signal("STOP");
    let mut said = 0;
    keep_on(Duration::from_secs(10), || {
        said += 1;
        anna.say([line("anna", said)]);
        budi.say([line("budi", said)]);
    });
    room.server.signal("CONT");
    for member in [&mut anna, &mut budi] {
        member.see(2 * said);
        member.assert_whole();
        assert_eq!(member.said_by("anna"), lines("anna", said));
        assert_eq!(member.said_by("budi"), lines("budi", said));
    }
    assert_eq!((anna.leave(), budi.leave()), (Some(0), Some(0)));
}

/// A `kabar join` in a shell's pipeline, described by `script`.
fn in_shell(room: &Room, name: &str, script: &str) -> Process {
    let join = format!("\"$BIN/kabar\" join {} --name {name}", room.invite);
    Process::shell(&script.replace("KABAR", &join), &room.home_of(name))
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_client_quietly() {
    let room = Room::open();
    let mut anna = room.join("anna");
    let mut short = in_shell(&room, "short", "{ KABAR; echo \"code $?\" >&2; } | head -1");
    short.expect_notice("Joined ");
    anna.say(lines("anna", 100));
    short.expect_notice("code 0");
    assert_eq!(short.wait(), Some(0));
    assert_eq!(short.said.len(), 1, "{:?}", short.said);
    // The room goes on.
    anna.see(100);
}

#[test]
fn a_client_without_any_input_shows_what_was_said_and_ends() {
    let room = Room::open();
    let mut anna = room.join("anna");
    anna.say(lines("anna", 10));
    anna.see(10);
    for (name, script) in [("closed", "KABAR <&-"), ("empty", "KABAR </dev/null")] {
        let mut client = in_shell(&room, name, script);
        assert_eq!(client.wait(), Some(0), "{name}: {:?}", client.noticed);
        let shown: Vec<_> = client.said.iter().filter(|line| line.contains("anna: line")).collect();
        assert_eq!(shown.len(), 10, "{name}: {:?}", client.said);
    }
}

#[test]
fn a_client_without_any_output_says_what_it_has_to_say() {
    let room = Room::open();
    let mut anna: Member = room.join("anna");
    for (at, (name, script)) in
        [("closed", "echo hello | KABAR >&-"), ("quiet", "echo hello | KABAR >/dev/null 2>&1")].into_iter().enumerate()
    {
        let mut client = in_shell(&room, name, script);
        assert_eq!(client.wait(), Some(0), "{name}: {:?}", client.noticed);
        anna.see(at + 1);
        assert_eq!(anna.said_by(name), ["hello"]);
    }
}
