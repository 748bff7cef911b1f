//! Counters of what happened to datagrams.

use std::fmt;

/// Datagrams of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Received.
    pub received: u64,
    /// Lost at random.
    pub lost: u64,
    /// Lost because they were too large.
    pub too_large: u64,
    /// Lost because too many were waiting.
    pub no_room: u64,
    /// Duplicated.
    pub duplicated: u64,
    /// Held back so that later ones overtake them.
    pub held_back: u64,
    /// Damaged: some bits were flipped.
    pub corrupted: u64,
    /// Forged: some bits were flipped, and the checksum was repaired.
    pub forged: u64,
    /// Waiting to be sent.
    pub waiting: u64,
    /// Forwarded.
    pub sent: u64,
}

/// Counters of a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// From clients to the server.
    pub up: Counts,
    /// From the server to clients.
    pub down: Counts,
    /// Number of clients.
    pub clients: usize,
    /// Number of times that a client was given another port towards the server.
    pub rebinds: u64,
    /// Datagrams from clients for which there was no room or no socket.
    pub rejected: u64,
}

type Column = (&'static str, fn(&Counts) -> u64);
const COLUMNS: [Column; 10] = [
    ("received", |counts| counts.received),
    ("lost", |counts| counts.lost),
    ("too large", |counts| counts.too_large),
    ("no room", |counts| counts.no_room),
    ("duplicated", |counts| counts.duplicated),
    ("held back", |counts| counts.held_back),
    ("corrupted", |counts| counts.corrupted),
    ("forged", |counts| counts.forged),
    ("waiting", |counts| counts.waiting),
    ("sent", |counts| counts.sent),
];

/// Two rows with a heading, and a line for the rest.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:10}", "")?;
        for (name, _) in COLUMNS {
            write!(f, "{name:>11}")?;
        }
        for (name, counts) in [("to server", &self.up), ("to clients", &self.down)] {
            write!(f, "\n{name:10}")?;
            for (_, count) in COLUMNS {
                write!(f, "{:>11}", count(counts))?;
            }
        }
        let Self { clients, rebinds, rejected, .. } = self;
        let clients_are = if *clients == 1 { "client" } else { "clients" };
        let ports_are = if *rebinds == 1 { "port" } else { "ports" };
        write!(f, "\n{clients} {clients_are}, {rebinds} new {ports_are}, {rejected} rejected")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_a_report_as_a_table() {
        let up = Counts { received: 1_000_000, lost: 300_123, sent: 7, ..Counts::default() };
        let down = Counts { corrupted: 4, forged: 5, ..Counts::default() };
        let shown = Report { up, down, clients: 1, rebinds: 2, rejected: 3 }.to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines[0],
            "             received       lost  too large    no room duplicated  held back  corrupted     forged    waiting       sent"
        );
        assert_eq!(
            lines[1],
            "to server     1000000     300123          0          0          0          0          0          0          0          7"
        );
        assert_eq!(
            lines[2],
            "to clients          0          0          0          0          0          0          4          5          0          0"
        );
        assert_eq!(lines[3], "1 client, 2 new ports, 3 rejected");
    }
}
