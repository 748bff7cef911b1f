//! An exchange to record: a device in a room, with another member and a real hub, in virtual time
//! over a bad path.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use kabar_core::chat::{EntryKind, ROOM_SECRET_LEN};
use kabar_core::client::{Client, ClientCounters, Output, RoomSlot, State};
use kabar_core::connection::Transmit;
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::{PrivateKey as _, Rsa2048};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::InlineBuffers;
use kabar_device::profile;
use kabar_embedded_example::script::{Call, MAX_STEP_LEN, Outcome, Replay, Start};
use kabar_server::contents::NoContents;
use kabar_server::hub::{Hub, HubConfig, Loaded, NoPassword};
use kabar_server::store::{LogEntry, MemoryStore};
use kabar_std::provider::Accelerated;
use kabar_tests::sim::keys::SimPrivateKey;

use super::path::{Direction, Path};
use super::plan::{Action, PLAN};

/// The device's name.
pub(super) const NAME: &str = "probe";
const ROOM: &str = "lobby";
const SECRET: [u8; ROOM_SECRET_LEN] = [0x5e; ROOM_SECRET_LEN];
/// The time of its beginning. 6 s later, microseconds no longer fit 32 bits.
const BEGIN: Instant = Instant::from_micros((1 << 32) - 6_000_000);
/// The wall clock at its beginning, in ms since 1970.
const WALL_MS: u64 = 1_730_457_430_000;
/// Its longest duration.
const LONGEST: Duration = Duration::from_secs(120);
/// Calls at the same time; more mean a timer that does not advance.
const MAX_TURNS: usize = 200;

/// A member with more memory than the device. It has a path without faults and is not recorded.
type Other = Client<Rsa2048, InlineBuffers<8192, 8192, 0, 32>, Accelerated, 8192, 4480>;

/// The recorded exchange.
pub(super) struct Recording {
    /// See [`kabar_embedded_example::script`].
    pub(super) script: Vec<u8>,
    /// The results of the device's calls, as [`Replay::run`] writes them.
    pub(super) log: String,
    /// The posts that the device's client accepted.
    pub(super) posts: Vec<(EntryKind, Vec<u8>)>,
    /// The room's entries at the end.
    pub(super) entries: Vec<LogEntry>,
    /// The counters of its client.
    pub(super) counters: ClientCounters,
    /// The path, with its counts.
    pub(super) path: Path,
    /// The time of its end.
    pub(super) ended: Instant,
}

/// Records the exchange of a device that is started with `seed`.
pub(super) fn record(seed: u8) -> Recording {
    let mut exchange = Exchange::new();
    exchange.start(seed);
    exchange.run();
    exchange.device.end();
    let entries = exchange.store.entries(ROOM).to_vec();
    let Recorder { replay, script, log } = exchange.device;
    let Exchange { posts, path, now: ended, .. } = exchange;
    Recording { script, log, posts, entries, counters: replay.client().counters(), path, ended }
}

/// An end of a datagram's path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Server,
    Device,
    Other,
}

impl Place {
    const fn address(self) -> SocketAddrV4 {
        let host = match self {
            Self::Server => 1,
            Self::Device => 2,
            Self::Other => 3,
        };
        SocketAddrV4::new(std::net::Ipv4Addr::new(10, 9, 9, host), 9999)
    }

    fn at(address: std::net::SocketAddr) -> Self {
        let places = [Self::Server, Self::Device, Self::Other];
        places.into_iter().find(|place| address == place.address().into()).expect("an address of the exchange")
    }
}

struct Exchange {
    now: Instant,
    device: Recorder,
    other: Box<Other>,
    other_due: Option<Instant>,
    hub: Option<Hub<Accelerated>>,
    key: SimPrivateKey,
    store: MemoryStore,
    runs: u8,
    /// Datagrams in flight, by the time of their arrival and then in the order of sending.
    in_flight: BTreeMap<(Instant, usize), (Place, Place, Vec<u8>)>,
    left: usize,
    path: Path,
    posts: Vec<(EntryKind, Vec<u8>)>,
}

