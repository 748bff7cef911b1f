//! A word in a text, in any case.

use std::ops::Range;

/// Returns the ranges of `text`, in bytes, that equal `word` in any case. They do not overlap.
#[must_use]
pub fn matches(text: &str, word: &str) -> Vec<Range<usize>> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    if word.is_empty() {
        return Vec::new();
    }
    // Each lower-case letter with the range of the letter that it comes from.
    let letters: Vec<(char, Range<usize>)> = text
        .char_indices()
        .flat_map(|(at, c)| c.to_lowercase().map(move |lower| (lower, at..at + c.len_utf8())))
        .collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(window) = letters.get(at..at + word.len()) {
        if window.iter().map(|(c, _)| c).eq(&word) {
            found.push(window[0].1.start..window[word.len() - 1].1.end);
            at += word.len();
        } else {
            at += 1;
        }
    }
    found.dedup_by(|next, last| next.start < last.end);
    found
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn finds_in_any_case() {
        assert_eq!(matches("Hello hello HELLO", "hello"), [0..5, 6..11, 12..17]);
        assert_eq!(matches("J\u{d6}RG J\u{f6}", "j\u{f6}"), [0..3, 6..9]);
        assert_eq!(matches("aaa", "aa"), std::iter::once(0..2).collect::<Vec<_>>());
        assert!(matches("", "a").is_empty() && matches("a", "").is_empty() && matches("a", "ab").is_empty());
    }

    #[test]
    fn ranges_are_whole_characters_where_the_case_changes_the_length() {
        // U+0130 becomes two characters in lower case.
        assert_eq!(matches("x\u{130}y", "i"), std::iter::once(1..3).collect::<Vec<_>>());
        assert_eq!(matches("\u{130}\u{130}", "i\u{307}i"), std::iter::once(0..4).collect::<Vec<_>>());
    }
}
