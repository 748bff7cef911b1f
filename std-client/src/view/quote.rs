//! Replies by quoting.

use super::text::{clean_lines, cut};

/// Lines of a text that are quoted.
const MAX_LINES: usize = 3;

/// Cells of a line that are quoted.
const MAX_WIDTH: usize = 200;

/// Returns the beginning of a reply: the text with its author, each line after `> `.
#[must_use]
pub fn quote(author: &str, text: &str) -> String {
    let author = kabar_std::text::clean_line(author);
    // What is quoted already is left out.
    let mut lines = clean_lines(text).filter(|line| !line.starts_with("> ") && !line.trim().is_empty());
    let mut quoted = String::new();
    for (number, line) in lines.by_ref().take(MAX_LINES).enumerate() {
        let author = if number == 0 { format!("{author}: ") } else { String::new() };
        quoted.push_str(&format!("> {author}{}\n", cut(&line, MAX_WIDTH)));
    }
    if lines.next().is_some() {
        quoted.push_str("> \u{2026}\n");
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_the_beginning_of_a_text() {
        assert_eq!(quote("anna", "hello"), "> anna: hello\n");
        assert_eq!(quote("anna", "a\nb\nc\nd"), "> anna: a\n> b\n> c\n> \u{2026}\n");
        assert_eq!(quote("anna", "> bob: x\nyes\u{1b}[m"), "> anna: yes[m\n");
        assert_eq!(quote("anna", " "), "");
        assert!(quote("anna", &"x".repeat(4096)).len() < 250);
    }
}
