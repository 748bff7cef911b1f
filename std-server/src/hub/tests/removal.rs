//! Removal of the body of an entry (SPEC 6.4): who may do it, and that nobody gets the body
//! afterwards.

use kabar_core::chat::{AnswerCode, ClientMessage, EntryKind, Request, Start};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::{HubEvent, JobKind, OperatorError, RoomId};
use crate::store::Fault;

const MINUTE: u64 = 60_000;

/// Requests the removal of an entry and returns the answer.
fn remove(world: &mut World, client: usize, seq: u64) -> AnswerCode {
    let before = world.clients[client].answers().len();
    request(world, client, seq);
    world.run_ms(100);
    let answers = world.clients[client].answers();
    assert_eq!(answers.len(), before + 1, "{answers:?}");
    answers[before].0
}

fn request(world: &mut World, client: usize, seq: u64) {
    let request = Request::Remove { seq };
    assert!(world.clients[client].send(&ClientMessage::Request { handle: 1, request }));
}

/// Ana, who posted `texts`: entries 2, 3, ...
fn ana(world: &mut World, texts: &[&str]) -> usize {
    let ana = world.join(&join_args("Ana", 1));
    for (number, text) in (1..).zip(texts) {
        world.clients[ana].post(number, text);
        world.run_ms(20);
    }
    ana
}

/// Seq, kind and body of each entry that a client received.
fn entries(world: &World, client: usize) -> Vec<(u64, EntryKind, String)> {
    let entry = |received: &Received| match received {
        Received::Entry { seq, kind, body, .. } => Some((*seq, *kind, String::from_utf8_lossy(body).into_owned())),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(entry).collect()
}

/// The bodies of the entries with these seqs, as a new member, an answer to History and the store
/// have them.
fn bodies(world: &mut World, key: u8, seqs: core::ops::RangeInclusive<u64>) -> [Vec<String>; 3] {
    let start = Start::Last(1_000);
    let late = world.join(&JoinArgs { start, ..join_args(&format!("late{key}"), key) });
    world.run(Duration::from_secs(1));
    let (before, count) = (*seqs.end() + 1, u8::try_from(seqs.clone().count()).expect("few"));
    let request = Request::History { before, count };
    assert!(world.clients[late].send(&ClientMessage::Request { handle: 1, request }));
    world.run(Duration::from_secs(1));
    let past = |received: &Received| match received {
        Received::Past { body, .. } => Some(String::from_utf8_lossy(body).into_owned()),
        _ => None,
    };
    let answered = world.clients[late].received.iter().filter_map(past).collect();
    let delivered = entries(world, late).into_iter().filter(|(seq, ..)| seqs.contains(seq)).map(|(.., body)| body);
    let delivered = delivered.collect();
    let stored = world.log().iter().filter(|entry| seqs.contains(&entry.seq));
    let stored = stored.map(|entry| String::from_utf8_lossy(&entry.body).into_owned()).collect();
    world.clients[late].close(world.now);
    [delivered, answered, stored]
}

#[test]
fn a_removed_body_reaches_nobody_afterwards() {
    let mut world = World::new();
    let ana = ana(&mut world, &["one", "oops", "three"]);
    let ben = world.join(&join_args("Ben", 2));
    assert_eq!(remove(&mut world, ana, 3), AnswerCode::DONE);
    for client in [ana, ben] {
        let (seq, kind, body) = entries(&world, client).pop().expect("the removal");
        assert_eq!((seq, kind, body.as_bytes()), (6, EntryKind::REMOVAL, &3_u64.to_be_bytes()[..]));
    }
    let removed = world.log()[2].clone();
    assert_eq!((removed.kind, removed.author.as_str(), removed.number), (EntryKind::REMOVED, "Ana", 2));
    assert_eq!(world.log()[5].author, "Ana");
    let kept = ["one", "", "three"].map(str::to_owned).to_vec();
    assert_eq!(bodies(&mut world, 3, 2..=4), [kept.clone(), kept.clone(), kept.clone()]);
    world.restart();
    assert_eq!(bodies(&mut world, 4, 2..=4), [kept.clone(), kept.clone(), kept]);
    assert_eq!(world.hub.counters().removals, 0, "since the restart");
}

#[test]
fn a_body_is_removed_from_pages_in_memory_and_on_their_way() {
    let no_tail = |config: &mut crate::hub::HubConfig| config.limits.tail_bytes = 0;
    let mut world = World::with(no_tail);
    let ana = ana(&mut world, &["one", "oops", "three", "oops again"]);
    let kept = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
    // This reads the page.
    assert_eq!(bodies(&mut world, 3, 2..=4)[1], kept(["one", "oops", "three"]));
    assert_eq!(remove(&mut world, ana, 3), AnswerCode::DONE);
    let removed = kept(["one", "", "three"]);
    assert_eq!(bodies(&mut world, 4, 2..=4), [removed.clone(), removed.clone(), removed]);
    // A page that is read before the removal is committed and arrives after it.
    let mut world = World::with(no_tail);
    let ana = self::ana(&mut world, &["one", "oops", "three"]);
    world.run_ms(50);
    request(&mut world, ana, 3);
    world.hold(JobKind::Store);
    world.run_ms(20);
    world.hub.context.pages.clear(RoomId::FIRST);
    let ask = Request::History { before: 5, count: 3 };
    assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: ask }));
    world.run_ms(20);
    let mut jobs: Vec<_> = world.jobs.drain(..).collect();
    assert_eq!(jobs.len(), 2, "a commit and a read: {jobs:?}");
    let read = jobs.pop().expect("the read");
    let read = world.run_job(read);
    let commit = jobs.pop().expect("the commit");
    let commit = world.run_job(commit);
    world.hub.handle_done(world.now, commit);
    world.hub.handle_done(world.now, read);
    world.release();
    world.run(Duration::from_secs(1));
    let past = |received: &Received| match received {
        Received::Past { body, .. } => Some(String::from_utf8_lossy(body).into_owned()),
        _ => None,
    };
    let answered: Vec<String> = world.clients[ana].received.iter().filter_map(past).collect();
    assert_eq!(answered, kept(["one", "", "three"]));
}

