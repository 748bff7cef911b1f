//! A minimal server: acceptor, connections, rooms. It follows SPEC 6 and 7 unless a test
//! changes its [`Rules`].

mod messages;

use core::net::SocketAddr;
use std::collections::VecDeque;
use std::sync::LazyLock;
use std::vec;
use std::vec::Vec;

use crate::chat::message::{join_statement, server_proof};
use crate::chat::{
    Authentication, ClientMessage, EndedCode, Entry, EntryHeader, EntryKind, Info, Join, MAX_MESSAGE_LEN, Post,
    PostRefusedCode, RefusedCode, Request, ServerMessage, Start, Term, Welcome,
};
use crate::connection::{Connection, ConnectionEvent};
use crate::crypto::identity::PublicIdentity;
use crate::crypto::kdf::hmac;
use crate::crypto::rsa::{AnyRsaPrivateKey, PrivateKey, test_keys};
use crate::crypto::{Portable, Provider};
use crate::session::{Acceptor, Fingerprint, Incoming, acceptor::Accepted};
use crate::time::Instant;
use crate::transport::InlineBuffers;
use crate::wire::frame::{CloseCode, StreamId};
use crate::wire::packet::{Challenge, Packet, TransportParameters};

pub(super) const ADDRESS: SocketAddr =
    SocketAddr::new(core::net::IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 1)), 9999);
pub(super) const SECRET: [u8; 16] = *b"the room secret.";
pub(super) const PASSWORD: &[u8] = b"correct horse";
/// Handle of the first room; the others follow.
const HANDLE: u8 = 7;
/// The rooms that the server has.
const NAMES: [&str; 3] = ["lobby", "attic", "cellar"];

static KEYS: LazyLock<[AnyRsaPrivateKey; 2]> = LazyLock::new(|| {
    [(&test_keys::P_2048[..], &test_keys::Q_2048[..]), (&test_keys::P_3072[..], &test_keys::Q_3072[..])]
        .map(|(p, q)| AnyRsaPrivateKey::from_primes(p, q).unwrap())
});

/// Text of every Refused.
pub(super) const REFUSAL: &str = "not \u{1b}today";

