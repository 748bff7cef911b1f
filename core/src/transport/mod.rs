//! Reliable, ordered streams in fixed memory (SPEC 5): acknowledgements, loss detection, round-trip
//! time, congestion, timers.
//!
//! The rules are those of RFC 9000 (flow control) and RFC 9002 (recovery). The state is in
//! `Transport`, which is all zero while closed. The stream buffers and the table of packets in
//! flight belong to a [`BufferProvider`] that each call is given. From the outside in:
//!
//! * `buffers`: the interface to the memory that a connection works in.
//! * `receive`: a packet's frames are all checked, then all applied.
//! * `build`: the next packet, in two steps: its content, and the record that it was sent.
//! * `loss`: acknowledgements by the peer, loss detection, probe time-outs.
//! * `send`, `assembler`: the two halves of a stream. `ack`: the packets received.
//!   `sent_packets`: the content of each packet in flight.
//! * `rtt`, `congestion`, `path_mtu`: estimates of the path. `ranges`, `ring`: sets of numbers,
//!   bytes in a ring.
//!
//! # When nothing may be sent
//!
//! A sender that the peer's limit blocks, with everything acknowledged, needs no timer for that
//! (unlike QUIC's and TCP's window probe): MAX_DATA is ack-eliciting and sent again, with the
//! newest value, until it is acknowledged. The side that opens the window keeps trying, and the
//! blocked side continues when that arrives.

mod ack;
mod assembler;
mod buffers;
mod build;
mod congestion;
mod loss;
mod path_mtu;
mod ranges;
mod receive;
mod ring;
mod rtt;
mod send;
mod sent_packets;

pub use buffers::{Buffer, BufferProvider, Buffers, Capacity, InlineBuffers};
pub(crate) use buffers::{HOST_ACK_DELAY_MS, HOST_IDLE_S, HOST_TICK_US};
pub use congestion::MAX_BURST;
pub use congestion::{Congestion, NewReno, RateBased};
pub use ranges::{ArrayRanges, DeviceRanges, RangeStorage, Span};
pub use sent_packets::SentPacket;

pub(crate) use receive::Refused;

use crate::time::{Duration, Instant};
use crate::wire::frame::StreamId;
use crate::wire::packet::{CRC_LEN, SEALED_HEADER_LEN, SEALED_TAG_LEN, TransportParameters};
use assembler::Assembler;
use path_mtu::PathMtu;
use rtt::RttEstimator;
use send::SendStream;
use sent_packets::SentPackets;

/// Packets in flight that only probes may add (SPEC 5.4).
pub(crate) const PROBE_SLOTS: usize = 2;
/// Bytes of a datagram without the body: sealed header, tag, CRC (SPEC 8).
pub(crate) const OVERHEAD: usize = SEALED_HEADER_LEN + SEALED_TAG_LEN + CRC_LEN;
/// Time until the next try when a buffer could not be acquired.
const RETRY_MEMORY: Duration = Duration::from_millis(50);

/// State of the streams of one connection, without their buffers.
#[derive(Debug)]
pub(crate) struct Transport<C, R> {
    send: [SendStream<R>; 2],
    receive: [Assembler<R>; 2],
    received: ack::ReceivedPackets,
    sent: ack::SentRanges,
    in_flight: SentPackets,
    rtt: RttEstimator,
    congestion: C,
    size: PathMtu,
    /// Buffers held, one [`Buffer::bit`] each.
    held: u8,
    /// Packets that may be in flight: the smaller of the local table and the peer's limit.
    max_in_flight: usize,
    /// The peer's limit.
    remote_packets: usize,
    /// Longest delay of an acknowledgement by this side.
    ack_delay: Duration,

    /// Ack-eliciting packets sent, wrapping.
    send_index: u32,
    largest_acked: Option<u64>,
    largest_acked_index: Option<u32>,
    last_eliciting_at: Instant,
    /// When the oldest packet in flight is lost by time; then no probe time-out runs.
    loss_at: Option<Instant>,
    pto_at: Option<Instant>,
    /// Consecutive probe time-outs.
    pto_count: u32,
    /// Packets that may be sent although the window or the table is full.
    probes: u8,
    /// An ack-eliciting packet must leave.
    wants_ping: bool,
    max_data: [MaxData; 2],
    /// Packets sent in a row that the peer does not acknowledge.
    acks_only_run: u8,
    /// When to try to acquire a buffer again.
    retry_at: Option<Instant>,

