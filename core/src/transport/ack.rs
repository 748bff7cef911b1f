//! What was received and when to say so (SPEC 5.3), and which numbers were sent.

use core::ops::RangeInclusive;

use super::ranges::{RangeSet, Span};
use crate::time::{Duration, Instant};
use crate::wire::frame::{Ack, MAX_ACK_RANGES};
use crate::wire::io::{BufferFull, Writer};

/// Ranges of received numbers that are remembered (SPEC 8).
pub(crate) const MAX_RANGES: usize = 32;
const _: () = assert!(MAX_RANGES == MAX_ACK_RANGES + 1);

/// Ack-eliciting packets that may wait together.
const MAX_WAITING: u8 = 2;
/// Jumps of our own packet number that are remembered; there is about one per hour.
const MAX_JUMPS: usize = 4;

/// The numbers received and the acknowledgement that waits.
#[derive(Debug)]
pub(crate) struct ReceivedPackets {
    numbers: RangeSet<MAX_RANGES>,
    /// Everything below was trimmed and is never acknowledged later.
    floor: u64,
    /// When the largest came.
    largest_at: Instant,
    /// Ack-eliciting packets since the last ACK was sent.
    waiting: u8,
    is_due: bool,
    deadline: Option<Instant>,
}

impl ReceivedPackets {
    pub(crate) const NONE: Self = Self {
        numbers: RangeSet::EMPTY,
        floor: 0,
        largest_at: Instant::ZERO,
        waiting: 0,
        is_due: false,
        deadline: None,
    };

    /// A packet was taken with every frame in it.
    pub(crate) fn on_packet(&mut self, now: Instant, number: u64, is_ack_eliciting: bool, max_delay: Duration) {
        let expected = self.numbers.last().map_or(0, |last| last.end);
        self.insert(number);
        if number >= expected {
            self.largest_at = now;
        }
        if is_ack_eliciting {
            self.waiting = self.waiting.saturating_add(1);
            // SPEC 5.3
            if number != expected || self.waiting >= MAX_WAITING || max_delay == Duration::ZERO {
                self.is_due = true;
                self.deadline = None;
            } else if !self.is_due {
                self.deadline.get_or_insert(now + max_delay);
            }
        }
    }

    fn insert(&mut self, number: u64) {
        // SPEC 5.3: what was trimmed stays so.
        if number < self.floor {
            return;
        }
        let span = Span::new(number, number.saturating_add(1));
        if self.numbers.insert(span).is_ok() {
            return;
        }
        match self.numbers.first() {
            Some(lowest) if lowest.start < number => {
                self.floor = lowest.end;
                self.numbers.pop_first();
                let inserted = self.numbers.insert(span);
                debug_assert!(inserted.is_ok());
            }
            // It would be the one to trim.
            _ => self.floor = span.end,
        }
    }

    /// Whether an ACK must go out now.
    pub(crate) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether an ACK would say something that the peer waits for.
    pub(crate) const fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// When the ACK becomes due.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    #[inline]
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.is_due = true;
        }
    }

    /// Appends an ACK frame with as many ranges as fit, newest first.
    pub(crate) fn encode(&self, now: Instant, out: &mut Writer<'_>) -> Result<(), BufferFull> {
        let delay = now.saturating_since(self.largest_at).as_micros();
        let ranges = self.numbers.as_slice().iter().rev().map(|span| span.inclusive());
        Ack::encode_ranges(out, u32::try_from(delay).unwrap_or(u32::MAX), ranges)
    }

    /// The largest number received; 0 before the first.
    pub(crate) fn largest(&self) -> u64 {
        self.numbers.last().map_or(0, |last| last.end - 1)
    }

    /// The peer got an ACK of ours up to `largest`: the ranges below the one that ends there need not be said again, and what is
    /// missing between them was lost long ago. Otherwise one bad minute would make every later ACK a long one.
    pub(crate) fn on_ack_acknowledged(&mut self, largest: u64) {
        while let Some(lowest) = self.numbers.first().filter(|lowest| lowest.end <= largest) {
            self.floor = lowest.end;
            self.numbers.pop_first();
        }
        if let Some(lowest) = self.numbers.first().filter(|lowest| lowest.start <= largest) {
            self.floor = self.floor.max(lowest.start);
        }
    }

    /// An ACK went out.
    #[inline]
    pub(crate) fn on_sent(&mut self) {
        self.waiting = 0;
        self.is_due = false;
        self.deadline = None;
    }
}

/// The packet numbers that were sent: all below `next` but the latest jumps (SPEC 4.2).
#[derive(Debug)]
pub(crate) struct SentRanges {
    next: u64,
    jumps: [Span; MAX_JUMPS],
}

impl SentRanges {
    pub(crate) const NONE: Self = Self { next: 0, jumps: [Span::EMPTY; MAX_JUMPS] };

    /// The number after the last one sent.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    #[inline]
    pub(crate) fn record(&mut self, number: u64) {
        if number > self.next {
            self.jumps.rotate_right(1);
            self.jumps[0] = Span::new(self.next, number);
        }
        self.next = self.next.max(number.saturating_add(1));
    }

    /// Whether all of `numbers` were sent, as far as is known.
    #[inline]
    pub(crate) fn contains(&self, numbers: &RangeInclusive<u64>) -> bool {
        let span = Span::new(*numbers.start(), numbers.end().saturating_add(1));
        *numbers.end() < self.next && self.jumps.iter().all(|jump| jump.intersect(span).is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{Frame, Frames};
    use std::vec::Vec;

    const DELAY: Duration = Duration::from_millis(5);

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1_000)
    }

