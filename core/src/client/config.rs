//! The configuration of a client, and the copy it keeps.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::chat::{
    HISTORY_ENTRY_OVERHEAD, MAX_BODY_LEN, MAX_MESSAGE_LEN, MAX_NAME_LEN, MAX_PASSWORD_LEN, ROOM_SECRET_LEN, Start,
};
use crate::crypto::identity::Identity;
use crate::session::Fingerprint;
use crate::transport::{Capacity, HOST_ACK_DELAY_MS, HOST_IDLE_S, HOST_TICK_US};
use crate::wire::packet::TransportParameters;

/// Smallest `MESSAGE` of a client in bytes: the minimum of the transport parameter (SPEC 2.4);
/// every Join fits.
pub const MIN_MESSAGE_LEN: usize = 512;

const _: () = assert!(MAX_MESSAGE_LEN <= u16::MAX as usize);

/// How the client proves that it may join.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The room's secret, from an invite. It is never sent; the server has to prove that it knows
    /// it too.
    Secret([u8; ROOM_SECRET_LEN]),
    /// The room's password. It is sent only to a server whose key was expected or accepted.
    Password(&'a [u8]),
    /// Nothing: this identity was admitted before.
    None,
}

/// The configuration of a client. Everything is copied.
#[derive(Clone, Copy)]
pub struct Config<'a> {
    /// The server's address.
    pub server: SocketAddr,
    /// The only key accepted; `None`: the key is reported as [`super::Event::UnknownServerKey`].
    pub fingerprint: Option<Fingerprint>,
    /// The name of the room in [`super::RoomSlot::FIRST`].
    pub room: &'a str,
    /// The requested name, for all rooms.
    pub name: &'a str,
    /// If the name is taken, the server appends a number: the name was not chosen by the user.
    pub is_default_name: bool,
    /// The permanent key that owns the name.
    pub identity: &'a Identity,
    /// The proof that the client may join.
    pub credential: Credential<'a>,
    /// Where delivery begins.
    pub start: Start,
    /// Largest body accepted, in bytes; larger entries arrive as stubs. At most what the memory's
    /// receive ring can hold.
    pub max_entry_len: u16,
    /// Idle time-out stated to the server, in s.
    pub idle_s: u16,
    /// Longest delay of an acknowledgement, in ms.
    pub ack_delay_ms: u16,
    /// Granularity of the caller's clock, in us.
    pub tick_us: u32,
}

impl<'a> Config<'a> {
    /// The part about the room.
    pub(super) const fn room(&self) -> RoomConfig<'a> {
        let Self { room, credential, start, max_entry_len, .. } = *self;
        RoomConfig { room, credential, start, max_entry_len }
    }

    /// The configuration of a host that needs no credential: only new entries, of any length, are
    /// delivered. Acknowledgements come within 5 ms, the clock counts milliseconds, and the idle
    /// time-out is 60 s.
    #[must_use]
    pub const fn new(
        server: SocketAddr,
        fingerprint: Option<Fingerprint>,
        room: &'a str,
        name: &'a str,
        identity: &'a Identity,
    ) -> Self {
        Self {
            server,
            fingerprint,
            room,
            name,
            is_default_name: false,
            identity,
            credential: Credential::None,
            start: Start::Head,
            max_entry_len: MAX_BODY_LEN as u16,
            idle_s: HOST_IDLE_S,
            ack_delay_ms: HOST_ACK_DELAY_MS,
            tick_us: HOST_TICK_US,
        }
    }
}

/// Another room for [`super::Client::join`]. Everything is copied. Identity and name are those of
/// [`Config`]: a connection belongs to one identity (SPEC 6.2).
#[derive(Clone, Copy)]
pub struct RoomConfig<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The proof that the client may join.
    pub credential: Credential<'a>,
    /// Where delivery begins.
    pub start: Start,
    /// As in [`Config`].
    pub max_entry_len: u16,
}

impl<'a> RoomConfig<'a> {
    /// A room that needs no credential: only new entries, of any length, are delivered.
    #[must_use]
    pub const fn new(room: &'a str) -> Self {
        Self { room, credential: Credential::None, start: Start::Head, max_entry_len: MAX_BODY_LEN as u16 }
    }

