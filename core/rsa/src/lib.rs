#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs, missing_debug_implementations, unreachable_pub)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// One implementation serves all sizes: a size is the number of limbs of a `crypto_bigint::Uint`.
//
// * `public`, `private`: keys and the raw operations; the KEM uses them directly.
// * `oaep`, `pss`: paddings over `RawPublic` and `RawPrivate`; they share `mgf1` and `hash`.
// * `generate`: key generation.
//
// Functions on secrets that are not generic are `#[inline]`: with opt-level "s" or "z" the compiler
// shares generic functions that a crate has compiled already, and those of `zeroize` would then be
// called word by word, without inlining, in the cipher of a firmware that uses both (6 % of a
// packet).

#[cfg(any(feature = "std", test))]
extern crate std;

#[cfg(feature = "std")]
mod generate;
mod hash;
mod mgf1;
pub mod oaep;
mod private;
pub mod pss;
mod public;

#[cfg(any(test, feature = "test-keys"))]
pub mod test_keys;
#[cfg(test)]
mod tests;

use core::fmt;

use rand_core::CryptoRng;

pub use private::{AnyRsaPrivateKey, Rsa2048PrivateKey, Rsa3072PrivateKey, Rsa4096PrivateKey, RsaPrivateKey};
pub use public::{AnyRsa, Rsa2048, Rsa3072, Rsa4096, RsaPublicKey};

/// The only public exponent that is supported.
pub const PUBLIC_EXPONENT: u32 = 65_537;
/// The longest modulus in bytes (4096 bits).
pub const MAX_MODULUS_LEN: usize = 512;

/// A modulus or a pair of primes that is not acceptable.
///
/// For a modulus: wrong length, not exactly the stated number of bits, or even. For primes: see
/// [`RsaPrivateKey::from_primes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an acceptable rsa key")
    }
}

impl core::error::Error for InvalidKey {}

/// A ciphertext outside [2, n-2] or of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCiphertext;

impl fmt::Display for InvalidCiphertext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ciphertext of wrong length or out of range")
    }
}

impl core::error::Error for InvalidCiphertext {}

/// Size of a modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeySize {
    /// 2048 bits: the default, and the size for devices.
    Bits2048,
    /// 3072 bits.
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

impl KeySize {
    /// Every size, shortest first.
    pub const ALL: [Self; 3] = [Self::Bits2048, Self::Bits3072, Self::Bits4096];

    /// Length of a modulus, a ciphertext and a signature in bytes.
    #[must_use]
    pub const fn modulus_len(self) -> usize {
        match self {
            Self::Bits2048 => 256,
            Self::Bits3072 => 384,
            Self::Bits4096 => 512,
        }
    }

    /// Length of each of the two primes in bytes.
    #[must_use]
    pub const fn prime_len(self) -> usize {
        self.modulus_len() / 2
    }

    /// The size whose modulus is `len` bytes long.
    #[must_use]
    pub fn from_modulus_len(len: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.modulus_len() == len)
    }
}

const _: () = assert!(KeySize::Bits4096.modulus_len() == MAX_MODULUS_LEN);

/// A fixed-size byte array for a number of the length of a modulus.
pub trait ModulusBytes: AsRef<[u8]> + AsMut<[u8]> + Clone + fmt::Debug {
    /// All zero.
    const ZERO: Self;
}

impl<const LEN: usize> ModulusBytes for [u8; LEN] {
    const ZERO: Self = [0; LEN];
}

/// The public side of the KEM: one fixed size on a device ([`Rsa2048`]), any size on a host
/// ([`AnyRsa`]).
pub trait PublicKey: Sized + fmt::Debug {
    /// Array for a modulus or a ciphertext of the largest supported size.
    type Bytes: ModulusBytes;

    /// Creates a key from a modulus, big-endian, without leading zeros.
    ///
    /// # Errors
    /// [`InvalidKey`] if the size is not supported, the top bit is not set, or the modulus is even.
    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey>;

    /// Length of the modulus in bytes: 256, 384 or 512.
    fn modulus_len(&self) -> usize;

    /// Draws z uniformly from [2, n-2] by rejection and encrypts it; z is secret. One public
    /// operation.
    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<Self::Bytes>;
}

/// The result of an encapsulation. The first `modulus_len` bytes of each array are used.
pub struct Encapsulated<B> {
    /// The secret, with leading zeros. The caller wipes it.
    pub z: B,
    /// For the owner of the private key.
    pub ciphertext: B,
}

impl<B: fmt::Debug> fmt::Debug for Encapsulated<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encapsulated").field("ciphertext", &self.ciphertext).finish_non_exhaustive()
    }
}

/// The private side of the KEM, implemented by [`RsaPrivateKey`] or an accelerated implementation.
pub trait PrivateKey {
    /// The modulus, big-endian, 256, 384 or 512 bytes.
    fn modulus(&self) -> &[u8];

    /// Recovers z (`z.len()` = modulus length, leading zeros kept). Constant time in the key and
    /// the ciphertext; base blinding from `rng`; the result is checked with a public operation
    /// before it is returned.
    ///
    /// # Errors
    /// [`InvalidCiphertext`] if `ciphertext` is not in [2, n-2] or not as long as the modulus, or
    /// `z` is not. A fault of the machine, which no ciphertext can cause, returns the same error.
    /// `z` is then unchanged.
    fn decapsulate(&self, rng: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext>;
}

/// Why a raw operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RawError {
    /// The length of the number is not that of the modulus.
    WrongLength,
    /// The number is not below the modulus.
    OutOfRange,
    /// The result failed its check, because of a fault of the machine. It was not returned.
    Fault,
}

impl fmt::Display for RawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongLength => "number is not as long as the modulus",
            Self::OutOfRange => "number is not below the modulus",
            Self::Fault => "result did not pass its check",
        })
    }
}

impl core::error::Error for RawError {}

/// RSAEP and RSAVP1 (RFC 8017, 5.1.1 and 5.2.2), for padding schemes. Unpadded RSA is not
/// encryption.
pub trait RawPublic {
    /// Length of the modulus in bytes.
    fn modulus_len(&self) -> usize;

    /// Raises `number` (big-endian, as long as the modulus) to the public exponent in place.
    /// Constant time in `number`.
    ///
    /// # Errors
    /// [`RawError::WrongLength`] or [`RawError::OutOfRange`]; `number` is then unchanged.
    fn raw_public(&self, number: &mut [u8]) -> Result<(), RawError>;
}

/// RSADP and RSASP1 (RFC 8017, 5.1.2 and 5.2.1), for padding schemes. Unpadded RSA is no signature.
pub trait RawPrivate {
    /// Length of the modulus in bytes.
    fn modulus_len(&self) -> usize;

    /// Raises `number` (big-endian, as long as the modulus) to the private exponent in place.
    /// Blinded with `rng`, checked, constant time in the key and in the result.
    ///
    /// # Errors
    /// A [`RawError`]; `number` is then unchanged.
    fn raw_private(&self, rng: &mut impl CryptoRng, number: &mut [u8]) -> Result<(), RawError>;
}
