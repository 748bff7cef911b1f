//! Commits and entries per second of the store on disk, compared with an append and fdatasync of
//! the same bytes in the same directory: `cargo bench -p kabar-tests --bench store`.
//! `KABAR_BENCH_DIR` selects the disk (default: the directory for temporary files).

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use kabar_core::chat::EntryKind;
use kabar_core::crypto::identity::PublicIdentity;
use kabar_server::store::{InstanceRecord, LogEntry, RoomBatch, SqliteStore, Store};
use kabar_std::data_dir::DataDir;

const BODY: usize = 170;
const TIME: Duration = Duration::from_millis(1_500);
/// Both are measured in turns, so that other load affects both.
const TURNS: u32 = 4;

fn main() {
    let home = match std::env::var_os("KABAR_BENCH_DIR") {
        Some(directory) => tempfile::tempdir_in(directory),
        None => tempfile::tempdir(),
    };
    let home = home.expect("a directory");
    println!("{:>6} {:>12} {:>12} {:>16} {:>7}", "batch", "commits/s", "entries/s", "append+sync/s", "ratio");
    for size in [1, 32, 512] {
        let mut store = Writer::open(&home.path().join(size.to_string()));
        let mut file = File::create(home.path().join("append")).expect("a file");
        let (mut commits, mut appends) = (0.0, 0.0);
        for _ in 0..TURNS {
            commits += per_second(|| store.commit(size));
            appends += per_second(|| append(&mut file, size));
        }
        let (commits, appends) = (commits / f64::from(TURNS), appends / f64::from(TURNS));
        let entries = commits * size as f64;
        println!("{size:>6} {commits:>12.0} {entries:>12.0} {appends:>16.0} {:>7.2}", commits / appends);
    }
}

fn per_second(mut action: impl FnMut()) -> f64 {
    let (begin, mut count) = (Instant::now(), 0_u32);
    while begin.elapsed() < TIME / TURNS {
        action();
        count += 1;
    }
    f64::from(count) / begin.elapsed().as_secs_f64()
}

fn append(file: &mut File, size: u64) {
    let bytes = vec![b'x'; BODY * usize::try_from(size).expect("small")];
    file.write_all(&bytes).and_then(|()| file.sync_data()).expect("written");
}

struct Writer {
    store: SqliteStore,
    head: u64,
}

impl Writer {
    fn open(directory: &Path) -> Self {
        let store = SqliteStore::open(&DataDir::open(directory).expect("a directory")).expect("a history");
        Self { store, head: 0 }
    }

    fn commit(&mut self, size: u64) {
        let entry = |seq| LogEntry {
            seq,
            time_ms: 1_730_457_430_000 + seq,
            author: "anna".into(),
            instance: 5,
            number: seq,
            kind: EntryKind::TEXT,
            body: vec![b'x'; BODY],
        };
        let last = self.head + size;
        let instance = InstanceRecord {
            instance: 5,
            identity: PublicIdentity([1; 32]),
            highest: last,
            highest_seq: last,
            seen_ran_ms: 0,
        };
        let entries = (self.head + 1..=last).map(entry).collect();
        let batch = RoomBatch { room: "lobby".into(), entries, instances: vec![instance], ..RoomBatch::default() };
        self.store.commit(&batch.into()).expect("committed");
        self.head = last;
    }
}
