//! The engine with real servers in this process.

mod failing;
mod posting;
mod recording;
mod transfers;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use kabar_core::chat::{EntryKind, MAX_TEXT_LEN};
use kabar_core::crypto::rsa::{AnyRsaPrivateKey, KeySize};
use kabar_server::contents::NoContents;
use kabar_server::driver::{Listener, Parts, Server};
use kabar_server::hub::{HubConfig, NoPassword};
use kabar_server::key_file::load_or_create_key;
use kabar_server::store::MemoryStore;
use kabar_std::address::Places;
use kabar_std::data_dir::DataDir;
use kabar_std::invite::RoomName;

use super::event::{Entry, EntryContent, JoinRefusal, NotPosted, ServerEnd};
use super::*;
use crate::identity::{IdentityChoice, LocalIdentity};
use crate::temporary_dir;

const SECRET: [u8; 16] = [7; 16];
/// Bounds a hang; no test depends on how long anything takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Created once for all tests.
fn key() -> AnyRsaPrivateKey {
    static HOME: OnceLock<tempfile::TempDir> = OnceLock::new();
    let home = HOME.get_or_init(|| tempfile::tempdir().unwrap());
    static LOCK: Mutex<()> = Mutex::new(());
    let _lock = LOCK.lock().unwrap();
    load_or_create_key(&DataDir::open(home.path()).unwrap(), KeySize::Bits2048, || ()).unwrap()
}

/// A server with this room and an empty log.
fn serve(room: &str, port: u16) -> Server {
    let store = Arc::new(Mutex::new(MemoryStore::new()));
    let on_event = Box::new(|_| ());
    let parts = Parts {
        key: key(),
        verifier: NoPassword,
        store: Arc::clone(&store),
        reader: store,
        contents: NoContents,
        on_event,
    };
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    Server::start(listener, HubConfig::new(room, SECRET), parts).unwrap()
}

/// A front end that keeps all events.
struct Front {
    handle: Handle,
    events: Events,
    seen: Vec<Event>,
    histories: LocalHistories,
    dir: DataDir,
    /// The directory, if it is of this front end alone.
    _home: Option<tempfile::TempDir>,
}

impl Front {
    fn start() -> Self {
        let (home, dir) = temporary_dir();
        Self { _home: Some(home), ..Self::start_in(dir, true) }
    }

    fn start_in(dir: DataDir, replays_history: bool) -> Self {
        let wake = Box::new(|| ());
        let config = EngineConfig {
            dir: dir.clone(),
            context: 0,
            replays_history,
            ends_with_servers: false,
            downloads: Some(dir.join("downloads")),
            wake,
        };
        let (engine, handle, events) = Engine::new(config).unwrap();
        let histories = engine.environment.histories.clone();
        engine.spawn().unwrap();
        Self { handle, events, seen: Vec::new(), histories, dir, _home: None }
    }

    fn identity(&self, name: &str) -> LocalIdentity {
        LocalIdentity::open(&self.dir, IdentityChoice { name: Some(name), ..IdentityChoice::default() }).unwrap()
    }

    fn connect(&self, address: SocketAddr, room: &str, name: &str) {
        self.handle.send(Command::Connect(Box::new(self.request(address, room, name).into())));
    }

    fn request(&self, address: SocketAddr, room: &str, name: &str) -> ServerRequest {
        let secret = RoomCredential::Secret(kabar_std::invite::RoomSecret::new(SECRET));
        ServerRequest {
            places: Places::one(address.into()),
            rooms: vec![RoomRequest { name: RoomName::new(room).unwrap(), credentials: vec![secret] }],
            identity: self.identity(name),
            key_policy: KeyPolicy::AcceptNew,
            replay_from: ReplayFrom::New,
            can_ask: false,
            hide_joins: false,
            retries: false,
            is_host: false,
        }
    }

    /// Takes events until one is wanted, and returns what `find` makes of it.
    fn until<T>(&mut self, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
        let give_up = Instant::now() + TIMEOUT;
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let event = self.events.recv_timeout(left).unwrap_or_else(|_| panic!("no {what}: {:?}", self.seen));
            let found = find(&event);
            self.seen.push(event);
            if let Some(found) = found {
                return found;
            }
        }
    }

    /// As [`Front::until`], also of the events before.
    fn ever<T>(&mut self, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
        match self.seen.iter().find_map(&find) {
            Some(found) => found,
            None => self.until(what, find),
        }
    }

    fn joined(&mut self, server: ServerId) -> RoomId {
        self.ever("Joined", |event| match event {
            Event::Joined(joined) if joined.room.server == server => Some(joined.room),
            _ => None,
        })
    }

    fn post(&self, room: RoomId, text: &str) {
        self.handle.send(Command::Post { room, kind: EntryKind::TEXT, text: text.to_owned() });
    }

    fn text(&mut self, room: RoomId, text: &str) -> Entry {
        self.until(text, |event| match event {
            Event::Entry(entry) if entry.room == room && body(entry) == text => Some(entry.clone()),
            _ => None,
        })
    }

    fn stop(&mut self, stop: Stop) {
        self.handle.send(Command::Stop(stop));
        self.until("Ended", |event| matches!(event, Event::Ended).then_some(()));
        assert!(self.events.has_ended() && self.events.recv().is_none(), "nothing follows");
    }
}

