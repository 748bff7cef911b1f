//! Lines that were typed and are not stored yet. Who typed them sees nothing of them until they are: so what takes longer than a
//! moment is told.

use std::collections::VecDeque;

use kabar_core::time::{Duration, Instant};

/// How long a line may be on its way without a word.
const NOT_STORED_NOTICE_AFTER: Duration = Duration::from_millis(1_500);
/// Characters of a line that are shown to remind of it.
const REMINDER: usize = 40;

/// Lines on their way, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<Post>);

#[derive(Debug)]
struct Post {
    number: u64,
    text: String,
    since: Instant,
    is_told: bool,
}

impl Pending {
    /// A line was taken.
    pub(super) fn posted(&mut self, number: u64, text: &str, now: Instant) {
        let text = reminder(text);
        self.0.push_back(Post { number, text, since: now, is_told: false });
    }

    /// All up to this one are stored.
    pub(super) fn stored(&mut self, number: u64) {
        while self.0.front().is_some_and(|post| post.number <= number) {
            self.0.pop_front();
        }
    }

    /// This one never will be; what it said.
    pub(super) fn refused(&mut self, number: u64) -> Option<String> {
        let at = self.0.iter().position(|post| post.number == number)?;
        self.0.remove(at).map(|post| post.text)
    }

    /// The lines to be told now, each once: at once while the room is out of reach.
    pub(super) fn overdue(&mut self, now: Instant, is_online: bool) -> Vec<&str> {
        let is_due = |post: &Post| !post.is_told && (!is_online || now >= post.since + NOT_STORED_NOTICE_AFTER);
        self.0
            .iter_mut()
            .filter_map(|post| {
                let is_due = is_due(post);
                post.is_told |= is_due;
                is_due.then_some(post.text.as_str())
            })
            .collect()
    }

    /// When to ask for them.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().find(|post| !post.is_told).map(|post| post.since + NOT_STORED_NOTICE_AFTER)
    }
}

fn reminder(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(REMINDER).collect();
    if short.len() == text.len() { short } else { short + " ..." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_longer_than_a_moment_is_told_once() {
        let mut pending = Pending::default();
        let start = Instant::from_micros(0);
        pending.posted(1, "one", start);
        pending.posted(2, "two", start);
        assert_eq!(pending.overdue(start, true), [""; 0]);
        assert_eq!(pending.deadline(), Some(start + NOT_STORED_NOTICE_AFTER));
        pending.stored(1);
        assert_eq!(pending.overdue(start + NOT_STORED_NOTICE_AFTER, true), ["two"]);
        assert_eq!(pending.overdue(start + NOT_STORED_NOTICE_AFTER, true), [""; 0]);
        assert_eq!(pending.deadline(), None);
        pending.stored(2);
        assert_eq!(pending.refused(2), None);
    }

    #[test]
    fn out_of_reach_it_is_told_at_once() {
        let mut pending = Pending::default();
        let start = Instant::from_micros(0);
        pending.posted(1, "one", start);
        assert_eq!(pending.overdue(start, false), ["one"]);
        assert_eq!(pending.refused(1).as_deref(), Some("one"));
    }

    #[test]
    fn a_long_line_is_reminded_of_by_its_beginning() {
        assert_eq!(reminder("short"), "short");
        assert_eq!(reminder("two\nlines"), "two ...");
        assert_eq!(reminder(&"\u{e9}".repeat(50)), format!("{} ...", "\u{e9}".repeat(40)));
    }
}
