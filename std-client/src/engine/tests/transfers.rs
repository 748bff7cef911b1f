//! Files between members of a room.

use std::fs;
use std::path::{Path, PathBuf};

use kabar_core::chat::File;
use kabar_core::content::{GROUP_LEN, Root};
use kabar_server::contents::FileContents;

use super::*;
use crate::engine::event::{Transfer, TransferFailure, TransferState, Wait};
use crate::history::FileEntry;
use crate::transfers::{Destination, FileFailure, TransferId, part_path};

/// Length of a file whose transfer takes a while.
const LARGE: usize = 40_000_001;

/// A server that can be started again with what it has stored.
struct Host {
    store: Arc<Mutex<MemoryStore>>,
    contents: tempfile::TempDir,
    port: u16,
    takes_files: bool,
    server: Option<Server>,
}

impl Host {
    fn start() -> Self {
        let contents = tempfile::tempdir().unwrap();
        let store = Arc::new(Mutex::new(MemoryStore::new()));
        let mut host = Self { store, contents, port: 0, takes_files: true, server: None };
        host.resume();
        host
    }

    fn resume(&mut self) {
        let (store, on_event) = (Arc::clone(&self.store), Box::new(|_| ()));
        let contents = FileContents::new(self.contents.path());
        let parts =
            Parts { key: key(), verifier: NoPassword, store: Arc::clone(&store), reader: store, contents, on_event };
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, self.port).into()).unwrap();
        let mut config = HubConfig::new("lobby", SECRET);
        if !self.takes_files {
            config.limits.file_bytes = 0;
        }
        let server = Server::start(listener, config, parts).unwrap();
        self.port = server.local_addr().port();
        self.server = Some(server);
    }

    fn stop(&mut self) {
        self.server.take().unwrap().stop().unwrap();
    }

    fn join(&self, dir: &DataDir, name: &str) -> (Front, RoomId) {
        let mut front = Front::start_in(dir.clone(), true);
        front.connect((Ipv4Addr::LOCALHOST, self.port).into(), "lobby", name);
        let room = front.joined(ServerId(0));
        (front, room)
    }
}

fn content(len: usize) -> Vec<u8> {
    (0..len).map(|at| ((at / 5) ^ (at >> 10)) as u8).collect()
}

fn write(dir: &DataDir, name: &str, content: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, content).unwrap();
    path
}

fn send(front: &Front, room: RoomId, path: &Path) {
    front.handle.send(Command::Send { room, path: path.to_owned(), name: None });
}

fn get(front: &Front, room: RoomId, entry: FileEntry) {
    front.handle.send(Command::Get { room, file: WantedFile::Entry(entry), to: None });
}

/// The next change of a transfer for which `find` returns something.
fn transfer<T>(front: &mut Front, what: &str, find: impl Fn(&Transfer) -> Option<T>) -> T {
    front.until(what, |event| if let Event::Transfer(transfer) = event { find(transfer) } else { None })
}

/// The end of the next transfer that ends.
fn end(front: &mut Front) -> TransferState {
    transfer(front, "the end of a transfer", |transfer| transfer.state.is_end().then(|| transfer.state.clone()))
}

fn received(front: &mut Front) -> PathBuf {
    match end(front) {
        TransferState::Received(path) => path,
        other => panic!("{other:?}"),
    }
}

/// Waits until something of the file is transferred, and not all of it.
fn in_the_middle(front: &mut Front) {
    transfer(front, "progress", |transfer| match transfer.state {
        TransferState::Running(measured) => (measured.done > 4 * GROUP_LEN as u64).then_some(()),
        _ => None,
    });
}

/// The next transfer that begins to run.
fn running(front: &mut Front) -> TransferId {
    transfer(front, "a transfer that runs", |transfer| {
        matches!(transfer.state, TransferState::Running(_)).then_some(transfer.id)
    })
}

/// The names in the file entries of the room, and their seqs.
fn files(front: &mut Front, room: RoomId) -> Vec<(u64, String)> {
    front.handle.send(Command::History { room, before: 0, count: 50 });
    let page = front
        .until("HistoryPage", |event| if let Event::HistoryPage(page) = event { Some(page.clone()) } else { None });
    let named = |entry: &Entry| match &entry.content {
        EntryContent::Body(body) if entry.kind == EntryKind::FILE => {
            Some((entry.seq, File::decode(body).unwrap().name().to_owned()))
        }
        _ => None,
    };
    page.entries.iter().filter_map(named).collect()
}

