//! The server's console: prints one line per event and executes what an operator types.
//!
//! * [`format_event`]: an event as a line.
//! * [`input`]: reads lines from standard input.
//! * [`command`]: parses a line. [`execute`]: executes it.

pub mod command;
pub mod execute;
pub mod input;

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::hub::{HubEvent, LeaveReason};
use kabar_std::text::{Content, Line, LineFormatter, clean_line, refusal};

/// Formats `event` as one line.
#[must_use]
pub fn format_event(lines: &LineFormatter, event: &HubEvent) -> String {
    if let HubEvent::Entry { time_ms, author, from, kind, body, .. } = event {
        let content = Content::Body(body);
        return lines.format(&Line { time_ms: *time_ms, author, address: *from, kind: *kind, content });
    }
    format!("[{}] * {}", lines.stamp(unix_ms()), describe_event(event).unwrap_or_default())
}

/// Describes `event` in one sentence; `None` for an entry of the log.
#[must_use]
pub fn describe_event(event: &HubEvent) -> Option<String> {
    Some(match event {
        HubEvent::Entry { .. } => return None,
        HubEvent::Joined { name, from, .. } => format!("{} is connected", who(name, *from)),
        HubEvent::Left { name, from, reason } => {
            format!("{} is disconnected: {}", who(name, *from), leave_reason(*reason))
        }
        HubEvent::Refused { name, from, code } => format!("refused {}: {}", who(name, *from), refusal(*code)),
        HubEvent::Moved { name, to } => format!("{} moved here", who(name, *to)),
        HubEvent::StoreTrouble(error) => format!("the history cannot be written: {error}; posts wait, retrying"),
        HubEvent::StoreUnreadable(error) => format!("the history cannot be read: {error}; retrying"),
        HubEvent::StoreRegressed { head, expected } => {
            format!(
                "the history ends at entry {head} but had reached {expected}: entries were lost; posts are no longer accepted"
            )
        }
        HubEvent::StoreRecovered => "the history can be written again".to_owned(),
        HubEvent::StoreLogHeld { bytes } => format!(
            "history.db-wal has grown to {} MiB because another program keeps reading the history: stop that program (`fuser` shows it)",
            bytes >> 20
        ),
        HubEvent::StoreLogFreed => "history.db-wal no longer grows".to_owned(),
    })
}

fn who(name: &str, address: SocketAddr) -> String {
    format!("{} ({address})", clean_line(name))
}

pub(crate) fn leave_reason(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Vanished => "timed out",
        LeaveReason::Replaced => "replaced by a new connection of the same identity",
        LeaveReason::Kicked => "kicked",
        LeaveReason::Banned => "banned",
        LeaveReason::Violation => "protocol violation",
        LeaveReason::Shutdown => "server shutting down",
    }
}

fn unix_ms() -> u64 {
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
    fn says_who_said_what_from_where() {
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
    fn what_strangers_ask_for_cannot_steer_the_console() {
        let event = HubEvent::Refused { name: "a\n\x1b]0;x\x07b".into(), from: FROM.into(), code: RefusedCode::BANNED };
        assert_eq!(show(event), "* refused a ]0;xb (192.168.0.7:4711): banned");
    }
}
