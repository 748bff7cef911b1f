//! Schedule of the Hello, and the choice among Challenges.

use kabar_core::crypto::Provider;
use kabar_core::internals::packet::{Challenge, Hello, Packet};

use super::*;

const START: Instant = Instant::from_micros(1_000_000);

fn address(number: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], number))
}

fn after(millis: u64) -> Instant {
    START + Duration::from_millis(millis)
}

fn hello(random: u8) -> Vec<u8> {
    let mut out = vec![0; 1200];
    let hello = Hello { client_random: [random; 32], key_hint: [0; 8], datagram_len: 1200 };
    let len = Packet::Hello(hello).encode(&mut out, Accelerated::crc32).unwrap();
    out.truncate(len);
    out
}

fn challenge(random: u8, modulus: &[u8; 256]) -> Vec<u8> {
    let mut out = vec![0; 1200];
    let challenge = Challenge { client_random: [random; 32], cookie: [1; 32], modulus };
    let len = Packet::Challenge(challenge).encode(&mut out, Accelerated::crc32).unwrap();
    out.truncate(len);
    out
}

/// A race among this many addresses that has begun.
fn begun(count: u16, expected: Option<Fingerprint>) -> Race {
    let mut race = Race::new((1..=count).map(address), expected);
    race.set_hello(&hello(1), START);
    race
}

fn started(race: &Race) -> Vec<u16> {
    race.started().map(|address| address.port()).collect()
}

#[test]
fn starts_the_next_address_after_250_ms() {
    let mut race = begun(3, None);
    assert_eq!(started(&race), [1]);
    assert_eq!(race.deadline(), Some(after(250)));
    assert_eq!(race.start_next(after(249)), None);
    assert_eq!(race.start_next(after(250)), Some(address(2)));
    assert_eq!(race.start_next(after(250)), None);
    // The client repeats its Hello, to the addresses that were started.
    race.set_hello(&hello(1), after(300));
    assert_eq!(started(&race), [1, 2]);
    assert_eq!(race.start_next(after(500)), Some(address(3)));
    assert_eq!((race.deadline(), race.start_next(after(1_000))), (None, None));
    assert_eq!(started(&race), [1, 2, 3]);
}

#[test]
fn ends_when_the_client_stops_sending_hellos() {
    let mut race = begun(3, None);
    // A connection that was silent became active again.
    assert_eq!(race.start_next(after(6_000)), None);
    assert_eq!(started(&race), [] as [u16; 0]);
    race.set_hello(&hello(2), after(60_000));
    assert_eq!(started(&race), [1], "the next attempt begins from the front");
    assert_eq!(race.start_next(after(60_250)), Some(address(2)));
}

#[test]
fn starts_the_next_address_at_once_when_the_last_is_unreachable() {
    let mut race = begun(4, None);
    race.on_refused(address(1));
    assert_eq!(race.start_next(START), Some(address(2)));
    assert_eq!(race.start_next(START), None, "that one may be slow");
    race.set_error(address(2), Some(io::ErrorKind::NetworkUnreachable.into()));
    assert_eq!(race.start_next(START), Some(address(3)));
    assert!(race.error(address(2)).is_some() && race.error(address(1)).is_none());
}

#[test]
fn bounds_addresses_and_drops_duplicates() {
    let race = Race::new((1..30).chain(1..30).map(|number| address(1 + number / 2)), None);
    assert_eq!(race.addresses().count(), MAX_CANDIDATES);
    assert_eq!(Race::default().start_next(START), None);
}

#[test]
fn takes_the_first_answer_to_its_hello() {
    let mut race = begun(3, None);
    race.start_next(after(250));
    let modulus = [0x80; 256];
    assert_eq!(race.on_challenge(address(2), &challenge(2, &modulus)), Answer::Other, "to another Hello");
    assert_eq!(race.on_challenge(address(3), &challenge(1, &modulus)), Answer::Other, "not started");
    assert_eq!(race.on_challenge(address(2), &[0x12; 300]), Answer::Other, "damaged");
    assert_eq!(race.on_challenge(address(2), &challenge(1, &modulus)), Answer::Use);
    assert_eq!(race.start_next(after(5_000)), None, "no other address is started");
    race.on_initiate(address(2));
    assert_eq!(started(&race), [] as [u16; 0]);
}

#[test]
fn ignores_another_key_while_another_address_may_have_the_right_one() {
    let (right, wrong) = ([0x80; 256], [0x81; 256]);
    let mut race = begun(2, Some(Fingerprint::of_modulus(&right)));
    race.start_next(after(250));
    assert_eq!(race.on_challenge(address(1), &challenge(1, &wrong)), Answer::Ignore);
    assert!(race.has_other_key());
    assert_eq!(race.on_challenge(address(2), &challenge(1, &right)), Answer::Use);
    // With one address, the client reports the other key itself.
    let mut alone = begun(1, Some(Fingerprint::of_modulus(&right)));
    assert_eq!(alone.on_challenge(address(1), &challenge(1, &wrong)), Answer::Other);
}

#[test]
fn address_without_a_connection_comes_last_in_the_next_race() {
    let mut race = begun(3, None);
    race.on_initiate(address(1));
    race.set_hello(&hello(2), after(1_000));
    assert_eq!(started(&race), [2]);
    assert_eq!(race.addresses().map(|address| address.port()).collect::<Vec<_>>(), [2, 3, 1]);
    // An address that opened a connection stays first.
    let mut race = begun(3, None);
    race.on_initiate(address(1));
    race.on_connected(address(1));
    race.set_hello(&hello(2), after(1_000));
    assert_eq!(started(&race), [1]);
}

#[test]
fn continues_with_new_addresses() {
    let mut race = begun(1, None);
    race.set_addresses([3, 1, 2].map(address));
    assert_eq!(started(&race), [1]);
    assert_eq!(race.start_next(after(250)), Some(address(3)));
    race.set_addresses([4, 5].map(address));
    assert_eq!(started(&race), [4], "one is started");
    assert_eq!(race.start_next(after(500)), Some(address(5)));
}
