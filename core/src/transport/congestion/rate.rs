//! A rate-based congestion control in the manner of BBR, for hosts (SPEC 5.5).
//!
//! It estimates what the path delivers per second and its round-trip time without a queue. Packets
//! leave at that rate; what is in flight is at most twice the product of both, so that the queue
//! at a bottleneck is at most as long as the path. Loss alone is no sign of congestion: only loss
//! together with a queue is, and it is answered once per cycle, by a bounded step.
//!
//! The rate is measured in rounds. A round ends when a packet is acknowledged that was sent after
//! its start; its sample is all that was acknowledged meanwhile. So a sample spans at least one
//! round trip and cannot exceed the capacity, however acknowledgements are bunched, and no state
//! per packet is needed.

use super::{Congestion, INITIAL_DATAGRAMS};
use crate::time::{Duration, Instant};

/// Rounds for which a rate counts: more than one cycle.
const FILTER_ROUNDS: usize = 10;
/// Rounds of one cycle: one above the rate, one below it, the others at it.
const CYCLE_ROUNDS: u8 = 8;
/// Rounds in a row that grow by less than a quarter, after which the path is full.
const FULL_ROUNDS: u8 = 3;
/// After this time without a shorter round trip, the queue is drained to measure one.
const MIN_RTT_VALID: Duration = Duration::from_secs(5);
/// Time for that.
const PROBE_RTT_TIME: Duration = Duration::from_millis(200);
/// Sending may run behind by this much: timers of hosts count milliseconds.
const PACING_SLACK: Duration = Duration::from_millis(2);
/// Smallest window in datagrams.
const MIN_DATAGRAMS: u64 = 4;
/// Packets per wake-up.
const BURST: core::ops::RangeInclusive<u64> = 10..=128;

/// Gains, in units of 1/256. The gain of the start lets the rate double in each round.
const UNIT: u64 = 256;
const START_GAIN: u64 = 709;
const DRAIN_GAIN: u64 = 96;
const UP_GAIN: u64 = 320;
const DOWN_GAIN: u64 = 192;
const WINDOW_GAIN: u64 = 512;
/// After congestion, this share of what was in flight may be.
const BACK_OFF: u64 = 173;
/// The same if that was few datagrams: a [`NewReno`](super::NewReno) beside it has few, too, and
/// then loses more of its window.
const SMALL_BACK_OFF: u64 = 145;
const SMALL_DATAGRAMS: u64 = 64;
/// A round is congested only if one of this many bytes is lost.
const LOSS_SHARE: u64 = 200;
/// The same in the start, which overflows a short queue by much more, and whose first rounds have
/// so few packets that a random loss among them would say too much.
const START_LOSS_SHARE: u64 = 5;
/// Rounds after congestion in which the window grows as slowly as that of a
/// [`NewReno`](super::NewReno).
const HOLD_ROUNDS: u8 = 63;
/// Rounds after congestion whose losses belong to it.
const CALM_ROUNDS: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// Doubles until the path is full.
    Start,
    /// The queue that the start caused drains.
    Drain,
    /// Sends at the rate and tries more once per cycle.
    Cruise,
    /// Little is in flight, to see the round trip without a queue.
    ProbeRtt,
}

/// Rate-based: see the module.
#[derive(Debug)]
pub struct RateBased {
    datagram: u64,
    window: u64,
    phase: Phase,
    /// The path was full once.
    is_full: bool,
    full_rate: u64,
    full_rounds: u8,

    /// Rates of the latest rounds, in bytes per second, and the largest of them.
    rates: [u64; FILTER_ROUNDS],
    next_rate: usize,
    rate: u64,
    /// Zero: not measured.
    min_rtt: Duration,
    min_rtt_at: Instant,
    probe_rtt_until: Instant,

    round_at: Instant,
    /// Bytes of the round.
    delivered: u64,
    lost: u64,
    /// Of the round's samples: sum in us, count, smallest.
    rtt_sum: u64,
    rtt_count: u64,
    rtt_least: Duration,
    /// A packet of the present round was acknowledged.
    is_round_over: bool,
    /// Rounds that the sender does not fill.
    unfilled_rounds: u8,

