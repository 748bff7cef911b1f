//! The normal form of passwords (RFC 8265, OpaqueString), in which they are hashed and sent.

use kabar_core::chat::MAX_PASSWORD_LEN;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Why a text is no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPassword {
    /// It is empty.
    #[error("the password is empty")]
    Empty,
    /// It is too long.
    #[error("the password is longer than {MAX_PASSWORD_LEN} bytes")]
    TooLong,
}

/// Reads a password from the first line of `text` and returns it in its normal form.
///
/// # Errors
/// [`NoPassword`], if it is empty or too long.
pub fn from_first_line(text: &str) -> Result<Zeroizing<String>, NoPassword> {
    let typed = text.lines().next().unwrap_or_default();
    // A text that is far too long is not normalised.
    let password = if typed.len() > 8 * MAX_PASSWORD_LEN { Zeroizing::new(typed.to_owned()) } else { normalize(typed) };
    match password.len() {
        0 => Err(NoPassword::Empty),
        1..=MAX_PASSWORD_LEN => Ok(password),
        _ => Err(NoPassword::TooLong),
    }
}

/// Returns the form of a password that does not depend on the keyboard (RFC 8265, OpaqueString):
/// every space becomes U+0020, then NFC.
#[must_use]
pub fn normalize(password: &str) -> Zeroizing<String> {
    let is_other_space =
        |c| matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}');
    // Reserved in one piece: growing would leave copies in memory. NFC at most triples a text.
    let mut normal = Zeroizing::new(String::with_capacity(3 * password.len()));
    normal.extend(password.chars().map(|c| if is_other_space(c) { ' ' } else { c }).nfc());
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_of_bounded_length() {
        let first_line = |text: &str| from_first_line(text).map(|password| password.to_string());
        assert_eq!(first_line("open sesame\r\nsecond"), Ok("open sesame".to_owned()));
        assert_eq!(first_line("se\u{301}same\u{a0}\u{3000}x\n"), Ok("s\u{e9}same  x".to_owned()));
        assert!(from_first_line("").is_err() && from_first_line("\n").is_err());
        assert!(from_first_line(&"x".repeat(MAX_PASSWORD_LEN)).is_ok());
        assert!(from_first_line(&"x".repeat(MAX_PASSWORD_LEN + 1)).is_err());
    }
}
