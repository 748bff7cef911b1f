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

/// The expected values come from a short program in another language, written from the
/// specification.
#[test]
fn matches_an_independent_implementation() {
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
fn keys_of_different_lengths_have_different_hashes() {
    assert_ne!(key_hash(&[0x81; 256]), key_hash(&[0x81; 384]));
}
