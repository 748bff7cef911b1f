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
    /// The room's name.
    pub room: &'a str,
    /// The requested name.
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

/// The part of a [`Config`] that is not secret.
pub(super) struct StoredConfig {
    pub(super) server: SocketAddr,
    pub(super) room: heapless::String<MAX_NAME_LEN>,
    pub(super) name: heapless::String<MAX_NAME_LEN>,
    pub(super) is_default_name: bool,
    pub(super) start: Start,
    pub(super) max_entry_len: u16,
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
            room: heapless::String::new(),
            name: heapless::String::new(),
            is_default_name: false,
            start: Start::Head,
            max_entry_len: 0,
            idle_s: 0,
            ack_delay_ms: 0,
            tick_us: 0,
        }
    }

    /// Checks `config` against the sizes of this client and copies it.
    pub(super) fn validate(config: &Config<'_>, capacity: Capacity, message: usize) -> Result<Self, ConfigError> {
        let name = bounded_name(config.name).ok_or(ConfigError::Name)?;
        let room = bounded_name(config.room).ok_or(ConfigError::Room)?;
        if matches!(config.credential, Credential::Password(password) if password.len() > MAX_PASSWORD_LEN) {
            return Err(ConfigError::Password);
        }
        // SPEC 2.4
        if !(10..=3600).contains(&config.idle_s) || config.ack_delay_ms > 1000 || config.tick_us > 1_000_000 {
            return Err(ConfigError::TransportParameters);
        }
        if capacity.chat_receive < message || capacity.chat_send < message || capacity.in_flight < 4 {
            return Err(ConfigError::BufferProvider);
        }
        let largest =
            u16::try_from(message.saturating_sub(HISTORY_ENTRY_OVERHEAD).min(MAX_BODY_LEN)).unwrap_or(u16::MAX);
        Ok(Self {
            server: config.server,
            room,
            name,
            is_default_name: config.is_default_name,
            start: config.start,
            max_entry_len: config.max_entry_len.min(largest),
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

    /// The start of delivery after a cursor: the count that a Reset falls back to is that of the
    /// first start.
    pub(super) fn resume(&self, seq: u64, term: crate::chat::Term) -> Start {
        let fallback_count = match self.start {
            Start::Head => 0,
            Start::Last(count) => count,
            Start::After { fallback_count, .. } => fallback_count,
        };
        Start::After { seq, term, fallback_count }
    }
}

fn bounded_name(name: &str) -> Option<heapless::String<MAX_NAME_LEN>> {
    if name.is_empty() { None } else { heapless::String::try_from(name).ok() }
}
