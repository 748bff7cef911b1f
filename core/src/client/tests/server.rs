//! A minimal server: acceptor, connections, rooms. It follows SPEC 6 and 7 unless a test
//! changes its [`Rules`].

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
    connection: Connection<InlineBuffers<16384, 16384, 0, 64>, Portable>,
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
    limits: TransportParameters,
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
            bulk: 0,
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
        self.limits.message = message;
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

    fn answer(&mut self, at: usize, now: Instant, message: &[u8]) {
        match ClientMessage::decode(message).unwrap().unwrap() {
            ClientMessage::Join(join) => self.join(at, now, &join),
            ClientMessage::Post(post) => self.post(at, &post),
            ClientMessage::Request { handle, request } => self.answer_request(at, handle, request),
            ClientMessage::Leave { handle } => {
                self.left += 1;
                self.left_rooms.push(NAMES[usize::from(handle - HANDLE)]);
                self.peers[at].members.retain(|member| member.handle() != handle);
            }
        }
    }

    fn answer_request(&mut self, at: usize, handle: u8, request: Request<'_>) {
        let room = usize::from(handle - HANDLE);
        if let Request::History { before, count } = request {
            let before = if before == 0 { self.rooms[room].head() + 1 } else { before };
            for seq in before.saturating_sub(u64::from(count)).max(1)..before {
                let logged = self.rooms[room].log[seq as usize - 1].clone();
                let entry = Entry { header: header_of(seq, &logged), body: &logged.body };
                let remaining = (before - seq - 1) as u16;
                self.send_info(at, Info::HistoryEntry { handle, remaining, entry: Some(entry) });
            }
        } else {
            self.send_info(at, Info::MemberListed { handle, remaining: 0, name: Some("bob") });
        }
    }

    fn send_info(&mut self, at: usize, info: Info<'_>) {
        self.send(at, &ServerMessage::Info(info));
    }

    fn join(&mut self, at: usize, now: Instant, join: &Join<'_>) {
        let exporter = *self.peers[at].connection.exporter().unwrap();
        let mut statement = [0; 160];
        let len = join_statement(&exporter, &join.identity, join.room, &mut statement).unwrap();
        assert!(join.identity.verify(&statement[..len], &join.signature), "the signature is over this connection");
        self.joins.push(Joined {
            room: join.room.into(),
            instance: join.instance,
            start: join.start,
            password: match join.authentication {
                Authentication::Password(password) => Some(password.to_vec()),
                _ => None,
            },
            is_default_name: join.is_default_name,
        });
        if self.rules.is_mute || self.rules.is_mute_in == Some(join.room) {
            return;
        }
        let Some(room) = NAMES.iter().position(|name| *name == join.room) else {
            self.refuse(at, join.room, RefusedCode::UNKNOWN_ROOM);
            return;
        };
        let is_member = self.peers[at].members.iter().any(|member| member.room == room);
        assert!(!is_member, "SPEC 6.2: one Join per room");
        let is_admitted = match join.authentication {
            Authentication::None => true,
            Authentication::Secret(proof) => proof == hmac(&SECRET, &[&exporter, b"c"]),
            Authentication::Password(password) => password == PASSWORD,
        };
        let refused = self.rules.refuses.or((!is_admitted).then_some(RefusedCode::AUTHENTICATION));
        let refused_in = self.rules.refuses_in.filter(|(name, _)| *name == join.room).map(|(_, code)| code);
        if let Some(code) = refused.or(refused_in) {
            self.refuse(at, join.room, code);
            return;
        }
        // SPEC 5.7: the later connection of an identity replaces the earlier one.
        for (other, peer) in self.peers.iter_mut().enumerate() {
            if other != at && peer.members.iter().any(|member| member.identity == join.identity) {
                peer.connection.close(now, CloseCode::REPLACED, "");
                peer.members.clear();
            }
        }
        let instances = &mut self.rooms[room].instances;
        let instance = match instances.iter().find(|known| known.instance == join.instance) {
            Some(known) => known.instance,
            None => {
                self.given += 1;
                let instance = 0x1000 + self.given;
                instances.push(Instances { instance, identity: join.identity, highest: 0 });
                instance
            }
        };
        let known = instances.iter().find(|known| known.instance == instance).unwrap();
        assert_eq!(known.identity, join.identity);
        let highest = known.highest;
        if let Some(raw) = self.rules.before_welcome.clone() {
            self.peers[at].outgoing.push_back(raw);
        }
        let (start, is_reset) = self.start(room, join.start);
        let start = self.rules.starts_at.unwrap_or(start);
        if is_reset {
            self.send(at, &ServerMessage::Reset { handle: handle_of(room) });
        }
        let is_impostor = self.rules.is_impostor || self.rules.is_impostor_in == Some(join.room);
        let proof = server_proof(if is_impostor { b"another secret.." } else { &SECRET }, &exporter);
        let (term, head) = (self.terms.last().unwrap().0, self.rooms[room].head());
        let first = self.rules.first.unwrap_or(self.rooms[room].dropped + 1);
        self.send(
            at,
            &ServerMessage::Welcome(Welcome {
                handle: self
                    .rules
                    .handle_in
                    .filter(|(name, _)| *name == join.room)
                    .map_or(handle_of(room), |(_, it)| it),
                room: join.room,
                name: join.name,
                term,
                first,
                head,
                start,
                instance,
                highest_stored: highest,
                members: 1,
                proof,
            }),
        );
        self.peers[at].closes = None;
        self.peers[at].members.push(Member {
            room,
            name: join.name.into(),
            identity: join.identity,
            instance,
            cursor: start,
            largest: usize::from(join.max_entry_len),
            refused: 0,
        });
    }

    /// SPEC 6.3: the connection is closed if it is in no room. Every Join is answered at once, so
    /// none is in progress.
    fn refuse(&mut self, at: usize, room: &str, code: RefusedCode) {
        let room = if self.rules.omits_room { "" } else { room };
        self.send(at, &ServerMessage::Refused { code, text: REFUSAL, room });
        self.peers[at].closes = Some(CloseCode::REFUSED);
    }

    /// SPEC 7: where delivery begins, and whether the cursor was not valid.
    fn start(&self, room: usize, start: Start) -> (u64, bool) {
        let (head, dropped) = (self.rooms[room].head(), self.rooms[room].dropped);
        let last = |count: u32| head.saturating_sub(u64::from(count)).max(dropped);
        match start {
            Start::Head => (head, false),
            Start::Last(count) => (last(count), false),
            Start::After { seq, term, fallback_count } => {
                let at = self.terms.iter().position(|(known, _)| *known == term);
                let is_valid = at.is_some_and(|at| {
                    let end = self.terms.get(at + 1).map_or(head, |(_, first)| first[room] - 1);
                    seq <= end
                });
                if is_valid { (seq.max(dropped), false) } else { (last(fallback_count), true) }
            }
        }
    }

    /// SPEC 6.5.
    fn post(&mut self, at: usize, post: &Post<'_>) {
        self.posts.push((post.number, post.settled));
        let member = self.peers[at].members.iter_mut().find(|member| member.handle() == post.handle);
        let Some(member) = member else { panic!("a post to a room that it is not in") };
        assert_eq!(post.instance, member.instance);
        let (handle, room) = (member.handle(), member.room);
        if self.rules.ignores_posts || self.rules.ignores_posts_in == Some(NAMES[room]) || member.refused > post.settled
        {
            return;
        }
        let name = member.name.clone();
        let instance = self.rooms[room].instances.iter_mut().find(|known| known.instance == post.instance).unwrap();
        if post.number > instance.highest {
            assert!(post.number - 1 <= instance.highest.max(post.settled), "nothing below may be open");
            if self.rules.refuses_post.as_deref() == Some(post.body) {
                member.refused = post.number;
                let (instance, number) = (post.instance, post.number);
                self.send(at, &ServerMessage::PostRefused { handle, instance, number, code: PostRefusedCode::MUTED });
                return;
            }
            instance.highest = post.number;
            self.rooms[room].log.push(Logged {
                author: name,
                instance: post.instance,
                number: post.number,
                kind: post.kind,
                body: post.body.to_vec(),
            });
        }
        if !self.rules.is_silent {
            let number =
                self.rooms[room].instances.iter().find(|known| known.instance == post.instance).unwrap().highest;
            let seq = self.rooms[room].head();
            self.send(at, &ServerMessage::Stored { handle, instance: post.instance, number, seq });
        }
    }

    /// An entry of each room in turn.
    fn deliver(&mut self, at: usize) {
        while (0..self.peers[at].members.len()).filter(|member| self.deliver_one(at, *member)).count() > 0 {}
    }

    fn deliver_one(&mut self, at: usize, member: usize) -> bool {
        if !self.rules.holds_entries && self.peers[at].outgoing.len() < 4 {
            let member = &mut self.peers[at].members[member];
            let (room, handle) = (member.room, member.handle());
            if member.cursor >= self.rooms[room].head() {
                return false;
            }
            member.cursor += 1;
            let (seq, largest) = (member.cursor, member.largest);
            let logged = self.rooms[room].log[seq as usize - 1].clone();
            let entry_header = header_of(seq, &logged);
            if self.rules.skips == Some(seq) {
                return true;
            }
            let times = if self.rules.repeats == Some(seq) { 2 } else { 1 };
            for _ in 0..times {
                if logged.body.len() > largest {
                    let size = logged.body.len() as u16;
                    self.send(at, &ServerMessage::Stub { handle, header: entry_header, size });
                } else {
                    let entry = Entry { header: entry_header, body: &logged.body };
                    self.send(at, &ServerMessage::Entry { handle, entry });
                }
            }
            return true;
        }
        false
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
