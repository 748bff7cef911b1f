//! Addresses of pages in a text, which a terminal can open, and invites, which it can copy.

use std::ops::Range;

const SCHEMES: [&str; 3] = ["https://", "http://", "kabar://"];

/// Characters that often follow an address and are not part of it.
const TRAILING: [char; 10] = ['.', ',', ';', ':', '!', '?', '\'', '"', '*', '_'];

/// The longest address that is marked, in bytes. Terminals ignore much longer ones.
const MAX_LEN: usize = 2000;

/// Returns the ranges of `text`, in bytes, that are addresses.
#[must_use]
pub fn links(text: &str) -> Vec<Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some((start, scheme)) = next_scheme(text, from) {
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"`{}|\\^".contains(c));
        let link = trim(&rest[..end.unwrap_or(rest.len())]);
        if link.len() > scheme.len() && link.len() <= MAX_LEN {
            found.push(start..start + link.len());
        }
        from = start + link.len().max(scheme.len());
    }
    found
}

fn next_scheme(text: &str, from: usize) -> Option<(usize, &'static str)> {
    let starts = SCHEMES.iter().filter_map(|scheme| {
        let (at, _) = text[from..].match_indices(scheme).find(|(at, _)| is_word_start(text, from + at))?;
        Some((from + at, *scheme))
    });
    starts.min_by_key(|(at, _)| *at)
}

fn is_word_start(text: &str, at: usize) -> bool {
    !text[..at].chars().next_back().is_some_and(char::is_alphanumeric)
}

/// Removes punctuation of the sentence around the address. A closing bracket belongs to the address
/// if it was opened there.
fn trim(link: &str) -> &str {
    let mut link = link;
    loop {
        let opened = |open, close| link.matches(open).count() >= link.matches(close).count();
        let shorter = match link.chars().next_back() {
            Some(c) if TRAILING.contains(&c) => &link[..link.len() - 1],
            Some(')') if !opened('(', ')') => &link[..link.len() - 1],
            Some(']') if !opened('[', ']') => &link[..link.len() - 1],
            _ => return link,
        };
        link = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::links;

    fn found(text: &str) -> Vec<&str> {
        links(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn finds_addresses_without_the_punctuation_around_them() {
        assert_eq!(found("see https://a.example/b?c=d#e, or http://x."), ["https://a.example/b?c=d#e", "http://x"]);
        assert_eq!(found("(https://a.example/b_(c)) [http://y]"), ["https://a.example/b_(c)", "http://y"]);
        assert_eq!(found("<https://a.example>\u{3002}"), ["https://a.example"]);
        assert_eq!(found("https://\u{e9}.example/\u{65e5}"), ["https://\u{e9}.example/\u{65e5}"]);
    }

    #[test]
    fn leaves_other_text_alone() {
        for text in ["", "https://", "https:// x", "xhttp://a", "ftp://a", "http:/a", "http://...", "javascript:x"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
