//! Packet numbers received and their acknowledgement (SPEC 5.3), and packet numbers sent.

use core::ops::RangeInclusive;

use super::ranges::{ArrayRanges, RangeSet, Span};
use crate::time::{Duration, Instant};
use crate::wire::frame::{Ack, MAX_ACK_RANGES};
use crate::wire::io::{BufferFull, Writer};

/// Ranges of received packet numbers that are remembered (SPEC 8).
pub(crate) const MAX_RANGES: usize = 32;
const _: () = assert!(MAX_RANGES == MAX_ACK_RANGES + 1);

/// Ack-eliciting packets after which an ACK is due at once.
const MAX_WAITING: u8 = 2;
/// Jumps of the packet number sent that are remembered; there is about one per hour.
const MAX_JUMPS: usize = 4;

/// Packet numbers received, and the pending acknowledgement.
#[derive(Debug)]
pub(crate) struct ReceivedPackets {
    numbers: RangeSet<ArrayRanges<MAX_RANGES>>,
    /// Numbers below it were trimmed and are never acknowledged.
    floor: u64,
    /// When the largest was received.
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

    /// Begins again with [`ReceivedPackets::NONE`], in place.
    pub(crate) fn clear(&mut self) {
        self.numbers.clear();
        (self.floor, self.largest_at) = (0, Instant::ZERO);
        (self.waiting, self.is_due, self.deadline) = (0, false, None);
    }

    /// A packet was accepted with all of its frames.
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
        // SPEC 5.3: a trimmed number stays trimmed.
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
            // It would be trimmed itself.
            _ => self.floor = span.end,
        }
    }

    /// Whether an ACK is due now.
    pub(crate) const fn is_due(&self) -> bool {
        self.is_due
    }

    /// Whether an ack-eliciting packet is unacknowledged.
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

    /// The peer received an ACK up to `largest`: the ranges below the one that ends there need not
    /// be repeated, and packets missing between them were lost long ago. Otherwise one minute of
    /// heavy loss would lengthen every later ACK.
    pub(crate) fn on_ack_acknowledged(&mut self, largest: u64) {
        while let Some(lowest) = self.numbers.first().filter(|lowest| lowest.end <= largest) {
            self.floor = lowest.end;
            self.numbers.pop_first();
        }
        if let Some(lowest) = self.numbers.first().filter(|lowest| lowest.start <= largest) {
            self.floor = self.floor.max(lowest.start);
        }
    }

    /// An ACK was sent.
    #[inline]
    pub(crate) fn on_sent(&mut self) {
        self.waiting = 0;
        self.is_due = false;
        self.deadline = None;
    }
}

/// Packet numbers that were sent: all below `next` except the latest jumps (SPEC 4.2).
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
mod tests;