#[test]
fn files_arrive_whole_at_other_members() {
    let host = Host::start();
    let ((_anna_home, anna_dir), (_ben_home, ben_dir)) = (temporary_dir(), temporary_dir());
    let (mut anna, room) = host.join(&anna_dir, "anna");
    let (mut ben, at_ben) = host.join(&ben_dir, "ben");
    for (name, len) in [("empty", 0), ("small.txt", 9), ("large.bin", 3_000_001)] {
        let content = content(len);
        send(&anna, room, &write(&anna_dir, name, &content));
        let TransferState::Sent(seq) = end(&mut anna) else { panic!("{:?}", anna.seen) };
        let found = ben.ever("the entry", |event| match event {
            Event::Entry(entry) if entry.seq == seq => Some(entry.kind),
            _ => None,
        });
        assert_eq!(found, EntryKind::FILE);
        get(&ben, at_ben, FileEntry::Seq(seq));
        let path = received(&mut ben);
        assert_eq!(path, ben_dir.join("downloads").join(name));
        assert_eq!(fs::read(path).unwrap(), content, "{name}");
    }
    get(&ben, at_ben, FileEntry::Named("small.txt".to_owned()));
    assert_eq!(received(&mut ben), ben_dir.join("downloads/small (1).txt"));
    get(&ben, at_ben, FileEntry::Named("nothing".to_owned()));
    ben.until("TransferNotStarted", |event| {
        matches!(event, Event::TransferNotStarted { why: TransferFailure::NoSuchFile, .. }).then_some(())
    });
    anna.stop(LEAVE);
    ben.stop(LEAVE);
}

#[test]
fn many_files_at_once_arrive_in_both_directions() {
    const FILES: usize = 20;
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    for number in 0..FILES {
        send(&anna, room, &write(&dir, &format!("file-{number}"), &content(number * 20_000)));
    }
    for _ in 0..FILES {
        assert!(matches!(end(&mut anna), TransferState::Sent(_)));
    }
    let files = files(&mut anna, room);
    assert_eq!(files.len(), FILES);
    files.iter().for_each(|(seq, _)| get(&anna, room, FileEntry::Seq(*seq)));
    (0..FILES).for_each(|_| drop(received(&mut anna)));
    for number in 0..FILES {
        assert_eq!(fs::read(dir.join(&format!("downloads/file-{number}"))).unwrap(), content(number * 20_000));
    }
    anna.stop(LEAVE);
}

#[test]
fn transfers_go_on_after_the_client_was_stopped() {
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let content = content(LARGE);
    let (mut anna, room) = host.join(&dir, "anna");
    send(&anna, room, &write(&dir, "large.bin", &content));
    in_the_middle(&mut anna);
    anna.stop(Stop::Abort);
    // Nobody sends it again.
    let (mut anna, room) = host.join(&dir, "anna");
    assert!(matches!(end(&mut anna), TransferState::Sent(_)));
    let began = anna.seen.iter().find_map(|event| match event {
        Event::Transfer(Transfer { state: TransferState::Running(measured), .. }) => Some(measured.done),
        _ => None,
    });
    assert!(began >= Some(GROUP_LEN as u64), "it goes on where it was: {began:?}");
    let (seq, name) = files(&mut anna, room).remove(0);
    assert_eq!(name, "large.bin");
    get(&anna, room, FileEntry::Seq(seq));
    in_the_middle(&mut anna);
    anna.stop(Stop::Abort);
    assert!(!dir.join("downloads/large.bin").exists());
    let (mut anna, room) = host.join(&dir, "anna");
    let path = received(&mut anna);
    assert_eq!(fs::read(path).unwrap(), content);
    assert_eq!(files(&mut anna, room).len(), 1, "posted once");
    anna.stop(LEAVE);
    let (mut anna, room) = host.join(&dir, "anna");
    anna.handle.send(Command::ListTransfers { server: room.server });
    anna.until("Transfers", |event| {
        matches!(event, Event::Transfers { transfers, .. } if transfers.is_empty()).then_some(())
    });
    anna.stop(LEAVE);
}

#[test]
fn an_upload_goes_on_that_was_stopped_before_its_file_was_hashed() {
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    let path = write(&dir, "large.bin", b"");
    // Nothing is on the disk; hashing takes many seconds.
    fs::File::options().write(true).open(&path).unwrap().set_len(15 << 30).unwrap();
    send(&anna, room, &path);
    transfer(&mut anna, "the upload", |_| Some(()));
    anna.stop(Stop::Abort);
    write(&dir, "large.bin", &content(50_000));
    let (mut anna, room) = host.join(&dir, "anna");
    assert!(matches!(end(&mut anna), TransferState::Sent(_)));
    assert_eq!(files(&mut anna, room).len(), 1);
    anna.stop(LEAVE);
}