fn body(entry: &Entry) -> String {
    match &entry.content {
        EntryContent::Body(body) => String::from_utf8_lossy(body).into_owned(),
        EntryContent::Omitted(_) => String::new(),
    }
}

const LEAVE: Stop = Stop::Leave { give_up: TIMEOUT, is_caught_up: false };

#[test]
fn servers_do_not_disturb_each_other() {
    let (first, second) = (serve("lobby", 0), serve("ops", 0));
    let port = first.local_addr().port();
    let refusing = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut front = Front::start();
    front.connect(refusing, "lobby", "anna");
    front.connect(first.local_addr(), "lobby", "anna");
    front.connect(second.local_addr(), "ops", "anna");
    let [refused, lobby, ops] = [0, 1, 2].map(ServerId);
    let (lobby, ops) = (front.joined(lobby), front.joined(ops));
    front.ever("the end of the first server", |event| match event {
        Event::ServerEnded { server, end: ServerEnd::Failed(_), unsent: 0, .. } => (*server == refused).then_some(()),
        _ => None,
    });
    first.stop().unwrap();
    front.until("ConnectionLost", |event| match event {
        Event::ConnectionLost { server, .. } => (*server == lobby.server).then_some(()),
        _ => None,
    });
    front.post(lobby, "kept meanwhile");
    front.post(ops, "not disturbed");
    assert!(front.text(ops, "not disturbed").is_own);
    let _first = serve("lobby", port);
    front.text(lobby, "kept meanwhile");
    front.stop(LEAVE);
    let left = |event: &&Event| matches!(event, Event::ServerEnded { end: ServerEnd::Left, unsent: 0, .. });
    assert_eq!(front.seen.iter().filter(left).count(), 2, "{:?}", front.seen);
}

#[test]
fn a_server_that_is_not_reached_is_tried_again_if_requested() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut front = Front::start();
    let request = ServerRequest { retries: true, ..front.request(silent, "lobby", "anna") };
    front.handle.send(Command::Connect(Box::new(request.into())));
    let nowhere: kabar_std::address::HostPort = "nowhere.invalid:1".parse().unwrap();
    let places = Places::one(nowhere);
    let request = ServerRequest { places, retries: true, ..front.request(silent, "lobby", "anna") };
    front.handle.send(Command::Connect(Box::new(request.into())));
    for server in [ServerId(0), ServerId(1)] {
        front.ever("NotReached", |event| match event {
            Event::NotReached { server: of, .. } => (*of == server).then_some(()),
            _ => None,
        });
    }
    let _server = serve("lobby", silent.port());
    let room = front.joined(ServerId(0));
    front.post(room, "at last");
    front.text(room, "at last");
    let reports = front.seen.iter().filter(|event| matches!(event, Event::NotReached { .. })).count();
    assert_eq!(reports, 2, "each reason once: {:?}", front.seen);
    front.stop(LEAVE);
}

