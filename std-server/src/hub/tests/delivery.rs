//! Delivery: every member is a cursor into the log (SPEC 6.2, 6.3, 7).

use kabar_core::chat::{ClientMessage, EntryKind, Request, Start, Term};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, ROOM, Received, join_args};
use super::world::World;
use crate::hub::{HubConfig, JobKind, RoomId};
use crate::store::Fault;

/// A room in which Ana posted `count` texts of `len` bytes.
fn room(count: u64, len: usize, change: impl FnOnce(&mut HubConfig)) -> (World, usize) {
    let mut world = World::with(change);
    let ana = world.join(&join_args("Ana", 1));
    let mut number = 1;
    while number <= count {
        let text = format!("{number} {}", "x".repeat(len));
        if world.clients[ana].post_as(EntryKind::TEXT, number, number - 1, text.as_bytes()) {
            number += 1;
        } else {
            world.run_ms(10);
        }
    }
    world.run(Duration::from_secs(2));
    assert_eq!(world.clients[ana].stored(), count);
    (world, ana)
}

#[test]
fn delivery_begins_at_the_start_of_the_join() {
    let (mut world, _) = room(10, 1, |_| {});
    // The log: Ana joined, ten texts, and each further client joined.
    let head = world.join(&join_args("h", 2));
    assert_eq!((world.clients[head].welcome().start, world.clients[head].welcome().head), (12, 12));
    let last = world.join(&JoinArgs { start: Start::Last(4), ..join_args("l", 3) });
    assert_eq!((world.clients[last].welcome().start, world.clients[last].seqs()), (9, vec![10, 11, 12, 13]));
    let term = world.clients[last].welcome().term;
    let after = world.join(&JoinArgs { start: Start::After { seq: 3, term, fallback_count: 0 }, ..join_args("a", 4) });
    assert_eq!(world.clients[after].seqs(), (4..=14).collect::<Vec<_>>());
    assert!(!world.clients[after].received.contains(&Received::Reset));
    assert_eq!(world.clients[head].seqs(), [13, 14]);
}

#[test]
fn an_invalid_cursor_is_reset_directly_before_welcome() {
    let (mut world, _) = room(10, 1, |_| {});
    let unknown = Start::After { seq: 5, term: Term([9; 8]), fallback_count: 2 };
    let client = world.join(&JoinArgs { start: unknown, ..join_args("Ben", 2) });
    let received = &world.clients[client].received;
    assert!(matches!(received[..2], [Received::Reset, Received::Welcome(_)]), "{received:?}");
    assert_eq!(world.clients[client].seqs(), [11, 12]);
    let term = world.clients[client].welcome().term;
    let beyond = Start::After { seq: 99, term, fallback_count: 1 };
    let client = world.join(&JoinArgs { start: beyond, ..join_args("Cleo", 3) });
    assert_eq!((world.clients[client].received[0].clone(), world.clients[client].seqs()), (Received::Reset, vec![13]));
}

#[test]
fn a_cursor_of_an_earlier_run_continues() {
    let (mut world, ana) = room(5, 1, |_| {});
    let (term, instance) = (world.clients[ana].welcome().term, world.clients[ana].welcome().instance);
    world.clients[ana].post(6, "six");
    world.run_ms(50);
    world.restart();
    world.clients[ana].received.clear();
    world.attempt_join(
        ana,
        &JoinArgs { instance, start: Start::After { seq: 4, term, fallback_count: 0 }, ..join_args("Ana", 1) },
    );
    assert_eq!(world.clients[ana].seqs(), [5, 6, 7]);
    assert!(!world.clients[ana].received.contains(&Received::Reset));
}

