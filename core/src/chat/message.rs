//! Chat messages as values, and the signature and proofs of a Join (SPEC 6.2, 6.3).

use super::{EntryKind, PostRefusedCode, RefusedCode, Start, Term};
use crate::crypto::identity::{PublicIdentity, SIGNATURE_LEN};
use crate::wire::io::{BufferFull, Writer};

/// How a Join authenticates (SPEC 6.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication<'a> {
    /// Nothing: an identity that was admitted before.
    None,
    /// HMAC of the room secret over the exporter.
    Secret([u8; 32]),
    /// The room's password.
    Password(&'a [u8]),
}

/// Join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join<'a> {
    /// The room's name.
    pub room: &'a str,
    /// The requested name.
    pub name: &'a str,
    /// The identity of the client.
    pub identity: PublicIdentity,
    /// Over `"kabar1 join" | exporter | identity | room`: see [`join_statement`].
    pub signature: [u8; SIGNATURE_LEN],
    /// Proof that it may join.
    pub authentication: Authentication<'a>,
    /// 0: none.
    pub instance: u64,
    /// Where delivery begins.
    pub start: Start,
    /// Longest body that the client accepts, in bytes; longer ones are delivered as stubs.
    pub max_entry_len: u16,
}

/// Post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Post<'a> {
    /// The room.
    pub handle: u8,
    /// The author's instance.
    pub instance: u64,
    /// 1, 2, 3, ... in the instance.
    pub number: u64,
    /// Every number up to this one is settled for the author (SPEC 6.5).
    pub settled: u64,
    /// Kind of the entry.
    pub kind: EntryKind,
    /// Up to [`super::MAX_BODY_LEN`] bytes.
    pub body: &'a [u8],
}

/// Client to server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMessage<'a> {
    /// 0x01
    Join(Join<'a>),
    /// 0x02
    Post(Post<'a>),
    /// 0x03: requests the list of members.
    ListMembers {
        /// The room.
        handle: u8,
    },
    /// 0x04: requests older entries.
    History {
        /// The room.
        handle: u8,
        /// Entries with a smaller seq; 0 = from the head.
        before: u64,
        /// 1 to 200.
        count: u8,
    },
    /// 0x05
    Leave {
        /// The room.
        handle: u8,
    },
}

/// Welcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Welcome<'a> {
    /// Identifies the room on this connection from now on.
    pub handle: u8,
    /// The room.
    pub room: &'a str,
    /// The name, as the server normalised it.
    pub name: &'a str,
    /// The server's current run.
    pub term: Term,
    /// Smallest seq that is stored.
    pub first: u64,
    /// Largest seq.
    pub head: u64,
    /// Delivery begins after this seq.
    pub start: u64,
    /// Instance of the numbers of posts from now on.
    pub instance: u64,
    /// Highest stored number of the instance.
    pub highest_stored: u64,
    /// Members present, this one included.
    pub members: u16,
    /// HMAC of the room secret over the exporter (zero if the server has no secret).
    pub proof: [u8; 32],
}

/// Header of entries, stubs and answers to History.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader<'a> {
    /// Position in the room's log.
    pub seq: u64,
    /// Time of storage, in ms since 1970.
    pub time_ms: u64,
    /// Name of the author.
    pub author: &'a str,
    /// Instance of the author; 0 = the server.
    pub instance: u64,
    /// Number in the instance.
    pub number: u64,
    /// Kind of the entry.
    pub kind: EntryKind,
}

/// An entry of a room's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Header.
    pub header: EntryHeader<'a>,
    /// The body.
    pub body: &'a [u8],
}

/// Server to client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerMessage<'a> {
    /// 0x41
    Welcome(Welcome<'a>),
    /// 0x42
    Refused {
        /// Why.
        code: RefusedCode,
        /// Text for the user.
        text: &'a str,
    },
    /// 0x43: the cursor is not valid; delivery starts over.
    Reset {
        /// The room.
        handle: u8,
    },
    /// 0x44
    Entry {
        /// The room.
        handle: u8,
        /// The entry.
        entry: Entry<'a>,
    },
    /// 0x45: an entry that is longer than the member accepts.
    Stub {
        /// The room.
        handle: u8,
        /// Header.
        header: EntryHeader<'a>,
        /// Length of the body in bytes.
        size: u16,
    },
    /// 0x46: posts are stored; cumulative.
    Stored {
        /// The room.
        handle: u8,
        /// The author's instance.
        instance: u64,
        /// Every number up to this one that was not refused is stored.
        number: u64,
        /// Its seq.
        seq: u64,
    },
    /// 0x47: a post is refused permanently.
    PostRefused {
        /// The room.
        handle: u8,
        /// The author's instance.
        instance: u64,
        /// The number.
        number: u64,
        /// Why.
        code: PostRefusedCode,
    },
    /// 0x48: one answer to History.
    Past {
        /// The room.
        handle: u8,
        /// Answers that follow this one.
        remaining: u16,
        /// The entry; `None`: there are none.
        entry: Option<Entry<'a>>,
    },
    /// 0x49: one answer to ListMembers.
    Member {
        /// The room.
        handle: u8,
        /// Answers that follow this one.
        remaining: u16,
        /// The name; `None`: there are none.
        name: Option<&'a str>,
    },
    /// 0x4a: a text for the user.
    Notice {
        /// For programs; 0 = none.
        code: u8,
        /// Text for the user.
        text: &'a str,
    },
}

impl core::fmt::Debug for Authentication<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Secret(_) => "Secret(..)",
            Self::Password(_) => "Password(..)",
        })
    }
}

/// Writes the statement that a Join signs (SPEC 6.2): `"kabar1 join" | exporter | identity | room`,
/// in `out`; returns its length. `out` of 160 bytes is always enough for a legal room name.
///
/// # Errors
/// [`BufferFull`] if `out` is too small.
pub fn join_statement(
    exporter: &[u8; 32],
    identity: &PublicIdentity,
    room: &str,
    out: &mut [u8],
) -> Result<usize, BufferFull> {
    let mut statement = Writer::new(out);
    statement.bytes(b"kabar1 join")?;
    statement.bytes(exporter)?;
    statement.bytes(&identity.0)?;
    statement.bytes(room.as_bytes())?;
    Ok(statement.len())
}

/// Proof by the client that it knows the room secret (SPEC 6.2).
#[must_use]
pub fn client_proof(secret: &[u8; super::ROOM_SECRET_LEN], exporter: &[u8; 32]) -> [u8; 32] {
    crate::crypto::kdf::hmac(secret, &[exporter, b"c"])
}

/// Proof by the server that it knows the room secret (SPEC 6.3).
#[must_use]
pub fn server_proof(secret: &[u8; super::ROOM_SECRET_LEN], exporter: &[u8; 32]) -> [u8; 32] {
    crate::crypto::kdf::hmac(secret, &[exporter, b"s"])
}
