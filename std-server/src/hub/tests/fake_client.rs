//! A client without logic: a handshake, a connection, and the messages that a test sends.

use core::net::SocketAddr;
use std::collections::BTreeMap;

use kabar_core::chat::message::{client_proof, join_statement, server_proof};
use kabar_core::chat::{
    AnswerCode, Authentication, ClientMessage, EndedCode, EntryKind, Info, Join, MAX_MESSAGE_LEN, Post,
    PostRefusedCode, RefusedCode, Request, ServerMessage, Start, Term, Welcome, message_len,
};
use kabar_core::connection::{CloseCode, StreamId};
use kabar_core::connection::{Closed, Connection, ConnectionEvent};
use kabar_core::crypto::Portable;
use kabar_core::crypto::identity::Identity;
use kabar_core::internals::{ClientHandshake, HandshakeEvent, RetrySchedule};
use kabar_core::session::TransportParameters;
use kabar_core::time::Instant;
use kabar_core::transport::InlineBuffers;

use super::fake_transfers::ReceivedBulk;
use super::server_key::Key;

/// The secret of every room here.
pub(super) const SECRET: [u8; 16] = [0x5e; 16];
/// The name of every room here.
pub(super) const ROOM: &str = "lobby";

type Memory = InlineBuffers<16_384, 16_384, 65_536, 64>;

/// A message that a client received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Welcome(Welcomed),
    Refused {
        code: RefusedCode,
        text: String,
    },
    Reset,
    Entry {
        seq: u64,
        author: String,
        number: u64,
        kind: EntryKind,
        body: Vec<u8>,
    },
    Stub {
        seq: u64,
        size: u16,
    },
    Stored {
        number: u64,
        seq: u64,
    },
    PostRefused {
        number: u64,
        code: PostRefusedCode,
    },
    Past {
        remaining: u16,
        seq: Option<u64>,
        body: Vec<u8>,
    },
    Member {
        remaining: u16,
        name: Option<String>,
    },
    Notice(u8),
    Ended {
        code: EndedCode,
        text: String,
    },
    /// Name and topic.
    Room {
        remaining: u16,
        room: Option<(String, String)>,
    },
    Topic(String),
    Answer {
        code: AnswerCode,
        text: String,
    },
    Output(String),
    /// Any other information, as `Debug` formats it.
    Info(String),
}

impl Received {
    fn of(info: Info<'_>) -> Self {
        if let Info::HistoryEntry { remaining, entry, .. } = info {
            let (seq, body) = (entry.map(|entry| entry.header.seq), entry.map_or(&[][..], |entry| entry.body).to_vec());
            return Self::Past { remaining, seq, body };
        }
        if let Info::MemberListed { remaining, name, .. } = info {
            return Self::Member { remaining, name: name.map(Into::into) };
        }
        if let Info::Notice { code, .. } = info {
            return Self::Notice(code);
        }
        if let Info::Ended { code, text, .. } = info {
            return Self::Ended { code, text: text.into() };
        }
        if let Info::RoomListed { remaining, room, .. } = info {
            return Self::Room { remaining, room: room.map(|room| (room.name.into(), room.topic.into())) };
        }
        if let Info::Topic { topic, .. } = info {
            return Self::Topic(topic.into());
        }
        if let Info::Answer { code, text, .. } = info {
            return Self::Answer { code, text: text.into() };
        }
        if let Info::OutputLine { text, .. } = info {
            return Self::Output(text.into());
        }
        Self::Info(format!("{info:?}"))
    }

    /// The text of an entry.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Entry { kind: EntryKind::TEXT, body, .. } => Some(String::from_utf8(body.clone()).expect("a text")),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Welcomed {
    pub(super) name: String,
    pub(super) term: Term,
    pub(super) first: u64,
    pub(super) head: u64,
    pub(super) start: u64,
    pub(super) instance: u64,
    pub(super) highest: u64,
    pub(super) members: u16,
    pub(super) is_proved: bool,
}

