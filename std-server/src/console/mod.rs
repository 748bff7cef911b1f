//! The server's console: one line per thing that happens, and what an operator types.
//!
//! * [`show_event`]: the lines. * [`input`]: the keyboard. * [`command`]: what a typed line means. * [`answer`]: what comes of it.

pub mod answer;
pub mod command;
pub mod input;

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::hub::{HubEvent, LeaveReason};
use kabar_std::text::{Content, Line, Lines, clean_line, refusal};

/// The line that tells of `event`.
#[must_use]
pub fn show_event(lines: &Lines, event: &HubEvent) -> String {
    let what = match event {
        HubEvent::Entry { time_ms, author, from, kind, body, .. } => {
            let content = Content::Body(body);
            return lines.show(&Line { time_ms: *time_ms, author, address: *from, kind: *kind, content });
        }
        HubEvent::Joined { name, from, .. } => format!("{} is connected", who(name, *from)),
        HubEvent::Left { name, from, reason } => {
            format!("{} is disconnected: {}", who(name, *from), leave_reason(*reason))
        }
        HubEvent::Refused { name, from, code } => format!("{} was not let in: {}", who(name, *from), refusal(*code)),
        HubEvent::Moved { name, to } => format!("{} moved here", who(name, *to)),
        HubEvent::StoreTrouble(error) => format!("the history cannot be written: {error}; posts wait, trying again"),
        HubEvent::StoreUnreadable(error) => format!("the history cannot be read: {error}; trying again"),
        HubEvent::StoreWentBack { head, expected } => {
            format!(
                "the history ends at {head} where it had reached {expected}: entries were lost; nothing more is accepted"
            )
        }
        HubEvent::StoreRecovered => "the history can be written again".to_owned(),
        HubEvent::StoreLogHeld { bytes } => format!(
            "history.db-wal has grown to {} MiB, because another program keeps reading the history: end that program (`fuser` names it)",
            bytes >> 20
        ),
        HubEvent::StoreLogFreed => "history.db-wal is used from its beginning again".to_owned(),
    };
    format!("[{}] * {what}", lines.stamp(unix_ms()))
}

fn who(name: &str, address: SocketAddr) -> String {
    format!("{} ({address})", clean_line(name))
}

fn leave_reason(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Vanished => "not heard of any more",
        LeaveReason::Replaced => "the same identity came again",
        LeaveReason::Kicked => "put out",
        LeaveReason::Banned => "banned",
        LeaveReason::Violation => "broke the protocol",
        LeaveReason::Shutdown => "the server stops",
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use kabar_core::chat::{Kind, RefusedCode};

    use super::*;

    const FROM: ([u8; 4], u16) = ([192, 168, 0, 7], 4711);

    fn show(event: HubEvent) -> String {
        let line = show_event(&Lines::new(), &event);
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
            kind: Kind::TEXT,
            body,
        };
        assert_eq!(show(event), "Farhan (192.168.0.7:4711): halo[2J");
    }

    #[test]
    fn what_strangers_ask_for_cannot_steer_the_console() {
        let event = HubEvent::Refused { name: "a\n\x1b]0;x\x07b".into(), from: FROM.into(), code: RefusedCode::BANNED };
        assert_eq!(show(event), "* a ]0;xb (192.168.0.7:4711) was not let in: banned");
    }
}
