//! The network of a simulation: what may happen to a datagram on one direction of a path.

use kabar_core::crypto::{Portable, Provider};
use kabar_core::time::Duration;

use super::coverage::{Coverage, Seen};
use super::rng::Rng;

/// Loss in bursts (Gilbert and Elliott): a state that is entered and left with these chances per
/// datagram.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    /// Per mille to enter.
    pub enter: u16,
    /// Per mille to leave.
    pub leave: u16,
    /// Per mille lost while in it.
    pub loss: u16,
}

/// Chance, per mille, that a datagram of the burst is lost in which a path becomes narrower.
const LOST_IN_NARROWING: u16 = 800;

/// What may happen on one direction of a path. Chances are per mille and datagram.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// Lost by chance.
    pub loss: u16,
    /// Lost in bursts.
    pub burst: Option<Burst>,
    /// Arrives twice.
    pub duplicate: u16,
    /// Arrives with damage that the CRC shows.
    pub damage: u16,
    /// Arrives with damage and a matching CRC.
    pub change: u16,
    /// Held back so that others overtake it.
    pub reorder: u16,
    /// How long one that is held back is late at most.
    pub held_back: Duration,
    /// Least time on the way.
    pub delay: Duration,
    /// Random time on top.
    pub jitter: Duration,
    /// Larger datagrams never arrive, in bytes.
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

/// Whether a datagram is what a peer sealed or said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// As it was sent.
    Peer,
    /// Somebody or something else made it.
    Forged,
}

/// A datagram that will arrive.
#[derive(Debug)]
pub struct Arrival {
    /// Time on the way.
    pub after: Duration,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is as it was sent.
    pub origin: Origin,
}

/// A path that carries only smaller datagrams from some moment on, and loses a burst at that
/// moment.
#[derive(Clone, Copy, Debug)]
pub struct Narrowing {
    /// Largest datagram towards the server from then on, in bytes; `None`: as before.
    pub up: Option<usize>,
    /// The same from the server.
    pub down: Option<usize>,
    /// Datagrams of the burst, in each direction that changes.
    pub burst: u16,
}

/// One direction of a path.
#[derive(Debug)]
pub struct Direction {
    /// What may happen on it.
    pub faults: Faults,
    /// Nothing passes now.
    pub cut: bool,
    /// What is sent while nothing passes arrives after up to so long instead of never, if this is
    /// not zero.
    pub late: Duration,
    /// Of the next datagrams, this many are likely to be lost.
    pub lose_next: u16,
    in_burst: bool,
}

impl Direction {
    /// Open, with `faults`.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { faults, cut: false, late: Duration::ZERO, lose_next: 0, in_burst: false }
    }

    /// Larger datagrams than `limit` never arrive from now on, and of the next `burst` hardly one.
    pub fn narrow(&mut self, limit: Option<usize>, burst: u16) {
        if limit.is_some() {
            self.faults.size_limit = limit;
            self.lose_next = burst;
        }
    }

    /// What becomes of `datagram`: nothing, one arrival, or two.
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

/// Flips bits, cuts or lengthens.
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
