//! A process that appends and posts is killed again and again. After each kill the file is
//! consistent: the cursor is at the last entry of a range without gaps (S4), no line is lost, and
//! none is stored twice (S1).
//!
//! The child is this test program, with one ignored test. Its server is a file: a line per stored
//! post, written whole.

use std::collections::{HashSet, VecDeque};
use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::history::outbox::{Outbox, Resumption};

const DIR: &str = "KABAR_TEST_KILL_DIR";
const ROUNDS: u32 = 20;
const INSTANCE: u64 = 0x77;

/// What the child leaves: posts stored at the server, as (number, body), and accepted lines.
fn records(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line is whole, or was never written.
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
}

fn append_record(path: &Path, record: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(format!("{record}\n").as_bytes()).unwrap();
}

#[test]
#[ignore = "the child of killed_processes_lose_and_double_nothing"]
fn child() {
    let Ok(home) = env::var(DIR) else { return };
    let dir = DataDir::open(home.as_ref()).unwrap();
    let (server, accepted) = (dir.join("server"), dir.join("accepted"));
    let mut writer = open(&dir);
    let room = writer.room(&key(7), "lobby").unwrap();
    let mut outbox = Outbox::take(&writer).unwrap().unwrap();
    let Resumption { instance, settled } = outbox.resumption(room);
    // As the client: post all waiting lines, learn what is stored, and store the others.
    let mut stored = records(&server).len() as u64;
    assert!(instance == INSTANCE || (instance, settled, stored) == (0, 0, 0), "{instance} {settled} {stored}");
    outbox.assign(&mut writer, room, INSTANCE).unwrap();
    let lines = outbox.lines(&writer, room, 0, 1000).unwrap();
    let mut known: u64 = records(&accepted).len() as u64;
    let log = match writer.current(room).unwrap() {
        Some(current) => current.log,
        None => writer.begin(room, None, at(0, T1)).unwrap().log,
    };
    let mut post = |number: u64, body: &[u8]| {
        if number > stored {
            assert_eq!(number, stored + 1, "nothing is left out");
            append_record(&server, &format!("{number} {}", String::from_utf8_lossy(body)));
            stored = number;
        }
    };
    for line in lines {
        post(line.number, &line.body);
        let body: u64 = String::from_utf8_lossy(&line.body).parse().unwrap();
        known = known.max(body);
    }
    known = known.max(records(&server).len() as u64);
    let mut seq = writer.current(room).unwrap().unwrap().cursor.seq;
    outbox.settle(&mut writer, room, settled.max(records(&server).len() as u64)).unwrap();
    let mut on_the_way = VecDeque::new();
    loop {
        known += 1;
        let body = known.to_string();
        let number = outbox.push(&mut writer, room, &[(EntryKind::TEXT, body.as_bytes())]).unwrap();
        append_record(&accepted, &body);
        on_the_way.push_back((number, body));
        append_range(&mut writer, log, seq.saturating_sub(2).max(1)..=seq + 3);
        seq += 3;
        // Lines arrive later, and it takes a while until that is known.
        if on_the_way.len() > 5 {
            let arrived: Vec<_> = on_the_way.drain(..4).collect();
            arrived.iter().for_each(|(number, body)| post(*number, body.as_bytes()));
            outbox.settle(&mut writer, room, number - 3).unwrap();
        }
    }
}

#[test]
fn killed_processes_lose_and_double_nothing() {
    let (home, dir) = temporary_dir();
    let began = Instant::now();
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "history::tests::kill::child", "--ignored", "--nocapture"])
            .env(DIR, home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It is killed soon after it began to work, at any place.
        let before = records(&dir.join("accepted")).len();
        while records(&dir.join("accepted")).len() == before && began.elapsed() < Duration::from_secs(60) {
            assert!(child.try_wait().unwrap().is_none(), "{}", words(child));
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_micros(u64::from(round) * 1_700 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        total = check(&dir);
    }
    assert!(total > u64::from(ROUNDS), "{total}");
}

fn words(child: std::process::Child) -> String {
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stderr).into_owned()
}

/// Returns the number of lines at the server.
fn check(dir: &DataDir) -> u64 {
    let server = records(&dir.join("server"));
    for (number, record) in (1..).zip(&server) {
        assert_eq!(record, &format!("{number} {number}"), "each line once, in order");
    }
    let mut writer = open(dir);
    let room = writer.room(&key(7), "lobby").unwrap();
    let mut outbox = Outbox::take(&writer).unwrap().unwrap();
    let Resumption { settled, .. } = outbox.resumption(room);
    assert!(settled <= server.len() as u64, "nothing is settled that is not stored");
    let waiting: HashSet<_> = outbox.lines(&writer, room, 0, 1000).unwrap().into_iter().map(|line| line.body).collect();
    for accepted in records(&dir.join("accepted")) {
        let is_stored = accepted.parse::<usize>().unwrap() <= server.len();
        assert!(is_stored || waiting.contains(accepted.as_bytes()), "{accepted} is lost");
    }
    let (_, cursor, _) = cursor(&mut writer, room);
    let shown = all(&writer, room);
    let last = shown.split(' ').next_back().filter(|last| !last.is_empty()).map_or(0, |last| last.parse().unwrap());
    assert!(cursor == last && !shown.contains('['), "{cursor} {shown}");
    server.len() as u64
}
