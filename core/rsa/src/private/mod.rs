//! Private keys and the private operation: by the Chinese remainder theorem, blinded, checked,
//! constant time.

use core::fmt;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{CtEq, CtLt, Limb, NonZero, Odd, Uint};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::public::{below, draw, in_range, limbs, raise};
use super::{InvalidCiphertext, InvalidKey, KeySize, PUBLIC_EXPONENT, PrivateKey, RawError, RawPrivate};

/// A private key of 2048 bits.
pub type Rsa2048PrivateKey = RsaPrivateKey<{ limbs(2048) }, { limbs(1024) }, 256>;
/// A private key of 3072 bits.
pub type Rsa3072PrivateKey = RsaPrivateKey<{ limbs(3072) }, { limbs(1536) }, 384>;
/// A private key of 4096 bits.
pub type Rsa4096PrivateKey = RsaPrivateKey<{ limbs(4096) }, { limbs(2048) }, 512>;

/// FIPS 186-5, A.1.3: the primes must differ within their first 100 bits, otherwise Fermat's method
/// finds them.
const MAX_EQUAL_BITS: u32 = 100;

/// A private key whose modulus has exactly `LEN` bytes in `LIMBS` limbs, each prime half of that
/// (`HALF`).
///
/// Wiped on drop, never printed.
pub struct RsaPrivateKey<const LIMBS: usize, const HALF: usize, const LEN: usize> {
    modulus: [u8; LEN],
    n: FixedMontyParams<LIMBS>,
    p: FixedMontyParams<HALF>,
    q: FixedMontyParams<HALF>,
    /// e^-1 modulo p-1 and modulo q-1.
    dp: Uint<HALF>,
    dq: Uint<HALF>,
    /// q^-1 modulo p, in Montgomery form.
    q_inverse: Uint<HALF>,
}

impl<const LIMBS: usize, const HALF: usize, const LEN: usize> fmt::Debug for RsaPrivateKey<LIMBS, HALF, LEN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPrivateKey({} bits)", LEN * 8)
    }
}

impl<const LIMBS: usize, const HALF: usize, const LEN: usize> Drop for RsaPrivateKey<LIMBS, HALF, LEN> {
    fn drop(&mut self) {
        self.p.zeroize();
        self.q.zeroize();
        self.dp.zeroize();
        self.dq.zeroize();
        self.q_inverse.zeroize();
    }
}

impl<const LIMBS: usize, const HALF: usize, const LEN: usize> RsaPrivateKey<LIMBS, HALF, LEN> {
    /// The key whose modulus is the product of two primes (big-endian, each exactly half as long as
    /// the modulus). Does one private operation, which detects damaged numbers but does not prove
    /// primality.
    ///
    /// # Errors
    /// [`InvalidKey`] if a length is wrong, the product has not exactly the stated number of bits,
    /// a number is even, p-1 or q-1 is a multiple of the public exponent, both have the same first
    /// 100 bits, or the key does not decrypt what it encrypted.
    pub fn from_primes(p: &[u8], q: &[u8]) -> Result<Self, InvalidKey> {
        const { assert!(LIMBS * Limb::BYTES == LEN && HALF * 2 == LIMBS) };
        if p.len() != LEN / 2 || q.len() != LEN / 2 {
            return Err(InvalidKey);
        }
        let p = Zeroizing::new(odd(p)?);
        let q = Zeroizing::new(odd(q)?);

        let (lo, hi) = p.widening_mul(q.as_ref());
        let n: Uint<LIMBS> = lo.concat_resize(&hi);
        if n.leading_zeros_vartime() != 0 || !far_apart(&p, &q) {
            return Err(InvalidKey);
        }
        let n = Odd::new(n).into_option().ok_or(InvalidKey)?;
        let mut modulus = [0; LEN];
        modulus.copy_from_slice(n.to_be_bytes().as_slice());

        let dp = Zeroizing::new(crt_exponent(&p)?);
        let dq = Zeroizing::new(crt_exponent(&q)?);
        let p = Zeroizing::new(FixedMontyParams::new(*p));
        let inverse = FixedMontyForm::new(&q.rem(p.modulus().as_nz_ref()), &p).invert();
        let inverse = Zeroizing::new(inverse.into_option().ok_or(InvalidKey)?);

        let key = Self {
            modulus,
            n: FixedMontyParams::new_vartime(n),
            p: *p,
            q: FixedMontyParams::new(*q),
            dp: *dp,
            dq: *dq,
            q_inverse: *inverse.as_montgomery(),
        };
        let two = Uint::<LIMBS>::from_u8(2);
        let ciphertext = raise(&FixedMontyForm::new(&two, &key.n)).retrieve();
        if key.power(&ciphertext).ct_eq(&two).into() { Ok(key) } else { Err(InvalidKey) }
    }