    cycle_round: u8,
    /// The latest round trip, and the longest, which is forgotten slowly.
    rtt: Duration,
    rtt_most: Duration,
    /// Of the round trips at the round's losses: sum in us, count.
    loss_rtt_sum: u64,
    loss_rtt_count: u64,
    /// Most bytes in flight in the round.
    most_in_flight: u64,
    /// What congestion leaves of the window; the largest number: no congestion.
    ceiling: u64,
    /// Rounds in which it rises by one datagram only, and in which it does not fall again.
    hold_rounds: u8,
    calm_rounds: u8,
    /// When the next packet may leave.
    release_at: Instant,
    /// The same, if one is held back until then.
    held_until: Option<Instant>,
}

impl RateBased {
    /// Closed.
    const NONE: Self = Self {
        datagram: 0,
        window: 0,
        phase: Phase::Start,
        is_full: false,
        full_rate: 0,
        full_rounds: 0,
        rates: [0; FILTER_ROUNDS],
        next_rate: 0,
        rate: 0,
        min_rtt: Duration::ZERO,
        min_rtt_at: Instant::ZERO,
        probe_rtt_until: Instant::ZERO,
        round_at: Instant::ZERO,
        delivered: 0,
        lost: 0,
        rtt_sum: 0,
        rtt_count: 0,
        rtt_least: Duration::ZERO,
        is_round_over: false,
        unfilled_rounds: 0,
        cycle_round: 0,
        rtt: Duration::ZERO,
        rtt_most: Duration::ZERO,
        loss_rtt_sum: 0,
        loss_rtt_count: 0,
        most_in_flight: 0,
        ceiling: 0,
        hold_rounds: 0,
        calm_rounds: 0,
        release_at: Instant::ZERO,
        held_until: None,
    };

    /// Bytes that the path holds without a queue.
    fn path_bytes(&self) -> u64 {
        bytes_in(self.rate, self.min_rtt)
    }

    fn gain(&self) -> u64 {
        match (self.phase, self.cycle_round) {
            (Phase::Start, _) => START_GAIN,
            (Phase::Drain, _) => DRAIN_GAIN,
            (Phase::Cruise, 0) => UP_GAIN,
            (Phase::Cruise, 1) => DOWN_GAIN,
            (Phase::Cruise | Phase::ProbeRtt, _) => UNIT,
        }
    }

    /// Bytes per second at which packets leave; `None`: not known.
    fn pacing_rate(&self) -> Option<u64> {
        if self.min_rtt == Duration::ZERO {
            return None;
        }
        let initial = if self.is_full { 0 } else { rate_of(INITIAL_DATAGRAMS * self.datagram, self.min_rtt) };
        Some((self.rate.max(initial).saturating_mul(self.gain()) / UNIT).max(self.datagram))
    }

    /// What a wake-up's slack allows, so that coarse timers do not limit the rate.
    fn quantum(&self) -> u64 {
        bytes_in(self.rate, Duration::from_millis(1)).max(2 * self.datagram)
    }

    fn least(&self) -> u64 {
        let datagrams = if self.is_full { MIN_DATAGRAMS } else { INITIAL_DATAGRAMS };
        datagrams * self.datagram
    }

    /// What may be in flight in this phase.
    fn target(&self) -> u64 {
        let path = self.path_bytes();
        match self.phase {
            Phase::ProbeRtt => (path / 2).max(MIN_DATAGRAMS * self.datagram),
            _ => {
                let most = (path.saturating_mul(WINDOW_GAIN) / UNIT).saturating_add(self.quantum()).max(self.least());
                most.min(self.ceiling)
            }
        }
    }

    fn begin_round(&mut self, now: Instant) {
        self.round_at = now;
        (self.delivered, self.lost) = (0, 0);
        (self.rtt_sum, self.rtt_count) = (0, 0);
        (self.loss_rtt_sum, self.loss_rtt_count) = (0, 0);
        self.most_in_flight = 0;
        self.is_round_over = false;
    }

    /// Whether packets were lost in the round because a queue was full: the round trips at the
    /// losses are near the longest, and that is longer than the path. Random losses come at any.
    fn is_congested(&self) -> bool {
        let all = self.delivered.saturating_add(self.lost);
        let at_loss = Duration::from_micros(self.loss_rtt_sum.checked_div(self.loss_rtt_count).unwrap_or(0));
        let queue = self.rtt_most.saturating_sub(self.min_rtt);
        let share = if self.is_full { LOSS_SHARE } else { START_LOSS_SHARE };
        self.lost.saturating_mul(share) > all
            && queue > self.min_rtt / 16 + Duration::from_micros(500)
            && at_loss >= self.min_rtt + queue * 3 / 4
    }

