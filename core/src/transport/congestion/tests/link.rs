//! Flows that share a bottleneck with a drop-tail queue, in virtual time. Only what a control sees
//! is modelled: packets sent, acknowledged and lost. Streams and packets themselves are tested with
//! connections.

use std::boxed::Box;
use std::collections::{BinaryHeap, VecDeque};
use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::super::{Congestion, MAX_BURST, NewReno, RateBased};
use crate::time::{Duration, Instant};

pub(super) const DATAGRAM: u64 = 1200;
const ACK_DELAY: Duration = Duration::from_millis(5);
const TICK_US: u64 = 1_000;

/// A path. The queue is in front of the random loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    pub(super) mbit: u64,
    pub(super) rtt_ms: u64,
    /// In thousandths of the bandwidth-delay product, at least 4 datagrams.
    pub(super) buffer: u64,
    /// In thousandths; acknowledgements too.
    pub(super) loss: u32,
}

impl Path {
    pub(super) fn bytes_per_s(&self) -> u64 {
        self.mbit * 125_000
    }

    pub(super) fn product(&self) -> u64 {
        self.bytes_per_s() * self.rtt_ms / 1_000
    }

    fn buffer(&self) -> u64 {
        (self.product() * self.buffer / 1_000).max(4 * DATAGRAM)
    }
}

/// A control without its type.
pub(super) trait Control {
    fn room(&mut self, now: Instant, in_flight: u64) -> bool;
    fn sent(&mut self, now: Instant, in_flight: u64);
    fn acked(&mut self, sent_at: Instant, is_limited: bool);
    fn ack(&mut self, now: Instant, rtt: Option<Duration>, bytes: u64, in_flight: u64);
    fn lost(&mut self, now: Instant, sent_at: Instant, bytes: u64);
    fn persistent(&mut self);
    fn deadline(&self) -> Option<Instant>;
    fn burst(&self) -> u8;
    fn window(&self) -> u64;
}

impl<C: Congestion + 'static> Control for C {
    fn room(&mut self, now: Instant, in_flight: u64) -> bool {
        in_flight + DATAGRAM <= Congestion::window(self) && self.is_released(now)
    }
    fn sent(&mut self, now: Instant, in_flight: u64) {
        self.on_sent(now, DATAGRAM, in_flight);
    }
    fn acked(&mut self, sent_at: Instant, is_limited: bool) {
        self.on_acked(sent_at, DATAGRAM, is_limited);
    }
    fn ack(&mut self, now: Instant, rtt: Option<Duration>, bytes: u64, in_flight: u64) {
        self.on_ack(now, rtt, bytes, in_flight);
    }
    fn lost(&mut self, now: Instant, sent_at: Instant, bytes: u64) {
        self.on_lost(now, sent_at, bytes);
    }
    fn persistent(&mut self) {
        self.on_persistent_congestion();
    }
    fn deadline(&self) -> Option<Instant> {
        Congestion::deadline(self)
    }
    fn burst(&self) -> u8 {
        Congestion::burst(self)
    }
    fn window(&self) -> u64 {
        Congestion::window(self)
    }
}

pub(super) fn rate_based() -> Box<dyn Control> {
    Box::new(RateBased::open(DATAGRAM))
}

pub(super) fn new_reno() -> Box<dyn Control> {
    Box::new(NewReno::open(DATAGRAM))
}

#[derive(Clone, Copy)]
struct InFlight {
    sent_at: Instant,
    is_acked: bool,
}

/// A flow with endless data.
struct Flow {
    control: Box<dyn Control>,
    /// From number `base` on.
    in_flight: VecDeque<InFlight>,
    base: u64,
    bytes: u64,
    largest_acked: u64,
    srtt: Duration,
    min_rtt: Duration,
    last_sent: Instant,
    ptos: u32,
    /// The next wake-up that is in the queue of events.
    wake_at: Option<Instant>,
    /// The receiver: numbers that no ACK has stated, and bytes received.
    waiting: Vec<u64>,
    expected: u64,
    received: u64,
    received_at: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start,
    Arrives(u64),
    AckDelay,
    /// Packets with these numbers, delayed by this time.
    Ack(Vec<u64>, Duration),
    Wake,
}