/// Faults and refusals of the server.
#[derive(Clone, Default)]
pub(super) struct Rules {
    /// It handles and sends no datagrams.
    pub(super) is_down: bool,
    /// Hellos are answered with this key, even if the server is down; or only the first.
    pub(super) poses_with: Option<usize>,
    pub(super) poses_first_with: Option<usize>,
    /// Joins are refused.
    pub(super) refuses: Option<RefusedCode>,
    /// The proof in Welcome is wrong.
    pub(super) is_impostor: bool,
    /// Posts with this body are refused.
    pub(super) refuses_post: Option<Vec<u8>>,
    /// Stores posts, but sends no Stored.
    pub(super) is_silent: bool,
    /// Answers no posts and stores nothing.
    pub(super) ignores_posts: bool,
    /// Answers no Join.
    pub(super) is_mute: bool,
    /// The entry of this seq is sent twice.
    pub(super) repeats: Option<u64>,
    /// The entry of this seq is left out.
    pub(super) skips: Option<u64>,
    /// Sent right before Welcome.
    pub(super) before_welcome: Option<Vec<u8>>,
    /// Welcome states another start, or another first.
    pub(super) starts_at: Option<u64>,
    pub(super) first: Option<u64>,
    /// Entries are not delivered.
    pub(super) holds_entries: bool,
    /// Joins for this room are not answered.
    pub(super) is_mute_in: Option<&'static str>,
    /// Joins for this room are refused.
    pub(super) refuses_in: Option<(&'static str, RefusedCode)>,
    /// Refused names no room, as that of an earlier server.
    pub(super) omits_room: bool,
    /// The proof in the Welcome of this room is wrong.
    pub(super) is_impostor_in: Option<&'static str>,
    /// The Welcome of this room states this handle.
    pub(super) handle_in: Option<(&'static str, u8)>,
    /// Posts to this room are ignored.
    pub(super) ignores_posts_in: Option<&'static str>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) author: std::string::String,
    pub(super) instance: u64,
    pub(super) number: u64,
    pub(super) kind: EntryKind,
    pub(super) body: Vec<u8>,
}

/// Fields of a Join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) room: std::string::String,
    pub(super) instance: u64,
    pub(super) start: Start,
    pub(super) password: Option<Vec<u8>>,
    pub(super) is_default_name: bool,
}

struct Instances {
    instance: u64,
    identity: PublicIdentity,
    highest: u64,
}

struct Peer {
    connection: Connection<InlineBuffers<16384, 16384, 8192, 64>, Portable>,
    connection_id: u32,
    /// Memberships, one per room.
    members: Vec<Member>,
    outgoing: VecDeque<Vec<u8>>,
    /// Closes once everything is acknowledged.
    closes: Option<CloseCode>,
}

struct Member {
    room: usize,
    name: std::string::String,
    identity: PublicIdentity,
    instance: u64,
    cursor: u64,
    largest: usize,
    /// Posts are ignored until one states that this is settled.
    refused: u64,
}

/// A room; its name is that of its index.
#[derive(Default)]
pub(super) struct TestRoom {
    pub(super) log: Vec<Logged>,
    /// Entries up to this seq are no longer stored.
    pub(super) dropped: u64,
    instances: Vec<Instances>,
}

pub(super) struct Server {
    pub(super) rules: Rules,
    pub(super) rooms: [TestRoom; NAMES.len()],
    pub(super) terms: Vec<(Term, [u64; NAMES.len()])>,
    pub(super) joins: Vec<Joined>,
    /// (number, settled) of every Post received.
    pub(super) posts: Vec<(u64, u64)>,
    /// The room of each Leave received.
    pub(super) left_rooms: Vec<&'static str>,
    pub(super) left: u32,
    /// How each connection that ended did so.
    pub(super) ended: Vec<crate::connection::Closed>,
    key: &'static AnyRsaPrivateKey,
    acceptor: Acceptor,
    half_open: Vec<([u8; 16], Accepted)>,
    peers: Vec<Peer>,
    drawn: u32,
    given: u64,
    pub(super) limits: TransportParameters,
}

pub(super) fn fingerprint(key: usize) -> Fingerprint {
    Fingerprint::of_modulus(KEYS[key].modulus())
}

impl Server {
    pub(super) fn new() -> Self {
        Self::with_key(0)
    }

    pub(super) fn with_key(key: usize) -> Self {
        let key = &KEYS[key];
        let limits = TransportParameters {
            datagram: 1200,
            packets: 64,
            message: 4480,
            chat: 16384,
            bulk: 8192,
            ack_delay_ms: 5,
            tick_us: 1000,
            idle_s: 60,
        };
        Self {
            rules: Rules::default(),
            rooms: Default::default(),
            terms: vec![(Term([1; 8]), [1; NAMES.len()])],
            joins: Vec::new(),
            posts: Vec::new(),
            left_rooms: Vec::new(),
            left: 0,
            ended: Vec::new(),
            key,
            acceptor: Acceptor::new(key.modulus(), limits, [0x77; 32]),
            half_open: Vec::new(),
            peers: Vec::new(),
            drawn: 0,
            given: 0,
            limits,
        }
    }

    /// Loses all volatile state and begins a new term.
    pub(super) fn restart(&mut self) {
        self.half_open.clear();
        self.peers.clear();
        let term = Term([self.terms.len() as u8 + 1; 8]);
        self.terms.push((term, self.rooms.each_ref().map(|room| room.head() + 1)));
        self.drawn += 1000;
        self.acceptor = Acceptor::new(self.key.modulus(), self.limits, [self.terms.len() as u8; 32]);
    }

    /// Loses the stored state, too.
    pub(super) fn forget_everything(&mut self) {
        for room in &mut self.rooms {
            room.log.clear();
            room.instances.clear();
        }
        self.terms = vec![(Term([0xee; 8]), [1; NAMES.len()])];
        self.half_open.clear();
        self.peers.clear();
        self.drawn += 1000;
    }

