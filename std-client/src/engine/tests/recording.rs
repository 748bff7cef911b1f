//! What the engine records in the local history, and where it continues.

use kabar_core::chat::EntryKind;

use super::*;
use crate::command::Notify;
use crate::history::{Anchor, KnownRoomRow, LogRow, NOTIFY, PageItem, Reader};

impl Front {
    fn reader(&self) -> Reader {
        Reader::open(&self.dir, &self.identity("anna").key.fingerprint()).unwrap()
    }

    /// Returns the numbers of the recorded entries of the first room, by log.
    fn recorded(&self) -> Vec<(LogRow, u64)> {
        let reader = self.reader();
        let KnownRoomRow { room, .. } = reader.rooms().unwrap().remove(0);
        let page = reader.page(room, Anchor::Last, 1000).unwrap();
        assert!(!page.items.iter().any(|item| matches!(item, PageItem::Gap(_))), "{page:?}");
        page.entries().map(|entry| (entry.place.log, entry.place.seq)).collect()
    }

    /// The log that was reported last.
    fn log(&self) -> Option<LogRow> {
        let log = |event: &Event| if let Event::HistoryAt { log, .. } = event { Some(*log) } else { None };
        self.seen.iter().rev().find_map(log).flatten()
    }

    fn seqs(&self) -> Vec<u64> {
        self.seen
            .iter()
            .filter_map(|event| if let Event::Entry(entry) = event { Some(entry.seq) } else { None })
            .collect()
    }

    fn position(&self, matches: impl Fn(&Event) -> bool) -> Option<usize> {
        self.seen.iter().position(matches)
    }
}

/// Runs a front end until it has received these own texts.
fn run(dir: &DataDir, address: SocketAddr, replays_history: bool, texts: &[&str]) -> Front {
    run_as("anna", dir, address, replays_history, texts)
}

fn run_as(name: &str, dir: &DataDir, address: SocketAddr, replays_history: bool, texts: &[&str]) -> Front {
    let mut front = Front::start_in(dir.clone(), replays_history);
    front.connect(address, "lobby", name);
    let room = front.joined(ServerId(0));
    for text in texts {
        front.post(room, text);
        front.text(room, text);
    }
    front
}

#[test]
fn an_entry_is_recorded_before_it_is_delivered() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let mut front = run(&dir, server.local_addr(), true, &[]);
    let room = front.joined(ServerId(0));
    for number in 0..5 {
        front.post(room, &number.to_string());
        let entry = front.text(room, &number.to_string());
        let last = front.recorded().pop().map(|(_, seq)| seq);
        assert!(last >= Some(entry.seq), "{last:?} {}", entry.seq);
    }
    let (place, joined) = (
        front.position(|event| matches!(event, Event::HistoryAt { log: Some(_), .. })),
        front.position(|event| matches!(event, Event::Joined(_))),
    );
    assert!(place.is_some() && place < joined, "{:?}", front.seen);
    front.stop(Stop::Abort);
}

#[test]
fn a_next_run_continues_after_what_is_recorded() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let mut first = run(&dir, server.local_addr(), true, &["one", "two"]);
    first.stop(Stop::Abort);
    let (_other_home, other) = temporary_dir();
    run_as("bob", &other, server.local_addr(), true, &["meanwhile"]).stop(LEAVE);
    let before = first.recorded();
    let mut second = run(&dir, server.local_addr(), false, &["three"]);
    let first_new = before.last().map(|(_, seq)| seq + 1);
    assert_eq!(second.seqs().first().copied(), first_new, "the server sends nothing again");
    second.stop(Stop::Abort);
    let all: Vec<u64> = second.recorded().into_iter().map(|(_, seq)| seq).collect();
    assert_eq!(all, (1..=all.len() as u64).collect::<Vec<_>>());
    assert!(all.len() > before.len() + 2);
}

#[test]
fn what_was_recorded_and_not_displayed_is_delivered_before_the_rest() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    // No position is saved: nothing was displayed.
    run(&dir, server.local_addr(), true, &["one", "two"]).stop(Stop::Abort);
    let (_other_home, other) = temporary_dir();
    run_as("bob", &other, server.local_addr(), true, &["meanwhile"]).stop(LEAVE);
    let mut second = run(&dir, server.local_addr(), true, &["three"]);
    let seqs = second.seqs();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "in order, each once");
    let texts = second.seen.iter().filter_map(|event| match event {
        Event::Entry(entry) if entry.kind == EntryKind::TEXT => Some(body(entry)),
        _ => None,
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["one", "two", "meanwhile", "three"]);
    second.stop(Stop::Abort);
}