#[test]
fn entries_before_the_tail_are_read_from_the_store() {
    let (mut world, _) = room(300, 100, |config| config.limits.tail_bytes = 4_000);
    let ben = world.join(&JoinArgs { start: Start::Last(1_000), ..join_args("Ben", 2) });
    world.run(Duration::from_secs(3));
    assert_eq!(world.clients[ben].seqs(), (1..=302).collect::<Vec<_>>());
    let pages = world.hub.counters().pages_read;
    assert!((8..=12).contains(&pages), "{pages}");
    // The next one finds the pages still in memory.
    let cleo = world.join(&JoinArgs { start: Start::Last(1_000), ..join_args("Cleo", 3) });
    world.run(Duration::from_secs(3));
    assert_eq!(world.clients[cleo].seqs(), (1..=303).collect::<Vec<_>>());
    assert!(world.hub.counters().pages_read <= pages + 2);
}

#[test]
fn failed_reads_are_retried() {
    let (mut world, _) = room(50, 100, |config| {
        config.limits.tail_bytes = 1_000;
        config.limits.page_bytes = 1;
    });
    world.hold(JobKind::Store);
    let ben = world.client();
    world.attempt_join(ben, &JoinArgs { start: Start::Last(1_000), ..join_args("Ben", 2) });
    let append = world.jobs.pop_front().expect("a commit");
    let done = world.run_job(append);
    world.hub.handle_done(world.now, done);
    world.store.set_fault(Some(Fault::Read));
    world.held.clear();
    world.run(Duration::from_secs(3));
    assert!(world.clients[ben].is_welcome() && world.clients[ben].seqs().is_empty(), "{:?}", world.hub.counters());
    assert!((2..=40).contains(&world.hub.counters().reads_failed));
    world.store.set_fault(None);
    world.run(Duration::from_secs(2));
    assert_eq!(world.clients[ben].seqs(), (1..=52).collect::<Vec<_>>());
}

#[test]
fn a_member_that_does_not_read_slows_no_others_and_misses_nothing() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    let deaf = world.join(&join_args("Deaf", 3));
    world.clients[deaf].is_not_reading = true;
    let cut = world.join(&join_args("Cut", 4));
    world.clients[cut].is_cut = true;
    for number in 1..=200 {
        world.clients[ana].post(number, &format!("{number} {}", "x".repeat(500)));
        world.run_ms(20);
        assert_eq!(world.clients[ben].texts().len() as u64, number);
    }
    assert!(world.hub.peers.pool.used() <= 4 * (40 << 10));
    world.clients[deaf].is_not_reading = false;
    world.clients[deaf].read_messages();
    world.clients[cut].is_cut = false;
    world.run(Duration::from_secs(10));
    assert_eq!(world.clients[deaf].texts(), world.texts());
    assert_eq!(world.clients[cut].texts(), world.texts());
}

#[test]
fn an_idle_member_holds_no_rings_and_fits_in_8_kib() {
    let (mut world, _) = room(3, 100, |_| {});
    world.run(Duration::from_secs(5));
    assert_eq!(world.hub.peers.pool.used(), 0);
    let peer = size_of::<super::super::peer::Peer<kabar_core::crypto::Portable>>();
    let fast = size_of::<super::super::peer::Peer<kabar_std::provider::Accelerated>>();
    let member = size_of::<super::super::peer::member::Member>();
    println!("a connection takes {peer} bytes ({fast} with the fast provider), a member {member} more");
    // In addition: an in-flight table that may not be released, and entries in maps.
    let table = 64 * size_of::<kabar_core::transport::SentPacket>();
    assert!(peer.max(fast) + member + table + 512 <= 8 << 10, "{}", peer.max(fast) + member + table);
}

#[test]
fn an_entry_larger_than_a_member_accepts_is_sent_as_a_stub() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let small = world.join(&JoinArgs { max_entry_len: 100, ..join_args("Small", 2) });
    let tiny = world.client();
    world.clients[tiny].set_message_limit(512);
    world.attempt_join(tiny, &join_args("Tiny", 3));
    for (number, len) in [(1, 100), (2, 101), (3, 440), (4, 441)] {
        world.clients[ana].post(number, &"x".repeat(len));
    }
    world.run_ms(100);
    let stubs = |client: usize| -> Vec<u16> {
        let size = |received: &Received| match received {
            Received::Stub { size, .. } => Some(*size),
            _ => None,
        };
        world.clients[client].received.iter().filter_map(size).collect()
    };
    assert_eq!(stubs(small), [101, 440, 441]);
    // 512 bytes less the overhead of an Entry by Ana.
    assert_eq!((stubs(tiny), stubs(ana).len()), (vec![], 0));
    assert_eq!(world.hub.counters().stubs, 3);
    world.clients[ana].post(5, &"x".repeat(470));
    world.run_ms(100);
    assert_eq!(world.hub.counters().stubs, 5);
    assert_eq!(world.clients[small].seqs().last(), world.clients[tiny].seqs().last());
}

