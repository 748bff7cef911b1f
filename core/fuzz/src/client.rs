//! A client whose server is hostile: after a real handshake and join it sends any messages (SPEC 6
//! and 7). Nothing panics, the events come in the documented order, and the work is bounded.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::LazyLock;

use kabar_core::MAX_DATAGRAM;
use kabar_core::chat::message::server_proof;
use kabar_core::chat::{
    AnswerCode, ClientMessage, EndedCode, Entry, EntryHeader, EntryKind, Info, MAX_MESSAGE_LEN, MAX_NAME_LEN,
    PostRefusedCode, RefusedCode, Request, RoomInfo, ServerMessage, Term, TransferMessage, Welcome,
};
use kabar_core::client::{Client, Config, Credential, Event, Output, RoomConfig, RoomSlot};
use kabar_core::connection::{CloseCode, Connection, StreamId};
use kabar_core::crypto::Portable;
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::PrivateKey;
use kabar_core::session::acceptor::Accepted;
use kabar_core::session::{Acceptor, Fingerprint, Incoming};
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::{BufferProvider, InlineBuffers, NewReno};

use super::input::Input;
use super::memory::Memory;
use super::toy_key::{MODULUS_LEN, Toy};

/// Steps of a script at most.
const MAX_STEPS: usize = 60;
/// Outputs between two inputs at most: more than the events that fit the receive buffer.
const MAX_OUTPUTS: usize = 3_000;
/// Calls in a row in which the client has something to compute at once.
const MAX_COMPUTATIONS: usize = 32;
/// Rooms that the client may be in.
const ROOMS: usize = 2;
const MESSAGE: usize = 1024;
const NAMES: [&str; 3] = ["lobby", "attic", "cellar"];
const SECRET: [u8; 16] = *b"the room secret.";

const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9999);
const HOME: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 4321);

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[0x1d; 32]));

type Tested = Client<Toy, InlineBuffers<2048, 4096, 2048, 16>, Portable, 2048, MESSAGE, ROOMS>;

/// Takes `data` as steps.
pub fn check(data: &[u8]) {
    let mut input = Input(data);
    let mut world = World::new();
    world.join();
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
        world.run(Duration::from_millis(20));
    }
    world.run(Duration::from_secs(2));
}

/// What the events of a room have said.
#[derive(Default)]
struct Seen {
    is_member: bool,
    /// The last entry, or where delivery begins.
    cursor: u64,
    term: Term,
    posted: u64,
    stored: u64,
    refused: Vec<u64>,
    /// Reset or Gap was the last event: Joined follows.
    awaits_joined: bool,
}

struct World {
    now: Instant,
    client: Box<Tested>,
    seen: [Seen; ROOMS],
    /// The slots that the client gave out.
    slots: [RoomSlot; ROOMS],
    is_disconnected: bool,
    has_ended: bool,
    key: Toy,
    acceptor: Acceptor,
    accepted: Option<Accepted>,
    drawn: u32,
    server: Connection<Memory<NewReno>, Portable>,
    /// The Joins that were not answered.
    joins: Vec<usize>,
    /// The last Post: instance and number.
    post: (u64, u64),
    is_deaf: bool,
}

impl World {
    fn new() -> Self {
        let key = Toy([0xc7; MODULUS_LEN]);
        let now = Instant::from_micros(77_000_000);
        let memory = Memory::new(&mut Input(&[255, 255, 31, 0]));
        let limits = memory.capacity().parameters(MAX_MESSAGE_LEN);
        let mut client = Box::new(Tested::new(InlineBuffers::new()));
        let fingerprint = Some(Fingerprint::of_modulus(key.modulus()));
        let config = Config {
            credential: Credential::Secret(SECRET),
            ..Config::new(SERVER, fingerprint, NAMES[0], "bob", &IDENTITY)
        };
        client.start(&config, [1; 32], now).expect("a legal configuration");
        Self {
            now,
            client,
            seen: Default::default(),
            slots: [RoomSlot::FIRST; ROOMS],
            is_disconnected: false,
            has_ended: false,
            acceptor: Acceptor::new(key.modulus(), limits, [0; 32]),
            key,
            accepted: None,
            drawn: 0,
            server: Connection::new(memory),
            joins: Vec::new(),
            post: (0, 0),
            is_deaf: false,
        }
    }

