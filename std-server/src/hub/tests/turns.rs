//! What a few bytes can ask for is done in turns: others are served between (counted in looks and
//! messages, never in time).

use kabar_core::chat::{ClientMessage, Request, Start};
use kabar_core::time::Duration;

use super::person::{Asking, Heard, asking};
use super::world::{World, server};
use crate::hub::{Counters, HubConfig, JobKind};

/// The default of `max-work`.
const BUDGET: u64 = 256;

/// A room in which Ana said `count` things of 100 bytes, Ana, and Eve, who takes no entry at all.
fn room(count: u64, change: impl FnOnce(&mut HubConfig)) -> (World, usize, usize) {
    let mut world = World::with(change);
    let ana = world.join(&asking("Ana", 1));
    for number in 1..=count {
        world.people[ana].post(number, &"x".repeat(100));
        world.run_ms(5);
    }
    let eve = world.join(&Asking { max_entry_len: 0, ..asking("Eve", 2) });
    world.run(Duration::from_secs(2));
    (world, ana, eve)
}

/// Datagrams that `person` has to send, straight into the hub, and no output fetched.
fn deliver(world: &mut World, person: usize) {
    let mut bytes = [0; 1200];
    while let Some(len) = world.people[person].poll_transmit(world.now, &mut bytes) {
        let from = world.people[person].address;
        world.hub.handle_datagram(world.now, from, &mut bytes[..len]);
    }
}

/// Fetches all that the hub has to send until it gives nothing, jobs included, and brings it to
/// whom it is for.
fn fetch(world: &mut World) {
    let mut out = [0; 1200];
    loop {
        while let Some(transmit) = world.hub.poll_transmit(world.now, &mut out) {
            let to = world.people.iter().position(|person| person.address == transmit.to);
            let to = to.expect("somebody's");
            world.people[to].handle_datagram(world.now, server(), &mut out[..transmit.len]);
        }
        world.hub.create_jobs(world.now);
        let Some(job) = world.hub.poll_job() else { return };
        let done = world.run_job(job);
        world.hub.handle_done(world.now, done);
    }
}

/// As [`fetch`], but jobs wait: what is done in one turn.
fn turn(world: &mut World) -> Counters {
    let before = world.hub.counters();
    let mut out = [0; 1200];
    while let Some(transmit) = world.hub.poll_transmit(world.now, &mut out) {
        let to = world.people.iter().position(|person| person.address == transmit.to);
        let to = to.expect("somebody's");
        world.people[to].handle_datagram(world.now, server(), &mut out[..transmit.len]);
    }
    let after = world.hub.counters();
    Counters {
        lookups: after.lookups - before.lookups,
        messages_in: after.messages_in - before.messages_in,
        messages_out: after.messages_out - before.messages_out,
        ..Counters::default()
    }
}

fn ask_history(world: &mut World, person: usize, times: usize, before: impl Fn(usize) -> u64) {
    for at in 0..times {
        assert!(
            world.people[person].send(&ClientMessage::Request {
                handle: 1,
                request: Request::History { before: before(at), count: 200 }
            })
        );
    }
}

#[test]
fn a_datagram_full_of_history_is_worked_off_in_turns_and_others_are_served_between() {
    let (mut world, ana, eve) = room(300, |_| {});
    let ben = world.join(&asking("Ben", 3));
    world.people[eve].heard.clear();
    ask_history(&mut world, eve, 90, |_| 0);
    deliver(&mut world, eve);
    world.people[ana].post(301, "live");
    deliver(&mut world, ana);
    let (mut turns, mut heard_at) = (0, None);
    while world.hub.has_transmit() {
        let work = turn(&mut world);
        assert!(work.lookups + work.messages_in <= BUDGET, "{work:?}");
        turns += 1;
        // What came in meanwhile: Ana's post is committed in the first turn.
        world.run_jobs();
        if heard_at.is_none() && world.people[ben].texts().contains(&"live".to_owned()) {
            heard_at = Some(turns);
        }
        deliver(&mut world, eve);
        world.hub.handle_timeout(world.now);
        assert!(turns < 100, "it does not end");
    }
    assert!(turns >= 3, "{turns}");
    assert!(heard_at.is_some_and(|at| at <= 2), "heard in turn {heard_at:?} of {turns}");
    world.run(Duration::from_secs(2));
    let answers = world.people[eve].heard.iter().filter(|it| matches!(it, Heard::Past { remaining: 0, .. }));
    assert_eq!(answers.count(), 90);
}

