//! A local history that fails during a run: the chat goes on, and nothing is lost.

use super::*;
use crate::history::{Anchor, LogRow, PageItem, Reader};

struct Run {
    front: Front,
    room: RoomId,
    identity: String,
}

impl Run {
    fn start(dir: &DataDir, address: SocketAddr) -> Self {
        let mut front = Front::start_in(dir.clone(), true);
        front.connect(address, "lobby", "anna");
        let room = front.joined(ServerId(0));
        let identity = front.identity("anna").key.fingerprint();
        Self { front, room, identity }
    }

    /// Posts, and waits until it is delivered.
    fn post(&mut self, text: &str) -> u64 {
        self.front.post(self.room, text);
        self.front.text(self.room, text).seq
    }

    /// Posts until the history cannot be written.
    fn post_until_not_kept(&mut self) {
        while !self.front.seen.iter().any(|event| matches!(event, Event::HistoryNotKept(_))) {
            let number = self.front.seen.len();
            self.post(&format!("{number:->4000}"));
        }
    }

    /// The file is tried again.
    fn retry(&mut self) {
        self.front.histories.retry(&self.identity);
        // Something has to happen.
        self.post("something");
        self.front.ever("HistoryKeptAgain", |event| matches!(event, Event::HistoryKeptAgain).then_some(()));
    }

    /// Returns the recorded entries of the last log, and whether there is a gap.
    fn recorded(&self) -> (Vec<u64>, bool) {
        let reader = Reader::open(&self.front.dir, &self.identity).unwrap();
        let room = reader.rooms().unwrap()[0].room;
        let page = reader.page(room, Anchor::Last, 1000).unwrap();
        let log: Option<LogRow> = page.entries().map(|entry| entry.place.log).max();
        let seqs = page.entries().filter(|entry| Some(entry.place.log) == log).map(|entry| entry.place.seq).collect();
        (seqs, page.items.iter().any(|item| matches!(item, PageItem::Gap(_))))
    }
}

fn all_to(last: u64) -> (Vec<u64>, bool) {
    ((1..=last).collect(), false)
}

#[test]
fn what_came_in_on_a_full_disk_is_recorded_by_the_next_run() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let mut first = Run::start(&dir, server.local_addr());
    let last = first.post("recorded");
    first.front.histories.fill_disk(&first.identity);
    first.post_until_not_kept();
    first.post("the chat goes on");
    let (recorded, has_gap) = first.recorded();
    assert!(recorded.len() as u64 >= last && !has_gap, "{recorded:?}");
    first.front.stop(LEAVE);
    assert_eq!(first.recorded().0, recorded, "the cursor stays");
    let mut second = Run::start(&dir, server.local_addr());
    let last = second.post("again");
    second.front.stop(LEAVE);
    assert_eq!(second.recorded(), all_to(last));
}

#[test]
fn what_came_in_on_a_full_disk_is_recorded_once_there_is_space() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let mut run = Run::start(&dir, server.local_addr());
    run.post("recorded");
    run.front.histories.fill_disk(&run.identity);
    run.post_until_not_kept();
    for number in 0..5 {
        run.post(&format!("missing {number}"));
    }
    run.retry();
    let give_up = Instant::now() + TIMEOUT;
    let mut last = 0;
    while run.recorded() != all_to(last) {
        let (recorded, has_gap) = run.recorded();
        assert!(Instant::now() < give_up && !has_gap, "{recorded:?}");
        last = run.post("more");
    }
    run.front.stop(LEAVE);
}

#[test]
fn a_file_that_was_replaced_begins_again() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let mut run = Run::start(&dir, server.local_addr());
    run.post("recorded");
    let path = dir.join(&format!("history/{}.db", run.identity));
    std::fs::rename(&path, path.with_extension("moved")).unwrap();
    run.post_until_not_kept();
    run.post("typed without an outbox");
    run.retry();
    let last = run.post("recorded again");
    run.front.stop(LEAVE);
    let (recorded, _) = run.recorded();
    assert_eq!(recorded.last(), Some(&last), "{recorded:?}");
    let unsent = |event: &Event| match event {
        Event::ServerEnded { unsent, kept, .. } => Some((*unsent, *kept)),
        _ => None,
    };
    assert_eq!(run.front.seen.iter().find_map(unsent), Some((0, 0)));
    let mut next = Run::start(&dir, server.local_addr());
    next.post("still there");
    next.front.stop(LEAVE);
}
