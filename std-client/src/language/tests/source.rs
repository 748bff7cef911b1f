//! The texts that the source code of this package uses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A use of `message!`.
pub(super) struct Use {
    pub(super) id: String,
    /// The names of its arguments.
    pub(super) arguments: BTreeSet<String>,
    pub(super) place: String,
}

/// Returns all uses.
pub(super) fn uses() -> Vec<Use> {
    let mut all = Vec::new();
    for (path, text) in files() {
        for (at, start) in text.match_indices("message!(\"") {
            let rest = &text[at + start.len()..];
            let (id, rest) = rest.split_once('"').unwrap();
            let line = text[..at].lines().count();
            let place = format!("{}:{line}", path.display());
            all.push(Use { id: id.to_owned(), arguments: names(arguments(rest)), place });
        }
    }
    all
}

/// Returns all words in double quotes.
pub(super) fn literals() -> BTreeSet<String> {
    files().iter().flat_map(|(_, text)| text.split('"').map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// Returns the files, without those of this module.
fn files() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() && !entry.ends_with("src/language") {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&entry).unwrap();
                files.push((entry, text));
            }
        }
    }
    files
}

/// Returns the arguments: what is before the parenthesis that ends the macro, in its parts.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut is_string, mut parts) = (0, 0, false, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '"' => is_string = !is_string,
            _ if is_string => {}
            '(' | '[' | '{' => depth += 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            ')' | ']' | '}' => {
                depth -= 1;
                if depth < 0 {
                    parts.push(&text[start..at]);
                    return parts;
                }
            }
            _ => {}
        }
    }
    panic!("no end: {}", &text[..80]);
}

fn names(arguments: Vec<&str>) -> BTreeSet<String> {
    let names = arguments.into_iter().map(|part| part.split('=').next().unwrap_or_default());
    names.map(|name| name.trim().trim_start_matches('%').trim().to_owned()).filter(|name| !name.is_empty()).collect()
}
