//! The reply to `/stats`: the status of the connection.

use kabar_core::client::ClientCounters;
use kabar_core::time::Duration;

use super::plural::count;
use crate::driver::Traffic;

/// Returns the table that is displayed.
pub(super) fn table(rtt: Option<Duration>, counters: &ClientCounters, traffic: Traffic, ignored: u64) -> String {
    let ClientCounters { connection, damaged, malformed, handshake, connections, .. } = *counters;
    let rtt = rtt.map_or("not known yet".to_owned(), |rtt| milliseconds(rtt.as_micros()));
    let malformed = malformed + handshake + connection.malformed;
    let ignored = match ignored {
        0 => String::new(),
        _ => format!("\nignored        {}", count(ignored, "line", "lines")),
    };
    format!(
        "round trip     {rtt}\n\
         sent           {} packets, {} bytes; {} lost ({}), {} retransmitted\n\
         received       {} packets, {} bytes\n\
         damaged        {damaged} (CRC-32: corrupted in transit)\n\
         not authentic  {} (forged, or corrupted in a way that CRC-32 does not detect)\n\
         replayed       {}, too old {}, malformed {malformed}, dropped for lack of memory {}\n\
         connections    {connections}{ignored}",
        connection.sent,
        traffic.sent,
        connection.lost,
        percent(connection.lost, connection.sent),
        connection.resent,
        connection.received,
        traffic.received,
        connection.not_authentic,
        connection.replayed,
        connection.stale,
        connection.buffer_full,
    )
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100)
}

fn percent(part: u64, whole: u64) -> String {
    let per_mille = part.saturating_mul(1_000).checked_div(whole).unwrap_or(0);
    format!("{}.{} %", per_mille / 10, per_mille % 10)
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
