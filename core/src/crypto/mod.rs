//! Cryptographic primitives as thin, typed wrappers, independent of packets, peers and time.
//!
//! * [`aead`]: ChaCha20-Poly1305 and the [`Aead`] trait.
//! * `kdf`: SHA-256 transcripts, HKDF, HMAC.
//! * `exchange`: X25519 with one-use secrets.
//! * [`identity`]: Ed25519 signatures, which identify members.
//! * [`rsa`]: RSA of fixed size: KEM, OAEP, PSS, key generation (feature `std`).
//!
//! A host may supply a faster AEAD and CRC as a [`Provider`]; [`Portable`] is the one of this
//! crate.

pub mod aead;
pub(crate) mod exchange;
pub mod identity;
pub(crate) mod kdf;
pub mod rsa;

#[cfg(test)]
pub(crate) mod testing;

pub use aead::{Aead, ChaCha20Poly1305, NotAuthentic, Portable, Provider};
pub use kdf::{ct_eq, sha256};
