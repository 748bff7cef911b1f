//! Bans and mutes: of identities, effective at once, durable, and correct after failures of the
//! store.

use kabar_core::chat::{EntryKind, PostRefusedCode, RefusedCode};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, Received, join_args};
use super::world::{PASSWORD, WALL_MS, World};
use crate::hub::{HubEvent, JobKind, JoinPolicy, LeaveReason, OperatorError, RoomId};
use crate::store::{Fault, Sanction, SanctionKind, Store};

fn refusal(world: &mut World, join_args: &JoinArgs) -> Option<RefusedCode> {
    let client = world.client();
    world.attempt_join(client, join_args);
    world.clients[client].refusal()
}

fn kept(world: &mut World) -> Vec<Sanction> {
    world.store.load_room("lobby").expect("readable").sanctions
}

fn muted(world: &World, client: usize) -> Vec<u64> {
    let number = |received: &Received| match received {
        Received::PostRefused { number, code: PostRefusedCode::MUTED } => Some(*number),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(number).collect()
}

#[test]
fn a_banned_identity_is_disconnected_and_refused_under_every_name_across_restarts() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(world.hub.ban(world.now, RoomId::FIRST, None, "Ben", None), Err(OperatorError::NoSuchName));
    assert_eq!(world.hub.ban(world.now, RoomId::FIRST, None, "ANA", None), Ok("Ana".to_owned()));
    assert_eq!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None), Err(OperatorError::AlreadyInEffect));
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::BANNED)));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::Left { reason: LeaveReason::Banned, .. })));
    assert_eq!(world.announcements().last(), Some(&("Ana".to_owned(), EntryKind::KICKED)));
    for _ in 0..2 {
        assert_eq!(refusal(&mut world, &join_args("Ana", 1)), Some(RefusedCode::BANNED));
        assert_eq!(refusal(&mut world, &join_args("Zoe", 1)), Some(RefusedCode::BANNED));
        // The banned identity keeps its name.
        assert_eq!(refusal(&mut world, &join_args("Ana", 2)), Some(RefusedCode::NAME_TAKEN));
        assert_eq!(world.hub.counters().banned, 2);
        world.restart();
    }
    let sanction = &kept(&mut world)[0];
    assert_eq!((sanction.name.as_str(), sanction.kind), ("Ana", SanctionKind::Ban));
    assert!((WALL_MS..WALL_MS + 10_000).contains(&sanction.since_ms));
}

#[test]
fn an_absent_owner_can_be_banned_by_name() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "ana", None).is_ok());
    assert_eq!(refusal(&mut world, &join_args("Ana", 1)), Some(RefusedCode::BANNED));
}

#[test]
fn a_banned_identity_is_refused_before_its_password_is_checked() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    world.join(&JoinArgs { credential: Credential::Password(PASSWORD), ..join_args("Ana", 1) });
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
    world.hold(JobKind::Password);
    let again = JoinArgs { credential: Credential::Password("guess"), ..join_args("Ana", 1) };
    assert_eq!(refusal(&mut world, &again), Some(RefusedCode::BANNED));
    assert!(world.jobs.is_empty());
    // Only a client that proves that it has the identity learns about the ban.
    let stranger = JoinArgs { credential: Credential::BadSignature, ..join_args("Ana", 1) };
    assert_eq!(refusal(&mut world, &stranger), Some(RefusedCode::SIGNATURE));
}

#[test]
fn a_ban_refuses_a_join_that_is_being_committed() {
    let mut world = World::new();
    let first = world.join(&join_args("Ana", 1));
    world.clients[first].close(world.now);
    world.run_ms(100);
    world.hold(JobKind::Store);
    let ana = world.client();
    world.attempt_join(ana, &join_args("Ana", 1));
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
    world.release();
    world.run_ms(100);
    assert_eq!((world.clients[ana].refusal(), world.clients[ana].is_welcome()), (Some(RefusedCode::BANNED), false));
    // The announcement is followed by *left*.
    world.run(Duration::from_secs(61));
    assert_eq!(world.announcements().last(), Some(&("Ana".to_owned(), EntryKind::LEFT)));
}

#[test]
fn an_unbanned_identity_joins_again_across_restarts() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
    world.run_ms(100);
    assert_eq!(world.hub.unban(world.now, RoomId::FIRST, None, "Ben"), Err(OperatorError::NotInEffect));
    assert!(world.hub.unban(world.now, RoomId::FIRST, None, "ana").is_ok());
    assert_eq!(world.hub.unban(world.now, RoomId::FIRST, None, "ana"), Err(OperatorError::NotInEffect));
    world.run_ms(10);
    world.restart();
    world.join(&join_args("Ana", 1));
    assert!(kept(&mut world).is_empty() && world.hub.sanctions(RoomId::FIRST).is_empty());
}

