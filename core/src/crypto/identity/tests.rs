use super::*;
use crate::crypto::testing::hex;

// RFC 8032, 7.1, test 3.
const SEED: &str = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
const PUBLIC: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
const MESSAGE: &[u8] = &[0xaf, 0x82];
const SIGNATURE: &str = "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
    18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a";

#[test]
fn signs_as_in_rfc_8032() {
    let identity = Identity::from_seed(&hex(SEED));
    assert_eq!(identity.public(), PublicIdentity(hex(PUBLIC)));
    assert_eq!(identity.sign(MESSAGE), hex(SIGNATURE));
}

#[test]
fn signature_of_a_stored_keypair_is_the_same() {
    let identity = Identity::from_keypair_unchecked(&hex(SEED), &hex(PUBLIC)).unwrap();
    assert_eq!(identity.public(), PublicIdentity(hex(PUBLIC)));
    assert_eq!(identity.sign(MESSAGE), hex(SIGNATURE));
}

#[test]
fn signatures_with_another_public_key_do_not_verify() {
    let other = Identity::from_seed(&[1; SEED_LEN]).public();
    let mixed = Identity::from_keypair_unchecked(&hex(SEED), &other.0).unwrap();
    let signature = mixed.sign(MESSAGE);
    assert!(!other.verify(MESSAGE, &signature) && !PublicIdentity(hex(PUBLIC)).verify(MESSAGE, &signature));
}

#[test]
fn rejects_a_public_key_that_is_not_a_point() {
    // Half of all numbers are not the y of a point; 2 is one of them.
    let mut no_point = [0; PUBLIC_LEN];
    no_point[0] = 2;
    assert!(Identity::from_keypair_unchecked(&hex(SEED), &no_point).is_none());
}

#[test]
fn rejects_changed_messages_and_signatures() {
    let public = PublicIdentity(hex(PUBLIC));
    let signature: [u8; 64] = hex(SIGNATURE);
    assert!(public.verify(MESSAGE, &signature));
    assert!(!public.verify(&[0xaf, 0x83], &signature));
    for at in [0, 31, 32, 63] {
        let mut changed = signature;
        changed[at] ^= 1;
        assert!(!public.verify(MESSAGE, &changed));
    }
    let mut other = public;
    other.0[0] ^= 1;
    assert!(!other.verify(MESSAGE, &signature));
}

#[test]
fn rejects_keys_of_small_order() {
    // The neutral element "signs" everything with R = [S]B.
    let neutral = PublicIdentity(hex("0100000000000000000000000000000000000000000000000000000000000000"));
    let mut signature = [0; 64];
    signature[0] = 1;
    assert!(!neutral.verify(MESSAGE, &signature));
    assert!(!PublicIdentity([0; 32]).verify(MESSAGE, &[0; 64]));
}

#[test]
fn rejects_encodings_that_are_not_reduced() {
    let at = |first, middle, last| {
        let mut key = [0xff; 32];
        (key[0], key[17], key[31]) = (first, middle, last);
        PublicIdentity(key).is_canonical()
    };
    assert!(at(0xec, 0xff, 0x7f) && at(0xec, 0xff, 0xff) && at(0xff, 0xfe, 0x7f) && at(0xff, 0xff, 0x7e));
    assert!(!at(0xed, 0xff, 0x7f) && !at(0xed, 0xff, 0xff) && !at(0xff, 0xff, 0x7f) && !at(0xff, 0xff, 0xff));
}

#[test]
fn does_not_print_its_seed() {
    assert_eq!(std::format!("{:?}", Identity::from_seed(&[0x41; 32])), "Identity(..)");
}
