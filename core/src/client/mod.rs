//! The one client of laptop and device: handshake, connection, join, outbox, *stored*, reconnect and resume (SPEC 4.5, 6, 7).
//!
//! ```text
//! Idle -start-> Connecting -> (KeyOffered) -> Joining -> Online -> (silence, hint, server gone) -> Connecting beside the old
//! connection -> Joining (resume) -> Online ...                      Ended: refused, replaced, kicked, left
//! ```
//!
//! # The drive contract
//!
//! After `start`, any `handle_*` or any other call that takes `&mut self`: drain [`Client::poll_transmit`] and [`Client::poll_event`], then
//! sleep until [`Client::poll_timeout`] or the next datagram. No call does more than one public-key operation; while steps remain,
//! `poll_timeout` returns *now*. Not for interrupt context.

use core::net::SocketAddr;

use crate::chat::{EntryHead, Kind, MAX_NAME_LEN, PostRefusedCode, ROOM_SECRET_LEN, RefusedCode, Start, Term};
use crate::connection::{Connection, Counters, Ended, Transmit};
use crate::crypto::Provider;
use crate::crypto::rsa::ServerKey;
use crate::session::{ClientHandshake, Fingerprint};
use crate::time::{Duration, Instant};
use crate::transport::Memory;

/// How the client shows that it may join.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The room's secret, from an invite. It is never sent; the server has to prove that it knows it too.
    Secret([u8; ROOM_SECRET_LEN]),
    /// The room's password. It is sent only to a server whose key was expected or accepted.
    Password(&'a [u8]),
    /// Nothing: this identity was admitted before.
    None,
}

/// What a client needs to know. Everything is copied.
#[derive(Clone, Copy)]
pub struct Config<'a> {
    /// Where the server is.
    pub server: SocketAddr,
    /// The only key taken; `None`: the key is offered to the caller.
    pub fingerprint: Option<Fingerprint>,
    /// The room's name.
    pub room: &'a str,
    /// The name wanted.
    pub name: &'a str,
    /// Seed of the Ed25519 identity that owns the name; permanent.
    pub identity: &'a [u8; 32],
    /// Why it may join.
    pub credential: Credential<'a>,
    /// Where delivery begins.
    pub start: Start,
    /// Largest body taken, in bytes; larger entries come as stubs. At most what the memory's receive ring can hold.
    pub largest_entry: u16,
    /// Idle time-out stated to the server, in s.
    pub idle_s: u16,
    /// Longest delay of an acknowledgement, in ms.
    pub ack_delay_ms: u16,
    /// Granularity of the caller's clock, in us.
    pub tick_us: u32,
}

impl core::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Secret(_) => "Secret(..)",
            Self::Password(_) => "Password(..)",
            Self::None => "None",
        })
    }
}

impl core::fmt::Debug for Config<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Config")
            .field("server", &self.server)
            .field("room", &self.room)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A post was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostError {
    /// The outbox has no room now: ordinary; [`Event::OutboxSpace`] says when to try again.
    Full,
    /// Longer than its kind may be, or than the outbox can ever hold.
    TooLong,
    /// A text that is not UTF-8.
    NotText,
    /// A kind that members do not post.
    Kind,
    /// The client is idle or has ended.
    NotRunning,
}

/// What happened. Entries and notices borrow from the client until the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The server's key, when none was expected: answer with [`Client::answer_key`]. Nothing was sent that depends on it.
    KeyOffered(Fingerprint),
    /// Joined (again). `resumed`: as a continuation, nothing was missed; the name is as the server wrote it.
    Joined {
        /// The name as the server wrote it.
        name: &'a str,
        /// Members present.
        members: u16,
        /// Entries above this seq come.
        start: u64,
        /// Largest seq.
        head: u64,
        /// The server's run.
        term: Term,
        /// Whether this continues an earlier Joined of this client.
        resumed: bool,
    },
    /// The history is not the one known: delivery starts again. Comes directly before Joined.
    Reset,
    /// Entries between the cursor and `first` are no longer kept.
    Gap {
        /// Last entry delivered.
        after: u64,
        /// First entry that will come.
        first: u64,
    },
    /// An entry, in the order of the log, each exactly once. `own`: posted by this client; the cursor is at it now.
    Entry {
        /// All but the body.
        head: EntryHead<'a>,
        /// The body.
        body: &'a [u8],
        /// Whether this client posted it.
        own: bool,
    },
    /// An entry larger than this client takes; counts as delivered.
    Stub {
        /// All but the body.
        head: EntryHead<'a>,
        /// Length of the body in bytes.
        size: u16,
    },
    /// Every post up to this number (as [`Client::post`] gave them) that was not refused is stored.
    Stored {
        /// The highest such number.
        number: u64,
        /// Its seq, 0 when not known (it was learned on resuming).
        seq: u64,
    },
    /// This post is refused for good.
    PostRefused {
        /// As [`Client::post`] gave it.
        number: u64,
        /// Why.
        code: PostRefusedCode,
    },
    /// [`Client::post`] has room again after [`PostError::Full`].
    OutboxSpace,
    /// One answer to [`Client::history`].
    Past {
        /// Answers that follow.
        remaining: u16,
        /// The entry, if there is one.
        entry: Option<(EntryHead<'a>, &'a [u8])>,
    },
    /// One answer to [`Client::who`].
    Member {
        /// Answers that follow.
        remaining: u16,
        /// The name, if there is one.
        name: Option<&'a str>,
    },
    /// For people to read.
    Notice {
        /// For programs; 0 = none.
        code: u8,
        /// In words.
        text: &'a str,
    },
    /// Nothing is heard from the server; the client tries again by itself.
    Lost(Lost),
    /// The client has ended and will not come back by itself.
    Ended(EndReason),
}

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lost {
    /// Silence.
    Silent,
    /// The server does not know the connection (it started again).
    Unknown,
    /// The server said that it stops.
    Shutdown,
    /// The server refused for now.
    TryLater,
    /// The connection broke a rule or was closed with another code that permits another try.
    Closed(Ended),
}

