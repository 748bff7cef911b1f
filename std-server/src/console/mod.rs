//! The server's console: prints one line per event and executes what an operator types.
//!
//! * [`format_event`]: an event as a line.
//! * [`input`]: reads lines from standard input. [`editor`]: edits them at a terminal.
//! * [`command`]: parses a line. [`execute`]: executes it. [`state`]: the room that it acts on.
//! * [`control_socket`]: passes on the commands of `kabar-server ctl`.

pub mod command;
#[cfg(unix)]
pub mod control_socket;
pub mod editor;
mod errors;
pub mod execute;
pub mod input;
pub mod invites;
mod people;
pub mod rooms;
pub mod state;
mod stats;

use std::time::{SystemTime, UNIX_EPOCH};

use crate::hub::HubEvent;
use crate::messages::describe_event;
use kabar_std::text::{Content, Line, LineFormatter};

/// Formats `event` as one line.
#[must_use]
pub fn format_event(lines: &LineFormatter, event: &HubEvent) -> String {
    if let HubEvent::Entry { time_ms, author, from, kind, body, .. } = event {
        let content = Content::Body(body);
        return lines.format(&Line { time_ms: *time_ms, author, address: *from, kind: *kind, content });
    }
    format!("[{}] * {}", lines.stamp(unix_ms()), describe_event(event).unwrap_or_default())
}

/// The time of day in ms since 1970.
pub(crate) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::{EntryKind, RefusedCode};

    use super::*;

    const FROM: ([u8; 4], u16) = ([192, 168, 0, 7], 4711);

    fn show(event: HubEvent) -> String {
        let line = format_event(&LineFormatter::new(), &event);
        assert!(line.starts_with("[20") && &line[20..22] == "] ", "{line}");
        line[22..].to_owned()
    }

    #[test]
    fn a_line_shows_author_address_and_text() {
        let from = Some(FROM.into());
        let body = b"halo\x1b[2J".to_vec();
        let event = HubEvent::Entry {
            seq: 1,
            time_ms: 1_730_457_430_000,
            author: "Farhan".into(),
            from,
            kind: EntryKind::TEXT,
            body,
        };
        assert_eq!(show(event), "Farhan (192.168.0.7:4711): halo[2J");
    }

    #[test]
    fn a_name_cannot_send_control_characters_to_the_console() {
        let event = HubEvent::Refused { name: "a\n\x1b]0;x\x07b".into(), from: FROM.into(), code: RefusedCode::BANNED };
        assert_eq!(show(event), "* refused a ]0;xb (192.168.0.7:4711): banned");
    }
}