    /// See [`Transport::acknowledge_unchecked`].
    #[cfg(feature = "fault-injection")]
    acknowledges_unchecked: bool,

    has_new_data: [bool; 2],
    lost: u64,
    resent: u64,
}

/// The latest MAX_DATA of one stream.
#[derive(Clone, Copy, Debug)]
struct MaxData {
    /// Send index of the packet that carried it.
    send_index: u32,
    /// It was lost.
    is_wanted: bool,
}

impl MaxData {
    const NONE: Self = Self { send_index: 0, is_wanted: false };
}

/// Parameters of [`Transport::open`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) local: &'a TransportParameters,
    pub(crate) remote: &'a TransportParameters,
    /// The path is known not to carry the full datagram size.
    pub(crate) starts_small: bool,
}

impl<C: Congestion, R: RangeStorage> Transport<C, R> {
    /// Closed; all zero.
    pub(crate) const CLOSED: Self = Self {
        send: [SendStream::CLOSED; 2],
        receive: [Assembler::CLOSED; 2],
        received: ack::ReceivedPackets::NONE,
        sent: ack::SentRanges::NONE,
        in_flight: SentPackets::EMPTY,
        rtt: RttEstimator::CLOSED,
        congestion: C::CLOSED,
        size: PathMtu::CLOSED,
        held: 0,
        max_in_flight: 0,
        remote_packets: 0,
        ack_delay: Duration::ZERO,
        send_index: 0,
        largest_acked: None,
        largest_acked_index: None,
        last_eliciting_at: Instant::ZERO,
        loss_at: None,
        pto_at: None,
        pto_count: 0,
        probes: 0,
        wants_ping: false,
        max_data: [MaxData::NONE; 2],
        acks_only_run: 0,
        retry_at: None,
        #[cfg(feature = "fault-injection")]
        acknowledges_unchecked: false,
        has_new_data: [false; 2],
        lost: 0,
        resent: 0,
    };

    /// Opens the streams. Any earlier state is discarded.
    pub(crate) fn open(&mut self, now: Instant, memory: &mut impl BufferProvider, start: Start<'_>) {
        self.close(memory);
        let Start { local, remote, starts_small } = start;
        let capacity = memory.capacity();
        let datagram = local.datagram.min(remote.datagram);
        let size = PathMtu::open(now, datagram, starts_small);
        let [chat, bulk] = &mut self.send;
        chat.begin(u64::from(remote.chat));
        bulk.begin(u64::from(remote.bulk));
        let [chat, bulk] = &mut self.receive;
        chat.begin(u64::from(local.chat), capacity.chat_receive);
        bulk.begin(u64::from(local.bulk), capacity.bulk_receive);
        self.rtt = RttEstimator::open(
            Duration::from_millis(u64::from(remote.ack_delay_ms)),
            Duration::from_micros(u64::from(local.tick_us.max(remote.tick_us))),
        );
        self.congestion = C::open(u64::from(size.current()));
        self.size = size;
        self.max_in_flight = capacity.in_flight.min(usize::from(remote.packets));
        self.remote_packets = usize::from(remote.packets);
        self.ack_delay = Duration::from_millis(u64::from(local.ack_delay_ms));
    }