    /// Writes the two primes, big-endian, for [`RsaPrivateKey::from_primes`] to read again. The
    /// caller wipes them.
    ///
    /// # Errors
    /// [`RawError::WrongLength`] if `p` or `q` is not exactly half as long as the modulus.
    pub fn primes(&self, p: &mut [u8], q: &mut [u8]) -> Result<(), RawError> {
        if p.len() != LEN / 2 || q.len() != LEN / 2 {
            return Err(RawError::WrongLength);
        }
        p.copy_from_slice(Zeroizing::new(self.p.modulus().to_be_bytes()).as_slice());
        q.copy_from_slice(Zeroizing::new(self.q.modulus().to_be_bytes()).as_slice());
        Ok(())
    }

    /// The private operation on `number` < n.
    ///
    /// Blinded with a fresh r each time: number r^e is raised instead, and the result is divided by
    /// r. That costs a constant-time inversion (an eighth of the operation); keeping a pair (r^e,
    /// 1/r) and squaring it would cost a hundredth, but would make the key mutable, so that threads
    /// could not share it and the same seed would no longer give the same run.
    fn operate(&self, rng: &mut impl CryptoRng, number: &Uint<LIMBS>) -> Result<Zeroizing<Uint<LIMBS>>, RawError> {
        let mut bytes = Zeroizing::new([0; LEN]);
        let r = Zeroizing::new(draw(rng, self.n.modulus().as_ref(), bytes.as_mut_slice()));
        let r = Zeroizing::new(FixedMontyForm::new(&r, &self.n));
        // A number without an inverse would factor n; the probability is negligible.
        let unblind = Zeroizing::new(r.invert().into_option().ok_or(RawError::Fault)?);

        let number = FixedMontyForm::new(number, &self.n);
        let blinded = Zeroizing::new((number * raise(&r)).retrieve());
        let power = self.power(&blinded);
        let result = Zeroizing::new(FixedMontyForm::new(&power, &self.n) * *unblind);

        // A single wrong bit in one half would reveal the primes (Boneh, DeMillo, Lipton).
        if raise(&result).as_montgomery().ct_ne(number.as_montgomery()).into() {
            return Err(RawError::Fault);
        }
        Ok(Zeroizing::new(result.retrieve()))
    }

    /// c^d mod n: a power modulo each prime, combined by the CRT (RFC 8017, 5.1.2, 2.b).
    fn power(&self, c: &Uint<LIMBS>) -> Zeroizing<Uint<LIMBS>> {
        let (p, q) = (self.p.modulus().as_nz_ref(), self.q.modulus().as_nz_ref());
        let of_p = Zeroizing::new(FixedMontyForm::new(&Zeroizing::new(c.rem(p)), &self.p).pow(&self.dp));
        let of_q = Zeroizing::new(FixedMontyForm::new(&Zeroizing::new(c.rem(q)), &self.q).pow(&self.dq));
        let of_q = Zeroizing::new(of_q.retrieve());

        let of_q_in_p = Zeroizing::new(FixedMontyForm::new(&Zeroizing::new(of_q.rem(p)), &self.p));
        let q_inverse = Zeroizing::new(FixedMontyForm::from_montgomery(self.q_inverse, &self.p));
        let h = Zeroizing::new((*of_p - *of_q_in_p) * *q_inverse);
        let h = Zeroizing::new(h.retrieve());
        let (lo, hi) = h.widening_mul(q.as_ref());
        let (lo, hi) = (Zeroizing::new(lo), Zeroizing::new(hi));
        Zeroizing::new(lo.concat_resize::<HALF, LIMBS>(&hi).wrapping_add(&of_q.resize()))
    }
}

impl<const LIMBS: usize, const HALF: usize, const LEN: usize> PrivateKey for RsaPrivateKey<LIMBS, HALF, LEN> {
    fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    fn decapsulate(&self, rng: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext> {
        if z.len() != LEN {
            return Err(InvalidCiphertext);
        }
        let n = self.n.modulus().as_ref();
        let ciphertext = below(ciphertext, n).map_err(|_| InvalidCiphertext)?;
        if !bool::from(in_range(&ciphertext, n)) {
            return Err(InvalidCiphertext);
        }
        let result = self.operate(rng, &ciphertext).map_err(|_| InvalidCiphertext)?;
        z.copy_from_slice(Zeroizing::new(result.to_be_bytes()).as_slice());
        Ok(())
    }
}

impl<const LIMBS: usize, const HALF: usize, const LEN: usize> RawPrivate for RsaPrivateKey<LIMBS, HALF, LEN> {
    fn modulus_len(&self) -> usize {
        LEN
    }

