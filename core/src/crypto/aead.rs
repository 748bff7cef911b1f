//! ChaCha20-Poly1305 (RFC 8439) and CRC-32 behind one seam, so that a laptop may use a faster implementation of both.

/// Length of an AEAD key in bytes.
pub const KEY_LEN: usize = 32;
/// Length of an AEAD nonce in bytes.
pub const NONCE_LEN: usize = 12;
/// Length of an AEAD tag in bytes.
pub const TAG_LEN: usize = 16;

/// The tag did not verify. Says nothing more on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAuthentic;

/// ChaCha20-Poly1305 under one key.
pub trait Aead {
    /// Takes a key.
    fn new(key: &[u8; KEY_LEN]) -> Self;

    /// Encrypts `buffer` in place and returns the tag over `aad` and the ciphertext.
    fn seal(&self, nonce: &[u8; NONCE_LEN], aad: &[u8], buffer: &mut [u8]) -> [u8; TAG_LEN];

    /// Verifies, then decrypts `buffer` in place.
    ///
    /// # Errors
    /// [`NotAuthentic`] if the tag does not verify; the content of `buffer` is then unspecified and holds no plaintext.
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), NotAuthentic>;
}

/// Where an implementation of the AEAD and of the CRC comes from.
pub trait Provider {
    /// The AEAD.
    type Aead: Aead;

    /// CRC-32/ISO-HDLC of `bytes`.
    fn crc32(bytes: &[u8]) -> u32;
}

/// The provider of this crate: RustCrypto's AEAD and a CRC with a 1 KiB table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable;