/// The content of a Join.
#[derive(Clone, Debug)]
pub(super) struct JoinArgs {
    pub(super) room: &'static str,
    pub(super) name: String,
    pub(super) key: u8,
    pub(super) credential: Credential,
    pub(super) instance: u64,
    pub(super) start: Start,
    pub(super) max_entry_len: u16,
    pub(super) is_default_name: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Credential {
    None,
    Secret,
    WrongSecret,
    /// The secret of an invite.
    Invite([u8; 16]),
    Password(&'static str),
    BadSignature,
}

/// A Join under `name` by the key number `key`, with the secret, from the head on.
pub(super) fn join_args(name: &str, key: u8) -> JoinArgs {
    JoinArgs {
        room: ROOM,
        name: name.into(),
        key,
        credential: Credential::Secret,
        instance: 0,
        start: Start::Head,
        max_entry_len: 4352,
        is_default_name: false,
    }
}

pub(super) struct FakeClient {
    pub(super) address: SocketAddr,
    handshake: ClientHandshake<Key>,
    pub(super) connection: Box<Connection<Memory, Portable>>,
    limits: TransportParameters,
    seed: u8,
    pub(super) received: Vec<Received>,
    /// The messages about each room, by its name.
    pub(super) by_room: BTreeMap<String, Vec<Received>>,
    /// The handle of each room, and its instance there. A room that it has left stays.
    rooms: BTreeMap<String, (u8, u64)>,
    pub(super) closed: Option<Closed>,
    /// Nothing passes in either direction.
    pub(super) is_cut: bool,
    /// Its datagrams pass, and those to it do not.
    pub(super) is_unreachable: bool,
    /// It leaves messages in its receive ring.
    pub(super) is_not_reading: bool,
    instance: u64,
    handle: u8,
    pub(super) now: Instant,
    /// Messages of transfers that have arrived.
    pub(super) transfers: Vec<ReceivedBulk>,
    /// It leaves messages of transfers in its receive ring.
    pub(super) is_not_reading_bulk: bool,
    /// The secret that its last Join proved, or the standing one.
    proved: [u8; 16],
}

impl FakeClient {
    pub(super) fn new(address: SocketAddr, seed: u8) -> Self {
        let limits = TransportParameters {
            datagram: 1200,
            packets: 64,
            message: MAX_MESSAGE_LEN as u16,
            chat: 16_384,
            bulk: 65_536,
            ack_delay_ms: 5,
            tick_us: 1_000,
            idle_s: 60,
        };
        Self {
            address,
            handshake: ClientHandshake::new(),
            connection: Box::new(Connection::new(Memory::new())),
            limits,
            seed,
            received: Vec::new(),
            by_room: BTreeMap::new(),
            rooms: BTreeMap::new(),
            closed: None,
            is_cut: false,
            is_unreachable: false,
            is_not_reading: false,
            instance: 0,
            handle: 1,
            now: Instant::ZERO,
            transfers: Vec::new(),
            is_not_reading_bulk: false,
            proved: SECRET,
        }
    }

    /// Accepts messages of up to `len` bytes.
    pub(super) fn set_message_limit(&mut self, len: u16) {
        self.limits.message = len;
    }

    /// Posts under the instance that it had before.
    pub(super) fn set_instance(&mut self, instance: u64) {
        self.instance = instance;
    }

    /// Begins a new connection; the old one is dropped silently.
    pub(super) fn connect(&mut self, now: Instant) {
        self.now = now;
        self.seed = self.seed.wrapping_add(100);
        self.connection.reset();
        self.rooms.clear();
        self.handshake.start(now, [self.seed; 32], None, self.limits, RetrySchedule::Initial);
        self.closed = None;
    }

    pub(super) fn is_connected(&self) -> bool {
        self.connection.is_open()
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        if self.handshake.is_active() {
            let _ = self.handshake.handle_datagram::<Portable>(now, datagram);
        } else {
            let _ = self.connection.handle_datagram(now, from, datagram);
        }
        self.settle(now, from);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, server: SocketAddr) {
        if self.handshake.is_active() {
            self.handshake.handle_timeout(now);
        } else {
            self.connection.handle_timeout(now);
        }
        self.settle(now, server);
    }

    fn settle(&mut self, now: Instant, server: SocketAddr) {
        self.now = now;
        while let Some(event) = self.handshake.poll_event() {
            match event {
                HandshakeEvent::UnknownServerKey(_) => self.handshake.accept_key(now),
                HandshakeEvent::Established(established) => self.connection.open(now, &established, server),
            }
        }
        while let Some(event) = self.connection.poll_event() {
            if let ConnectionEvent::Closed(closed) = event {
                self.closed = Some(closed);
            }
        }
        if !self.is_not_reading {
            self.read_messages();
        }
        self.read_transfers();
    }

    /// Reads all messages that have arrived.
    pub(super) fn read_messages(&mut self) {
        let mut prefix = [0; 2];
        while self.connection.peek(StreamId::Chat, 0, &mut prefix) {
            let mut message = vec![0; message_len(prefix).expect("a type")];
            if !self.connection.peek(StreamId::Chat, 0, &mut message) {
                return;
            }
            self.connection.consume(StreamId::Chat, message.len());
            let message = ServerMessage::decode(&message[2..]).expect("legal").expect("known");
            let handle = handle_of(&message);
            let refused = if let ServerMessage::Refused { room, .. } = message { Some(room.to_owned()) } else { None };
            let received = self.receive(message);
            let named = self.rooms.iter().find(|(_, (its, _))| Some(*its) == handle).map(|(room, _)| room.clone());
            if let Some(room) = refused.or(named) {
                self.by_room.entry(room).or_default().push(received.clone());
            }
            self.received.push(received);
        }
    }

    fn receive(&mut self, message: ServerMessage<'_>) -> Received {
        match message {
            ServerMessage::Welcome(it) => {
                (self.instance, self.handle) = (it.instance, it.handle);
                self.rooms.insert(it.room.to_owned(), (it.handle, it.instance));
                let exporter = self.connection.exporter().expect("open");
                Received::Welcome(Welcomed {
                    name: it.name.into(),
                    term: it.term,
                    first: it.first,
                    head: it.head,
                    start: it.start,
                    instance: it.instance,
                    highest: it.highest_stored,
                    members: it.members,
                    is_proved: it.proof == server_proof(&self.proved, exporter),
                })
            }
            ServerMessage::Refused { code, text, .. } => Received::Refused { code, text: text.into() },
            ServerMessage::Reset { .. } => Received::Reset,
            ServerMessage::Entry { entry, .. } => Received::Entry {
                seq: entry.header.seq,
                author: entry.header.author.into(),
                number: entry.header.number,
                kind: entry.header.kind,
                body: entry.body.into(),
            },
            ServerMessage::Stub { header, size, .. } => Received::Stub { seq: header.seq, size },
            ServerMessage::Stored { number, seq, .. } => Received::Stored { number, seq },
            ServerMessage::PostRefused { number, code, .. } => Received::PostRefused { number, code },
            ServerMessage::Info(info) => Received::of(info),
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<usize> {
        self.now = now;
        if self.handshake.is_active() {
            return self.handshake.poll_transmit::<Portable>(now, out);
        }
        self.connection.poll_transmit(now, out).map(|transmit| transmit.len)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        if self.handshake.is_active() { self.handshake.poll_timeout() } else { self.connection.poll_timeout() }
    }

    pub(super) fn send(&mut self, message: &ClientMessage<'_>) -> bool {
        let mut out = vec![0; 8_192];
        let len = message.encode(&mut out).expect("fits");
        self.send_raw(&out[..len])
    }

    pub(super) fn send_raw(&mut self, bytes: &[u8]) -> bool {
        self.connection.send(self.now, StreamId::Chat, &[bytes]).is_ok()
    }

    pub(super) fn join(&mut self, join_args: &JoinArgs) {
        assert!(self.try_join(join_args), "the send ring is full");
    }

    /// `false`: its send ring is full.
    pub(super) fn try_join(&mut self, join_args: &JoinArgs) -> bool {
        let identity = Identity::from_seed(&[join_args.key; 32]);
        let exporter = self.connection.exporter().expect("open");
        let mut statement = [0; 160];
        let len = join_statement(exporter, &identity.public(), join_args.room, &mut statement).expect("fits");
        let mut signature = identity.sign(&statement[..len]);
        self.proved = if let Credential::Invite(secret) = join_args.credential { secret } else { SECRET };
        let authentication = match join_args.credential {
            Credential::None => Authentication::None,
            Credential::Password(password) => Authentication::Password(password.as_bytes()),
            Credential::WrongSecret => Authentication::Secret(client_proof(&[1; 16], exporter)),
            Credential::Invite(secret) => Authentication::Secret(client_proof(&secret, exporter)),
            Credential::Secret | Credential::BadSignature => Authentication::Secret(client_proof(&SECRET, exporter)),
        };
        if matches!(join_args.credential, Credential::BadSignature) {
            signature[40] ^= 1;
        }
        let join = Join {
            room: join_args.room,
            name: &join_args.name,
            identity: identity.public(),
            signature,
            authentication,
            instance: join_args.instance,
            start: join_args.start,
            max_entry_len: join_args.max_entry_len,
            is_default_name: join_args.is_default_name,
        };
        self.send(&ClientMessage::Join(join))
    }

    /// Posts under its instance, with everything below it settled.
    pub(super) fn post(&mut self, number: u64, text: &str) {
        self.post_settled(number, number - 1, text);
    }

    pub(super) fn post_settled(&mut self, number: u64, settled: u64, text: &str) {
        assert!(self.post_as(EntryKind::TEXT, number, settled, text.as_bytes()), "the send ring is full");
    }

    pub(super) fn post_as(&mut self, kind: EntryKind, number: u64, settled: u64, body: &[u8]) -> bool {
        self.send(&ClientMessage::Post(Post {
            handle: self.handle,
            instance: self.instance,
            number,
            settled,
            kind,
            body,
        }))
    }

    /// Its handle of a room.
    pub(super) fn handle(&self, room: &str) -> u8 {
        self.rooms.get(room).unwrap_or_else(|| panic!("never welcome in {room}")).0
    }

    /// Its instance in a room.
    pub(super) fn instance_in(&self, room: &str) -> u64 {
        self.rooms.get(room).unwrap_or_else(|| panic!("never welcome in {room}")).1
    }

    /// Posts in a room, with everything below the number settled.
    pub(super) fn post_in(&mut self, room: &str, number: u64, text: &str) {
        (self.handle, self.instance) = *self.rooms.get(room).unwrap_or_else(|| panic!("never welcome in {room}"));
        self.post(number, text);
    }

    /// Sends a request in a room.
    pub(super) fn request_in(&mut self, room: &str, request: Request<'_>) {
        let handle = self.handle(room);
        assert!(self.send(&ClientMessage::Request { handle, request }), "the send ring is full");
    }

    pub(super) fn leave(&mut self, room: &str) {
        let handle = self.handle(room);
        assert!(self.send(&ClientMessage::Leave { handle }), "the send ring is full");
    }

    /// The messages about a room.
    pub(super) fn about(&self, room: &str) -> &[Received] {
        self.by_room.get(room).map_or(&[], Vec::as_slice)
    }

    /// The texts that it received in a room.
    pub(super) fn texts_in(&self, room: &str) -> Vec<String> {
        self.about(room).iter().filter_map(Received::text).collect()
    }

    /// How often it was welcome in a room.
    pub(super) fn welcomes_in(&self, room: &str) -> usize {
        self.about(room).iter().filter(|received| matches!(received, Received::Welcome(_))).count()
    }

    /// The code of the last refusal in a room.
    pub(super) fn refusal_in(&self, room: &str) -> Option<RefusedCode> {
        let code = |received: &Received| match received {
            Received::Refused { code, .. } => Some(*code),
            _ => None,
        };
        self.about(room).iter().rev().find_map(code)
    }

    /// Asks for another name.
    pub(super) fn rename(&mut self, name: &str) {
        let request = Request::Rename { name };
        assert!(self.send(&ClientMessage::Request { handle: self.handle, request }), "the send ring is full");
    }

    /// The answers to its requests that change something.
    pub(super) fn answers(&self) -> Vec<(AnswerCode, &str)> {
        let answer = |received| match received {
            &Received::Answer { code, ref text } => Some((code, text.as_str())),
            _ => None,
        };
        self.received.iter().filter_map(answer).collect()
    }

    pub(super) fn close(&mut self, now: Instant) {
        self.connection.close(now, CloseCode::LEFT, "");
    }

    /// The last Welcome.
    pub(super) fn welcome(&self) -> &Welcomed {
        let welcome = self.received.iter().rev().find_map(|received| match received {
            Received::Welcome(welcome) => Some(welcome),
            _ => None,
        });
        welcome.unwrap_or_else(|| panic!("not welcome: {:?}", self.received))
    }

    pub(super) fn is_welcome(&self) -> bool {
        self.received.iter().any(|received| matches!(received, Received::Welcome(_)))
    }

    pub(super) fn refusal(&self) -> Option<RefusedCode> {
        self.received.iter().find_map(|received| match received {
            Received::Refused { code, .. } => Some(*code),
            _ => None,
        })
    }

    /// Seqs of all entries received.
    pub(super) fn seqs(&self) -> Vec<u64> {
        let seq = |received: &Received| match received {
            Received::Entry { seq, .. } | Received::Stub { seq, .. } => Some(*seq),
            _ => None,
        };
        self.received.iter().filter_map(seq).collect()
    }

    /// Texts of all entries received.
    pub(super) fn texts(&self) -> Vec<String> {
        self.received.iter().filter_map(Received::text).collect()
    }

    /// The highest number that was confirmed as stored.
    pub(super) fn stored(&self) -> u64 {
        let number = |received: &Received| match received {
            Received::Stored { number, .. } => Some(*number),
            _ => None,
        };
        self.received.iter().filter_map(number).max().unwrap_or(0)
    }
}

/// The handle that a message states.
fn handle_of(message: &ServerMessage<'_>) -> Option<u8> {
    match *message {
        ServerMessage::Welcome(Welcome { handle, .. })
        | ServerMessage::Reset { handle }
        | ServerMessage::Entry { handle, .. }
        | ServerMessage::Stub { handle, .. }
        | ServerMessage::Stored { handle, .. }
        | ServerMessage::PostRefused { handle, .. } => Some(handle),
        ServerMessage::Info(info) => info.handle(),
        ServerMessage::Refused { .. } => None,
    }
}
