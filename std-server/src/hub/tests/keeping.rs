//! Retention of entries by age, number and bytes: the oldest go, and members go on.

use kabar_core::chat::{AnswerCode, ClientMessage, ENTRY_OVERHEAD, EndedCode, EntryKind, Request, Start};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, ROOM, Received, join_args};
use super::world::{World, config};
use crate::hub::{HubConfig, JobKind, OperatorError, RoomChange, RoomId};
use crate::store::{Fault, LogEntry, MemoryStore, RoomBatch, Store};

/// Ana, who posted `count` texts: entries 2, 3, ...
fn talking(world: &mut World, count: u64) -> usize {
    let ana = world.join(&join_args("Ana", 1));
    post(world, ana, 1..=count);
    ana
}

fn post(world: &mut World, client: usize, numbers: core::ops::RangeInclusive<u64>) {
    for number in numbers {
        world.clients[client].post(number, &format!("text {number}"));
        if number.is_multiple_of(20) {
            world.run_ms(20);
        }
    }
    world.run(Duration::from_secs(2));
}

fn extent(world: &mut World) -> (u64, u64) {
    let loaded = world.store.load_room("lobby").expect("readable");
    assert_eq!(world.log().first().map_or(loaded.head + 1, |entry| entry.seq), loaded.first);
    let status = world.hub.status(RoomId::FIRST);
    assert_eq!((status.first, status.head), (loaded.first, loaded.head));
    (loaded.first, loaded.head)
}

#[test]
fn everything_is_kept_by_default() {
    let mut world = World::new();
    talking(&mut world, 300);
    world.run(Duration::from_secs(100 * 86_400));
    assert_eq!(extent(&mut world).0, 1);
}

#[test]
fn the_oldest_entries_beyond_the_number_go() {
    let mut world = World::with(|config| config.limits.keep_entries = 50);
    let ana = talking(&mut world, 119);
    assert_eq!((extent(&mut world), world.hub.counters().entries_expired), ((71, 120), 70));
    post(&mut world, ana, 120..=122);
    assert_eq!(extent(&mut world), (74, 123));
    // Her numbers are still known, and a restart changes nothing.
    world.clients[ana].post(1, "text 1");
    world.run_ms(50);
    assert_eq!(world.hub.counters().posts_repeated, 1);
    world.restart();
    world.run_ms(50);
    assert_eq!(extent(&mut world).0, 74);
}

#[test]
fn many_entries_go_in_portions() {
    let mut store = MemoryStore::new();
    let entry = |seq| LogEntry {
        seq,
        time_ms: 0,
        author: "server".into(),
        instance: 0,
        number: 0,
        kind: EntryKind::OPERATOR,
        body: b"hello".to_vec(),
    };
    let entries = (1..=2_601).map(entry).collect();
    store.commit(&RoomBatch { room: ROOM.into(), entries, ..RoomBatch::default() }.into()).expect("stored");
    let mut config = config();
    config.limits.keep_entries = 10;
    let mut world = World::over(config, store);
    assert_eq!(extent(&mut world), (2_592, 2_601));
    // One that writes the term, and those of 1000, 1000 and 591 entries.
    let counters = world.hub.counters();
    assert_eq!((counters.commits, counters.entries_expired), (4, 2_591));
}

#[test]
fn the_oldest_entries_beyond_the_size_go() {
    let size = ENTRY_OVERHEAD + 100;
    let mut world = World::with(|config| config.limits.keep_bytes = 10 * size);
    let ana = world.join(&join_args("Ana", 1));
    for number in 1..=30 {
        world.clients[ana].post(number, &"x".repeat(100));
    }
    world.run(Duration::from_secs(3));
    assert_eq!(extent(&mut world), (22, 31));
}

