//! The probe on a computer: over smoltcp, with the computer's thermometer and no light.
//!
//! ```text
//! cargo run -p kabar-embedded-example -- INVITE --name probe
//! cargo run -p kabar-embedded-example -- INVITE --name probe --say "hello"
//! cargo run -p kabar-embedded-example -- INVITE --name probe --slot FILE --updates-from anna
//! ```

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration as StdDuration;

use chacha20::ChaCha20Rng;
use clap::Parser;
use kabar_client::commands::open;
use kabar_client::identity::{IdentityChoice, LocalIdentity};
use kabar_client::messages::command_error;
use kabar_client::outcome::CommandError;
use kabar_core::chat::{EntryKind, RefusedCode};
use kabar_core::client::{EndReason, RoomSlot, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::time::{Duration, Instant};
use kabar_device::host::{HostClock, UdpDevice};
use kabar_device::profile::{FILE_WINDOW_LEN, FileMemory};
use kabar_device::{Addressing, Clock, IpLink, IpStorage, Member, Network, Settings, Storage};
use kabar_embedded_example::host::slot_file::{self, SlotFile};
use kabar_embedded_example::host::{HostBoard, address};
use kabar_embedded_example::update::SimulatedFlash;
use kabar_embedded_example::{Probe, Update, Updater};
use kabar_std::invite::Invite;
use kabar_std::random::random_bytes;
use rand_core::SeedableRng;
use smoltcp::wire::{HardwareAddress, Ipv4Cidr};

/// Time without an answer after which the server counts as unreachable.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Time after which a line that is not stored is given up.
const STORED_WITHIN: Duration = Duration::from_secs(60);
/// Time that each of several addresses has to answer before the next one is tried.
const ADDRESS_PERIOD: Duration = Duration::from_millis(500);
/// The address that the node believes it has; it is not visible outside of the process.
const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// A thermometer in a Kabar room, over smoltcp, on this computer: it posts readings and answers
/// `@NAME status`. Times are UTC.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET
    invite: Invite,
    /// The name in the room.
    #[arg(long)]
    name: String,
    /// Seconds between two readings.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Leave after this number of readings.
    #[arg(long, value_name = "COUNT")]
    readings: Option<u32>,
    /// Post this line, take no readings, and leave once it is stored.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["every", "readings"])]
    say: Option<String>,
    /// Take firmware images, files whose names end in .fw, into this file, in place of flash.
    #[arg(long, value_name = "FILE", requires = "updates_from")]
    slot: Option<PathBuf>,
    /// The member whose firmware images are taken.
    #[arg(long, value_name = "NAME", requires = "slot")]
    updates_from: Option<String>,
    /// A file with the 32 secret bytes that own the name, created at first use [default: the key
    /// that `kabar` keeps for the name].
    #[arg(long, value_name = "FILE", conflicts_with = "ephemeral")]
    identity: Option<PathBuf>,
    /// An identity for this run only: the room keeps the name for it for 30 days, so the next run
    /// needs another name.
    #[arg(long)]
    ephemeral: bool,
    /// The directory of keys [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
}

/// The exit code, and the reason in one line unless the code is 0.
struct Outcome(u8, String);

/// The identity that owns the name.
enum Owner {
    /// The identity with this seed.
    Seed([u8; 32]),
    /// The identity that `kabar` keeps for the name.
    Kept(LocalIdentity),
}

type Application = Updater<HostBoard, SimulatedFlash<SlotFile>>;
type Device<'a> = Member<'a, IpLink<'a, UdpDevice>, HostClock, Application, FileMemory>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Outcome(code, why) = run(&arguments).unwrap_or_else(|error| Outcome(1, error.to_string()));
    if !why.is_empty() {
        eprintln!("{why}");
    }
    ExitCode::from(code)
}

fn run(arguments: &Arguments) -> io::Result<Outcome> {
    let invite = &arguments.invite;
    let servers = address::ipv4(&invite.places);
    let Some(&server) = servers.first() else {
        return Ok(Outcome(3, format!("no IPv4 address is known for {}", invite.places)));
    };
    // Held to the end: its lock shows `kabar` that the name is in use.
    let owner = match become_owner(arguments)? {
        Ok(owner) => owner,
        Err(error) => {
            let (exit, line) = command_error(&error);
            return Ok(Outcome(exit.code(), line));
        }
    };
    let identity = Identity::from_seed(owner.seed());
    let settings = Settings {
        server,
        fingerprint: invite.fingerprint,
        room: invite.room.as_str(),
        secret: *invite.secret.expose(),
        name: &arguments.name,
        identity: &identity,
    };
    let interval = arguments.say.is_none().then(|| Duration::from_secs(arguments.every.into()));

    let mut rng = ChaCha20Rng::from_seed(random_bytes()?);
    let clock = HostClock::start();
    let address = Addressing::Static { address: Ipv4Cidr::new(NODE, 24), gateway: None };
    let network = Network::draw(HardwareAddress::Ip, address, &mut rng);
    let (mut storage, mut ip) = (Storage::with_memory(FileMemory::<FILE_WINDOW_LEN>::new()), IpStorage::new());
    let card = UdpDevice::open(SocketAddrV4::new(NODE, network.port))?;
    let link = IpLink::new(&mut ip, &network, card, clock.now());
    let probe = Probe::new(HostBoard::default(), interval, clock.now());
    let update = match (&arguments.slot, &arguments.updates_from) {
        (Some(slot), Some(from)) => Some(Update::new(slot_file::open(slot)?, from).map_err(io::Error::other)?),
        _ => None,
    };
    let application = Updater::new(probe, update);
    let mut device =
        Member::new(&mut storage, &settings, link, clock, application, &mut rng).map_err(io::Error::other)?;
    let said = match &arguments.say {
        None => None,
        Some(text) => match device.post(EntryKind::TEXT, text.as_bytes()) {
            Ok(number) => Some(number),
            Err(error) => return Ok(Outcome(6, format!("the line cannot be posted: {error:?}"))),
        },
    };

    let mut is_leaving = false;
    let mut servers = ServerRotation { servers, at: 0, until: clock.now() + ADDRESS_PERIOD };
    loop {
        let due = device.run().min(servers.rotate(&mut device));
        if let Some(reason) = device.ended() {
            return Ok(outcome(reason, device.application().probe().board()));
        }
        let is_done = said.is_some_and(|number| device.application().probe().board().is_settled(number))
            || arguments.readings.is_some_and(|readings| device.application().probe().readings() >= readings);
        if is_done && !is_leaving {
            is_leaving = true;
            device.leave();
            continue;
        }
        let give_up = give_up_at(&mut device, said.is_some());
        let now = device.clock().now();
        if give_up.is_some_and(|end| end <= now) {
            return Ok(too_late(device.node().client().state(RoomSlot::FIRST), &servers.servers));
        }
        let limit = give_up.map_or(due, |end| end.min(due)).saturating_since(now);
        device.node().link().device().wait(StdDuration::from_micros(limit.as_micros()))?;
    }
}

