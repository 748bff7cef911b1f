//! Public keys and the public operation x^65537 mod n.

use core::fmt;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Choice, CtGt, CtLt, Limb, Odd, Uint};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::{Encapsulated, InvalidKey, MAX_MODULUS_LEN, PUBLIC_EXPONENT, PublicKey, RawError, RawPublic};

/// A public key of 2048 bits.
pub type Rsa2048 = RsaPublicKey<{ limbs(2048) }, 256>;
/// A public key of 3072 bits.
pub type Rsa3072 = RsaPublicKey<{ limbs(3072) }, 384>;
/// A public key of 4096 bits.
pub type Rsa4096 = RsaPublicKey<{ limbs(4096) }, 512>;

/// Limbs of this machine (32 or 64 bits each) that hold `bits`.
pub(super) const fn limbs(bits: u32) -> usize {
    (bits / Limb::BITS) as usize
}

/// A public key whose modulus has exactly `LEN` bytes in `LIMBS` limbs.
///
/// It holds the modulus only. Parameters of modular arithmetic are computed for each operation (a
/// fifth of its cost), because a client uses a key once and a device has no memory to keep them.
#[derive(Clone, PartialEq, Eq)]
pub struct RsaPublicKey<const LIMBS: usize, const LEN: usize> {
    modulus: Odd<Uint<LIMBS>>,
}

impl<const LIMBS: usize, const LEN: usize> fmt::Debug for RsaPublicKey<LIMBS, LEN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublicKey({:x})", self.modulus.as_ref())
    }
}

impl<const LIMBS: usize, const LEN: usize> RsaPublicKey<LIMBS, LEN> {
    /// Length of the modulus in bytes.
    #[must_use]
    pub const fn modulus_len(&self) -> usize {
        LEN
    }

    fn params(&self) -> FixedMontyParams<LIMBS> {
        FixedMontyParams::new_vartime(self.modulus)
    }
}

impl<const LIMBS: usize, const LEN: usize> PublicKey for RsaPublicKey<LIMBS, LEN> {
    type Bytes = [u8; LEN];

    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey> {
        const { assert!(LIMBS * Limb::BYTES == LEN) };
        if modulus.len() != LEN || modulus.first().is_none_or(|first| first & 0x80 == 0) {
            return Err(InvalidKey);
        }
        let modulus = Odd::new(Uint::from_be_slice(modulus)).into_option().ok_or(InvalidKey)?;
        Ok(Self { modulus })
    }

    fn modulus_len(&self) -> usize {
        LEN
    }

    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<[u8; LEN]> {
        let mut encapsulated = Encapsulated { z: [0; LEN], ciphertext: [0; LEN] };
        let z = Zeroizing::new(draw(rng, self.modulus.as_ref(), &mut encapsulated.z));
        let z = Zeroizing::new(FixedMontyForm::new(&z, &self.params()));
        encapsulated.ciphertext.copy_from_slice(raise(&z).retrieve().to_be_bytes().as_slice());
        encapsulated
    }
}

impl<const LIMBS: usize, const LEN: usize> RawPublic for RsaPublicKey<LIMBS, LEN> {
    fn modulus_len(&self) -> usize {
        LEN
    }

    fn raw_public(&self, number: &mut [u8]) -> Result<(), RawError> {
        let base = Zeroizing::new(below(number, self.modulus.as_ref())?);
        let base = Zeroizing::new(FixedMontyForm::new(&base, &self.params()));
        number.copy_from_slice(raise(&base).retrieve().to_be_bytes().as_slice());
        Ok(())
    }
}

/// A public key of any supported size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnyRsa {
    /// 2048 bits.
    Bits2048(Rsa2048),
    /// 3072 bits.
    Bits3072(Rsa3072),
    /// 4096 bits.
    Bits4096(Rsa4096),
}

/// Calls the same method on the key of any size.
macro_rules! each {
    ($any:expr, $key:ident => $result:expr) => {
        match $any {
            AnyRsa::Bits2048($key) => $result,
            AnyRsa::Bits3072($key) => $result,
            AnyRsa::Bits4096($key) => $result,
        }
    };
}

impl AnyRsa {
    /// Length of the modulus in bytes.
    #[must_use]
    pub const fn modulus_len(&self) -> usize {
        each!(self, key => key.modulus_len())
    }
}

impl PublicKey for AnyRsa {
    type Bytes = [u8; MAX_MODULUS_LEN];

    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey> {
        match modulus.len() {
            256 => Rsa2048::from_modulus(modulus).map(Self::Bits2048),
            384 => Rsa3072::from_modulus(modulus).map(Self::Bits3072),
            512 => Rsa4096::from_modulus(modulus).map(Self::Bits4096),
            _ => Err(InvalidKey),
        }
    }

    fn modulus_len(&self) -> usize {
        self.modulus_len()
    }

    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<Self::Bytes> {
        each!(self, key => widen(key.encapsulate(rng)))
    }
}

impl RawPublic for AnyRsa {
    fn modulus_len(&self) -> usize {
        self.modulus_len()
    }

    fn raw_public(&self, number: &mut [u8]) -> Result<(), RawError> {
        each!(self, key => key.raw_public(number))
    }
}

/// Copies the result of a smaller key into arrays of the largest size.
fn widen<const LEN: usize>(mut from: Encapsulated<[u8; LEN]>) -> Encapsulated<[u8; MAX_MODULUS_LEN]> {
    let mut wide = Encapsulated { z: [0; MAX_MODULUS_LEN], ciphertext: [0; MAX_MODULUS_LEN] };
    for (to, from) in [(&mut wide.z, &from.z), (&mut wide.ciphertext, &from.ciphertext)] {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    from.z.zeroize();
    wide
}

/// x^65537. Sixteen squarings and a multiplication are half the work of a general exponentiation
/// and need no table on the stack.
pub(super) fn raise<const LIMBS: usize>(x: &FixedMontyForm<LIMBS>) -> FixedMontyForm<LIMBS> {
    const { assert!(PUBLIC_EXPONENT == (1 << 16) + 1) };
    x.square_repeat_vartime(16) * x
}

/// Draws uniformly from [2, n-2] by rejection (at least every second candidate fits). `bytes` holds
/// the number, too. The result is the same on every machine.
pub(super) fn draw<const LIMBS: usize>(rng: &mut impl CryptoRng, n: &Uint<LIMBS>, bytes: &mut [u8]) -> Uint<LIMBS> {
    loop {
        rng.fill_bytes(bytes);
        let candidate = Uint::from_be_slice(bytes);
        if in_range(&candidate, n).into() {
            return candidate;
        }
    }
}

/// Whether `x` is in [2, n-2] (SP 800-56B, 7.1: encryption does not change 0, 1 and n-1).
pub(super) fn in_range<const LIMBS: usize>(x: &Uint<LIMBS>, n: &Uint<LIMBS>) -> Choice {
    x.ct_gt(&Uint::ONE) & x.ct_lt(&n.wrapping_sub(&Uint::ONE))
}

/// Reads a number that has the length of the modulus and is below it.
pub(super) fn below<const LIMBS: usize>(number: &[u8], n: &Uint<LIMBS>) -> Result<Uint<LIMBS>, RawError> {
    if number.len() != LIMBS * Limb::BYTES {
        return Err(RawError::WrongLength);
    }
    let number = Uint::from_be_slice(number);
    if number.ct_lt(n).into() { Ok(number) } else { Err(RawError::OutOfRange) }
}