#[test]
fn old_entries_go() {
    let hour = Duration::from_secs(3_600);
    let mut world = World::with(|config| config.limits.keep_age = hour);
    let ana = talking(&mut world, 5);
    world.run(Duration::from_secs(1_800));
    post(&mut world, ana, 6..=7);
    world.run(Duration::from_secs(1_700));
    assert_eq!(extent(&mut world), (1, 8));
    world.run(Duration::from_secs(400));
    assert_eq!(extent(&mut world), (7, 8));
    world.run(hour);
    assert_eq!(extent(&mut world), (9, 8));
    post(&mut world, ana, 8..=8);
    assert_eq!((extent(&mut world), world.texts()), ((9, 9), vec!["text 8".to_owned()]));
}

/// Nothing is delivered from below the first entry, also while the tail holds it.
#[test]
fn old_entries_go_in_rooms_that_nobody_enters() {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let mut world = World::new();
    for (name, age_ms) in [("attic", Some(10 * 86_400_000)), ("cellar", None), ("vault", Some(10 * 86_400_000))] {
        let room = world.add_room(name);
        let now = world.now;
        assert_eq!(world.hub.set_room(now, room, None, RoomChange::KeepAge(age_ms)).is_ok(), age_ms.is_some());
        (0..30).for_each(|_| world.hub.say(world.now, room, "text"));
        world.run_ms(50);
        if name == "vault" {
            assert_eq!(world.hub.close_room(world.now, room), Ok(()));
        }
    }
    let kept = |world: &World| ["attic", "cellar", "vault"].map(|room| world.store.entries(room).len());
    let is_stored = |world: &World| world.hub.rooms.iter().count() == 1;
    world.run(days(1));
    assert_eq!((kept(&world), is_stored(&world), world.hub.counters().rooms_loaded), ([30; 3], true, 3));
    world.run(days(8));
    assert_eq!((kept(&world), world.hub.counters().rooms_loaded), ([30; 3], 3), "nothing is due");
    world.run(days(2));
    assert_eq!((kept(&world), is_stored(&world)), ([0, 30, 0], true));
    assert_eq!((world.hub.counters().entries_expired, world.hub.counters().rooms_loaded), (60, 5));
    assert_eq!(world.hub.rooms().iter().map(|room| room.first).collect::<Vec<_>>(), [31, 1, 1, 31]);
}

#[test]
fn the_search_for_old_entries_goes_on_after_a_restart_and_after_a_failure() {
    let mut world = World::with(|config| config.limits.keep_age = Duration::from_secs(3_000));
    let room = world.add_room("attic");
    world.hub.say(world.now, room, "text");
    world.run_ms(50);
    world.restart();
    // The restart is some time later.
    world.store.set_fault(Some(Fault::Read));
    world.run(Duration::from_secs(5_000));
    assert_eq!(world.store.entries("attic").len(), 1);
    world.store.set_fault(None);
    world.run(Duration::from_secs(3_700));
    assert_eq!(world.store.entries("attic").len(), 0);
}

#[test]
fn entries_that_went_are_delivered_to_nobody() {
    for tail_bytes in [0, 1 << 20] {
        let bounds = |config: &mut HubConfig| {
            config.limits.keep_entries = 20;
            config.limits.tail_bytes = tail_bytes;
        };
        let mut world = World::with(bounds);
        let ana = talking(&mut world, 99);
        assert_eq!(extent(&mut world), (81, 100));
        let ben = world.join(&JoinArgs { start: Start::Last(1_000), ..join_args("Ben", 2) });
        world.run(Duration::from_secs(1));
        assert_eq!((world.clients[ben].welcome().first, world.clients[ben].seqs()[0]), (81, 81));
        // His Join was one entry more.
        let request = Request::History { before: 90, count: 200 };
        assert!(world.clients[ben].send(&ClientMessage::Request { handle: 1, request }));
        world.run(Duration::from_secs(1));
        let past = |received: &Received| match received {
            Received::Past { seq, .. } => *seq,
            _ => None,
        };
        let answered: Vec<u64> = world.clients[ben].received.iter().filter_map(past).collect();
        let first = extent(&mut world).0;
        assert_eq!(answered, (first..90).collect::<Vec<_>>());
        // They cannot be removed, either.
        assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::Remove { seq: 80 } }));
        world.run_ms(100);
        assert_eq!(world.clients[ana].answers()[0].0, AnswerCode::NOT_FOUND);
        assert_eq!(world.hub.delete(world.now, RoomId::FIRST, 80), Err(OperatorError::NoSuchEntry));
    }
}

