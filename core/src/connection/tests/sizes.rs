//! Datagram sizes, memory, bursts (SPEC 5.4, 5.6).

use super::link::{CLEAN, CLIENT, Conditions, Pair, Pooled, SERVER, established, limits, rough};
use std::vec::Vec;

use crate::time::Duration;
use crate::transport::{ArrayRanges, Buffer, BufferProvider, Buffers, Capacity, Congestion, NewReno};
use crate::wire::packet::TransportParameters;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn first_packet_of_each_side_fills_a_datagram() {
    let mut pair = Pair::new(4, CLEAN, Pooled::large(), Pooled::large());
    pair.run(SECOND);
    for side in [CLIENT, SERVER] {
        let lens: Vec<_> = pair.log.iter().filter(|entry| entry.1 == side).map(|entry| entry.3).collect();
        assert_eq!(lens.first(), Some(&1200));
        assert!(lens.iter().skip(1).all(|&len| len < 100), "{lens:?}");
    }
}

#[test]
fn releases_buffers_when_all_data_is_acknowledged_and_read() {
    let mut pair = Pair::new(5, rough(20), Pooled::large(), Pooled::large());
    pair.client.to_write = [5_000, 5_000];
    pair.server.to_write = [5_000, 5_000];
    pair.run_until(SECOND * 60, Pair::is_done);
    pair.run(SECOND * 10);
    assert_eq!((pair.client.connection.memory().held(), pair.server.connection.memory().held()), (0, 0));
}

#[test]
fn delivers_in_order_when_buffers_are_sometimes_unavailable() {
    for seed in 0..10 {
        let server = Pooled::new(2_000, 2_000, 8).refusing(3);
        let mut pair = Pair::new(seed, rough(10), Pooled::new(2_000, 2_000, 8).refusing(4), server);
        pair.client.to_write = [8_000, 3_000];
        pair.server.to_write = [8_000, 3_000];
        pair.run_until(SECOND * 120, Pair::is_done);
    }
}

/// A client sends lines, and on BULK, for which the server has no memory.
fn lines_beside_refused_bulk<C: Congestion>(client: fn() -> Pooled<C>) {
    for line in [40, 300, 2_000] {
        let server = Pooled::new(4_000, 4_000, 16).lacking(Buffer::BulkReceive);
        let mut pair = Pair::new(1, CLEAN, client(), server);
        pair.client.to_write = [0, 3_000];
        pair.run(SECOND);
        for count in 1..=10 {
            pair.client.to_write[0] += line;
            pair.run(SECOND * 3);
            assert_eq!(pair.server.read, [count * line, 0], "lines of {line} bytes");
        }
    }
}

#[test]
fn chat_passes_while_there_is_no_memory_for_bulk() {
    lines_beside_refused_bulk(|| Pooled::new(4_000, 4_000, 16));
    lines_beside_refused_bulk(|| Pooled::rate_based(4_000, 4_000, 16));
}

#[test]
fn delivers_in_order_on_a_path_that_drops_large_datagrams() {
    for seed in 0..10 {
        let mut pair = Pair::new(seed, Conditions { max_len: 600, ..rough(5) }, Pooled::large(), Pooled::large());
        pair.client.to_write = [20_000, 0];
        pair.server.to_write = [20_000, 0];
        pair.run_until(SECOND * 60, Pair::is_done);
        let from = pair.log.len();
        pair.client.to_write = [20_000, 0];
        pair.run_until(SECOND * 60, Pair::is_done);
        assert!(pair.log.iter().skip(from).all(|entry| entry.3 <= 576));
    }
}

#[test]
fn falls_back_to_small_datagrams_while_small_ones_arrive() {
    let mut pair = Pair::new(1, Conditions { max_len: 600, ..CLEAN }, Pooled::large(), Pooled::large());
    // Small packets are acknowledged all the time, so that no probe time-out expires.
    for round in 0..400 {
        pair.client.to_write[0] += if round == 100 { 900 } else { 50 };
        pair.run(SECOND / 50);
    }
    pair.run(SECOND);
    assert!(pair.is_done(), "{:?}", pair.progress());
    let large = pair.log.iter().filter(|entry| entry.3 > 600 && entry.1 == CLIENT).count();
    assert!(large < 20, "{large}");
}

#[test]
fn returns_to_full_size_when_the_path_carries_it_again() {
    let mut pair = Pair::new(1, Conditions { max_len: 600, ..CLEAN }, Pooled::large(), Pooled::large());
    pair.client.to_write = [20_000, 0];
    pair.run_until(SECOND * 60, Pair::is_done);
    pair.conditions.max_len = 1200;
    pair.run(SECOND * 601);
    let from = pair.log.len();
    pair.client.to_write = [20_000, 0];
    pair.run_until(SECOND * 60, Pair::is_done);
    assert!(pair.log.iter().skip(from).any(|entry| entry.3 == 1200));
}