    /// The client joins a room of an honest server.
    fn join(&mut self) {
        self.run(Duration::from_millis(100));
        assert_eq!(self.joins, [0], "it asked for its room");
        self.welcome(0, 7, 1, 0, 0);
        self.run(Duration::from_millis(100));
        assert!(self.seen[0].is_member);
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let code = input.byte();
        match code % 16 {
            0..=6 => self.send_message(code % 16, input),
            7 => {
                let len = input.number(1);
                self.send(StreamId::Chat, input.bytes(len));
            }
            8 => {
                let mut message = [0; MAX_MESSAGE_LEN];
                let len = input.number(1);
                let bytes = input.bytes(len);
                let transfer = u32::from(input.byte());
                let encoded = match input.byte() % 4 {
                    0 => return self.send(StreamId::Bulk, bytes),
                    1 => TransferMessage::PutAt { transfer, offset: input.number(8) as u64 },
                    2 => TransferMessage::Chunk { transfer, bytes },
                    _ => TransferMessage::End { transfer },
                }
                .encode(&mut message);
                self.send(StreamId::Bulk, &message[..encoded.unwrap_or(0)]);
            }
            9 => {
                let codes = [0, 2, 5, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x999];
                let code = codes[input.number(1) % codes.len()];
                self.server.close(self.now, CloseCode(code), "closed");
            }
            10 => self.server.reset(),
            11 => self.is_deaf ^= true,
            12 => {
                let slot = self.slot(input);
                let kind = [EntryKind::TEXT, EntryKind::DATA, EntryKind::ACTION][input.number(1) % 3];
                let len = input.number(1) * 4;
                if let Ok(number) = self.client.post(slot, kind, &vec![b'x'; len]) {
                    let posted = &mut self.seen[slot.index()].posted;
                    assert_eq!(number, *posted + 1);
                    *posted = number;
                }
            }
            13 => self.call(input),
            14 => self.run(Duration::from_millis(input.number(1) as u64 * 8)),
            _ => self.run(Duration::from_millis(input.number(1) as u64 * 250)),
        }
    }

    /// A call of the application.
    fn call(&mut self, input: &mut Input<'_>) {
        let slot = self.slot(input);
        let (now, client) = (self.now, &mut self.client);
        match input.byte() % 8 {
            0 => client.leave(now),
            1 => client.abort(now),
            2 => client.part(now, slot),
            3 => {
                let config =
                    RoomConfig { credential: Credential::None, ..RoomConfig::new(NAMES[1 + input.number(1) % 2]) };
                if let Ok(slot) = client.join(now, &config) {
                    self.seen[slot.index()] = Seen::default();
                    self.slots[slot.index()] = slot;
                }
            }
            4 => drop(client.request(now, slot, Request::ListMembers)),
            5 => drop(client.request(now, slot, Request::History { before: 0, count: 9 })),
            6 => client.pause_events(),
            _ => client.resume_events(),
        }
    }

    fn slot(&self, input: &mut Input<'_>) -> RoomSlot {
        self.slots[input.number(1) % ROOMS]
    }

    /// A number near one that the client knows.
    fn number(&self, input: &mut Input<'_>) -> u64 {
        let kind = input.byte();
        let small = u64::from(kind >> 4);
        match kind % 8 {
            0 => small,
            1 | 2 => self.seen[0].cursor + small,
            3 => self.seen[1].cursor + small,
            4 => self.post.1.saturating_add(small),
            5 => self.seen[0].cursor.saturating_sub(small),
            6 => u64::MAX - small,
            _ => input.number(8) as u64,
        }
    }

