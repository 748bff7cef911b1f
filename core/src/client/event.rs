//! The events, errors, states and counters of a client.

#[cfg(doc)]
use super::Client;
use super::room::RoomSlot;
use crate::chat::{EndedCode, EntryHeader, Info, PostRefusedCode, RefusedCode, Term};
use crate::connection::{Closed, Counters, Transmit};
use crate::session::Fingerprint;
use crate::time::Instant;
use crate::wire::frame::CloseCode;

/// The next action, returned by [`Client::poll_output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "datagrams have to be sent, events to be handled, and the time-out to be waited for"]
pub enum Output<'a> {
    /// Send this datagram, which is at the front of the buffer.
    Transmit(Transmit),
    /// Something happened.
    Event(Event<'a>),
    /// Nothing is left to do until the next input or this instant, at which
    /// [`Client::handle_timeout`] is to be called (now, if it is not in the future). `None`: there
    /// is no timer.
    Timeout(Option<Instant>),
}

/// A request was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The client is not in the room now.
    NotJoined,
    /// The send buffer has no room now: try again later.
    Full,
}

/// A post was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostError {
    /// The outbox has no room now: ordinary; [`Event::OutboxWritable`] reports when to try again.
    Full,
    /// Longer than its kind may be, or than the outbox can ever hold.
    TooLong,
    /// A text that is not UTF-8.
    NotText,
    /// A kind that members cannot post.
    Kind,
    /// The client is idle, is leaving, or has ended; or the room does or the slot has none.
    NotRunning,
}

/// An event. Texts and bodies borrow from the client until the next call.
///
/// Exhaustive, as the reasons in it, so that the compiler names every `match` that a new event
/// concerns; a new event is an incompatible change of this crate. New answers and notices are
/// variants of [`Info`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The server's key, when none was expected: answer with [`Client::accept_key`] or
    /// [`Client::reject_key`]. Nothing was sent that depends on it.
    UnknownServerKey(Fingerprint),
    /// Joined, or joined again. If `is_resumed`, delivery continues after the cursor.
    Joined {
        /// The room.
        room: RoomSlot,
        /// The name as the server wrote it.
        name: &'a str,
        /// Members present.
        members: u16,
        /// Entries above this seq follow.
        start: u64,
        /// Largest seq.
        head: u64,
        /// The server's run.
        term: Term,
        /// Whether this continues an earlier Joined of this client.
        is_resumed: bool,
    },
    /// The log is not the known one: delivery starts over. Returned directly before Joined.
    Reset {
        /// The room.
        room: RoomSlot,
    },
    /// Entries between the cursor and `first` are no longer stored. Returned directly before
    /// Joined.
    Gap {
        /// The room.
        room: RoomSlot,
        /// Last entry delivered.
        after: u64,
        /// First entry that follows.
        first: u64,
    },
    /// An entry, in the order of the log, each exactly once. The cursor is at it now.
    Entry {
        /// The room.
        room: RoomSlot,
        /// All but the body.
        header: EntryHeader<'a>,
        /// The body.
        body: &'a [u8],
        /// Whether this client posted it.
        own: bool,
    },
    /// An entry larger than this client accepts; counts as delivered.
    EntryTooLarge {
        /// The room.
        room: RoomSlot,
        /// All but the body.
        header: EntryHeader<'a>,
        /// Length of the body in bytes.
        size: u16,
    },
    /// Every post up to this number (returned by [`Client::post`]) that was not refused is stored.
    Stored {
        /// The room.
        room: RoomSlot,
        /// The highest such number.
        number: u64,
        /// Its seq; 0 if unknown, because it was learned on resuming.
        seq: u64,
    },
    /// This post is refused permanently.
    PostRefused {
        /// The room.
        room: RoomSlot,
        /// The number that [`Client::post`] returned.
        number: u64,
        /// Why.
        code: PostRefusedCode,
    },
    /// [`Client::post`] has space again after [`PostError::Full`].
    OutboxWritable {
        /// The room.
        room: RoomSlot,
    },
    /// Information from the server: an answer to [`Client::request`], or a notice.
    Info {
        /// The room; `None`: a notice, which concerns no particular one.
        room: Option<RoomSlot>,
        /// The information.
        info: Info<'a>,
    },
    /// The server refused the Join. The client tries again if it was for now
    /// ([`RefusedCode::TRY_LATER`]); [`Event::Disconnected`] follows if no other room needs the
    /// connection. Otherwise [`Event::RoomEnded`] follows, or [`Event::Ended`] if there is no other
    /// room.
    Refused {
        /// The room.
        room: RoomSlot,
        /// Why.
        code: RefusedCode,
        /// The server's text for the user, which may be empty.
        text: &'a str,
    },
    /// No response from the server; the client reconnects by itself. Reported once until the next
    /// Joined or Reconnected.
    Disconnected(DisconnectReason),
    /// After Disconnected: packets arrive on the same connection again; nothing was missed.
    Reconnected,
    /// One of several rooms has ended; the others are not affected. Its slot is free, and its posts
    /// are no longer in the outbox.
    RoomEnded {
        /// The room.
        room: RoomSlot,
        /// [`EndReason::Left`], [`EndReason::ServerProofInvalid`], [`EndReason::Refused`] or
        /// [`EndReason::EndedByServer`].
        reason: EndReason,
        /// Posts that were neither stored nor refused.
        unsettled: u64,
    },
    /// The client has ended and does not reconnect by itself.
    Ended(EndReason),
}

