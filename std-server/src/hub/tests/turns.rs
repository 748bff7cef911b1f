//! Expensive requests are handled in turns, and others are served in between. Work is counted in
//! look-ups and messages, never in time.

use kabar_core::chat::{ClientMessage, Request, Start};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::{World, server};
use crate::hub::{Counters, HubConfig, JobKind};

/// The default of `max-work`.
const BUDGET: u64 = 256;

/// A room in which Ana posted `count` texts of 100 bytes, Ana, and Eve, who accepts no entry.
fn room(count: u64, change: impl FnOnce(&mut HubConfig)) -> (World, usize, usize) {
    let mut world = World::with(change);
    let ana = world.join(&join_args("Ana", 1));
    for number in 1..=count {
        world.clients[ana].post(number, &"x".repeat(100));
        world.run_ms(5);
    }
    let eve = world.join(&JoinArgs { max_entry_len: 0, ..join_args("Eve", 2) });
    world.run(Duration::from_secs(2));
    (world, ana, eve)
}

/// Passes the datagrams of a client to the hub, and fetches no output.
fn deliver(world: &mut World, client: usize) {
    let mut bytes = [0; 1200];
    while let Some(len) = world.clients[client].poll_transmit(world.now, &mut bytes) {
        let from = world.clients[client].address;
        world.hub.handle_datagram(world.now, from, &mut bytes[..len]);
    }
}

/// Fetches and delivers all output of the hub, and runs its jobs, until there is none.
fn fetch(world: &mut World) {
    let mut out = [0; 1200];
    loop {
        while let Some(transmit) = world.hub.poll_transmit(world.now, &mut out) {
            let to = world.clients.iter().position(|client| client.address == transmit.to);
            let to = to.expect("somebody's");
            world.clients[to].handle_datagram(world.now, server(), &mut out[..transmit.len]);
        }
        world.hub.create_jobs(world.now);
        let Some(job) = world.hub.poll_job() else { return };
        let done = world.run_job(job);
        world.hub.handle_done(world.now, done);
    }
}

/// As [`fetch`], but jobs wait. Returns the work of one turn.
fn turn(world: &mut World) -> Counters {
    let before = world.hub.counters();
    let mut out = [0; 1200];
    while let Some(transmit) = world.hub.poll_transmit(world.now, &mut out) {
        let to = world.clients.iter().position(|client| client.address == transmit.to);
        let to = to.expect("somebody's");
        world.clients[to].handle_datagram(world.now, server(), &mut out[..transmit.len]);
    }
    let after = world.hub.counters();
    Counters {
        lookups: after.lookups - before.lookups,
        messages_in: after.messages_in - before.messages_in,
        messages_out: after.messages_out - before.messages_out,
        ..Counters::default()
    }
}

fn request_history(world: &mut World, client: usize, times: usize, before: impl Fn(usize) -> u64) {
    for at in 0..times {
        assert!(
            world.clients[client].send(&ClientMessage::Request {
                handle: 1,
                request: Request::History { before: before(at), count: 200 }
            })
        );
    }
}

#[test]
fn a_datagram_full_of_history_requests_is_answered_in_turns() {
    let (mut world, ana, eve) = room(300, |_| {});
    let ben = world.join(&join_args("Ben", 3));
    world.clients[eve].received.clear();
    request_history(&mut world, eve, 90, |_| 0);
    deliver(&mut world, eve);
    world.clients[ana].post(301, "live");
    deliver(&mut world, ana);
    let (mut turns, mut received_at) = (0, None);
    while world.hub.has_transmit() {
        let work = turn(&mut world);
        assert!(work.lookups + work.messages_in <= BUDGET, "{work:?}");
        turns += 1;
        // Ana's post, which arrived in the meantime, is committed in the first turn.
        world.run_jobs();
        if received_at.is_none() && world.clients[ben].texts().contains(&"live".to_owned()) {
            received_at = Some(turns);
        }
        deliver(&mut world, eve);
        world.hub.handle_timeout(world.now);
        assert!(turns < 100, "it does not end");
    }
    assert!(turns >= 3, "{turns}");
    assert!(received_at.is_some_and(|at| at <= 2), "received in turn {received_at:?} of {turns}");
    world.run(Duration::from_secs(2));
    let answers = world.clients[eve].received.iter().filter(|it| matches!(it, Received::Past { remaining: 0, .. }));
    assert_eq!(answers.count(), 90);
}