/// The flows and their bottleneck.
pub(super) struct Bottleneck {
    path: Path,
    pub(super) now: Instant,
    rng: ChaCha8Rng,
    events: BinaryHeap<core::cmp::Reverse<(Instant, u64, usize, Event)>>,
    count: u64,
    flows: Vec<Flow>,
    /// In nanoseconds: when the queue is empty.
    busy_until: u64,
    /// Most bytes in the queue since the last [`Bottleneck::clear`].
    pub(super) most_queued: u64,
    pub(super) dropped: u64,
    pub(super) sent: u64,
}

impl Bottleneck {
    /// The flows begin one after the other, half a second apart.
    pub(super) fn new(seed: u64, path: Path, controls: Vec<Box<dyn Control>>) -> Self {
        let mut link = Self {
            path,
            now: Instant::from_micros(1_000_000),
            rng: ChaCha8Rng::seed_from_u64(seed),
            events: BinaryHeap::new(),
            count: 0,
            flows: Vec::new(),
            busy_until: 0,
            most_queued: 0,
            dropped: 0,
            sent: 0,
        };
        for (which, control) in controls.into_iter().enumerate() {
            link.flows.push(Flow {
                control,
                in_flight: VecDeque::new(),
                base: 0,
                bytes: 0,
                largest_acked: 0,
                srtt: Duration::from_millis(333),
                min_rtt: Duration::MAX,
                last_sent: link.now,
                ptos: 0,
                wake_at: None,
                waiting: Vec::new(),
                expected: 0,
                received: 0,
                received_at: link.now,
            });
            let start = link.now + Duration::from_millis(500 * which as u64);
            link.after(start, which, Event::Start);
        }
        link
    }

    fn after(&mut self, at: Instant, flow: usize, event: Event) {
        self.count += 1;
        self.events.push(core::cmp::Reverse((at, self.count, flow, event)));
    }

    fn is_lost(&mut self) -> bool {
        self.rng.next_u32() % 1_000 < self.path.loss
    }

    /// Runs for `span`; bytes per second that each flow delivered.
    pub(super) fn run(&mut self, span: Duration) -> Vec<u64> {
        let until = self.now + span;
        let before: Vec<u64> = self.flows.iter().map(|flow| flow.received).collect();
        while self.events.peek().is_some_and(|event| event.0.0 <= until) {
            let Some(core::cmp::Reverse((at, _, which, event))) = self.events.pop() else { break };
            self.now = at;
            self.handle(which, event);
        }
        self.now = until;
        let rate = |(flow, before): (&Flow, &u64)| (flow.received - before) * 1_000_000 / span.as_micros();
        self.flows.iter().zip(&before).map(rate).collect()
    }

    fn handle(&mut self, which: usize, event: Event) {
        match event {
            Event::Start => self.send(which),
            Event::Arrives(number) => self.receive(which, number),
            Event::AckDelay => self.acknowledge(which),
            Event::Ack(numbers, delay) => {
                self.on_ack(which, &numbers, delay);
                self.send(which);
            }
            Event::Wake => {
                if self.flows[which].wake_at == Some(self.now) {
                    self.flows[which].wake_at = None;
                    self.on_timeout(which);
                    self.send(which);
                }
            }
        }
    }

    fn receive(&mut self, which: usize, number: u64) {
        let flow = &mut self.flows[which];
        flow.received += DATAGRAM;
        flow.received_at = self.now;
        flow.waiting.push(number);
        let is_due = number != flow.expected || flow.waiting.len() >= 2;
        flow.expected = flow.expected.max(number + 1);
        if is_due {
            self.acknowledge(which);
        } else {
            self.after(self.now + ACK_DELAY, which, Event::AckDelay);
        }
    }

    fn acknowledge(&mut self, which: usize) {
        if self.flows[which].waiting.is_empty() {
            return;
        }
        // The next one states again what a lost one stated.
        if !self.is_lost() {
            let delay = self.now.saturating_since(self.flows[which].received_at);
            let numbers = core::mem::take(&mut self.flows[which].waiting);
            let at = self.now + Duration::from_micros(self.path.rtt_ms * 500);
            self.after(at, which, Event::Ack(numbers, delay));
        }
    }

