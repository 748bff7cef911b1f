//! Keys by address, for a server that keeps nothing of an address that has only asked.

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;

use super::key::PrivateKey;
use crate::crypto::kdf::Secret;
use crate::time::{Duration, Instant};

/// Length of the secret of a [`KeyIssuer`] in bytes.
pub const SECRET_LEN: usize = 32;
/// Length of an address in bytes: IPv6, or IPv4 mapped into it, and the port.
pub const ADDRESS_LEN: usize = 18;
/// How long an address gets the same key. The key remains valid for the same time after that.
pub const KEY_PERIOD: Duration = Duration::from_secs(24 * 60 * 60);

/// Derives the key of each address from a secret and the time, so that a text that decrypts comes
/// from somebody who has received what was sent to that address.
///
/// A period is long, because a client asks once and uses its key for as long as it runs.
pub struct KeyIssuer(Secret);

impl core::fmt::Debug for KeyIssuer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("KeyIssuer(..)")
    }
}

impl KeyIssuer {
    /// Derives keys from `secret`.
    #[must_use]
    pub const fn new(secret: [u8; SECRET_LEN]) -> Self {
        Self(Secret::new(secret))
    }

    /// The key that `address` gets at `time`: the time of day, if the secret outlasts the clock of
    /// this run.
    #[must_use]
    pub fn issue(&self, time: Instant, address: &[u8; ADDRESS_LEN]) -> PrivateKey {
        self.derive(period(time), address)
    }

    /// The keys that `address` may have at `time`: that of this period, and that of the one before.
    pub fn valid(&self, time: Instant, address: &[u8; ADDRESS_LEN]) -> impl Iterator<Item = PrivateKey> {
        let period = period(time);
        [Some(period), period.checked_sub(1)].into_iter().flatten().map(|period| self.derive(period, address))
    }

    fn derive(&self, period: u64, address: &[u8; ADDRESS_LEN]) -> PrivateKey {
        let (period, mut seed) = (period.to_be_bytes(), [0; 32]);
        let label = b"kabar classic key";
        self.0.derive(label, address).expand(label, &period, &mut seed);
        PrivateKey::generate(&mut ChaCha20Rng::from_seed(seed))
    }
}

fn period(time: Instant) -> u64 {
    time.as_micros().checked_div(KEY_PERIOD.as_micros()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_an_address_and_two_periods() {
        let issuer = KeyIssuer::new([7; SECRET_LEN]);
        let at = |periods: u64| Instant::from_micros(periods * KEY_PERIOD.as_micros() + 5);
        let key = issuer.issue(at(3), &[1; ADDRESS_LEN]);
        assert_eq!(key, issuer.issue(at(3) + Duration::from_secs(3600), &[1; ADDRESS_LEN]));
        assert_ne!(key, issuer.issue(at(3), &[2; ADDRESS_LEN]));
        assert_ne!(key, KeyIssuer::new([8; SECRET_LEN]).issue(at(3), &[1; ADDRESS_LEN]));
        let is_valid = |periods: u64| issuer.valid(at(periods), &[1; ADDRESS_LEN]).any(|valid| valid == key);
        assert_eq!([2, 3, 4, 5].map(is_valid), [false, true, true, false]);
        assert_eq!(issuer.valid(at(0), &[1; ADDRESS_LEN]).count(), 1);
    }
}
