//! Names of members (SPEC 6.6): which are allowed, and when two are the same.

use core::fmt;

use kabar_core::chat::MAX_NAME_LEN;
use unicode_normalization::UnicodeNormalization as _;

/// The name of the server.
const RESERVED: &str = "server";

/// A name that is allowed, in both of its forms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    shown: String,
    folded: String,
}

/// Why a name is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing is left after normalisation.
    Empty,
    /// More than 32 bytes after normalisation.
    TooLong,
    /// A control, zero-width or bidirectional character, or one of `: ~ / @`.
    Character(char),
    /// A space at either end.
    EdgeSpace,
    /// The reserved name of the server.
    Reserved,
}

impl Name {
    /// Checks and normalises the name of a member.
    ///
    /// # Errors
    /// [`NameError`].
    pub fn new(name: &str) -> Result<Self, NameError> {
        // SPEC 6.6. A name that is far too long is not normalised.
        if name.len() > 8 * MAX_NAME_LEN {
            return Err(NameError::TooLong);
        }
        let shown: String = name.nfkc().collect();
        if shown.is_empty() {
            return Err(NameError::Empty);
        }
        if shown.len() > MAX_NAME_LEN {
            return Err(NameError::TooLong);
        }
        if let Some(character) = shown.chars().find(|character| !is_allowed(*character)) {
            return Err(NameError::Character(character));
        }
        if shown.starts_with(char::is_whitespace) || shown.ends_with(char::is_whitespace) {
            return Err(NameError::EdgeSpace);
        }
        let folded = fold(&shown);
        if folded == RESERVED { Err(NameError::Reserved) } else { Ok(Self { shown, folded }) }
    }

    /// Returns the name as it is displayed: after NFKC.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Returns the name as it is compared: after NFKC and case folding.
    #[must_use]
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

/// Case folding, then NFKC again. The lower case of the upper case maps everything together that
/// default case folding does, and a few letters more (a dotless i becomes an i): names that look
/// the same are the same.
fn fold(shown: &str) -> String {
    shown.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// Rejects control, zero-width and bidirectional characters (Unicode's
/// Default_Ignorable_Code_Point, and the line separators), and `: ~ / @`.
fn is_allowed(character: char) -> bool {
    let is_invisible = matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}');
    !character.is_control() && !is_invisible && !":~/@".contains(character)
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong => f.write_str("the name is longer than 32 bytes"),
            Self::Character(character) => write!(f, "the name contains {character:?}, which is not allowed"),
            Self::EdgeSpace => f.write_str("the name begins or ends with a space"),
            Self::Reserved => f.write_str("this name is reserved"),
        }
    }
}

impl core::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Name::new(a).expect("allowed").folded() == Name::new(b).expect("allowed").folded()
    }

    #[test]
    fn accepts_names_of_people() {
        for name in ["darryl", "Farhan", "Jörg Müller", "李小龍", "Ольга", "عمر", "अनिल", "x", "a.b-c_d!", "7", "🦀"]
        {
            assert_eq!(Name::new(name).expect(name).shown(), name);
        }
    }

    #[test]
    fn rejects_empty_and_long_names() {
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert!(Name::new(&"n".repeat(32)).is_ok());
        assert_eq!(Name::new(&"n".repeat(33)), Err(NameError::TooLong));
        assert_eq!(Name::new(&"n".repeat(100_000)), Err(NameError::TooLong));
        // One character that NFKC expands to 33 bytes.
        assert_eq!(Name::new("\u{fdfa}"), Err(NameError::TooLong));
        // 33 bytes that NFKC reduces to 22.
        assert!(Name::new(&"e\u{301}".repeat(11)).is_ok());
    }

    #[test]
    fn rejects_invisible_and_reserved_characters() {
        let bad = [
            '\0',
            '\n',
            '\u{7f}',
            '\u{9b}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2066}',
            '\u{2028}',
            '\u{feff}',
            '\u{fe0f}',
            '\u{e0041}',
            '\u{61c}',
            '\u{3164}',
            ':',
            '~',
            '/',
            '@',
        ];
        for character in bad {
            assert!(matches!(Name::new(&format!("a{character}b")), Err(NameError::Character(_))), "{character:?}");
        }
        // The result of NFKC counts: a/c, a fullwidth colon.
        assert_eq!(Name::new("\u{2100}"), Err(NameError::Character('/')));
        assert_eq!(Name::new("a\u{ff1a}b"), Err(NameError::Character(':')));
    }

    #[test]
    fn rejects_spaces_at_the_ends_only() {
        assert!(Name::new("Anna Lena").is_ok());
        for name in [" a", "a ", "\u{a0}a", "a\u{3000}", " "] {
            assert_eq!(Name::new(name), Err(NameError::EdgeSpace), "{name:?}");
        }
    }

    #[test]
    fn reserves_server_however_it_is_written() {
        for name in ["server", "Server", "SERVER", "ｓｅｒｖｅｒ", "ſerver"] {
            assert_eq!(Name::new(name), Err(NameError::Reserved), "{name}");
        }
        assert!(Name::new("server2").is_ok());
    }

    #[test]
    fn compares_after_normalisation_and_case_folding() {
        assert!(same("Darryl", "dARRYL"));
        assert!(same("Straße", "STRASSE"));
        assert!(same("Ｄarryl", "darryl"));
        assert!(same("Jo\u{308}rg", "JÖRG"));
        assert!(same("ΣΊΣΥΦΟΣ", "σίσυφος"));
        assert!(same("ﬁn", "FIN"));
        assert!(!same("Darryl", "Daryl"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{1,12}") {
            if let Ok(name) = Name::new(&text) {
                prop_assert_eq!(&Name::new(name.shown()).expect("still allowed"), &name);
                prop_assert_eq!(fold(name.folded()), name.folded());
            }
        }
    }
}
