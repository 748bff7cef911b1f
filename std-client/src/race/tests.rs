//! Who gets the Hello when, and whose Challenge counts.

use kabar_core::wire::packet::{Challenge, Hello};

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
    race.say_hello(&hello(1), START);
    race
}

fn started(race: &Race) -> Vec<u16> {
    race.started().map(|address| address.port()).collect()
}

#[test]
fn asks_the_next_address_250_ms_after_the_last() {
    let mut race = begun(3, None);
    assert_eq!(started(&race), [1]);
    assert_eq!(race.deadline(), Some(after(250)));
    assert_eq!(race.start_next(after(249)), None);
    assert_eq!(race.start_next(after(250)), Some(address(2)));
    assert_eq!(race.start_next(after(250)), None);
    // The client repeats its Hello meanwhile, to those whose turn has come.
    race.say_hello(&hello(1), after(300));
    assert_eq!(started(&race), [1, 2]);
    assert_eq!(race.start_next(after(500)), Some(address(3)));
    assert_eq!((race.deadline(), race.start_next(after(1_000))), (None, None));
    assert_eq!(started(&race), [1, 2, 3]);
}

#[test]
fn ends_when_the_client_says_no_more_hellos() {
    let mut race = begun(3, None);
    // A connection that had only been silent spoke again.
    assert_eq!(race.start_next(after(6_000)), None);
    assert_eq!(started(&race), [] as [u16; 0]);
    race.say_hello(&hello(2), after(60_000));
    assert_eq!(started(&race), [1], "the next attempt begins from the front");
    assert_eq!(race.start_next(after(60_250)), Some(address(2)));
}

#[test]
fn asks_the_next_address_at_once_when_the_last_is_dead() {
    let mut race = begun(4, None);
    race.refused(address(1));
    assert_eq!(race.start_next(START), Some(address(2)));
    assert_eq!(race.start_next(START), None, "that one may be slow");
    race.set_error(address(2), Some(io::ErrorKind::NetworkUnreachable.into()));
    assert_eq!(race.start_next(START), Some(address(3)));
    assert!(race.error(address(2)).is_some() && race.error(address(1)).is_none());
}

#[test]
fn takes_at_most_eight_addresses_and_each_once() {
    let race = Race::new((1..30).chain(1..30).map(|number| address(1 + number / 2)), None);
    assert_eq!(race.addresses().count(), MAX_CANDIDATES);
    assert_eq!(Race::default().start_next(START), None);
}

#[test]
fn takes_the_first_answer_to_its_hello() {
    let mut race = begun(3, None);
    race.start_next(after(250));
    let modulus = [0x80; 256];
    assert_eq!(race.answered(address(2), &challenge(2, &modulus)), Answer::Unknown, "to another Hello");
    assert_eq!(race.answered(address(3), &challenge(1, &modulus)), Answer::Unknown, "nobody asked it");
    assert_eq!(race.answered(address(2), &[0x12; 300]), Answer::Unknown, "damaged");
    assert_eq!(race.answered(address(2), &challenge(1, &modulus)), Answer::Take);
    assert_eq!(race.start_next(after(5_000)), None, "nobody else is asked");
    race.decided(address(2));
    assert_eq!(started(&race), [] as [u16; 0]);
}

#[test]
fn passes_over_another_key_as_long_as_another_address_may_have_the_right_one() {
    let (right, wrong) = ([0x80; 256], [0x81; 256]);
    let mut race = begun(2, Some(Fingerprint::of_modulus(&right)));
    race.start_next(after(250));
    assert_eq!(race.answered(address(1), &challenge(1, &wrong)), Answer::PassOver);
    assert!(race.has_foreign());
    assert_eq!(race.answered(address(2), &challenge(1, &right)), Answer::Take);
    // One address alone: the client says that its key is not the right one.
    let mut alone = begun(1, Some(Fingerprint::of_modulus(&right)));
    assert_eq!(alone.answered(address(1), &challenge(1, &wrong)), Answer::Unknown);
}

#[test]
fn an_address_that_led_no_further_comes_last_the_next_time() {
    let mut race = begun(3, None);
    race.decided(address(1));
    race.say_hello(&hello(2), after(1_000));
    assert_eq!(started(&race), [2]);
    assert_eq!(race.addresses().map(|address| address.port()).collect::<Vec<_>>(), [2, 3, 1]);
    // One that opened a connection is the first to look at when that is lost.
    let mut race = begun(3, None);
    race.decided(address(1));
    race.opened(address(1));
    race.say_hello(&hello(2), after(1_000));
    assert_eq!(started(&race), [1]);
}

#[test]
fn goes_on_when_more_addresses_become_known() {
    let mut race = begun(1, None);
    race.set_addresses([3, 1, 2].map(address));
    assert_eq!(started(&race), [1]);
    assert_eq!(race.start_next(after(250)), Some(address(3)));
    race.set_addresses([4, 5].map(address));
    assert_eq!(started(&race), [4], "with somebody");
    assert_eq!(race.start_next(after(500)), Some(address(5)));
}