    pub(super) fn set_message_limit(&mut self, message: u16) {
        self.set_limits(TransportParameters { message, ..self.limits });
    }

    pub(super) fn set_limits(&mut self, limits: TransportParameters) {
        self.limits = limits;
        self.acceptor = Acceptor::new(self.key.modulus(), self.limits, [0x78; 32]);
    }

    /// The head of the first room, as below.
    pub(super) fn head(&self) -> u64 {
        self.rooms[0].head()
    }

    pub(super) fn add_entry(&mut self, body: &[u8]) {
        self.rooms[0].add_entry(body);
    }

    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        self.rooms[0].bodies()
    }

    pub(super) fn close_all(&mut self, now: Instant, code: CloseCode) {
        for peer in &mut self.peers {
            peer.connection.close(now, code, "");
        }
    }

    /// Sends `message` to every member, unchanged.
    /// Ends the membership of each connection in a room.
    pub(super) fn end_room(&mut self, room: usize, code: EndedCode, text: &str) {
        for at in 0..self.peers.len() {
            let Some(member) = self.peers[at].members.iter().position(|member| member.room == room) else { continue };
            let handle = self.peers[at].members.remove(member).handle();
            self.send_info(at, Info::Ended { handle, code, text });
        }
    }

    pub(super) fn send_raw(&mut self, message: &[u8]) {
        for peer in &mut self.peers {
            peer.outgoing.push_back(message.to_vec());
        }
    }

    pub(super) fn send_all(&mut self, message: &ServerMessage<'_>) {
        let mut bytes = vec![0; MAX_MESSAGE_LEN];
        let len = message.encode(&mut bytes).unwrap();
        self.send_raw(&bytes[..len]);
    }

