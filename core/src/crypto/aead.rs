//! ChaCha20-Poly1305 (RFC 8439) and CRC-32 behind one seam, so that a laptop may use a faster implementation of both.

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Length of an AEAD key in bytes.
pub const KEY_LEN: usize = 32;
/// Length of an AEAD nonce in bytes.
pub const NONCE_LEN: usize = 12;
/// Length of an AEAD tag in bytes.
pub const TAG_LEN: usize = 16;

/// The tag did not verify. Says nothing more on purpose.
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
            // Only a buffer of 256 GiB gets here; it leaves wiped rather than in clear.
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
mod tests {
    use super::*;
    use crate::crypto::testing::hex;

    // RFC 8439, 2.8.2.
    const TEXT: &[u8; 114] = b"Ladies and Gentlemen of the class of '99: If I could offer you \
        only one tip for the future, sunscreen would be it.";
    const AAD: &str = "50515253c0c1c2c3c4c5c6c7";
    const NONCE: &str = "070000004041424344454647";
    const CIPHERTEXT: &str = "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6\
        3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36\
        92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc\
        3ff4def08e4b7a9de576d26586cec64b6116";
    const TAG: &str = "1ae10b594f09e26a7e902ecbd0600691";

    fn aead() -> ChaCha20Poly1305 {
        Aead::new(&core::array::from_fn(|i| 0x80 + i as u8))
    }

    #[test]
    fn seals_as_rfc_8439_says() {
        let mut buffer = *TEXT;
        let tag = aead().seal(&hex(NONCE), &hex::<12>(AAD), &mut buffer);
        assert_eq!(buffer, hex(CIPHERTEXT));
        assert_eq!(tag, hex(TAG));
    }

    #[test]
    fn opens_what_was_sealed() {
        let mut buffer: [u8; 114] = hex(CIPHERTEXT);
        assert_eq!(aead().open(&hex(NONCE), &hex::<12>(AAD), &mut buffer, &hex(TAG)), Ok(()));
        assert_eq!(&buffer, TEXT);
    }

    #[test]
    fn leaves_no_plaintext_when_any_part_is_changed() {
        let (nonce, aad, text, tag) = (hex(NONCE), hex::<12>(AAD), hex::<114>(CIPHERTEXT), hex(TAG));
        let fails = |nonce: &[u8; 12], aad: &[u8], text: &[u8], tag: &[u8; 16]| {
            let mut buffer = text.to_vec();
            assert_eq!(aead().open(nonce, aad, &mut buffer, tag), Err(NotAuthentic));
            assert!(!buffer.windows(8).any(|part| TEXT.windows(8).any(|known| known == part)));
        };
        for bit in 0..8 {
            let mut changed = nonce;
            changed[11] ^= 1 << bit;
            fails(&changed, &aad, &text, &tag);
            let mut changed = aad;
            changed[0] ^= 1 << bit;
            fails(&nonce, &changed, &text, &tag);
            let mut changed = text;
            changed[57] ^= 1 << bit;
            fails(&nonce, &aad, &changed, &tag);
            let mut changed = tag;
            changed[15] ^= 1 << bit;
            fails(&nonce, &aad, &text, &changed);
        }
        fails(&nonce, &aad[..11], &text, &tag);
        fails(&nonce, &aad, &text[..113], &tag);
    }

    #[test]
    fn crc_has_the_check_value() {
        assert_eq!(Portable::crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(Portable::crc32(b""), 0);
    }
}
