use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::Duration as StdDuration;

use kabar_core::chat::{EndedCode, EntryKind, Start, Term};
use kabar_core::client::{Credential, DisconnectReason, EndReason, Event, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::{AnyRsaPrivateKey, KeySize};
use kabar_core::session::Fingerprint;
use kabar_server::contents::NoContents;
use kabar_server::driver::{Listener, Parts, Server};
use kabar_server::hub::{HubConfig, HubEvent, NoPassword, RoomId};
use kabar_server::key_file::load_or_create_key;
use kabar_server::store::MemoryStore;
use kabar_std::data_dir::DataDir;

use super::*;
use crate::profile;

const SECRET: [u8; 16] = [7; 16];
/// Bounds a hang; no test depends on how long anything takes.
const CONNECT_TIMEOUT: StdDuration = StdDuration::from_secs(30);

/// Created once for all tests.
fn key() -> AnyRsaPrivateKey {
    static HOME: OnceLock<tempfile::TempDir> = OnceLock::new();
    let home = HOME.get_or_init(|| {
        let home = tempfile::tempdir().unwrap();
        load_or_create_key(&DataDir::open(home.path()).unwrap(), KeySize::Bits2048, || ()).unwrap();
        home
    });
    load_or_create_key(&DataDir::open(home.path()).unwrap(), KeySize::Bits2048, || ()).unwrap()
}

fn serve(port: u16) -> (Server, mpsc::Receiver<HubEvent>) {
    serve_with(key(), port)
}

fn serve_with(key: AnyRsaPrivateKey, port: u16) -> (Server, mpsc::Receiver<HubEvent>) {
    serve_configured(key, port, HubConfig::new("lobby", SECRET))
}

fn serve_configured(key: AnyRsaPrivateKey, port: u16, config: HubConfig) -> (Server, mpsc::Receiver<HubEvent>) {
    let (sender, events) = mpsc::channel();
    let on_event = Box::new(move |event| {
        let _ = sender.send(event);
    });
    let store = Arc::new(Mutex::new(MemoryStore::new()));
    let parts =
        Parts { key, verifier: NoPassword, store: Arc::clone(&store), reader: store, contents: NoContents, on_event };
    let listener = Listener::bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    (Server::start(listener, config, parts).unwrap(), events)
}

/// Events of a member, as far as the tests need them.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Joined { resumed: bool },
    Text(String),
    Stored(u64),
    Lost(DisconnectReason),
    Ended(EndReason),
}

struct Member {
    poller: Poller,
    driver: Driver,
    seen: Vec<Seen>,
    /// Terms of the server, each once.
    terms: Vec<Term>,
}

impl Member {
    fn join(server: &Server, name: &str) -> Self {
        Self::join_at(&[server.local_addr()], Some(server.fingerprint()), name)
    }

    /// Joins at the one of these addresses that has the right key.
    fn join_at(addresses: &[SocketAddr], fingerprint: Option<Fingerprint>, name: &str) -> Self {
        let mut member = Self::begin(addresses, fingerprint, name);
        member.until(|seen| *seen == Seen::Joined { resumed: false });
        member
    }

