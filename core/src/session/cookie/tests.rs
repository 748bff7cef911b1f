use super::*;

const HELLO: Hello = Hello { client_random: [1; 32], key_hint: [2; 8], datagram_len: 1200 };
const ADDRESS: [u8; 18] = [3; 18];

fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

#[test]
fn is_valid_for_60_to_120_seconds() {
    for (issued, last) in [(0, 119), (59, 119), (60, 179), (1234, 1319)] {
        let mut keys = CookieKeys::new([9; 32]);
        let cookie = keys.issue(at(issued), &ADDRESS, &HELLO);
        assert!(keys.verify(at(issued), &ADDRESS, &HELLO, &cookie));
        assert!(keys.verify(at(last), &ADDRESS, &HELLO, &cookie));
        assert!(!keys.verify(at(last + 1), &ADDRESS, &HELLO, &cookie));
    }
}

#[test]
fn expires_after_a_long_silence() {
    for silence in [120, 180, 86_400] {
        let mut keys = CookieKeys::new([9; 32]);
        let cookie = keys.issue(at(30), &ADDRESS, &HELLO);
        assert!(!keys.verify(at(30 + silence), &ADDRESS, &HELLO, &cookie));
    }
}

#[test]
fn rotates_with_time_and_not_with_traffic() {
    let mut busy = CookieKeys::new([9; 32]);
    for secs in 0..119 {
        busy.issue(at(secs), &ADDRESS, &HELLO);
    }
    let mut idle = CookieKeys::new([9; 32]);
    idle.issue(at(60), &ADDRESS, &HELLO);
    assert_eq!(busy.issue(at(119), &ADDRESS, &HELLO), idle.issue(at(119), &ADDRESS, &HELLO));
    let before = busy.issue(at(119), &ADDRESS, &HELLO);
    assert_eq!(busy.issue(at(0), &ADDRESS, &HELLO), before, "a clock that goes back");
}

#[test]
fn is_bound_to_address_and_hello() {
    let mut keys = CookieKeys::new([9; 32]);
    let cookie = keys.issue(at(0), &ADDRESS, &HELLO);
    for byte in 0..18 {
        let mut other = ADDRESS;
        other[byte] ^= 1;
        assert!(!keys.verify(at(0), &other, &HELLO, &cookie));
    }
    for other in [
        Hello { client_random: [7; 32], ..HELLO },
        Hello { key_hint: [7; 8], ..HELLO },
        Hello { datagram_len: 640, ..HELLO },
    ] {
        assert!(!keys.verify(at(0), &ADDRESS, &other, &cookie));
    }
    for bit in 0..256 {
        let mut other = cookie;
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!keys.verify(at(0), &ADDRESS, &HELLO, &other));
    }
    assert!(!CookieKeys::new([8; 32]).verify(at(0), &ADDRESS, &HELLO, &cookie));
}

#[test]
fn is_the_specified_hmac() {
    let mut keys = CookieKeys::new([9; 32]);
    let parts: [&[u8]; 6] = [&[3; 16], &[3; 2], &[1], &[1; 32], &[2; 8], &[0x04, 0xb0]];
    let expected = hmac(keys.present.expose(), &[&parts.concat()]);
    assert_eq!(keys.issue(at(0), &ADDRESS, &HELLO), expected);
}
