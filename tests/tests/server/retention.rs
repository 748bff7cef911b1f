//! A member that lags behind what is kept of the log.

use kabar_tests::room::{Room, temp_home};
use serde_json::Value;

/// Entries that are kept.
const KEPT: usize = 20;
/// Lines that are posted while a member does not read: more than its buffers and those of the
/// server take.
const LINES: usize = 100;

fn line(number: usize) -> String {
    format!("{number} {}", "x".repeat(3_000))
}

#[test]
fn a_member_that_lags_behind_what_is_kept_joins_again_and_misses_nothing_else() {
    let home = temp_home();
    let mut room = Room::start(home.path());
    room.server.type_line(&format!("/room set lobby keep-entries {KEPT}"));
    room.server.expect("room lobby is changed");
    let (mut poster, mut reader) = (room.join("poster"), room.join("reader"));
    reader.process.signal("STOP");
    poster.post((1..=LINES).map(line));
    poster.wait_for(LINES);
    loop {
        room.server.type_line("/room list");
        if room.server.expect("lobby (open").contains(&format!(" {KEPT} entries")) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    reader.process.signal("CONT");
    while reader.texts().last().is_none_or(|entry| entry.text != line(LINES)) {
        reader.process.expect("\"type\":\"entry\"");
        reader.parse_output();
    }
    let objects = reader.process.stdout.iter().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let gaps: Vec<Value> = objects.filter(|object| object["type"] == "gap").collect();
    assert_eq!((gaps.len(), reader.lost), (1, 0), "one gap, on one connection");
    let (after, first) = (gaps[0]["after"].as_u64().expect("a seq"), gaps[0]["first"].as_u64().expect("a seq"));
    let head = poster.entries.last().expect("the last line").seq;
    assert_eq!(first, head + 1 - KEPT as u64);
    assert!(after + 1 < first, "{after} {first}");
    let begin = reader.entries[0].seq;
    let expected = poster.entries.iter().filter(|entry| (begin..=after).contains(&entry.seq) || entry.seq >= first);
    assert!(reader.entries.iter().eq(expected), "{:?}", reader.entries.iter().map(|it| it.seq).collect::<Vec<_>>());
}
