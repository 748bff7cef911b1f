//! The structures of the header.

use core::ffi::c_char;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kabar_core::chat::EntryHeader;
use kabar_core::client::{EndReason, Event, PostError};

pub(crate) const OK: i32 = 0;
pub(crate) const E_ARGUMENT: i32 = -1;

/// `kabar_address`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Address {
    family: u8,
    ip: [u8; 16],
    port: u16,
}

/// `kabar_config`.
#[derive(Debug)]
#[repr(C)]
pub struct Config {
    pub(crate) server: Address,
    pub(crate) fingerprint: *const u8,
    pub(crate) identity: *const u8,
    pub(crate) public_identity: *const u8,
    pub(crate) secret: *const u8,
    pub(crate) password: *const c_char,
    pub(crate) password_len: usize,
    pub(crate) room: *const c_char,
    pub(crate) room_len: usize,
    pub(crate) name: *const c_char,
    pub(crate) name_len: usize,
    pub(crate) last: u32,
    pub(crate) tick_us: u32,
}

/// `kabar_event`.
#[derive(Debug)]
#[repr(C)]
pub struct CEvent {
    kind_of_event: u8,
    kind: u8,
    code: u8,
    own: u8,
    members: u16,
    seq: u64,
    time_ms: u64,
    number: u64,
    name: *const u8,
    name_len: usize,
    body: *const u8,
    body_len: usize,
    fingerprint: [u8; 20],
}

impl Address {
    pub(crate) fn get(&self) -> Option<SocketAddr> {
        let ip = match self.family {
            4 => {
                let [a, b, c, d, ..] = self.ip;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            6 => IpAddr::V6(Ipv6Addr::from(self.ip)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, self.port))
    }
}

pub(crate) fn post_error(error: PostError) -> i32 {
    match error {
        PostError::Full => -2,
        PostError::TooLong => -3,
        PostError::NotText => -4,
        PostError::Kind => -5,
        _ => -6,
    }
}

impl CEvent {
    const NONE: Self = Self {
        kind_of_event: 0,
        kind: 0,
        code: 0,
        own: 0,
        members: 0,
        seq: 0,
        time_ms: 0,
        number: 0,
        name: core::ptr::null(),
        name_len: 0,
        body: core::ptr::null(),
        body_len: 0,
        fingerprint: [0; 20],
    };

    fn of(kind_of_event: u8) -> Self {
        Self { kind_of_event, ..Self::NONE }
    }

    fn name(self, name: &str) -> Self {
        Self { name: name.as_ptr(), name_len: name.len(), ..self }
    }

    fn body(self, body: &[u8]) -> Self {
        Self { body: body.as_ptr(), body_len: body.len(), ..self }
    }

    fn entry(kind_of_event: u8, header: &EntryHeader<'_>) -> Self {
        let EntryHeader { seq, time_ms, author, number, kind, .. } = *header;
        Self { seq, time_ms, number, kind: kind.0, ..Self::of(kind_of_event) }.name(author)
    }

    /// `None`: an answer to what C cannot ask.
    pub(crate) fn new(event: Event<'_>) -> Option<Self> {
        Some(match event {
            Event::KeyOffered(fingerprint) => Self { fingerprint: fingerprint.0, ..Self::of(1) },
            Event::Joined { name, members, head, resumed, .. } => {
                Self { members, seq: head, code: resumed.into(), ..Self::of(2) }.name(name)
            }
            Event::Reset => Self::of(3),
            Event::Gap { first, .. } => Self { seq: first.saturating_sub(1), ..Self::of(4) },
            Event::Entry { header, body, own } => Self { own: own.into(), ..Self::entry(5, &header) }.body(body),
            Event::Stub { header, size } => Self { body_len: size.into(), ..Self::entry(6, &header) },
            Event::Stored { number, seq } => Self { number, seq, ..Self::of(7) },
            Event::PostRefused { number, code } => Self { number, code: code.0, ..Self::of(8) },
            Event::OutboxSpace => Self::of(9),
            Event::Notice { code, text } => Self { code, ..Self::of(10) }.body(text.as_bytes()),
            Event::Lost(_) => Self::of(11),
            Event::Recovered => Self::of(12),
            Event::Ended(reason) => Self::ended(reason),
            _ => return None,
        })
    }

    fn ended(reason: EndReason) -> Self {
        let (code, kind) = match reason {
            EndReason::Left => (0, 0),
            EndReason::KeyDeclined => (1, 0),
            EndReason::KeyMismatch => (2, 0),
            EndReason::Impostor => (3, 0),
            EndReason::Refused(code) => (4, code.0),
            _ => (5, 0),
        };
        Self { code, kind, ..Self::of(13) }
    }
}