    fn send_message(&mut self, kind: u8, input: &mut Input<'_>) {
        let mut out = [0; MAX_MESSAGE_LEN];
        let handle = 7 + input.byte() % 3;
        let text_len = input.number(1);
        let text = std::str::from_utf8(input.bytes(text_len)).unwrap_or("?");
        let author = &text[..text.len().min(MAX_NAME_LEN)];
        let author = if text.is_char_boundary(author.len()) { author } else { "alice" };
        let header = EntryHeader {
            seq: self.number(input),
            time_ms: 1_700_000_000_000,
            author,
            instance: if input.byte() & 1 == 0 { 99 } else { self.post.0 },
            number: self.number(input),
            kind: EntryKind(input.byte() % 24),
        };
        let entry = Entry { header, body: text.as_bytes() };
        let instance = header.instance;
        let message = match kind {
            0 => {
                let room = self.joins.pop().unwrap_or(input.number(1) % NAMES.len());
                let [first, head, start] = [0; 3].map(|_| self.number(input));
                return self.welcome(room, handle, first, head, start);
            }
            1 | 2 => ServerMessage::Entry { handle, entry },
            3 => ServerMessage::Stub { handle, header, size: input.number(2) as u16 },
            4 => ServerMessage::Stored { handle, instance, number: self.number(input), seq: self.number(input) },
            5 => match input.byte() % 4 {
                0 => ServerMessage::PostRefused {
                    handle,
                    instance,
                    number: self.number(input),
                    code: PostRefusedCode(input.byte()),
                },
                1 => ServerMessage::Reset { handle },
                2 => ServerMessage::Refused {
                    code: RefusedCode(input.byte() % 12),
                    text,
                    room: NAMES[input.number(1) % NAMES.len()],
                },
                _ => ServerMessage::Refused { code: RefusedCode::TRY_LATER, text: "", room: "" },
            },
            _ => ServerMessage::Info(match input.byte() % 8 {
                0 => Info::HistoryEntry { handle, remaining: input.number(2) as u16, entry: Some(entry) },
                1 => Info::HistoryEntry { handle, remaining: 0, entry: None },
                2 => Info::MemberListed { handle, remaining: 3, name: Some(author) },
                3 => Info::Notice { code: input.byte(), text },
                4 => Info::Answer { handle, request: input.byte(), code: AnswerCode(input.byte()), text },
                5 => Info::RoomListed {
                    handle,
                    remaining: 0,
                    room: Some(RoomInfo { name: author, is_private: true, members: 1, head: 1, topic: "" }),
                },
                6 => Info::Ended { handle, code: EndedCode(input.byte() % 6), text },
                _ => Info::Topic { handle, topic: author },
            }),
        };
        let len = message.encode(&mut out).unwrap_or(0);
        self.send(StreamId::Chat, &out[..len]);
    }

    fn welcome(&mut self, room: usize, handle: u8, first: u64, head: u64, start: u64) {
        let exporter = self.server.exporter().copied().unwrap_or_default();
        let welcome = Welcome {
            handle,
            room: NAMES[room],
            name: "bob",
            term: Term([1 + (first % 2) as u8; 8]),
            first,
            head,
            start,
            instance: 5 + first % 2,
            highest_stored: start % 16,
            members: 2,
            proof: server_proof(&SECRET, &exporter),
        };
        let mut out = [0; MAX_MESSAGE_LEN];
        let len = ServerMessage::Welcome(welcome).encode(&mut out).expect("it fits");
        self.send(StreamId::Chat, &out[..len]);
    }

    fn send(&mut self, stream: StreamId, bytes: &[u8]) {
        if !bytes.is_empty() {
            let _ = self.server.send(self.now, stream, &[bytes]);
        }
    }

