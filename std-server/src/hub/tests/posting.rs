//! Posts: each exactly once, in the order of their numbers, or refused for good (SPEC 6.4, 6.5, 7).

use kabar_core::chat::{EntryKind, PostRefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::person::{Asking, Heard, asking};
use super::world::{WALL_MS, World};
use crate::hub::{HubEvent, JobKind};

#[test]
fn stored_and_entry_follow_the_commit() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    world.hold(JobKind::Store);
    world.people[ana].post(1, "hello");
    world.run_ms(500);
    assert_eq!(
        (world.people[ana].stored(), world.people[ana].texts().len(), world.people[ben].texts().len()),
        (0, 0, 0)
    );
    world.release();
    world.run_ms(50);
    assert_eq!(world.people[ana].stored(), 1);
    assert_eq!(world.people[ana].texts(), ["hello"]);
    assert_eq!(world.people[ben].texts(), ["hello"]);
    let entry = world.log().last().expect("an entry");
    assert_eq!((&*entry.author, entry.number, entry.kind), ("Ana", 1, EntryKind::TEXT));
    assert!((WALL_MS..WALL_MS + 60_000).contains(&entry.time_ms));
    let address = world.people[ana].address;
    let is_told = |event: &HubEvent| {
        matches!(event, HubEvent::Entry { author, from, body, .. }
            if author == "Ana" && *from == Some(address) && body == b"hello")
    };
    assert!(world.events.iter().any(is_told));
}

#[test]
fn everybody_gets_everything_in_one_order() {
    let mut world = World::new();
    let people: Vec<usize> = (1..=5).map(|key| world.join(&asking(&format!("p{key}"), key))).collect();
    for number in 1..=20 {
        for person in &people {
            world.people[*person].post(number, &format!("{person} {number}"));
        }
        world.run_ms(3);
    }
    world.run_ms(500);
    let texts = world.texts();
    assert_eq!(texts.len(), 100);
    for person in people {
        assert_eq!(world.people[person].texts(), texts);
        let seqs = world.people[person].seqs();
        assert!(seqs.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seqs:?}");
        assert_eq!(world.people[person].stored(), 20);
    }
}

#[test]
fn posts_that_come_while_a_batch_is_committed_share_the_next_one() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let before = world.store.commits();
    world.hold(JobKind::Store);
    for number in 1..=50 {
        world.people[ana].post(number, "x");
        world.run_ms(2);
    }
    assert_eq!(world.jobs.len(), 1);
    world.release();
    world.run_ms(50);
    assert_eq!((world.people[ana].stored(), world.store.commits() - before), (50, 2));
}

#[test]
fn a_post_that_is_stored_already_is_said_to_be_stored_and_not_stored_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    world.people[ana].post(1, "one");
    world.people[ana].post(2, "two");
    world.run_ms(50);
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    world.people[ana].heard.retain(|heard| !matches!(heard, Heard::Stored { .. }));
    world.people[ana].post_settled(1, 0, "one");
    world.run_ms(50);
    let seq = world.log().last().expect("an entry").seq;
    assert!(world.people[ana].heard.contains(&Heard::Stored { number: 2, seq }));
    assert_eq!(world.texts(), ["one", "two"]);
    assert_eq!(world.hub.counters().posts_repeated, 1);
}

/// Runs the oldest job that waits, and only that.
fn run_one(world: &mut World) {
    let job = world.jobs.pop_front().expect("a job");
    let done = world.run_job(job);
    world.hub.handle_done(world.now, done);
    world.run_ms(20);
}

#[test]
fn a_post_that_waits_is_not_taken_twice_when_it_comes_again_on_a_new_connection() {
    let mut world = World::new();
    let old = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    let instance = world.people[old].welcome().instance;
    // The same process on a second connection; its first still speaks.
    let new = world.person();
    world.connect(new);
    world.hold(JobKind::Store);
    world.people[ben].post(1, "b1");
    world.run_ms(20);
    // The second commit carries Ana's Join and a post of Ben's, the third one Ana's post from the
    // old connection.
    world.people[new].join(&Asking { instance, ..asking("Ana", 1) });
    world.people[ben].post(2, "b2");
    world.run_ms(20);
    run_one(&mut world);
    world.people[old].post(1, "a1");
    world.run_ms(20);
    run_one(&mut world);
    assert_eq!((world.people[new].welcome().highest, world.jobs.len()), (0, 1));
    // Welcome, it begins with the lowest that is not stored, while that is being committed.
    world.people[new].post_settled(1, 0, "a1");
    world.people[new].post_settled(2, 0, "a2");
    world.run_ms(20);
    assert_eq!((world.hub.counters().posts_repeated, world.people[new].stored()), (1, 0));
    world.release();
    world.run_ms(100);
    assert_eq!(world.texts(), ["b1", "b2", "a1", "a2"]);
    assert_eq!((world.people[new].stored(), world.hub.counters().commits_failed), (2, 0));
}