/// When to give up in the client's present state.
fn give_up_at(device: &mut Device<'_>, has_said: bool) -> Option<Instant> {
    match device.node().client().state(RoomSlot::FIRST) {
        State::Connecting { answered: false } => Some(Instant::ZERO + ANSWER_WITHIN),
        _ => has_said.then(|| Instant::ZERO + STORED_WITHIN),
    }
}

/// The addresses of the server, tried one after another until one answers: a device has one socket.
struct ServerRotation {
    servers: Vec<SocketAddr>,
    at: usize,
    until: Instant,
}

impl ServerRotation {
    /// Switches to the next address if that is due; returns when to call it again.
    fn rotate(&mut self, device: &mut Device<'_>) -> Instant {
        let now = device.clock().now();
        let client = device.node().client();
        if self.servers.len() < 2 || client.state(RoomSlot::FIRST) != (State::Connecting { answered: false }) {
            return Instant::from_micros(u64::MAX);
        }
        if self.until <= now {
            (self.at, self.until) = ((self.at + 1) % self.servers.len(), now + ADDRESS_PERIOD);
            client.set_server(self.servers[self.at]);
        }
        self.until
    }
}

fn too_late(state: State, servers: &[SocketAddr]) -> Outcome {
    match state {
        State::Connecting { answered: false } => {
            let all: Vec<_> = servers.iter().map(|server| format!("{} port {}", server.ip(), server.port())).collect();
            let what = "wrong address, a firewall, or the room is not running";
            Outcome(3, format!("no answer from {} in 5 s: {what}", all.join(" or ")))
        }
        _ => Outcome(6, "the line was not stored in 60 s".into()),
    }
}

fn outcome(reason: EndReason, board: &HostBoard) -> Outcome {
    match reason {
        EndReason::Left => board.refused().map_or(Outcome(0, String::new()), |why| Outcome(6, why.into())),
        EndReason::KeyMismatch | EndReason::KeyRejected => {
            Outcome(4, "the server's key is not the one of the invite".into())
        }
        EndReason::ServerProofInvalid => Outcome(4, "the server does not know the room's secret".into()),
        EndReason::Refused(RefusedCode::AUTHENTICATION) => Outcome(4, "the room's secret is wrong".into()),
        EndReason::Refused(RefusedCode::NAME_TAKEN) => Outcome(5, "the name is taken".into()),
        EndReason::Refused(RefusedCode::NAME_NOT_ALLOWED) => Outcome(5, "the name is not allowed".into()),
        EndReason::Refused(_) | EndReason::EndedByServer(_) | EndReason::Closed(_) => {
            Outcome(7, format!("the room ended it: {reason:?}"))
        }
    }
}

impl Owner {
    fn seed(&self) -> &[u8; 32] {
        match self {
            Self::Seed(seed) => seed,
            Self::Kept(person) => person.key.seed(),
        }
    }
}

/// The name's owner, as the arguments choose it. `Err` inside: the error that `kabar` would report.
fn become_owner(arguments: &Arguments) -> io::Result<Result<Owner, CommandError>> {
    if arguments.ephemeral {
        return Ok(Ok(Owner::Seed(random_bytes()?)));
    }
    if let Some(path) = &arguments.identity {
        return Ok(Ok(Owner::Seed(identity_in(path)?)));
    }
    let load = || {
        let dir = open(arguments.data_dir.clone())?;
        let choice = IdentityChoice { label: Some(&arguments.name), ..IdentityChoice::default() };
        Ok(Owner::Kept(LocalIdentity::open(&dir, choice)?))
    };
    Ok(load())
}

/// Reads the identity, or creates a file that only its owner can read.
fn identity_in(path: &Path) -> io::Result<[u8; 32]> {
    match std::fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::other(format!("{} is not 32 bytes long", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let identity = random_bytes()?;
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(path)?.write_all(&identity)?;
            Ok(identity)
        }
        Err(error) => Err(error),
    }
}
