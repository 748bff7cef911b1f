//! Cookies (SPEC 3.2): the server's memory, kept by the client.

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::crypto::kdf::{HASH_LEN, Secret, ct_eq, hmac};
use crate::time::{Duration, Instant};
use crate::wire::packet::{Hello, SUITE};

/// How long a key issues cookies; they are valid for as long again.
const PERIOD: Duration = Duration::from_secs(60);

/// The present and the previous cookie key.
pub(super) struct CookieKeys {
    present: Secret,
    previous: Secret,
    /// Which period `present` belongs to, counted from the clock's origin.
    period: u64,
    rng: ChaCha20Rng,
}

impl CookieKeys {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let mut rng = ChaCha20Rng::from_seed(seed);
        let (previous, present) = (draw(&mut rng), draw(&mut rng));
        Self { present, previous, period: 0, rng }
    }

    /// The cookie for this Hello from this address.
    pub(super) fn issue(&mut self, now: Instant, address: &[u8; 18], hello: &Hello) -> [u8; HASH_LEN] {
        self.rotate(now);
        cookie(&self.present, address, hello)
    }

    /// Whether `candidate` was issued for this Hello to this address under one of both keys.
    pub(super) fn verify(
        &mut self,
        now: Instant,
        address: &[u8; 18],
        hello: &Hello,
        candidate: &[u8; HASH_LEN],
    ) -> bool {
        self.rotate(now);
        ct_eq(&cookie(&self.present, address, hello), candidate)
            || ct_eq(&cookie(&self.previous, address, hello), candidate)
    }

    /// Redraws what is due. When depends on the time only, not on what arrives; a clock that stands still or goes back rotates
    /// nothing.
    fn rotate(&mut self, now: Instant) {
        let period = now.as_micros() / PERIOD.as_micros();
        if period > self.period {
            let next = draw(&mut self.rng);
            let last = core::mem::replace(&mut self.present, next);
            // Unused for a whole period: the last key is as old as the one before it.
            self.previous = if period - self.period == 1 { last } else { draw(&mut self.rng) };
            self.period = period;
        }
    }
}

fn draw(rng: &mut ChaCha20Rng) -> Secret {
    let mut key = [0; HASH_LEN];
    rng.fill_bytes(&mut key);
    Secret::new(key)
}

/// `HMAC-SHA256(key_t, address 16 | port u16 | suite | client random | key hint | hello length u16)`
fn cookie(key: &Secret, address: &[u8; 18], hello: &Hello) -> [u8; HASH_LEN] {
    let len = hello.datagram_len.to_be_bytes();
    hmac(key.expose(), &[address, &[SUITE], &hello.client_random, &hello.key_hint, &len])
}

#[cfg(test)]
mod tests {
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
    fn ends_after_a_long_silence_too() {
        for silence in [120, 180, 86_400] {
            let mut keys = CookieKeys::new([9; 32]);
            let cookie = keys.issue(at(30), &ADDRESS, &HELLO);
            assert!(!keys.verify(at(30 + silence), &ADDRESS, &HELLO, &cookie));
        }
    }

    #[test]
    fn rotates_with_the_time_and_not_with_what_arrives() {
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
    fn is_bound_to_everything_the_server_saw() {
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
    fn is_the_hmac_that_is_specified() {
        let mut keys = CookieKeys::new([9; 32]);
        let parts: [&[u8]; 6] = [&[3; 16], &[3; 2], &[1], &[1; 32], &[2; 8], &[0x04, 0xb0]];
        let expected = hmac(keys.present.expose(), &[&parts.concat()]);
        assert_eq!(keys.issue(at(0), &ADDRESS, &HELLO), expected);
    }
}
