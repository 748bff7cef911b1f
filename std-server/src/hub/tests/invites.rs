//! Invites (SPEC 6.2): who is admitted by which, for how long and how often.

use kabar_core::chat::RefusedCode;
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, Received, SECRET, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{InviteTerms, JobKind, JoinPolicy, OperatorError};
use crate::store::{Fault, InviteRecord, InviteState, Store};

const ONCE: InviteTerms = InviteTerms { room: None, made_by: None, valid_ms: None, uses: Some(1) };

fn create(world: &mut World, terms: InviteTerms) -> InviteRecord {
    let made = world.hub.create_invite(world.now, terms).expect("room");
    world.drain();
    made
}

fn with(invite: &InviteRecord, name: &str, key: u8) -> JoinArgs {
    JoinArgs { credential: Credential::Invite(invite.secret), ..join_args(name, key) }
}

/// The code and sentence with which a new client is refused.
fn refused(world: &mut World, join_args: &JoinArgs) -> (RefusedCode, String) {
    let client = world.client();
    world.attempt_join(client, join_args);
    refusal(world, client)
}

fn refusal(world: &World, client: usize) -> (RefusedCode, String) {
    let received = &world.clients[client].received;
    let refusal = received.iter().find_map(|it| match it {
        Received::Refused { code, text } => Some((*code, text.clone())),
        _ => None,
    });
    refusal.unwrap_or_else(|| panic!("not refused: {received:?}"))
}

fn ended(why: &str) -> (RefusedCode, String) {
    (RefusedCode::AUTHENTICATION, why.to_owned())
}

/// State and number of uses of an invite, in the store.
fn stored(world: &mut World, id: u32) -> (u32, Option<u32>, usize) {
    let loaded = world.store.load_server().expect("readable");
    let record = loaded.invites.iter().find(|record| record.id == id).expect("stored");
    (record.used, record.uses_left, loaded.invite_uses.iter().filter(|it| it.invite == id).count())
}

#[test]
fn an_invite_admits_as_often_as_it_states_and_the_server_proves_its_secret() {
    let mut world = World::new();
    let invite = create(&mut world, InviteTerms { uses: Some(2), ..ONCE });
    for (name, key) in [("Ana", 1), ("Ben", 2)] {
        let client = world.join(&with(&invite, name, key));
        assert!(world.clients[client].welcome().is_proved);
    }
    assert_eq!(stored(&mut world, invite.id), (2, Some(0), 2));
    assert_eq!(refused(&mut world, &with(&invite, "Cho", 3)), ended("this invite is used up"));
    // The other invites are what they were.
    world.join(&join_args("Cho", 3));
}

#[test]
fn of_two_joins_at_once_with_one_use_left_one_is_admitted() {
    let mut world = World::new();
    let invite = create(&mut world, ONCE);
    let (ana, ben) = (world.client(), world.client());
    world.connect(ana);
    world.connect(ben);
    world.hold(JobKind::Store);
    world.clients[ana].join(&with(&invite, "Ana", 1));
    world.clients[ben].join(&with(&invite, "Ben", 2));
    world.run_ms(100);
    assert_eq!(refusal(&world, ben).0, RefusedCode::TRY_LATER, "it may still fail");
    world.release();
    world.run_ms(100);
    assert!(world.clients[ana].is_welcome());
    assert_eq!(stored(&mut world, invite.id), (1, Some(0), 1));
    assert_eq!(refused(&mut world, &with(&invite, "Ben", 2)), ended("this invite is used up"));
}

#[test]
fn an_identity_uses_an_invite_once_however_often_it_joins() {
    let mut world = World::new();
    let invite = create(&mut world, ONCE);
    let (first, second) = (world.client(), world.client());
    world.connect(first);
    world.connect(second);
    world.hold(JobKind::Store);
    world.clients[first].join(&with(&invite, "Ana", 1));
    world.run_ms(50);
    world.clients[second].join(&with(&invite, "Ana", 1));
    world.run_ms(50);
    world.release();
    world.run_ms(100);
    assert!(world.clients[first].is_welcome() && world.clients[second].is_welcome());
    world.restart();
    let later = world.join(&with(&invite, "Ana", 1));
    assert!(world.clients[later].welcome().is_proved, "the invite is used up, and its secret still known");
    assert_eq!(stored(&mut world, invite.id), (1, Some(0), 1));
}

#[test]
fn an_invite_expires_by_the_time_of_day() {
    let mut world = World::new();
    let invite = create(&mut world, InviteTerms { valid_ms: Some(10_000), ..InviteTerms::default() });
    let ana = world.join(&with(&invite, "Ana", 1));
    world.run(Duration::from_secs(10));
    assert_eq!(refused(&mut world, &with(&invite, "Ben", 2)), ended("this invite has expired"));
    // The clock was wrong.
    world.hub.set_wall(world.now, invite.made_ms);
    world.join(&with(&invite, "Ben", 2));
    assert!(world.clients[ana].is_connected());
}