#[test]
fn list_members_names_each_member_once() {
    let mut world = World::new();
    let clients: Vec<usize> = (1..=40).map(|key| world.join(&join_args(&format!("p{key:02}"), key))).collect();
    assert!(world.clients[clients[3]].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    assert!(world.clients[clients[3]].send(&ClientMessage::Request { handle: 1, request: Request::ListMembers }));
    world.run_ms(200);
    let listed: Vec<(u16, String)> = world.clients[clients[3]]
        .received
        .iter()
        .filter_map(|received| match received {
            Received::Member { remaining, name } => Some((*remaining, name.clone().expect("a name"))),
            _ => None,
        })
        .collect();
    let expected: Vec<(u16, String)> = (1..=40u16).map(|key| (40 - key, format!("p{key:02}"))).collect();
    assert_eq!(listed, [expected.clone(), expected].concat());
}

fn past(world: &World, client: usize) -> Vec<(u16, Option<u64>)> {
    let past = |received: &Received| match received {
        Received::Past { remaining, seq, .. } => Some((*remaining, *seq)),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(past).collect()
}

#[test]
fn history_returns_earlier_entries_in_order() {
    let (mut world, ana) = room(250, 100, |config| config.limits.tail_bytes = 4_000);
    let history = |world: &mut World, before, count| {
        world.clients[ana].received.clear();
        assert!(
            world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::History { before, count } })
        );
        world.run(Duration::from_secs(2));
        past(world, ana)
    };
    assert_eq!(history(&mut world, 10, 3), [(2, Some(7)), (1, Some(8)), (0, Some(9))]);
    assert_eq!(history(&mut world, 3, 200), [(1, Some(1)), (0, Some(2))]);
    assert_eq!(history(&mut world, 1, 5), [(0, None)]);
    assert_eq!(history(&mut world, 0, 1), [(0, Some(251))]);
    assert_eq!(history(&mut world, 9_999, 1), [(0, Some(251))]);
    let all = history(&mut world, 0, 200);
    assert_eq!(all.iter().map(|(_, seq)| seq.expect("an entry")).collect::<Vec<_>>(), (52..=251).collect::<Vec<_>>());
}

#[test]
fn history_omits_entries_whose_removal_is_not_known_yet() {
    let (mut world, ana) = room(250, 100, |config| config.limits.tail_bytes = 4_000);
    world.store.forget_before(ROOM, 40);
    world.clients[ana].received.clear();
    for before in [60, 35] {
        let request = Request::History { before, count: 30 };
        assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request }));
        world.run(Duration::from_secs(2));
    }
    let seqs: Vec<_> = past(&world, ana).into_iter().map(|(remaining, seq)| (remaining == 0, seq)).collect();
    let expected = (40..=59).map(|seq| (seq == 59, Some(seq))).chain([(true, None)]);
    assert_eq!(seqs, expected.collect::<Vec<_>>());
    assert!(world.clients[ana].received.iter().all(|it| !matches!(it, Received::Ended { .. })), "it is still a member");
}

#[test]
fn history_omits_entries_too_large_for_the_member_and_still_ends() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    for (number, len) in [(1, 10), (2, 500), (3, 10), (4, 500)] {
        world.clients[ana].post(number, &"x".repeat(len));
    }
    world.run_ms(100);
    let ben = world.join(&JoinArgs { max_entry_len: 100, ..join_args("Ben", 2) });
    assert!(
        world.clients[ben]
            .send(&ClientMessage::Request { handle: 1, request: Request::History { before: 6, count: 4 } })
    );
    world.run_ms(100);
    assert_eq!(past(&world, ben), [(3, Some(2)), (1, Some(4)), (0, None)]);
}