    /// Acknowledges from now on packets that it drops. A deliberate violation of SPEC 5.3, for
    /// tests that have to detect it.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn acknowledge_unchecked(&mut self) {
        self.acknowledges_unchecked = true;
    }

    /// Closes the streams and releases all buffers. Unread data is discarded.
    pub(crate) fn close(&mut self, memory: &mut impl BufferProvider) {
        for buffer in Buffer::ALL {
            self.release(memory, buffer);
        }
        self.clear();
        self.receive.iter_mut().for_each(|stream| stream.begin(0, 0));
        self.rtt = RttEstimator::CLOSED;
        self.has_new_data = [false; 2];
    }

    /// Stops sending and receiving. Data received in order can still be read.
    pub(crate) fn stop(&mut self, memory: &mut impl BufferProvider) {
        for buffer in [Buffer::ChatSend, Buffer::BulkSend, Buffer::InFlight] {
            self.release(memory, buffer);
        }
        self.clear();
        self.receive.iter_mut().for_each(Assembler::discard_out_of_order);
        self.release_empty(memory);
    }

    /// Forgets everything but what was received, which buffers are held, and the counts. Field by
    /// field: an image of all of it would be 3.5 kB of zeros in a device's flash.
    fn clear(&mut self) {
        // All of them, so that a field that is added is not forgotten here.
        let Self {
            send,
            receive: _,
            received,
            sent,
            in_flight,
            rtt: _,
            congestion,
            size,
            held: _,
            max_in_flight,
            remote_packets,
            ack_delay,
            send_index,
            largest_acked,
            largest_acked_index,
            last_eliciting_at,
            loss_at,
            pto_at,
            pto_count,
            probes,
            wants_ping,
            max_data,
            acks_only_run,
            retry_at,
            #[cfg(feature = "fault-injection")]
            acknowledges_unchecked,
            has_new_data: _,
            lost: _,
            resent: _,
        } = self;
        send.iter_mut().for_each(|stream| stream.begin(0));
        received.clear();
        *sent = ack::SentRanges::NONE;
        *in_flight = SentPackets::EMPTY;
        *congestion = C::CLOSED;
        *size = PathMtu::CLOSED;
        (*max_in_flight, *remote_packets, *ack_delay) = (0, 0, Duration::ZERO);
        (*send_index, *largest_acked, *largest_acked_index) = (0, None, None);
        (*last_eliciting_at, *loss_at, *pto_at) = (Instant::ZERO, None, None);
        (*pto_count, *probes, *wants_ping) = (0, 0, false);
        (*max_data, *acks_only_run, *retry_at) = ([MaxData::NONE; 2], 0, None);
        #[cfg(feature = "fault-injection")]
        {
            *acknowledges_unchecked = false;
        }
    }

    /// Appends the concatenation of `parts` to a stream. Returns `false` and writes nothing if
    /// there is no room for all of it.
    pub(crate) fn write(
        &mut self,
        now: Instant,
        memory: &mut impl BufferProvider,
        id: StreamId,
        parts: &[&[u8]],
    ) -> bool {
        let len = parts.iter().fold(0_usize, |len, part| len.saturating_add(part.len()));
        if len > self.send_space(memory, id) {
            return false;
        }
        if len == 0 {
            return true;
        }
        if !self.acquire(now, memory, Buffer::send(id)) {
            return false;
        }
        let mut buffers = memory.buffers();
        let stream = &mut self.send[id.index()];
        parts.iter().for_each(|part| stream.write(buffers.send(id), part));
        true
    }

    /// Whether the peer takes data on the stream.
    pub(crate) fn is_taken(&self, id: StreamId) -> bool {
        self.send[id.index()].is_taken()
    }

    /// Bytes free in the send ring.
    pub(crate) fn send_space(&self, memory: &impl BufferProvider, id: StreamId) -> usize {
        memory.capacity().send(id).saturating_sub(self.unacknowledged(id))
    }

    /// Bytes in the send ring.
    pub(crate) fn unacknowledged(&self, id: StreamId) -> usize {
        self.send[id.index()].unacknowledged()
    }

    /// Bytes acknowledged in order.
    pub(crate) fn acknowledged(&self, id: StreamId) -> u64 {
        self.send[id.index()].acknowledged()
    }

    /// Bytes consumed by the reader.
    pub(crate) fn consumed(&self, id: StreamId) -> u64 {
        self.receive[id.index()].consumed()
    }

    /// Bytes in the send ring that were never sent.
    pub(crate) fn unsent(&self, id: StreamId) -> usize {
        self.send[id.index()].unsent()
    }

    /// Bytes that can be read.
    pub(crate) fn readable(&self, id: StreamId) -> usize {
        self.receive[id.index()].readable()
    }

    /// Copies readable bytes from `skip` on; `false` if there are fewer.
    pub(crate) fn peek(&self, memory: &mut impl BufferProvider, id: StreamId, skip: usize, out: &mut [u8]) -> bool {
        self.receive[id.index()].peek(memory.buffers().receive(id), skip, out)
    }

    /// Consumes up to `len` readable bytes.
    pub(crate) fn consume(&mut self, memory: &mut impl BufferProvider, id: StreamId, len: usize) {
        self.receive[id.index()].consume(len);
        self.release_empty(memory);
    }

    /// Requests an ack-eliciting packet.
    pub(crate) fn ping(&mut self) {
        self.wants_ping = true;
    }

    /// Whether bytes became readable since the last call.
    pub(crate) fn take_readable(&mut self, id: StreamId) -> bool {
        core::mem::take(&mut self.has_new_data[id.index()])
    }

    /// Handles expired timers. Returns whether a probe time-out expired.
    pub(crate) fn handle_timeout(&mut self, now: Instant, memory: &mut impl BufferProvider) -> bool {
        self.received.on_timeout(now);
        self.size.on_timeout(now);
        self.congestion.on_timeout(now);
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
        }
        if self.loss_at.is_some_and(|at| at <= now) {
            self.detect_losses(now, memory);
        }
        let expired = self.loss_at.is_none() && self.pto_at.is_some_and(|at| at <= now);
        if expired {
            self.on_probe_timeout(now, memory);
        }
        expired
    }

    /// The next deadline.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let recovery = self.loss_at.or(self.pto_at);
        let others = [self.received.deadline(), self.size.deadline(), self.congestion.deadline(), self.retry_at];
        others.into_iter().chain([recovery]).flatten().min()
    }

    /// Smoothed round-trip time.
    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.rtt.smoothed()
    }

    /// Packets that may be sent per wake-up.
    #[inline]
    pub(crate) fn burst(&self) -> u8 {
        self.congestion.burst()
    }

    /// The probe time-out without its doubling.
    pub(crate) fn pto(&self) -> Duration {
        self.rtt.pto(0)
    }

    /// The number after the last one sent.
    pub(crate) const fn next_number(&self) -> u64 {
        self.sent.next()
    }

    /// Whether a packet of this number was sent, as far as is known.
    pub(crate) fn was_sent(&self, number: u64) -> bool {
        self.sent.contains(&(number..=number))
    }

    /// Records a packet that the transport did not build.
    pub(crate) fn on_other_sent(&mut self, number: u64) {
        self.sent.record(number);
    }

    /// Packets declared lost.
    pub(crate) const fn lost(&self) -> u64 {
        self.lost
    }

    /// Packets whose stream data had been sent before.
    pub(crate) const fn resent(&self) -> u64 {
        self.resent
    }

    /// Resets the counts of lost and resent packets.
    pub(crate) fn reset_counts(&mut self) {
        (self.lost, self.resent) = (0, 0);
    }

    /// The peer moved: packets in flight went to the old address. `is_other_host`: the new path
    /// shares nothing with the old one.
    pub(crate) fn on_moved(&mut self, now: Instant, memory: &mut impl BufferProvider, is_other_host: bool) {
        if is_other_host {
            self.rtt.forget();
            self.congestion = C::open(u64::from(self.size.current()));
        }
        self.pto_count = 0;
        if self.in_flight.len() > 0 {
            self.probe(now, memory);
        }
    }

    fn acquire(&mut self, now: Instant, memory: &mut impl BufferProvider, buffer: Buffer) -> bool {
        if self.held & buffer.bit() == 0 {
            if !memory.acquire(buffer) {
                self.retry_at.get_or_insert(now + RETRY_MEMORY);
                return false;
            }
            self.held |= buffer.bit();
            if matches!(buffer, Buffer::InFlight | Buffer::BulkSend) {
                self.measure_table(memory);
            }
        }
        true
    }

    /// How many packets the table holds: a provider may have a longer one while BULK is sent.
    fn measure_table(&mut self, memory: &mut impl BufferProvider) {
        let least = memory.capacity().in_flight;
        let spare = memory.buffers().in_flight.len().saturating_sub(least);
        // One eighth of it stays free, so that its entries seldom move.
        self.max_in_flight = (least + spare - spare / 8).min(self.remote_packets);
    }

    fn release(&mut self, memory: &mut impl BufferProvider, buffer: Buffer) {
        if self.held & buffer.bit() != 0 {
            self.held &= !buffer.bit();
            memory.release(buffer);
            if buffer == Buffer::InFlight {
                self.measure_table(memory);
            }
        }
    }

    /// Releases buffers that are empty.
    pub(crate) fn release_empty(&mut self, memory: &mut impl BufferProvider) {
        for id in StreamId::ALL {
            if self.send[id.index()].unacknowledged() == 0 {
                self.release(memory, Buffer::send(id));
            }
            if self.receive[id.index()].is_drained() {
                self.release(memory, Buffer::receive(id));
            }
        }
        if self.in_flight.len() == 0 {
            self.release(memory, Buffer::InFlight);
        }
    }
}
