//! The device's client sends the same bytes on a Cortex-M, on a RISC-V and on a host.
//!
//! An exchange over a bad path is recorded on the host in virtual time: a handshake, a join, posts,
//! entries of others, a restart of the server, leaving. Its script, with every call and every
//! datagram received, goes to the emulated processor, which makes the same calls. The processors
//! differ in the width of their words and in the code that encrypts, signs and hashes.
//!
//! * [`plan`]: the events of the exchange and their times. [`path`]: the faults of the network.
//! * [`exchange`]: records device, server and another member.

mod exchange;
mod path;
mod plan;

use exchange::{NAME, Recording, record};
use kabar_core::chat::EntryKind;
use kabar_core::internals::io::Reader;
use kabar_embedded_example::script::{Replay, ReplayError};
use kabar_tests::qemu::{Board, Cable, Machine, Program, image};
use plan::LONGEST;

/// Offset of the call's number in a step: after the time.
const CALL: usize = 8;
/// The number of the call for a datagram.
const DATAGRAM: u8 = 2;
/// The number of the call for a post.
const POST: u8 = 4;

#[test]
fn same_seed_gives_same_bytes_on_host_cortex_m_and_risc_v() {
    for (seed, boards) in [(1, &[Board::An386, Board::An385, Board::Virt][..]), (2, &[Board::An386])] {
        let recording = record(seed);
        agrees(&recording.log, &replay(&recording.script).expect("a script"), "the second replay on the host");
        for &board in boards {
            agrees(&recording.log, &replay_on(board, &recording.script), &format!("{board:?}"));
        }
    }
}

#[test]
fn the_recording_covers_handshake_join_loss_and_every_call() {
    let recording = record(1);
    let [up, down] = &recording.path.ways;
    println!("{} bytes of script, {} bytes of log\n{up:?}\n{down:?}", recording.script.len(), recording.log.len());
    for (way, kinds) in [(up, [0x11, 0x13, 0x15]), (down, [0x12, 0x14, 0x15])] {
        assert!(kinds.iter().all(|kind| way.lost.contains(kind)), "each kind of packet is lost once: {way:?}");
        assert!(way.sent >= 60 && way.duplicated >= 5 && way.late >= 3 && way.damaged >= 3, "{way:?}");
    }
    let counters = recording.counters;
    assert!(counters.connection.resent >= 5 && counters.connection.replayed >= 5, "{counters:?}");
    assert!(counters.connections == 2 && counters.damaged >= 3, "{counters:?}");
    assert!(recording.ended.as_micros() > u32::MAX.into(), "the time exceeds 32 bits");
    let expected = [
        "is_resumed: false",
        "is_resumed: true",
        "Disconnected(Unknown)",
        "Stored {",
        "own: true",
        "own: false",
        "EntryTooLarge {",
        "Err(Full)",
        "OutboxWritable",
        "MemberListed {",
        "HistoryEntry {",
        "Ended(Left)",
    ];
    for text in expected {
        assert!(recording.log.contains(text), "{text}\n{}", recording.log);
    }

    let lens: Vec<usize> = recording.posts.iter().map(|(_, body)| body.len()).collect();
    assert!(lens.len() >= 12 && lens.contains(&LONGEST) && lens.contains(&0), "{lens:?}");
    let stored = recording.entries.iter().filter(|entry| entry.author == NAME && entry.kind.is_postable());
    let stored: Vec<(EntryKind, Vec<u8>)> = stored.map(|entry| (entry.kind, entry.body.clone())).collect();
    assert!(stored == recording.posts, "every post is stored once, in order");
}

#[test]
fn the_seed_determines_the_bytes() {
    let [first, again, other] = [record(1), record(1), record(2)];
    assert!(first.script == again.script && first.log == again.log);
    let difference = first_difference(&first.log, &other.log).expect("other randomness");
    assert!(difference.starts_with("step 1 at "), "from the first Hello on: {difference}");
}

#[test]
fn finds_one_changed_byte_and_names_its_step() {
    let Recording { script, log, .. } = record(1);
    let (mut datagrams, mut posts) = (0, 0);
    for (index, range) in steps(&script).into_iter().enumerate() {
        let number = index + 1;
        let section = section(&log, number);
        let (is_eventful, is_taken) = (section.contains("Entry {"), section.contains("Ok("));
        match script[range.start + CALL] {
            DATAGRAM if is_eventful => datagrams += 1,
            // The first post waits for a connection, so its bytes show in a later step.
            POST if is_taken && range.len() > CALL + 2 => posts += 1,
            _ => continue,
        }
        let mut changed = script.clone();
        changed[range.end - 1] ^= 1;
        let changed_log = replay(&changed).expect("the layout is untouched");
        let difference =
            first_difference(&log, &changed_log).unwrap_or_else(|| panic!("step {number} makes no difference"));
        let named: usize = difference.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("it names the step");
        assert!(named >= number, "a change in step {number} shows earlier: {difference}");
        assert!(named == number || !is_eventful, "a change in step {number} shows later: {difference}");
    }
    assert!(datagrams >= 10 && posts >= 10, "{datagrams}, {posts}");
}

/// The ranges of the steps in a script, without their length fields.
fn steps(script: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut reader, mut steps) = (Reader::new(script), Vec::new());
    while !reader.is_empty() {
        let len = reader.bytes_u16().expect("whole steps").len();
        let end = script.len() - reader.remaining();
        steps.push(end - len..end);
    }
    steps
}

/// The part of the log about one step.
fn section(log: &str, number: usize) -> &str {
    log.split("step ").nth(number).expect("a section for each step")
}

/// The log of a replay on this computer.
fn replay(script: &[u8]) -> Result<String, ReplayError> {
    let (mut log, mut rest) = (String::new(), script);
    let read = |bytes: &mut [u8]| {
        let Some((now, later)) = rest.split_at_checked(bytes.len()) else { return false };
        bytes.copy_from_slice(now);
        rest = later;
        true
    };
    Replay::new().run(read, &mut log)?;
    Ok(log)
}

/// The log of a replay on `board`.
fn replay_on(board: Board, script: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [script_path, log_path] = ["script", "log"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&script_path, script).expect("the folder takes files");
    let words = [format!("script={script_path}"), format!("log={log_path}")];
    let has_space = words.iter().any(|word| word.contains(' '));
    assert!(!has_space, "the firmware's command line is split at spaces: {words:?}");
    let mut machine = Machine::start(&image(board, Program::Replay), Cable::Nobody, &words, &[]);
    assert_eq!(machine.wait(), Some(0), "{}", machine.transcript());
    std::fs::read_to_string(log_path).expect("text")
}

fn agrees(expected: &str, log: &str, replayed_on: &str) {
    if let Some(difference) = first_difference(expected, log) {
        panic!("{replayed_on} differs from the recording at {difference}");
    }
}

/// The first step that differs, and how; `None`: the logs are equal.
fn first_difference(expected: &str, log: &str) -> Option<String> {
    let mut step = "the beginning";
    let mut others = log.lines();
    for line in expected.lines() {
        step = if line.starts_with("step ") { line } else { step };
        let other = others.next().unwrap_or("(nothing)");
        if line != other {
            let same = line.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
            let near = |line: &str| line.chars().skip(same.saturating_sub(40)).take(80).collect::<String>();
            return Some(format!(
                "{step}\n  from character {same} on\n  expected: {}\n  replayed: {}",
                near(line),
                near(other)
            ));
        }
    }
    others.next().map(|line| format!("{step}, after which follows: {line}"))
}