impl Exchange {
    fn new() -> Self {
        let mut exchange = Self {
            now: BEGIN,
            device: Recorder::new(),
            other: Box::new(Client::new(InlineBuffers::new())),
            other_due: None,
            hub: None,
            key: SimPrivateKey::real(),
            store: MemoryStore::new(),
            runs: 0,
            in_flight: BTreeMap::new(),
            left: 0,
            path: Path::new(),
            posts: Vec::new(),
        };
        exchange.start_server();
        exchange
    }

    fn start(&mut self, seed: u8) {
        let fingerprint = Fingerprint::of_modulus(self.key.modulus());
        let server = Place::Server.address();
        let anna = Identity::from_seed(&[0xa; 32]);
        let config = profile::config(server.into(), fingerprint, SECRET, ROOM, "anna", &anna, 1_000);
        self.other.start(&config, [0xaa; 32], self.now).expect("the client takes it");
        let start = Start {
            seed: [seed; 32],
            server,
            fingerprint,
            secret: SECRET,
            identity: &[0xd; 32],
            tick_us: 1_000,
            room: ROOM,
            name: NAME,
        };
        self.call(&Call::Start(start));
        self.drain_other();
    }

    fn run(&mut self) {
        let mut plan = PLAN.iter().map(|&(ms, action)| (BEGIN + Duration::from_millis(ms), action)).peekable();
        let mut turns = 0;
        while self.device.replay.client().state(RoomSlot::FIRST) != State::Ended {
            let action = plan.peek().map(|&(at, _)| at);
            let hub = self.hub.as_ref().and_then(Hub::poll_timeout);
            let device = self.device.replay.due();
            let other = self.other_due;
            let in_flight = self.in_flight.keys().next().map(|&(at, _)| at);
            let next = [action, hub, device, other, in_flight].into_iter().flatten().min().expect("something is due");
            turns = if next > self.now { 0 } else { turns + 1 };
            self.now = self.now.max(next);
            assert!(turns < MAX_TURNS, "time does not move on");
            assert!(self.now < BEGIN + LONGEST, "the device does not end\n{}", self.device.log);

            if in_flight.is_some_and(|at| at <= self.now) {
                self.land();
            } else if hub.is_some_and(|at| at <= self.now) {
                self.hub.as_mut().expect("it has a timer").handle_timeout(self.now);
                self.drain_hub();
            } else if other.is_some_and(|at| at <= self.now) {
                self.other.handle_timeout(self.now);
                self.drain_other();
            } else if device.is_some_and(|at| at <= self.now) {
                self.call(&Call::Timeout);
            } else if let Some((_, action)) = plan.next() {
                self.act(action);
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Post(kind, len) => {
                let body = body(len);
                if self.call(&Call::Post(kind, &body)) {
                    self.posts.push((kind, body));
                }
            }
            Action::Receive(len) => {
                self.other.post(RoomSlot::FIRST, EntryKind::TEXT, &body(len)).expect("there is room");
                self.drain_other();
            }
            Action::Who => {
                let _ = self.call(&Call::Who);
            }
            Action::History => {
                let _ = self.call(&Call::History { before: 0, count: 3 });
            }
            Action::Cut(is_cut) => self.path.is_cut = is_cut,
            Action::KillServer => self.hub = None,
            Action::StartServer => self.start_server(),
            Action::Leave => {
                let _ = self.call(&Call::Leave);
            }
        }
    }

    fn start_server(&mut self) {
        self.runs += 1;
        let loaded = Loaded::read(&mut self.store, ROOM).expect("readable");
        let config = HubConfig::new(ROOM, SECRET);
        let mut hub = Hub::new(config, loaded, self.key.modulus(), [self.runs; 32], self.now);
        hub.set_wall(self.now, WALL_MS + self.now.saturating_since(BEGIN).as_millis());
        self.hub = Some(hub);
        self.drain_hub();
    }

    fn land(&mut self) {
        let Some((_, (from, to, mut bytes))) = self.in_flight.pop_first() else { return };
        let source = from.address();
        match to {
            Place::Device => {
                let _ = self.call(&Call::Datagram { from: source, bytes: &bytes });
            }
            Place::Other => {
                self.other.handle_datagram(self.now, source.into(), &mut bytes);
                self.drain_other();
            }
            Place::Server => {
                if let Some(hub) = &mut self.hub {
                    hub.handle_datagram(self.now, source.into(), &mut bytes);
                    self.drain_hub();
                }
            }
        }
    }

    /// Whether the client took it, if it was a post.
    fn call(&mut self, call: &Call<'_>) -> bool {
        let (sent, is_taken) = self.device.call(self.now, call);
        for (to, bytes) in sent {
            self.launch(Place::Device, to, &bytes);
        }
        is_taken
    }

    fn drain_hub(&mut self) {
        let mut out = [0; profile::DATAGRAM_LEN];
        while let Some(hub) = &mut self.hub {
            hub.create_jobs(self.now);
            if let Some(job) = hub.poll_job() {
                let done = job.run(&self.key, &NoPassword, &mut self.store, &mut NoContents);
                hub.handle_done(self.now, done);
            } else if let Some(Transmit { to, len }) = hub.poll_transmit(self.now, &mut out) {
                self.launch(Place::Server, Place::at(to), &out[..len]);
            } else if hub.poll_event().is_none() {
                break;
            }
        }
    }

    fn drain_other(&mut self) {
        let mut out = [0; profile::DATAGRAM_LEN];
        self.other_due = loop {
            match self.other.poll_output(self.now, &mut out) {
                Output::Transmit(transmit) => self.launch(Place::Other, Place::Server, &out[..transmit.len]),
                Output::Event(_) => {}
                Output::Timeout(due) => break due,
            }
        };
    }

    fn launch(&mut self, from: Place, to: Place, bytes: &[u8]) {
        let direction = match (from, to) {
            (Place::Device, _) => Direction::Up,
            (_, Place::Device) => Direction::Down,
            _ => Direction::Other,
        };
        for (delay, bytes) in self.path.carry(direction, bytes) {
            self.left += 1;
            self.in_flight.insert((self.now + delay, self.left), (from, to, bytes));
        }
    }
}

/// The device: each call becomes a step of the script and is made by the code that will go through
/// it again.
struct Recorder {
    replay: Box<Replay>,
    script: Vec<u8>,
    log: String,
}

impl Recorder {
    fn new() -> Self {
        Self { replay: Box::new(Replay::new()), script: Vec::new(), log: String::new() }
    }