/// Why the client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// [`Client::leave`], after everything was settled.
    Left,
    /// The key that was offered was declined.
    KeyDeclined,
    /// The server presented another key than the expected one, for as long as an attempt lasts.
    KeyMismatch,
    /// The server does not know the room's secret.
    Impostor,
    /// The server refused the Join for good.
    Refused(RefusedCode),
    /// Replaced, kicked or banned.
    Closed(crate::wire::frame::CloseCode),
}

/// What the client is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Not started.
    Idle,
    /// No connection yet; `answered`: a server answered the first packet.
    Connecting {
        /// Somebody is there.
        answered: bool,
    },
    /// Connected, not admitted yet.
    Joining,
    /// A member.
    Online,
    /// Was a member; trying again.
    Lost,
    /// Over.
    Ended,
}

/// The client. `OUTBOX` is the bytes kept for posts that are not settled (each takes its body and 16 bytes), `MESSAGE` the largest message
/// in bytes (length field included) that it sends or takes.
#[derive(Debug)]
pub struct Client<K: ServerKey, M: Memory, P: Provider, const OUTBOX: usize, const MESSAGE: usize> {
    connection: Connection<M, P>,
    handshake: ClientHandshake<K>,
    outbox: [u8; OUTBOX],
    message: [u8; MESSAGE],
    name: heapless::String<MAX_NAME_LEN>,
}

impl<K: ServerKey, M: Memory, P: Provider, const OUTBOX: usize, const MESSAGE: usize> Client<K, M, P, OUTBOX, MESSAGE> {
    /// Idle, in `memory`. All zero bytes if `memory` is.
    #[must_use]
    pub const fn new(memory: M) -> Self {
        Self {
            connection: Connection::new(memory),
            handshake: ClientHandshake::new(),
            outbox: [0; OUTBOX],
            message: [0; MESSAGE],
            name: heapless::String::new(),
        }
    }

    /// Begins. `seed` must be fresh and secret: everything random comes from it. Whatever was there before is forgotten.
    pub fn start(&mut self, config: &Config<'_>, seed: [u8; 32], now: Instant) {
        let _ = (config, seed, now);
        todo!()
    }

    /// Takes a datagram, in place. What is not for this client is dropped and counted.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        let _ = (now, from, datagram);
        todo!()
    }

    /// Does what is due: at most one public-key operation.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// The next datagram to send, in `out` (at least 1200 bytes).
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let _ = (now, out);
        todo!()
    }

    /// What happened. An entry counts as delivered once it was returned.
    pub fn poll_event(&mut self) -> Option<Event<'_>> {
        todo!()
    }

    /// When to call [`Client::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Answers [`Event::KeyOffered`]. `false` ends the client.
    pub fn answer_key(&mut self, now: Instant, accept: bool) {
        let _ = (now, accept);
        todo!()
    }

    /// Takes a post into the outbox and returns its number: 1, 2, 3, ... It stays there until it is settled.
    ///
    /// # Errors
    /// [`PostError`]; nothing was taken.
    pub fn post(&mut self, kind: Kind, body: &[u8]) -> Result<u64, PostError> {
        let _ = (kind, body);
        todo!()
    }

    /// Asks who is here. `false`: not online, or no room to ask now.
    pub fn who(&mut self) -> bool {
        todo!()
    }

    /// Asks for up to `count` (1 to 200) entries before `before` (0 = the head). `false`: not online, or no room to ask now.
    pub fn history(&mut self, before: u64, count: u8) -> bool {
        let _ = (before, count);
        todo!()
    }

    /// Leaves once every post is settled (or at once when not online with nothing unsettled). [`Event::Ended`] follows.
    pub fn leave(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Leaves now, whatever is unsettled: says so to the server if it can.
    pub fn abort(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// The server is elsewhere now (a name was resolved again). The next attempt goes there; a connection that is up stays.
    pub fn set_server(&mut self, server: SocketAddr) {
        let _ = server;
        todo!()
    }

    /// What it is doing.
    #[must_use]
    pub fn state(&self) -> State {
        todo!()
    }

    /// Posts that are neither stored nor refused.
    #[must_use]
    pub fn unsettled(&self) -> u64 {
        todo!()
    }

    /// The last entry delivered and the term it is known under; `None` before the first Joined.
    #[must_use]
    pub fn cursor(&self) -> Option<(u64, Term)> {
        todo!()
    }

    /// The fingerprint of the server's key, once known.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        todo!()
    }

    /// Smoothed round-trip time.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.connection.rtt()
    }

    /// What was counted, over all connections of this client.
    #[must_use]
    pub fn counters(&self) -> ClientCounters {
        todo!()
    }
}

/// What a client counts, over all its connections. They only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ClientCounters {
    /// Summed over all connections.
    pub connection: Counters,
    /// Datagrams whose CRC did not match.
    pub damaged: u64,
    /// Datagrams that are no packet, or none that belongs here.
    pub malformed: u64,
    /// Handshake packets that did not verify or belong.
    pub handshake: u64,
    /// Connections opened.
    pub connections: u64,
}
