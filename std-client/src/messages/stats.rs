//! The reply to `/stats`: the status of the connection.

use kabar_core::client::ClientCounters;
use kabar_core::time::Duration;

use crate::driver::Traffic;
use crate::language::message;

/// Returns the table that is displayed.
pub(super) fn table(rtt: Option<Duration>, counters: &ClientCounters, traffic: Traffic, ignored: u64) -> String {
    let ClientCounters { connection, damaged, malformed, handshake, connections, .. } = *counters;
    let rtt = rtt.map_or_else(|| message!("stats-rtt-unknown"), |rtt| milliseconds(rtt.as_micros()));
    let malformed = malformed + handshake + connection.malformed;
    let table = message!(
        "stats",
        rtt,
        sent = connection.sent,
        sent_bytes = traffic.sent,
        lost = connection.lost,
        lost_percent = percent(connection.lost, connection.sent),
        resent = connection.resent,
        received = connection.received,
        received_bytes = traffic.received,
        damaged,
        not_authentic = connection.not_authentic,
        replayed = connection.replayed,
        stale = connection.stale,
        malformed,
        buffer_full = connection.buffer_full,
        connections,
    );
    if ignored == 0 { table } else { format!("{table}\n{}", message!("stats-ignored", lines = ignored)) }
}

fn milliseconds(micros: u64) -> String {
    message!("milliseconds", ms = format!("{}.{}", micros / 1_000, micros % 1_000 / 100))
}

fn percent(part: u64, whole: u64) -> String {
    let per_mille = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    message!("percent", percent = format!("{}.{}", per_mille / 10, per_mille % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_figures() {
        assert_eq!(milliseconds(12_345), "12.3 ms");
        assert_eq!(milliseconds(40), "0.0 ms");
        assert_eq!(percent(3, 1_000), "0.3 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "0.0 %");
    }

    #[test]
    fn table_has_every_counter() {
        let mut counters = ClientCounters::default();
        (counters.damaged, counters.connection.not_authentic, counters.connection.replayed) = (101, 102, 103);
        (counters.connection.resent, counters.connection.lost, counters.connection.sent) = (104, 105, 106);
        let table = table(Some(Duration::from_millis(5)), &counters, Traffic { sent: 107, received: 108 }, 109);
        for figure in ["5.0 ms", "101", "102", "103", "104", "105", "106", "107", "108", "109 lines"] {
            assert!(table.contains(figure), "{figure} in {table}");
        }
    }
}
