//! How members and other identities are shown to an operator: one line for each.

use kabar_core::time::Duration;
use kabar_std::text::{LineFormatter, clean_line};

use crate::hub::{MemberInfo, PrivilegeInfo, SanctionInfo, WaitingInfo};
use crate::store::{PrivilegeKind, SanctionKind};

/// A member who is connected.
pub(super) fn describe_member(lines: &LineFormatter, member: &MemberInfo) -> String {
    let MemberInfo { name, address, since_ms, idle, rtt, is_muted, sessions } = member;
    let since = lines.stamp(*since_ms);
    let rtt = rtt.map_or_else(|| "unknown".to_owned(), milliseconds);
    let muted = if *is_muted { ", muted" } else { "" };
    let idle = idle.as_micros() / 1_000_000;
    let others = if *sessions > 1 { format!(", {sessions} connections") } else { String::new() };
    format!("  {} ({address}) since {since}, idle {idle} s, round trip {rtt}{muted}{others}", clean_line(name))
}

/// An operator or a trusted identity.
pub(super) fn describe_privilege(lines: &LineFormatter, privilege: &PrivilegeInfo) -> String {
    match privilege {
        PrivilegeInfo::Configured { fingerprint, name } => {
            let name = name.as_deref().map_or_else(|| fingerprint.to_string(), clean_line);
            format!("  {name} operator by the configuration")
        }
        PrivilegeInfo::Granted { privilege, by } => {
            let what = match privilege.kind {
                PrivilegeKind::Operator => "operator",
                PrivilegeKind::Trusted => "trusted",
            };
            let (name, since) = (clean_line(&privilege.name), lines.stamp(privilege.since_ms));
            format!("  {name} {what} since {since} by {}", issuer(by.as_deref()))
        }
    }
}

/// A ban or a mute.
pub(super) fn describe_sanction(lines: &LineFormatter, SanctionInfo { sanction, by }: &SanctionInfo) -> String {
    let what = match sanction.kind {
        SanctionKind::Ban => "banned",
        SanctionKind::Mute => "muted",
    };
    let reason = sanction.reason.as_deref().map(|reason| format!(": {}", clean_line(reason))).unwrap_or_default();
    let (name, since) = (clean_line(&sanction.name), lines.stamp(sanction.since_ms));
    format!("  {name} {what} since {since} by {}{reason}", issuer(by.as_deref()))
}

/// A newcomer who waits to be let in.
pub(super) fn describe_waiting(lines: &LineFormatter, waiting: &WaitingInfo) -> String {
    let WaitingInfo { name, address, since_ms } = waiting;
    format!("  {} ({address}) waits to be let in since {}", clean_line(name), lines.stamp(*since_ms))
}

/// The name of the operator who did something; `None`: at the console.
fn issuer(by: Option<&str>) -> String {
    by.map_or_else(|| "server".to_owned(), clean_line)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_micros() as f64 / 1e3)
}
