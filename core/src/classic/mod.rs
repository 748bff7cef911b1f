#![doc = include_str!("README.md")]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod cipher;
mod issuer;
mod key;
mod message;
mod text;

#[cfg(test)]
mod tests;

pub use cipher::{DecryptError, EncryptError};
pub use issuer::{ADDRESS_LEN, KEY_PERIOD, KeyIssuer, SECRET_LEN};
pub use key::{InvalidKey, MAX_KEY_LEN, MAX_MODULUS, MAX_PRIME, MIN_MODULUS, MIN_PRIME, PrivateKey, PublicKey};
pub use message::{
    Answer, DateTime, Line, LineBody, Login, MAX_CRC_LEN, Post, PostError, Request, encode_line, is_first_byte,
};
pub use text::CUT_MARK;

/// Longest datagram in bytes that the original reads; it loses what is longer.
pub const MAX_DATAGRAM: usize = 1024;
/// Longest text in bytes of UTF-8 that a datagram of [`MAX_DATAGRAM`] decrypts to: a code point
/// takes at least two bytes of the datagram, except for the last, and becomes at most four.
pub const MAX_TEXT_LEN: usize = 2 * MAX_DATAGRAM + 2;
/// The text that asks for a public key: a whole datagram.
pub const KEY_REQUEST: &str = "GET_PUBLIC_KEY";