    fn begin(addresses: &[SocketAddr], fingerprint: Option<Fingerprint>, name: &str) -> Self {
        let (poller, _waker) = Poller::new().unwrap();
        let mut driver = Driver::new(poller.sockets().unwrap(), Clock::start());
        let config = Config {
            server: addresses[0],
            fingerprint,
            room: "lobby",
            name,
            is_default_name: false,
            identity: &Identity::from_seed(&[name.len() as u8; 32]),
            credential: Credential::Secret(SECRET),
            start: Start::Last(50),
            max_entry_len: profile::LARGEST_ENTRY,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        driver.start(&config).unwrap();
        driver.set_addresses(addresses);
        Self { poller, driver, seen: Vec::new(), terms: Vec::new() }
    }

    fn turn(&mut self) {
        while let Some(event) = self.driver.poll_event() {
            if let Event::UnknownServerKey(_) = event {
                let now = self.driver.now();
                self.driver.client.accept_key(now);
                continue;
            }
            self.seen.extend(match event {
                Event::Joined { is_resumed, term, .. } => {
                    if !self.terms.contains(&term) {
                        self.terms.push(term);
                    }
                    Some(Seen::Joined { resumed: is_resumed })
                }
                Event::Entry { header, body, .. } => {
                    header.kind.is_text().then(|| Seen::Text(String::from_utf8_lossy(body).into_owned()))
                }
                Event::Stored { number, .. } => Some(Seen::Stored(number)),
                Event::Disconnected(why) => Some(Seen::Lost(why)),
                Event::Ended(reason) => Some(Seen::Ended(reason)),
                Event::UnknownServerKey(_)
                | Event::Reset { .. }
                | Event::Gap { .. }
                | Event::EntryTooLarge { .. }
                | Event::PostRefused { .. }
                | Event::OutboxWritable { .. }
                | Event::Info { .. }
                | Event::Refused { .. }
                | Event::RoomEnded { .. }
                | Event::Reconnected => None,
            });
        }
        self.driver.transmit();
    }

    fn until(&mut self, is_wanted: impl Fn(&Seen) -> bool) {
        let give_up = std::time::Instant::now() + CONNECT_TIMEOUT;
        loop {
            self.turn();
            if self.seen.iter().any(&is_wanted) {
                return;
            }
            assert!(std::time::Instant::now() < give_up, "not seen; only {:?}", self.seen);
            self.wait();
        }
    }

    fn wait(&mut self) {
        let (clock, until) = (self.driver.clock, self.driver.now() + kabar_core::time::Duration::from_millis(20));
        wait(&mut self.poller, clock, &mut [&mut self.driver], Some(until));
    }

    fn say(&mut self, text: &str) {
        self.driver.client.post(RoomSlot::FIRST, EntryKind::TEXT, text.as_bytes()).unwrap();
    }
}

#[test]
fn members_receive_each_others_posts() {
    let (server, events) = serve(0);
    let (mut anna, mut bob) = (Member::join(&server, "anna"), Member::join(&server, "bob"));
    anna.say("hello");
    anna.until(|seen| *seen == Seen::Stored(1));
    bob.until(|seen| *seen == Seen::Text("hello".into()));
    let names: Vec<_> = server.control().room(RoomId::FIRST).who().into_iter().map(|member| member.name).collect();
    assert_eq!(names, ["anna", "bob"]);
    assert_eq!(server.control().counters().posts, 1);
    let has_address =
        |event: &HubEvent| matches!(event, HubEvent::Entry { body, from: Some(_), .. } if body == b"hello");
    assert!(events.try_iter().any(|event| has_address(&event)), "the console learns who said it from where");
}

#[test]
fn dead_socket_is_replaced_within_a_connection() {
    let (server, _events) = serve(0);
    let mut anna = Member::join(&server, "anna");
    let sockets = anna.poller.sockets().unwrap();
    let Driver { links, clock, .. } = &mut anna.driver;
    let all: Vec<_> = links.iter_mut().collect();
    let Ok([link]) = <[_; 1]>::try_from(all) else { panic!("one server, one socket") };
    let before = link.local();
    link.renew(&sockets, clock.now()).unwrap();
    assert_ne!(link.local(), before, "another port, as after a change of network");
    anna.say("from elsewhere");
    anna.until(|seen| *seen == Seen::Text("from elsewhere".into()));
    assert_eq!(anna.driver.client.counters().connections, 1);
    assert!(!anna.seen.iter().any(|seen| matches!(seen, Seen::Lost(_))), "{:?}", anna.seen);
}

/// The clock of the client stops meanwhile, so the client does not notice the time.
#[test]
fn computer_that_slept_rejoins_the_same_term() {
    const SHORTEST_IDLE: u16 = 10;
    let mut config = HubConfig::new("lobby", SECRET);
    config.profile.idle_s = SHORTEST_IDLE;
    let (server, _events) = serve_configured(key(), 0, config);
    let mut anna = Member::join(&server, "anna");
    let before = anna.driver.now();
    let give_up = std::time::Instant::now() + CONNECT_TIMEOUT;
    while !server.control().room(RoomId::FIRST).who().is_empty() {
        assert!(std::time::Instant::now() < give_up, "the server does not forget her");
        std::thread::sleep(StdDuration::from_millis(50));
    }
    anna.driver.clock = Clock::resume(before);
    anna.seen.clear();
    anna.say("good morning");
    anna.until(|seen| *seen == Seen::Text("good morning".into()));
    assert!(anna.seen.contains(&Seen::Lost(DisconnectReason::Unknown)), "{:?}", anna.seen);
    assert!(anna.seen.contains(&Seen::Joined { resumed: true }), "{:?}", anna.seen);
    assert_eq!(anna.terms.len(), 1, "which is no restart");
}

#[test]
fn members_rejoin_after_a_server_was_stopped() {
    let (server, _events) = serve(0);
    let port = server.local_addr().port();
    let mut anna = Member::join(&server, "anna");
    let stopping = std::thread::spawn(move || server.stop());
    anna.until(|seen| *seen == Seen::Lost(DisconnectReason::Shutdown));
    assert_eq!(stopping.join().unwrap(), Ok(()));
    anna.say("kept meanwhile");
    anna.seen.clear();
    let (_server, _events) = serve(port);
    anna.until(|seen| *seen == Seen::Joined { resumed: false });
    anna.until(|seen| *seen == Seen::Text("kept meanwhile".into()));
}

#[test]
fn kicked_member_ends_and_the_others_stay() {
    let (server, _events) = serve(0);
    let (mut anna, mut bob) = (Member::join(&server, "anna"), Member::join(&server, "bob"));
    assert!(server.control().room(RoomId::FIRST).kick(None, "nobody", None).is_err());
    assert!(server.control().room(RoomId::FIRST).kick(None, "anna", None).is_ok());
    anna.until(|seen| *seen == Seen::Ended(EndReason::EndedByServer(EndedCode::KICKED)));
    server.control().room(RoomId::FIRST).say("behave");
    bob.until(|seen| *seen == Seen::Text("behave".into()));
    bob.say("yes");
    bob.until(|seen| *seen == Seen::Stored(1));
    assert_eq!(server.control().room(RoomId::FIRST).who().len(), 1);
}

#[test]
fn leaving_waits_until_all_is_stored() {
    let (server, _events) = serve(0);
    let mut anna = Member::join(&server, "anna");
    for number in 0..500 {
        anna.say(&format!("line {number}"));
    }
    let now = anna.driver.now();
    anna.driver.client.leave(now);
    anna.until(|seen| *seen == Seen::Ended(EndReason::Left));
    assert_eq!(anna.driver.client.unsettled(RoomSlot::FIRST), 0);
    assert_eq!(server.control().counters().posts, 500);
}

mod several_addresses;
