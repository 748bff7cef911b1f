//! Constants and structures of the header.

use core::ffi::{c_char, c_int};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use kabar_core::chat::{EntryHeader, Info, ROOM_SECRET_LEN};
use kabar_core::client::{EndReason, Event, PostError};
use kabar_core::crypto::identity::{PUBLIC_LEN, SEED_LEN};
use kabar_core::session::FINGERPRINT_LEN;
use kabar_device::profile::{DATAGRAM_LEN, DeviceClient, LARGEST_ENTRY};

/// Size of kabar_client with pointers of 64 bits in bytes. The library is compiled only if its
/// client has the stated size, and this header only if the C compiler gives the structures the
/// stated sizes.
pub const KABAR_CLIENT_LEN_64: usize = 17544;
/// Size of kabar_client with pointers of 32 bits in bytes.
pub const KABAR_CLIENT_LEN_32: usize = 17496;
/// Size of kabar_config with pointers of 64 bits in bytes.
pub const KABAR_CONFIG_LEN_64: usize = 112;
/// Size of kabar_config with pointers of 32 bits in bytes.
pub const KABAR_CONFIG_LEN_32: usize = 68;
/// Size of kabar_event with pointers of 64 bits in bytes.
pub const KABAR_EVENT_LEN_64: usize = 88;
/// Size of kabar_event with pointers of 32 bits in bytes.
pub const KABAR_EVENT_LEN_32: usize = 72;
/// Size of kabar_address in bytes.
pub const KABAR_ADDRESS_LEN: usize = 20;

const fn by_pointer_size(bits_64: usize, bits_32: usize) -> usize {
    if usize::BITS == 64 { bits_64 } else { bits_32 }
}
// The header chooses by the same rule; cbindgen.toml has it.
const KABAR_CLIENT_LEN: usize = by_pointer_size(KABAR_CLIENT_LEN_64, KABAR_CLIENT_LEN_32);
const KABAR_CONFIG_LEN: usize = by_pointer_size(KABAR_CONFIG_LEN_64, KABAR_CONFIG_LEN_32);
const KABAR_EVENT_LEN: usize = by_pointer_size(KABAR_EVENT_LEN_64, KABAR_EVENT_LEN_32);

/// Largest datagram in bytes: the room that kabar_output needs.
pub const KABAR_DATAGRAM_LEN: usize = 1200;
/// Longest body to post in bytes; longer entries are reported as KABAR_STUB.
pub const KABAR_MAX_BODY_LEN: usize = 1920;
/// Length of a fingerprint in bytes.
pub const KABAR_FINGERPRINT_LEN: usize = 20;
/// Length of a room's secret in bytes.
pub const KABAR_SECRET_LEN: usize = 16;
/// Length of an identity's secret half, and of a seed, in bytes.
pub const KABAR_SEED_LEN: usize = 32;
/// Length of an identity's public half in bytes.
pub const KABAR_PUBLIC_LEN: usize = 32;

const _: () = assert!(size_of::<DeviceClient>() == KABAR_CLIENT_LEN && size_of::<Client>() == KABAR_CLIENT_LEN);
const _: () = assert!(align_of::<DeviceClient>() <= align_of::<Client>());
const _: () = assert!(size_of::<Config>() == KABAR_CONFIG_LEN);
const _: () = assert!(size_of::<CEvent>() == KABAR_EVENT_LEN);
const _: () = assert!(size_of::<Address>() == KABAR_ADDRESS_LEN);
const _: () = assert!(DATAGRAM_LEN == KABAR_DATAGRAM_LEN && LARGEST_ENTRY as usize == KABAR_MAX_BODY_LEN);
const _: () = assert!(FINGERPRINT_LEN == KABAR_FINGERPRINT_LEN && ROOM_SECRET_LEN == KABAR_SECRET_LEN);
const _: () = assert!(SEED_LEN == KABAR_SEED_LEN && PUBLIC_LEN == KABAR_PUBLIC_LEN);

/// Success.
pub const KABAR_OK: c_int = 0;
/// A null pointer, a length or a number out of range, or a name that is not UTF-8.
pub const KABAR_E_ARGUMENT: c_int = -1;
/// The outbox is full, which is ordinary; KABAR_OUTBOX_SPACE reports when to try again.
pub const KABAR_E_FULL: c_int = -2;
/// The body is longer than its kind allows.
pub const KABAR_E_TOO_LONG: c_int = -3;
/// A text that is not UTF-8.
pub const KABAR_E_NOT_TEXT: c_int = -4;
/// Members do not post this kind.
pub const KABAR_E_KIND: c_int = -5;
/// The client is idle, or has ended.
pub const KABAR_E_NOT_RUNNING: c_int = -6;

