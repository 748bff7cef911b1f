//! Cookies (SPEC 3.2): state of the server that the client stores.

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::crypto::kdf::{HASH_LEN, Secret, ct_eq, hmac};
use crate::time::{Duration, Instant};
use crate::wire::packet::{Hello, SUITE};

/// How long a key issues cookies; they remain valid for the same time after that.
const PERIOD: Duration = Duration::from_secs(60);

/// The current and the previous cookie key.
pub(super) struct CookieKeys {
    present: Secret,
    previous: Secret,
    /// Period of `present`, counted from the origin of the clock.
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

    /// Whether `candidate` was issued for this Hello to this address with either key.
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

    /// Draws new keys when they are due. That depends on the time only, not on traffic; a clock
    /// that stops or goes back rotates nothing.
    fn rotate(&mut self, now: Instant) {
        let period = now.as_micros() / PERIOD.as_micros();
        if period > self.period {
            let next = draw(&mut self.rng);
            let last = core::mem::replace(&mut self.present, next);
            // If more than one period passed, the current key is too old to become the previous
            // one.
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

/// `HMAC-SHA256(key_t, address 16 | port u16 | suite | client random | key hint | hello length
/// u16)`
fn cookie(key: &Secret, address: &[u8; 18], hello: &Hello) -> [u8; HASH_LEN] {
    let len = hello.datagram_len.to_be_bytes();
    hmac(key.expose(), &[address, &[SUITE], &hello.client_random, &hello.key_hint, &len])
}

#[cfg(test)]
mod tests;