#[test]
fn a_reset_begins_another_log_and_keeps_the_earlier_one() {
    let server = serve("lobby", 0);
    let (address, (_home, dir)) = (server.local_addr(), temporary_dir());
    let mut first = run(&dir, address, true, &["one", "two"]);
    let former = first.log().unwrap();
    server.stop().unwrap();
    // Without its log.
    let _server = serve("lobby", address.port());
    first.until("HistoryReset", |event| matches!(event, Event::HistoryReset { .. }).then_some(()));
    let room = first.joined(ServerId(0));
    first.post(room, "again");
    first.text(room, "again");
    let later = first.log().unwrap();
    assert!(later > former);
    let recorded = first.recorded();
    let of = |log| recorded.iter().filter(|(of, _)| *of == log).count();
    assert!(of(former) >= 3 && of(later) >= 2, "{recorded:?}");
    first.stop(Stop::Abort);
    let mut second = run(&dir, address, true, &[]);
    assert!(!second.seen.iter().any(|event| matches!(event, Event::HistoryReset { .. })), "it is known");
    second.stop(Stop::Abort);
}

#[test]
fn pages_of_entries_that_are_requested_at_the_start_are_recorded() {
    const SINCE: u64 = 3;
    let server = serve("lobby", 0);
    let ((_home, dir), (_other_home, other)) = (temporary_dir(), temporary_dir());
    let mut bob = run_as("bob", &other, server.local_addr(), true, &["one", "two", "three", "four"]);
    let mut anna = Front::start_in(dir, true);
    let replay_from = ReplayFrom::Since(SINCE);
    let request = ServerRequest { replay_from, ..anna.request(server.local_addr(), "lobby", "anna") };
    anna.handle.send(Command::Connect(Box::new(request.into())));
    let room = anna.joined(ServerId(0));
    anna.post(room, "end");
    let last = anna.text(room, "end").seq;
    let give_up = Instant::now() + TIMEOUT;
    let recorded = |front: &Front| {
        let reader = front.reader();
        let row = reader.rooms().unwrap()[0].room;
        let page = reader.page(row, Anchor::Last, 1000).unwrap();
        page.entries().map(|entry| entry.place.seq).collect::<Vec<_>>()
    };
    while recorded(&anna) != (SINCE + 1..=last).collect::<Vec<_>>() {
        assert!(Instant::now() < give_up, "{:?}", recorded(&anna));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(anna.seqs().first(), Some(&(SINCE + 1)));
    bob.stop(LEAVE);
    anna.stop(LEAVE);
}

#[test]
fn a_session_goes_on_without_a_history() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    std::fs::write(dir.join("history"), "no directory").unwrap();
    let mut front = run(&dir, server.local_addr(), true, &["one"]);
    let reports = front.seen.iter().filter(|event| matches!(event, Event::HistoryNotKept(_))).count();
    assert_eq!(reports, 1, "{:?}", front.seen);
    front.stop(LEAVE);
}

#[test]
fn what_is_read_and_typed_is_kept() {
    let server = serve("lobby", 0);
    let (_home, dir) = temporary_dir();
    let mut anna = run(&dir, server.local_addr(), true, &[]);
    let (_other_home, other) = temporary_dir();
    run_as("bob", &other, server.local_addr(), true, &["hello", "anna: look"]).stop(LEAVE);
    let room = anna.joined(ServerId(0));
    let first = anna.ever("hello", |event| match event {
        Event::Entry(entry) if body(entry) == "hello" => Some(entry.seq),
        _ => None,
    });
    anna.ever("look", |event| matches!(event, Event::Entry(entry) if body(entry) == "anna: look").then_some(()));
    let unread = |front: &Front| front.reader().summaries().unwrap()[0].unread;
    assert_eq!((unread(&anna).entries, unread(&anna).mentions), (2, 1));
    anna.handle.send(Command::MarkRead { room, seq: first });
    anna.handle.send(Command::SaveDraft { room, text: "half".to_owned() });
    anna.handle.send(Command::SetNotify { room, notify: Notify::All });
    anna.until("NotifySet", |event| matches!(event, Event::NotifySet { notify: Notify::All, .. }).then_some(()));
    anna.stop(Stop::Abort);
    assert_eq!(unread(&anna).entries, 1);
    let summary = anna.reader().summaries().unwrap()[0];
    assert!(summary.has_draft);
    assert_eq!(anna.reader().setting(summary.room, NOTIFY), Ok(Some(Notify::All)));
}
