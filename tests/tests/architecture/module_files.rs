//! Where modules and their tests are: a module with modules inside is `mod.rs` in its folder, and
//! tests beside code are inline or, when they are long, `tests.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use super::modules::Sources;

/// The longest inline test module, in lines.
const INLINE: usize = 60;

/// Files that break the rules, except those that `exempt` lists; and files that it lists without
/// need, so that it only gets shorter.
pub(crate) fn violations(sources: &Sources, exempt: &str) -> Vec<String> {
    let exempt: Vec<&str> = exempt.lines().filter(|line| !line.starts_with('#')).collect();
    let mut wrong = BTreeMap::new();
    for (path, text) in sources {
        let path_text = path.to_string_lossy();
        if stands_beside_its_folder(path, sources) {
            let folder = path_text.trim_end_matches(".rs");
            wrong.insert(path_text.clone(), format!("{path_text}: should be {folder}/mod.rs"));
        } else if let Some(lines) = inline_tests(text).filter(|lines| *lines > INLINE) {
            let why = format!("{path_text}: {lines} lines of inline tests: more than {INLINE} belong in tests.rs");
            wrong.insert(path_text, why);
        }
    }
    let needless = exempt.iter().filter(|path| !wrong.contains_key(**path));
    let needless: Vec<String> = needless.map(|path| format!("module_files.txt lists {path} without need")).collect();
    wrong.retain(|path, _| !exempt.contains(&&**path));
    wrong.into_values().chain(needless).collect()
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

    fn found(files: &[(&str, &str)], exempt: &str) -> usize {
        violations(&files.iter().map(|(path, text)| (path.into(), (*text).to_owned())).collect(), exempt).len()
    }

    #[test]
    fn rejects_a_file_beside_the_folder_of_its_modules() {
        assert_eq!(found(&[("src/a.rs", ""), ("src/a/b.rs", "")], ""), 1);
        assert_eq!(found(&[("src/tests.rs", ""), ("src/tests/b.rs", "")], ""), 1);
        assert_eq!(found(&[("src/a/mod.rs", ""), ("src/a/b.rs", "")], ""), 0);
        assert_eq!(found(&[("src/a.rs", ""), ("src/ab/b.rs", ""), ("a/b.rs", "")], ""), 0);
    }

    #[test]
    fn rejects_long_inline_tests() {
        let file = |lines| format!("fn f() {{\n}}\n#[cfg(test)]\nmod tests {{\n{}}}\n", "    line\n".repeat(lines));
        assert_eq!(found(&[("a.rs", &file(58))], ""), 0);
        assert_eq!(found(&[("a.rs", &file(59))], ""), 1);
        assert_eq!(found(&[("a.rs", "#[cfg(test)]\nmod tests;\n")], ""), 0);
    }

    #[test]
    fn exempts_only_files_that_need_it() {
        let beside = [("src/a.rs", ""), ("src/a/b.rs", "")];
        assert_eq!(found(&beside, "# why\nsrc/a.rs"), 0);
        assert_eq!(found(&beside[1..], "src/a.rs"), 1);
    }
}
