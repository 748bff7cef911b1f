//! Base32 (RFC 4648, without padding) of fingerprints and room secrets, in constant time. A value
//! has one text: upper case, with the unused bits of the last character zero. Lower case is decoded
//! too, because people retype it.

use base32ct::{Base32UpperUnpadded, Encoding as _};
use zeroize::Zeroizing;

/// Longest value in bytes.
pub const MAX_LEN: usize = 20;
/// Length of its text in bytes.
pub const MAX_TEXT_LEN: usize = text_len(MAX_LEN);

/// Length of the text of `len` bytes: five bits in each character.
const fn text_len(len: usize) -> usize {
    (len * 8).div_ceil(5)
}

/// Decodes exactly `LEN` bytes; `None` if `text` is anything else.
#[must_use]
pub fn decode<const LEN: usize>(text: &str) -> Option<[u8; LEN]> {
    const { assert!(LEN <= MAX_LEN) };
    // Filled up with zeros, so that the unused bits become bytes after the value.
    let mut digits = Zeroizing::new([b'A'; MAX_TEXT_LEN]);
    let mut bytes = Zeroizing::new([0; MAX_LEN]);
    if text.len() != text_len(LEN) {
        return None;
    }
    for (digit, byte) in digits.iter_mut().zip(text.bytes()) {
        *digit = byte.to_ascii_uppercase();
    }
    Base32UpperUnpadded::decode(&digits[..], &mut bytes[..]).ok()?;
    let (value, unused) = bytes.split_first_chunk()?;
    unused.iter().all(|&byte| byte == 0).then_some(*value)
}

/// Writes the text of `bytes` to `text` and returns it.
pub fn encode<'a, const LEN: usize>(bytes: &[u8; LEN], text: &'a mut [u8; MAX_TEXT_LEN]) -> &'a str {
    const { assert!(LEN <= MAX_LEN) };
    Base32UpperUnpadded::encode(bytes, text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_rfc_4648() {
        for (bytes, text) in [(*b"fooba", "MZXW6YTB"), (*b"\xff\xff\xff\xff\xff", "77777777")] {
            assert_eq!(encode(&bytes, &mut [0; MAX_TEXT_LEN]), text);
            assert_eq!(decode(text), Some(bytes));
            assert_eq!(decode(&text.to_lowercase()), Some(bytes));
        }
        assert_eq!(encode(b"foob", &mut [0; MAX_TEXT_LEN]), "MZXW6YQ");
    }

    #[test]
    fn rejects_another_length_or_alphabet() {
        for wrong in ["", "MZXW6YT", "MZXW6YTBA", "MZXW6YT1", "MZXW6YT=", "MZXW6YT ", "\u{e4}\u{e4}\u{e4}\u{e4}"] {
            assert_eq!(decode::<5>(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn rejects_unused_bits_that_are_not_zero() {
        assert_eq!(decode(&"A".repeat(26)), Some([0; 16]));
        for last in "BCDHZ7".chars() {
            assert_eq!(decode::<16>(&std::format!("{}{last}", "A".repeat(25))), None, "{last}");
        }
        assert_eq!(decode(&std::format!("{}E", "A".repeat(25))).map(|bytes: [u8; 16]| bytes[15]), Some(1));
    }

    proptest! {
        #[test]
        fn round_trips(long in any::<[u8; 20]>(), short in any::<[u8; 16]>()) {
            let mut text = [0; MAX_TEXT_LEN];
            prop_assert_eq!(decode(encode(&long, &mut text)), Some(long));
            prop_assert_eq!(decode(encode(&short, &mut text)), Some(short));
        }
    }
}