#[test]
fn a_post_whose_commit_failed_is_not_taken_twice_when_it_comes_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    world.store.set_fault(Some(crate::store::Fault::UncertainNotApplied));
    world.people[ana].post(1, "one");
    world.run_ms(100);
    // Numbers were read again from the store; what waits still counts.
    world.store.set_fault(None);
    world.hold(JobKind::Store);
    world.run_ms(400);
    world.people[ana].post_settled(1, 0, "one");
    world.run_ms(20);
    assert_eq!((world.hub.counters().posts_repeated, world.people[ana].welcome().instance), (1, instance));
    world.release();
    world.run(Duration::from_secs(6));
    assert_eq!((world.texts(), world.people[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn refuses_for_good_and_passes_over_what_follows_until_that_is_settled() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let person = &mut world.people[ana];
    person.post(1, "one");
    assert!(person.post_as(EntryKind::JOINED, 2, 0, b""));
    assert!(person.post_as(EntryKind::TEXT, 3, 0, b"three"));
    assert!(person.post_as(EntryKind::TEXT, 4, 1, b"four"));
    world.run_ms(100);
    assert!(world.people[ana].heard.contains(&Heard::PostRefused { number: 2, code: PostRefusedCode::KIND }));
    assert_eq!((world.texts(), world.hub.counters().posts_ignored), (vec!["one".to_owned()], 2));
    world.people[ana].post_settled(3, 2, "three");
    world.people[ana].post_settled(4, 2, "four");
    world.run_ms(100);
    assert_eq!(world.texts(), ["one", "three", "four"]);
    assert_eq!((world.people[ana].stored(), world.hub.counters().posts_refused), (4, 1));
}

#[test]
fn a_refusal_that_was_not_heard_is_decided_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    assert!(world.people[ana].post_as(EntryKind::JOINED, 1, 0, b""));
    assert!(world.people[ana].post_as(EntryKind::TEXT, 2, 0, b"two"));
    world.run_ms(100);
    world.people[ana].heard.clear();
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    assert!(world.people[ana].post_as(EntryKind::JOINED, 1, 0, b""));
    assert!(world.people[ana].post_as(EntryKind::TEXT, 2, 0, b"two"));
    world.run_ms(100);
    let refusals = world.people[ana].heard.iter().filter(|heard| matches!(heard, Heard::PostRefused { number: 1, .. }));
    assert_eq!((refusals.count(), world.texts().len()), (1, 0));
    world.people[ana].post_settled(2, 1, "two");
    world.run_ms(100);
    assert_eq!(world.texts(), ["two"]);
}

#[test]
fn a_text_that_is_none_or_too_long_closes_the_connection() {
    for body in [&[0xff][..], &[b'x'; 4097]] {
        let mut world = World::new();
        let ana = world.join(&asking("Ana", 1));
        assert!(world.people[ana].post_as(EntryKind::TEXT, 1, 0, body));
        world.run_ms(100);
        assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::MESSAGE)));
        assert_eq!((world.texts().len(), world.hub.counters().broken_messages), (0, 1));
    }
}

#[test]
fn a_number_that_was_skipped_closes_the_connection() {
    for (number, settled) in [(2, 0), (5, 3), (0, 0)] {
        let mut world = World::new();
        let ana = world.join(&asking("Ana", 1));
        world.people[ana].post_settled(number, settled, "skipped");
        world.run_ms(100);
        assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::MESSAGE)), "{number}");
        assert_eq!(world.texts().len(), 0);
    }
}

#[test]
fn nobody_posts_under_the_instance_of_another() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let eve = world.join(&asking("Eve", 2));
    let instance = world.people[ana].welcome().instance;
    let post =
        kabar_core::chat::Post { handle: 1, instance, number: 1, settled: 0, kind: EntryKind::TEXT, body: b"I am Ana" };
    assert!(world.people[eve].send(&kabar_core::chat::ClientMessage::Post(post)));
    world.run_ms(100);
    assert_eq!(world.people[eve].ended, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    assert_eq!(world.texts().len(), 0);
}

#[test]
fn streams_are_not_read_while_too_much_waits_and_nothing_is_lost() {
    let mut world = World::with(|config| config.limits.unfinished_bytes = 10_000);
    let people: Vec<usize> = (1..=3).map(|key| world.join(&asking(&format!("p{key}"), key))).collect();
    world.hold(JobKind::Store);
    let text = "x".repeat(1_000);
    let mut next = [1; 3];
    for _ in 0..20 {
        for (person, next) in people.iter().zip(&mut next) {
            if world.people[*person].post_as(EntryKind::TEXT, *next, *next - 1, text.as_bytes()) {
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
    for (person, next) in people.iter().zip(next) {
        assert_eq!(world.people[*person].stored(), next - 1);
    }
}

#[test]
fn a_join_that_waits_to_be_read_is_not_too_late() {
    let mut world = World::with(|config| config.limits.unfinished_bytes = 1_000);
    let ana = world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    assert!(world.people[ana].post_as(EntryKind::TEXT, 1, 0, &[b'x'; 2_000]));
    world.run_ms(100);
    let ben = world.person();
    world.connect(ben);
    world.people[ben].join(&asking("Ben", 2));
    world.run(Duration::from_secs(25));
    let counters = world.hub.counters();
    assert_eq!((counters.reads_held, counters.not_joined, counters.joins), (1, 0, 1));
    world.release();
    world.run(Duration::from_secs(2));
    assert!(world.people[ben].is_welcome());
}

#[test]
fn the_longest_text_and_the_longest_body_pass() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    assert!(world.people[ana].post_as(EntryKind::TEXT, 1, 0, &[b'x'; 4096]));
    assert!(world.people[ana].post_as(EntryKind::DATA, 2, 0, &[0xfe; 4352]));
    world.run_ms(300);
    let lens: Vec<usize> = world.log().iter().rev().take(2).map(|entry| entry.body.len()).collect();
    assert_eq!(lens, [4352, 4096]);
    let heard = world.people[ben].heard.iter().filter(|heard| match heard {
        Heard::Entry { body, .. } => body.len() >= 4096,
        _ => false,
    });
    assert_eq!(heard.count(), 2);
}