/// Kind of a post: text.
pub const KABAR_TEXT: u8 = 1;
/// Kind of a post: data for programs.
pub const KABAR_DATA: u8 = 2;
/// Kind of a post: an action.
pub const KABAR_ACTION: u8 = 3;

/// Event: the server's key is unknown. fingerprint; answer with kabar_answer_key.
pub const KABAR_KEY_OFFERED: u8 = 1;
/// Event: joined. name: the client's name; members; seq: the largest in the log; code: 1 if the
/// client continues where it was.
pub const KABAR_JOINED: u8 = 2;
/// Event: the history was replaced; before KABAR_JOINED.
pub const KABAR_RESET: u8 = 3;
/// Event: entries up to seq are no longer kept.
pub const KABAR_GAP: u8 = 4;
/// Event: an entry. seq, time_ms, name: its author, kind, body, own, number.
pub const KABAR_ENTRY: u8 = 5;
/// Event: an entry that is too large. As KABAR_ENTRY, without a body; body_len is its length.
pub const KABAR_STUB: u8 = 6;
/// Event: every post up to number is stored permanently.
pub const KABAR_STORED: u8 = 7;
/// Event: the post number is refused permanently; code.
pub const KABAR_POST_REFUSED: u8 = 8;
/// Event: the outbox has room again.
pub const KABAR_OUTBOX_SPACE: u8 = 9;
/// Event: a notice. body: text for people; code.
pub const KABAR_NOTICE: u8 = 10;
/// Event: the server does not respond; the client reconnects by itself.
pub const KABAR_LOST: u8 = 11;
/// Event: the server responds again.
pub const KABAR_RECOVERED: u8 = 12;
/// Event: the client has ended. code: KABAR_LEFT to KABAR_CLOSED.
pub const KABAR_ENDED: u8 = 13;

/// End: it left.
pub const KABAR_LEFT: u8 = 0;
/// End: kabar_answer_key rejected the server's key.
pub const KABAR_KEY_DECLINED: u8 = 1;
/// End: the server's key is not the expected one.
pub const KABAR_KEY_MISMATCH: u8 = 2;
/// End: the server does not know the room's secret.
pub const KABAR_IMPOSTOR: u8 = 3;
/// End: the room does not admit the client. kind: the reason, SPEC 6.3.
pub const KABAR_REFUSED: u8 = 4;
/// End: replaced, kicked or banned.
pub const KABAR_CLOSED: u8 = 5;

/// A client. All zero it is idle: a static one is in .bss and needs no initialisation.
#[repr(C)]
pub union Client {
    /// Aligns the client.
    pub alignment: u64,
    /// Its memory.
    pub bytes: [u8; KABAR_CLIENT_LEN],
}

/// An address: family 4 uses the first four bytes of ip, family 6 all sixteen.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Address {
    family: u8,
    ip: [u8; 16],
    port: u16,
}

/// The configuration of a client. kabar_start copies everything.
#[derive(Debug)]
#[repr(C)]
pub struct Config {
    /// The server's address.
    pub(crate) server: Address,
    /// KABAR_FINGERPRINT_LEN bytes, from the invite; null: KABAR_KEY_OFFERED asks.
    pub(crate) fingerprint: *const u8,
    /// KABAR_SEED_LEN bytes that own the name. Permanent and secret.
    pub(crate) identity: *const u8,
    /// KABAR_PUBLIC_LEN bytes that kabar_public_identity computed for it; null: kabar_start
    /// computes them.
    pub(crate) public_identity: *const u8,
    /// KABAR_SECRET_LEN bytes, from the invite; null: a password, or nothing.
    pub(crate) secret: *const u8,
    pub(crate) password: *const c_char,
    pub(crate) password_len: usize,
    pub(crate) room: *const c_char,
    pub(crate) room_len: usize,
    pub(crate) name: *const c_char,
    pub(crate) name_len: usize,
    /// Number of earlier entries wanted; 0: none.
    pub(crate) last: u32,
    /// Granularity of the clock in us, at most 1000000.
    pub(crate) tick_us: u32,
}