    fn raw_private(&self, rng: &mut impl CryptoRng, number: &mut [u8]) -> Result<(), RawError> {
        let operand = Zeroizing::new(below(number, self.n.modulus().as_ref())?);
        let result = self.operate(rng, &operand)?;
        number.copy_from_slice(Zeroizing::new(result.to_be_bytes()).as_slice());
        Ok(())
    }
}

/// A private key of any supported size.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "no allocator; a process holds one")]
pub enum AnyRsaPrivateKey {
    /// 2048 bits.
    Bits2048(Rsa2048PrivateKey),
    /// 3072 bits.
    Bits3072(Rsa3072PrivateKey),
    /// 4096 bits.
    Bits4096(Rsa4096PrivateKey),
}

/// Calls the same method on the key of any size.
macro_rules! each {
    ($any:expr, $key:ident => $result:expr) => {
        match $any {
            AnyRsaPrivateKey::Bits2048($key) => $result,
            AnyRsaPrivateKey::Bits3072($key) => $result,
            AnyRsaPrivateKey::Bits4096($key) => $result,
        }
    };
}

impl AnyRsaPrivateKey {
    /// [`RsaPrivateKey::from_primes`] of the size that `p` is half of.
    ///
    /// # Errors
    /// [`InvalidKey`] as there, or if no size has primes of that length.
    #[inline]
    pub fn from_primes(p: &[u8], q: &[u8]) -> Result<Self, InvalidKey> {
        match KeySize::from_modulus_len(p.len().saturating_mul(2)).ok_or(InvalidKey)? {
            KeySize::Bits2048 => RsaPrivateKey::from_primes(p, q).map(Self::Bits2048),
            KeySize::Bits3072 => RsaPrivateKey::from_primes(p, q).map(Self::Bits3072),
            KeySize::Bits4096 => RsaPrivateKey::from_primes(p, q).map(Self::Bits4096),
        }
    }

    /// Size of the modulus.
    #[must_use]
    pub const fn size(&self) -> KeySize {
        match self {
            Self::Bits2048(_) => KeySize::Bits2048,
            Self::Bits3072(_) => KeySize::Bits3072,
            Self::Bits4096(_) => KeySize::Bits4096,
        }
    }

    /// [`RsaPrivateKey::primes`].
    ///
    /// # Errors
    /// As there; the length is [`KeySize::prime_len`].
    #[inline]
    pub fn primes(&self, p: &mut [u8], q: &mut [u8]) -> Result<(), RawError> {
        each!(self, key => key.primes(p, q))
    }
}

impl PrivateKey for AnyRsaPrivateKey {
    #[inline]
    fn modulus(&self) -> &[u8] {
        each!(self, key => key.modulus())
    }

    fn decapsulate(&self, rng: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext> {
        each!(self, key => key.decapsulate(rng, ciphertext, z))
    }
}

impl RawPrivate for AnyRsaPrivateKey {
    fn modulus_len(&self) -> usize {
        self.size().modulus_len()
    }

    fn raw_private(&self, rng: &mut impl CryptoRng, number: &mut [u8]) -> Result<(), RawError> {
        each!(self, key => key.raw_private(rng, number))
    }
}

/// Reads a prime whose length the caller checked.
fn odd<const HALF: usize>(prime: &[u8]) -> Result<Odd<Uint<HALF>>, InvalidKey> {
    Odd::new(Uint::from_be_slice(prime)).into_option().ok_or(InvalidKey)
}

fn far_apart<const HALF: usize>(p: &Uint<HALF>, q: &Uint<HALF>) -> bool {
    let (less, more) = if p.ct_lt(q).into() { (p, q) } else { (q, p) };
    Zeroizing::new(more.wrapping_sub(less)).bits() > Uint::<HALF>::BITS - MAX_EQUAL_BITS
}

/// e^-1 modulo p-1, in constant time: with p-1 = e s + r and k = -1/r modulo e, it is (k (p-1) + 1)
/// / e = k s + (k r + 1) / e, and because e is a prime 1/r is r^(e-2).
fn crt_exponent<const HALF: usize>(p: &Odd<Uint<HALF>>) -> Result<Uint<HALF>, InvalidKey> {
    const E: u64 = PUBLIC_EXPONENT as u64;
    const DIVISOR: NonZero<Limb> = NonZero::<Limb>::new_unwrap(Limb::from_u32(PUBLIC_EXPONENT));

    let (s, r) = p.wrapping_sub(&Uint::ONE).div_rem_limb(DIVISOR);
    #[allow(clippy::unnecessary_cast, reason = "a word has 32 bits elsewhere")]
    let r = r.0 as u64;
    if r == 0 {
        return Err(InvalidKey);
    }
    // e - 2 = 2^16 - 1.
    let inverse = (0..16).fold(1, |power, _| power * power % E * r % E);
    let k = E - inverse;
    let s = Zeroizing::new(s);
    Ok(s.wrapping_mul(&Uint::<HALF>::from_u64(k)).wrapping_add(&Uint::from_u64((k * r + 1) / E)))
}

#[cfg(test)]
mod tests;
