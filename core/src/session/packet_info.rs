//! Packets as seen by a program that forwards them without having their keys.

use super::Fingerprint;
use crate::crypto::Provider;
use crate::wire::packet::{Challenge, Hello, Packet, PacketError, SealedHeader};

/// The parts of a packet that are readable without its keys: enough to track an attempt and a
/// connection while forwarding their packets, between networks or to one of several addresses of a
/// server (SPEC 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketInfo {
    /// A client opens a connection, or retransmits that packet.
    Hello {
        /// Random bytes that identify the attempt.
        client_random: [u8; 32],
    },
    /// The server answers a Hello.
    Challenge {
        /// As in the Hello.
        client_random: [u8; 32],
        /// Returned in the Initiate.
        cookie: [u8; 32],
        /// The key that the server presents.
        fingerprint: Fingerprint,
    },
    /// The client answers a Challenge.
    Initiate {
        /// The cookie of the Challenge.
        cookie: [u8; 32],
    },
    /// The server accepts the connection.
    Accept {
        /// Id of the connection in both directions.
        connection_id: u32,
    },
    /// A packet of a connection.
    Sealed(SealedHeader),
    /// The server does not know the connection of a packet: the header of that packet (SPEC 4.5).
    Hint(SealedHeader),
}

impl PacketInfo {
    /// Decodes a datagram and checks its CRC. Nothing else about it is authenticated.
    ///
    /// # Errors
    /// [`PacketError`]: it is not a packet.
    pub fn decode<P: Provider>(datagram: &[u8]) -> Result<Self, PacketError> {
        Ok(match Packet::decode(datagram, P::crc32)? {
            Packet::Hello(Hello { client_random, .. }) => Self::Hello { client_random },
            Packet::Challenge(Challenge { client_random, cookie, modulus }) => {
                Self::Challenge { client_random, cookie, fingerprint: Fingerprint::of_modulus(modulus) }
            }
            Packet::Initiate(initiate) => Self::Initiate { cookie: initiate.cookie },
            Packet::Accept(accept) => Self::Accept { connection_id: accept.connection_id },
            Packet::Sealed(header) => Self::Sealed(header),
            Packet::Hint(header) => Self::Hint(header),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Portable;

    #[test]
    fn decodes_the_connection_of_a_hint_and_rejects_damage() {
        let header = SealedHeader { connection_id: 7, packet_number: 9 };
        let mut hint = header.hint(Portable::crc32);
        assert_eq!(PacketInfo::decode::<Portable>(&hint), Ok(PacketInfo::Hint(header)));
        hint[4] ^= 1;
        assert_eq!(PacketInfo::decode::<Portable>(&hint), Err(PacketError::Damaged));
    }

    #[test]
    fn decodes_attempt_cookie_and_key_of_a_challenge() {
        let (client_random, cookie, modulus) = ([1; 32], [2; 32], &[3; 256]);
        let mut out = [0; 400];
        let challenge = Packet::Challenge(Challenge { client_random, cookie, modulus });
        let len = challenge.encode(&mut out, Portable::crc32).unwrap();
        let fingerprint = Fingerprint::of_modulus(modulus);
        let shown = PacketInfo::Challenge { client_random, cookie, fingerprint };
        assert_eq!(PacketInfo::decode::<Portable>(&out[..len]), Ok(shown));
    }
}
