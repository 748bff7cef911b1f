//! Short texts without the formatting of the standard library, which would take 4 KiB of a device's
//! flash.

use heapless::String;
use kabar_core::chat::MAX_NAME_LEN;

/// Longest text in bytes.
pub const MAX_LEN: usize = 256;
/// Decimal digits of a `u32`.
const MAX_DIGITS: usize = 10;

const _: () = assert!(MAX_LEN >= MAX_NAME_LEN + 200);

/// A text of bounded length, built from left to right. Text that does not fit is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(String<MAX_LEN>);

impl Text {
    /// An empty text.
    #[must_use]
    pub const fn new() -> Self {
        Self(String::new())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends `text`.
    pub fn push(&mut self, text: &str) {
        let _ = self.0.push_str(text);
    }

    /// Appends `number` in decimal.
    pub fn push_number(&mut self, number: u32) {
        self.push_digits(number, 1);
    }

    /// Appends `number` in decimal, padded with zeros to `len` digits.
    pub fn push_digits(&mut self, mut number: u32, len: usize) {
        let mut digits = [b'0'; MAX_DIGITS];
        let mut used = 0;
        for (place, digit) in digits.iter_mut().rev().enumerate() {
            if number == 0 && place >= len {
                break;
            }
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
            used = place + 1;
        }
        let digits = digits.get(MAX_DIGITS - used..).unwrap_or_default();
        self.push(core::str::from_utf8(digits).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_decimal_numbers_and_pads_them() {
        for (number, len, text) in [
            (0, 1, "0"),
            (7, 1, "7"),
            (10, 1, "10"),
            (u32::MAX, 1, "4294967295"),
            (5, 3, "005"),
            (0, 3, "000"),
            (1234, 3, "1234"),
        ] {
            let mut written = Text::new();
            written.push_digits(number, len);
            assert_eq!(written.as_str(), text);
        }
    }

    #[test]
    fn leaves_out_what_does_not_fit() {
        let mut text = Text::new();
        for _ in 0..MAX_LEN {
            text.push("ab");
        }
        assert_eq!(text.as_str().len(), MAX_LEN);
    }
}
