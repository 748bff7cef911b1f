//! The fingerprint of a server's key, and its text: 32 characters of base32 (RFC 4648, without
//! padding).

use core::fmt::{self, Write as _};
use core::str::FromStr;

use super::schedule;
use crate::crypto::kdf::HASH_LEN;

/// Bytes of a [`Fingerprint`].
pub const FINGERPRINT_LEN: usize = 20;

/// Characters of a fingerprint as text: 160 bits, five in each.
const TEXT_LEN: usize = FINGERPRINT_LEN / 5 * 8;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The first 160 bits of the hash of a server's key (SPEC 3.3).
///
/// Its text is what people compare: 32 characters of base32 in upper case. Lower case is parsed
/// too, because people retype it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fingerprint(pub [u8; FINGERPRINT_LEN]);

impl Fingerprint {
    /// The fingerprint of the key with this modulus, big-endian.
    #[must_use]
    pub fn of_modulus(modulus: &[u8]) -> Self {
        Self::of_key_hash(&schedule::key_hash(modulus))
    }

    pub(super) fn of_key_hash(key_hash: &[u8; HASH_LEN]) -> Self {
        Self(core::array::from_fn(|at| key_hash[at]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for block in self.0.chunks_exact(5) {
            let bits = block.iter().fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
            for shift in (0..8).rev().map(|place| place * 5) {
                let digit = ALPHABET.get((bits >> shift & 31) as usize).copied().unwrap_or_default();
                f.write_char(char::from(digit))?;
            }
        }
        Ok(())
    }
}

/// A text is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseFingerprintError;

impl fmt::Display for ParseFingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint is 32 letters and digits")
    }
}

impl core::error::Error for ParseFingerprintError {}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, ParseFingerprintError> {
        let mut bytes = [0; FINGERPRINT_LEN];
        if text.len() != TEXT_LEN {
            return Err(ParseFingerprintError);
        }
        for (block, digits) in bytes.chunks_exact_mut(5).zip(text.as_bytes().chunks_exact(8)) {
            let mut bits = 0_u64;
            for digit in digits {
                let place = ALPHABET.iter().position(|known| known.eq_ignore_ascii_case(digit));
                bits = bits << 5 | place.ok_or(ParseFingerprintError)? as u64;
            }
            let [_, _, _, decoded @ ..] = bits.to_be_bytes();
            block.copy_from_slice(&decoded);
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;

    #[test]
    fn text_is_base32_as_in_rfc_4648() {
        let mut bytes = [0; FINGERPRINT_LEN];
        bytes[..5].copy_from_slice(b"fooba");
        bytes[15..].copy_from_slice(&[0xff; 5]);
        let text = "MZXW6YTBAAAAAAAAAAAAAAAA77777777";
        assert_eq!(Fingerprint(bytes).to_string(), text);
        assert_eq!(text.parse(), Ok(Fingerprint(bytes)));
        assert_eq!(text.to_lowercase().parse(), Ok(Fingerprint(bytes)));
    }

    #[test]
    fn every_byte_round_trips() {
        for start in 0..=u8::MAX {
            let fingerprint = Fingerprint(core::array::from_fn(|at| start.wrapping_add(at as u8 * 13)));
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
    }

    #[test]
    fn rejects_another_length_or_alphabet() {
        let text = Fingerprint([7; FINGERPRINT_LEN]).to_string();
        let long = std::format!("{text}A");
        for wrong in ["", &text[1..], &long, &text.replacen('A', "1", 1), &text.replacen('A', "=", 1)] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(ParseFingerprintError), "{wrong}");
        }
        assert_eq!("ä".repeat(16).parse::<Fingerprint>(), Err(ParseFingerprintError));
    }
}