    fn acked(received: &ReceivedPackets) -> Vec<RangeInclusive<u64>> {
        let mut buffer = [0; 300];
        let mut writer = Writer::new(&mut buffer);
        received.encode(at(0), &mut writer).unwrap();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
        ack.ranges().collect()
    }

    #[test]
    fn waits_up_to_the_stated_delay_for_a_second_packet() {
        let mut received = ReceivedPackets::NONE;
        received.on_packet(at(10), 0, true, DELAY);
        assert!(!received.is_due());
        assert_eq!(received.deadline(), Some(at(15)));
        received.on_timeout(at(14));
        assert!(!received.is_due());
        received.on_timeout(at(15));
        assert!(received.is_due());
        received.on_sent();
        assert!(!received.is_due() && !received.is_waiting());
    }

    #[test]
    fn acknowledges_at_once_when_two_wait() {
        let mut received = ReceivedPackets::NONE;
        received.on_packet(at(10), 0, true, DELAY);
        received.on_packet(at(11), 1, true, DELAY);
        assert!(received.is_due());
        assert_eq!(received.deadline(), None);
    }

    #[test]
    fn acknowledges_at_once_out_of_order() {
        let mut received = ReceivedPackets::NONE;
        received.on_packet(at(10), 1, true, DELAY);
        assert!(received.is_due());
        received.on_sent();
        received.on_packet(at(10), 0, true, DELAY);
        assert!(received.is_due());
    }

    #[test]
    fn packets_of_ack_alone_cause_no_ack() {
        let mut received = ReceivedPackets::NONE;
        for number in 0..10 {
            received.on_packet(at(10), 2 * number, false, DELAY);
        }
        assert!(!received.is_due() && !received.is_waiting());
        assert_eq!(received.deadline(), None);
    }

    #[test]
    fn never_acknowledges_a_trimmed_number_later() {
        let mut received = ReceivedPackets::NONE;
        for number in 0..=32 {
            received.on_packet(at(0), 10 + 2 * number, true, DELAY);
        }
        let ranges = acked(&received);
        assert_eq!((ranges.len(), &ranges[0], &ranges[31]), (32, &(74..=74), &(12..=12)));
        // 10 was trimmed; neither it nor anything below comes back, even when there is room again.
        received.on_packet(at(0), 13, true, DELAY);
        received.on_packet(at(0), 10, true, DELAY);
        received.on_packet(at(0), 9, true, DELAY);
        assert_eq!(acked(&received).last(), Some(&(12..=14)));
        received.on_packet(at(0), 11, true, DELAY);
        assert_eq!(acked(&received).last(), Some(&(11..=14)));
    }

    #[test]
    fn what_is_older_than_all_ranges_of_a_full_set_is_not_acknowledged() {
        let mut received = ReceivedPackets::NONE;
        for number in 0..32 {
            received.on_packet(at(0), 10 + 2 * number, true, DELAY);
        }
        received.on_packet(at(0), 5, true, DELAY);
        received.on_packet(at(0), 11, true, DELAY);
        received.on_packet(at(0), 5, true, DELAY);
        assert_eq!(acked(&received).last(), Some(&(10..=12)));
    }

    #[test]
    fn says_no_more_what_the_peer_is_known_to_have_heard() {
        let mut received = ReceivedPackets::NONE;
        [1, 3, 4, 6, 9].iter().for_each(|&number| received.on_packet(at(0), number, true, DELAY));
        assert_eq!(received.largest(), 9);
        received.on_ack_acknowledged(4);
        assert_eq!(acked(&received), [9..=9, 6..=6, 3..=4]);
        // Below that range nothing is acknowledged any more, above it everything.
        [2, 0, 5].iter().for_each(|&number| received.on_packet(at(0), number, true, DELAY));
        assert_eq!(acked(&received), [9..=9, 3..=6]);
        received.on_ack_acknowledged(9);
        assert_eq!(acked(&received), [9..=9]);
        received.on_ack_acknowledged(0);
        received.on_packet(at(0), 10, true, DELAY);
        assert_eq!(acked(&received), [9..=10]);
    }

    #[test]
    fn states_how_long_the_largest_waited() {
        let mut received = ReceivedPackets::NONE;
        received.on_packet(at(10), 4, true, DELAY);
        received.on_packet(at(12), 3, true, DELAY);
        let mut buffer = [0; 300];
        let mut writer = Writer::new(&mut buffer);
        received.encode(at(13), &mut writer).unwrap();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(writer.written()).next() else { panic!("an ACK") };
        assert_eq!((ack.largest, ack.delay_us), (4, 3_000));
    }

    #[test]
    fn knows_which_numbers_were_sent_across_jumps() {
        let mut sent = SentRanges::NONE;
        assert!(!sent.contains(&(0..=0)));
        [0, 1, 16, 17, 64].iter().for_each(|&number| sent.record(number));
        for range in [0..=1, 16..=17, 64..=64] {
            assert!(sent.contains(&range), "{range:?}");
        }
        for range in [0..=2, 15..=16, 17..=18, 0..=64, 30..=40, 65..=65, 0..=u64::MAX] {
            assert!(!sent.contains(&range), "{range:?}");
        }
    }
}
