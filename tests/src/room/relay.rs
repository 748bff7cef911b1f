//! A relay in front of a room.

use crate::process::Process;

/// A `kabar-relay` in front of a room.
#[derive(Debug)]
pub struct Relay {
    /// The process.
    pub process: Process,
    /// Address that it listens on.
    pub address: String,
}

impl Relay {
    /// Current counts, as a function of (direction, column).
    ///
    /// # Panics
    /// If there is no such column.
    pub fn counts(&mut self) -> impl Fn(&str, &str) -> u64 + use<> {
        self.process.signal("USR1");
        let heading = self.process.expect(" received ");
        let rows = ["to server", "to clients"].map(|direction| (direction, self.process.expect(direction)));
        move |direction, column| {
            let end = heading.find(&format!(" {column}")).expect("a column") + 1 + column.len();
            let (_, row) = rows.iter().find(|(name, _)| *name == direction).expect("a direction");
            row[..end].rsplit(' ').next().and_then(|digits| digits.parse().ok()).expect("a number")
        }
    }

    /// Number of times that a client was given another port.
    ///
    /// # Panics
    /// If the relay does not print it.
    #[must_use]
    pub fn rebinds(&mut self) -> u64 {
        self.process.signal("USR1");
        let line = self.process.expect(" new port");
        line.split(", ").nth(1).and_then(|part| part.split(' ').next()?.parse().ok()).expect("a number")
    }
}
