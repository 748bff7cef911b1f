//! An exchange to record: a device in a room, with another member and a real hub, in virtual time
//! over a bad path.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use kabar_core::chat::{EntryKind, ROOM_SECRET_LEN};
use kabar_core::client::{Client, ClientCounters, Output, State};
use kabar_core::connection::Transmit;
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::{PrivateKey as _, Rsa2048};
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::InlineBuffers;
use kabar_device::profile;
use kabar_embedded_example::script::{Call, MAX_STEP_LEN, Outcome, Replay, Start};
use kabar_server::hub::{Hub, HubConfig, NoPassword};
use kabar_server::store::{LogEntry, MemoryStore, Store as _};
use kabar_std::provider::Accelerated;
use kabar_tests::sim::keys::SimPrivateKey;

use super::path::{Direction, Path};
use super::plan::{Deed, PLAN};

/// The device's name.
pub(super) const NAME: &str = "probe";
const ROOM: &str = "lobby";
const SECRET: [u8; ROOM_SECRET_LEN] = [0x5e; ROOM_SECRET_LEN];
/// When it begins. Some seconds later microseconds no longer fit 32 bits.
const BEGIN: Instant = Instant::from_micros((1 << 32) - 6_000_000);
/// The calendar then, in ms since 1970.
const WALL_MS: u64 = 1_730_457_430_000;
/// It does not take longer than this.
const LONGEST: Duration = Duration::from_secs(120);
/// Calls of one moment; more are a timer that does not move on.
const MAX_TURNS: usize = 200;

/// A member with more memory than the device; nothing of it is recorded, and it has a good path.
type Laptop = Client<Rsa2048, InlineBuffers<8192, 8192, 0, 32>, Accelerated, 8192, 4480>;

/// What was recorded, and what an observer saw.
pub(super) struct Recording {
    /// See [`kabar_embedded_example::script`].
    pub(super) script: Vec<u8>,
    /// What the device said meanwhile, as [`Replay::run`] writes it.
    pub(super) told: String,
    /// What the device posted, as far as its client took it.
    pub(super) posts: Vec<(EntryKind, Vec<u8>)>,
    /// The room's log at the end.
    pub(super) log: Vec<LogEntry>,
    /// What its client counted.
    pub(super) counters: ClientCounters,
    /// What happened on the way.
    pub(super) path: Path,
    /// When it was over.
    pub(super) ended: Instant,
}

/// Records the exchange of a device that was started with `seed`.
pub(super) fn record(seed: u8) -> Recording {
    let mut exchange = Exchange::new();
    exchange.start(seed);
    exchange.run();
    exchange.device.end();
    let log = exchange.store.entries(ROOM).to_vec();
    let Recorder { replay, script, told } = exchange.device;
    let Exchange { posts, path, now: ended, .. } = exchange;
    Recording { script, told, posts, log, counters: replay.client().counters(), path, ended }
}

/// Who a datagram goes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Server,
    Device,
    Laptop,
}

impl Place {
    const fn address(self) -> SocketAddrV4 {
        let host = match self {
            Self::Server => 1,
            Self::Device => 2,
            Self::Laptop => 3,
        };
        SocketAddrV4::new(std::net::Ipv4Addr::new(10, 9, 9, host), 9999)
    }

    fn at(address: std::net::SocketAddr) -> Self {
        let places = [Self::Server, Self::Device, Self::Laptop];
        places.into_iter().find(|place| address == place.address().into()).expect("somebody is there")
    }
}

struct Exchange {
    now: Instant,
    device: Recorder,
    laptop: Box<Laptop>,
    laptop_due: Option<Instant>,
    hub: Option<Hub<Accelerated>>,
    key: SimPrivateKey,
    store: MemoryStore,
    runs: u8,
    /// By the moment at which they arrive, then by the order in which they left.
    flying: BTreeMap<(Instant, usize), (Place, Place, Vec<u8>)>,
    left: usize,
    path: Path,
    posts: Vec<(EntryKind, Vec<u8>)>,
}

