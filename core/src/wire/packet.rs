//! Packets as a datagram carries them (SPEC 2): CRC, type, handshake bodies, the sealed header.

use super::cursor::{BufferFull, DecodeError};

/// Bytes of the CRC at the end of each packet.
pub const CRC_LEN: usize = 4;
/// Bytes before the body of a sealed packet: first byte, connection id, packet number.
pub const SEALED_HEADER_LEN: usize = 13;
/// Bytes of a Hint packet.
pub const HINT_LEN: usize = 17;
/// The two legal lengths of a Hello in bytes (SPEC 3.1).
pub const HELLO_LENS: [usize; 2] = [1200, 640];
/// Bytes of [`Limits`].
pub const LIMITS_LEN: usize = 22;

/// Why a datagram is not a packet. In the order in which it is checked (SPEC 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PacketError {
    /// The CRC does not match, or there is none: damaged in transit.
    Damaged,
    /// A version, packet type or suite that does not exist.
    Unknown,
    /// The body breaks its layout.
    Malformed(DecodeError),
}

/// What a side can take (SPEC 2.4). A value that exists is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Limits {
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
    /// Fresh per attempt.
    pub client_random: [u8; 32],
    /// First 8 bytes of the key hash of the only key taken, or zero.
    pub key_hint: [u8; 8],
    /// Length of the whole datagram: one of [`HELLO_LENS`].
    pub datagram_len: u16,
}

/// Challenge (SPEC 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// As in the Hello.
    pub client_random: [u8; 32],
    /// SPEC 3.2.
    pub cookie: [u8; 32],
    /// The server's RSA modulus: 256, 384 or 512 bytes.
    pub modulus: &'a [u8],
}

/// Initiate (SPEC 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initiate<'a> {
    /// The Hello that this continues.
    pub hello: Hello,
    /// As in the Challenge.
    pub cookie: [u8; 32],
    /// The client's X25519 share.
    pub share: [u8; 32],
    /// What the client can take.
    pub limits: Limits,
    /// RSA-KEM ciphertext: 256, 384 or 512 bytes.
    pub ciphertext: &'a [u8],
}

/// Accept (SPEC 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accept {
    /// First 8 bytes of the client random.
    pub echo: [u8; 8],
    /// Names the connection in both directions.
    pub connection_id: u32,
    /// The server's X25519 share.
    pub share: [u8; 32],
    /// What the server can take.
    pub limits: Limits,
    /// SPEC 3.5.
    pub confirmation: [u8; 32],
}

/// The header of a Sealed packet, or the content of a Hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedHeader {
    /// Names the connection.
    pub connection_id: u32,
    /// The full packet number.
    pub packet_number: u64,
}

/// One datagram, decoded as far as that goes without keys.
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
    /// [`PacketError`], the first check that failed.
    pub fn decode(datagram: &'a [u8], crc32: fn(&[u8]) -> u32) -> Result<Self, PacketError> {
        let _ = (datagram, crc32);
        todo!()
    }

    /// Encodes into `out` with padding and CRC and returns the length in bytes. Not for [`Packet::Sealed`], whose body is
    /// put in place by the session: that gives [`BufferFull`].
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8], crc32: fn(&[u8]) -> u32) -> Result<usize, BufferFull> {
        let _ = (out, crc32);
        todo!()
    }
}

impl SealedHeader {
    /// The 13 header bytes: also the associated data of the AEAD (SPEC 4.1).
    #[must_use]
    pub fn encode(&self) -> [u8; SEALED_HEADER_LEN] {
        todo!()
    }
}
