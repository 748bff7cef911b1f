//! The posts of a room in the durable outbox, and those of them that the client does not have yet.

use std::collections::VecDeque;

use kabar_core::client::{PostError, RoomSlot};

use crate::engine::event::RoomId;
use crate::engine::local_history::LocalHistory;
use crate::history::outbox::OutboxLine;
use crate::profile::StdClient;

/// The numbers of lines: those of the posts of this run, without the entries of files, which have
/// numbers among the posts, too.
#[derive(Debug, Default)]
pub(super) struct LineNumbers {
    /// The posts that are entries of files and not settled.
    files: VecDeque<u64>,
    /// Number of those that are.
    settled: u64,
    /// The last line that is stored.
    stored: u64,
}

impl LineNumbers {
    /// The next post is the entry of a file.
    pub(super) fn add_file(&mut self, post: u64) {
        self.files.push_back(post);
    }

    /// Returns the number of the line of a post that is not settled; of the line before it, if it
    /// is the entry of a file.
    pub(super) fn line(&self, post: u64) -> u64 {
        let files = self.files.iter().take_while(|file| **file <= post).count() as u64;
        post.saturating_sub(self.settled).saturating_sub(files)
    }

    /// Posts up to this one are stored. Returns the last line among them, if it is new, and whether
    /// it is the last of these posts.
    pub(super) fn on_stored(&mut self, post: u64) -> Option<(u64, bool)> {
        let (line, is_file) = (self.line(post), self.files.contains(&post));
        let settled = self.files.partition_point(|file| *file <= post);
        self.files.drain(..settled);
        self.settled += settled as u64;
        if line <= self.stored {
            return None;
        }
        self.stored = line;
        Some((line, !is_file))
    }
}

/// The posts of a room in the durable outbox.
#[derive(Debug)]
pub(super) struct DurablePosts {
    /// Those that the client does not have yet.
    pub(super) unsent: VecDeque<OutboxLine>,
    /// The last number of an earlier process.
    pub(super) before: u64,
    /// Posts of an earlier process, until that is reported.
    pub(super) resumed: u64,
}

impl DurablePosts {
    /// Returns the number of posts that the client does not have.
    pub(super) fn unsent(&self) -> u64 {
        self.unsent.iter().filter(|line| !line.is_refused).count() as u64
    }

    /// Returns how many posts of an earlier process there were, once.
    pub(super) fn take_resumed(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.resumed)).filter(|lines| *lines > 0)
    }

    /// The number in this run of a post; 0: it is of an earlier process.
    pub(super) fn number_in_run(&self, number: u64) -> u64 {
        number.saturating_sub(self.before)
    }

    /// Gives the client what it has space for.
    pub(super) fn hand_over(&mut self, id: RoomId, slot: RoomSlot, history: &LocalHistory, client: &mut StdClient) {
        while let Some(line) = self.unsent.front() {
            let posted = if line.is_refused {
                client.post_refused(slot)
            } else {
                match client.post(slot, line.kind, &line.body) {
                    // Not from this version: it is never accepted.
                    Err(PostError::TooLong | PostError::Kind | PostError::NotText) => {
                        history.refuse(id, line.number);
                        client.post_refused(slot)
                    }
                    posted => posted,
                }
            };
            if posted.is_err() {
                return;
            }
            self.unsent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_files_have_no_number_among_the_lines() {
        let mut numbers = LineNumbers::default();
        // Posts: line 1, a file, line 2, a file, a file, line 3.
        [2, 4, 5].into_iter().for_each(|file| numbers.add_file(file));
        assert_eq!([1, 3, 6].map(|post| numbers.line(post)), [1, 2, 3]);
        assert_eq!(numbers.on_stored(1), Some((1, true)));
        assert_eq!(numbers.on_stored(2), None, "no line is new");
        assert_eq!(numbers.line(6), 3);
        assert_eq!(numbers.on_stored(4), Some((2, false)), "the last post is a file");
        assert_eq!(numbers.on_stored(6), Some((3, true)));
        assert_eq!((numbers.on_stored(6), numbers.files.len()), (None, 0));
        assert_eq!(numbers.line(7), 4);
    }
}
