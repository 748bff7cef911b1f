//! The key schedule (SPEC 3.3, 3.5): what both sides derive from what both saw.

use crate::crypto::exchange::SHARE_LEN;
use crate::crypto::kdf::{HASH_LEN, Secret, Transcript, hmac, sha256};
use crate::crypto::rsa::PUBLIC_EXPONENT;
use crate::wire::packet::{ACCEPT_LEN, CRC_LEN, TRANSPORT_PARAMETERS_LEN};

/// Bytes of an Accept before its confirmation.
const ACCEPT_HEAD_LEN: usize = ACCEPT_LEN - HASH_LEN - CRC_LEN;
const _: () = assert!(ACCEPT_HEAD_LEN == 1 + 8 + 4 + SHARE_LEN + TRANSPORT_PARAMETERS_LEN);

/// The hash of a server's key (SPEC 3.3).
#[must_use]
pub fn key_hash(modulus: &[u8]) -> [u8; HASH_LEN] {
    // The longest modulus is 512 bytes.
    let len = u16::try_from(modulus.len()).unwrap_or(u16::MAX);
    sha256(&[b"kabar1 rsa", &len.to_be_bytes(), modulus, &PUBLIC_EXPONENT.to_be_bytes()])
}

/// h1: everything up to and with the Initiate (a whole datagram).
pub(super) fn initiate_hash(key_hash: &[u8; HASH_LEN], initiate: &[u8]) -> [u8; HASH_LEN] {
    let content = initiate.split_last_chunk::<CRC_LEN>().map_or(&[][..], |(content, _)| content);
    let mut transcript = Transcript::new(b"kabar1 initiate");
    // Suite, client random, key hint: where the Initiate repeats the Hello.
    transcript.add(content.get(1..42).unwrap_or(&[]));
    transcript.add(key_hash);
    transcript.add(content);
    transcript.finish()
}

/// h: h1 and the Accept (a whole datagram) without its confirmation, which is what authenticates h.
pub(super) fn accept_hash(initiate_hash: &[u8; HASH_LEN], accept: &[u8]) -> [u8; HASH_LEN] {
    let mut transcript = Transcript::new(b"kabar1 accept");
    transcript.add(initiate_hash);
    transcript.add(accept.get(..ACCEPT_HEAD_LEN).unwrap_or(&[]));
    transcript.finish()
}

/// What all secrets of a connection are expanded from.
#[derive(Clone, Debug)]
pub(super) struct MasterSecret(Secret);

impl MasterSecret {
    /// Idle: no secret at all.
    pub(super) const EMPTY: Self = Self(Secret::new([0; HASH_LEN]));

    /// Extracts from both shared secrets under everything that was said.
    pub(super) fn new(h: &[u8; HASH_LEN], z: &[u8], exchanged: &Secret) -> Self {
        Self(Secret::extract(h, &[z, exchanged.expose()]))
    }

    /// What proves to the client that the server knows all of it.
    pub(super) fn confirmation(&self, h: &[u8; HASH_LEN]) -> [u8; HASH_LEN] {
        hmac(self.0.derive(b"kabar1 confirm", &[]).expose(), &[h])
    }

    /// Secret of epoch 0, client to server.
    pub(super) fn c2s(&self) -> Secret {
        self.0.derive(b"kabar1 c2s", &[])
    }

    /// Secret of epoch 0, server to client.
    pub(super) fn s2c(&self) -> Secret {
        self.0.derive(b"kabar1 s2c", &[])
    }

    /// For what is proved about this very connection.
    pub(super) fn exporter(&self) -> Secret {
        self.0.derive(b"kabar1 exporter", &[])
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use super::*;
    use crate::crypto::{Portable, Provider};
    use crate::wire::packet::{Accept, Hello, Initiate, Packet, TransportParameters};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    const LIMITS: TransportParameters = TransportParameters {
        datagram: 1200,
        packets: 16,
        message: 4480,
        chat: 8192,
        bulk: 0,
        ack_delay_ms: 5,
        tick_us: 1000,
        idle_s: 30,
    };

    /// The expected values are of a program of a few lines in another language, written from the specification.
    #[test]
    fn derives_what_an_independent_implementation_does() {
        let mut modulus = [0x5a; 256];
        (modulus[0], modulus[255]) = (0x85, 0x01);
        let hash = key_hash(&modulus);
        assert_eq!(hex(&hash), "20b67c40e8f84e88028302357108bbcdacbb89a1df2a8aa249251212d354aa37");

        let ciphertext: [u8; 256] = core::array::from_fn(|at| at as u8);
        let key_hint = core::array::from_fn(|at| hash[at]);
        let initiate = Initiate {
            hello: Hello { client_random: [0xa1; 32], key_hint, datagram_len: 1200 },
            cookie: [0xc3; 32],
            share: [0xd4; 32],
            parameters: LIMITS,
            ciphertext: &ciphertext,
        };
        let mut datagram = [0; 390];
        assert_eq!(Packet::Initiate(initiate).encode(&mut datagram, Portable::crc32), Ok(390));
        let h1 = initiate_hash(&hash, &datagram);
        assert_eq!(hex(&h1), "5a2e6ef28c2af006cb65c1a598773f86941fccf1c34686885593b52a9c8a24f9");

        let accept = Accept {
            echo: [0xa1; 8],
            connection_id: 0x0102_0304,
            share: [0xd5; 32],
            parameters: LIMITS,
            confirmation: [0xff; 32],
        };
        let mut datagram = [0; ACCEPT_LEN];
        assert_eq!(Packet::Accept(accept).encode(&mut datagram, Portable::crc32), Ok(ACCEPT_LEN));
        let h = accept_hash(&h1, &datagram);
        assert_eq!(hex(&h), "c60e5dad1eced47432ef01aca563356319f809a15e5c0a21ff489977dfbc6c2c");

        let mut z = [0x77; 256];
        (z[0], z[1]) = (0, 0);
        let master = MasterSecret::new(&h, &z, &Secret::new([0x99; 32]));
        let of = |secret: Secret| hex(secret.expose());
        assert_eq!(of(master.c2s()), "8f26c7628a56cb71a2a1a84beea8c1298102e691bfee43ae2db13e90246b9298");
        assert_eq!(of(master.s2c()), "b194d5285b671394d87e3da003ee8d74f30d7144188b52a43ce55000c14625bd");
        assert_eq!(of(master.exporter()), "0730cf585ef170d3b2597bd3050b2584c7b5f38bb7384a125229b23f15163b34");
        assert_eq!(hex(&master.confirmation(&h)), "9ebb5783fc4a7ac342da7c02da8f30d6727fb7eb84b40345e11170eacc7ef266");
    }

    #[test]
    fn keeps_leading_zeros_of_z() {
        let exchanged = Secret::new([0x99; 32]);
        let of = |z: &[u8]| *MasterSecret::new(&[1; 32], z, &exchanged).exporter().expose();
        assert_ne!(of(&[0, 0, 7]), of(&[0, 7]));
    }

    #[test]
    fn hashes_keys_of_each_length_apart() {
        assert_ne!(key_hash(&[0x81; 256]), key_hash(&[0x81; 384]));
    }
}
