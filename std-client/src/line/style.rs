//! Text attributes: notices are dim, a line that mentions the member is bold, a line by the
//! operator is inverse. No information depends on them.

/// Whether and how text is highlighted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    is_on: bool,
}

impl Style {
    /// No attributes.
    pub(super) const PLAIN: Self = Self { is_on: false };

    /// The style of a terminal: none if `NO_COLOR` is set (no-color.org).
    #[must_use]
    pub(super) fn of_terminal() -> Self {
        Self { is_on: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// Formats a notice.
    #[must_use]
    pub(super) fn dim(self, text: &str) -> String {
        self.set("2", text)
    }

    /// Formats a line that mentions the member.
    #[must_use]
    pub(super) fn bold(self, text: &str) -> String {
        self.set("1", text)
    }

    /// Formats a line by the operator. No other line has this attribute.
    #[must_use]
    pub(super) fn operator(self, text: &str) -> String {
        self.set("7", text)
    }

    fn set(self, code: &str, text: &str) -> String {
        if !self.is_on || text.trim().is_empty() {
            return text.to_owned();
        }
        // Reset before the line end, so that the next line is not affected.
        let line = text.trim_end_matches('\n');
        format!("\x1b[{code}m{line}\x1b[0m{}", &text[line.len()..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_end_with_the_line() {
        assert_eq!(Style { is_on: true }.dim("hello\n"), "\x1b[2mhello\x1b[0m\n");
        assert_eq!(Style { is_on: true }.bold("\n"), "\n");
        assert_eq!(Style::PLAIN.dim("hello"), "hello");
    }
}
