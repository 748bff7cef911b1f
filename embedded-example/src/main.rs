//! A device on a laptop: the library's member over smoltcp, with what a laptop has in place of a sensor and a light.
//!
//! ```text
//! cargo run -p kabar-embedded-example -- INVITE --name probe
//! cargo run -p kabar-embedded-example -- INVITE --name probe --say "hello"
//! ```

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration as StdDuration;

use chacha20::ChaCha20Rng;
use clap::Parser;
use kabar_client::commands::{CommandError, open};
use kabar_client::identity::LocalIdentity;
use kabar_client::messages::command_error;
use kabar_core::chat::{EntryKind, RefusedCode};
use kabar_core::client::{EndReason, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::time::{Duration, Instant};
use kabar_embedded_example::host::{Invite, Laptop, LaptopClock, UdpDevice};
use kabar_embedded_example::{Addressing, Clock, IpLink, IpStorage, Member, Network, Settings, Storage};
use rand_core::SeedableRng;
use smoltcp::wire::{HardwareAddress, Ipv4Cidr};

/// Without an answer for so long: the server cannot be reached.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// With a line not stored for so long: it is given up.
const STORED_WITHIN: Duration = Duration::from_secs(60);
/// How long each of several addresses has to answer, until it is its turn again.
const TURN: Duration = Duration::from_millis(500);
/// Where the node believes to be: nobody else sees it.
const NODE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// A device's member of a Kabar room, over smoltcp, on this computer: it says readings and answers `@NAME status`. Times are UTC.
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
    /// Leave after so many readings.
    #[arg(long, value_name = "COUNT")]
    readings: Option<u32>,
    /// Say this and leave once it is stored, without readings.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["every", "readings"])]
    say: Option<String>,
    /// A file with 32 secret bytes that own the name, made at first use [default: the key that
    /// `kabar` keeps for the name].
    #[arg(long, value_name = "FILE", conflicts_with = "ephemeral")]
    identity: Option<PathBuf>,
    /// An identity for this run only: the room keeps the name for it for 30 days, so the next run
    /// needs another name.
    #[arg(long)]
    ephemeral: bool,
    /// Where keys are kept [default: the user's data directory].
    #[arg(long, value_name = "DIR", env = "KABAR_DATA_DIR", hide_env_values = true)]
    data_dir: Option<PathBuf>,
}

/// How it ended: the exit code, and why in one line unless all went well.
struct Outcome(u8, String);

/// Who owns the name.
enum Owner {
    /// Whoever has this seed.
    Seed([u8; 32]),
    /// Whoever `kabar` is under this name.
    Kept(LocalIdentity),
}

type Device<'a> = Member<'a, IpLink<'a, UdpDevice>, LaptopClock, Laptop>;

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
    let servers = invite.addresses();
    let Some(&server) = servers.first() else {
        return Ok(Outcome(3, format!("no IPv4 address is known for {}", invite.servers.join(" or "))));
    };
    // Held to the end: `kabar` sees by it that the name is in use.
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
        room: &invite.room,
        secret: invite.secret,
        name: &arguments.name,
        identity: &identity,
        every: arguments.say.is_none().then(|| Duration::from_secs(arguments.every.into())),
    };

    let mut rng = ChaCha20Rng::from_seed(random()?);
    let clock = LaptopClock::start();
    let address = Addressing::Static { address: Ipv4Cidr::new(NODE, 24), gateway: None };
    let network = Network::draw(HardwareAddress::Ip, address, &mut rng);
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let card = UdpDevice::open(SocketAddrV4::new(NODE, network.port))?;
    let link = IpLink::new(&mut ip, &network, card, clock.now());
    let mut device =
        Member::new(&mut storage, &settings, link, clock, Laptop::default(), &mut rng).map_err(io::Error::other)?;
    let said = match &arguments.say {
        None => None,
        Some(text) => match device.post(EntryKind::TEXT, text.as_bytes()) {
            Ok(number) => Some(number),
            Err(error) => return Ok(Outcome(6, format!("the line cannot be said: {error:?}"))),
        },
    };

    let mut is_leaving = false;
    let mut turn = Turn { servers, at: 0, until: clock.now() + TURN };
    loop {
        let due = device.run().min(turn.take(&mut device));
        if let Some(reason) = device.ended() {
            return Ok(ending(reason, device.board()));
        }
        let is_done = said.is_some_and(|number| device.board().is_settled(number))
            || arguments.readings.is_some_and(|readings| device.readings() >= readings);
        if is_done && !is_leaving {
            is_leaving = true;
            device.leave();
            continue;
        }
        let patience = patience(&mut device, said.is_some());
        let now = device.clock().now();
        if patience.is_some_and(|end| end <= now) {
            return Ok(too_late(device.node().client().state(), &turn.servers));
        }
        let limit = patience.map_or(due, |end| end.min(due)).saturating_since(now);
        device.node().link().device().wait(StdDuration::from_micros(limit.as_micros()))?;
    }
}

