//! Keys: two primes of up to five digits, and `E,N` as text.

use core::fmt;

use rand_core::CryptoRng;

use super::text::TextBuffer;
use crate::wire::io::BufferFull;

/// The dialect's primes are at least this.
pub const MIN_PRIME: u32 = 1000;
/// The dialect's primes are at most this.
pub const MAX_PRIME: u32 = 50_000;
/// The smallest N: the product of the two smallest primes.
pub const MIN_MODULUS: u32 = 1009 * 1013;
/// The largest N: the product of the two largest primes.
pub const MAX_MODULUS: u32 = 49_999 * 49_993;
/// Longest `E,N` in bytes.
pub const MAX_KEY_LEN: usize = 2 * MAX_DIGITS + 1;

/// Digits of the largest number.
const MAX_DIGITS: usize = 10;
/// The smallest E.
const MIN_EXPONENT: u64 = 3;

/// The primes of generated keys have four digits and E has at most five, so that `E,N` is not
/// longer than [`KEY_REQUEST`](super::KEY_REQUEST), which it answers. N is above every code point.
const GENERATED_PRIMES: core::ops::RangeInclusive<u64> = FIRST_PRIME..=LAST_PRIME;
const FIRST_PRIME: u64 = 5003;
const LAST_PRIME: u64 = 9973;
/// Above the largest E of generated keys.
const GENERATED_EXPONENTS: u64 = 100_000;

// With the comma, at most 14 bytes.
const _: () = assert!(LAST_PRIME * LAST_PRIME < 100_000_000 && super::KEY_REQUEST.len() == 8 + 1 + 5);
// Every code point is below N.
const _: () = assert!(FIRST_PRIME * FIRST_PRIME > 0x0010_ffff);

/// Numbers that are not a key of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key of the classic dialect")
    }
}

impl core::error::Error for InvalidKey {}

/// E and N, with which anyone encrypts, and decrypts within milliseconds.
///
/// E is at least 3 and below N; N is between [`MIN_MODULUS`] and [`MAX_MODULUS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey {
    exponent: u64,
    modulus: u64,
}

impl PublicKey {
    /// Checks the ranges of E and N, not that N is the product of two primes.
    ///
    /// # Errors
    /// [`InvalidKey`]
    pub fn new(exponent: u32, modulus: u32) -> Result<Self, InvalidKey> {
        let (exponent, modulus) = (u64::from(exponent), u64::from(modulus));
        let is_modulus = (u64::from(MIN_MODULUS)..=u64::from(MAX_MODULUS)).contains(&modulus);
        let is_exponent = (MIN_EXPONENT..modulus).contains(&exponent);
        (is_modulus && is_exponent).then_some(Self { exponent, modulus }).ok_or(InvalidKey)
    }

    /// Parses `E,N`: decimal numbers without leading zeros.
    ///
    /// # Errors
    /// [`InvalidKey`]
    pub fn parse(text: &[u8]) -> Result<Self, InvalidKey> {
        let mut numbers = text.splitn(2, |byte| *byte == b',').map(parse_number);
        let mut next = || numbers.next().flatten().and_then(|number| u32::try_from(number).ok()).ok_or(InvalidKey);
        Self::new(next()?, next()?)
    }

    /// Writes `E,N` and returns its length, at most [`MAX_KEY_LEN`].
    ///
    /// # Errors
    /// [`BufferFull`] if `out` is too small.
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, BufferFull> {
        let mut buffer = TextBuffer::new(out);
        push_number(&mut buffer, self.exponent)?;
        buffer.push(',')?;
        push_number(&mut buffer, self.modulus)?;
        Ok(buffer.len())
    }

    /// E.
    #[must_use]
    pub const fn exponent(&self) -> u64 {
        self.exponent
    }

    /// N. Only code points below it can be encrypted.
    #[must_use]
    pub const fn modulus(&self) -> u64 {
        self.modulus
    }

    /// `number` to the power of E, modulo N.
    pub(super) fn apply(&self, number: u64) -> u64 {
        power(number, self.exponent, self.modulus)
    }
}