#[test]
fn a_damaged_partial_file_is_received_again() {
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    let content = content(100_000);
    send(&anna, room, &write(&dir, "report.bin", &content));
    let TransferState::Sent(seq) = end(&mut anna) else { panic!("{:?}", anna.seen) };
    let root = Root::of(&content);
    let to = Destination::Folder { folder: dir.join("downloads"), name: "report.bin".to_owned() };
    fs::create_dir_all(to.folder()).unwrap();
    fs::write(part_path(&to, root), vec![1; 2 * GROUP_LEN]).unwrap();
    get(&anna, room, FileEntry::Seq(seq));
    transfer(&mut anna, "the damage", |transfer| {
        matches!(transfer.state, TransferState::Waiting(Wait::Damaged)).then_some(())
    });
    assert_eq!(fs::read(received(&mut anna)).unwrap(), content);
    anna.stop(LEAVE);
}

#[test]
fn files_have_a_media_type_and_no_number_among_the_lines() {
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    send(&anna, room, &write(&dir, "report", b"%PDF-1.7"));
    let TransferState::Sent(seq) = end(&mut anna) else { panic!("{:?}", anna.seen) };
    let media_type = anna.ever("the entry", |event| match event {
        Event::Entry(Entry { seq: of, content: EntryContent::Body(body), .. }) if *of == seq => {
            Some(File::decode(body).unwrap().media_type().to_owned())
        }
        _ => None,
    });
    assert_eq!(media_type, "application/pdf");
    anna.post(room, "the first line");
    anna.ever("Posted", |event| matches!(event, Event::Posted { number: 1, .. }).then_some(()));
    anna.ever("Stored", |event| matches!(event, Event::Stored { number: 1, seq: 1.., .. }).then_some(()));
    anna.stop(LEAVE);
    let is_other = |event: &Event| matches!(event, Event::Stored { number, .. } if *number != 1);
    assert!(!anna.seen.iter().any(is_other), "{:?}", anna.seen);
}

#[test]
fn transfers_go_on_after_the_server_was_stopped() {
    let mut host = Host::start();
    let (_home, dir) = temporary_dir();
    let content = content(LARGE);
    let (mut anna, room) = host.join(&dir, "anna");
    send(&anna, room, &write(&dir, "large.bin", &content));
    in_the_middle(&mut anna);
    host.stop();
    host.resume();
    let TransferState::Sent(seq) = end(&mut anna) else { panic!("{:?}", anna.seen) };
    get(&anna, room, FileEntry::Seq(seq));
    in_the_middle(&mut anna);
    host.stop();
    host.resume();
    let path = received(&mut anna);
    assert_eq!(fs::read(path).unwrap(), content);
    assert_eq!(files(&mut anna, room).len(), 1, "posted once");
    anna.stop(LEAVE);
}

#[test]
fn cancelled_transfers_leave_nothing() {
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    let large = write(&dir, "large.bin", &content(LARGE));
    send(&anna, room, &large);
    let id = running(&mut anna);
    anna.handle.send(Command::CancelTransfer { server: room.server, transfer: id });
    assert!(matches!(end(&mut anna), TransferState::Cancelled));
    assert!(files(&mut anna, room).is_empty());
    // The connection is the same, and goes on.
    send(&anna, room, &large);
    let TransferState::Sent(seq) = end(&mut anna) else { panic!("{:?}", anna.seen) };
    get(&anna, room, FileEntry::Seq(seq));
    let id = running(&mut anna);
    anna.handle.send(Command::CancelTransfer { server: room.server, transfer: id });
    assert!(matches!(end(&mut anna), TransferState::Cancelled));
    anna.post(room, "after it");
    anna.text(room, "after it");
    anna.stop(LEAVE);
    assert_eq!(fs::read_dir(dir.join("downloads")).unwrap().count(), 0);
}

#[test]
fn what_cannot_be_sent_is_reported() {
    let host = Host::start();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    send(&anna, room, dir.path());
    let TransferState::Failed(TransferFailure::File(FileFailure::Directory)) = end(&mut anna) else {
        panic!("{:?}", anna.seen)
    };
    send(&anna, room, Path::new("/"));
    anna.until("TransferNotStarted", |event| {
        matches!(event, Event::TransferNotStarted { why: TransferFailure::Name, .. }).then_some(())
    });
    anna.stop(LEAVE);
}

#[test]
fn a_server_without_files_refuses_them() {
    let mut host = Host::start();
    host.stop();
    host.takes_files = false;
    host.resume();
    let (_home, dir) = temporary_dir();
    let (mut anna, room) = host.join(&dir, "anna");
    send(&anna, room, &write(&dir, "file", b"content"));
    let end = end(&mut anna);
    assert!(
        matches!(end, TransferState::Failed(TransferFailure::Refused(_) | TransferFailure::NotSupported)),
        "{end:?}"
    );
    anna.stop(LEAVE);
}
