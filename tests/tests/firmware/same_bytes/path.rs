//! A path that loses, doubles, delays and damages datagrams: which ones is written down here, not
//! drawn.

use kabar_core::time::Duration;

/// How long a datagram is under way.
const DELAY: Duration = Duration::from_millis(5);
/// How long one that others overtake.
const LATE: Duration = Duration::from_millis(45);
/// The first ones that are lost: from the device a Hello and an Initiate, to it a Challenge and an
/// Accept.
const LOST_FIRST: [&[usize]; 2] = [&[0, 2], &[0, 2]];

/// Which way a datagram goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the device.
    Up,
    /// To the device.
    Down,
    /// Between others: nothing happens to it.
    Aside,
}

/// What happened to the datagrams of one direction.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// Datagrams that set out.
    pub(super) sent: usize,
    /// The first byte of each that was lost, which says what kind of packet it was.
    pub(super) lost: Vec<u8>,
    pub(super) doubled: usize,
    pub(super) late: usize,
    pub(super) damaged: usize,
}

#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) ways: [Way; 2],
    /// Nothing comes through at all.
    pub(super) is_cut: bool,
}

impl Path {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// What arrives of a datagram, and after how long.
    pub(super) fn carry(&mut self, direction: Direction, bytes: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        let index = match direction {
            Direction::Up => 0,
            Direction::Down => 1,
            Direction::Aside => return vec![(DELAY, bytes.to_vec())],
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
            way.doubled += 1;
            return vec![(DELAY, bytes.clone()), (LATE, bytes)];
        }
        if number % 11 == 8 {
            way.late += 1;
            return vec![(LATE, bytes)];
        }
        vec![(DELAY, bytes)]
    }
}
