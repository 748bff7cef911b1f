//! Posts: each is stored exactly once, in the order of the numbers, or refused permanently (SPEC
//! 6.4, 6.5, 7).

use kabar_core::chat::{EntryKind, PostRefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::{WALL_MS, World};
use crate::hub::{HubEvent, JobKind};

#[test]
fn stored_and_entry_follow_the_commit() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "hello");
    world.run_ms(500);
    assert_eq!(
        (world.clients[ana].stored(), world.clients[ana].texts().len(), world.clients[ben].texts().len()),
        (0, 0, 0)
    );
    world.release();
    world.run_ms(50);
    assert_eq!(world.clients[ana].stored(), 1);
    assert_eq!(world.clients[ana].texts(), ["hello"]);
    assert_eq!(world.clients[ben].texts(), ["hello"]);
    let entry = world.log().last().expect("an entry");
    assert_eq!((&*entry.author, entry.number, entry.kind), ("Ana", 1, EntryKind::TEXT));
    assert!((WALL_MS..WALL_MS + 60_000).contains(&entry.time_ms));
    let address = world.clients[ana].address;
    let is_reported = |event: &HubEvent| {
        matches!(event, HubEvent::Entry { author, from, body, .. }
            if author == "Ana" && *from == Some(address) && body == b"hello")
    };
    assert!(world.events.iter().any(is_reported));
}

#[test]
fn all_members_receive_all_entries_in_the_same_order() {
    let mut world = World::new();
    let clients: Vec<usize> = (1..=5).map(|key| world.join(&join_args(&format!("p{key}"), key))).collect();
    for number in 1..=20 {
        for client in &clients {
            world.clients[*client].post(number, &format!("{client} {number}"));
        }
        world.run_ms(3);
    }
    world.run_ms(500);
    let texts = world.texts();
    assert_eq!(texts.len(), 100);
    for client in clients {
        assert_eq!(world.clients[client].texts(), texts);
        let seqs = world.clients[client].seqs();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
        assert_eq!(world.clients[client].stored(), 20);
    }
}

#[test]
fn posts_that_arrive_during_a_commit_share_the_next_one() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let before = world.store.commits();
    world.hold(JobKind::Store);
    for number in 1..=50 {
        world.clients[ana].post(number, "x");
        world.run_ms(2);
    }
    assert_eq!(world.jobs.len(), 1);
    world.release();
    world.run_ms(50);
    assert_eq!((world.clients[ana].stored(), world.store.commits() - before), (50, 2));
}

#[test]
fn a_repeated_stored_post_is_confirmed_and_not_stored_again() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    world.clients[ana].post(1, "one");
    world.clients[ana].post(2, "two");
    world.run_ms(50);
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    world.clients[ana].received.retain(|received| !matches!(received, Received::Stored { .. }));
    world.clients[ana].post_settled(1, 0, "one");
    world.run_ms(50);
    let seq = world.log().last().expect("an entry").seq;
    assert!(world.clients[ana].received.contains(&Received::Stored { number: 2, seq }));
    assert_eq!(world.texts(), ["one", "two"]);
    assert_eq!(world.hub.counters().posts_repeated, 1);
}

/// Runs the oldest waiting job, and no other.
fn run_one(world: &mut World) {
    let job = world.jobs.pop_front().expect("a job");
    let done = world.run_job(job);
    world.hub.handle_done(world.now, done);
    world.run_ms(20);
}

#[test]
fn an_uncommitted_post_repeated_on_a_new_connection_is_not_accepted_twice() {
    let mut world = World::new();
    let old = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    let instance = world.clients[old].welcome().instance;
    // The same process on a second connection; its first one still sends.
    let new = world.client();
    world.connect(new);
    world.hold(JobKind::Store);
    world.clients[ben].post(1, "b1");
    world.run_ms(20);
    // The second commit contains Ana's Join and a post by Ben, the third one Ana's post from the
    // old connection.
    world.clients[new].join(&JoinArgs { instance, ..join_args("Ana", 1) });
    world.clients[ben].post(2, "b2");
    world.run_ms(20);
    run_one(&mut world);
    world.clients[old].post(1, "a1");
    world.run_ms(20);
    run_one(&mut world);
    assert_eq!((world.clients[new].welcome().highest, world.jobs.len()), (0, 1));
    // After Welcome the client begins with the lowest number not stored, which is being committed.
    world.clients[new].post_settled(1, 0, "a1");
    world.clients[new].post_settled(2, 0, "a2");
    world.run_ms(20);
    assert_eq!((world.hub.counters().posts_repeated, world.clients[new].stored()), (1, 0));
    world.release();
    world.run_ms(100);
    assert_eq!(world.texts(), ["b1", "b2", "a1", "a2"]);
    assert_eq!((world.clients[new].stored(), world.hub.counters().commits_failed), (2, 0));
}

