//! Sentences for pages: those of [`crate::messages`], without the marks of a terminal.

use kabar_core::chat::PostRefusedCode;
use kabar_std::text::clean_line;

use crate::engine::Event;
use crate::engine::event::JoinRefusal;
use crate::messages::events::{self, RoomLabel};
use crate::messages::notices::{self, Notice};

/// Returns the sentence about an event in `room`; `None`: nothing is reported.
pub(super) fn of_event(event: &Event, room: Option<&str>) -> Option<String> {
    if let Event::RoomNotAdded { why: JoinRefusal::Joined(_), .. } = event {
        return None;
    }
    let room = room.map(|name| RoomLabel { name, is_shown: true });
    Some(bare(&events::text(event, room)?).to_owned()).filter(|text| !text.is_empty())
}

/// Returns the sentence about a notice.
pub(super) fn of_notice(notice: &Notice<'_>) -> String {
    bare(&notices::text(notice, None).unwrap_or_default()).to_owned()
}

/// Returns the sentence about a post that is not in the room, and its text.
pub(super) fn not_posted(event: &Event, text: &str) -> Option<String> {
    Some(format!("{}: {}", of_event(event, None)?, clean_line(text)))
}

/// Returns the sentence about a post that the server refused.
pub(super) fn post_refused(number: u64, code: PostRefusedCode, text: &str) -> String {
    of_notice(&Notice::PostRefused { number, code, excerpt: Some(text) })
}

/// A terminal sets a notice apart by parentheses, a page by its look.
fn bare(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{RoomId, ServerId};

    #[test]
    fn parentheses_around_a_sentence_are_left_out() {
        assert_eq!(bare("(not connected)"), "not connected");
        assert_eq!(bare("reset (again)"), "reset (again)");
        let room = RoomId { server: ServerId(0), index: 0 };
        let gap = of_event(&Event::Gap { room, after: 1, first: 3 }, Some("lobby")).unwrap();
        assert_eq!(gap, "1 line is missing here: the server no longer keeps them");
    }

    #[test]
    fn a_post_that_is_refused_is_in_the_sentence() {
        let text = post_refused(1, PostRefusedCode::MUTED, "two\u{7}");
        assert_eq!(text, format!("not sent, you are muted in this room: {}", clean_line("two\u{7}")));
    }
}
