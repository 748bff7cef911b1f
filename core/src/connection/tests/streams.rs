//! Streams arrive complete and in order under all link conditions.

use super::link::{CLEAN, CLIENT, Pair, Pooled, SERVER, established, limits, rough};
use crate::time::Duration;
use crate::transport::InlineBuffers;
use crate::wire::frame::StreamId;
use crate::wire::io::BufferFull;

type Tiny = InlineBuffers<1024, 1024, 0, 6>;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn delivers_in_order_over_a_clean_link() {
    let mut pair = Pair::new(1, CLEAN, Pooled::large(), Pooled::large());
    pair.client.to_write = [50_000, 20_000];
    pair.server.to_write = [80_000, 10_000];
    pair.run_until(Duration::from_millis(200), Pair::is_done);
    assert!(pair.counters().iter().all(|counters| counters.lost == 0 && counters.resent == 0));
}

#[test]
fn delivers_in_order_at_any_loss() {
    for percent in [0, 1, 5, 10, 20, 30, 40, 50] {
        for seed in 0..10 {
            let mut pair = Pair::new(seed, rough(percent), Pooled::large(), Pooled::large());
            pair.client.to_write = [40_000, 20_000];
            pair.server.to_write = [40_000, 20_000];
            pair.run_until(secs(120), Pair::is_done);
        }
    }
}

#[test]
fn delivers_in_order_at_any_loss_in_tiny_memory() {
    for percent in [0, 1, 5, 10, 20, 30, 40, 50] {
        for seed in 0..10 {
            let mut pair = Pair::new(seed, rough(percent), Tiny::new(), Tiny::new());
            pair.client.to_write = [10_000, 0];
            pair.server.to_write = [10_000, 0];
            pair.run_until(secs(120), Pair::is_done);
        }
    }
}

#[test]
fn delivers_in_order_across_many_epochs() {
    for seed in 0..20 {
        let sides = || {
            let memory = Pooled::new(4_000, 4_000, 12);
            let limits = limits(&memory);
            (memory, limits)
        };
        let mut pair = Pair::with_limits(seed, rough(20), sides(), sides(), 6);
        pair.client.to_write = [150_000, 0];
        pair.server.to_write = [0, 50_000];
        pair.run_until(secs(300), Pair::is_done);
        let sent = pair.counters().map(|counters| counters.sent);
        assert!(sent.iter().all(|&sent| sent > 3 * 64), "{sent:?}");
    }
}

#[test]
fn receive_only_side_crosses_epochs() {
    let sides = || {
        let memory = Pooled::large();
        let limits = limits(&memory);
        (memory, limits)
    };
    let mut pair = Pair::with_limits(1, CLEAN, sides(), sides(), 6);
    // The messages are small, so that no MAX_DATA is sent for a long time.
    for _ in 0..1_000 {
        pair.client.to_write[0] += 1;
        pair.run(Duration::from_millis(50));
    }
    assert!(pair.is_done());
    assert!(pair.server.connection.counters().sent > 5 * 64);
}

#[test]
fn paused_reader_loses_no_data() {
    for seed in 0..5 {
        let mut pair = Pair::new(seed, rough(20), Tiny::new(), Tiny::new());
        pair.server.reads = false;
        pair.client.to_write = [5_000, 0];
        pair.run(secs(30));
        assert_eq!(pair.server.connection.readable(StreamId::Chat), 1_024);
        pair.server.reads = true;
        pair.run_until(secs(120), Pair::is_done);
    }
}

#[test]
fn delivers_in_order_across_blackouts() {
    for seed in 0..5 {
        let mut pair = Pair::new(seed, rough(5), Pooled::new(3_000, 0, 16), Tiny::new());
        pair.client.to_write = [30_000, 0];
        pair.server.to_write = [30_000, 0];
        for _ in 0..4 {
            pair.run(Duration::from_millis(300));
            pair.conditions.loss = 1000;
            pair.run(secs(9));
            pair.conditions.loss = 50;
        }
        pair.run_until(secs(60), Pair::is_done);
    }
}

#[test]
fn chat_takes_precedence_over_bulk() {
    let mut pair = Pair::new(1, CLEAN, Pooled::large(), Pooled::large());
    pair.client.to_write = [0, 500_000];
    pair.run(Duration::from_millis(200));
    pair.client.to_write[0] = 100;
    let took = pair.run_until(secs(1), |pair| pair.server.read[0] == 100);
    assert!(took <= Duration::from_millis(60), "{took:?}");
    pair.run_until(secs(30), Pair::is_done);
}

#[test]
fn connection_can_be_reopened_in_place() {
    let mut pair = Pair::new(1, rough(10), Pooled::large(), Tiny::new());
    pair.client.to_write = [5_000, 0];
    pair.run(Duration::from_millis(100));
    let (client_limits, server_limits) = (limits(&Pooled::large()), limits(&Tiny::new()));
    let [for_client, for_server] = established(client_limits, server_limits);
    pair.in_flight.clear();
    for side in [&mut pair.client.written, &mut pair.client.read, &mut pair.server.written, &mut pair.server.read] {
        *side = [0; 2];
    }
    pair.client.connection.open(pair.now, &for_client, SERVER);
    pair.server.connection.open(pair.now, &for_server, CLIENT);
    pair.client.to_write = [5_000, 0];
    pair.server.to_write = [5_000, 0];
    pair.run_until(secs(60), Pair::is_done);
}

#[test]
fn reads_whole_messages_only() {
    let mut pair = Pair::new(1, CLEAN, Pooled::large(), Pooled::large());
    pair.run(secs(1));
    pair.server.reads = false;
    let mut out = [0; 3];
    for part in [&[0][..], &[3, b'a'], b"b"] {
        pair.client.connection.send(pair.now, StreamId::Chat, &[part]).unwrap();
        pair.run(secs(1));
        assert_eq!(pair.server.connection.read_message(StreamId::Chat, &mut out), Ok(None));
    }
    pair.client.connection.send(pair.now, StreamId::Chat, &[b"c", &[0, 0, 0, 4]]).unwrap();
    pair.run(secs(1));
    assert_eq!(pair.server.connection.read_message(StreamId::Chat, &mut out), Ok(Some(&mut b"abc"[..].to_vec()[..])));
    assert_eq!(pair.server.connection.read_message(StreamId::Chat, &mut out), Ok(Some(&mut [][..])));
    assert_eq!(pair.server.connection.read_message(StreamId::Chat, &mut out), Err(BufferFull));
    assert_eq!(pair.server.connection.readable(StreamId::Chat), 2);
}
