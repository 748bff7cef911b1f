//! The network of a simulation: faults of one direction of a path.

use kabar_core::crypto::{Portable, Provider};
use kabar_core::time::Duration;

use super::coverage::{Coverage, Seen};
use super::rng::Rng;

/// Loss in bursts (Gilbert-Elliott model): chances per datagram to enter and to leave the lossy
/// state.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Per mille to enter the lossy state.
    pub enter: u16,
    /// Per mille to leave it.
    pub leave: u16,
    /// Per mille lost while in it.
    pub loss: u16,
}

/// Chance, per mille, that a datagram of the burst is lost when a path begins to drop large ones.
const LOST_IN_NARROWING: u16 = 800;

/// Faults of one direction of a path. Chances are per mille and datagram.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Lost independently.
    pub loss: u16,
    /// Lost in bursts.
    pub burst: Option<Burst>,
    /// Duplicated.
    pub duplicate: u16,
    /// Damaged; the CRC does not match.
    pub damage: u16,
    /// Damaged, with a matching CRC.
    pub change: u16,
    /// Held back so that later datagrams overtake it.
    pub reorder: u16,
    /// Longest time that a datagram is held back.
    pub held_back: Duration,
    /// Shortest transit time.
    pub delay: Duration,
    /// Largest random addition to the transit time.
    pub jitter: Duration,
    /// Size in bytes above which datagrams are dropped.
    pub size_limit: Option<usize>,
}

impl Faults {
    /// A path on which nothing goes wrong.
    pub const NONE: Self = Self {
        loss: 0,
        burst: None,
        duplicate: 0,
        damage: 0,
        change: 0,
        reorder: 0,
        held_back: Duration::ZERO,
        delay: Duration::from_millis(1),
        jitter: Duration::ZERO,
        size_limit: None,
    };
}

/// Whether a datagram is what a peer sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Unchanged since the peer sent it.
    Peer,
    /// Changed on the path, or made by an attacker.
    Forged,
}

/// A datagram that will arrive.
#[derive(Debug)]
pub struct Arrival {
    /// Transit time.
    pub after: Duration,
    /// Content.
    pub bytes: Vec<u8>,
    /// Whether the content is unchanged.
    pub origin: Origin,
}

/// The moment at which a path begins to drop large datagrams: it loses a burst, and then all
/// datagrams above a size.
#[derive(Clone, Copy, Debug)]
pub struct Narrowing {
    /// Largest datagram towards the server from then on, in bytes; `None`: unchanged.
    pub up: Option<usize>,
    /// Largest datagram from the server from then on, in bytes; `None`: unchanged.
    pub down: Option<usize>,
    /// Datagrams in the burst, in each direction that changes.
    pub burst: u16,
}

/// One direction of a path.
#[derive(Debug)]
pub struct Direction {
    /// Current faults.
    pub faults: Faults,
    /// Nothing is delivered at present.
    pub cut: bool,
    /// If not zero, datagrams sent during a cut arrive after up to this time instead of never.
    pub late: Duration,
    /// Number of following datagrams that are likely to be lost.
    pub lose_next: u16,
    in_burst: bool,
}

impl Direction {
    /// A direction that is open, with `faults`.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { faults, cut: false, late: Duration::ZERO, lose_next: 0, in_burst: false }
    }

    /// Drops datagrams larger than `limit` from now on, and most of the next `burst` datagrams.
    pub fn narrow(&mut self, limit: Option<usize>, burst: u16) {
        if limit.is_some() {
            self.faults.size_limit = limit;
            self.lose_next = burst;
        }
    }

    /// Applies the faults to `datagram` and returns its arrivals: none, one or two.
    pub fn send(&mut self, datagram: &[u8], rng: &mut Rng, coverage: &mut Coverage) -> Vec<Arrival> {
        coverage.count(Seen::Sent);
        let faults = self.faults;
        if self.cut {
            coverage.count(Seen::Partitioned);
            if self.late == Duration::ZERO {
                return Vec::new();
            }
            coverage.count(Seen::Late);
            let mut arrival = self.arrival(datagram, rng, coverage);
            arrival.after = arrival.after + Duration::from_micros(rng.below(self.late.as_micros()));
            return vec![arrival];
        }
        if self.lose_next > 0 {
            self.lose_next -= 1;
            if rng.chance(LOST_IN_NARROWING) {
                coverage.count(Seen::LostInNarrowing);
                return Vec::new();
            }
        }
        if faults.size_limit.is_some_and(|limit| datagram.len() > limit) {
            coverage.count(Seen::TooLarge);
            return Vec::new();
        }
        if let Some(burst) = faults.burst {
            let turn = if self.in_burst { burst.leave } else { burst.enter };
            self.in_burst ^= rng.chance(turn);
            if self.in_burst && rng.chance(burst.loss) {
                coverage.count(Seen::LostInBurst);
                return Vec::new();
            }
        }
        if rng.chance(faults.loss) {
            coverage.count(Seen::Lost);
            return Vec::new();
        }
        let mut arrivals = vec![self.arrival(datagram, rng, coverage)];
        if rng.chance(faults.duplicate) {
            coverage.count(Seen::Duplicated);
            arrivals.push(self.arrival(datagram, rng, coverage));
        }
        arrivals
    }

    fn arrival(&self, datagram: &[u8], rng: &mut Rng, coverage: &mut Coverage) -> Arrival {
        let faults = &self.faults;
        let mut after = faults.delay + Duration::from_micros(rng.below(faults.jitter.as_micros() + 1));
        if rng.chance(faults.reorder) {
            coverage.count(Seen::Reordered);
            after = after + Duration::from_micros(rng.below(faults.held_back.as_micros() + 1));
        }
        let mut bytes = datagram.to_vec();
        let mut origin = Origin::Peer;
        if rng.chance(faults.damage) {
            coverage.count(Seen::Damaged);
            damage(&mut bytes, rng);
            origin = Origin::Forged;
        } else if rng.chance(faults.change) {
            coverage.count(Seen::Changed);
            damage(&mut bytes, rng);
            repair_crc(&mut bytes);
            origin = Origin::Forged;
        }
        if bytes == datagram {
            origin = Origin::Peer;
        }
        Arrival { after, bytes, origin }
    }
}

/// Flips bits, truncates or appends.
pub fn damage(bytes: &mut Vec<u8>, rng: &mut Rng) {
    match rng.below(8) {
        0 => bytes.truncate(rng.index(bytes.len() + 1)),
        1 => {
            let more = rng.between(1, 8);
            bytes.extend((0..more).map(|_| rng.next() as u8));
        }
        _ => {
            for _ in 0..rng.between(1, 4) {
                if !bytes.is_empty() {
                    let at = rng.index(bytes.len());
                    bytes[at] ^= 1 << rng.below(8);
                }
            }
        }
    }
}

/// Makes the CRC match again.
pub fn repair_crc(bytes: &mut [u8]) {
    if let Some((body, crc)) = bytes.split_last_chunk_mut::<4>() {
        *crc = Portable::crc32(body).to_be_bytes();
    }
}

#[cfg(test)]
mod tests;