    /// Checks it for a client with messages of up to `message` bytes. Returns the name and the
    /// largest body.
    pub(super) fn validate(&self, message: usize) -> Result<(NameString, u16), ConfigError> {
        let room = bounded_name(self.room).ok_or(ConfigError::Room)?;
        if matches!(self.credential, Credential::Password(password) if password.len() > MAX_PASSWORD_LEN) {
            return Err(ConfigError::Password);
        }
        let largest =
            u16::try_from(message.saturating_sub(HISTORY_ENTRY_OVERHEAD).min(MAX_BODY_LEN)).unwrap_or(u16::MAX);
        Ok((room, self.max_entry_len.min(largest)))
    }
}

impl core::fmt::Debug for RoomConfig<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RoomConfig").field("room", &self.room).finish_non_exhaustive()
    }
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

/// Why a client was not started. All of them are mistakes of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The name is empty or longer than [`MAX_NAME_LEN`] bytes.
    Name,
    /// The room's name is empty or longer than [`MAX_NAME_LEN`] bytes.
    Room,
    /// The password is longer than [`MAX_PASSWORD_LEN`] bytes.
    Password,
    /// `idle_s`, `ack_delay_ms` or `tick_us` is outside its legal range (SPEC 2.4).
    TransportParameters,
    /// A ring of the memory is shorter than the largest message, or there are fewer than 4 slots in
    /// flight.
    BufferProvider,
}

impl core::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Name => "the name is empty or too long",
            Self::Room => "the room's name is empty or too long",
            Self::Password => "the password is too long",
            Self::TransportParameters => "a stated limit is out of range",
            Self::BufferProvider => "the connection's memory is smaller than a message",
        })
    }
}

impl core::error::Error for ConfigError {}

/// Why no room was added to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The client is idle, is leaving, or has ended.
    NotRunning,
    /// The configuration is not valid.
    Config(ConfigError),
    /// The client is in this room, or leaves it and [`super::Event::RoomEnded`] was not returned
    /// yet.
    AlreadyJoined,
    /// Every slot has a room.
    Full,
}

impl core::fmt::Display for JoinError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotRunning => f.write_str("the client is not running"),
            Self::Config(error) => error.fmt(f),
            Self::AlreadyJoined => f.write_str("the client is in this room already"),
            Self::Full => f.write_str("the client is in as many rooms as it has slots"),
        }
    }
}

impl core::error::Error for JoinError {}

/// A name, copied.
pub(super) type NameString = heapless::String<MAX_NAME_LEN>;

/// The part of a [`Config`] that is neither secret nor about its room.
pub(super) struct StoredConfig {
    pub(super) server: SocketAddr,
    pub(super) name: NameString,
    pub(super) is_default_name: bool,
    idle_s: u16,
    ack_delay_ms: u16,
    tick_us: u32,
}

/// No address. All zero.
pub(super) const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

impl StoredConfig {
    pub(super) const fn new() -> Self {
        Self {
            server: NOWHERE,
            name: NameString::new(),
            is_default_name: false,
            idle_s: 0,
            ack_delay_ms: 0,
            tick_us: 0,
        }
    }

    /// Checks `config` against the sizes of this client and copies it.
    pub(super) fn validate(config: &Config<'_>, capacity: Capacity, message: usize) -> Result<Self, ConfigError> {
        let name = bounded_name(config.name).ok_or(ConfigError::Name)?;
        // SPEC 2.4
        if !(10..=3600).contains(&config.idle_s) || config.ack_delay_ms > 1000 || config.tick_us > 1_000_000 {
            return Err(ConfigError::TransportParameters);
        }
        if capacity.chat_receive < message || capacity.chat_send < message || capacity.in_flight < 4 {
            return Err(ConfigError::BufferProvider);
        }
        Ok(Self {
            server: config.server,
            name,
            is_default_name: config.is_default_name,
            idle_s: config.idle_s,
            ack_delay_ms: config.ack_delay_ms,
            tick_us: config.tick_us,
        })
    }

    /// The transport parameters that the handshake states (SPEC 2.4).
    pub(super) fn limits(&self, capacity: Capacity, message: usize) -> TransportParameters {
        let Self { ack_delay_ms, tick_us, idle_s, .. } = *self;
        TransportParameters { ack_delay_ms, tick_us, idle_s, ..capacity.parameters(message) }
    }
}

fn bounded_name(name: &str) -> Option<NameString> {
    if name.is_empty() { None } else { NameString::try_from(name).ok() }
}