/// When patience ends in the client's present state.
fn patience(device: &mut Device<'_>, has_said: bool) -> Option<Instant> {
    match device.node().client().state() {
        State::Connecting { answered: false } => Some(Instant::ZERO + ANSWER_WITHIN),
        _ => has_said.then(|| Instant::ZERO + STORED_WITHIN),
    }
}

/// The addresses of the server, in turn until one answers: a device has one socket.
struct Turn {
    servers: Vec<SocketAddr>,
    at: usize,
    until: Instant,
}

impl Turn {
    /// Gives the turn to the next address if that is due; when to ask again.
    fn take(&mut self, device: &mut Device<'_>) -> Instant {
        let now = device.clock().now();
        let client = device.node().client();
        if self.servers.len() < 2 || client.state() != (State::Connecting { answered: false }) {
            return Instant::from_micros(u64::MAX);
        }
        if self.until <= now {
            (self.at, self.until) = ((self.at + 1) % self.servers.len(), now + TURN);
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

fn ending(reason: EndReason, board: &Laptop) -> Outcome {
    match reason {
        EndReason::Left => board.refused().map_or(Outcome(0, String::new()), |why| Outcome(6, why.into())),
        EndReason::KeyMismatch | EndReason::KeyDeclined => {
            Outcome(4, "the server's key is not the one of the invite".into())
        }
        EndReason::Impostor => Outcome(4, "the server does not know the room's secret".into()),
        EndReason::Refused(RefusedCode::AUTHENTICATION) => Outcome(4, "the room's secret is wrong".into()),
        EndReason::Refused(RefusedCode::NAME_TAKEN) => Outcome(5, "the name is taken".into()),
        EndReason::Refused(RefusedCode::NAME_NOT_ALLOWED) => Outcome(5, "the name is not allowed".into()),
        other => Outcome(7, format!("the room ended it: {other:?}")),
    }
}

fn random<const LEN: usize>() -> io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

impl Owner {
    fn seed(&self) -> &[u8; 32] {
        match self {
            Self::Seed(seed) => seed,
            Self::Kept(person) => &person.seed,
        }
    }
}

/// The same owner at each run, unless it is to be another one. `Err` inside: what `kabar` would
/// say.
fn become_owner(arguments: &Arguments) -> io::Result<Result<Owner, CommandError>> {
    if arguments.ephemeral {
        return Ok(Ok(Owner::Seed(random()?)));
    }
    if let Some(path) = &arguments.identity {
        return Ok(Ok(Owner::Seed(identity_in(path)?)));
    }
    let load = || {
        let dir = open(arguments.data_dir.clone())?;
        Ok(Owner::Kept(LocalIdentity::load_or_create(&dir, Some(&arguments.name), None)?))
    };
    Ok(load())
}

/// Reads the identity, or makes one that only its owner can read.
fn identity_in(path: &Path) -> io::Result<[u8; 32]> {
    match std::fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::other(format!("{} is not 32 bytes long", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let identity = random()?;
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
