use proptest::prelude::*;

use super::*;
use crate::relay::faults::Loss;

const SEED: u64 = 7;

fn chance(text: &str) -> Chance {
    text.parse().unwrap()
}

fn engine(faults: Faults) -> Engine<u8> {
    Engine::new(faults, Payload::OPAQUE, SEED, 0)
}

/// Pushes `count` numbered datagrams, one each millisecond, polls those that are due, and returns
/// their numbers in the order of arrival.
fn pass(engine: &mut Engine<u8>, count: u32) -> Vec<u32> {
    let mut out = Vec::new();
    let mut drain = |engine: &mut Engine<u8>, now| {
        while let Some((_, bytes)) = engine.poll(now) {
            out.extend(bytes.first_chunk().map(|number| u32::from_be_bytes(*number)));
        }
    };
    for number in 0..count {
        let now = Instant::from_micros(u64::from(number) * 1_000);
        engine.push(now, &0, &number.to_be_bytes());
        drain(engine, now);
    }
    while let Some(deadline) = engine.deadline() {
        drain(engine, deadline);
    }
    out
}

#[test]
fn without_faults_forwards_everything_at_once_and_in_order() {
    let mut engine = engine(Faults::NONE);
    assert_eq!(pass(&mut engine, 1_000), (0..1_000).collect::<Vec<_>>());
    assert_eq!(engine.counts(), Counts { received: 1_000, sent: 1_000, ..Counts::default() });
}

#[test]
fn loses_and_duplicates_at_the_configured_rates() {
    let mut engine =
        engine(Faults { loss: Loss::independent(chance("40%")), duplicate: chance("50%"), ..Faults::NONE });
    let out = pass(&mut engine, 10_000);
    let counts = engine.counts();
    assert!((3_800..4_200).contains(&counts.lost), "{}", counts.lost);
    assert!((2_800..3_200).contains(&counts.duplicated), "{}", counts.duplicated);
    assert_eq!(out.len() as u64, 10_000 - counts.lost + counts.duplicated);
}

#[test]
fn loses_in_bursts_of_the_configured_length_at_the_same_rate() {
    let mut engine = engine(Faults { loss: Loss::in_bursts(chance("20%"), 8.0).unwrap(), ..Faults::NONE });
    let out = pass(&mut engine, 50_000);
    let bursts = out.windows(2).filter(|pair| pair[1] - pair[0] > 1).count() as f64;
    let lost = engine.counts().lost as f64;
    assert!((0.18..0.22).contains(&(lost / 50_000.0)), "{lost}");
    assert!((7.0..9.0).contains(&(lost / bursts)), "{lost} in {bursts} bursts");
}

#[test]
fn drops_datagrams_larger_than_the_limit() {
    let mut engine = engine(Faults { max_len: Some(576), ..Faults::NONE });
    engine.push(Instant::ZERO, &1, &[0; 577]);
    assert_eq!(engine.poll(Instant::ZERO), None);
    engine.push(Instant::ZERO, &1, &[0; 576]);
    assert!(engine.poll(Instant::ZERO).is_some());
    assert_eq!(engine.counts().too_large, 1);
}

#[test]
fn holds_some_datagrams_back_so_that_later_ones_overtake() {
    let mut engine = engine(Faults { reorder: chance("10%"), ..Faults::NONE });
    let out = pass(&mut engine, 10_000);
    let overtaken = out.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!((800..1_100).contains(&overtaken), "{overtaken}");
    let mut sorted = out.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10_000).collect::<Vec<_>>(), "all arrive");
}

#[test]
fn delay_keeps_the_order_and_jitter_stays_within_its_bound() {
    let delay = Duration::from_millis(100);
    let mut steady = engine(Faults { delay, ..Faults::NONE });
    assert_eq!(pass(&mut steady, 500), (0..500).collect::<Vec<_>>());
    let mut jittery = engine(Faults { delay, jitter: Duration::from_millis(20), ..Faults::NONE });
    for _ in 0..500 {
        jittery.push(Instant::ZERO, &0, &[1]);
    }
    assert_eq!(jittery.poll(Instant::from_micros(99_999)), None);
    let mut times = Vec::new();
    while let Some(deadline) = jittery.deadline() {
        times.push(deadline.as_micros());
        assert!(jittery.poll(deadline).is_some());
    }
    assert!(times.iter().all(|time| (100_000..=120_000).contains(time)));
    assert!(times[0] < 101_000 && times[499] > 119_000, "the whole range is used");
}

