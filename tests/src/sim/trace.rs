//! The record of a run: a hash to compare runs by, and lines to read on request.

use kabar_core::time::Instant;

/// The hash of a run so far, and whether to print its lines.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    print: bool,
}

impl Trace {
    /// An empty trace. `print`: lines go to standard output.
    #[must_use]
    pub fn new(print: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, print }
    }

    /// The hash so far; equal for runs in which the same happened.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Adds bytes to the hash.
    pub fn bytes(&mut self, at: Instant, bytes: &[u8]) {
        self.word(at.as_micros());
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    /// Records an event: adds `words` to the hash, and prints `line` if printing is on.
    pub fn note(&mut self, at: Instant, words: &[u64], line: impl FnOnce() -> String) {
        self.word(at.as_micros());
        words.iter().for_each(|word| self.word(*word));
        self.print_line(at, line);
    }

    /// Prints `line` if printing is on.
    pub fn print_line(&self, at: Instant, line: impl FnOnce() -> String) {
        if self.print {
            let micros = at.as_micros();
            println!("{:>5}.{:06} {}", micros / 1_000_000, micros % 1_000_000, line());
        }
    }

    fn word(&mut self, word: u64) {
        self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

/// Summary of a datagram.
#[must_use]
pub fn describe(datagram: &[u8]) -> String {
    let kind = match datagram.first() {
        Some(0x11) => "Hello",
        Some(0x12) => "Challenge",
        Some(0x13) => "Initiate",
        Some(0x14) => "Accept",
        Some(0x15) => "Sealed",
        Some(0x16) => "Hint",
        _ => "?",
    };
    match packet_number(datagram) {
        Some((id, number)) => format!("{kind} {id:08x}#{number:x} ({} bytes)", datagram.len()),
        None => format!("{kind} ({} bytes)", datagram.len()),
    }
}

/// Connection id and packet number of a Sealed packet or a Hint.
#[must_use]
pub fn packet_number(datagram: &[u8]) -> Option<(u32, u64)> {
    let first = datagram.first()?;
    let id = u32::from_be_bytes(*datagram.get(1..5)?.first_chunk()?);
    let number = u64::from_be_bytes(*datagram.get(5..13)?.first_chunk()?);
    matches!(first, 0x15 | 0x16).then_some((id, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_depends_on_time_order_and_content() {
        let of = |notes: &[(u64, &[u8])]| {
            let mut trace = Trace::new(false);
            notes.iter().for_each(|(at, bytes)| trace.bytes(Instant::from_micros(*at), bytes));
            trace.hash()
        };
        let hash = of(&[(1, b"one"), (2, b"two")]);
        assert_eq!(hash, of(&[(1, b"one"), (2, b"two")]));
        assert_ne!(hash, of(&[(1, b"one"), (3, b"two")]));
        assert_ne!(hash, of(&[(1, b"two"), (2, b"one")]));
        assert_ne!(hash, of(&[(1, b"one"), (2, b"twO")]));
    }
}
