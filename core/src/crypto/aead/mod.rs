//! ChaCha20-Poly1305 (RFC 8439) and CRC-32 as traits, so that a host may use faster
//! implementations.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Length of an AEAD key in bytes.
pub const KEY_LEN: usize = 32;
/// Length of an AEAD nonce in bytes.
pub const NONCE_LEN: usize = 12;
/// Length of an AEAD tag in bytes.
pub const TAG_LEN: usize = 16;

/// The tag did not verify. Deliberately without further detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

impl core::fmt::Display for NotAuthentic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("tag does not verify")
    }
}

impl core::error::Error for NotAuthentic {}

/// ChaCha20-Poly1305 under one key.
pub trait Aead {
    /// Creates the AEAD for `key`.
    fn new(key: &[u8; KEY_LEN]) -> Self;

    /// Encrypts `buffer` in place and returns the tag over `aad` and the ciphertext.
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN];

    /// Verifies, then decrypts `buffer` in place.
    ///
    /// # Errors
    /// [`NotAuthentic`] if the tag does not verify; the content of `buffer` is then unspecified and
    /// holds no plaintext.
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), NotAuthentic>;
}

/// Provides the implementations of the AEAD and the CRC.
pub trait Provider {
    /// The AEAD.
    type Aead: Aead;

    /// CRC-32/ISO-HDLC of `bytes`.
    fn crc32(bytes: &[u8]) -> u32;
}

/// The provider of this crate: RustCrypto's AEAD and a CRC with a 1 KiB table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;

impl Provider for Portable {
    type Aead = ChaCha20Poly1305;

    fn crc32(bytes: &[u8]) -> u32 {
        CRC.checksum(bytes)
    }
}

static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// RustCrypto's ChaCha20-Poly1305: constant time, no allocator, wiped on drop.
#[derive(Clone)]
pub struct ChaCha20Poly1305(chacha20poly1305::ChaCha20Poly1305);

impl core::fmt::Debug for ChaCha20Poly1305 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ChaCha20Poly1305(..)")
    }
}

impl Aead for ChaCha20Poly1305 {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(KeyInit::new(key.into()))
    }

    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN] {
        match self.0.encrypt_inout_detached(nonce.into(), aad, (&mut *buffer).into()) {
            Ok(tag) => tag.into(),
            // Only a buffer of 256 GiB gets here; it is wiped rather than sent in clear.
            Err(_) => {
                buffer.fill(0);
                [0; TAG_LEN]
            }
        }
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), NotAuthentic> {
        self.0.decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into()).map_err(|_| NotAuthentic)
    }
}

#[cfg(test)]
mod tests;
