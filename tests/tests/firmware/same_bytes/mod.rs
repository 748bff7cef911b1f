//! Same seed, same bytes: the device's client says on a Cortex-M and on a RISC-V, byte for byte,
//! what it says on a laptop.
//!
//! An exchange over a bad path is recorded on the laptop in virtual time: a handshake, a join,
//! posts, talk, a server that starts again, leaving. The script of it, every call and every
//! datagram that came, goes to the emulated processor, which makes the same calls. The two differ
//! in the width of their words and in the code that encrypts, signs and hashes; what they say does
//! not.
//!
//! * [`plan`]: what happens, and when. [`path`]: what happens to the datagrams.
//! * [`exchange`]: device, server and another member, recorded.

mod exchange;
mod path;
mod plan;

use exchange::{NAME, Recording, record};
use kabar_core::chat::EntryKind;
use kabar_core::internals::io::Reader;
use kabar_embedded_example::script::{Replay, ReplayError};
use kabar_tests::qemu::{Board, Cable, Machine, Program, image};
use plan::LONGEST;

/// Where a step says which call it is: behind the moment.
const CALL: usize = 8;
/// The call of a datagram, and that of a post.
const DATAGRAM: u8 = 2;
const POST: u8 = 4;

#[test]
fn same_seed_same_bytes_on_laptop_cortex_m_and_risc_v() {
    for (seed, boards) in [(1, &[Board::An386, Board::An385, Board::Virt][..]), (2, &[Board::An386])] {
        let recording = record(seed);
        agrees(&recording.told, &replay(&recording.script).expect("a script"), "the laptop, the second time");
        for &board in boards {
            agrees(&recording.told, &replay_on(board, &recording.script), &format!("{board:?}"));
        }
    }
}

#[test]
fn what_is_compared_has_a_handshake_a_join_loss_and_all_that_a_member_does() {
    let recording = record(1);
    let [up, down] = &recording.path.ways;
    println!("{} bytes of script, {} of what was told\n{up:?}\n{down:?}", recording.script.len(), recording.told.len());
    for (way, kinds) in [(up, [0x11, 0x13, 0x15]), (down, [0x12, 0x14, 0x15])] {
        assert!(kinds.iter().all(|kind| way.lost.contains(kind)), "each kind of packet is lost once: {way:?}");
        assert!(way.sent >= 60 && way.doubled >= 5 && way.late >= 3 && way.damaged >= 3, "{way:?}");
    }
    let counters = recording.counters;
    assert!(counters.connection.resent >= 5 && counters.connection.replayed >= 5, "{counters:?}");
    assert!(counters.connections == 2 && counters.damaged >= 3, "{counters:?}");
    assert!(recording.ended.as_micros() > u32::MAX.into(), "time outgrows 32 bits");
    let happenings = [
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
    for what in happenings {
        assert!(recording.told.contains(what), "{what}\n{}", recording.told);
    }

    let lens: Vec<usize> = recording.posts.iter().map(|(_, body)| body.len()).collect();
    assert!(lens.len() >= 12 && lens.contains(&LONGEST) && lens.contains(&0), "{lens:?}");
    let stored = recording.log.iter().filter(|entry| entry.author == NAME && entry.kind.is_postable());
    let stored: Vec<(EntryKind, Vec<u8>)> = stored.map(|entry| (entry.kind, entry.body.clone())).collect();
    assert!(stored == recording.posts, "every post is stored once, in order");
}

#[test]
fn another_seed_gives_other_bytes_and_the_same_seed_the_same_exchange() {
    let [first, again, other] = [record(1), record(1), record(2)];
    assert!(first.script == again.script && first.told == again.told);
    let difference = first_difference(&first.told, &other.told).expect("other randomness");
    assert!(difference.starts_with("step 1 at "), "from the first Hello on: {difference}");
}

#[test]
fn one_changed_byte_of_one_input_is_found_and_its_step_named() {
    let Recording { script, told, .. } = record(1);
    let (mut datagrams, mut posts) = (0, 0);
    for (index, range) in steps(&script).into_iter().enumerate() {
        let number = index + 1;
        let section = section(&told, number);
        let (is_eventful, is_taken) = (section.contains("Entry {"), section.contains("Ok("));
        match script[range.start + CALL] {
            DATAGRAM if is_eventful => datagrams += 1,
            // The first waits for a connection; it is found later, when it leaves.
            POST if is_taken && range.len() > CALL + 2 => posts += 1,
            _ => continue,
        }
        let mut changed = script.clone();
        changed[range.end - 1] ^= 1;
        let told_then = replay(&changed).expect("the layout is untouched");
        let difference =
            first_difference(&told, &told_then).unwrap_or_else(|| panic!("step {number} makes no difference"));
        let named: usize = difference.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("it names the step");
        assert!(named >= number, "a change in step {number} shows earlier: {difference}");
        assert!(named == number || !is_eventful, "a change in step {number} shows later: {difference}");
    }
    assert!(datagrams >= 10 && posts >= 10, "{datagrams}, {posts}");
}

/// Where the steps lie in a script, without their lengths.
fn steps(script: &[u8]) -> Vec<std::ops::Range<usize>> {
    let (mut reader, mut steps) = (Reader::new(script), Vec::new());
    while !reader.is_empty() {
        let len = reader.bytes_u16().expect("whole steps").len();
        let end = script.len() - reader.remaining();
        steps.push(end - len..end);
    }
    steps
}

/// What was told of a step.
fn section(told: &str, number: usize) -> &str {
    told.split("step ").nth(number).expect("a section for each step")
}

/// What the client says on this computer.
fn replay(script: &[u8]) -> Result<String, ReplayError> {
    let (mut told, mut rest) = (String::new(), script);
    let read = |bytes: &mut [u8]| {
        let Some((now, later)) = rest.split_at_checked(bytes.len()) else { return false };
        bytes.copy_from_slice(now);
        rest = later;
        true
    };
    Replay::new().run(read, &mut told)?;
    Ok(told)
}

/// What the client says on `board`.
fn replay_on(board: Board, script: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let [script_path, told_path] = ["script", "log"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&script_path, script).expect("the folder takes files");
    let words = [format!("script={script_path}"), format!("log={told_path}")];
    let has_no = |stop| words.iter().all(|word| !word.contains(stop));
    assert!(has_no(' ') && has_no(','), "the emulator's command line takes no such path: {words:?}");
    let mut machine = Machine::start(&image(board, Program::Replay), Cable::Nobody, &words, &[]);
    assert_eq!(machine.wait(), Some(0), "{}", machine.transcript());
    std::fs::read_to_string(told_path).expect("text")
}

fn agrees(expected: &str, told: &str, who: &str) {
    if let Some(difference) = first_difference(expected, told) {
        panic!("{who} differs from the laptop at {difference}");
    }
}

/// The first step that differs, and how; `None`: nothing does.
fn first_difference(expected: &str, told: &str) -> Option<String> {
    let mut step = "the beginning";
    let mut others = told.lines();
    for line in expected.lines() {
        step = if line.starts_with("step ") { line } else { step };
        let other = others.next().unwrap_or("(nothing)");
        if line != other {
            let same = line.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
            let near = |line: &str| line.chars().skip(same.saturating_sub(40)).take(80).collect::<String>();
            return Some(format!(
                "{step}\n  from character {same} on\n  laptop: {}\n  there:  {}",
                near(line),
                near(other)
            ));
        }
    }
    others.next().map(|line| format!("{step}, behind which comes: {line}"))
}