impl Event<'_> {
    /// The room that it concerns; `None`: all of them, or none.
    #[must_use]
    pub const fn room(&self) -> Option<RoomSlot> {
        match *self {
            Self::Joined { room, .. }
            | Self::Reset { room }
            | Self::Gap { room, .. }
            | Self::Entry { room, .. }
            | Self::EntryTooLarge { room, .. }
            | Self::Stored { room, .. }
            | Self::PostRefused { room, .. }
            | Self::OutboxWritable { room }
            | Self::Refused { room, .. }
            | Self::RoomEnded { room, .. } => Some(room),
            Self::Info { room, .. } => room,
            Self::UnknownServerKey(_) | Self::Disconnected(_) | Self::Reconnected | Self::Ended(_) => None,
        }
    }
}

/// Why a connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The server was silent for too long.
    Silent,
    /// The server does not know the connection (it was restarted, or received nothing for
    /// too long).
    Unknown,
    /// The server is shutting down.
    Shutdown,
    /// The server refused the Join temporarily.
    TryLater,
    /// The connection was closed because of a violation, or with another code that permits a new
    /// attempt.
    Closed(Closed),
}

/// Why the client, or a room of it, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// [`Client::leave`] or [`Client::part`], after every post was settled, or [`Client::abort`].
    Left,
    /// The key that was reported was rejected.
    KeyRejected,
    /// The server presented only unexpected keys for at least 5 s, and there never was a
    /// connection to it. (After a connection, the client keeps trying: a forged key must not end
    /// it.)
    KeyMismatch,
    /// The server does not know the room's secret.
    ServerProofInvalid,
    /// The server refused the Join permanently.
    Refused(RefusedCode),
    /// The server has ended the membership; a client for one room is closed instead.
    /// [`Info::Ended`] with the server's text for the user was returned before.
    EndedByServer(EndedCode),
    /// Replaced, kicked or banned.
    Closed(CloseCode),
}

/// The state of a client in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Not started, or the slot has no room.
    Idle,
    /// No connection yet.
    Connecting {
        /// A server answered the first packet.
        answered: bool,
    },
    /// Connected, not admitted yet.
    Joining,
    /// A member.
    Online,
    /// Was a member; trying again.
    Reconnecting,
    /// Ended.
    Ended,
}

/// The counters of a client, over all its connections. They only rise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ClientCounters {
    /// Summed over all connections.
    pub connection: Counters,
    /// Datagrams whose CRC did not match.
    pub damaged: u64,
    /// Datagrams that are not packets, or not for this client.
    pub malformed: u64,
    /// Handshake packets that did not verify, or not for the current attempt.
    pub handshake: u64,
    /// Connections opened.
    pub connections: u64,
}

impl ClientCounters {
    pub(super) const fn new() -> Self {
        Self {
            connection: Counters {
                sent: 0,
                received: 0,
                resent: 0,
                lost: 0,
                not_authentic: 0,
                replayed: 0,
                stale: 0,
                malformed: 0,
                buffer_full: 0,
            },
            damaged: 0,
            malformed: 0,
            handshake: 0,
            connections: 0,
        }
    }

    /// Adds the counters of one connection.
    pub(super) const fn add(&mut self, counters: &Counters) {
        let sum = &mut self.connection;
        sum.sent = sum.sent.saturating_add(counters.sent);
        sum.received = sum.received.saturating_add(counters.received);
        sum.resent = sum.resent.saturating_add(counters.resent);
        sum.lost = sum.lost.saturating_add(counters.lost);
        sum.not_authentic = sum.not_authentic.saturating_add(counters.not_authentic);
        sum.replayed = sum.replayed.saturating_add(counters.replayed);
        sum.stale = sum.stale.saturating_add(counters.stale);
        sum.malformed = sum.malformed.saturating_add(counters.malformed);
        sum.buffer_full = sum.buffer_full.saturating_add(counters.buffer_full);
    }
}

impl core::fmt::Display for PostError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Full => "the outbox is full",
            Self::TooLong => "the post is too long",
            Self::NotText => "the text is not UTF-8",
            Self::Kind => "members do not post this kind",
            Self::NotRunning => "the client is not running",
        })
    }
}

impl core::error::Error for PostError {}

impl core::fmt::Display for RequestError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NotJoined => "not in the room",
            Self::Full => "the send buffer is full",
        })
    }
}

impl core::error::Error for RequestError {}
