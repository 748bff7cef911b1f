//! The statistics that an operator asks for.

use crate::driver::Control;
use crate::hub::{CounterValue, Counters, LIMITS};

/// Returns the lines about a server since its start.
pub(super) fn stats(control: &Control) -> Vec<String> {
    let (counters, status) = (control.counters(), control.status());
    let limits = control.limits();
    let mut lines = vec![
        format!(
            "{} of at most {}; history from entry {} to {}",
            count_members(status.members),
            limits.members,
            status.first,
            status.head
        ),
        format!(
            "{} connections, {} not joined, {} half-open, {} handshakes in progress",
            status.connections, status.unjoined, status.half_open, status.handshakes
        ),
    ];
    lines.extend(traffic(&counters));
    let metrics = control.metrics();
    let mean = |mean: Option<f64>, factor: f64| mean.map_or(0.0, |mean| mean * factor);
    lines.push(format!(
        "stored: {} entries in {} commits, {:.1} ms and {:.1} entries each on average; {} failed or uncertain",
        counters.entries,
        counters.commits,
        mean(metrics.commit_time.snapshot().mean(), 1e3),
        mean(metrics.batch_entries.snapshot().mean(), 1.0),
        counters.commits_failed + counters.commits_uncertain,
    ));
    let met: Vec<String> = LIMITS
        .iter()
        .map(|limit| (limit, limit.hits(&counters)))
        .filter(|(_, times)| *times > 0)
        .map(|(limit, times)| format!("{} {times}", limit.name))
        .collect();
    lines.push(if met.is_empty() { "no limit was hit".into() } else { format!("limits hit: {}", met.join(", ")) });
    lines
}

/// Returns the lines about network traffic and dropped datagrams.
fn traffic(counters: &Counters) -> [String; 3] {
    let Counters { datagrams, bytes_in, transmits, bytes_out, messages_out, messages_in, .. } = *counters;
    let per_datagram = if transmits > 0 { messages_out as f64 / transmits as f64 } else { 0.0 };
    let shown_always = ["damaged", "not_authentic", "replayed"];
    let others: Vec<String> = counters
        .all()
        .filter(|it| it.is_drop && it.value > 0 && !shown_always.contains(&it.name))
        .map(|CounterValue { name, value, .. }| format!(", {} {value}", name.replace('_', " ")))
        .collect();
    [
        format!("in: {datagrams} datagrams, {bytes_in} bytes, {messages_in} messages"),
        format!(
            "out: {transmits} datagrams, {bytes_out} bytes, {messages_out} messages ({per_datagram:.2} per datagram), packets resent {}, lost {}",
            counters.packets_resent, counters.packets_lost
        ),
        format!(
            "dropped: damaged {}, not authentic {}, replayed {}{}",
            counters.damaged,
            counters.not_authentic,
            counters.replayed,
            others.concat()
        ),
    ]
}

/// A number of members, as a text.
pub(super) fn count_members(count: usize) -> String {
    if count == 1 { "1 member".to_owned() } else { format!("{count} members") }
}