#[test]
fn entries_that_are_not_taken_are_passed_over_a_page_at_a_time() {
    for tail in [1 << 20, 0] {
        let (mut world, _, eve) = room(300, |config| config.limits.tail_bytes = tail);
        // The pages are in memory.
        for _ in 0..2 {
            let before = world.hub.counters().lookups;
            ask_history(&mut world, eve, 1, |_| 300);
            world.run(Duration::from_secs(1));
            let lookups = world.hub.counters().lookups - before;
            assert!((7..=20).contains(&lookups), "{lookups} looks for 200 entries");
        }
    }
}

#[test]
fn messages_of_unknown_type_are_read_in_turns() {
    let (mut world, _, eve) = room(1, |_| {});
    for _ in 0..2_000 {
        assert!(world.people[eve].send_raw(&[0, 1, 0x7f]));
    }
    deliver(&mut world, eve);
    fetch(&mut world);
    let mut turns = 0;
    while world.hub.has_transmit() {
        let before = world.hub.counters().messages_in;
        world.hub.handle_timeout(world.now);
        fetch(&mut world);
        assert!(world.hub.counters().messages_in - before <= BUDGET);
        turns += 1;
    }
    assert!(turns >= 5, "{turns}");
    world.run_ms(100);
    // Two joins and a post besides.
    assert_eq!(world.hub.counters().messages_in, 2_003);
}

#[test]
fn the_names_of_many_are_told_in_turns() {
    let mut world = World::with(|config| config.limits.work = 1);
    let people: Vec<usize> = (1..=40).map(|key| world.join(&asking(&format!("p{key:02}"), key))).collect();
    let before = world.hub.counters().work_deferred;
    assert!(world.people[people[0]].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    world.run_ms(50);
    let names = world.people[people[0]].heard.iter().filter(|heard| matches!(heard, Heard::Member { .. }));
    assert_eq!((names.count(), world.hub.counters().work_deferred - before), (40, 3));
}

#[test]
fn a_budget_of_one_ends_all_the_same() {
    let (mut world, ana, eve) = room(50, |config| {
        config.limits.work = 1;
        config.limits.tail_bytes = 500;
    });
    ask_history(&mut world, ana, 3, |_| 40);
    ask_history(&mut world, eve, 3, |_| 40);
    assert!(world.people[ana].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    world.people[ana].post(51, "live");
    world.run(Duration::from_secs(5));
    // Eve takes the first one, that Ana joined, and is told that this was all.
    let past = |person: usize| world.people[person].heard.iter().filter(|it| matches!(it, Heard::Past { .. })).count();
    assert_eq!((past(ana), past(eve)), (3 * 39, 2 * 3));
    assert_eq!((world.people[ana].stored(), world.people[eve].seqs().last()), (51, Some(&53)));
    let late = world.join(&Asking { start: Start::Last(1_000), ..asking("Late", 5) });
    world.run(Duration::from_secs(5));
    assert_eq!(world.people[late].seqs(), (1..=54).collect::<Vec<_>>());
}

#[test]
fn who_reads_old_pages_one_after_the_other_waits_for_each_as_long_as_everybody_else() {
    let (mut world, _, eve) = room(600, |config| {
        config.limits.tail_bytes = 500;
        config.limits.page_bytes = 1;
    });
    world.hold(JobKind::Store);
    // Eve reads what is oldest, again and again; Late what is newest.
    ask_history(&mut world, eve, 30, |_| 200);
    world.run_ms(50);
    let late = world.person();
    world.connect(late);
    world.people[late].join(&Asking { start: Start::Last(200), ..asking("Late", 5) });
    world.run_ms(50);
    // One job after the other, as one disk does them.
    let mut jobs = 0;
    while world.people[late].seqs().len() < 200 {
        let job = world.jobs.pop_front().expect("a read is under way");
        let done = world.run_job(job);
        world.hub.handle_done(world.now, done);
        world.drain();
        world.run_ms(20);
        jobs += 1;
        assert!(jobs < 40, "{:?}", world.people[late].seqs().len());
    }
}

#[test]
fn a_page_that_only_somebody_wanted_who_left_is_not_read() {
    let (mut world, ana, eve) = room(600, |config| {
        config.limits.tail_bytes = 500;
        config.limits.page_reads = 1;
    });
    world.hold(JobKind::Store);
    for (person, before) in [(ana, 100), (eve, 400)] {
        assert!(
            world.people[person]
                .send(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 1 } })
        );
        world.run_ms(20);
    }
    let before = world.hub.counters().pages_read;
    world.people[eve].close(world.now);
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(1));
    assert_eq!(world.hub.counters().pages_read - before, 1);
}