/// The parts of an invite. The texts are parts of the text that was parsed.
#[derive(Debug)]
#[repr(C)]
pub struct Invite {
    /// One or more of HOST:PORT, with commas between them.
    pub(crate) addresses: *const c_char,
    pub(crate) addresses_len: usize,
    pub(crate) room: *const c_char,
    pub(crate) room_len: usize,
    pub(crate) fingerprint: [u8; KABAR_FINGERPRINT_LEN],
    pub(crate) secret: [u8; KABAR_SECRET_LEN],
}

/// An event. Fields that its type does not name are 0. Pointers are valid until the next call that
/// takes the client.
#[derive(Debug)]
#[repr(C)]
pub struct CEvent {
    /// KABAR_KEY_OFFERED to KABAR_ENDED.
    r#type: u8,
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
    fingerprint: [u8; KABAR_FINGERPRINT_LEN],
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

pub(crate) fn post_error(error: PostError) -> c_int {
    match error {
        PostError::Full => KABAR_E_FULL,
        PostError::TooLong => KABAR_E_TOO_LONG,
        PostError::NotText => KABAR_E_NOT_TEXT,
        PostError::Kind => KABAR_E_KIND,
        _ => KABAR_E_NOT_RUNNING,
    }
}

impl CEvent {
    const NONE: Self = Self {
        r#type: 0,
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
        fingerprint: [0; KABAR_FINGERPRINT_LEN],
    };

    fn of(r#type: u8) -> Self {
        Self { r#type, ..Self::NONE }
    }

    fn name(self, name: &str) -> Self {
        Self { name: name.as_ptr(), name_len: name.len(), ..self }
    }

    fn body(self, body: &[u8]) -> Self {
        Self { body: body.as_ptr(), body_len: body.len(), ..self }
    }

    fn entry(r#type: u8, header: &EntryHeader<'_>) -> Self {
        let EntryHeader { seq, time_ms, author, number, kind, .. } = *header;
        Self { seq, time_ms, number, kind: kind.0, ..Self::of(r#type) }.name(author)
    }

    /// `None`: an event that the C interface does not have.
    pub(crate) fn new(event: Event<'_>) -> Option<Self> {
        Some(match event {
            Event::UnknownServerKey(fingerprint) => Self { fingerprint: fingerprint.0, ..Self::of(KABAR_KEY_OFFERED) },
            Event::Joined { name, members, head, is_resumed, .. } => {
                Self { members, seq: head, code: is_resumed.into(), ..Self::of(KABAR_JOINED) }.name(name)
            }
            Event::Reset { .. } => Self::of(KABAR_RESET),
            Event::Gap { first, .. } => Self { seq: first.saturating_sub(1), ..Self::of(KABAR_GAP) },
            Event::Entry { header, body, own, .. } => {
                Self { own: own.into(), ..Self::entry(KABAR_ENTRY, &header) }.body(body)
            }
            Event::EntryTooLarge { header, size, .. } => {
                Self { body_len: size.into(), ..Self::entry(KABAR_STUB, &header) }
            }
            Event::Stored { number, seq, .. } => Self { number, seq, ..Self::of(KABAR_STORED) },
            Event::PostRefused { number, code, .. } => Self { number, code: code.0, ..Self::of(KABAR_POST_REFUSED) },
            Event::OutboxWritable { .. } => Self::of(KABAR_OUTBOX_SPACE),
            Event::Info { info: Info::Notice { code, text }, .. } => {
                Self { code, ..Self::of(KABAR_NOTICE) }.body(text.as_bytes())
            }
            Event::Info { info: Info::Ended { text, .. }, .. } => Self::of(KABAR_NOTICE).body(text.as_bytes()),
            Event::Disconnected(_) => Self::of(KABAR_LOST),
            Event::Reconnected => Self::of(KABAR_RECOVERED),
            Event::Ended(reason) => Self::ended(reason),
            // The program requests nothing, and KABAR_ENDED has the reason of a refusal.
            Event::Info { .. } | Event::Refused { .. } | Event::RoomEnded { .. } => return None,
        })
    }

    fn ended(reason: EndReason) -> Self {
        let (code, kind) = match reason {
            EndReason::Left => (KABAR_LEFT, 0),
            EndReason::KeyRejected => (KABAR_KEY_DECLINED, 0),
            EndReason::KeyMismatch => (KABAR_KEY_MISMATCH, 0),
            EndReason::ServerProofInvalid => (KABAR_IMPOSTOR, 0),
            EndReason::Refused(code) => (KABAR_REFUSED, code.0),
            EndReason::EndedByServer(_) | EndReason::Closed(_) => (KABAR_CLOSED, 0),
        };
        Self { code, kind, ..Self::of(KABAR_ENDED) }
    }
}