    /// Lowers or raises the ceiling at the end of a round.
    fn move_ceiling(&mut self, is_congested: bool) {
        self.calm_rounds = self.calm_rounds.saturating_sub(1);
        if is_congested {
            if self.calm_rounds == 0 {
                let most = self.ceiling.min(self.most_in_flight);
                let share = if most < SMALL_DATAGRAMS * self.datagram { SMALL_BACK_OFF } else { BACK_OFF };
                let left = most.saturating_mul(share) / UNIT;
                self.ceiling = left.max(MIN_DATAGRAMS * self.datagram);
                self.hold_rounds = HOLD_ROUNDS;
                self.calm_rounds = CALM_ROUNDS;
            }
        } else if self.hold_rounds > 0 {
            self.hold_rounds -= 1;
            self.ceiling = self.ceiling.saturating_add(self.datagram);
        } else {
            self.ceiling = self.ceiling.saturating_add(self.ceiling / 4);
        }
    }

    fn end_round(&mut self, now: Instant) {
        let is_filled = self.unfilled_rounds == 0;
        self.unfilled_rounds = self.unfilled_rounds.saturating_sub(1);
        let span = now.saturating_since(self.round_at).max(self.min_rtt).max(Duration::from_micros(1));
        let sample = rate_of(self.delivered, span);
        // A sender with little to send says nothing about the path, unless it was faster than ever.
        if is_filled || sample > self.rate {
            if let Some(entry) = self.rates.get_mut(self.next_rate) {
                *entry = sample;
            }
            self.next_rate = (self.next_rate + 1) % FILTER_ROUNDS;
        }
        let is_congested = is_filled && self.is_congested();
        if is_filled {
            self.move_ceiling(is_congested);
        }
        self.rtt_most = self.rtt_most.saturating_sub(self.rtt_most.saturating_sub(self.min_rtt) / 32);
        let before = self.rate;
        self.rate = self.rates.iter().copied().fold(0, u64::max);
        if is_filled && !self.is_full {
            self.look_for_the_end_of_growth(is_congested);
        }
        if self.phase == Phase::Cruise {
            // The round after the one above the rate shows what that one delivered. If the path has
            // much more, the start ended too early.
            let has_more = self.cycle_round == 1 && self.rate > before.saturating_add(before / 16);
            if has_more && is_filled && self.ceiling / 2 > self.target() {
                (self.is_full, self.full_rate, self.full_rounds) = (false, self.rate, 0);
                self.phase = Phase::Start;
            }
            self.cycle_round += 1;
            if self.cycle_round >= CYCLE_ROUNDS {
                self.cycle_round = 0;
            }
        }
        self.begin_round(now);
    }

    fn look_for_the_end_of_growth(&mut self, is_congested: bool) {
        if self.rate >= self.full_rate.saturating_mul(5) / 4 {
            self.full_rate = self.rate;
            self.full_rounds = 0;
        } else {
            self.full_rounds += 1;
        }
        if self.full_rounds >= FULL_ROUNDS || is_congested {
            self.is_full = true;
            self.phase = Phase::Drain;
        }
    }

    fn sample_rtt(&mut self, now: Instant, rtt: Duration) {
        let rtt = rtt.max(Duration::from_micros(1));
        self.rtt_sum = self.rtt_sum.saturating_add(rtt.as_micros());
        self.rtt_count += 1;
        self.rtt = rtt;
        self.rtt_most = self.rtt_most.max(rtt);
        if self.min_rtt == Duration::ZERO || rtt <= self.min_rtt {
            self.min_rtt = rtt;
            self.min_rtt_at = now;
        }
        self.rtt_least = if self.phase == Phase::ProbeRtt { self.rtt_least.min(rtt) } else { rtt };
    }

    /// Enters and leaves the phase that measures the round trip without a queue.
    fn watch_min_rtt(&mut self, now: Instant) {
        if self.phase == Phase::ProbeRtt {
            if now >= self.probe_rtt_until {
                self.min_rtt = self.rtt_least.max(Duration::from_micros(1));
                self.min_rtt_at = now;
                self.phase = if self.is_full { Phase::Cruise } else { Phase::Start };
                self.cycle_round = 2;
            }
        } else if self.is_full && now.saturating_since(self.min_rtt_at) > MIN_RTT_VALID {
            self.phase = Phase::ProbeRtt;
            self.probe_rtt_until = now + PROBE_RTT_TIME.max(self.min_rtt * 2);
        }
    }
}

