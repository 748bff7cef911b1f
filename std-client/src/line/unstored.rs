//! Lines that were typed and are not stored yet. The prompt erases a typed line, which returns as
//! an entry once it is stored; a line that takes longer is reported.

use std::collections::VecDeque;

use kabar_core::time::{Duration, Instant};

/// How long a line may be unstored before it is reported.
const NOT_STORED_NOTICE_AFTER: Duration = Duration::from_millis(1_500);
/// Number of characters of a line in a report.
const EXCERPT_LEN: usize = 40;

/// Lines that are not stored, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct UnstoredLines(VecDeque<Line>);

#[derive(Debug)]
struct Line {
    number: u64,
    excerpt: String,
    since: Instant,
    is_reported: bool,
}

impl UnstoredLines {
    /// Adds a line that was posted.
    pub(super) fn posted(&mut self, number: u64, text: &str, now: Instant) {
        let excerpt = excerpt(text);
        self.0.push_back(Line { number, excerpt, since: now, is_reported: false });
    }

    /// Returns the number of lines.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes all lines up to this number.
    pub(super) fn stored(&mut self, number: u64) {
        while self.0.front().is_some_and(|line| line.number <= number) {
            self.0.pop_front();
        }
    }

    /// Removes a line that was refused. Returns its beginning.
    pub(super) fn refused(&mut self, number: u64) -> Option<String> {
        let at = self.0.iter().position(|line| line.number == number)?;
        self.0.remove(at).map(|line| line.excerpt)
    }

    /// Returns the lines to report now, each once: immediately while the connection is lost.
    pub(super) fn overdue(&mut self, now: Instant, is_online: bool) -> Vec<&str> {
        let is_due = |line: &Line| !line.is_reported && (!is_online || now >= line.since + NOT_STORED_NOTICE_AFTER);
        self.0
            .iter_mut()
            .filter_map(|line| {
                let is_due = is_due(line);
                line.is_reported |= is_due;
                is_due.then_some(line.excerpt.as_str())
            })
            .collect()
    }

    /// Returns when to call [`UnstoredLines::overdue`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.iter().find(|line| !line.is_reported).map(|line| line.since + NOT_STORED_NOTICE_AFTER)
    }
}

fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(EXCERPT_LEN).collect();
    if short.len() == text.len() { short } else { short + " ..." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_a_line_once_when_storing_it_takes_too_long() {
        let mut lines = UnstoredLines::default();
        let start = Instant::from_micros(0);
        lines.posted(1, "one", start);
        lines.posted(2, "two", start);
        assert_eq!(lines.overdue(start, true), [""; 0]);
        assert_eq!(lines.deadline(), Some(start + NOT_STORED_NOTICE_AFTER));
        lines.stored(1);
        assert_eq!(lines.overdue(start + NOT_STORED_NOTICE_AFTER, true), ["two"]);
        assert_eq!(lines.overdue(start + NOT_STORED_NOTICE_AFTER, true), [""; 0]);
        assert_eq!(lines.deadline(), None);
        lines.stored(2);
        assert_eq!(lines.refused(2), None);
    }

    #[test]
    fn reports_a_line_at_once_while_the_connection_is_lost() {
        let mut lines = UnstoredLines::default();
        let start = Instant::from_micros(0);
        lines.posted(1, "one", start);
        assert_eq!(lines.overdue(start, false), ["one"]);
        assert_eq!(lines.refused(1).as_deref(), Some("one"));
    }

    #[test]
    fn excerpt_of_a_long_line_is_its_beginning() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt("two\nlines"), "two ...");
        assert_eq!(excerpt(&"\u{e9}".repeat(50)), format!("{} ...", "\u{e9}".repeat(40)));
    }
}
