//! Search in texts: the query as a person types it, and the folded form for comparing texts.
//!
//! A text matches if it contains all words of the query, in any case; a part in double quotes is
//! one word, spaces included.

mod fold;

pub use fold::{fold, form};

/// Maximum number of trigrams per query; enough to leave few candidates.
const MAX_TRIGRAMS: usize = 24;

/// A search query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Folded words, none empty.
    words: Vec<String>,
}

impl Query {
    /// Parses a query; `None` if it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut rest = text;
        while let Some((before, quoted, after)) = next_quoted(rest) {
            words.extend(before.split_whitespace());
            words.push(quoted);
            rest = after;
        }
        words.extend(rest.split_whitespace());
        let words: Vec<String> = words.into_iter().map(fold).filter(|word| !word.is_empty()).collect();
        (!words.is_empty()).then_some(Self { words })
    }

    /// Whether a text contains all words.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text = fold(text);
        self.words.iter().all(|word| text.contains(word))
    }

    /// Returns the query for an FTS5 index of the trigrams of [folded](fold) texts; `None` if the
    /// index cannot help.
    #[must_use]
    pub fn trigrams(&self) -> Option<String> {
        let mut wanted = String::new();
        for word in &self.words {
            let chars: Vec<char> = word.chars().collect();
            for group in chars.windows(3).take((MAX_TRIGRAMS / self.words.len()).max(1)) {
                wanted.push('"');
                group.iter().for_each(|c| wanted.extend(if *c == '"' { vec!['"', '"'] } else { vec![*c] }));
                wanted.push_str("\" ");
            }
        }
        (!wanted.is_empty()).then_some(wanted)
    }
}

/// Splits at the first part in double quotes. A quote that is not closed is an ordinary character.
fn next_quoted(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('"')?;
    let (quoted, after) = rest.split_once('"')?;
    Some((before, quoted, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Query::new(text).map(|query| query.words).unwrap_or_default()
    }

    #[test]
    fn words_are_apart_and_quotes_keep_together() {
        assert_eq!(words("  Apa  kabar "), ["apa", "kabar"]);
        assert_eq!(words("say \"Apa  kabar\"x \"\""), ["say", "apa  kabar", "x"]);
        assert_eq!(words("5\" pipe"), ["5\"", "pipe"]);
        assert_eq!(Query::new(" \t\"\" "), None);
    }

    #[test]
    fn case_does_not_count_in_any_writing() {
        for (query, text) in [
            ("ÉLÉA", "chez éléa"),
            ("éléa", "CHEZ ÉLÉA"),
            ("ОДНА", "Одна"),
            ("ΟΔΟΣ", "οδος"),
            ("οδος", "ΟΔΟΣ"),
            ("ab", "xABx"),
        ] {
            assert!(Query::new(query).unwrap().matches(text), "{query} in {text}");
        }
        assert!(!Query::new("ab cd").unwrap().matches("ab"));
    }

    #[test]
    fn the_index_is_asked_for_whole_characters_within_quotes() {
        let trigrams = |text: &str| Query::new(text).and_then(|query| query.trigrams());
        assert_eq!(trigrams("AbCd"), Some("\"abc\" \"bcd\" ".to_owned()));
        assert_eq!(trigrams("a\"b*"), Some("\"a\"\"b\" \"\"\"b*\" ".to_owned()));
        assert_eq!(trigrams("ab \u{1f44b}"), None);
        assert_eq!(trigrams("a\0bc"), Some("\"a\u{fffd}b\" \"\u{fffd}bc\" ".to_owned()));
        let many: String = (0..MAX_TRIGRAMS * 2).map(|word| format!("w{word:03} ")).collect();
        assert_eq!(trigrams(&many).map(|asked| asked.split_whitespace().count()), Some(MAX_TRIGRAMS * 2));
    }
}