impl Congestion for RateBased {
    const CLOSED: Self = Self::NONE;
    const CHAT_DATAGRAMS: u8 = 2;

    fn open(datagram: u64) -> Self {
        Self { datagram, window: INITIAL_DATAGRAMS * datagram, ceiling: u64::MAX, ..Self::NONE }
    }

    fn window(&self) -> u64 {
        self.window
    }

    fn on_sent(&mut self, now: Instant, bytes: u64, in_flight: u64) {
        if in_flight == 0 {
            // The time in which nothing was sent is not part of a round.
            self.begin_round(now);
        }
        self.most_in_flight = self.most_in_flight.max(in_flight.saturating_add(bytes));
        if let Some(rate) = self.pacing_rate() {
            self.release_at = self.release_at.max(now - PACING_SLACK) + time_of(bytes, rate);
        }
    }

    fn on_acked(&mut self, sent_at: Instant, bytes: u64, _: bool) {
        self.delivered = self.delivered.saturating_add(bytes);
        self.is_round_over |= sent_at >= self.round_at;
    }

    fn on_ack(&mut self, now: Instant, rtt: Option<Duration>, bytes: u64, in_flight: u64) {
        if let Some(rtt) = rtt {
            self.sample_rtt(now, rtt);
        }
        if self.is_round_over {
            self.end_round(now);
        }
        if self.phase == Phase::Drain && in_flight <= self.path_bytes().max(MIN_DATAGRAMS * self.datagram) {
            self.phase = Phase::Cruise;
            self.cycle_round = 2;
        }
        self.watch_min_rtt(now);
        self.window = self.window.saturating_add(bytes).min(self.target());
    }

    fn on_lost(&mut self, _: Instant, _: Instant, bytes: u64) {
        self.lost = self.lost.saturating_add(bytes);
        self.loss_rtt_sum = self.loss_rtt_sum.saturating_add(self.rtt.as_micros());
        self.loss_rtt_count += 1;
    }

    fn on_persistent_congestion(&mut self) {
        let (min_rtt, min_rtt_at) = (self.min_rtt, self.min_rtt_at);
        let window = MIN_DATAGRAMS * self.datagram;
        *self = Self { min_rtt, min_rtt_at, window, ..Self::open(self.datagram) };
    }

    fn on_datagram_size(&mut self, bytes: u64) {
        self.datagram = bytes;
        self.window = self.window.max(MIN_DATAGRAMS * bytes);
    }

    fn on_unfilled(&mut self) {
        // What is in flight now is acknowledged in this round and the next.
        self.unfilled_rounds = 2;
    }

    fn is_released(&mut self, now: Instant) -> bool {
        let is_released = self.release_at <= now;
        self.held_until = (!is_released).then_some(self.release_at);
        is_released
    }

    fn deadline(&self) -> Option<Instant> {
        self.held_until
    }

    fn on_timeout(&mut self, now: Instant) {
        self.held_until = self.held_until.filter(|&until| until > now);
    }

    fn burst(&self) -> u8 {
        // What the pacing may release at once: a smaller burst would bound the rate between two
        // ticks, and look like the end of the path's capacity.
        let released = self.pacing_rate().map_or(0, |rate| bytes_in(rate, PACING_SLACK));
        let packets = released.checked_div(self.datagram).unwrap_or(0);
        u8::try_from(packets.clamp(*BURST.start(), *BURST.end())).unwrap_or(u8::MAX)
    }
}

const MICROS: u64 = 1_000_000;

/// Bytes that `rate` carries in `span`.
fn bytes_in(rate: u64, span: Duration) -> u64 {
    rate.saturating_mul(span.as_micros()) / MICROS
}

/// The rate of `bytes` per `span`, in bytes per second.
fn rate_of(bytes: u64, span: Duration) -> u64 {
    bytes.saturating_mul(MICROS).checked_div(span.as_micros()).unwrap_or(0)
}

/// The time that `bytes` take at `rate`.
fn time_of(bytes: u64, rate: u64) -> Duration {
    Duration::from_micros(bytes.saturating_mul(MICROS).checked_div(rate).unwrap_or(0))
}