    fn on_ack(&mut self, which: usize, numbers: &[u64], delay: Duration) {
        let now = self.now;
        let flow = &mut self.flows[which];
        let is_limited = flow.bytes + 2 * DATAGRAM > flow.control.window();
        let mut acked = 0;
        let mut rtt = None;
        for &number in numbers {
            let at = number.checked_sub(flow.base).map(|at| at as usize);
            let Some(packet) = at.and_then(|at| flow.in_flight.get_mut(at)).filter(|packet| !packet.is_acked) else {
                continue;
            };
            packet.is_acked = true;
            acked += DATAGRAM;
            if number >= flow.largest_acked {
                flow.largest_acked = number;
                let latest = now.saturating_since(packet.sent_at);
                flow.min_rtt = flow.min_rtt.min(latest);
                rtt = Some(if latest >= flow.min_rtt + delay { latest.saturating_sub(delay) } else { latest });
            }
            flow.control.acked(packet.sent_at, is_limited);
        }
        flow.bytes -= acked;
        if let Some(rtt) = rtt {
            flow.srtt = (flow.srtt * 7 + rtt) / 8;
        }
        flow.control.ack(now, rtt, acked, flow.bytes);
        if acked > 0 {
            if flow.ptos >= 3 {
                flow.control.persistent();
            }
            flow.ptos = 0;
            flow.last_sent = now;
        }
        self.detect_losses(which);
    }

    fn detect_losses(&mut self, which: usize) {
        let now = self.now;
        let flow = &mut self.flows[which];
        let (mut lost, mut last) = (0, None);
        let delay = flow.srtt * 9 / 8;
        while let Some(packet) = flow.in_flight.front() {
            let is_old = flow.base + 3 <= flow.largest_acked
                || (flow.base < flow.largest_acked && packet.sent_at + delay <= now);
            if !packet.is_acked && !is_old {
                break;
            }
            if !packet.is_acked {
                lost += DATAGRAM;
                last = Some(packet.sent_at);
            }
            flow.in_flight.pop_front();
            flow.base += 1;
        }
        flow.bytes -= lost;
        if let Some(sent_at) = last {
            flow.control.lost(now, sent_at, lost);
        }
    }

    fn on_timeout(&mut self, which: usize) {
        let now = self.now;
        self.detect_losses(which);
        let flow = &mut self.flows[which];
        if flow.bytes > 0 && now >= flow.last_sent + flow.pto() {
            flow.ptos += 1;
            self.transmit(which);
        }
    }

    fn send(&mut self, which: usize) {
        let now = self.now;
        let mut left = self.flows[which].control.burst().max(MAX_BURST.min(1));
        while left > 0 {
            let flow = &mut self.flows[which];
            if !flow.control.room(now, flow.bytes) {
                break;
            }
            self.transmit(which);
            left -= 1;
        }
        let flow = &mut self.flows[which];
        let pause = (left == 0).then(|| now + Duration::from_micros(TICK_US));
        let recovery = (flow.bytes > 0).then(|| flow.last_sent + flow.pto());
        let room = flow.bytes + DATAGRAM <= flow.control.window();
        let paced = flow.control.deadline().filter(|_| room);
        let Some(wake) = [pause, recovery, paced].into_iter().flatten().min() else { return };
        // A host's timers count milliseconds.
        let wake = Instant::from_micros(wake.max(now + Duration::from_micros(1)).as_micros().next_multiple_of(TICK_US));
        if flow.wake_at.is_none_or(|at| at > wake || at <= now) {
            flow.wake_at = Some(wake);
            self.after(wake, which, Event::Wake);
        }
    }

    fn transmit(&mut self, which: usize) {
        let now = self.now;
        let flow = &mut self.flows[which];
        let number = flow.base + flow.in_flight.len() as u64;
        flow.control.sent(now, flow.bytes);
        flow.in_flight.push_back(InFlight { sent_at: now, is_acked: false });
        flow.bytes += DATAGRAM;
        flow.last_sent = now;
        self.sent += 1;
        let now_ns = now.as_micros() * 1_000;
        let rate = self.path.bytes_per_s();
        let queued = self.busy_until.saturating_sub(now_ns) * rate / 1_000_000_000;
        if queued + DATAGRAM > self.path.buffer() + DATAGRAM {
            self.dropped += 1;
            return;
        }
        self.most_queued = self.most_queued.max(queued);
        self.busy_until = self.busy_until.max(now_ns) + DATAGRAM * 1_000_000_000 / rate;
        if !self.is_lost() {
            let at = Instant::from_micros(self.busy_until.div_ceil(1_000) + self.path.rtt_ms * 500);
            self.after(at, which, Event::Arrives(number));
        }
    }
}

impl Flow {
    fn pto(&self) -> Duration {
        (self.srtt * 2 + ACK_DELAY) * (1 << self.ptos.min(6))
    }
}