/// A private key. Whoever has the public one computes it from that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PrivateKey {
    public: PublicKey,
    exponent: u64,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// The key of two different primes between [`MIN_PRIME`] and [`MAX_PRIME`] and an E of at least
    /// 3, below phi(N) and coprime to it.
    ///
    /// # Errors
    /// [`InvalidKey`] if the numbers are not these.
    pub fn from_primes(p: u32, q: u32, exponent: u32) -> Result<Self, InvalidKey> {
        let range = MIN_PRIME..=MAX_PRIME;
        let are_primes = [p, q].iter().all(|prime| range.contains(prime) && is_prime(u64::from(*prime)));
        if !are_primes || p == q {
            return Err(InvalidKey);
        }
        Self::compute(u64::from(p), u64::from(q), u64::from(exponent)).ok_or(InvalidKey)
    }

    /// Generates a key whose `E,N` has at most 14 bytes, and whose N is above every code point.
    ///
    /// It ends after a bounded number of steps, whatever the generator returns.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut start = || FIRST_PRIME.saturating_add(remainder(rng.next_u64(), LAST_PRIME - FIRST_PRIME + 1));
        let (p, from) = (prime_from(start()), start());
        let mut q = prime_from(from);
        if p == q {
            q = prime_from(q.saturating_add(1));
        }
        let start = remainder(rng.next_u64(), GENERATED_EXPONENTS);
        // Of any hundred numbers in sequence, more than one is coprime to phi(N).
        (start.max(MIN_EXPONENT)..GENERATED_EXPONENTS)
            .chain(MIN_EXPONENT..GENERATED_EXPONENTS)
            .find_map(|exponent| Self::compute(p, q, exponent))
            .unwrap_or(FALLBACK)
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    fn compute(p: u64, q: u64, exponent: u64) -> Option<Self> {
        let modulus = p.checked_mul(q)?;
        let phi = p.checked_sub(1)?.checked_mul(q.checked_sub(1)?)?;
        if !(MIN_EXPONENT..phi).contains(&exponent) {
            return None;
        }
        let inverse = inverse(exponent, phi)?;
        Some(Self { public: PublicKey { exponent, modulus }, exponent: inverse })
    }

    /// `number` to the power of the private exponent, modulo N.
    pub(super) fn apply(&self, number: u64) -> u64 {
        power(number, self.exponent, self.public.modulus)
    }
}

/// 5003 * 5009. The search above always finds an exponent; this is not worth a panic.
const FALLBACK: PrivateKey =
    PrivateKey { public: PublicKey { exponent: 5, modulus: 25_060_027 }, exponent: 20_040_013 };

/// A decimal number of up to ten digits without leading zeros.
pub(super) fn parse_number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > MAX_DIGITS || (digits.len() > 1 && digits.first() == Some(&b'0')) {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

pub(super) fn push_number(out: &mut TextBuffer<'_>, number: u64) -> Result<(), BufferFull> {
    use fmt::Write;
    write!(out, "{number}").map_err(|_| BufferFull)
}

/// `base` to the power of `exponent`, modulo `modulus`, which is below 2^32.
fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
    // Anyone can encrypt these two without the key.
    if base < 2 {
        return base;
    }
    let mut square = remainder(base, modulus);
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = remainder(square.wrapping_mul(result), modulus);
        }
        square = remainder(square.wrapping_mul(square), modulus);
        exponent >>= 1;
    }
    result
}

/// The inverse of `number` modulo `modulus`, by the extended Euclidean algorithm.
fn inverse(number: u64, modulus: u64) -> Option<u64> {
    let modulus = i64::try_from(modulus).ok()?;
    let (mut remainder, mut next_remainder) = (modulus, i64::try_from(number).ok()?);
    let (mut factor, mut next_factor) = (0_i64, 1_i64);
    while next_remainder != 0 {
        let quotient = remainder.checked_div(next_remainder)?;
        let step = |value: i64, next: i64| value.checked_sub(quotient.checked_mul(next)?);
        (remainder, next_remainder) = (next_remainder, step(remainder, next_remainder)?);
        (factor, next_factor) = (next_factor, step(factor, next_factor)?);
    }
    if remainder != 1 {
        return None;
    }
    u64::try_from(factor.checked_rem_euclid(modulus)?).ok()
}

/// The first prime of generated keys from `start` on, or the first of all.
fn prime_from(start: u64) -> u64 {
    let fits = |candidate: &u64| GENERATED_PRIMES.contains(candidate) && is_prime(*candidate);
    (start..=LAST_PRIME).find(fits).unwrap_or(FIRST_PRIME)
}

fn is_prime(number: u64) -> bool {
    number >= 2
        && (2..=number)
            .take_while(|divisor| divisor.saturating_mul(*divisor) <= number)
            .all(|divisor| remainder(number, divisor) != 0)
}

fn remainder(number: u64, divisor: u64) -> u64 {
    number.checked_rem(divisor).unwrap_or(0)
}

#[cfg(test)]
mod tests;