    fn call(&mut self, now: Instant, call: &Call<'_>) -> (Vec<(Place, Vec<u8>)>, bool) {
        let mut step = [0; MAX_STEP_LEN];
        let len = call.encode(now, &mut step).expect("no call of the plan is longer");
        self.script.extend(u16::try_from(len).expect("a short step").to_be_bytes());
        self.script.extend(&step[..len]);

        let (mut sent, mut is_taken) = (Vec::new(), false);
        let log = &mut self.log;
        let played = self.replay.step(&step[..len], |outcome| {
            write(log, &outcome);
            match outcome {
                Outcome::Datagram { to, bytes } => sent.push((Place::at(to), bytes.to_vec())),
                Outcome::Posted(result) => is_taken = result.is_ok(),
                Outcome::Started(result) => result.expect("the client takes it"),
                _ => {}
            }
        });
        played.expect("the step was just made");
        (sent, is_taken)
    }

    fn end(&mut self) {
        write(&mut self.log, &Outcome::Counted(&self.replay.client().counters()));
    }
}

fn write(log: &mut String, outcome: &Outcome<'_>) {
    log.push_str(&outcome.to_string());
    log.push('\n');
}

/// Letters that differ for each length.
fn body(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + u8::try_from((at * 7 + len) % 26).expect("below 26")).collect()
}
