//! Bans and mutes: of identities, at once, durable, and right after trouble with the store.

use kabar_core::chat::{EntryKind, PostRefusedCode, RefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::person::{Asking, Heard, Way, asking};
use super::world::{PASSWORD, WALL_MS, World};
use crate::hub::{HubEvent, JobKind, JoinPolicy, LeaveReason, OperatorError};
use crate::store::{Fault, Sanction, SanctionKind, Store};

fn refusal(world: &mut World, asking: &Asking) -> Option<RefusedCode> {
    let person = world.person();
    world.ask(person, asking);
    world.people[person].refusal()
}

fn kept(world: &mut World) -> Vec<Sanction> {
    world.store.load("lobby").expect("readable").sanctions
}

fn muted(world: &World, person: usize) -> Vec<u64> {
    let number = |heard: &Heard| match heard {
        Heard::PostRefused { number, code: PostRefusedCode::MUTED } => Some(*number),
        _ => None,
    };
    world.people[person].heard.iter().filter_map(number).collect()
}

#[test]
fn who_is_banned_is_closed_and_stays_out_under_every_name_also_after_a_restart() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    assert_eq!(world.hub.ban(world.now, "Ben"), Err(OperatorError::NoSuchName));
    assert_eq!(world.hub.ban(world.now, "ANA"), Ok("Ana".to_owned()));
    assert_eq!(world.hub.ban(world.now, "Ana"), Err(OperatorError::AlreadyInEffect));
    world.run_ms(100);
    assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::BANNED)));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::Left { reason: LeaveReason::Banned, .. })));
    assert_eq!(world.said().last(), Some(&("Ana".to_owned(), EntryKind::KICKED)));
    for _ in 0..2 {
        assert_eq!(refusal(&mut world, &asking("Ana", 1)), Some(RefusedCode::BANNED));
        assert_eq!(refusal(&mut world, &asking("Zoe", 1)), Some(RefusedCode::BANNED));
        // The name stays the banned one's own.
        assert_eq!(refusal(&mut world, &asking("Ana", 2)), Some(RefusedCode::NAME_TAKEN));
        assert_eq!(world.hub.counters().banned, 2);
        world.restart();
    }
    let sanction = &kept(&mut world)[0];
    assert_eq!((sanction.name.as_str(), sanction.kind), ("Ana", SanctionKind::Ban));
    assert!((WALL_MS..WALL_MS + 10_000).contains(&sanction.since_ms));
}

#[test]
fn who_is_away_can_be_banned_by_the_name_it_owns() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.people[ana].close(world.now);
    world.run_ms(100);
    assert!(world.hub.ban(world.now, "ana").is_ok());
    assert_eq!(refusal(&mut world, &asking("Ana", 1)), Some(RefusedCode::BANNED));
}

#[test]
fn the_banned_are_refused_before_their_password_costs_anything() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    world.join(&Asking { way: Way::Password(PASSWORD), ..asking("Ana", 1) });
    assert!(world.hub.ban(world.now, "Ana").is_ok());
    world.hold(JobKind::Password);
    let again = Asking { way: Way::Password("guess"), ..asking("Ana", 1) };
    assert_eq!(refusal(&mut world, &again), Some(RefusedCode::BANNED));
    assert!(world.jobs.is_empty());
    // Only who proves to be that identity learns it.
    let stranger = Asking { way: Way::BadSignature, ..asking("Ana", 1) };
    assert_eq!(refusal(&mut world, &stranger), Some(RefusedCode::SIGNATURE));
}

#[test]
fn a_ban_meets_a_join_that_is_on_its_way_to_the_store() {
    let mut world = World::new();
    let first = world.join(&asking("Ana", 1));
    world.people[first].close(world.now);
    world.run_ms(100);
    world.hold(JobKind::Store);
    let ana = world.person();
    world.ask(ana, &asking("Ana", 1));
    assert!(world.hub.ban(world.now, "Ana").is_ok());
    world.release();
    world.run_ms(100);
    assert_eq!((world.people[ana].refusal(), world.people[ana].is_welcome()), (Some(RefusedCode::BANNED), false));
    // What was announced is taken back.
    world.run(Duration::from_secs(61));
    assert_eq!(world.said().last(), Some(&("Ana".to_owned(), EntryKind::LEFT)));
}

#[test]
fn who_is_unbanned_comes_in_again_also_after_a_restart() {
    let mut world = World::new();
    world.join(&asking("Ana", 1));
    assert!(world.hub.ban(world.now, "Ana").is_ok());
    world.run_ms(100);
    assert_eq!(world.hub.unban(world.now, "Ben"), Err(OperatorError::NotInEffect));
    assert!(world.hub.unban(world.now, "ana").is_ok());
    assert_eq!(world.hub.unban(world.now, "ana"), Err(OperatorError::NotInEffect));
    world.run_ms(10);
    world.restart();
    world.join(&asking("Ana", 1));
    assert!(kept(&mut world).is_empty() && world.hub.sanctions().is_empty());
}

