//! Sentences for people about the events of a room. The console prints them; log records carry
//! them.

use std::net::SocketAddr;

use crate::hub::{HubEvent, LeaveReason};
use kabar_std::text::{clean_line, refusal};

/// Describes `event` in one sentence; `None` for an entry of the log.
pub(crate) fn describe_event(event: &HubEvent) -> Option<String> {
    Some(match event {
        HubEvent::Entry { .. } => return None,
        HubEvent::Joined { name, from, .. } => format!("{} is connected", who(name, *from)),
        HubEvent::Left { name, from, reason } => {
            format!("{} is disconnected: {}", who(name, *from), leave_reason(*reason))
        }
        HubEvent::Waiting { name, from, .. } => {
            format!("{} waits to be let in: accept or reject {}", who(name, *from), clean_line(name))
        }
        HubEvent::Refused { name, from, code } => format!("refused {}: {}", who(name, *from), refusal(*code)),
        HubEvent::Moved { name, to } => format!("{} moved here", who(name, *to)),
        HubEvent::Operate { name, command, .. } => format!("{} operates: {}", clean_line(name), clean_line(command)),
        HubEvent::NotRemoved { seq, why } => format!("entry {seq} is not removed: {why}"),
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

/// Names the reason why a member left.
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