    pub(super) fn handle(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) -> Option<Vec<u8>> {
        let mut out = vec![0; 1200];
        let pose = self.rules.poses_with.or(self.rules.poses_first_with);
        if let (Some(key), Ok(Packet::Hello(hello))) = (pose, Packet::decode(datagram, Portable::crc32)) {
            self.rules.poses_first_with = None;
            let challenge =
                Challenge { client_random: hello.client_random, cookie: [1; 32], modulus: KEYS[key].modulus() };
            let len = Packet::Challenge(challenge).encode(&mut out, Portable::crc32).unwrap();
            out.truncate(len);
            return Some(out);
        }
        if self.rules.is_down {
            return None;
        }
        match self.acceptor.handle_datagram::<Portable>(now, from, datagram, &mut out) {
            Incoming::Reply(len) => {
                out.truncate(len);
                Some(out)
            }
            Incoming::Accept(pending) => {
                if let Some((_, accepted)) = self.half_open.iter().find(|(id, _)| *id == pending.id()) {
                    return Some(accepted.datagram.to_vec());
                }
                self.drawn += 1;
                let accepted = pending.run::<Portable>(self.key, self.drawn, [self.drawn as u8; 32])?;
                let datagram = accepted.datagram.to_vec();
                self.half_open.push((pending.id(), accepted));
                Some(datagram)
            }
            Incoming::Sealed(header) => {
                if !self.peers.iter().any(|peer| peer.connection_id == header.connection_id) {
                    let found = self
                        .half_open
                        .iter()
                        .position(|(_, accepted)| accepted.established.connection_id == header.connection_id);
                    let Some(at) = found else {
                        let len = Packet::Hint(header).encode(&mut out, Portable::crc32).unwrap();
                        out.truncate(len);
                        return Some(out);
                    };
                    let (_, accepted) = self.half_open.remove(at);
                    let mut connection = Connection::new(InlineBuffers::new());
                    connection.open(now, &accepted.established, from);
                    self.peers.push(Peer {
                        connection,
                        connection_id: header.connection_id,
                        members: Vec::new(),
                        outgoing: VecDeque::new(),
                        closes: None,
                    });
                }
                let at = self.peers.iter().position(|peer| peer.connection_id == header.connection_id)?;
                let _ = self.peers[at].connection.handle_datagram(now, from, datagram);
                self.work(now);
                None
            }
            Incoming::Dropped(_) | Incoming::Hint => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for peer in &mut self.peers {
            peer.connection.handle_timeout(now);
        }
        self.work(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.peers.iter().filter_map(|peer| peer.connection.poll_timeout()).min()
    }

    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if self.rules.is_down {
            return None;
        }
        let mut out = vec![0; 1200];
        for peer in &mut self.peers {
            if let Some(transmit) = peer.connection.poll_transmit(now, &mut out) {
                out.truncate(transmit.len);
                return Some((transmit.to, out));
            }
        }
        None
    }

    /// Writes bytes into the stream BULK of the last connection.
    pub(super) fn send_bulk(&mut self, now: Instant, bytes: &[u8]) {
        self.peers.last_mut().unwrap().connection.send(now, StreamId::Bulk, &[bytes]).unwrap();
    }

    /// Everything that arrived on stream BULK of the last connection, which is consumed.
    pub(super) fn read_bulk(&mut self) -> Vec<u8> {
        let connection = &mut self.peers.last_mut().unwrap().connection;
        let mut bytes = vec![0; connection.readable(StreamId::Bulk)];
        assert!(connection.peek(StreamId::Bulk, 0, &mut bytes));
        connection.consume(StreamId::Bulk, bytes.len());
        bytes
    }

    /// Reads, answers, delivers.
    pub(super) fn work(&mut self, now: Instant) {
        for at in 0..self.peers.len() {
            while let Some(event) = self.peers[at].connection.poll_event() {
                if let ConnectionEvent::Closed(ended) = event {
                    self.ended.push(ended);
                }
            }
            while let Some(message) = self.read(at) {
                self.answer(at, now, &message);
            }
            self.deliver(at);
            let peer = &mut self.peers[at];
            while let Some(message) = peer.outgoing.front()
                && peer.connection.send(now, StreamId::Chat, &[message]).is_ok()
            {
                peer.outgoing.pop_front();
            }
            if let Some(code) = peer.closes
                && peer.members.is_empty()
                && peer.outgoing.is_empty()
                && peer.connection.unacknowledged(StreamId::Chat) == 0
            {
                peer.connection.close(now, code, "");
            }
        }
        self.peers.retain(|peer| !peer.connection.is_finished());
    }

    fn read(&mut self, at: usize) -> Option<Vec<u8>> {
        let connection = &mut self.peers[at].connection;
        let mut length = [0; 2];
        if !connection.peek(StreamId::Chat, 0, &mut length) {
            return None;
        }
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        if !connection.peek(StreamId::Chat, 2, &mut message) {
            return None;
        }
        connection.consume(StreamId::Chat, 2 + message.len());
        Some(message)
    }

    fn send(&mut self, at: usize, message: &ServerMessage<'_>) {
        let mut bytes = vec![0; MAX_MESSAGE_LEN];
        let len = message.encode(&mut bytes).unwrap();
        bytes.truncate(len);
        self.peers[at].outgoing.push_back(bytes);
    }
}

impl TestRoom {
    pub(super) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// Appends a text of another member to the log.
    pub(super) fn add_entry(&mut self, body: &[u8]) {
        self.log.push(Logged {
            author: "alice".into(),
            instance: 99,
            number: self.head() + 1,
            kind: EntryKind::TEXT,
            body: body.to_vec(),
        });
    }

    pub(super) fn bodies(&self) -> Vec<Vec<u8>> {
        self.log.iter().map(|entry| entry.body.clone()).collect()
    }
}

impl Member {
    fn handle(&self) -> u8 {
        handle_of(self.room)
    }
}

fn handle_of(room: usize) -> u8 {
    HANDLE + room as u8
}

fn header_of(seq: u64, logged: &Logged) -> EntryHeader<'_> {
    EntryHeader {
        seq,
        time_ms: 1_700_000_000_000 + seq,
        author: &logged.author,
        instance: logged.instance,
        number: logged.number,
        kind: logged.kind,
    }
}
