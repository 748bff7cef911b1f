//! Hexadecimal test vectors.

use std::vec::Vec;

/// The bytes that `text` spells in hexadecimal.
pub(crate) fn hex_vec(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a hexadecimal digit") as u8;
    assert!(text.len().is_multiple_of(2));
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// [`hex_vec`] as an array.
pub(crate) fn hex<const LEN: usize>(text: &str) -> [u8; LEN] {
    hex_vec(text).try_into().expect("the stated length")
}
