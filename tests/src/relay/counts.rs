//! What happened to datagrams, counted.

use std::fmt;

/// Of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Came in.
    pub came: u64,
    /// Were lost by chance.
    pub lost: u64,
    /// Were lost because they were too large.
    pub too_large: u64,
    /// Were lost because too many waited already.
    pub no_room: u64,
    /// Became two.
    pub doubled: u64,
    /// Were held up so that others overtake them.
    pub held: u64,
    /// Had bits turned.
    pub corrupted: u64,
    /// Had bits turned and the checksum made to match.
    pub forged: u64,
    /// Wait to be sent.
    pub waiting: u64,
    /// Were sent on.
    pub sent: u64,
}

/// Of a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// From clients to the server.
    pub up: Counts,
    /// From the server to clients.
    pub down: Counts,
    /// Clients that are remembered.
    pub clients: usize,
    /// Times a client was given another port towards the server.
    pub rebinds: u64,
    /// Datagrams of clients for whom there was no place or no socket.
    pub turned_away: u64,
}

type Column = (&'static str, fn(&Counts) -> u64);
const COLUMNS: [Column; 10] = [
    ("came", |counts| counts.came),
    ("lost", |counts| counts.lost),
    ("too large", |counts| counts.too_large),
    ("no room", |counts| counts.no_room),
    ("doubled", |counts| counts.doubled),
    ("held up", |counts| counts.held),
    ("corrupted", |counts| counts.corrupted),
    ("forged", |counts| counts.forged),
    ("waiting", |counts| counts.waiting),
    ("sent", |counts| counts.sent),
];

/// Two rows under a heading, and a line for the rest.
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
        let Self { clients, rebinds, turned_away, .. } = self;
        let clients_are = if *clients == 1 { "client" } else { "clients" };
        let ports_are = if *rebinds == 1 { "port" } else { "ports" };
        write!(f, "\n{clients} {clients_are}, {rebinds} new {ports_are}, {turned_away} turned away")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_table() {
        let up = Counts { came: 1_000_000, lost: 300_123, sent: 7, ..Counts::default() };
        let down = Counts { corrupted: 4, forged: 5, ..Counts::default() };
        let shown = Report { up, down, clients: 1, rebinds: 2, turned_away: 3 }.to_string();
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(
            lines[0],
            "                 came       lost  too large    no room    doubled    held up  corrupted     forged    waiting       sent"
        );
        assert_eq!(
            lines[1],
            "to server     1000000     300123          0          0          0          0          0          0          0          7"
        );
        assert_eq!(
            lines[2],
            "to clients          0          0          0          0          0          0          4          5          0          0"
        );
        assert_eq!(lines[3], "1 client, 2 new ports, 3 turned away");
    }
}