#[test]
fn a_cursor_before_the_first_entry_stays_valid() {
    let mut world = World::with(|config| config.limits.keep_entries = 20);
    let ana = talking(&mut world, 5);
    let term = world.clients[ana].welcome().term;
    post(&mut world, ana, 6..=99);
    let start = Start::After { seq: 3, term, fallback_count: 1 };
    let ben = world.join(&JoinArgs { start, ..join_args("Ben", 2) });
    world.run(Duration::from_secs(1));
    assert!(!world.clients[ben].received.contains(&Received::Reset));
    let welcome = world.clients[ben].welcome();
    assert_eq!((welcome.first, world.clients[ben].seqs()[0]), (welcome.first, welcome.first));
    assert!(welcome.first > 80);
}

#[test]
fn a_member_that_lags_behind_what_is_kept_joins_again() {
    let bounds = |config: &mut HubConfig| {
        config.limits.keep_entries = 20;
        config.limits.tail_bytes = 0;
    };
    let mut world = World::with(bounds);
    let ana = talking(&mut world, 5);
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ben].is_cut = true;
    post(&mut world, ana, 6..=900);
    world.clients[ben].is_cut = false;
    world.run(Duration::from_secs(30));
    assert!(
        world.clients[ben].received.iter().any(|it| matches!(it, Received::Ended { code: EndedCode::GAP, .. }))
            || world.clients[ben].seqs().last() == Some(&world.hub.status(RoomId::FIRST).head)
    );
    let seqs = world.clients[ben].seqs();
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no gap without a new Welcome: {seqs:?}");
}

#[test]
fn a_failed_or_uncertain_commit_delays_retention_and_loses_nothing() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied] {
        let mut world = World::with(|config| config.limits.keep_entries = 50);
        let ana = talking(&mut world, 40);
        for number in 41..=80 {
            world.clients[ana].post(number, &format!("text {number}"));
        }
        world.run_ms(100);
        world.store.set_fault(Some(fault));
        world.run(Duration::from_secs(10));
        world.store.set_fault(None);
        world.run(Duration::from_secs(20));
        assert_eq!(extent(&mut world), (32, 81), "{fault:?}");
    }
}

/// The entry is there when its removal is requested, and not when that could be written.
#[test]
fn an_entry_that_goes_before_its_removal_is_written_is_not_found() {
    let mut world = World::with(|config| config.limits.keep_entries = 20);
    let ana = world.join(&join_args("Ana", 1));
    for number in 1..=30 {
        world.clients[ana].post(number, "hello");
    }
    world.run_ms(100);
    world.hold(JobKind::Store);
    world.run_ms(1_500);
    let survey = world.jobs.pop_front().expect("of the log that has grown");
    let done = world.run_job(survey);
    world.hub.handle_done(world.now, done);
    world.drain();
    assert_eq!((world.jobs.len(), extent(&mut world).0), (1, 1), "the commit that removes entries waits");
    assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::Remove { seq: 2 } }));
    world.run_ms(50);
    world.release();
    world.run_ms(100);
    assert_eq!(extent(&mut world).0, 12);
    assert_eq!(world.clients[ana].answers().first().map(|answer| answer.0), Some(AnswerCode::NOT_FOUND));
    world.clients[ana].post(31, "more");
    world.run_ms(100);
    assert_eq!((world.texts().len(), world.hub.counters().retries), (21, 0));
}
