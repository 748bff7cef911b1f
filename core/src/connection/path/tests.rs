use std::vec::Vec;

use super::*;

const OLD: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 1);
const NEW: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 2);
const OTHER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 3)), 3);
const PTO: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Instant {
    Instant::from_micros(millis * 1_000)
}

fn server() -> Path {
    Path::new(OLD, true, &Secret::new([9; 32]))
}

fn challenge(path: &mut Path, now: Instant) -> Option<(SocketAddr, [u8; DATA_LEN])> {
    match path.poll(now, PTO)? {
        (to, Frame::PathChallenge(data)) => Some((to, data)),
        _ => None,
    }
}

#[test]
fn moves_only_when_the_new_address_answers_its_challenge() {
    let mut path = server();
    path.on_newest(at(0), NEW, 100);
    let (to, data) = challenge(&mut path, at(0)).unwrap();
    assert_eq!((to, path.remote()), (NEW, OLD));
    assert_eq!(path.on_response(OTHER, data), None);
    assert_eq!(path.on_response(OLD, data), None);
    assert_eq!(path.on_response(NEW, [0; 8]), None);
    assert_eq!((path.remote(), path.take_moved()), (OLD, None));
    assert_eq!(path.on_response(NEW, data), Some(true));
    assert_eq!((path.remote(), path.take_moved(), path.take_moved()), (NEW, Some(NEW), None));
    assert_eq!(path.on_response(NEW, data), None);
}

#[test]
fn sends_one_challenge_per_probe_time_out_and_three_at_most() {
    let mut path = server();
    path.on_newest(at(0), NEW, 100);
    for start in [0, 100, 200] {
        assert!(challenge(&mut path, at(start)).is_some());
        path.on_newest(at(start + 50), NEW, 100);
        path.handle_timeout(at(start + 99));
        assert_eq!(challenge(&mut path, at(start + 99)), None);
        assert_eq!(path.deadline(), Some(at(start + 100)));
        path.handle_timeout(at(start + 100));
    }
    assert_eq!((challenge(&mut path, at(300)), path.deadline()), (None, None));
    // The next packet from there starts a new validation.
    path.on_newest(at(301), NEW, 100);
    assert!(challenge(&mut path, at(301)).is_some());
}

#[test]
fn accepts_a_response_after_the_last_challenge_expired() {
    // The estimate of the round trip is that of the old path; on the new one it takes 450 ms.
    let mut path = server();
    path.on_newest(at(0), NEW, 100);
    let asked: Vec<_> = (0..3)
        .map(|nth| {
            path.handle_timeout(at(nth * 100));
            challenge(&mut path, at(nth * 100)).unwrap().1
        })
        .collect();
    path.handle_timeout(at(300));
    assert_eq!(challenge(&mut path, at(300)), None);
    // The answer itself is the newest packet.
    path.on_newest(at(450), NEW, 100);
    assert_eq!(path.on_response(NEW, asked[0]), Some(true));
    assert_eq!(path.remote(), NEW);
}

#[test]
fn changing_addresses_do_not_increase_the_challenge_rate() {
    let mut path = server();
    path.on_newest(at(0), NEW, 100);
    let (_, first) = challenge(&mut path, at(0)).unwrap();
    path.on_newest(at(1), OTHER, 100);
    assert_eq!(challenge(&mut path, at(1)), None);
    assert_eq!(path.on_response(OTHER, first), None);
    path.handle_timeout(at(100));
    let (to, second) = challenge(&mut path, at(100)).unwrap();
    assert_eq!(to, OTHER);
    assert_ne!(first, second);
}

#[test]
fn no_challenge_is_larger_than_the_packet_received() {
    let mut path = server();
    path.on_newest(at(0), NEW, CHALLENGE_LEN - 1);
    assert_eq!(challenge(&mut path, at(0)), None);
    path.on_newest(at(0), NEW, CHALLENGE_LEN);
    assert!(challenge(&mut path, at(0)).is_some());
}

#[test]
fn client_never_moves_its_server() {
    let mut path = Path::new(OLD, false, &Secret::new([9; 32]));
    path.on_newest(at(0), NEW, 1200);
    assert!(path.poll(at(0), PTO).is_none());
}

#[test]
fn responds_to_the_source_of_a_challenge() {
    let mut path = Path::new(OLD, false, &Secret::new([9; 32]));
    path.on_challenge(NEW, *b"12345678");
    assert_eq!(path.poll(at(0), PTO), Some((NEW, Frame::PathResponse(*b"12345678"))));
    assert_eq!(path.poll(at(0), PTO), None);
}

#[test]
fn challenges_depend_on_the_key() {
    let data = |key: Option<[u8; 32]>| {
        let mut path = server();
        key.into_iter().for_each(|key| path.set_key(key));
        path.on_newest(at(0), NEW, 100);
        challenge(&mut path, at(0)).unwrap().1
    };
    assert_eq!(data(None), data(None));
    assert_ne!(data(None), data(Some([7; 32])));
}
