//! How wide comments and prose are. rustfmt holds the width of code; its option for comments needs
//! a nightly compiler.

use std::path::Path;

use super::modules::Sources;

/// The widest line of a comment or of prose, in characters.
const WIDTH: usize = 100;

/// Comments and prose that are wider.
pub(crate) fn violations(sources: &Sources) -> Vec<String> {
    let wide = sources.iter().map(|(path, text)| (path, wide_lines(path, text)));
    let wide = wide.filter(|(_, lines)| !lines.is_empty());
    wide.map(|(path, lines)| format!("{}: wider than {WIDTH} columns: lines {lines:?}", path.display())).collect()
}

/// The numbers of the lines that are too wide.
fn wide_lines(path: &Path, text: &str) -> Vec<usize> {
    let is_markdown = path.extension().is_some_and(|it| it == "md");
    let mut is_code = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let comment = line.trim_start().strip_prefix("//").map(|rest| rest.trim_start_matches(['/', '!']).trim());
        let Some(prose) = (if is_markdown { Some(line.trim()) } else { comment }) else {
            is_code = false;
            continue;
        };
        if prose.starts_with("```") {
            is_code = !is_code;
        }
        if line.chars().count() > WIDTH && !is_code && !cannot_wrap(prose) {
            found.push(number);
        }
    }
    found
}

/// Rows of a table, and lines of one word (a long link).
fn cannot_wrap(prose: &str) -> bool {
    prose.starts_with('|') || prose.split_whitespace().filter(|word| word.len() > 3).count() < 2
}

#[cfg(test)]
mod tests {
    use super::violations;

    fn found(path: &str, text: &str) -> usize {
        violations(&[(path.into(), text.to_owned())].into()).len()
    }

    #[test]
    fn notices_wide_comments_and_prose() {
        let wide = "word ".repeat(21);
        for comment in [format!("// {wide}"), format!("    /// {wide}"), format!("//! - {wide}")] {
            assert_eq!(found("a.rs", &comment), 1, "{comment}");
        }
        assert_eq!(found("a.md", &wide), 1);
        assert_eq!(found("a.rs", &"// word ".repeat(12)), 0);
        assert_eq!(found("a.rs", &format!("let code = \"{wide}\";")), 0);
    }

    #[test]
    fn leaves_code_tables_and_links_alone() {
        let wide = "word ".repeat(21);
        assert_eq!(found("a.md", &format!("```\n{wide}\n```\n| {wide} |\n")), 0);
        assert_eq!(found("a.rs", &format!("/// ```\n/// {wide}\n/// ```\n")), 0);
        assert_eq!(found("a.md", &format!("<https://{}>", "x".repeat(100))), 0);
    }
}
