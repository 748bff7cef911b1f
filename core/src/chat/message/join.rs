//! Join and Welcome: how a client becomes a member; the signature and the proofs in them (SPEC 6.2,
//! 6.3).

use super::{flag, name};
use crate::chat::{MAX_PASSWORD_LEN, ROOM_SECRET_LEN, Start, Term};
use crate::crypto::identity::{PublicIdentity, SIGNATURE_LEN};
use crate::crypto::kdf;
use crate::wire::io::{BufferFull, DecodeError, Reader, Writer};

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
    /// If the name is taken, the server appends a number. Left out by earlier clients: `false`.
    pub is_default_name: bool,
}

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

impl<'a> Join<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            room: reader.str_u8()?,
            name: reader.str_u8()?,
            identity: PublicIdentity(reader.array()?),
            signature: reader.array()?,
            authentication: Authentication::decode(reader)?,
            instance: reader.u64()?,
            start: Start::decode(reader)?,
            max_entry_len: reader.u16()?,
            is_default_name: !reader.is_empty() && flag(reader)?,
        })
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.bytes_u8(self.room.as_bytes())?;
        out.bytes_u8(self.name.as_bytes())?;
        out.bytes(&self.identity.0)?;
        out.bytes(&self.signature)?;
        self.authentication.encode(out)?;
        out.u64(self.instance)?;
        self.start.encode(out)?;
        out.u16(self.max_entry_len)?;
        out.u8(self.is_default_name.into())
    }
}

impl<'a> Authentication<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (kind, bytes) = (reader.u8()?, reader.bytes_u8()?);
        match kind {
            0 if bytes.is_empty() => Ok(Self::None),
            1 => bytes.try_into().map(Self::Secret).map_err(|_| DecodeError::Value),
            2 if bytes.len() <= MAX_PASSWORD_LEN => Ok(Self::Password(bytes)),
            _ => Err(DecodeError::Value),
        }
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        match self {
            Self::None => out.bytes(&[0, 0]),
            Self::Secret(proof) => {
                out.u8(1)?;
                out.bytes_u8(proof)
            }
            Self::Password(password) => {
                out.u8(2)?;
                out.bytes_u8(password)
            }
        }
    }
}

impl Start {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, seq, term, count) = (reader.u8()?, reader.u64()?, Term(reader.array()?), reader.u32()?);
        // SPEC 6.2: what a kind does not use is 0.
        let is_unused = seq == 0 && term == Term::default();
        match kind {
            0 if is_unused && count == 0 => Ok(Self::Head),
            1 if is_unused => Ok(Self::Last(count)),
            2 => Ok(Self::After { seq, term, fallback_count: count }),
            _ => Err(DecodeError::Value),
        }
    }

    fn encode(self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        let (kind, seq, term, count) = match self {
            Self::Head => (0, 0, Term::default(), 0),
            Self::Last(count) => (1, 0, Term::default(), count),
            Self::After { seq, term, fallback_count } => (2, seq, term, fallback_count),
        };
        out.u8(kind)?;
        out.u64(seq)?;
        out.bytes(&term.0)?;
        out.u32(count)
    }
}

impl<'a> Welcome<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            handle: reader.u8()?,
            room: name(reader)?,
            name: name(reader)?,
            term: Term(reader.array()?),
            first: reader.u64()?,
            head: reader.u64()?,
            start: reader.u64()?,
            instance: reader.u64()?,
            highest_stored: reader.u64()?,
            members: reader.u16()?,
            proof: reader.array()?,
        })
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(self.handle)?;
        out.bytes_u8(self.room.as_bytes())?;
        out.bytes_u8(self.name.as_bytes())?;
        out.bytes(&self.term.0)?;
        out.u64(self.first)?;
        out.u64(self.head)?;
        out.u64(self.start)?;
        out.u64(self.instance)?;
        out.u64(self.highest_stored)?;
        out.u16(self.members)?;
        out.bytes(&self.proof)
    }
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
pub fn client_proof(secret: &[u8; ROOM_SECRET_LEN], exporter: &[u8; 32]) -> [u8; 32] {
    kdf::hmac(secret, &[exporter, b"c"])
}

/// Proof by the server that it knows the room secret (SPEC 6.3).
#[must_use]
pub fn server_proof(secret: &[u8; ROOM_SECRET_LEN], exporter: &[u8; 32]) -> [u8; 32] {
    kdf::hmac(secret, &[exporter, b"s"])
}
