//! Completion of the path of a file that is to be sent.

use std::fs;
use std::path::{MAIN_SEPARATOR, PathBuf};

use kabar_std::text::clean_line;

/// Entries of a folder that are read.
const MAX_READ: usize = 5_000;
/// Completions at most.
const MAX_PATHS: usize = 200;

/// Returns the paths that begin with `typed`, sorted, as they are typed: folders end with a
/// separator. A name that is hidden is among them only if its dot is typed.
#[must_use]
pub fn completions(typed: &str) -> Vec<String> {
    let (folder, part) = typed.split_at(typed.rfind(std::path::is_separator).map_or(0, |at| at + 1));
    let read = if folder.is_empty() { PathBuf::from(".") } else { expanded(folder) };
    let Ok(entries) = fs::read_dir(read) else { return Vec::new() };
    let completion = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_hidden = name.starts_with('.') && !part.starts_with('.');
        // What cannot be typed, or would look different, is left out.
        if is_hidden || !name.starts_with(part) || clean_line(&name) != name {
            return None;
        }
        // Follows links.
        let is_folder = fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
        let end = if is_folder { MAIN_SEPARATOR.to_string() } else { String::new() };
        Some(format!("{folder}{name}{end}"))
    };
    let mut paths: Vec<_> = entries.take(MAX_READ).filter_map(|entry| completion(entry.ok()?)).collect();
    paths.sort_unstable();
    paths.truncate(MAX_PATHS);
    paths
}

/// Returns the path that was typed, without a shell that knows `~`.
#[must_use]
pub fn expanded(typed: &str) -> PathBuf {
    let home = typed.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    home.unwrap_or_else(|| typed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_names_in_the_folder_that_was_typed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["report.pdf", "report 2.pdf", ".hidden", "other"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        fs::create_dir(dir.path().join("reports")).unwrap();
        let at = |part: &str| format!("{}{MAIN_SEPARATOR}{part}", dir.path().display());
        let expected = ["report 2.pdf", "report.pdf", &format!("reports{MAIN_SEPARATOR}")].map(at);
        assert_eq!(completions(&at("rep")), expected);
        assert_eq!((completions(&at("")).len(), completions(&at("."))), (4, vec![at(".hidden")]));
        assert!(completions(&at("none/")).is_empty() && completions(&at("other/")).is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn names_that_cannot_be_typed_are_left_out_and_their_number_is_bounded() {
        use std::os::unix::ffi::OsStrExt;
        let dir = tempfile::tempdir().unwrap();
        for name in [&b"a\x1b[2J"[..], b"a\xff", b"ab"] {
            fs::write(dir.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        let folder = format!("{}/", dir.path().display());
        assert_eq!(completions(&folder), [format!("{folder}ab")]);
        (0..MAX_PATHS + 50).for_each(|number| fs::write(dir.path().join(number.to_string()), "").unwrap());
        assert_eq!(completions(&folder).len(), MAX_PATHS);
    }
}