#[test]
fn entries_too_large_for_a_member_are_skipped_a_page_at_a_time() {
    for tail in [1 << 20, 0] {
        let (mut world, _, eve) = room(300, |config| config.limits.tail_bytes = tail);
        // The pages are in memory.
        for _ in 0..2 {
            let before = world.hub.counters().lookups;
            request_history(&mut world, eve, 1, |_| 300);
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
        assert!(world.clients[eve].send_raw(&[0, 1, 0x7f]));
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
    // Two joins and a post in addition.
    assert_eq!(world.hub.counters().messages_in, 2_003);
}

#[test]
fn many_members_are_listed_in_turns() {
    let mut world = World::with(|config| config.limits.work = 1);
    let clients: Vec<usize> = (1..=40).map(|key| world.join(&join_args(&format!("p{key:02}"), key))).collect();
    let before = world.hub.counters().work_deferred;
    assert!(world.clients[clients[0]].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    world.run_ms(50);
    let names =
        world.clients[clients[0]].received.iter().filter(|received| matches!(received, Received::Member { .. }));
    assert_eq!((names.count(), world.hub.counters().work_deferred - before), (40, 3));
}

#[test]
fn answers_end_with_a_budget_of_one() {
    let (mut world, ana, eve) = room(50, |config| {
        config.limits.work = 1;
        config.limits.tail_bytes = 500;
    });
    request_history(&mut world, ana, 3, |_| 40);
    request_history(&mut world, eve, 3, |_| 40);
    assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    world.clients[ana].post(51, "live");
    world.run(Duration::from_secs(5));
    // Eve accepts only the first entry, that Ana joined, and gets the end of each answer.
    let past =
        |client: usize| world.clients[client].received.iter().filter(|it| matches!(it, Received::Past { .. })).count();
    assert_eq!((past(ana), past(eve)), (3 * 39, 2 * 3));
    assert_eq!((world.clients[ana].stored(), world.clients[eve].seqs().last()), (51, Some(&53)));
    let late = world.join(&JoinArgs { start: Start::Last(1_000), ..join_args("Late", 5) });
    world.run(Duration::from_secs(5));
    assert_eq!(world.clients[late].seqs(), (1..=54).collect::<Vec<_>>());
}

#[test]
fn consecutive_reads_of_one_member_do_not_delay_those_of_others() {
    let (mut world, _, eve) = room(600, |config| {
        config.limits.tail_bytes = 500;
        config.limits.page_bytes = 1;
    });
    world.hold(JobKind::Store);
    // Eve repeatedly reads the oldest entries; Late reads the newest.
    request_history(&mut world, eve, 30, |_| 200);
    world.run_ms(50);
    let late = world.client();
    world.connect(late);
    world.clients[late].join(&JoinArgs { start: Start::Last(200), ..join_args("Late", 5) });
    world.run_ms(50);
    // One job after the other, as one disk runs them.
    let mut jobs = 0;
    while world.clients[late].seqs().len() < 200 {
        let job = world.jobs.pop_front().expect("a read is outstanding");
        let done = world.run_job(job);
        world.hub.handle_done(world.now, done);
        world.drain();
        world.run_ms(20);
        jobs += 1;
        assert!(jobs < 40, "{:?}", world.clients[late].seqs().len());
    }
}

#[test]
fn a_page_requested_only_by_a_departed_member_is_not_read() {
    let (mut world, ana, eve) = room(600, |config| {
        config.limits.tail_bytes = 500;
        config.limits.page_reads = 1;
    });
    world.hold(JobKind::Store);
    for (client, before) in [(ana, 100), (eve, 400)] {
        assert!(
            world.clients[client]
                .send(&ClientMessage::Request { handle: 1, request: Request::History { before, count: 1 } })
        );
        world.run_ms(20);
    }
    let before = world.hub.counters().pages_read;
    world.clients[eve].close(world.now);
    world.run_ms(20);
    world.release();
    world.run(Duration::from_secs(1));
    assert_eq!(world.hub.counters().pages_read - before, 1);
}