/// Both sides know from the handshake that large datagrams do not pass.
fn small_from_the_start(conditions: Conditions) -> Pair<Pooled, Pooled> {
    small_with_slots(conditions, 64)
}

fn small_with_slots(conditions: Conditions, slots: usize) -> Pair<Pooled, Pooled> {
    let mut pair = Pair::new(1, conditions, Pooled::new(65_536, 0, slots), Pooled::large());
    let limits = limits(&Pooled::large());
    let [mut for_client, mut for_server] = established(limits, limits);
    (for_client.hello_len, for_server.hello_len) = (640, 640);
    pair.client.connection.open(pair.now, &for_client, SERVER);
    pair.server.connection.open(pair.now, &for_server, CLIENT);
    pair
}

#[test]
fn lost_size_probe_has_no_other_effect() {
    let mut pair = small_from_the_start(Conditions { max_len: 600, ..CLEAN });
    pair.run(SECOND * 1_300);
    let large = pair.log.iter().filter(|entry| entry.3 > 600 && entry.1 == CLIENT).count();
    assert_eq!(large, 2, "one per ten minutes");
    let from = pair.log.len();
    pair.client.to_write = [20_000, 0];
    pair.settle();
    // The whole initial window.
    assert_eq!(pair.log.len(), from + 10);
    assert!(pair.log.iter().skip(from).all(|entry| entry.3 == 576));
}

#[test]
fn size_probe_takes_no_slot_that_a_probe_time_out_needs() {
    let mut pair = small_with_slots(CLEAN, 8);
    pair.run(Duration::from_millis(599_980));
    // The table fills up, then the probe becomes due, then the probe time-out expires.
    let from = pair.log.len();
    pair.lost = [u64::MAX, u64::MAX];
    pair.client.to_write = [20_000, 0];
    pair.run(SECOND * 10);
    let sent: Vec<_> = pair.log.iter().skip(from).filter(|entry| entry.1 == CLIENT).map(|entry| entry.3).collect();
    assert!(sent.len() > 10 && sent.iter().all(|&len| len <= 576), "{sent:?}");
    pair.lost = [0, 0];
    pair.run_until(SECOND * 10, Pair::is_done);
    pair.run(SECOND);
    assert!(pair.log.iter().any(|entry| entry.1 == CLIENT && entry.3 == 1200));
}

#[test]
fn short_hello_limits_datagrams_to_576_bytes() {
    let mut pair = small_from_the_start(CLEAN);
    pair.client.to_write = [20_000, 0];
    pair.server.to_write = [20_000, 0];
    pair.run_until(SECOND * 60, Pair::is_done);
    assert!(pair.log.iter().all(|entry| entry.3 <= 576));
}

#[test]
fn sends_at_most_576_bytes_to_a_peer_that_accepts_no_more() {
    let client = Pooled::large();
    let client_limits = TransportParameters { datagram: 576, ..limits(&client) };
    let server = Pooled::large();
    let server_limits = limits(&server);
    let mut pair = Pair::with_limits(1, CLEAN, (client, client_limits), (server, server_limits), 20);
    pair.client.to_write = [20_000, 0];
    pair.server.to_write = [20_000, 0];
    pair.run_until(SECOND * 60, Pair::is_done);
    assert!(pair.log.iter().all(|entry| entry.3 <= 576));
}

#[test]
fn idle_server_connection_fits_its_memory_budget() {
    let len = size_of::<crate::connection::Connection<Nothing, crate::crypto::Portable>>();
    std::eprintln!(
        "transport {} bytes, connection {len} bytes",
        size_of::<crate::transport::Transport<NewReno, ArrayRanges<16>>>()
    );
    assert!(len <= 4096, "{len} bytes");
}

/// A provider without memory.
#[derive(Debug)]
struct Nothing;

impl BufferProvider for Nothing {
    type Congestion = NewReno;
    type Ranges = ArrayRanges<16>;

    fn capacity(&self) -> Capacity {
        Capacity { chat_send: 0, chat_receive: 0, bulk_send: 0, bulk_receive: 0, in_flight: 0 }
    }

    fn buffers(&mut self) -> Buffers<'_> {
        Buffers {
            chat_send: &mut [],
            chat_receive: &mut [],
            bulk_send: &mut [],
            bulk_receive: &mut [],
            in_flight: &mut [],
        }
    }

    fn acquire(&mut self, _: Buffer) -> bool {
        false
    }

    fn release(&mut self, _: Buffer) {}
}

#[test]
fn connection_without_buffers_stays_open_and_delivers_nothing() {
    let limits = TransportParameters { chat: 512, ..limits(&Nothing) };
    let mut pair = Pair::with_limits(1, CLEAN, (Nothing, limits), (Pooled::large(), limits), 20);
    pair.server.to_write = [1_000, 0];
    pair.run(SECOND * 50);
    assert_eq!(pair.client.read[0], 0);
    assert!(pair.client.connection.is_open());
}
