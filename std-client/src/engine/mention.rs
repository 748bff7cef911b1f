//! Mentions of a name in a text.

/// Whether `text` contains `name` as a word, ignoring case.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let is_inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    !name.is_empty()
        && text.match_indices(&name).any(|(at, _)| {
            !is_inside(text[..at].chars().next_back()) && !is_inside(text[at + name.len()..].chars().next())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mention_is_a_whole_word() {
        assert!(mentions("Anna: hello", "anna") && mentions("is @anna here?", "anna") && mentions("anna", "Anna"));
        assert!(
            !mentions("hannah", "anna")
                && !mentions("anna2", "anna")
                && !mentions("hello", "")
                && !mentions("", "anna")
        );
    }
}
