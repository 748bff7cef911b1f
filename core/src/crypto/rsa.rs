//! RSA of fixed size (RFC 8017) without an allocator: KEM (RFC 9690, the KEM proper: RSASVE of SP 800-56B), OAEP, PSS.
//!
//! The handshake uses the KEM only: there is no padding, so there is no padding oracle. OAEP and PSS are here for people
//! who need RSA without an allocator, on keys of their own.

use rand_core::CryptoRng;

/// The only public exponent that exists here.
pub const PUBLIC_EXPONENT: u32 = 65_537;
/// The longest modulus in bytes (4096 bits).
pub const MAX_MODULUS_LEN: usize = 512;

/// A modulus that is not acceptable: wrong length, not exactly the stated number of bits, or even.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

/// A ciphertext outside [2, n-2] or of the wrong length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCiphertext;

/// A fixed-size byte array that holds a number as long as a modulus.
pub trait ModulusBytes: AsRef<[u8]> + AsMut<[u8]> + Clone + core::fmt::Debug {
    /// All zero. For the largest size when the length varies.
    const ZERO: Self;
}

/// What a client may accept as a server's key: one fixed size on a device, any size on a laptop.
pub trait ServerKey: Sized + core::fmt::Debug {
    /// Room for a modulus or a ciphertext of the largest size taken.
    type Bytes: ModulusBytes;

    /// Checks and takes a modulus, big-endian, without leading zeros.
    ///
    /// # Errors
    /// [`InvalidKey`] if the size is not one that is taken, the top bit is not set, or the modulus is even.
    fn from_modulus(modulus: &[u8]) -> Result<Self, InvalidKey>;

    /// Length of the modulus in bytes: 256, 384 or 512.
    fn modulus_len(&self) -> usize;

    /// Draws z uniformly from [2, n-2] by rejection and encrypts it; z is secret. One public operation.
    fn encapsulate(&self, rng: &mut impl CryptoRng) -> Encapsulated<Self::Bytes>;
}

/// What the KEM gives to the side that knows the public key. The first `modulus_len` bytes of each array count.
#[derive(Debug)]
pub struct Encapsulated<B> {
    /// The secret, leading zeros kept. Wiped by whoever holds it.
    pub z: B,
    /// What travels.
    pub ciphertext: B,
}

/// The server's side of the KEM; an accelerated implementation may stand in.
pub trait PrivateKey {
    /// The modulus, big-endian, 256, 384 or 512 bytes.
    fn modulus(&self) -> &[u8];

    /// Recovers z (`z.len()` = modulus length, leading zeros kept). Constant time in the key and the ciphertext;
    /// base blinding from `rng`; the result is checked with a public operation before it is given out.
    ///
    /// # Errors
    /// [`InvalidCiphertext`] if `ciphertext` is not in [2, n-2] or not as long as the modulus.
    fn decapsulate(&self, rng: &mut impl CryptoRng, ciphertext: &[u8], z: &mut [u8]) -> Result<(), InvalidCiphertext>;
}
