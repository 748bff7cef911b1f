//! A connection of hosts: BULK leaves at the rate of the path, CHAT at once (SPEC 5.4, 5.5).

use super::link::{CLEAN, CLIENT, Conditions, Pair, Pooled, limits};
use crate::time::{Duration, Instant};
use crate::transport::RateBased;
use crate::wire::packet::TransportParameters;

const MS: Duration = Duration::from_millis(1);
const RING: usize = 1 << 18;
const PACKETS: u16 = 256;

/// Two hosts whose link delays by 20 ms, with a client that sends without end on BULK, after its
/// start.
fn saturated(packets: u16) -> Pair<Pooled<RateBased>, Pooled<RateBased>> {
    let side = || {
        let memory = Pooled::rate_based(RING, RING, usize::from(packets));
        let limits = TransportParameters { packets, ..limits(&memory) };
        (memory, limits)
    };
    let mut pair = Pair::with_limits(1, CLEAN, side(), side(), 20);
    pair.client.to_write[1] = u64::MAX / 2;
    pair.run(MS * 2_000);
    pair.log.clear();
    pair
}

/// Instants and numbers of the full datagrams that the client sent.
fn bursts(log: &[(Instant, core::net::SocketAddr, core::net::SocketAddr, usize)]) -> std::vec::Vec<(Instant, usize)> {
    let mut bursts = std::vec::Vec::<(Instant, usize)>::new();
    for &(at, ..) in log.iter().filter(|(_, from, _, len)| *from == CLIENT && *len == 1200) {
        match bursts.last_mut() {
            Some((last, count)) if *last == at => *count += 1,
            _ => bursts.push((at, 1)),
        }
    }
    bursts
}

#[test]
fn packets_of_bulk_are_spread_over_the_round_trip() {
    let mut pair = saturated(PACKETS);
    pair.run(MS * 400);
    let bursts = bursts(&pair.log);
    let sent: usize = bursts.iter().map(|(_, count)| count).sum();
    // About 220 packets per round trip of 40 ms, 10 of them.
    assert!(sent > 1_500, "sent {sent} packets");
    let most = bursts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    assert!(most <= 32, "{most} packets at once");
}

#[test]
fn a_line_is_not_late_because_of_bulk() {
    // So few that an entry of the table becomes free only every few milliseconds.
    let mut pair = saturated(16);
    for line in 0..100_u64 {
        pair.client.to_write[0] += 80;
        let due = pair.now + CLEAN.delay + MS;
        while pair.step(due) {}
        assert_eq!(pair.server.read[0], pair.client.written[0], "line {line} is late");
        pair.run(MS * (line % 7));
    }
    assert!(pair.server.read[1] > 10_000);
}

#[test]
fn bulk_reaches_a_peer_that_takes_the_fewest_packets() {
    let pair = saturated(4);
    assert!(pair.server.read[1] > 10_000, "read {} bytes", pair.server.read[1]);
}

/// Bytes per second of BULK that arrive through a link that loses one packet in ten, from the third
/// second on.
fn with_loss<const RANGES: usize>() -> u64 {
    let side = || {
        let memory = Pooled::<RateBased, RANGES>::of(RING, 4 * RING, 4 * usize::from(PACKETS));
        let limits = TransportParameters { packets: 4 * PACKETS, ..limits(&memory) };
        (memory, limits)
    };
    let conditions = Conditions { loss: 100, delay: MS * 10, ..CLEAN };
    let mut pair = Pair::with_limits(1, conditions, side(), side(), 20);
    pair.client.to_write[1] = u64::MAX / 2;
    pair.run(MS * 2_000);
    let before = pair.server.read[1];
    pair.run(MS * 2_000);
    (pair.server.read[1] - before) / 2
}

#[test]
fn a_host_remembers_all_ranges_of_a_path_with_loss() {
    let (many, few) = (with_loss::<512>(), with_loss::<16>());
    std::eprintln!("{many} bytes per second with many ranges, {few} with few");
    assert!(many > 10_000_000 && many > few + few / 2, "{many} bytes per second, with few ranges {few}");
}
