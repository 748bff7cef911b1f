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

/// Gives it `count` numbered datagrams, one each millisecond, and takes out what is due; the
/// numbers as they come out.
fn pass(engine: &mut Engine<u8>, count: u32) -> Vec<u32> {
    let mut out = Vec::new();
    let mut drain = |engine: &mut Engine<u8>, now| {
        while let Some((_, bytes)) = engine.poll(now) {
            out.extend(bytes.first_chunk().map(|number| u32::from_be_bytes(*number)));
        }
    };
    for number in 0..count {
        let now = Instant::from_micros(u64::from(number) * 1_000);
        engine.take(now, &0, &number.to_be_bytes());
        drain(engine, now);
    }
    while let Some(deadline) = engine.deadline() {
        drain(engine, deadline);
    }
    out
}

#[test]
fn without_faults_everything_leaves_at_once_and_in_order() {
    let mut engine = engine(Faults::NONE);
    assert_eq!(pass(&mut engine, 1_000), (0..1_000).collect::<Vec<_>>());
    assert_eq!(engine.counts(), Counts { came: 1_000, sent: 1_000, ..Counts::default() });
}

#[test]
fn loses_and_doubles_as_often_as_asked() {
    let mut engine = engine(Faults { loss: Loss::each(chance("40%")), duplicate: chance("50%"), ..Faults::NONE });
    let out = pass(&mut engine, 10_000);
    let counts = engine.counts();
    assert!((3_800..4_200).contains(&counts.lost), "{}", counts.lost);
    assert!((2_800..3_200).contains(&counts.doubled), "{}", counts.doubled);
    assert_eq!(out.len() as u64, 10_000 - counts.lost + counts.doubled);
}

#[test]
fn loses_in_rows_of_the_length_asked_for_and_no_more_in_all() {
    let mut engine = engine(Faults { loss: Loss::in_rows(chance("20%"), 8.0).unwrap(), ..Faults::NONE });
    let out = pass(&mut engine, 50_000);
    let rows = out.windows(2).filter(|pair| pair[1] - pair[0] > 1).count() as f64;
    let lost = engine.counts().lost as f64;
    assert!((0.18..0.22).contains(&(lost / 50_000.0)), "{lost}");
    assert!((7.0..9.0).contains(&(lost / rows)), "{lost} in {rows} rows");
}

#[test]
fn drops_what_is_larger_than_the_path_takes() {
    let mut engine = engine(Faults { largest: Some(576), ..Faults::NONE });
    engine.take(Instant::ZERO, &1, &[0; 577]);
    assert_eq!(engine.poll(Instant::ZERO), None);
    engine.take(Instant::ZERO, &1, &[0; 576]);
    assert!(engine.poll(Instant::ZERO).is_some());
    assert_eq!(engine.counts().too_large, 1);
}

#[test]
fn holds_some_up_so_that_later_ones_overtake() {
    let mut engine = engine(Faults { reorder: chance("10%"), ..Faults::NONE });
    let out = pass(&mut engine, 10_000);
    let overtaken = out.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!((800..1_100).contains(&overtaken), "{overtaken}");
    let mut sorted = out.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..10_000).collect::<Vec<_>>(), "all arrive");
}

#[test]
fn delay_keeps_the_order_and_jitter_stays_within_its_bounds() {
    let delay = Duration::from_millis(100);
    let mut steady = engine(Faults { delay, ..Faults::NONE });
    assert_eq!(pass(&mut steady, 500), (0..500).collect::<Vec<_>>());
    let mut shaky = engine(Faults { delay, jitter: Duration::from_millis(20), ..Faults::NONE });
    for _ in 0..500 {
        shaky.take(Instant::ZERO, &0, &[1]);
    }
    assert_eq!(shaky.poll(Instant::from_micros(99_999)), None);
    let mut times = Vec::new();
    while let Some(deadline) = shaky.deadline() {
        times.push(deadline.as_micros());
        assert!(shaky.poll(deadline).is_some());
    }
    assert!(times.iter().all(|time| (100_000..=120_000).contains(time)));
    assert!(times[0] < 101_000 && times[499] > 119_000, "all of the span is used");
}