#[test]
fn a_muted_member_receives_everything_and_its_posts_are_refused_until_unmuted() {
    let mut world = World::new();
    let (ana, ben) = (world.join(&join_args("Ana", 1)), world.join(&join_args("Ben", 2)));
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    assert_eq!(world.hub.mute(world.now, RoomId::FIRST, None, "Ana", None), Ok("Ana".to_owned()));
    assert!(
        world.hub.who(world.now, RoomId::FIRST)[0].is_muted && !world.hub.who(world.now, RoomId::FIRST)[1].is_muted
    );
    world.clients[ana].post_settled(2, 1, "two");
    world.clients[ben].post(1, "hello");
    world.run_ms(50);
    assert_eq!((muted(&world, ana), world.clients[ana].texts()), (vec![2], vec!["one".into(), "hello".to_owned()]));
    // A new connection and a restart change nothing.
    world.restart();
    let instance = world.clients[ana].welcome().instance;
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    world.clients[ana].post_settled(3, 2, "three");
    world.run_ms(50);
    assert_eq!(muted(&world, ana), [2, 3]);
    assert!(world.hub.unmute(world.now, RoomId::FIRST, None, "Ana").is_ok());
    world.clients[ana].post_settled(4, 3, "four");
    world.run_ms(50);
    assert_eq!(world.texts(), ["one", "hello", "four"]);
    assert_eq!((world.hub.counters().posts_muted, world.clients[ana].stored()), (1, 4));
}

#[test]
fn a_post_accepted_before_the_mute_is_stored() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    assert!(world.hub.mute(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
    world.release();
    world.run_ms(50);
    assert_eq!((world.texts(), world.clients[ana].stored()), (vec!["one".to_owned()], 1));
}

#[test]
fn sanctions_imposed_while_the_store_fails_take_effect_at_once_and_are_written_later() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied, Fault::Read] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        let ben = world.join(&join_args("Ben", 2));
        let cleo = world.join(&join_args("Cleo", 3));
        assert!(world.hub.mute(world.now, RoomId::FIRST, None, "Cleo", None).is_ok());
        world.run_ms(50);
        world.store.set_fault(Some(fault));
        world.clients[ben].post(1, "waits");
        world.run_ms(20);
        assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
        assert!(world.hub.unmute(world.now, RoomId::FIRST, None, "Cleo").is_ok());
        world.run_ms(400);
        assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::BANNED)), "{fault:?}");
        assert_eq!(refusal(&mut world, &join_args("Ana", 1)), Some(RefusedCode::BANNED), "{fault:?}");
        world.clients[cleo].post(1, "free");
        world.store.set_fault(None);
        world.run(Duration::from_secs(12));
        let kept = kept(&mut world);
        assert_eq!((kept.len(), kept[0].name.as_str()), (1, "Ana"), "{fault:?}");
        assert_eq!(world.texts(), ["waits", "free"], "{fault:?}");
        world.restart();
        assert_eq!(refusal(&mut world, &join_args("Ana", 1)), Some(RefusedCode::BANNED), "{fault:?}");
    }
}

#[test]
fn a_ban_alone_in_its_batch_is_retried_until_written() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    world.store.set_fault(Some(Fault::Fail));
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
    world.run(Duration::from_secs(3));
    assert!(kept(&mut world).is_empty());
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(kept(&mut world).len(), 1);
    assert!(world.events.contains(&HubEvent::StoreRecovered));
}

#[test]
fn shutdown_writes_the_last_sanctions() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None).is_ok());
    world.hub.shutdown(world.now);
    world.run_ms(10);
    assert!(!world.hub.is_finished());
    world.release();
    assert!(world.hub.is_finished());
    assert_eq!(kept(&mut world).len(), 1);
}

#[test]
fn sanctions_are_listed_oldest_first() {
    let mut world = World::new();
    for (key, name) in [(1, "Zoe"), (2, "Ana")] {
        world.join(&join_args(name, key));
        assert!(world.hub.mute(world.now, RoomId::FIRST, None, name, None).is_ok());
        world.run_ms(10);
    }
    assert!(world.hub.ban(world.now, RoomId::FIRST, None, "Zoe", None).is_ok());
    let listed: Vec<_> =
        world.hub.sanctions(RoomId::FIRST).into_iter().map(|it| (it.sanction.name, it.sanction.kind)).collect();
    let expected = [("Zoe", SanctionKind::Mute), ("Ana", SanctionKind::Mute), ("Zoe", SanctionKind::Ban)];
    assert_eq!(listed, expected.map(|(name, kind)| (name.to_owned(), kind)));
}
