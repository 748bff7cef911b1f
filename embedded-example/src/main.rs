//! A device on a laptop: joins a room over smoltcp, says one line, shows what comes.
//!
//! ```text
//! cargo run -p kabar-embedded-example -- INVITE --name probe --say "hello"
//! ```

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration as StdDuration;

use clap::Parser;
use kabar_core::chat::{Kind, RefusedCode};
use kabar_core::client::{EndReason, Event, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::time::{Duration, Instant};
use kabar_embedded_example::host::{Invite, UdpDevice, show};
use kabar_embedded_example::{Addressing, DeviceClient, Network, Node, Storage, profile};
use smoltcp::wire::{HardwareAddress, Ipv4Cidr};

/// Without an answer for so long: the server cannot be reached.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// With a line not stored for so long: it is given up.
const STORED_WITHIN: Duration = Duration::from_secs(60);
/// What an operating system may add to a sleep, in us.
const TICK_US: u32 = 10_000;
/// Where the node believes to be: nobody else sees it.
const NODE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 49_152);

/// A device's member of a Kabar room, over smoltcp, on this computer. Times are UTC.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// kabar://HOST:PORT/ROOM/FINGERPRINT.SECRET
    invite: Invite,
    /// The name in the room.
    #[arg(long)]
    name: String,
    /// Say this and leave once it is stored; without it: show what comes until interrupted.
    #[arg(long)]
    say: Option<String>,
    /// 32 secret bytes that own the name, made at first use; without it: an identity for this run only.
    #[arg(long)]
    identity: Option<PathBuf>,
}

/// How it ended: the exit code, and why in one line unless all went well.
struct Outcome(u8, String);

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
    let Some(server) = resolve(&invite.server) else {
        return Ok(Outcome(3, format!("no IPv4 address is known for {}", invite.server)));
    };
    let identity = Identity::from_seed(&match &arguments.identity {
        Some(path) => identity_in(path)?,
        None => random()?,
    });
    let config =
        profile::config(server, invite.fingerprint, invite.secret, &invite.room, &arguments.name, &identity, TICK_US);
    let network = Network {
        hardware: HardwareAddress::Ip,
        addressing: Addressing::Static { address: Ipv4Cidr::new(*NODE.ip(), 24), gateway: None },
        port: NODE.port(),
        seed: u64::from_ne_bytes(random()?),
    };

    let origin = std::time::Instant::now();
    let now = || Instant::from_micros(u64::try_from(origin.elapsed().as_micros()).unwrap_or(u64::MAX));
    let mut device = UdpDevice::open(NODE)?;
    let mut storage = Storage::new();
    let mut node = Node::new(&mut storage, &network, &mut device, now());
    node.start(&config, random()?, now()).map_err(io::Error::other)?;

    let mut member = Member::new(server, arguments.say.as_deref());
    loop {
        node.poll(now(), &mut device, |event| member.on_event(&event));
        if let Some(outcome) = member.act(node.client(), now()) {
            return Ok(outcome);
        }
        // Once more: acting may have given the client something to send.
        node.poll(now(), &mut device, |event| member.on_event(&event));
        let present = now();
        let due = member.deadline(node.client()).into_iter().chain(node.poll_timeout(present)).min();
        let limit = due.map_or(Duration::from_secs(60), |due| due.saturating_since(present));
        device.wait(StdDuration::from_micros(limit.as_micros()))?;
    }
}

/// What the person at the keyboard would do.
struct Member<'a> {
    server: SocketAddr,
    /// Still to be said.
    say: Option<&'a str>,
    /// Under which number it was said.
    said: Option<u64>,
    stored: bool,
    refused: Option<String>,
    ended: Option<EndReason>,
    leaving: bool,
}

impl<'a> Member<'a> {
    fn new(server: SocketAddr, say: Option<&'a str>) -> Self {
        Self { server, say, said: None, stored: false, refused: None, ended: None, leaving: false }
    }

    fn on_event(&mut self, event: &Event<'_>) {
        match event {
            Event::Joined { name, members, resumed: false, .. } => {
                eprintln!("joined as {}; {members} here", show::text(name.as_bytes()));
            }
            Event::Entry { head, body, .. } => print_line(&show::entry(head, body)),
            Event::Stub { head, size } => {
                print_line(&format!("{} ({size} bytes, too long for this device)", show::entry(head, b"")));
            }
            Event::Stored { number, .. } => self.stored |= self.said.is_some_and(|said| said <= *number),
            Event::PostRefused { code, .. } => self.refused = Some(format!("the line was refused: {code:?}")),
            Event::Notice { text, .. } => eprintln!("{}", show::text(text.as_bytes())),
            Event::Reset => eprintln!("the server's history is another one now"),
            Event::Lost(why) => eprintln!("connection lost ({why:?}), trying again"),
            Event::Ended(reason) => self.ended = Some(*reason),
            _ => {}
        }
    }

    /// Says the line, leaves when it is stored, and tells when it is over.
    fn act(&mut self, client: &mut DeviceClient, now: Instant) -> Option<Outcome> {
        if let Some(reason) = self.ended {
            return Some(self.ending(reason));
        }
        if let Some(text) = self.say.take() {
            match client.post(Kind::TEXT, text.as_bytes()) {
                Ok(number) => self.said = Some(number),
                Err(error) => return Some(Outcome(6, format!("the line cannot be said: {error:?}"))),
            }
        }
        if self.is_settled() && !self.leaving {
            self.leaving = true;
            client.leave(now);
        }
        match self.deadline(client) {
            Some(deadline) if deadline <= now => Some(self.too_late(client.state())),
            _ => None,
        }
    }

    fn is_settled(&self) -> bool {
        self.stored || self.refused.is_some()
    }

    /// When to act next: when patience ends in the client's present state, or now.
    fn deadline(&self, client: &DeviceClient) -> Option<Instant> {
        match client.state() {
            // Told behind the last act: it waits for the next, not for the network.
            _ if self.ended.is_some() || (self.is_settled() && !self.leaving) => Some(Instant::ZERO),
            State::Connecting { answered: false } => Some(Instant::ZERO + ANSWER_WITHIN),
            _ => self.said.map(|_| Instant::ZERO + STORED_WITHIN),
        }
    }

    fn too_late(&self, state: State) -> Outcome {
        match state {
            State::Connecting { answered: false } => Outcome(
                3,
                format!(
                    "no answer from {} port {} in 5 s: wrong address, a firewall, or the room is not running",
                    self.server.ip(),
                    self.server.port()
                ),
            ),
            _ if self.stored => Outcome(0, String::new()),
            _ => Outcome(6, "the line was not stored in 60 s".into()),
        }
    }

    fn ending(&self, reason: EndReason) -> Outcome {
        match reason {
            EndReason::Left => match &self.refused {
                Some(why) => Outcome(6, why.clone()),
                None => Outcome(0, String::new()),
            },
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
}

/// A reader that went away is no reason to stop.
fn print_line(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn resolve(server: &str) -> Option<SocketAddr> {
    server.to_socket_addrs().ok()?.find(SocketAddr::is_ipv4)
}

fn random<const LEN: usize>() -> io::Result<[u8; LEN]> {
    let mut bytes = [0; LEN];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
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