#[test]
fn what_waits_is_bounded() {
    let mut engine = engine(Faults { delay: Duration::from_secs(1), ..Faults::NONE });
    for _ in 0..MAX_WAITING + 5 {
        engine.take(Instant::ZERO, &0, &[0]);
    }
    let counts = engine.counts();
    assert_eq!((counts.waiting, counts.no_room), (MAX_WAITING as u64, 5));
}

#[test]
fn what_is_forged_and_what_is_corrupted_are_different_datagrams() {
    let mut engine = engine(Faults { corrupt: chance("50%"), forge: Chance::ALWAYS, ..Faults::NONE });
    for _ in 0..1_000 {
        engine.take(Instant::ZERO, &0, &[0; 40]);
        assert_ne!(engine.poll(Instant::ZERO), Some((0, vec![0; 40])));
    }
    let counts = engine.counts();
    assert_eq!(counts.corrupted + counts.forged, 1_000);
    assert!((400..600).contains(&counts.corrupted));
}

fn any_faults() -> impl Strategy<Value = Faults> {
    let chance = || (0.0..=1.0f64).prop_map(|share| Chance::from_share(share).unwrap());
    let span = || (0u64..200_000).prop_map(Duration::from_micros);
    let largest = proptest::option::of(0usize..80);
    ((chance(), 1.0..20.0f64, largest), (chance(), chance(), chance(), chance()), (span(), span(), span())).prop_map(
        |((loss, row, largest), (duplicate, reorder, corrupt, forge), (hold, delay, jitter))| Faults {
            loss: Loss::in_rows(loss, row).unwrap_or(Loss::each(loss)),
            largest,
            duplicate,
            reorder,
            hold,
            corrupt,
            forge,
            delay,
            jitter,
        },
    )
}

type Sent = Vec<(Instant, u8, Vec<u8>)>;

/// Feeds `datagrams`, each so long after the one before it.
fn run(engine: &mut Engine<u8>, datagrams: &[(u64, u8, Vec<u8>)]) -> Sent {
    let (mut now, mut sent) = (Instant::ZERO, Vec::new());
    for (after, to, bytes) in datagrams {
        now += Duration::from_micros(*after);
        engine.take(now, to, bytes);
        while let Some((to, bytes)) = engine.poll(now) {
            sent.push((now, to, bytes));
        }
    }
    while let Some(deadline) = engine.deadline() {
        assert!(deadline > now, "what was due has been given");
        now = deadline;
        while let Some((to, bytes)) = engine.poll(now) {
            sent.push((now, to, bytes));
        }
    }
    sent
}

proptest! {
    #[test]
    fn every_datagram_is_accounted_for_and_the_same_seed_gives_the_same(
        faults in any_faults(),
        datagrams in proptest::collection::vec(
            (0u64..5_000, any::<u8>(), proptest::collection::vec(any::<u8>(), 0..100)), 0..200,
        ),
        seed: u64,
    ) {
        let mut engine = Engine::new(faults, Payload::PACKET, seed, 1);
        let sent = run(&mut engine, &datagrams);
        let counts = engine.counts();
        prop_assert_eq!(counts.came, datagrams.len() as u64);
        prop_assert_eq!(counts.sent, sent.len() as u64);
        prop_assert_eq!(counts.sent, counts.came - counts.lost - counts.too_large + counts.doubled);
        prop_assert_eq!((counts.waiting, counts.no_room), (0, 0));
        // Nothing is made up: as many as were not touched are, byte for byte, what came.
        let intact = sent.iter().filter(|(_, to, bytes)| datagrams.iter().any(|came| came.1 == *to && came.2 == *bytes));
        prop_assert!(intact.count() as u64 >= counts.sent - counts.corrupted - counts.forged);
        let mut again = Engine::new(faults, Payload::PACKET, seed, 1);
        prop_assert_eq!(run(&mut again, &datagrams), sent);
    }
}

#[test]
fn the_two_directions_of_a_seed_draw_differently() {
    let faults = Faults { loss: Loss::each(chance("50%")), ..Faults::NONE };
    let out = |stream| pass(&mut Engine::new(faults, Payload::OPAQUE, SEED, stream), 200);
    assert_ne!(out(0), out(1));
}
