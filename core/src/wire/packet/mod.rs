//! Packets as datagrams carry them (SPEC 2): CRC, type, handshake bodies, the sealed header.
//!
//! ```text
//!  byte 0   version (high nibble, 1) | packet type (low nibble)
//!  ...      type-specific
//!  last 4   CRC-32/ISO-HDLC of all bytes before it
//! ```

use super::io::{BufferFull, DecodeError, Reader, Writer};
use super::{MAX_DATAGRAM, MIN_DATAGRAM};

/// Bytes of the CRC at the end of each packet.
pub const CRC_LEN: usize = 4;
/// Bytes before the body of a sealed packet: first byte, connection id, packet number.
pub const SEALED_HEADER_LEN: usize = 13;
/// Bytes of the tag after the body of a sealed packet.
pub const SEALED_TAG_LEN: usize = 16;
/// Bytes of a Hint packet (SPEC 4.5).
pub const HINT_LEN: usize = 17;
/// Bytes of an Accept packet.
pub const ACCEPT_LEN: usize = 103;
/// Bytes of a Challenge packet without the modulus.
pub const CHALLENGE_OVERHEAD: usize = 69;
/// The two legal lengths of a Hello in bytes (SPEC 3.1).
pub const HELLO_LENS: [usize; 2] = [1200, 640];
/// The legal lengths of a modulus or KEM ciphertext in bytes (SPEC 2.1).
pub const MODULUS_LENS: [usize; 3] = [256, 384, 512];
/// Bytes of [`TransportParameters`].
pub const TRANSPORT_PARAMETERS_LEN: usize = 22;
/// The only suite (SPEC 1).
pub const SUITE: u8 = 1;

/// Legal first bytes: version 1 and a packet type.
mod first {
    pub(super) const HELLO: u8 = 0x11;
    pub(super) const CHALLENGE: u8 = 0x12;
    pub(super) const INITIATE: u8 = 0x13;
    pub(super) const ACCEPT: u8 = 0x14;
    pub(super) const SEALED: u8 = 0x15;
    pub(super) const HINT: u8 = 0x16;
}

/// Why a datagram is not a packet, in the order of the checks (SPEC 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PacketError {
    /// No packet has its length, or the CRC does not match: damaged in transit.
    Damaged,
    /// Unknown version, packet type or suite.
    Unknown,
    /// The body does not decode.
    Malformed(DecodeError),
}

/// Limits that a side states in the handshake (SPEC 2.4). A decoded value is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TransportParameters {
    /// Largest datagram in bytes, 576 to 1200.
    pub datagram: u16,
    /// Ack-eliciting packets in flight towards this side, 4 or more.
    pub packets: u16,
    /// Largest chat message in bytes including its length field, 512 or more.
    pub message: u16,
    /// Receive window of stream CHAT in bytes, `message` or more.
    pub chat: u32,
    /// Receive window of stream BULK in bytes; 0 = closed.
    pub bulk: u32,
    /// Longest delay of an acknowledgement in ms, up to 1000.
    pub ack_delay_ms: u16,
    /// Clock granularity in us, up to 1 000 000.
    pub tick_us: u32,
    /// Idle time-out in s, 10 to 3600.
    pub idle_s: u16,
}

/// Hello (SPEC 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Fresh for each attempt.
    pub client_random: [u8; 32],
    /// First 8 bytes of the hash of the expected key, or zero.
    pub key_hint: [u8; 8],
    /// Length of the whole datagram: one of [`HELLO_LENS`].
    pub datagram_len: u16,
}

/// Challenge (SPEC 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// As in the Hello.
    pub client_random: [u8; 32],
    /// Returned in the Initiate to prove the client's address (SPEC 3.2).
    pub cookie: [u8; 32],
    /// The server's RSA modulus: 256, 384 or 512 bytes.
    pub modulus: &'a [u8],
}

/// Initiate (SPEC 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initiate<'a> {
    /// The Hello that it continues.
    pub hello: Hello,
    /// As in the Challenge.
    pub cookie: [u8; 32],
    /// The client's X25519 share.
    pub share: [u8; 32],
    /// Parameters of the client.
    pub parameters: TransportParameters,
    /// RSA-KEM ciphertext: 256, 384 or 512 bytes.
    pub ciphertext: &'a [u8],
}

/// Accept (SPEC 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accept {
    /// First 8 bytes of the client random.
    pub echo: [u8; 8],
    /// Id of the connection in both directions.
    pub connection_id: u32,
    /// The server's X25519 share.
    pub share: [u8; 32],
    /// Parameters of the server.
    pub parameters: TransportParameters,
    /// Proves that the server knows the secrets of the connection (SPEC 3.5).
    pub confirmation: [u8; 32],
}

