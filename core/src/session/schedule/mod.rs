//! The key schedule (SPEC 3.3, 3.5).

use crate::crypto::exchange::SHARE_LEN;
use crate::crypto::kdf::{HASH_LEN, Secret, Transcript, hmac, sha256};
use crate::crypto::rsa::PUBLIC_EXPONENT;
use crate::wire::packet::{ACCEPT_LEN, CRC_LEN, TRANSPORT_PARAMETERS_LEN};

/// Bytes of an Accept before its confirmation.
const ACCEPT_HEAD_LEN: usize = ACCEPT_LEN - HASH_LEN - CRC_LEN;
const _: () = assert!(ACCEPT_HEAD_LEN == 1 + 8 + 4 + SHARE_LEN + TRANSPORT_PARAMETERS_LEN);

/// The hash of a server's key (SPEC 3.3).
#[must_use]
pub(super) fn key_hash(modulus: &[u8]) -> [u8; HASH_LEN] {
    // The longest modulus is 512 bytes.
    let len = u16::try_from(modulus.len()).unwrap_or(u16::MAX);
    sha256(&[b"kabar1 rsa", &len.to_be_bytes(), modulus, &PUBLIC_EXPONENT.to_be_bytes()])
}

/// h1: the transcript up to and including the Initiate (a whole datagram).
pub(super) fn initiate_hash(key_hash: &[u8; HASH_LEN], initiate: &[u8]) -> [u8; HASH_LEN] {
    let content = initiate.split_last_chunk::<CRC_LEN>().map_or(&[][..], |(content, _)| content);
    let mut transcript = Transcript::new(b"kabar1 initiate");
    // Suite, client random and key hint, which the Initiate repeats from the Hello.
    transcript.add(content.get(1..42).unwrap_or(&[]));
    transcript.add(key_hash);
    transcript.add(content);
    transcript.finish()
}

/// h: h1 and the Accept (a whole datagram) without its confirmation, which authenticates h.
pub(super) fn accept_hash(initiate_hash: &[u8; HASH_LEN], accept: &[u8]) -> [u8; HASH_LEN] {
    let mut transcript = Transcript::new(b"kabar1 accept");
    transcript.add(initiate_hash);
    transcript.add(accept.get(..ACCEPT_HEAD_LEN).unwrap_or(&[]));
    transcript.finish()
}

/// The secret from which all secrets of a connection are expanded.
#[derive(Clone, Debug)]
pub(super) struct MasterSecret(Secret);

impl MasterSecret {
    /// All zero: no secret.
    pub(super) const EMPTY: Self = Self(Secret::new([0; HASH_LEN]));

    /// Extracts it from both shared secrets, with the transcript hash as salt.
    pub(super) fn new(h: &[u8; HASH_LEN], z: &[u8], exchanged: &Secret) -> Self {
        Self(Secret::extract(h, &[z, exchanged.expose()]))
    }

    /// Proves to the client that the server knows the secret.
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

    /// Binds proofs to this connection.
    pub(super) fn exporter(&self) -> Secret {
        self.0.derive(b"kabar1 exporter", &[])
    }
}

#[cfg(test)]
mod tests;
