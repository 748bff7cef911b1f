//! Newcomers who wait until an operator lets them in (SPEC 6.2).

use core::net::SocketAddr;

use kabar_core::chat::{NOTICE_APPROVAL, RefusedCode};
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, Received, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{HubConfig, HubEvent, InviteTerms, JoinPolicy, OperatorError, RoomId};

fn world(change: impl FnOnce(&mut HubConfig)) -> World {
    World::with(|config| {
        config.needs_approval = true;
        change(config);
    })
}

fn wait(world: &mut World, join_args: &JoinArgs) -> usize {
    let client = world.client();
    world.attempt_join(client, join_args);
    assert_eq!(world.clients[client].received, [Received::Notice(NOTICE_APPROVAL)]);
    client
}

fn waiting(world: &World) -> Vec<String> {
    world.hub.waiting(RoomId::FIRST).into_iter().map(|it| it.name).collect()
}

#[test]
fn a_newcomer_waits_until_an_operator_lets_it_in() {
    let mut world = world(|_| {});
    let ana = wait(&mut world, &join_args("Ana", 1));
    let is_event = |event: &HubEvent| matches!(event, HubEvent::Waiting { name, .. } if name == "Ana");
    assert_eq!((waiting(&world), world.events.iter().filter(|it| is_event(it)).count()), (vec!["Ana".into()], 1));
    world.run(Duration::from_secs(300));
    assert!(world.clients[ana].is_connected() && !world.clients[ana].is_welcome());
    assert_eq!(world.hub.accept(world.now, RoomId::FIRST, "Ben"), Err(OperatorError::NotWaiting));
    assert_eq!(world.hub.accept(world.now, RoomId::FIRST, "ana"), Ok("Ana (10.1.0.0:5000)".to_owned()));
    world.run_ms(100);
    assert!(world.clients[ana].is_welcome() && waiting(&world).is_empty());
    // It is admitted now.
    world.restart();
    world.join(&JoinArgs { credential: Credential::None, ..join_args("Ana", 1) });
}

#[test]
fn a_rejected_newcomer_is_refused_and_one_that_leaves_does_not_wait() {
    let mut world = world(|_| {});
    let ana = wait(&mut world, &join_args("Ana", 1));
    let ben = wait(&mut world, &join_args("Ben", 2));
    assert!(world.hub.reject(world.now, RoomId::FIRST, "Ana").is_ok());
    world.clients[ben].close(world.now);
    world.run_ms(100);
    assert_eq!(world.clients[ana].refusal(), Some(RefusedCode::AUTHENTICATION));
    assert_eq!(waiting(&world), [""; 0]);
    assert_eq!(world.hub.accept(world.now, RoomId::FIRST, "Ben"), Err(OperatorError::NotWaiting));
}

#[test]
fn whoever_proves_nothing_does_not_even_wait() {
    let mut world = world(|config| config.join_policy = JoinPolicy::Password);
    for credential in [Credential::None, Credential::WrongSecret, Credential::Password("guess")] {
        let client = world.client();
        world.attempt_join(client, &JoinArgs { credential, ..join_args("Eve", 9) });
        assert_eq!(world.clients[client].refusal(), Some(RefusedCode::AUTHENTICATION));
    }
    wait(&mut world, &JoinArgs { credential: Credential::Password(PASSWORD), ..join_args("Ana", 1) });
}

#[test]
fn no_invite_is_used_before_its_holder_is_let_in() {
    let mut world = world(|_| {});
    let terms = InviteTerms { uses: Some(1), ..InviteTerms::default() };
    let invite = world.hub.create_invite(world.now, terms).expect("room");
    let with = |name, key| JoinArgs { credential: Credential::Invite(invite.secret), ..join_args(name, key) };
    let ana = wait(&mut world, &with("Ana", 1));
    let ben = wait(&mut world, &with("Ben", 2));
    assert!(world.hub.accept(world.now, RoomId::FIRST, "Ben").is_ok());
    world.run_ms(100);
    assert!(world.clients[ben].is_welcome());
    assert!(world.hub.accept(world.now, RoomId::FIRST, "Ana").is_ok());
    world.run_ms(100);
    assert_eq!(world.clients[ana].refusal(), Some(RefusedCode::AUTHENTICATION), "it is used up meanwhile");
}

#[test]
fn those_who_wait_are_bounded_and_one_network_does_not_displace_others() {
    let mut world = world(|config| config.limits.approval_queue = 3);
    let ana = wait(&mut world, &join_args("Ana", 1));
    let crowd: Vec<usize> = (2..=4)
        .map(|key| {
            let client = world.client_at(SocketAddr::from(([10, 7, 7, 7], 5_000 + u16::from(key))));
            world.attempt_join(client, &join_args(&format!("Eve{key}"), key));
            client
        })
        .collect();
    assert_eq!(world.clients[crowd[0]].refusal(), None);
    assert_eq!(world.hub.counters().approval_queue_full, 1);
    assert!(waiting(&world).contains(&"Ana".to_owned()) && waiting(&world).len() == 3);
    wait(&mut world, &join_args("Ben", 5));
    let names = waiting(&world);
    assert!(names.contains(&"Ana".to_owned()) && names.contains(&"Ben".to_owned()), "{names:?}");
    let refused = crowd.iter().filter(|it| world.clients[**it].refusal() == Some(RefusedCode::TRY_LATER)).count();
    assert_eq!((refused, world.clients[ana].refusal()), (2, None));
}

#[test]
fn a_wait_ends_after_its_time_and_a_client_that_returns_waits_once() {
    let mut world = world(|_| {});
    let old = wait(&mut world, &join_args("Ana", 1));
    let new = wait(&mut world, &join_args("Ana", 1));
    assert_eq!((world.clients[old].refusal(), waiting(&world).len()), (Some(RefusedCode::TRY_LATER), 1));
    world.run(Duration::from_secs(601));
    assert_eq!(world.clients[new].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!((world.hub.counters().approvals_timed_out, waiting(&world).len()), (1, 0));
}
