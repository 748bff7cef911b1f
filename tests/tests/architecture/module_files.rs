//! Where modules and their tests are: a module with modules inside is `mod.rs` in its folder, and
//! tests next to code are inline or, when they are long, `tests.rs`.

use std::path::Path;

use super::modules::Sources;

/// The longest inline test module, in lines.
const INLINE: usize = 60;

/// Files that break the rules.
pub(crate) fn violations(sources: &Sources) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, text) in sources {
        let shown = path.display();
        if stands_beside_its_folder(path, sources) {
            wrong.push(format!("{shown}: should be {}/mod.rs", path.with_extension("").display()));
        } else if let Some(lines) = inline_tests(text).filter(|lines| *lines > INLINE) {
            wrong.push(format!("{shown}: {lines} lines of inline tests: more than {INLINE} belong in tests.rs"));
        }
    }
    wrong
}

/// Whether this is `foo.rs`, and there are Rust files in a folder `foo` next to it.
fn stands_beside_its_folder(path: &Path, sources: &Sources) -> bool {
    let folder = path.with_extension("");
    path.extension().is_some_and(|it| it == "rs") && sources.keys().any(|other| other.starts_with(&folder))
}

/// The number of lines of the inline module of tests, if the file has one. rustfmt puts its closing
/// brace into the column of `mod`.
fn inline_tests(text: &str) -> Option<usize> {
    let mut lines = text.lines().skip_while(|line| line.trim_start() != "mod tests {");
    let opening = lines.next()?;
    let closing = format!("{}}}", &opening[..opening.len() - "mod tests {".len()]);
    Some(2 + lines.take_while(|line| **line != closing).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> usize {
        violations(&files.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect()).len()
    }

    #[test]
    fn rejects_a_file_beside_the_folder_of_its_modules() {
        assert_eq!(found(&[("src/a.rs", ""), ("src/a/b.rs", "")]), 1);
        assert_eq!(found(&[("src/tests.rs", ""), ("src/tests/b.rs", "")]), 1);
        assert_eq!(found(&[("src/a/mod.rs", ""), ("src/a/b.rs", "")]), 0);
        assert_eq!(found(&[("src/a.rs", ""), ("src/ab/b.rs", ""), ("a/b.rs", "")]), 0);
    }

    #[test]
    fn rejects_long_inline_tests() {
        let file = |lines| format!("fn f() {{\n}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    line\n".repeat(lines));
        assert_eq!(found(&[("a.rs", &file(58))]), 0);
        assert_eq!(found(&[("a.rs", &file(59))]), 1);
        assert_eq!(found(&[("a.rs", "#[cfg(test)]\nmod tests;\n")]), 0);
    }
}