    /// Lets time pass, from timer to timer; datagrams take none.
    fn run(&mut self, span: Duration) {
        let until = self.now + span;
        let mut computations = 0;
        loop {
            self.exchange();
            let timeout = self.poll().map(|at| at.max(self.now));
            let next = [timeout, self.server.poll_timeout()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else { break };
            computations = if next > self.now { 0 } else { computations + 1 };
            assert!(computations < MAX_COMPUTATIONS, "the client is always due");
            self.now = self.now.max(next);
            self.client.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
        self.now = until;
    }

    /// Delivers what the server sends until it has nothing more.
    fn exchange(&mut self) {
        for count in 0.. {
            assert!(count < MAX_OUTPUTS, "the server sends without end");
            self.poll();
            while self.server.poll_event().is_some() {}
            self.read();
            let mut out = [0; MAX_DATAGRAM];
            let Some(transmit) = self.server.poll_transmit(self.now, &mut out) else { break };
            if !self.is_deaf {
                self.client.handle_datagram(self.now, SERVER, &mut out[..transmit.len]);
            }
        }
    }

    /// Takes the outputs of the client up to its time-out.
    fn poll(&mut self) -> Option<Instant> {
        for count in 0.. {
            assert!(count < MAX_OUTPUTS, "outputs do not end");
            let mut out = [0; MAX_DATAGRAM];
            let cursor = match self.client.poll_output(self.now, &mut out) {
                Output::Timeout(timeout) => return timeout,
                Output::Transmit(transmit) => {
                    self.receive(&mut out[..transmit.len]);
                    continue;
                }
                Output::Event(event) => {
                    assert!(!self.has_ended, "{event:?} after the end");
                    on_event(&mut self.seen, &event);
                    match event {
                        Event::Disconnected(_) => {
                            assert!(!self.is_disconnected, "reported twice");
                            self.is_disconnected = true;
                        }
                        Event::Reconnected => {
                            assert!(self.is_disconnected, "was not disconnected");
                            self.is_disconnected = false;
                        }
                        Event::Joined { .. } => self.is_disconnected = false,
                        Event::Ended(_) => self.has_ended = true,
                        Event::UnknownServerKey(_) => panic!("the key is expected"),
                        _ => {}
                    }
                    match event {
                        Event::Entry { room, .. } | Event::EntryTooLarge { room, .. } | Event::Joined { room, .. } => {
                            room
                        }
                        _ => continue,
                    }
                }
            };
            let seen = &self.seen[cursor.index()];
            assert_eq!(self.client.cursor(cursor), Some((seen.cursor, seen.term)));
        }
        None
    }

    /// The server gets a datagram.
    fn receive(&mut self, datagram: &mut [u8]) {
        let mut out = [0; MAX_DATAGRAM];
        match self.acceptor.handle_datagram::<Portable>(self.now, HOME, datagram, &mut out) {
            Incoming::Reply(len) => self.reply(&mut out[..len]),
            Incoming::Accept(pending) => {
                self.drawn += 1;
                let accepted = pending.run::<Portable>(&self.key, self.drawn, [self.drawn as u8; 32]);
                let mut accepted = accepted.expect("the client is honest");
                let mut datagram = accepted.datagram;
                self.reply(&mut datagram);
                accepted.datagram = datagram;
                self.accepted = Some(accepted);
            }
            Incoming::Sealed(header) => {
                let is_new = |accepted: &Accepted| accepted.established.connection_id == header.connection_id;
                if let Some(accepted) = self.accepted.take_if(|accepted| is_new(accepted)) {
                    self.server.open(self.now, &accepted.established, HOME);
                    self.joins.clear();
                }
                let _ = self.server.handle_datagram(self.now, HOME, datagram);
            }
            Incoming::Dropped(reason) => panic!("the client sends packets that are not: {reason}"),
            Incoming::Hint => panic!("only a server sends Hints"),
        }
    }

    fn reply(&mut self, datagram: &mut [u8]) {
        if !self.is_deaf {
            self.client.handle_datagram(self.now, SERVER, datagram);
        }
    }

    /// The server reads what the client wrote, which is valid.
    fn read(&mut self) {
        let mut buffer = [0; MAX_MESSAGE_LEN];
        while let Some(message) = self.server.read_message(StreamId::Chat, &mut buffer).expect("it states the limit") {
            let message = ClientMessage::decode(message).expect("a client sends messages that decode");
            match message.expect("of a known type") {
                ClientMessage::Join(join) => {
                    let room = NAMES.iter().position(|name| *name == join.room).expect("a room of the application");
                    self.joins.push(room);
                }
                ClientMessage::Post(post) => self.post = (post.instance, post.number),
                ClientMessage::Request { .. } | ClientMessage::Leave { .. } => {}
            }
        }
        // Transfers are up to the application.
        let mut buffer = [0; MAX_MESSAGE_LEN];
        while self.client.read_bulk(self.now, &mut buffer).is_some() {}
    }
}

/// Checks an event of a room against those before it.
fn on_event(seen: &mut [Seen; ROOMS], event: &Event<'_>) {
    let Some(slot) = event.room() else { return };
    let seen = &mut seen[slot.index()];
    let was_awaited = std::mem::take(&mut seen.awaits_joined);
    match *event {
        Event::Joined { name, start, term, is_resumed, .. } => {
            assert!(name.len() <= MAX_NAME_LEN);
            assert!(!is_resumed || seen.is_member, "resumed what was not joined");
            (seen.is_member, seen.cursor, seen.term) = (true, start, term);
            return;
        }
        Event::Reset { .. } | Event::Gap { .. } => {
            assert!(seen.is_member || matches!(event, Event::Reset { .. }), "{event:?} before the first Joined");
            seen.awaits_joined = true;
            return;
        }
        Event::Entry { header, .. } | Event::EntryTooLarge { header, .. } => {
            // SPEC 7, S4
            assert!(seen.is_member && header.seq == seen.cursor + 1, "{event:?} after {}", seen.cursor);
            seen.cursor = header.seq;
        }
        Event::Stored { number, .. } => {
            assert!(seen.is_member && (seen.stored + 1..=seen.posted).contains(&number), "{event:?}");
            seen.stored = number;
        }
        Event::PostRefused { number, .. } => {
            assert!((1..=seen.posted).contains(&number) && !seen.refused.contains(&number), "{event:?}");
            seen.refused.push(number);
        }
        Event::RoomEnded { unsettled, .. } => {
            assert!(unsettled <= seen.posted);
            *seen = Seen::default();
        }
        _ => {}
    }
    assert!(!was_awaited, "{event:?} instead of Joined");
}