#[test]
fn each_command_is_answered() {
    let server = serve("lobby", 0);
    let mut front = Front::start();
    front.connect(server.local_addr(), "lobby", "anna");
    let room = front.joined(ServerId(0));
    let id = room.server;
    let send = |front: &Front, command| front.handle.send(command);
    send(&front, Command::ListMembers { room });
    let names = front
        .until("Members", |event| if let Event::Members { names, .. } = event { Some(names.clone()) } else { None });
    assert_eq!(names, ["anna"]);
    send(&front, Command::Rename { room, name: "anita".to_owned() });
    front.until("Renamed", |event| matches!(event, Event::Renamed { name, .. } if name == "anita").then_some(()));
    front.post(room, "hello");
    front.until("Posted", |event| matches!(event, Event::Posted { number: 1, .. }).then_some(()));
    let seq = front.text(room, "hello").seq;
    send(&front, Command::History { room, before: 0, count: 1 });
    let page = front
        .until("HistoryPage", |event| if let Event::HistoryPage(page) = event { Some(page.clone()) } else { None });
    assert_eq!((page.entries.len(), page.entries[0].seq, page.is_last), (1, seq, true));
    send(&front, Command::Remove { room, seq: 1_000 });
    front.until("NotRemoved", |event| matches!(event, Event::NotRemoved { seq: 1_000, .. }).then_some(()));
    send(&front, Command::Operate { room, word: "/kick".to_owned(), text: "kick bob".to_owned() });
    front.until("NotOperated", |event| {
        matches!(event, Event::NotOperated { word, .. } if word == "/kick").then_some(())
    });
    send(&front, Command::ListRooms { server: id, is_complete: true });
    let rooms = front
        .until("RoomList", |event| if let Event::RoomList { rooms, .. } = event { Some(rooms.clone()) } else { None });
    assert_eq!(rooms[0].name, "lobby");
    send(&front, Command::Ignore { server: id, name: "bob".to_owned() });
    front.until("Ignored", |event| matches!(event, Event::Ignored { is_change: true, .. }).then_some(()));
    send(&front, Command::ListIgnored { server: id });
    front.until("IgnoreList", |event| {
        matches!(event, Event::IgnoreList { names, .. } if names.len() == 1).then_some(())
    });
    send(&front, Command::Stats { server: id });
    front.until("Stats", |event| matches!(event, Event::Stats(stats) if stats.traffic.sent > 0).then_some(()));
    front.post(room, &"x".repeat(MAX_TEXT_LEN + 1));
    front
        .until("NotPosted", |event| matches!(event, Event::NotPosted { why: NotPosted::TooLong(_), .. }).then_some(()));
    let request = |name: &str| RoomRequest { name: RoomName::new(name).unwrap(), credentials: Vec::new() };
    send(&front, Command::Join { server: id, room: request("lobby") });
    let why = front
        .until("RoomNotAdded", |event| if let Event::RoomNotAdded { why, .. } = event { Some(*why) } else { None });
    assert_eq!(why, JoinRefusal::Joined(room));
    send(&front, Command::Join { server: id, room: request("nowhere") });
    front.until("RoomEnded", |event| {
        matches!(event, Event::RoomEnded { room: other, .. } if *other != room).then_some(())
    });
    front.stop(LEAVE);
}

#[test]
fn post_to_a_server_that_has_ended_is_answered() {
    let server = serve("lobby", 0);
    let mut front = Front::start();
    front.connect(server.local_addr(), "lobby", "anna");
    let room = front.joined(ServerId(0));
    let nowhere = RoomId { server: ServerId(7), index: 0 };
    front.post(nowhere, "lost");
    front.until("NotPosted", |event| matches!(event, Event::NotPosted { room, .. } if *room == nowhere).then_some(()));
    front.post(RoomId { index: 9, ..room }, "lost");
    front.until("NotPosted", |event| matches!(event, Event::NotPosted { room, .. } if room.index == 9).then_some(()));
    front.stop(Stop::Abort);
}

#[test]
fn slow_front_end_loses_nothing() {
    const LINES: usize = 2 * QUEUE_LEN;
    let server = serve("lobby", 0);
    let (mut slow, mut fast) = (Front::start(), Front::start());
    slow.connect(server.local_addr(), "lobby", "slow");
    let room = slow.joined(ServerId(0));
    fast.connect(server.local_addr(), "lobby", "fast");
    let from = fast.joined(ServerId(0));
    for number in 0..LINES {
        fast.post(from, &number.to_string());
        fast.until("Posted", |event| matches!(event, Event::Posted { .. }).then_some(()));
    }
    fast.text(from, &(LINES - 1).to_string());
    // Nothing was taken meanwhile.
    let last = (LINES - 1).to_string();
    slow.text(room, &last);
    let texts = slow.seen.iter().filter_map(|event| match event {
        Event::Entry(entry) if entry.kind == EntryKind::TEXT => Some(body(entry)),
        _ => None,
    });
    assert!(texts.eq((0..LINES).map(|number| number.to_string())), "in order, each once");
    slow.stop(Stop::Abort);
    fast.stop(LEAVE);
}

#[test]
fn aborted_engine_does_not_wait_for_a_server() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut front = Front::start();
    front.connect(silent.local_addr().unwrap(), "lobby", "anna");
    front.until("RoomAdded", |event| matches!(event, Event::RoomAdded { .. }).then_some(()));
    let began = Instant::now();
    front.stop(Stop::Abort);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn queue_has_room_again_when_events_are_taken() {
    let (poller, waker) = Poller::new().unwrap();
    let (_handle, events, _commands, sink) = queues(&waker, Arc::new(|| ()));
    let event = || Event::NotConnected { server: ServerId(0) };
    (0..QUEUE_LEN).for_each(|_| sink.send(event()));
    assert!(!sink.has_room() && events.try_recv().is_none(), "those of one turn are passed on together");
    sink.flush(Vec::new());
    assert!(events.try_recv().is_some() && sink.has_room());
    drop(events);
    assert!(sink.is_dropped());
    drop(poller);
}