/// The header of a Sealed packet, or the content of a Hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    /// Id of the connection.
    pub connection_id: u32,
    /// The packet number, in full.
    pub packet_number: u64,
}

/// A datagram, decoded as far as possible without keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Type 1.
    Hello(Hello),
    /// Type 2.
    Challenge(Challenge<'a>),
    /// Type 3.
    Initiate(Initiate<'a>),
    /// Type 4.
    Accept(Accept),
    /// Type 5. Body, tag and CRC follow the 13 header bytes; there is at least one body byte.
    Sealed(SealedHeader),
    /// Type 6.
    Hint(SealedHeader),
}

impl<'a> Packet<'a> {
    /// Decodes a datagram; `crc32` is the provider's.
    ///
    /// # Errors
    /// [`PacketError`] of the first check that failed.
    pub fn decode(datagram: &'a [u8], crc32: fn(&[u8]) -> u32) -> Result<Self, PacketError> {
        // SPEC 2.2: length and CRC are checked before the content.
        if datagram.len() > MAX_DATAGRAM {
            return Err(PacketError::Damaged);
        }
        let (content, crc) = datagram.split_last_chunk::<CRC_LEN>().ok_or(PacketError::Damaged)?;
        let (&first, body) = content.split_first().ok_or(PacketError::Damaged)?;
        if crc32(content).to_be_bytes() != *crc {
            return Err(PacketError::Damaged);
        }
        let mut reader = Reader::new(body);
        let packet = match first {
            first::HELLO => Self::Hello(Hello::decode(&mut reader)?),
            first::CHALLENGE => Self::Challenge(Challenge::decode(&mut reader)?),
            first::INITIATE => Self::Initiate(Initiate::decode(&mut reader)?),
            first::ACCEPT => Self::Accept(Accept::decode(&mut reader)?),
            first::SEALED => {
                let header = SealedHeader::decode(&mut reader)?;
                if reader.rest().len() <= SEALED_TAG_LEN {
                    return Err(DecodeError::Truncated.into());
                }
                Self::Sealed(header)
            }
            first::HINT => Self::Hint(SealedHeader::decode(&mut reader)?),
            _ => return Err(PacketError::Unknown),
        };
        reader.finish()?;
        Ok(packet)
    }

    /// Encodes into `out` with padding and CRC and returns the length in bytes. Not for
    /// [`Packet::Sealed`], which the session encodes: returns [`BufferFull`].
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8], crc32: fn(&[u8]) -> u32) -> Result<usize, BufferFull> {
        let mut writer = Writer::new(out);
        match self {
            Self::Hello(hello) => hello.encode(&mut writer)?,
            Self::Challenge(challenge) => challenge.encode(&mut writer)?,
            Self::Initiate(initiate) => initiate.encode(&mut writer)?,
            Self::Accept(accept) => accept.encode(&mut writer)?,
            Self::Sealed(_) => return Err(BufferFull),
            Self::Hint(header) => writer.bytes(&header.encode_as(first::HINT))?,
        }
        let crc = crc32(writer.written());
        writer.u32(crc)?;
        Ok(writer.len())
    }
}

impl SealedHeader {
    /// The Hint that answers a packet with this header: its connection is not known here (SPEC
    /// 4.5). `crc32` is the provider's.
    #[must_use]
    pub fn hint(&self, crc32: fn(&[u8]) -> u32) -> [u8; HINT_LEN] {
        let mut hint = [0; HINT_LEN];
        if let Some((content, crc)) = hint.split_last_chunk_mut::<CRC_LEN>() {
            content.copy_from_slice(&self.encode_as(first::HINT));
            *crc = crc32(content).to_be_bytes();
        }
        hint
    }

    /// The 13 header bytes: also the associated data of the AEAD (SPEC 4.1).
    #[must_use]
    pub(crate) fn encode(&self) -> [u8; SEALED_HEADER_LEN] {
        self.encode_as(first::SEALED)
    }

    /// Decodes the header of a Sealed packet; `None` for other packets.
    pub(crate) fn from_bytes(bytes: &[u8; SEALED_HEADER_LEN]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.u8() == Ok(first::SEALED) { Self::decode(&mut reader).ok() } else { None }
    }

    fn encode_as(&self, first: u8) -> [u8; SEALED_HEADER_LEN] {
        let [i0, i1, i2, i3] = self.connection_id.to_be_bytes();
        let [n0, n1, n2, n3, n4, n5, n6, n7] = self.packet_number.to_be_bytes();
        [first, i0, i1, i2, i3, n0, n1, n2, n3, n4, n5, n6, n7]
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { connection_id: reader.u32()?, packet_number: reader.u64()? })
    }
}