#[test]
fn only_the_author_removes_an_entry_and_only_for_a_while() {
    let mut world = World::with(|config| config.limits.delete_time = Duration::from_secs(600));
    let ana = ana(&mut world, &["one", "two"]);
    let ben = world.join(&join_args("Ben", 2));
    assert_eq!(remove(&mut world, ben, 2), AnswerCode::NOT_PERMITTED);
    // Joined is about her, but not hers.
    assert_eq!(remove(&mut world, ana, 1), AnswerCode::NOT_PERMITTED);
    for unknown in [0, 5, 99, u64::MAX] {
        assert_eq!(remove(&mut world, ana, unknown), AnswerCode::NOT_FOUND, "{unknown}");
    }
    assert_eq!(remove(&mut world, ana, 2), AnswerCode::DONE);
    assert_eq!(remove(&mut world, ana, 2), AnswerCode::UNCHANGED);
    assert_eq!((remove(&mut world, ben, 2), world.log().len()), (AnswerCode::UNCHANGED, 5));
    // Another session of hers, after a rename: the author is an identity.
    let other = world.join(&join_args("Anna", 1));
    world.run_ms(10 * MINUTE);
    assert_eq!(remove(&mut world, other, 3), AnswerCode::NOT_PERMITTED);
    let text = world.clients[other].answers().last().expect("an answer").1.to_owned();
    assert_eq!(text, "a message can be removed for 10 minutes after it was stored");
    assert_eq!((world.hub.counters().removals_late, world.texts()), (1, vec!["two".to_owned()]));
    world.clients[ana].post(3, "three");
    world.run_ms(9 * MINUTE);
    let seq = world.log().len() as u64;
    assert_eq!(remove(&mut world, other, seq), AnswerCode::DONE);
    assert_eq!(world.log().last().map(|entry| entry.author.as_str()), Some("Anna"));
}

