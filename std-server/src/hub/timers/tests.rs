//! Timers fire at the deadlines that were set last, in order.

use super::*;

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

#[test]
fn pops_due_timers_once_in_order() {
    let mut timers = Timers::default();
    timers.set(Timer::Connection(1), Some(at(30)));
    timers.set(Timer::Connection(2), Some(at(10)));
    timers.set(Timer::Phase(1), Some(at(20)));
    assert_eq!(timers.next(), Some(at(10)));
    assert_eq!(timers.pop_due(at(9)), None);
    assert_eq!(timers.pop_due(at(20)), Some(Timer::Connection(2)));
    assert_eq!(timers.pop_due(at(20)), Some(Timer::Phase(1)));
    assert_eq!(timers.pop_due(at(20)), None);
    assert_eq!(timers.next(), Some(at(30)));
}

#[test]
fn a_postponed_or_cleared_timer_does_not_fire_at_its_old_deadline() {
    let mut timers = Timers::default();
    timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Upkeep), Some(at(10)));
    timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Upkeep), Some(at(40)));
    timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Absence(PublicIdentity([1; 32]))), Some(at(10)));
    timers.set(Timer::Room(RoomId::FIRST, RoomTimer::Absence(PublicIdentity([1; 32]))), None);
    timers.set(Timer::Pool, None);
    assert_eq!(timers.get(&Timer::Room(RoomId::FIRST, RoomTimer::Upkeep)), Some(at(40)));
    assert_eq!(timers.pop_due(at(39)), None);
    assert_eq!(timers.next(), Some(at(40)), "it looked once too early, not again");
    assert_eq!(timers.pop_due(at(40)), Some(Timer::Room(RoomId::FIRST, RoomTimer::Upkeep)));
    assert_eq!((timers.next(), timers.pop_due(at(99))), (None, None));
}

#[test]
fn a_timer_moved_forward_fires_at_its_new_deadline() {
    let mut timers = Timers::default();
    timers.set(Timer::Connection(7), Some(at(40)));
    timers.set(Timer::Connection(7), Some(at(60)));
    timers.set(Timer::Connection(7), Some(at(20)));
    assert_eq!((timers.next(), timers.pop_due(at(20))), (Some(at(20)), Some(Timer::Connection(7))));
    timers.set(Timer::Connection(7), Some(at(50)));
    assert_eq!((timers.pop_due(at(49)), timers.pop_due(at(50))), (None, Some(Timer::Connection(7))));
    let Queue { order, due } = &timers.connections;
    assert_eq!((timers.next(), order.len(), due.len()), (None, 0, 0));
}

#[test]
fn a_deadline_that_is_near_for_a_while_keeps_its_place_among_the_far_ones() {
    let mut timers = Timers::default();
    timers.set(Timer::Connection(7), Some(at(100)));
    for acknowledged in [20, 40, 60] {
        timers.set(Timer::Connection(7), Some(at(acknowledged)));
        timers.set(Timer::Connection(7), Some(at(100 + acknowledged)));
        assert_eq!((timers.pop_due(at(acknowledged)), timers.next()), (None, Some(at(100))));
        assert_eq!(timers.connections.order.len(), 1);
    }
    assert_eq!((timers.pop_due(at(159)), timers.next()), (None, Some(at(160))));
    assert_eq!(timers.pop_due(at(160)), Some(Timer::Connection(7)));
}

#[test]
fn timers_fire_at_the_deadlines_that_were_set_last() {
    let mut timers = Timers::default();
    let mut expected = BTreeMap::new();
    let mut random = 1_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    for now in 0..5_000 {
        let id = draw(8) as u32;
        let timer = if draw(2) == 0 { Timer::Connection(id) } else { Timer::Phase(id) };
        let deadline = (draw(8) > 0).then(|| at(now + if draw(2) == 0 { draw(20) } else { draw(400) }));
        timers.set(timer.clone(), deadline);
        match deadline {
            Some(deadline) => _ = expected.insert(timer, deadline),
            None => _ = expected.remove(&timer),
        }
        while let Some(timer) = timers.pop_due(at(now)) {
            assert!(expected.remove(&timer).is_some_and(|deadline| deadline <= at(now)), "{timer:?} at {now}");
        }
        assert!(expected.values().all(|deadline| *deadline > at(now)), "{expected:?} at {now}");
        assert!(expected.iter().all(|(timer, deadline)| timers.get(timer) == Some(*deadline)));
        let Timers { connections, others } = &timers;
        let places = connections.order.len() + others.order.len();
        assert!((expected.len()..=2 * expected.len()).contains(&places), "{places}");
    }
}