#[test]
fn a_revoked_invite_admits_no_newcomer_and_members_stay() {
    let mut world = World::new();
    let invite = create(&mut world, InviteTerms::default());
    let ana = world.join(&with(&invite, "Ana", 1));
    world.store.set_fault(Some(Fault::Fail));
    assert!(world.hub.revoke_invite(world.now, invite.id).is_ok());
    assert_eq!(refused(&mut world, &with(&invite, "Ben", 2)), ended("this invite was revoked"));
    world.store.set_fault(None);
    world.run(Duration::from_secs(10));
    assert!(world.clients[ana].is_connected());
    let again = world.hub.revoke_invite(world.now, invite.id);
    assert_eq!(again, Err(OperatorError::AlreadyInEffect));
    world.restart();
    assert_eq!(refused(&mut world, &with(&invite, "Ben", 2)), ended("this invite was revoked"));
    let ana = world.join(&with(&invite, "Ana", 1));
    assert!(world.clients[ana].welcome().is_proved, "an admitted identity needs no invite");
    assert_eq!(stored(&mut world, invite.id), (1, None, 1));
}

#[test]
fn an_unknown_invite_is_refused_as_such() {
    let mut world = World::new();
    let wrong = JoinArgs { credential: Credential::WrongSecret, ..join_args("Ana", 1) };
    assert_eq!(refused(&mut world, &wrong), ended("this server knows no such invite"));
}

#[test]
fn the_standing_invite_can_be_replaced() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    let new = [9; 16];
    world.hub.replace_standing_invite(world.now, new);
    world.drain();
    assert_eq!(refused(&mut world, &join_args("Ben", 2)), ended("this invite was revoked"));
    let ana = world.join(&join_args("Ana", 1));
    assert!(world.clients[ana].welcome().is_proved);
    let with_new = JoinArgs { credential: Credential::Invite(new), ..join_args("Ben", 2) };
    world.join(&with_new);
    // The file decides which one stands; here it is the new one.
    world.config.secret = new;
    world.restart();
    let states = |world: &World| {
        let list = world.hub.invites(world.now).into_iter();
        list.map(|it| (it.record.secret, it.state)).collect::<Vec<_>>()
    };
    assert_eq!(states(&world), [(SECRET, InviteState::Revoked), (new, InviteState::InForce)]);
    // A file that was replaced while no server ran.
    world.config.secret = [8; 16];
    world.restart();
    assert_eq!(refused(&mut world, &with_new_for(&with_new, 3)), ended("this invite was revoked"));
    assert_eq!(states(&world).len(), 3);
}

fn with_new_for(join_args: &JoinArgs, key: u8) -> JoinArgs {
    JoinArgs { key, name: "Cho".into(), ..join_args.clone() }
}

#[test]
fn an_admission_by_invite_outlives_a_change_of_the_password() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let none = |name, key| JoinArgs { credential: Credential::None, ..join_args(name, key) };
    world.join(&join_args("Ana", 1));
    world.join(&JoinArgs { credential: Credential::Password(PASSWORD), ..join_args("Ben", 2) });
    world.config.admission_tag = [1; 16];
    world.restart();
    world.join(&none("Ana", 1));
    assert_eq!(refused(&mut world, &none("Ben", 2)).0, RefusedCode::AUTHENTICATION);
}

#[test]
fn a_use_whose_commit_is_uncertain_counts_once() {
    for fault in [Fault::UncertainApplied, Fault::UncertainNotApplied, Fault::Fail] {
        let mut world = World::new();
        let invite = create(&mut world, InviteTerms { uses: Some(2), ..ONCE });
        world.run_ms(100);
        world.store.set_fault(Some(fault));
        assert_eq!(refused(&mut world, &with(&invite, "Ana", 1)).0, RefusedCode::TRY_LATER);
        world.store.set_fault(None);
        world.run(Duration::from_secs(10));
        world.join(&with(&invite, "Ana", 1));
        assert_eq!(stored(&mut world, invite.id), (1, Some(1), 1), "{fault:?}");
        world.join(&with(&invite, "Ben", 2));
        assert_eq!(stored(&mut world, invite.id), (2, Some(0), 2), "{fault:?}");
    }
}

#[test]
fn an_invite_made_while_the_store_fails_admits_later_and_is_stored() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    world.store.set_fault(Some(Fault::Fail));
    let invite = create(&mut world, ONCE);
    world.run(Duration::from_secs(1));
    world.store.set_fault(None);
    world.run(Duration::from_secs(10));
    world.restart();
    world.join(&with(&invite, "Ben", 2));
    assert_eq!(stored(&mut world, invite.id), (1, Some(0), 1));
}

#[test]
fn invites_are_bounded_and_those_that_ended_make_room() {
    let mut world = World::with(|config| config.limits.invites = 3);
    let first = create(&mut world, ONCE);
    create(&mut world, InviteTerms::default());
    let full = world.hub.create_invite(world.now, ONCE);
    assert_eq!((full, world.hub.counters().invites_full), (Err(OperatorError::TooManyInvites), 1));
    world.join(&with(&first, "Ana", 1));
    let last = create(&mut world, ONCE);
    world.run_ms(100);
    let ids: Vec<u32> = world.store.load_server().expect("readable").invites.iter().map(|it| it.id).collect();
    assert_eq!(ids, [1, 3, last.id]);
    assert_eq!(refused(&mut world, &with(&first, "Ben", 2)), ended("this server knows no such invite"));
}
