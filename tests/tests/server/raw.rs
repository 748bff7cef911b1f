//! A client that follows no rule: a connection made with the core alone, over which a test sends
//! any messages.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant as Deadline};

use kabar_core::chat::message::{client_proof, join_statement};
use kabar_core::chat::{
    Authentication, ClientMessage, Join, MAX_MESSAGE_LEN, RefusedCode, ServerMessage, Start, message_len,
};
use kabar_core::connection::StreamId;
use kabar_core::connection::{Closed, Connection, ConnectionEvent};
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::rsa::AnyRsa;
use kabar_core::internals::{ClientHandshake, HandshakeEvent, RetrySchedule};
use kabar_core::session::TransportParameters;
use kabar_core::transport::InlineBuffers;
use kabar_std::clock::Clock;
use kabar_std::invite::Invite;
use kabar_std::provider::Accelerated;
use kabar_std::random::random_bytes;
use kabar_tests::process::TIMEOUT;

/// Longest wait for one datagram.
const TURN: Duration = Duration::from_millis(2);

pub(super) struct Raw {
    socket: UdpSocket,
    server: SocketAddr,
    secret: [u8; 16],
    clock: Clock,
    handshake: ClientHandshake<AnyRsa>,
    connection: Box<Connection<InlineBuffers<16_384, 16_384, 0, 64>, Accelerated>>,
    /// Instances of the Welcomes received.
    pub(super) welcomes: Vec<u64>,
    pub(super) refused: Option<RefusedCode>,
    pub(super) ended: Option<Closed>,
}

impl Raw {
    /// Connects to the server at `address` and completes the handshake.
    pub(super) fn connect(address: &str, invite: &str) -> Self {
        let invite: Invite = invite.split_whitespace().find_map(|word| word.parse().ok()).expect("an invite");
        let server: SocketAddr = address.parse().expect("an address");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.connect(server).expect("a peer");
        socket.set_read_timeout(Some(TURN)).expect("a timeout");
        let clock = Clock::start();
        let parameters = TransportParameters {
            datagram: 1200,
            packets: 64,
            message: MAX_MESSAGE_LEN as u16,
            chat: 16_384,
            bulk: 0,
            ack_delay_ms: 5,
            tick_us: 1_000,
            idle_s: 60,
        };
        let mut handshake = ClientHandshake::new();
        handshake.start(
            clock.now(),
            random_bytes().expect("random"),
            Some(invite.fingerprint),
            parameters,
            RetrySchedule::Initial,
        );
        let connection = Box::new(Connection::new(InlineBuffers::new()));
        let secret = *invite.secret.expose();
        let (welcomes, refused, ended) = (Vec::new(), None, None);
        let mut raw = Self { socket, server, secret, clock, handshake, connection, welcomes, refused, ended };
        raw.run_until(|raw| raw.connection.is_open());
        raw
    }

    /// Sends a Join without an instance. `false` if there is no room for it at the moment.
    pub(super) fn join(&mut self, name: &str, identity: &Identity) -> bool {
        let exporter = self.connection.exporter().expect("open");
        let mut statement = [0; 160];
        let len = join_statement(exporter, &identity.public(), "lobby", &mut statement).expect("fits");
        let join = Join {
            room: "lobby",
            name,
            identity: identity.public(),
            signature: identity.sign(&statement[..len]),
            authentication: Authentication::Secret(client_proof(&self.secret, exporter)),
            instance: 0,
            start: Start::Head,
            max_entry_len: 0,
            is_default_name: false,
        };
        self.send(&ClientMessage::Join(join))
    }

    pub(super) fn leave(&mut self) -> bool {
        self.send(&ClientMessage::Leave { handle: 1 })
    }

    fn send(&mut self, message: &ClientMessage<'_>) -> bool {
        let mut out = [0; 1024];
        let len = message.encode(&mut out).expect("fits");
        self.ended.is_none() && self.connection.send(self.clock.now(), StreamId::Chat, &[&out[..len]]).is_ok()
    }

    /// Sends and receives until `is_enough`.
    pub(super) fn run_until(&mut self, is_enough: impl Fn(&Self) -> bool) {
        let deadline = Deadline::now() + TIMEOUT;
        while !is_enough(self) {
            assert!(Deadline::now() < deadline, "timed out: {:?} {:?}", self.ended, self.refused);
            self.turn();
        }
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        let end = Deadline::now() + time;
        self.run_until(|_| Deadline::now() >= end);
    }

    pub(super) fn turn(&mut self) {
        let mut buffer = [0; 1201];
        while let Some(len) = self.poll_transmit(&mut buffer) {
            let _ = self.socket.send(&buffer[..len]);
        }
        let received = self.socket.recv(&mut buffer);
        let now = self.clock.now();
        match received {
            Ok(len) if self.handshake.is_active() => {
                let _ = self.handshake.handle_datagram::<Accelerated>(now, &buffer[..len]);
            }
            Ok(len) => {
                let _ = self.connection.handle_datagram(now, self.server, &mut buffer[..len]);
            }
            Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}"),
        }
        let active = self.handshake.is_active();
        if active && self.handshake.poll_timeout().is_some_and(|at| at <= now) {
            self.handshake.handle_timeout(now);
        } else if !active && self.connection.poll_timeout().is_some_and(|at| at <= now) {
            self.connection.handle_timeout(now);
        }
        while let Some(event) = self.handshake.poll_event() {
            match event {
                HandshakeEvent::UnknownServerKey(_) => self.handshake.accept_key(now),
                HandshakeEvent::Established(established) => self.connection.open(now, &established, self.server),
            }
        }
        while let Some(event) = self.connection.poll_event() {
            if let ConnectionEvent::Closed(ended) = event {
                self.ended = Some(ended);
            }
        }
        self.listen();
    }

    fn poll_transmit(&mut self, out: &mut [u8]) -> Option<usize> {
        let now = self.clock.now();
        if self.handshake.is_active() {
            return self.handshake.poll_transmit::<Accelerated>(now, out);
        }
        self.connection.poll_transmit(now, out).map(|transmit| transmit.len)
    }

    fn listen(&mut self) {
        let mut prefix = [0; 2];
        while self.connection.peek(StreamId::Chat, 0, &mut prefix) {
            let mut message = vec![0; message_len(prefix).expect("a type")];
            if !self.connection.peek(StreamId::Chat, 0, &mut message) {
                return;
            }
            self.connection.consume(StreamId::Chat, message.len());
            match ServerMessage::decode(&message[2..]) {
                Ok(Some(ServerMessage::Welcome(welcome))) => self.welcomes.push(welcome.instance),
                Ok(Some(ServerMessage::Refused { code, .. })) => self.refused = Some(code),
                _ => {}
            }
        }
    }
}