impl Exchange {
    fn new() -> Self {
        let mut exchange = Self {
            now: BEGIN,
            device: Recorder::new(),
            laptop: Box::new(Client::new(InlineBuffers::new())),
            laptop_due: None,
            hub: None,
            key: SimPrivateKey::real(),
            store: MemoryStore::new(),
            runs: 0,
            flying: BTreeMap::new(),
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
        self.laptop.start(&config, [0xaa; 32], self.now).expect("the client takes it");
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
        self.drain_laptop();
    }

    fn run(&mut self) {
        let mut plan = PLAN.iter().map(|&(ms, deed)| (BEGIN + Duration::from_millis(ms), deed)).peekable();
        let mut turns = 0;
        while self.device.replay.client().state() != State::Ended {
            let deed = plan.peek().map(|&(at, _)| at);
            let hub = self.hub.as_ref().and_then(Hub::poll_timeout);
            let device = self.device.replay.due();
            let laptop = self.laptop_due;
            let flying = self.flying.keys().next().map(|&(at, _)| at);
            let next = [deed, hub, device, laptop, flying].into_iter().flatten().min().expect("somebody waits");
            turns = if next > self.now { 0 } else { turns + 1 };
            self.now = self.now.max(next);
            assert!(turns < MAX_TURNS, "time does not move on");
            assert!(self.now < BEGIN + LONGEST, "the device does not end\n{}", self.device.told);

            if flying.is_some_and(|at| at <= self.now) {
                self.land();
            } else if hub.is_some_and(|at| at <= self.now) {
                self.hub.as_mut().expect("it has a timer").handle_timeout(self.now);
                self.drain_hub();
            } else if laptop.is_some_and(|at| at <= self.now) {
                self.laptop.handle_timeout(self.now);
                self.drain_laptop();
            } else if device.is_some_and(|at| at <= self.now) {
                self.call(&Call::Timeout);
            } else if let Some((_, deed)) = plan.next() {
                self.act(deed);
            }
        }
    }

    fn act(&mut self, deed: Deed) {
        match deed {
            Deed::Post(kind, len) => {
                let body = body(len);
                if self.call(&Call::Post(kind, &body)) {
                    self.posts.push((kind, body));
                }
            }
            Deed::Hear(len) => {
                self.laptop.post(EntryKind::TEXT, &body(len)).expect("there is room");
                self.drain_laptop();
            }
            Deed::Who => {
                let _ = self.call(&Call::Who);
            }
            Deed::History => {
                let _ = self.call(&Call::History { before: 0, count: 3 });
            }
            Deed::Cut(is_cut) => self.path.is_cut = is_cut,
            Deed::KillServer => self.hub = None,
            Deed::StartServer => self.start_server(),
            Deed::Leave => {
                let _ = self.call(&Call::Leave);
            }
        }
    }

    fn start_server(&mut self) {
        self.runs += 1;
        let loaded = self.store.load(ROOM).expect("readable");
        let config = HubConfig::new(ROOM, SECRET);
        let mut hub = Hub::new(config, loaded, self.key.modulus(), [self.runs; 32], self.now);
        hub.set_wall(self.now, WALL_MS + self.now.saturating_since(BEGIN).as_millis());
        self.hub = Some(hub);
        self.drain_hub();
    }

    fn land(&mut self) {
        let Some((_, (from, to, mut bytes))) = self.flying.pop_first() else { return };
        let source = from.address();
        match to {
            Place::Device => {
                let _ = self.call(&Call::Datagram { from: source, bytes: &bytes });
            }
            Place::Laptop => {
                self.laptop.handle_datagram(self.now, source.into(), &mut bytes);
                self.drain_laptop();
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
                let done = job.run(&self.key, &NoPassword, &mut self.store);
                hub.handle_done(self.now, done);
            } else if let Some(Transmit { to, len }) = hub.poll_transmit(self.now, &mut out) {
                self.launch(Place::Server, Place::at(to), &out[..len]);
            } else if hub.poll_event().is_none() {
                break;
            }
        }
    }

    fn drain_laptop(&mut self) {
        let mut out = [0; profile::DATAGRAM_LEN];
        self.laptop_due = loop {
            match self.laptop.poll_output(self.now, &mut out) {
                Output::Transmit(transmit) => self.launch(Place::Laptop, Place::Server, &out[..transmit.len]),
                Output::Event(_) => {}
                Output::Timeout(due) => break due,
            }
        };
    }

    fn launch(&mut self, from: Place, to: Place, bytes: &[u8]) {
        let direction = match (from, to) {
            (Place::Device, _) => Direction::Up,
            (_, Place::Device) => Direction::Down,
            _ => Direction::Aside,
        };
        for (delay, bytes) in self.path.carry(direction, bytes) {
            self.left += 1;
            self.flying.insert((self.now + delay, self.left), (from, to, bytes));
        }
    }
}

/// The device: each call becomes a step of the script and is made by the code that will go through
/// it again.
struct Recorder {
    replay: Box<Replay>,
    script: Vec<u8>,
    told: String,
}

impl Recorder {
    fn new() -> Self {
        Self { replay: Box::new(Replay::new()), script: Vec::new(), told: String::new() }
    }

    fn call(&mut self, now: Instant, call: &Call<'_>) -> (Vec<(Place, Vec<u8>)>, bool) {
        let mut step = [0; MAX_STEP_LEN];
        let len = call.encode(now, &mut step).expect("no call of the plan is longer");
        self.script.extend(u16::try_from(len).expect("a short step").to_be_bytes());
        self.script.extend(&step[..len]);

        let (mut sent, mut is_taken) = (Vec::new(), false);
        let told = &mut self.told;
        let played = self.replay.step(&step[..len], |outcome| {
            tell(told, &outcome);
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
        tell(&mut self.told, &Outcome::Counted(&self.replay.client().counters()));
    }
}

fn tell(told: &mut String, outcome: &Outcome<'_>) {
    told.push_str(&outcome.to_string());
    told.push('\n');
}

/// Letters, others for every length.
fn body(len: usize) -> Vec<u8> {
    (0..len).map(|at| b'a' + u8::try_from((at * 7 + len) % 26).expect("below 26")).collect()
}