#[test]
fn long_answers_do_not_delay_new_entries() {
    let (mut world, ana) = room(200, 1_000, |_| {});
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ben].received.clear();
    assert!(
        world.clients[ben]
            .send(&ClientMessage::Request { handle: 1, request: Request::History { before: 0, count: 200 } })
    );
    world.run_ms(3);
    world.clients[ana].post(201, "live");
    world.run(Duration::from_secs(2));
    let received = &world.clients[ben].received;
    let live = received.iter().position(|it| matches!(it, Received::Entry { number: 201, .. })).expect("received");
    assert_eq!(past(&world, ben).len(), 200);
    assert!(live < 150, "received after {live} answers");
}

#[test]
fn members_that_find_the_pool_empty_are_served_later() {
    // One send ring, and receive rings for all.
    let mut world = World::with(|config| config.limits.pool_bytes = (32 + 6 * 8) << 10);
    let clients: Vec<usize> = (1..=6).map(|key| world.join(&join_args(&format!("p{key}"), key))).collect();
    world.run(Duration::from_secs(2));
    let before = world.hub.counters().pool_empty;
    world.clients[clients[0]].post(1, "x");
    // Sooner than any keep-alive would ask.
    world.run(Duration::from_secs(2));
    assert!(world.hub.counters().pool_empty > before);
    for client in clients {
        assert_eq!(world.clients[client].texts(), ["x"]);
    }
}

#[test]
fn a_silent_member_that_holds_a_needed_ring_is_removed() {
    // One send ring, and receive rings for all.
    let mut world = World::with(|config| config.limits.pool_bytes = (32 + 2 * 8) << 10);
    let gone = world.join(&join_args("Gone", 1));
    let ana = world.join(&join_args("Ana", 2));
    world.run(Duration::from_secs(2));
    world.clients[gone].is_cut = true;
    world.clients[ana].post(1, "one");
    world.run(Duration::from_secs(5));
    assert!(
        world.hub.peers.pool.used() >= 32 << 10,
        "the send buffer keeps what the silent member has not acknowledged"
    );
    world.clients[ana].post(2, "two");
    world.run(Duration::from_secs(15));
    assert_eq!((world.clients[ana].stored(), world.hub.counters().reclaimed), (1, 0), "it may only be slow");
    world.run(Duration::from_secs(15));
    assert_eq!((world.clients[ana].stored(), world.hub.counters().reclaimed), (2, 1));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 1);
}

#[test]
fn entries_committed_while_a_member_is_served_reach_it_immediately() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    let append = world.jobs.pop_front().expect("a commit");
    // Part of the output for Ana has been fetched when the commit is done.
    assert!(world.clients[ana].post_as(EntryKind(9), 2, 1, b""));
    let mut bytes = [0; 1200];
    let len = world.clients[ana].poll_transmit(world.now, &mut bytes).expect("a post");
    let from = world.clients[ana].address;
    world.hub.handle_datagram(world.now, from, &mut bytes[..len]);
    let mut out = [0; 1200];
    let transmit = world.hub.poll_transmit(world.now, &mut out).expect("the refusal");
    world.clients[ana].handle_datagram(world.now, super::world::server(), &mut out[..transmit.len]);
    let done = world.run_job(append);
    world.hub.handle_done(world.now, done);
    world.run_ms(5);
    assert_eq!((world.clients[ana].texts(), world.clients[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn welcome_states_the_first_entry_that_is_kept() {
    let (mut world, _) = room(20, 1, |_| {});
    world.store.forget_before("lobby", 11);
    world.restart();
    let ben = world.join(&JoinArgs { start: Start::Last(100), ..join_args("Ben", 2) });
    let welcome = world.clients[ben].welcome();
    assert_eq!((welcome.first, welcome.start), (11, 10));
    assert_eq!(world.clients[ben].seqs()[0], 11);
}
