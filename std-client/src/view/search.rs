//! The search in the transcript of a room.

use super::editor::Editor;
use super::transcript::Transcript;
use super::transcript::source::Source;
use crate::engine::RoomId;

/// A search that is open.
#[derive(Debug)]
pub(super) struct Search {
    /// What is searched for.
    pub(super) word: Editor,
    /// The match that is displayed.
    hit: Option<u64>,
    /// Whether there is no further match in the direction of the last step.
    pub(super) is_exhausted: bool,
    room: RoomId,
}

impl Search {
    /// Opens a search.
    pub(super) fn open(room: RoomId) -> Self {
        Self { word: Editor::default(), hit: None, is_exhausted: false, room }
    }

    /// The word has changed: goes to its last match.
    pub(super) fn update(&mut self, transcript: &mut Transcript, source: &dyn Source) {
        let word = self.word.text().trim().to_owned();
        transcript.mark(Some(word.clone()));
        self.hit = None;
        if word.is_empty() {
            self.is_exhausted = false;
            return transcript.scroll_to_end();
        }
        let hit = source.search_before(self.room, &word, u64::MAX);
        self.show(hit, transcript, source);
    }

    /// Goes to the match before, or after.
    pub(super) fn step(&mut self, is_earlier: bool, transcript: &mut Transcript, source: &dyn Source) {
        let word = self.word.text().trim();
        let Some(from) = self.hit.filter(|_| !word.is_empty()) else { return };
        let hit = if is_earlier {
            source.search_before(self.room, word, from)
        } else {
            source.search_after(self.room, word, from)
        };
        self.show(hit, transcript, source);
    }

    fn show(&mut self, hit: Option<u64>, transcript: &mut Transcript, source: &dyn Source) {
        self.is_exhausted = hit.is_none();
        if let Some(seq) = hit {
            self.hit = hit;
            transcript.scroll_to(source, seq);
        }
    }
}
