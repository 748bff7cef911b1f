//! The smallest server over `std::net`: one room on one socket and one thread.
//!
//! `cargo run -p kabar-core --features std --example server -- 127.0.0.1:9999` serves until it is
//! stopped. With `demo` instead of an address it also runs a client on another thread, which posts
//! one line, and it ends when that client has read the line.

mod room;

use std::net::{SocketAddr, UdpSocket};
use std::{collections::HashMap, io, thread};

use getrandom::SysRng;
use kabar_core::chat::{EntryKind, MAX_MESSAGE_LEN, Start};
use kabar_core::client::{Client, Config, Credential, EndReason, Event, Output, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::{AnyRsa, AnyRsaPrivateKey, KeySize, PrivateKey as _};
use kabar_core::crypto::{Portable, Provider as _};
use kabar_core::session::{Acceptor, Fingerprint, Incoming, acceptor::Accepted};
use kabar_core::time::Instant;
use kabar_core::transport::InlineBuffers;
use rand_core::{SeedableRng as _, TryRng as _};
use room::{Buffers, Peer, Room};

/// Datagrams are at most this long.
const DATAGRAM_LEN: usize = 1200;
/// Handshakes that wait for the first packet of their client. A real server has a bound for each
/// address too.
const MAX_HALF_OPEN: usize = 100;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9999".to_owned());
    let is_demo = address == "demo";
    let socket = UdpSocket::bind(if is_demo { "127.0.0.1:0" } else { &address })?;
    let key = AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut rand_chacha::ChaCha20Rng::from_seed(random()));
    let fingerprint = Fingerprint::of_modulus(key.modulus());
    let server = socket.local_addr()?;
    println!("serving on {server}, key {fingerprint}");
    let member = is_demo.then(|| thread::spawn(move || join(server, fingerprint)));
    let clock = std::time::Instant::now();
    let mut server = Server::new(key);
    while member.as_ref().is_none_or(|member| !member.is_finished()) {
        let now = Instant::from_micros(clock.elapsed().as_micros() as u64);
        server.transmit(now, &socket);
        let wait = server.deadline().map_or(50_000, |at| at.saturating_since(now).as_micros().clamp(1, 50_000));
        socket.set_read_timeout(Some(std::time::Duration::from_micros(wait)))?;
        let mut datagram = [0; DATAGRAM_LEN];
        // An error is a time-out, or the report of a datagram that was lost.
        if let Ok((len, from)) = socket.recv_from(&mut datagram) {
            let now = Instant::from_micros(clock.elapsed().as_micros() as u64);
            server.handle_datagram(now, from, &mut datagram[..len], &socket);
        }
        server.handle_timeout(Instant::from_micros(clock.elapsed().as_micros() as u64));
    }
    member.map_or(Ok(()), |member| member.join().expect("the client does not panic"))
}

struct Server {
    key: AnyRsaPrivateKey,
    acceptor: Acceptor,
    /// The last connection id.
    last_id: u32,
    half_open: HashMap<u32, ([u8; 16], Accepted)>,
    peers: HashMap<u32, Box<Peer>>,
    room: Room,
}

impl Server {
    fn new(key: AnyRsaPrivateKey) -> Self {
        let acceptor = Acceptor::new(key.modulus(), Buffers::CAPACITY.parameters(MAX_MESSAGE_LEN), random());
        let (half_open, peers) = (HashMap::new(), HashMap::new());
        Self { key, acceptor, last_id: 0, half_open, peers, room: Room::default() }
    }

    fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8], socket: &UdpSocket) {
        let mut reply = [0; DATAGRAM_LEN];
        let id = match self.acceptor.handle_datagram::<Portable>(now, from, datagram, &mut reply) {
            Incoming::Reply(len) => return drop(socket.send_to(&reply[..len], from)),
            Incoming::Accept(pending) => {
                // An Initiate that is repeated gets the same answer: the work is done once.
                let known = self.half_open.values().find(|(attempt, _)| *attempt == pending.id());
                if let Some((_, accepted)) = known {
                    return drop(socket.send_to(&accepted.datagram, from));
                }
                self.last_id += 1;
                if self.half_open.len() < MAX_HALF_OPEN
                    && let Some(accepted) = pending.run::<Portable>(&self.key, self.last_id, random())
                {
                    let _ = socket.send_to(&accepted.datagram, from);
                    self.half_open.insert(self.last_id, (pending.id(), accepted));
                }
                return;
            }
            Incoming::Sealed(header) if self.peers.contains_key(&header.connection_id) => header.connection_id,
            Incoming::Sealed(header) => match self.half_open.get(&header.connection_id) {
                // Only the client knows the keys: its first packet opens the connection.
                Some((_, accepted)) if accepted.verify::<Portable>(datagram).is_ok() => {
                    let mut peer = Box::new(Peer::new(InlineBuffers::new()));
                    peer.open(now, &accepted.established, from);
                    self.half_open.remove(&header.connection_id);
                    self.peers.insert(header.connection_id, peer);
                    header.connection_id
                }
                Some(_) => return,
                None => {
                    // Informs a client that its connection is gone (SPEC 4.5).
                    let _ = socket.send_to(&header.hint(Portable::crc32), from);
                    return;
                }
            },
            Incoming::Hint | Incoming::Dropped(_) => return,
        };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let _ = peer.handle_datagram(now, from, datagram);
        for (to, message) in self.room.read(id, peer) {
            if let Some(peer) = self.peers.get_mut(&to) {
                room::send(now, peer, &message);
            }
        }
    }

    fn transmit(&mut self, now: Instant, socket: &UdpSocket) {
        let mut datagram = [0; DATAGRAM_LEN];
        for peer in self.peers.values_mut() {
            while let Some(transmit) = peer.poll_transmit(now, &mut datagram) {
                let _ = socket.send_to(&datagram[..transmit.len], transmit.to);
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.peers.values().filter_map(|peer| peer.poll_timeout()).min()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.peers.values_mut().for_each(|peer| peer.handle_timeout(now));
        let room = &mut self.room;
        self.peers.retain(|&id, peer| {
            if !peer.is_open() {
                room.remove(id);
            }
            !peer.is_finished()
        });
    }
}

/// A client that joins, posts a line, reads it and leaves.
fn join(server: SocketAddr, fingerprint: Fingerprint) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let clock = std::time::Instant::now();
    let now = || Instant::from_micros(clock.elapsed().as_micros() as u64);
    let mut client = Client::<AnyRsa, _, Portable, 4096, 4480>::new(InlineBuffers::<8192, 8192, 0, 32>::new());
    let config = Config {
        server,
        fingerprint: Some(fingerprint),
        room: "lobby",
        name: "anna",
        is_default_name: false,
        identity: &Identity::from_seed(&random()),
        credential: Credential::None,
        start: Start::Head,
        max_entry_len: 4352,
        idle_s: 60,
        ack_delay_ms: 5,
        tick_us: 1000,
    };
    client.start(&config, random(), now()).map_err(io::Error::other)?;
    let mut datagram = [0; DATAGRAM_LEN];
    loop {
        let deadline = loop {
            match client.poll_output(now(), &mut datagram) {
                Output::Transmit(transmit) => drop(socket.send_to(&datagram[..transmit.len], transmit.to)),
                Output::Event(Event::Joined { .. }) => {
                    client.post(RoomSlot::FIRST, EntryKind::TEXT, b"hello").map_err(io::Error::other)?;
                }
                Output::Event(Event::Entry { header, body, .. }) => {
                    println!("{}: {}", header.author, String::from_utf8_lossy(body));
                    client.leave(now());
                }
                Output::Event(Event::Ended(EndReason::Left)) => return Ok(()),
                Output::Event(Event::Ended(reason)) => return Err(io::Error::other(format!("{reason:?}"))),
                Output::Event(_) => {}
                Output::Timeout(deadline) => break deadline,
            }
        };
        let wait = deadline.map(|at| std::time::Duration::from_micros(at.saturating_since(now()).as_micros().max(1)));
        socket.set_read_timeout(wait)?;
        if let Ok((len, from)) = socket.recv_from(&mut datagram) {
            client.handle_datagram(now(), from, &mut datagram[..len]);
        }
        if deadline.is_some_and(|at| at <= now()) {
            client.handle_timeout(now());
        }
    }
}

/// From the operating system.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives randomness");
    bytes
}