impl TransportParameters {
    /// Whether every field is in its legal range (SPEC 2.4).
    #[must_use]
    pub fn is_legal(&self) -> bool {
        (MIN_DATAGRAM..=MAX_DATAGRAM).contains(&usize::from(self.datagram))
            && self.packets >= 4
            && self.message >= 512
            && self.chat >= u32::from(self.message)
            && self.ack_delay_ms <= 1000
            && self.tick_us <= 1_000_000
            && (10..=3600).contains(&self.idle_s)
    }

    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u16(self.datagram)?;
        out.u16(self.packets)?;
        out.u16(self.message)?;
        out.u32(self.chat)?;
        out.u32(self.bulk)?;
        out.u16(self.ack_delay_ms)?;
        out.u32(self.tick_us)?;
        out.u16(self.idle_s)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let parameters = Self {
            datagram: reader.u16()?,
            packets: reader.u16()?,
            message: reader.u16()?,
            chat: reader.u32()?,
            bulk: reader.u32()?,
            ack_delay_ms: reader.u16()?,
            tick_us: reader.u32()?,
            idle_s: reader.u16()?,
        };
        if parameters.is_legal() { Ok(parameters) } else { Err(DecodeError::Value) }
    }
}

impl Hello {
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(first::HELLO)?;
        self.encode_fields(out)?;
        let padded = usize::from(self.datagram_len).checked_sub(CRC_LEN).ok_or(BufferFull)?;
        out.zeros(padded.checked_sub(out.len()).ok_or(BufferFull)?)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, PacketError> {
        let datagram_len = reader.remaining().saturating_add(1 + CRC_LEN);
        let (client_random, key_hint) = Self::decode_fields(reader)?;
        // SPEC 2.3: one encoding.
        if !HELLO_LENS.contains(&datagram_len) || reader.rest().iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Value.into());
        }
        let datagram_len = u16::try_from(datagram_len).map_err(|_| DecodeError::Value)?;
        Ok(Self { client_random, key_hint, datagram_len })
    }

    /// Fields that Hello and Initiate share: suite, client random, key hint.
    fn encode_fields(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(SUITE)?;
        out.bytes(&self.client_random)?;
        out.bytes(&self.key_hint)
    }

    fn decode_fields(reader: &mut Reader<'_>) -> Result<([u8; 32], [u8; 8]), PacketError> {
        if reader.u8()? != SUITE {
            return Err(PacketError::Unknown);
        }
        Ok((reader.array()?, reader.array()?))
    }
}

impl<'a> Challenge<'a> {
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(first::CHALLENGE)?;
        out.bytes(&self.client_random)?;
        out.bytes(&self.cookie)?;
        out.bytes(self.modulus)
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { client_random: reader.array()?, cookie: reader.array()?, modulus: modulus_bytes(reader)? })
    }
}

impl<'a> Initiate<'a> {
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(first::INITIATE)?;
        self.hello.encode_fields(out)?;
        out.u16(self.hello.datagram_len)?;
        out.bytes(&self.cookie)?;
        out.bytes(&self.share)?;
        self.parameters.encode(out)?;
        out.bytes(self.ciphertext)
    }

    fn decode(reader: &mut Reader<'a>) -> Result<Self, PacketError> {
        let (client_random, key_hint) = Hello::decode_fields(reader)?;
        let datagram_len = reader.u16()?;
        if !HELLO_LENS.contains(&usize::from(datagram_len)) {
            return Err(DecodeError::Value.into());
        }
        Ok(Self {
            hello: Hello { client_random, key_hint, datagram_len },
            cookie: reader.array()?,
            share: reader.array()?,
            parameters: TransportParameters::decode(reader)?,
            ciphertext: modulus_bytes(reader)?,
        })
    }
}

impl Accept {
    fn encode(&self, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        out.u8(first::ACCEPT)?;
        out.bytes(&self.echo)?;
        out.u32(self.connection_id)?;
        out.bytes(&self.share)?;
        self.parameters.encode(out)?;
        out.bytes(&self.confirmation)
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            echo: reader.array()?,
            connection_id: reader.u32()?,
            share: reader.array()?,
            parameters: TransportParameters::decode(reader)?,
            confirmation: reader.array()?,
        })
    }
}

/// The longest legal modulus or ciphertext that the reader holds. Left-over bytes fail at the end
/// of the packet.
fn modulus_bytes<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let len = MODULUS_LENS.into_iter().rfind(|len| *len <= reader.remaining()).ok_or(DecodeError::Truncated)?;
    reader.bytes(len)
}

impl From<DecodeError> for PacketError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl core::fmt::Display for PacketError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Damaged => f.write_str("damaged in transit"),
            Self::Unknown => f.write_str("unknown version, packet type or suite"),
            Self::Malformed(error) => write!(f, "malformed: {error}"),
        }
    }
}

impl core::error::Error for PacketError {}

#[cfg(test)]
mod tests;
