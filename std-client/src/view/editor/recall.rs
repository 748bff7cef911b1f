//! What was typed before, to be recalled.

use std::collections::VecDeque;

/// Texts that are kept.
const MAX_TEXTS: usize = 200;

/// Bytes that are kept, together.
const MAX_BYTES: usize = 256 * 1024;

/// The texts that were typed, and the place in them.
#[derive(Clone, Debug, Default)]
pub struct Recall {
    /// The earliest first.
    texts: VecDeque<String>,
    /// The text that is displayed, counted from the last one; 0: none of them.
    back: usize,
    /// What was being typed when the first one was recalled.
    draft: String,
}

impl Recall {
    /// Keeps a text.
    pub fn add(&mut self, text: &str) {
        self.back = 0;
        if text.trim().is_empty() || self.texts.back().is_some_and(|last| last == text) {
            return;
        }
        self.texts.push_back(text.to_owned());
        let mut bytes: usize = self.texts.iter().map(String::len).sum();
        while self.texts.len() > MAX_TEXTS || bytes > MAX_BYTES {
            bytes -= self.texts.pop_front().map_or(bytes, |text| text.len());
        }
    }

    /// Returns the text before the one that is displayed. `present` is kept, to return to.
    pub fn earlier(&mut self, present: &str) -> Option<String> {
        let at = self.texts.len().checked_sub(self.back + 1)?;
        if self.back == 0 {
            present.clone_into(&mut self.draft);
        }
        self.back += 1;
        self.texts.get(at).cloned()
    }

    /// Returns the text after the one that is displayed.
    pub fn later(&mut self) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        if self.back == 0 {
            return Some(std::mem::take(&mut self.draft));
        }
        self.texts.get(self.texts.len() - self.back).cloned()
    }

    /// Another text is typed: the next one to be recalled is the last one.
    pub fn leave(&mut self) {
        self.back = 0;
    }
}