#[test]
fn a_muted_member_hears_everything_and_each_of_its_posts_is_refused_until_it_is_unmuted() {
    let mut world = World::new();
    let (ana, ben) = (world.join(&asking("Ana", 1)), world.join(&asking("Ben", 2)));
    world.people[ana].post(1, "one");
    world.run_ms(50);
    assert_eq!(world.hub.mute(world.now, "Ana"), Ok("Ana".to_owned()));
    assert!(world.hub.who(world.now)[0].is_muted && !world.hub.who(world.now)[1].is_muted);
    world.people[ana].post_settled(2, 1, "two");
    world.people[ben].post(1, "hello");
    world.run_ms(50);
    assert_eq!((muted(&world, ana), world.people[ana].texts()), (vec![2], vec!["one".into(), "hello".to_owned()]));
    // A new connection and a new run of the server change nothing.
    world.restart();
    let instance = world.people[ana].welcome().instance;
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    world.people[ana].post_settled(3, 2, "three");
    world.run_ms(50);
    assert_eq!(muted(&world, ana), [2, 3]);
    assert!(world.hub.unmute(world.now, "Ana").is_ok());
    world.people[ana].post_settled(4, 3, "four");
    world.run_ms(50);
    assert_eq!(world.texts(), ["one", "hello", "four"]);
    assert_eq!((world.hub.counters().posts_muted, world.people[ana].stored()), (1, 4));
}

#[test]
fn a_post_that_was_taken_before_the_mute_is_stored() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    world.people[ana].post(1, "one");
    world.run_ms(50);
    assert!(world.hub.mute(world.now, "Ana").is_ok());
    world.release();
    world.run_ms(50);
    assert_eq!((world.texts(), world.people[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn what_the_operator_decides_while_the_store_fails_holds_at_once_and_is_written_when_it_works() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied, Fault::Read] {
        let mut world = World::new();
        let ana = world.join(&asking("Ana", 1));
        let ben = world.join(&asking("Ben", 2));
        let cleo = world.join(&asking("Cleo", 3));
        assert!(world.hub.mute(world.now, "Cleo").is_ok());
        world.run_ms(50);
        world.store.set_fault(Some(fault));
        world.people[ben].post(1, "waits");
        world.run_ms(20);
        assert!(world.hub.ban(world.now, "Ana").is_ok());
        assert!(world.hub.unmute(world.now, "Cleo").is_ok());
        world.run_ms(400);
        assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::BANNED)), "{fault:?}");
        assert_eq!(refusal(&mut world, &asking("Ana", 1)), Some(RefusedCode::BANNED), "{fault:?}");
        world.people[cleo].post(1, "free");
        world.store.set_fault(None);
        world.run(Duration::from_secs(12));
        let kept = kept(&mut world);
        assert_eq!((kept.len(), kept[0].name.as_str()), (1, "Ana"), "{fault:?}");
        assert_eq!(world.texts(), ["waits", "free"], "{fault:?}");
        world.restart();
        assert_eq!(refusal(&mut world, &asking("Ana", 1)), Some(RefusedCode::BANNED), "{fault:?}");
    }
}

#[test]
fn a_ban_that_nothing_else_goes_with_is_tried_again_until_it_is_written() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.people[ana].close(world.now);
    world.run_ms(100);
    world.store.set_fault(Some(Fault::Fail));
    assert!(world.hub.ban(world.now, "Ana").is_ok());
    world.run(Duration::from_secs(3));
    assert!(kept(&mut world).is_empty());
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(kept(&mut world).len(), 1);
    assert!(world.events.contains(&HubEvent::StoreRecovered));
}

#[test]
fn a_server_that_stops_writes_what_was_decided_last() {
    let mut world = World::new();
    world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    assert!(world.hub.ban(world.now, "Ana").is_ok());
    world.hub.shutdown(world.now);
    world.run_ms(10);
    assert!(!world.hub.is_finished());
    world.release();
    assert!(world.hub.is_finished());
    assert_eq!(kept(&mut world).len(), 1);
}

#[test]
fn sanctions_are_told_oldest_first() {
    let mut world = World::new();
    for (key, name) in [(1, "Zoe"), (2, "Ana")] {
        world.join(&asking(name, key));
        assert!(world.hub.mute(world.now, name).is_ok());
        world.run_ms(10);
    }
    assert!(world.hub.ban(world.now, "Zoe").is_ok());
    let told: Vec<_> = world.hub.sanctions().into_iter().map(|it| (it.name, it.kind)).collect();
    let expected = [("Zoe", SanctionKind::Mute), ("Ana", SanctionKind::Mute), ("Zoe", SanctionKind::Ban)];
    assert_eq!(told, expected.map(|(name, kind)| (name.to_owned(), kind)));
}
