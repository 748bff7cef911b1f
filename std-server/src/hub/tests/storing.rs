//! What becomes of posts when the store fails, or does not say, or the server is killed (SPEC 7:
//! S1, S2, S5).

use kabar_core::chat::NOTICE_STORAGE;
use kabar_core::time::Duration;

use super::person::{Asking, Heard, asking};
use super::world::World;
use crate::hub::{Done, HubEvent, JobKind, RoomId, StoreDone, StoreJob};
use crate::store::{CommitError, Fault, Store, StoreErrorKind};

fn notices(world: &World, person: usize) -> usize {
    world.people[person].heard.iter().filter(|heard| **heard == Heard::Notice(NOTICE_STORAGE)).count()
}

#[test]
fn posts_survive_commits_that_fail_and_their_author_is_told_once() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    world.store.set_fault(Some(Fault::Fail));
    for number in 1..=10 {
        world.people[ana].post(number, &format!("{number}"));
        world.run_ms(700);
    }
    assert_eq!((notices(&world, ana), notices(&world, ben), world.people[ana].stored()), (1, 0, 0));
    assert!(world.hub.counters().commits_failed > 1);
    let is_trouble = |event: &HubEvent| matches!(event, HubEvent::StoreTrouble(CommitError::Failed(_)));
    assert_eq!(world.events.iter().filter(|event| is_trouble(event)).count(), 1);
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(world.people[ana].stored(), 10);
    assert_eq!(world.people[ben].texts(), (1..=10).map(|number| number.to_string()).collect::<Vec<_>>());
    assert_eq!(world.events.iter().filter(|event| matches!(event, HubEvent::StoreRecovered)).count(), 1);
}

#[test]
fn a_commit_of_unknown_outcome_that_happened_is_found_and_not_repeated() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.people[ana].post(1, "one");
    world.run_ms(5);
    world.people[ana].post(2, "two");
    world.run(Duration::from_secs(1));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(world.texts(), ["one", "two"]);
    assert_eq!(world.people[ben].texts(), ["one", "two"]);
    assert_eq!(world.people[ana].stored(), 2);
    assert!(world.hub.counters().commits_found >= 1);
}

#[test]
fn a_commit_of_unknown_outcome_that_did_not_happen_is_repeated() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.store.set_fault(Some(Fault::UncertainNotApplied));
    world.people[ana].post(1, "one");
    world.run(Duration::from_secs(1));
    assert_eq!((world.texts().len(), world.people[ana].stored()), (0, 0));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!((world.texts(), world.people[ana].stored()), (vec!["one".to_owned()], 1));
    assert!(world.hub.counters().commits_uncertain >= 1 && world.hub.counters().commits_found == 0);
}

#[test]
fn what_the_server_says_is_not_repeated_either() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied] {
        let mut world = World::new();
        let ana = world.join(&asking("Ana", 1));
        world.store.set_fault(Some(fault));
        world.hub.say(world.now, RoomId::ONLY, "dinner");
        world.people[ana].close(world.now);
        world.run(Duration::from_secs(2));
        world.store.set_fault(None);
        world.run(Duration::from_secs(6));
        let bodies: Vec<&[u8]> = world.log().iter().skip(1).map(|entry| &*entry.body).collect();
        assert_eq!(bodies, [b"dinner".as_slice(), b""], "{fault:?}");
    }
}

#[test]
fn nothing_is_accepted_before_heads_and_numbers_were_read_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    world.people[ana].post(1, "one");
    world.run_ms(20);
    let append = world.jobs.pop_front().expect("a commit");
    drop(append);
    let failed = Done::Store(StoreDone::Append {
        room: RoomId::ONLY,
        result: Err(CommitError::Uncertain(StoreErrorKind::Disk(0))),
    });
    world.hub.handle_done(world.now, failed);
    world.people[ana].post(2, "two");
    world.run(Duration::from_secs(20));
    let is_reload = matches!(&world.jobs[0], crate::hub::Job::Store(StoreJob::Reload { .. }));
    assert!(is_reload && world.jobs.len() == 1, "{:?}", world.jobs);
    world.release();
    world.run(Duration::from_secs(1));
    assert_eq!((world.texts(), world.people[ana].stored()), (vec!["one".to_owned(), "two".to_owned()], 2));
}

#[test]
fn a_commit_of_unknown_outcome_with_nothing_left_to_repeat_does_not_keep_joins_out() {
    // The term alone is committed: without an entry there is nothing to be tried again, and no Join
    // is let in that would be.
    let mut world = World::new();
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.restart();
    world.run(Duration::from_secs(1));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    world.join(&asking("Ana", 1));
    assert_eq!(world.events.iter().filter(|event| matches!(event, HubEvent::StoreRecovered)).count(), 1);
}

#[test]
fn a_store_that_cannot_be_read_is_asked_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.hold(JobKind::Store);
    world.people[ana].post(1, "one");
    world.run_ms(20);
    let append = world.jobs.pop_front().expect("a commit");
    let done = world.run_job(append);
    world.store.set_fault(Some(Fault::Read));
    world.hub.handle_done(world.now, done);
    world.release();
    world.run(Duration::from_secs(3));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::StoreUnreadable(_))));
    assert_eq!(world.people[ana].stored(), 0);
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!((world.texts(), world.people[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn a_store_that_lost_entries_is_not_written_to() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let backup = world.store.clone();
    world.people[ana].post(1, "one");
    world.run_ms(50);
    let good = core::mem::replace(&mut world.store, backup);
    world.store.set_fault(Some(Fault::Fail));
    world.people[ana].post(2, "two");
    world.run_ms(50);
    world.store.set_fault(None);
    world.run(Duration::from_secs(10));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::StoreRegressed { head: 1, expected: 2 })));
    assert_eq!((world.texts().len(), world.people[ana].stored()), (0, 1));
    world.store = good;
    world.run(Duration::from_secs(12));
    assert_eq!((world.texts().len(), world.people[ana].stored()), (2, 2));
}

#[test]
fn a_killed_server_keeps_what_it_said_is_stored_and_takes_the_rest_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    world.people[ana].post(1, "one");
    world.run_ms(50);
    world.hold(JobKind::Store);
    world.people[ana].post(2, "two");
    world.run_ms(50);
    // Killed between commit and answer.
    let append = world.jobs.pop_front().expect("a commit");
    let _ = world.run_job(append);
    world.held.clear();
    world.restart();
    assert_eq!(world.people[ana].stored(), 1);
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    assert_eq!(world.people[ana].welcome().highest, 2);
    world.people[ana].post_settled(3, 2, "three");
    world.run_ms(50);
    assert_eq!(world.texts(), ["one", "two", "three"]);
}

#[test]
fn every_run_has_a_name_of_its_own() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let first = world.people[ana].welcome().term;
    world.restart();
    let terms = world.store.load("lobby").expect("readable").terms;
    assert_eq!((terms.len(), terms[0].term, terms[1].first_seq), (2, first, 2));
    assert_ne!(terms[1].term, first);
}
