//! The files of a call, of which the engine has a bounded number at once.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;

use crate::engine::MAX_TRANSFERS;

/// Files that the engine has at once: enough that it never waits for the next one, and far fewer
/// than it takes ([`MAX_TRANSFERS`]).
const MAX_UNDER_WAY: usize = 64;
const _: () = assert!(MAX_UNDER_WAY < MAX_TRANSFERS);

/// The files of a call, each in one of these states until it has ended.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Those that the engine does not have yet.
    waiting: VecDeque<(PathBuf, String)>,
    /// Number of those that it has.
    under_way: usize,
    /// Their names.
    names: Vec<String>,
    /// Number of those that have failed.
    failed: usize,
}

impl Files {
    /// Files that are sent, each with its name in the room. What was named twice is sent once, as
    /// by the engine.
    pub(super) fn to_send(mut files: Vec<(PathBuf, String)>) -> Self {
        let mut seen = HashSet::new();
        files.retain(|(path, name)| {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            seen.insert((path, name.clone()))
        });
        Self { waiting: files.into(), ..Self::default() }
    }

    /// One file, whose name is not known yet.
    pub(super) fn to_get() -> Self {
        Self { under_way: 1, ..Self::default() }
    }

    /// The file that is received is one with this name.
    pub(super) fn found(&mut self, name: String) {
        self.names.push(name);
    }

    /// Returns the next file for the engine, which has it from now on; `None`: not now.
    pub(super) fn next(&mut self) -> Option<(PathBuf, String)> {
        if self.under_way >= MAX_UNDER_WAY {
            return None;
        }
        let (path, name) = self.waiting.pop_front()?;
        self.under_way += 1;
        self.names.push(name.clone());
        Some((path, name))
    }

    /// Whether a file that the engine has is one with this name.
    pub(super) fn is_under_way(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }

    /// A file that the engine had has ended.
    pub(super) fn ended(&mut self, name: &str, is_done: bool) {
        if let Some(at) = self.names.iter().position(|own| own == name) {
            self.names.remove(at);
        }
        self.under_way = self.under_way.saturating_sub(1);
        self.failed += usize::from(!is_done);
    }

    /// Whether all of them have ended.
    pub(super) fn have_ended(&self) -> bool {
        self.under_way == 0 && self.waiting.is_empty()
    }

    /// Returns how many are not in the room, or not here.
    pub(super) fn not_done(&self) -> usize {
        self.failed + self.under_way + self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> (PathBuf, String) {
        (PathBuf::from(name), name.to_owned())
    }

    #[test]
    fn the_engine_has_a_bounded_number_of_any_number_of_files() {
        let mut files = Files::to_send((0..10_000).map(|number| file(&number.to_string())).collect());
        let (mut given, mut most) = (VecDeque::new(), 0);
        for ended in 0..10_000 {
            given.extend(std::iter::from_fn(|| files.next()));
            most = most.max(given.len());
            assert!(!files.have_ended());
            let (path, name) = given.pop_front().expect("one follows as one ends");
            assert_eq!(path.to_str(), Some(&*ended.to_string()), "in the order of the call");
            assert!(files.is_under_way(&name));
            files.ended(&name, ended % 1_000 != 500);
        }
        assert_eq!(most, MAX_UNDER_WAY);
        assert!(files.have_ended());
        assert_eq!(files.not_done(), 10, "those that failed");
    }

    #[test]
    fn a_file_that_is_named_twice_is_sent_once() {
        let mut files = Files::to_send(vec![file("a"), file("b/a"), file("a"), (PathBuf::from("./a"), "a".to_owned())]);
        let given: Vec<_> = std::iter::from_fn(|| files.next()).collect();
        assert_eq!(given, [file("a"), file("b/a")]);
    }
}