#[test]
fn the_number_of_waiting_datagrams_is_bounded() {
    let mut engine = engine(Faults { delay: Duration::from_secs(1), ..Faults::NONE });
    for _ in 0..MAX_WAITING + 5 {
        engine.push(Instant::ZERO, &0, &[0]);
    }
    let counts = engine.counts();
    assert_eq!((counts.waiting, counts.no_room), (MAX_WAITING as u64, 5));
}

#[test]
fn a_datagram_is_either_forged_or_corrupted() {
    let mut engine = engine(Faults { corrupt: chance("50%"), forge: Chance::ALWAYS, ..Faults::NONE });
    for _ in 0..1_000 {
        engine.push(Instant::ZERO, &0, &[0; 40]);
        assert_ne!(engine.poll(Instant::ZERO), Some((0, vec![0; 40])));
    }
    let counts = engine.counts();
    assert_eq!(counts.corrupted + counts.forged, 1_000);
    assert!((400..600).contains(&counts.corrupted));
}

fn any_faults() -> impl Strategy<Value = Faults> {
    let chance = || (0.0..=1.0f64).prop_map(|share| Chance::from_share(share).unwrap());
    let span = || (0u64..200_000).prop_map(Duration::from_micros);
    let max_len = proptest::option::of(0usize..80);
    ((chance(), 1.0..20.0f64, max_len), (chance(), chance(), chance(), chance()), (span(), span(), span())).prop_map(
        |((loss, burst_len, max_len), (duplicate, reorder, corrupt, forge), (max_hold, delay, jitter))| Faults {
            loss: Loss::in_bursts(loss, burst_len).unwrap_or(Loss::independent(loss)),
            max_len,
            duplicate,
            reorder,
            max_hold,
            corrupt,
            forge,
            delay,
            jitter,
        },
    )
}

type Sent = Vec<(Instant, u8, Vec<u8>)>;

/// Pushes `datagrams`, each at its interval after the one before, and returns what was sent when.
fn run(engine: &mut Engine<u8>, datagrams: &[(u64, u8, Vec<u8>)]) -> Sent {
    let (mut now, mut sent) = (Instant::ZERO, Vec::new());
    for (after, to, bytes) in datagrams {
        now += Duration::from_micros(*after);
        engine.push(now, to, bytes);
        while let Some((to, bytes)) = engine.poll(now) {
            sent.push((now, to, bytes));
        }
    }
    while let Some(deadline) = engine.deadline() {
        assert!(deadline > now, "everything due was polled");
        now = deadline;
        while let Some((to, bytes)) = engine.poll(now) {
            sent.push((now, to, bytes));
        }
    }
    sent
}

proptest! {
    #[test]
    fn counts_every_datagram_and_the_same_seed_gives_the_same_result(
        faults in any_faults(),
        datagrams in proptest::collection::vec(
            (0u64..5_000, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..100)), 0..200,
        ),
        seed: u64,
    ) {
        let mut engine = Engine::new(faults, Payload::PACKET, seed, 1);
        let sent = run(&mut engine, &datagrams);
        let counts = engine.counts();
        prop_assert_eq!(counts.received, datagrams.len() as u64);
        prop_assert_eq!(counts.sent, sent.len() as u64);
        prop_assert_eq!(counts.sent, counts.received - counts.lost - counts.too_large + counts.duplicated);
        prop_assert_eq!((counts.waiting, counts.no_room), (0, 0));
        // At least the datagrams that were not changed are, byte for byte, those that were pushed.
        let intact = sent.iter().filter(|(_, to, bytes)| datagrams.iter().any(|received| received.1 == *to && received.2 == *bytes));
        prop_assert!(intact.count() as u64 >= counts.sent - counts.corrupted - counts.forged);
        let mut again = Engine::new(faults, Payload::PACKET, seed, 1);
        prop_assert_eq!(run(&mut again, &datagrams), sent);
    }
}

#[test]
fn the_two_directions_of_a_seed_have_independent_faults() {
    let faults = Faults { loss: Loss::independent(chance("50%")), ..Faults::NONE };
    let out = |stream| pass(&mut Engine::new(faults, Payload::OPAQUE, SEED, stream), 200);
    assert_ne!(out(0), out(1));
}
