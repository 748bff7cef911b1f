//! Posts when the store fails, when the outcome of a commit is unknown, and when the server is
//! killed (SPEC 7: S1, S2, S5).

use kabar_core::chat::NOTICE_STORAGE;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::{Done, HubEvent, JobKind, RoomId, StoreDone, StoreJob};
use crate::store::{CommitError, Fault, Store, StoreErrorKind};

fn notices(world: &World, client: usize) -> usize {
    world.clients[client].received.iter().filter(|received| **received == Received::Notice(NOTICE_STORAGE)).count()
}

#[test]
fn posts_survive_failed_commits_and_their_author_is_notified_once() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.store.set_fault(Some(Fault::Fail));
    for number in 1..=10 {
        world.clients[ana].post(number, &format!("{number}"));
        world.run_ms(700);
    }
    assert_eq!((notices(&world, ana), notices(&world, ben), world.clients[ana].stored()), (1, 0, 0));
    assert!(world.hub.counters().commits_failed > 1);
    let is_trouble = |event: &HubEvent| matches!(event, HubEvent::StoreTrouble(CommitError::Failed(_)));
    assert_eq!(world.events.iter().filter(|event| is_trouble(event)).count(), 1);
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(world.clients[ana].stored(), 10);
    assert_eq!(world.clients[ben].texts(), (1..=10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(world.events.iter().filter(|event| matches!(event, HubEvent::StoreRecovered)).count(), 1);
}

#[test]
fn an_uncertain_commit_that_was_applied_is_found_and_not_repeated() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.clients[ana].post(1, "one");
    world.run_ms(5);
    world.clients[ana].post(2, "two");
    world.run(Duration::from_secs(1));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(world.texts(), ["one", "two"]);
    assert_eq!(world.clients[ben].texts(), ["one", "two"]);
    assert_eq!(world.clients[ana].stored(), 2);
    assert!(world.hub.counters().commits_found >= 1);
}

#[test]
fn an_uncertain_commit_that_was_not_applied_is_repeated() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.store.set_fault(Some(Fault::UncertainNotApplied));
    world.clients[ana].post(1, "one");
    world.run(Duration::from_secs(1));
    assert_eq!((world.texts().len(), world.clients[ana].stored()), (0, 0));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!((world.texts(), world.clients[ana].stored()), (vec!["one".to_owned()], 1));
    assert!(world.hub.counters().commits_uncertain >= 1 && world.hub.counters().commits_found == 0);
}

#[test]
fn entries_by_the_server_are_not_repeated_either() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        world.store.set_fault(Some(fault));
        world.hub.say(world.now, RoomId::FIRST, "dinner");
        world.clients[ana].close(world.now);
        world.run(Duration::from_secs(2));
        world.store.set_fault(None);
        world.run(Duration::from_secs(6));
        let bodies: Vec<&[u8]> = world.log().iter().skip(1).map(|entry| &*entry.body).collect();
        assert_eq!(bodies, [b"dinner".as_slice(), b""], "{fault:?}");
    }
}

#[test]
fn nothing_is_committed_before_heads_and_numbers_are_read_again() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "one");
    world.run_ms(20);
    let append = world.jobs.pop_front().expect("a commit");
    drop(append);
    let failed = Done::Store(StoreDone::Append { result: Err(CommitError::Uncertain(StoreErrorKind::Disk(0))) });
    world.hub.handle_done(world.now, failed);
    world.clients[ana].post(2, "two");
    world.run(Duration::from_secs(20));
    let is_reload = matches!(&world.jobs[0], crate::hub::Job::Store(StoreJob::Reload { .. }));
    assert!(is_reload && world.jobs.len() == 1, "{:?}", world.jobs);
    world.release();
    world.run(Duration::from_secs(1));
    assert_eq!((world.texts(), world.clients[ana].stored()), (vec!["one".to_owned(), "two".to_owned()], 2));
}

#[test]
fn joins_are_admitted_after_an_uncertain_commit_without_entries() {
    // The term alone is committed: without an entry nothing is retried, and a Join that would be is
    // not admitted.
    let mut world = World::new();
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.restart();
    world.run(Duration::from_secs(1));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    world.join(&join_args("Ana", 1));
    assert_eq!(world.events.iter().filter(|event| matches!(event, HubEvent::StoreRecovered)).count(), 1);
}

#[test]
fn a_failed_reload_is_retried() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "one");
    world.run_ms(20);
    let append = world.jobs.pop_front().expect("a commit");
    let done = world.run_job(append);
    world.store.set_fault(Some(Fault::Read));
    world.hub.handle_done(world.now, done);
    world.release();
    world.run(Duration::from_secs(3));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::StoreUnreadable(_))));
    assert_eq!(world.clients[ana].stored(), 0);
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!((world.texts(), world.clients[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn a_store_that_lost_entries_is_not_written_to() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let backup = world.store.clone();
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    let good = core::mem::replace(&mut world.store, backup);
    world.store.set_fault(Some(Fault::Fail));
    world.clients[ana].post(2, "two");
    world.run_ms(50);
    world.store.set_fault(None);
    world.run(Duration::from_secs(10));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::StoreRegressed { head: 1, expected: 2 })));
    assert_eq!((world.texts().len(), world.clients[ana].stored()), (0, 1));
    world.store = good;
    world.run(Duration::from_secs(12));
    assert_eq!((world.texts().len(), world.clients[ana].stored()), (2, 2));
}

#[test]
fn a_killed_server_keeps_confirmed_posts_and_accepts_the_rest_again() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    world.hold(JobKind::Store);
    world.clients[ana].post(2, "two");
    world.run_ms(50);
    // Killed between commit and answer.
    let append = world.jobs.pop_front().expect("a commit");
    let _ = world.run_job(append);
    world.held.clear();
    world.restart();
    assert_eq!(world.clients[ana].stored(), 1);
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    assert_eq!(world.clients[ana].welcome().highest, 2);
    world.clients[ana].post_settled(3, 2, "three");
    world.run_ms(50);
    assert_eq!(world.texts(), ["one", "two", "three"]);
}

#[test]
fn every_run_has_its_own_term() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let first = world.clients[ana].welcome().term;
    world.restart();
    let terms = world.store.load_room("lobby").expect("readable").terms;
    assert_eq!((terms.len(), terms[0].term, terms[1].first_seq), (2, first, 2));
    assert_ne!(terms[1].term, first);
}