#[test]
fn authors_remove_nothing_where_the_time_is_zero() {
    let mut world = World::with(|config| config.limits.delete_time = Duration::ZERO);
    let ana = ana(&mut world, &["one"]);
    assert_eq!(remove(&mut world, ana, 2), AnswerCode::NOT_PERMITTED);
    assert_eq!(world.texts(), ["one"]);
}

#[test]
fn an_operator_removes_messages_at_any_time() {
    let mut world = World::with(|config| config.limits.tail_bytes = 300);
    let _ana = ana(&mut world, &["one", "two", &"x".repeat(500)]);
    world.hub.say(world.now, RoomId::FIRST, "hello");
    world.run_ms(60 * MINUTE);
    let delete = |world: &mut World, seq| {
        let result = world.hub.delete(world.now, RoomId::FIRST, seq);
        world.drain();
        result
    };
    assert_eq!(delete(&mut world, 5), Ok(true));
    assert_eq!(delete(&mut world, 5), Err(OperatorError::AlreadyInEffect), "it is being committed");
    world.run_ms(50);
    assert_eq!((world.log()[4].kind, world.log()[5].author.as_str()), (EntryKind::REMOVED, "server"));
    assert_eq!(delete(&mut world, 77), Err(OperatorError::NoSuchEntry));
    assert_eq!(world.hub.counters().removals, 1);
    // After a start nothing is in memory: these are read first.
    world.restart();
    world.run_ms(50);
    world.hold(JobKind::Store);
    assert_eq!((delete(&mut world, 2), delete(&mut world, 3)), (Ok(false), Err(OperatorError::Busy)));
    world.release();
    world.run_ms(50);
    assert_eq!((world.log()[1].kind, world.hub.counters().removals), (EntryKind::REMOVED, 1));
    // The page is in memory now.
    assert_eq!(delete(&mut world, 1), Err(OperatorError::NotMessage));
    assert_eq!(delete(&mut world, 2), Err(OperatorError::AlreadyInEffect));
    world.restart();
    world.run_ms(50);
    world.events.clear();
    assert_eq!(delete(&mut world, 1), Ok(false));
    world.run_ms(50);
    let why = OperatorError::NotMessage;
    assert!(world.events.contains(&HubEvent::NotRemoved { seq: 1, why }), "{:?}", world.events);
    assert_eq!(delete(&mut world, 3), Ok(true));
}

#[test]
fn a_removal_is_retried_until_it_is_committed() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied] {
        let mut world = World::new();
        let ana = ana(&mut world, &["one", "oops"]);
        world.store.set_fault(Some(fault));
        request(&mut world, ana, 3);
        world.run(Duration::from_secs(5));
        let was_applied = fault == Fault::UncertainApplied;
        assert_eq!(world.texts(), if was_applied { vec!["one"] } else { vec!["one", "oops"] }, "{fault:?}");
        world.store.set_fault(None);
        world.run(Duration::from_secs(20));
        assert_eq!(world.clients[ana].answers(), [(AnswerCode::DONE, "")], "{fault:?}");
        assert_eq!((world.texts(), world.log().len()), (vec!["one".to_owned()], 4), "{fault:?}");
        let kept = ["one", ""].map(str::to_owned).to_vec();
        assert_eq!(bodies(&mut world, 3, 2..=3), [kept.clone(), kept.clone(), kept], "{fault:?}");
    }
}

#[test]
fn a_member_waits_for_the_answer_before_its_next_request_is_read() {
    let mut world = World::new();
    let ana = ana(&mut world, &["one", "two"]);
    world.hold(JobKind::Store);
    request(&mut world, ana, 2);
    request(&mut world, ana, 3);
    world.run_ms(50);
    assert_eq!((world.clients[ana].answers(), world.jobs.len()), (vec![], 1));
    world.release();
    world.run_ms(100);
    assert_eq!(world.clients[ana].answers().len(), 2);
    assert!(world.texts().is_empty());
}
