//! A path that loses, duplicates, delays and damages datagrams, by fixed rules without
//! randomness.

use kabar_core::time::Duration;

/// The delay of a datagram.
const DELAY: Duration = Duration::from_millis(5);
/// The delay of a datagram that later ones overtake.
const LATE: Duration = Duration::from_millis(45);
/// The first datagrams that are lost, by direction: a Hello and an Initiate from the device, a
/// Challenge and an Accept to it.
const LOST_FIRST: [&[usize]; 2] = [&[0, 2], &[0, 2]];

/// The direction of a datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the device.
    Up,
    /// To the device.
    Down,
    /// Between others, without faults.
    Other,
}

/// Counts of the datagrams in one direction.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Datagrams sent.
    pub(super) sent: usize,
    /// The first byte of each lost datagram: the type of packet.
    pub(super) lost: Vec<u8>,
    pub(super) duplicated: usize,
    pub(super) late: usize,
    pub(super) damaged: usize,
}

#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) ways: [Way; 2],
    /// Whether every datagram is lost.
    pub(super) is_cut: bool,
}

impl Path {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The copies of a datagram that arrive, and the delay of each.
    pub(super) fn carry(&mut self, direction: Direction, bytes: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let index = match direction {
            Direction::Up => 0,
            Direction::Down => 1,
            Direction::Other => return vec![(DELAY, bytes.to_vec())],
        };
        let way = &mut self.ways[index];
        let number = way.sent;
        way.sent += 1;
        if self.is_cut || LOST_FIRST[index].contains(&number) || number % 6 == 5 {
            way.lost.push(bytes[0]);
            return Vec::new();
        }
        let mut bytes = bytes.to_vec();
        if number % 17 == 9 {
            way.damaged += 1;
            let at = number % bytes.len();
            bytes[at] ^= 0x10;
        }
        if number % 7 == 3 {
            way.duplicated += 1;
            return vec![(DELAY, bytes.clone()), (LATE, bytes)];
        }
        if number % 11 == 8 {
            way.late += 1;
            return vec![(LATE, bytes)];
        }
        vec![(DELAY, bytes)]
    }
}
