//! Figures: 100,000 entries in 50 rooms. Opening, the last page and all unread counts, as a ratio
//! to plain queries of the same file in the same run.
//!
//! `cargo test -p kabar-client --release history::tests::speed -- --ignored --nocapture`

use std::time::{Duration, Instant};

use kabar_std::search::Query;

use super::*;

const ROOMS: u64 = 50;
const ENTRIES: u64 = 100_000;
const ROUNDS: usize = 9;

#[test]
#[ignore = "a measurement"]
fn opening_with_many_entries() {
    let (_home, dir) = temporary_dir();
    let filled = Instant::now();
    fill(&dir);
    println!("{ENTRIES} entries stored and indexed in {:.1?}", filled.elapsed());
    let path = dir.join(&format!("history/{ANNA}.db"));
    println!("{} bytes", std::fs::metadata(&path).unwrap().len());
    let plain = median(|| {
        let connection = rusqlite::Connection::open(&path).unwrap();
        let last = "SELECT * FROM entries WHERE log = 1 ORDER BY seq DESC LIMIT 100";
        let mut last = connection.prepare(last).unwrap();
        assert_eq!(last.query_map([], |row| row.get::<_, String>(4)).unwrap().count(), 100);
        let counts = "SELECT log, count(*), sum(attention = 2) FROM entries WHERE attention > 0 GROUP BY log";
        let mut counts = connection.prepare(counts).unwrap();
        assert_eq!(counts.query_map([], |row| row.get::<_, i64>(1)).unwrap().count(), 50);
    });
    let ours = median(|| {
        let (writer, _) = Writer::open(&dir, ANNA).unwrap();
        let reader = writer.reader().unwrap();
        let rooms = reader.rooms().unwrap();
        assert_eq!(reader.page(rooms[0].room, Anchor::Last, 100).unwrap().entries().count(), 100);
        let unread: u64 = reader.summaries().unwrap().iter().map(|summary| summary.unread.entries).sum();
        assert_eq!(unread, ENTRIES);
    });
    println!(
        "plain queries {plain:.1?}, open + last page + unread of all rooms {ours:.1?}: ratio {:.2}",
        ratio(ours, plain)
    );
    let reader = Reader::open(&dir, ANNA).unwrap();
    for (words, what) in [("\"text 77777\"", "one"), ("text", "all"), ("te", "a short word"), ("qzx", "none")] {
        let query = Query::new(words).unwrap();
        let search = median(|| assert!(reader.search(&query, None, None, 50).is_ok()));
        println!("search, {what}: {search:.1?}, ratio {:.2}", ratio(search, plain));
    }
    assert!(ours < Duration::from_millis(50));
}

fn fill(dir: &DataDir) {
    let mut writer = open(dir);
    for room in 0..ROOMS {
        let room = writer.room(&key(7), &format!("room{room}")).unwrap();
        let log = writer.begin(room, None, at(0, T1)).unwrap().log;
        for from in (1..=ENTRIES / ROOMS).step_by(500) {
            let first = (room.0.cast_unsigned() - 1) * ENTRIES / ROOMS;
            let texts: Vec<String> =
                (from..from + 500).map(|seq| format!("the text {} is as long as people write", first + seq)).collect();
            let entries: Vec<_> = (from..).zip(&texts).map(|(seq, body)| text(seq, body)).collect();
            append(&mut writer, log, &entries).unwrap();
        }
    }
    while writer.maintain().unwrap() {}
}

fn median(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
