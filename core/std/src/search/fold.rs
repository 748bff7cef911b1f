//! The folded form of texts for searching, used for the index, for queries, and for the final
//! comparison. Texts that differ only in case or normalisation have one form.

use unicode_normalization::UnicodeNormalization as _;

/// Returns the version of the form. It changes with the rule and its Unicode tables; an index of
/// another version is rebuilt.
#[must_use]
pub fn form() -> String {
    const RULE: u32 = 1;
    let case = char::UNICODE_VERSION;
    let normal = unicode_normalization::UNICODE_VERSION;
    format!("{RULE}/{}.{}.{}/{}.{}.{}", case.0, case.1, case.2, normal.0, normal.1, normal.2)
}

/// Folds a text. Lower case of upper case equates everything that case folding does, and a few
/// letters more (a dotless i becomes an i); the lower case before that is for letters whose upper
/// case has a lower case with another upper case (the capital sharp s).
///
/// NUL is replaced, because SQLite ends a text there.
#[must_use]
pub fn fold(text: &str) -> String {
    let is_nul = |c: char| c == '\0';
    if text.is_ascii() {
        return text.to_ascii_lowercase().replace(is_nul, "\u{fffd}");
    }
    let lower = text.nfd().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    lower.map(|c| if is_nul(c) { '\u{fffd}' } else { c }).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters() -> impl Iterator<Item = char> {
        '\0'..=char::MAX
    }

    #[test]
    fn case_and_normalisation_of_every_character_make_no_difference() {
        let mut wrong = Vec::new();
        for c in characters() {
            let text = format!("aaa{c}bbb");
            let folded = fold(&text);
            let others = [text.to_lowercase(), text.to_uppercase(), text.nfc().collect(), text.nfd().collect()];
            if others.iter().any(|other| fold(other) != folded) || fold(&folded) != folded {
                wrong.push(c);
            }
        }
        assert_eq!(wrong, [], "{}", wrong.len());
    }

    #[test]
    fn folds_ascii_the_same_beside_other_scripts() {
        for c in characters().filter(|c| c.is_ascii()) {
            let (alone, beside) = (fold(&c.to_string()), fold(&format!("{c} \u{e9}")));
            assert_eq!(format!("{alone} \u{e9}"), beside);
            assert!(!alone.contains('\0'));
        }
    }

    #[test]
    fn letters_that_differ_stay_apart() {
        for (a, b) in [("a", "b"), ("e", "\u{e9}"), ("\u{e9}", "\u{e8}"), ("\u{2c00}", "\u{2c01}"), ("o", "\u{f8}")] {
            assert_ne!(fold(a), fold(b));
        }
    }
}
