use super::*;
use crate::crypto::testing::{hex, hex_vec};

#[test]
fn hkdf_matches_rfc_5869() {
    // A.1, with ikm and info in several parts.
    let secret = Secret::extract(&hex::<13>("000102030405060708090a0b0c"), &[&[0x0b; 10], &[0x0b; 12]]);
    assert_eq!(secret.expose(), &hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"));
    let mut out = [0; 42];
    secret.expand(&hex::<3>("f0f1f2"), &hex::<7>("f3f4f5f6f7f8f9"), &mut out);
    assert_eq!(out, hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"));
    // A.3: no salt, no info.
    let secret = Secret::extract(&[], &[&[0x0b; 22]]);
    secret.expand(&[], &[], &mut out);
    assert_eq!(out, hex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"));
}

#[test]
fn expand_leaves_bytes_beyond_its_limit_unchanged() {
    let mut out = [0xa5; MAX_EXPAND_LEN + 5];
    Secret::new([1; 32]).expand(b"label", b"", &mut out);
    assert_eq!(out[MAX_EXPAND_LEN..], [0xa5; 5]);
    assert_ne!(out[MAX_EXPAND_LEN - 8..MAX_EXPAND_LEN], [0xa5; 8]);
}

#[test]
fn derive_is_the_first_32_bytes_of_expand() {
    let secret = Secret::new([7; 32]);
    let mut out = [0; 64];
    secret.expand(b"label", b"context", &mut out);
    assert_eq!(secret.derive(b"label", b"context").expose(), &out[..32]);
}

#[test]
fn hmac_matches_rfc_4231() {
    // Cases 1, 2 and 6 (a key longer than a block).
    assert_eq!(
        hmac(&[0x0b; 20], &[b"Hi ", b"There"]),
        hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    );
    assert_eq!(
        hmac(b"Jefe", &[b"what do ya want for nothing?"]),
        hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    );
    assert_eq!(
        hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"]),
        hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    );
}

#[test]
fn sha256_matches_fips_180() {
    let abc = hex_vec("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(&[b"a", b"", b"bc"]).as_slice(), abc);
}

#[test]
fn transcripts_of_the_same_bytes_in_other_parts_differ() {
    let of = |parts: &[&[u8]]| {
        let mut transcript = Transcript::new(b"label");
        parts.iter().for_each(|part| transcript.add(part));
        transcript.finish()
    };
    assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
    assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
    assert_ne!(of(&[b"abc"]), of(&[b"abc", b""]));
    assert_eq!(of(&[b"x"]), sha256(&[&[5], b"label", &[0, 0, 0, 1], b"x"]));
}

#[test]
fn ct_eq_compares_length_and_content() {
    assert!(ct_eq(b"same", b"same"));
    assert!(!ct_eq(b"same", b"sama"));
    assert!(!ct_eq(b"same", b"same "));
}

#[test]
fn secrets_do_not_print() {
    assert_eq!(std::format!("{:?}", Secret::new([0x41; 32])), "Secret(..)");
}
