//! Colour, where it helps: what the program says is dim, a line that names you is bold. Nothing depends on seeing it.

/// How text is set off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    is_on: bool,
}

impl Style {
    /// No colour at all.
    pub const PLAIN: Self = Self { is_on: false };

    /// On a terminal, unless `NO_COLOR` says otherwise (no-color.org).
    #[must_use]
    pub fn of_terminal() -> Self {
        Self { is_on: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// What the program says.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.set("2", text)
    }

    /// What is for you.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.set("1", text)
    }

    fn set(self, code: &str, text: &str) -> String {
        if !self.is_on || text.trim().is_empty() {
            return text.to_owned();
        }
        // Off again before the line ends, so that nothing below takes it over.
        let line = text.trim_end_matches('\n');
        format!("\x1b[{code}m{line}\x1b[0m{}", &text[line.len()..])
    }
}

/// Whether `text` names `name`: as a word of its own, whatever its case.
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
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
    fn colour_ends_with_its_line() {
        assert_eq!(Style { is_on: true }.dim("hello\n"), "\x1b[2mhello\x1b[0m\n");
        assert_eq!(Style { is_on: true }.bold("\n"), "\n");
        assert_eq!(Style::PLAIN.dim("hello"), "hello");
    }

    #[test]
    fn a_name_is_named_as_a_word() {
        assert!(mentions("Anna: hello", "anna") && mentions("is @anna here?", "anna") && mentions("anna", "Anna"));
        assert!(
            !mentions("hannah", "anna")
                && !mentions("anna2", "anna")
                && !mentions("hello", "")
                && !mentions("", "anna")
        );
    }
}