#[test]
fn a_repeated_post_whose_commit_failed_is_not_accepted_twice() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    world.store.set_fault(Some(crate::store::Fault::UncertainNotApplied));
    world.clients[ana].post(1, "one");
    world.run_ms(100);
    // Numbers were read again from the store; posts that wait still count.
    world.store.set_fault(None);
    world.hold(JobKind::Store);
    world.run_ms(400);
    world.clients[ana].post_settled(1, 0, "one");
    world.run_ms(20);
    assert_eq!((world.hub.counters().posts_repeated, world.clients[ana].welcome().instance), (1, instance));
    world.release();
    world.run(Duration::from_secs(6));
    assert_eq!((world.texts(), world.clients[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn after_a_refusal_posts_are_ignored_until_it_is_settled() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let client = &mut world.clients[ana];
    client.post(1, "one");
    assert!(client.post_as(EntryKind::JOINED, 2, 0, b""));
    assert!(client.post_as(EntryKind::TEXT, 3, 0, b"three"));
    assert!(client.post_as(EntryKind::TEXT, 4, 1, b"four"));
    world.run_ms(100);
    assert!(world.clients[ana].received.contains(&Received::PostRefused { number: 2, code: PostRefusedCode::KIND }));
    assert_eq!((world.texts(), world.hub.counters().posts_ignored), (vec!["one".to_owned()], 2));
    world.clients[ana].post_settled(3, 2, "three");
    world.clients[ana].post_settled(4, 2, "four");
    world.run_ms(100);
    assert_eq!(world.texts(), ["one", "three", "four"]);
    assert_eq!((world.clients[ana].stored(), world.hub.counters().posts_refused), (4, 1));
}

#[test]
fn a_refusal_that_was_lost_is_decided_again() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    assert!(world.clients[ana].post_as(EntryKind::JOINED, 1, 0, b""));
    assert!(world.clients[ana].post_as(EntryKind::TEXT, 2, 0, b"two"));
    world.run_ms(100);
    world.clients[ana].received.clear();
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    assert!(world.clients[ana].post_as(EntryKind::JOINED, 1, 0, b""));
    assert!(world.clients[ana].post_as(EntryKind::TEXT, 2, 0, b"two"));
    world.run_ms(100);
    let refusals = world.clients[ana]
        .received
        .iter()
        .filter(|received| matches!(received, Received::PostRefused { number: 1, .. }));
    assert_eq!((refusals.count(), world.texts().len()), (1, 0));
    world.clients[ana].post_settled(2, 1, "two");
    world.run_ms(100);
    assert_eq!(world.texts(), ["two"]);
}

#[test]
fn a_malformed_or_oversized_text_closes_the_connection() {
    for body in [&[0xff][..], &[b'x'; 4097]] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        assert!(world.clients[ana].post_as(EntryKind::TEXT, 1, 0, body));
        world.run_ms(100);
        assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
        assert_eq!((world.texts().len(), world.hub.counters().broken_messages), (0, 1));
    }
}

#[test]
fn a_skipped_number_closes_the_connection() {
    for (number, settled) in [(2, 0), (5, 3), (0, 0)] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        world.clients[ana].post_settled(number, settled, "skipped");
        world.run_ms(100);
        assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)), "{number}");
        assert_eq!(world.texts().len(), 0);
    }
}

#[test]
fn posting_under_the_instance_of_another_closes_the_connection() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let eve = world.join(&join_args("Eve", 2));
    let instance = world.clients[ana].welcome().instance;
    let post =
        kabar_core::chat::Post { handle: 1, instance, number: 1, settled: 0, kind: EntryKind::TEXT, body: b"I am Ana" };
    assert!(world.clients[eve].send(&kabar_core::chat::ClientMessage::Post(post)));
    world.run_ms(100);
    assert_eq!(world.clients[eve].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    assert_eq!(world.texts().len(), 0);
}

#[test]
fn streams_pause_while_too_much_is_uncommitted_and_nothing_is_lost() {
    let mut world = World::with(|config| config.limits.unfinished_bytes = 10_000);
    let clients: Vec<usize> = (1..=3).map(|key| world.join(&join_args(&format!("p{key}"), key))).collect();
    world.hold(JobKind::Store);
    let text = "x".repeat(1_000);
    let mut next = [1; 3];
    for _ in 0..20 {
        for (client, next) in clients.iter().zip(&mut next) {
            if world.clients[*client].post_as(EntryKind::TEXT, *next, *next - 1, text.as_bytes()) {
                *next += 1;
            }
        }
        world.run_ms(20);
    }
    assert!(world.hub.counters().reads_held >= 3);
    assert!(world.hub.counters().posts <= 11, "{}", world.hub.counters().posts);
    world.release();
    world.run(Duration::from_secs(2));
    let sent: u64 = next.iter().map(|next| next - 1).sum();
    assert_eq!((world.texts().len() as u64, sent > 40), (sent, true));
    for (client, next) in clients.iter().zip(next) {
        assert_eq!(world.clients[*client].stored(), next - 1);
    }
}

#[test]
fn a_join_on_a_paused_connection_is_not_too_late() {
    let mut world = World::with(|config| config.limits.unfinished_bytes = 1_000);
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    assert!(world.clients[ana].post_as(EntryKind::TEXT, 1, 0, &[b'x'; 2_000]));
    world.run_ms(100);
    let ben = world.client();
    world.connect(ben);
    world.clients[ben].join(&join_args("Ben", 2));
    world.run(Duration::from_secs(25));
    let counters = world.hub.counters();
    assert_eq!((counters.reads_held, counters.not_joined, counters.joins), (1, 0, 1));
    world.release();
    world.run(Duration::from_secs(2));
    assert!(world.clients[ben].is_welcome());
}

#[test]
fn the_longest_text_and_the_longest_body_are_accepted() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    assert!(world.clients[ana].post_as(EntryKind::TEXT, 1, 0, &[b'x'; 4096]));
    assert!(world.clients[ana].post_as(EntryKind::DATA, 2, 0, &[0xfe; 4352]));
    world.run_ms(300);
    let lens: Vec<usize> = world.log().iter().rev().take(2).map(|entry| entry.body.len()).collect();
    assert_eq!(lens, [4352, 4096]);
    let received = world.clients[ben].received.iter().filter(|received| match received {
        Received::Entry { body, .. } => body.len() >= 4096,
        _ => false,
    });
    assert_eq!(received.count(), 2);
}
