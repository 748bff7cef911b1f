//! Posts of a room that are not in it yet.

use std::collections::{BTreeMap, VecDeque};

/// Posts that are not in the room yet. The engine bounds their number.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    /// Those that the engine has not answered.
    waiting: VecDeque<String>,
    /// Those with a number.
    posted: BTreeMap<u64, String>,
}

impl Unsent {
    /// A post was given to the engine.
    pub(super) fn push(&mut self, text: String) {
        self.waiting.push_back(text);
    }

    /// The engine accepted the first one that it had not answered.
    pub(super) fn on_posted(&mut self, number: u64) {
        if let Some(text) = self.waiting.pop_front() {
            self.posted.insert(number, text);
        }
    }

    /// Posts up to this one are stored.
    pub(super) fn on_stored(&mut self, number: u64) {
        self.posted = self.posted.split_off(&number.saturating_add(1));
    }

    /// The engine did not accept the first one that it had not answered. Returns its text.
    pub(super) fn on_not_posted(&mut self) -> String {
        self.waiting.pop_front().unwrap_or_default()
    }

    /// The server refused a post. Returns its text.
    pub(super) fn on_refused(&mut self, number: u64) -> String {
        self.posted.remove(&number).unwrap_or_default()
    }

    /// All are lost.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The texts, in the order of the posts.
    pub(super) fn texts(&self) -> Vec<&str> {
        self.posted.values().chain(&self.waiting).map(String::as_str).collect()
    }

    /// Their number.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.posted.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_are_unsent_until_they_are_stored_or_refused() {
        let mut unsent = Unsent::default();
        ["one", "two", "three", "four"].iter().for_each(|text| unsent.push((*text).to_owned()));
        (1..=3).for_each(|number| unsent.on_posted(number));
        assert_eq!(unsent.texts(), ["one", "two", "three", "four"]);
        assert_eq!(unsent.on_not_posted(), "four");
        unsent.on_stored(1);
        assert_eq!(unsent.texts(), ["two", "three"]);
        assert_eq!(unsent.on_refused(2), "two");
        assert_eq!(unsent.texts(), ["three"]);
        unsent.on_stored(u64::MAX);
        assert_eq!(unsent.len(), 0);
        assert_eq!(unsent.on_not_posted(), "");
    }
}
