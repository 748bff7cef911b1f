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
fn seals_as_in_rfc_8439() {
    let mut buffer = *TEXT;
    let tag = aead().seal(&hex(NONCE), &hex::<12>(AAD), &mut buffer);
    assert_eq!(buffer, hex(CIPHERTEXT));
    assert_eq!(tag, hex(TAG));
}

#[test]
fn opens_sealed_buffers() {
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
