//! The fingerprint of a key, and its text: 32 characters of base32 (RFC 4648, without
//! padding).

use core::fmt;
use core::str::FromStr;

use super::schedule;
use crate::base32;
use crate::crypto::identity::PublicIdentity;
use crate::crypto::kdf::HASH_LEN;
use crate::crypto::sha256;

/// Bytes of a [`Fingerprint`].
pub const FINGERPRINT_LEN: usize = 20;

/// The first 160 bits of the hash of a server's key (SPEC 3.3), or of a public key (SPEC 6.7).
///
/// People compare its text: 32 characters of base32 in upper case. Lower case is parsed too,
/// because people retype it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fingerprint(pub [u8; FINGERPRINT_LEN]);

impl Fingerprint {
    /// The fingerprint of the key with this modulus, big-endian.
    #[must_use]
    pub fn of_modulus(modulus: &[u8]) -> Self {
        Self::of_key_hash(&schedule::key_hash(modulus))
    }

    /// The fingerprint of a member's identity.
    #[must_use]
    pub fn of_identity(identity: &PublicIdentity) -> Self {
        Self::of_key_hash(&sha256(&[&identity.0]))
    }

    pub(super) fn of_key_hash(key_hash: &[u8; HASH_LEN]) -> Self {
        Self(core::array::from_fn(|at| key_hash[at]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(base32::encode(&self.0, &mut [0; base32::MAX_TEXT_LEN]))
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
        base32::decode(text).map(Self).ok_or(ParseFingerprintError)
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
