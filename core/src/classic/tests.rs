//! What the dialect gives away (README.md), shown with nothing but what passes over the network.

use super::*;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

/// A conversation as a network records it: the server's `E,N`, and what the client sent.
struct Recording {
    key: &'static [u8],
    datagrams: [&'static [u8]; 2],
}

/// Recorded from the Python implementation of `tests/tests/classic`, for primes that it has drawn.
const RECORDING: Recording = Recording {
    key: b"1000003,1498700513",
    datagrams: [
        b"167654787,1285009947,1185361902,1152952284,755419713,397029905,748911406,385352333,7\
           48911406,669984634,1152952284,748911406,164665585,669984634,1274066942,608022770,748\
           911406,1287722774,1152952284",
        b"167654787,1285009947,1185361902,1152952284,755419713,608022770,1077059717,1185361902\
           ,1274066942,164665585,210183438,1152952284,788500281,1225659459,1285009947,788500281\
           ,967650339,748911406,164665585,765360979,151382230,1457919127,1457919127,755419713,7\
           70674229,151382230,599044671,599044671,151382230,416864933,1193855716,31360041,15138\
           2230,1193855716",
    ],
};

/// What was said in it.
const TEXTS: [&str; 2] = ["budi:rahasia sekali", "budi:kode pintunya 4711:2799708578"];

/// The private key of a public one, by trial division.
fn recover(public: &PublicKey) -> PrivateKey {
    let modulus = public.modulus() as u32;
    let p = (MIN_PRIME..=MAX_PRIME).find(|divisor| modulus.is_multiple_of(*divisor)).expect("a prime factor");
    PrivateKey::from_primes(p, modulus / p, public.exponent() as u32).expect("the key of the server")
}

fn read(key: &PrivateKey, datagram: &[u8]) -> String {
    key.decrypt(datagram, &mut [0; MAX_TEXT_LEN]).expect("a text").to_string()
}

fn encrypt(key: &PublicKey, text: &str) -> Vec<u8> {
    let mut out = [0; MAX_DATAGRAM];
    let len = key.encrypt(text, &mut out).expect("it fits");
    out[..len].to_vec()
}

#[test]
fn anyone_reads_a_recorded_conversation() {
    let public = PublicKey::parse(RECORDING.key).unwrap();
    let key = recover(&public);
    assert_eq!(RECORDING.datagrams.map(|datagram| read(&key, datagram)), TEXTS);
}

#[test]
fn the_largest_key_is_recovered_by_49_000_divisions() {
    // The smaller of the largest two primes is found last by trial division from below.
    let key = PrivateKey::from_primes(49_999, 49_993, 65_537).unwrap();
    assert_eq!(recover(key.public()), key);
}

#[test]
fn a_table_of_the_alphabet_reads_it_as_well() {
    let public = PublicKey::parse(RECORDING.key).unwrap();
    let table: BTreeMap<Vec<u8>, char> =
        (' '..='~').map(|character| (encrypt(&public, &character.to_string()), character)).collect();
    let read = RECORDING
        .datagrams
        .map(|datagram| datagram.split(|byte| *byte == b',').map(|number| table[number]).collect::<String>());
    assert_eq!(read, TEXTS);
}

#[test]
fn anyone_changes_a_message_and_its_crc() {
    let public = PublicKey::parse(RECORDING.key).unwrap();
    let post = |message| {
        let mut out = [0; 100];
        let len = Post { name: "budi", message }.encode(&mut out).expect("it fits");
        str::from_utf8(&out[..len]).expect("text").to_string()
    };
    let key = recover(&public);
    assert_eq!(post("kode pintunya 4711"), TEXTS[1]);
    let changed = read(&key, &encrypt(&public, &post("kode pintunya 1234")));
    assert_eq!(Post::parse(&changed), Ok(Post { name: "budi", message: "kode pintunya 1234" }));
}

#[test]
fn anyone_writes_in_the_name_of_another() {
    // The key that the server has sent in clear is all that it takes.
    let public = PublicKey::parse(RECORDING.key).unwrap();
    let forged = encrypt(&public, "budi:saya bukan budi:328797848");
    let text = read(&recover(&public), &forged);
    assert_eq!(Post::parse(&text), Ok(Post { name: "budi", message: "saya bukan budi" }));
}
