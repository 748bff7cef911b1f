//! Joins: who is admitted, under which name and instance (SPEC 6.2, 6.5, 6.6).

use kabar_core::chat::{RefusedCode, Start};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{HubEvent, JobKind, JoinPolicy, Loaded, RoomId};
use crate::store::{Fault, Store};

fn refused(world: &mut World, join_args: &JoinArgs) -> Option<RefusedCode> {
    let client = world.client();
    world.attempt_join(client, join_args);
    assert!(!world.clients[client].is_welcome());
    world.clients[client].refusal()
}

#[test]
fn the_secret_admits_and_the_server_proves_it_in_return() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let welcome = world.clients[ana].welcome();
    assert!(welcome.is_proved && welcome.instance != 0);
    assert_eq!((&*welcome.name, welcome.highest, welcome.members), ("Ana", 0, 1));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::Joined { name, .. } if name == "Ana")));
}

#[test]
fn no_welcome_is_sent_before_the_commit() {
    let mut world = World::new();
    world.hold(JobKind::Store);
    let client = world.client();
    world.attempt_join(client, &join_args("Ana", 1));
    assert!(world.clients[client].received.is_empty());
    world.release();
    world.run_ms(10);
    assert!(world.clients[client].is_welcome());
    let loaded = Loaded::read(&mut world.store, "lobby").expect("readable");
    assert_eq!(loaded.room.instances[0].instance, world.clients[client].welcome().instance);
    assert_eq!((loaded.server.names[0].name.as_str(), loaded.room.terms.len()), ("Ana", 1));
}

#[test]
fn a_wrong_secret_is_refused_and_the_connection_closed() {
    let mut world = World::new();
    let client = world.client();
    world.attempt_join(client, &JoinArgs { credential: Credential::WrongSecret, ..join_args("Ana", 1) });
    assert_eq!(world.clients[client].refusal(), Some(RefusedCode::AUTHENTICATION));
    assert_eq!(world.clients[client].closed, Some(Closed::ByPeer(CloseCode::REFUSED)));
    assert!(world.store.load_server().expect("readable").names.is_empty());
    assert_eq!(world.hub.counters().refused, 1);
}

#[test]
fn a_lost_refusal_is_sent_again() {
    let mut world = World::new();
    let client = world.refuse_without_acknowledgement();
    world.run_ms(2);
    world.clients[client].is_cut = false;
    world.run(Duration::from_secs(2));
    assert_eq!(world.clients[client].refusal(), Some(RefusedCode::AUTHENTICATION));
    assert_eq!(world.clients[client].closed, Some(Closed::ByPeer(CloseCode::REFUSED)));
}

#[test]
fn a_connection_that_does_not_acknowledge_its_refusal_is_closed_soon() {
    let mut world = World::new();
    world.refuse_without_acknowledgement();
    world.run(Duration::from_secs(2));
    assert_eq!(world.hub.peers.len(), 1);
    world.run(Duration::from_secs(8));
    assert_eq!((world.hub.peers.len(), world.hub.context.census.unjoined), (0, 0));
}

#[test]
fn refuses_a_signature_that_does_not_verify() {
    let mut world = World::new();
    let join_args = JoinArgs { credential: Credential::BadSignature, ..join_args("Ana", 1) };
    assert_eq!(refused(&mut world, &join_args), Some(RefusedCode::SIGNATURE));
}

#[test]
fn refuses_an_unknown_room() {
    let mut world = World::new();
    assert_eq!(
        refused(&mut world, &JoinArgs { room: "cellar", ..join_args("Ana", 1) }),
        Some(RefusedCode::UNKNOWN_ROOM)
    );
}

#[test]
fn refuses_names_that_are_not_allowed() {
    let mut world = World::new();
    for name in ["", "a:b", "server", " ana", &"n".repeat(200)] {
        assert_eq!(refused(&mut world, &join_args(name, 1)), Some(RefusedCode::NAME_NOT_ALLOWED), "{name}");
    }
}

#[test]
fn a_name_belongs_to_the_key_that_took_it() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(refused(&mut world, &join_args("ANA", 2)), Some(RefusedCode::NAME_TAKEN));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    assert_eq!(refused(&mut world, &join_args("aｎa", 2)), Some(RefusedCode::NAME_TAKEN));
    world.restart();
    assert_eq!(refused(&mut world, &join_args("Ana", 2)), Some(RefusedCode::NAME_TAKEN));
    world.join(&join_args("ana", 1));
}

#[test]
fn of_two_concurrent_joins_under_one_name_one_succeeds() {
    let mut world = World::new();
    world.hold(JobKind::Store);
    let (a, b) = (world.client(), world.client());
    world.attempt_join(a, &join_args("Ana", 1));
    world.attempt_join(b, &join_args("Ana", 2));
    // The first Join may still fail.
    assert_eq!(world.clients[b].refusal(), Some(RefusedCode::TRY_LATER));
    world.release();
    world.run_ms(10);
    assert!(world.clients[a].is_welcome());
    world.clients[b].received.clear();
    world.attempt_join(b, &join_args("Ana", 2));
    assert_eq!(world.clients[b].refusal(), Some(RefusedCode::NAME_TAKEN));
}

#[test]
fn joins_in_progress_do_not_make_the_room_full_for_good() {
    let mut world = World::with(|config| config.limits.members = 2);
    world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    let (b, c) = (world.client(), world.client());
    world.attempt_join(b, &join_args("Ben", 2));
    world.attempt_join(c, &join_args("Cleo", 3));
    assert_eq!(world.clients[c].refusal(), Some(RefusedCode::TRY_LATER));
    world.release();
    world.run_ms(10);
    assert!(world.clients[b].is_welcome());
    assert_eq!(refused(&mut world, &join_args("Dan", 4)), Some(RefusedCode::ROOM_FULL));
}

#[test]
fn a_name_lapses_after_the_keep_time_unseen() {
    let mut world = World::with(|config| config.limits.name_keep = Duration::from_secs(500));
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    assert_eq!(refused(&mut world, &join_args("Ana", 2)), Some(RefusedCode::NAME_TAKEN));
    world.run(Duration::from_secs(400));
    world.restart();
    world.run(Duration::from_secs(400));
    assert_eq!(refused(&mut world, &join_args("Ana", 2)), Some(RefusedCode::NAME_TAKEN), "what nobody wrote down");
    world.run(Duration::from_secs(110));
    world.join(&join_args("Ana", 2));
    assert_eq!(refused(&mut world, &join_args("Ana", 1)), Some(RefusedCode::NAME_TAKEN));
}

#[test]
fn an_instance_is_drawn_once_and_recognised_later() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    world.restart();
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    assert_eq!((world.clients[ana].welcome().instance, world.clients[ana].welcome().highest), (instance, 1));
    // An unknown one is replaced by a new one.
    let ben = world.join(&JoinArgs { instance: 12345, ..join_args("Ben", 2) });
    assert!(![0, 12345, instance].contains(&world.clients[ben].welcome().instance));
}

#[test]
fn refuses_an_instance_of_another_identity() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    assert_eq!(refused(&mut world, &JoinArgs { instance, ..join_args("Ben", 2) }), Some(RefusedCode::INSTANCE));
}

#[test]
fn a_room_by_invitation_refuses_passwords_and_joins_without_proof() {
    let mut world = World::new();
    let none = JoinArgs { credential: Credential::None, ..join_args("Ana", 1) };
    assert_eq!(refused(&mut world, &none), Some(RefusedCode::AUTHENTICATION));
    let password = JoinArgs { credential: Credential::Password(PASSWORD), ..join_args("Ana", 1) };
    assert_eq!(refused(&mut world, &password), Some(RefusedCode::AUTHENTICATION));
    // Once admitted, always admitted.
    let ana = world.join(&join_args("Ana", 1));
    world.restart();
    world.attempt_join(ana, &none);
    assert!(world.clients[ana].is_connected());
}

#[test]
fn an_open_room_admits_all_but_a_wrong_secret() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Open);
    world.join(&JoinArgs { credential: Credential::None, ..join_args("Ana", 1) });
    let wrong = JoinArgs { credential: Credential::WrongSecret, ..join_args("Ben", 2) };
    assert_eq!(refused(&mut world, &wrong), Some(RefusedCode::AUTHENTICATION));
}

#[test]
fn a_password_admits_once_until_it_changes() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let with = |password, name, key| JoinArgs { credential: Credential::Password(password), ..join_args(name, key) };
    assert_eq!(refused(&mut world, &with("guess", "Ana", 1)), Some(RefusedCode::AUTHENTICATION));
    let ana = world.join(&with(PASSWORD, "Ana", 1));
    let none = JoinArgs { credential: Credential::None, ..join_args("Ana", 1) };
    world.restart();
    world.attempt_join(ana, &none);
    assert!(world.clients[ana].is_connected());
    world.config.admission_tag = [1; 16];
    world.restart();
    assert_eq!(refused(&mut world, &none), Some(RefusedCode::AUTHENTICATION));
}

#[test]
fn wrong_passwords_use_up_only_the_attempts_of_their_address() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let wrong = JoinArgs { credential: Credential::Password("guess"), ..join_args("Eve", 9) };
    let eve = world.client();
    for _ in 0..5 {
        world.clients[eve].received.clear();
        world.attempt_join(eve, &wrong);
        assert_eq!(world.clients[eve].refusal(), Some(RefusedCode::AUTHENTICATION));
    }
    let right = JoinArgs { credential: Credential::Password(PASSWORD), ..join_args("Eve", 9) };
    world.clients[eve].received.clear();
    world.attempt_join(eve, &right);
    assert_eq!(world.clients[eve].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!((world.hub.counters().passwords_limited, world.hub.counters().wrong_passwords), (1, 5));
    world.join(&JoinArgs { credential: Credential::Password(PASSWORD), ..join_args("Ana", 1) });
    world.run(Duration::from_secs(15));
    world.clients[eve].received.clear();
    world.attempt_join(eve, &right);
    assert!(world.clients[eve].is_welcome());
}

#[test]
fn passwords_are_checked_one_at_a_time_and_their_queue_is_bounded() {
    let mut world = World::with(|config| {
        config.join_policy = JoinPolicy::Password;
        config.limits.password_queue = 2;
    });
    world.hold(JobKind::Password);
    let clients: Vec<usize> = (0..4).map(|_| world.client()).collect();
    for (key, client) in (1..).zip(&clients) {
        world.attempt_join(
            *client,
            &JoinArgs { credential: Credential::Password(PASSWORD), ..join_args(&format!("p{key}"), key) },
        );
    }
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.clients[clients[3]].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!(world.hub.counters().password_queue_full, 1);
    world.release();
    world.run_ms(10);
    assert!(clients[..3].iter().all(|client| world.clients[*client].is_welcome()));
}

#[test]
fn thirty_clients_at_one_address_join_at_once() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let clients: Vec<usize> = (0..30).map(|port| world.client_at(([10, 3, 3, 3], 7_000 + port).into())).collect();
    for client in &clients {
        let now = world.now;
        world.clients[*client].connect(now);
    }
    world.run_ms(300);
    for (key, client) in (1..).zip(&clients) {
        world.clients[*client]
            .join(&JoinArgs { credential: Credential::Password(PASSWORD), ..join_args(&format!("p{key}"), key) });
    }
    world.run_ms(300);
    assert!(clients.iter().all(|client| world.clients[*client].is_welcome()));
}

#[test]
fn a_full_room_admits_only_its_members() {
    let mut world = World::with(|config| config.limits.members = 2);
    let ana = world.join(&join_args("Ana", 1));
    world.join(&join_args("Ben", 2));
    assert_eq!(refused(&mut world, &join_args("Cleo", 3)), Some(RefusedCode::ROOM_FULL));
    assert_eq!(world.hub.counters().room_full, 1);
    let again = world.join(&join_args("Ana", 1));
    assert!(world.clients[again].is_connected() && world.clients[ana].is_connected());
}

#[test]
fn a_connection_that_does_not_join_in_time_is_closed() {
    let mut world = World::new();
    let client = world.client();
    world.connect(client);
    world.run(Duration::from_secs(9));
    assert_eq!(world.clients[client].closed, None);
    world.run(Duration::from_secs(2));
    assert_eq!(world.clients[client].closed, Some(Closed::ByPeer(CloseCode::NOT_JOINED)));
    assert_eq!(world.hub.counters().not_joined, 1);
}

#[test]
fn connections_that_have_not_joined_are_bounded() {
    let mut world = World::with(|config| config.limits.unjoined = 2);
    let clients: Vec<usize> = (0..3).map(|_| world.client()).collect();
    for client in &clients {
        let now = world.now;
        world.clients[*client].connect(now);
        world.run_ms(50);
    }
    assert_eq!(world.hub.counters().connections, 2);
    assert!(world.hub.counters().unjoined_full > 0);
    world.clients[clients[0]].join(&join_args("Ana", 1));
    world.run(Duration::from_secs(2));
    assert!(world.clients[clients[0]].is_welcome());
    assert_eq!(world.hub.counters().connections, 3);
}

#[test]
fn a_reconnecting_process_replaces_its_connection_silently() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    let instance = world.clients[ana].welcome().instance;
    let again = world.client();
    world.clients[ana].is_cut = true;
    world.attempt_join(again, &JoinArgs { instance, ..join_args("Ana", 1) });
    assert_eq!(world.clients[again].welcome().instance, instance);
    world.clients[ana].is_cut = false;
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, None);
    assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 2);
    assert_eq!((world.hub.counters().replaced, world.announcements().len()), (0, 2));
    world.clients[again].post(1, "here");
    world.run_ms(50);
    assert_eq!(world.clients[ben].texts(), ["here"]);
}

#[test]
fn a_delayed_join_does_not_replace_a_later_connection() {
    // A client that received no Welcome abandons its connection and joins on another one; then the
    // first Join arrives.
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let join_args = JoinArgs { instance: world.clients[ana].welcome().instance, ..join_args("Ana", 1) };
    let first = world.client();
    world.connect(first);
    let second = world.join(&join_args);
    world.clients[first].join(&join_args);
    world.run_ms(500);
    assert_eq!(world.clients[first].refusal(), Some(RefusedCode::TRY_LATER));
    assert!(world.clients[second].is_connected() && world.clients[second].closed.is_none());
    world.clients[second].post(1, "here");
    world.run_ms(50);
    assert_eq!(
        (world.clients[second].stored(), world.hub.counters().replaced, world.hub.who(world.now, RoomId::FIRST).len()),
        (1, 0, 1)
    );
}

#[test]
fn joins_are_refused_temporarily_while_the_store_fails() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.store.set_fault(Some(Fault::Fail));
    assert_eq!(refused(&mut world, &join_args("Ben", 2)), Some(RefusedCode::TRY_LATER));
    assert_eq!(refused(&mut world, &join_args("Cleo", 3)), Some(RefusedCode::TRY_LATER));
    world.store.set_fault(None);
    world.clients[ana].post(1, "one");
    world.run(Duration::from_secs(6));
    world.join(&join_args("Ben", 4));
    assert_eq!(world.announcements().len(), 2, "{:?}", world.announcements());
}

#[test]
fn joins_alone_notice_that_the_store_recovered() {
    let mut world = World::new();
    world.store.set_fault(Some(Fault::Fail));
    assert_eq!(refused(&mut world, &join_args("Ana", 1)), Some(RefusedCode::TRY_LATER));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    world.join(&join_args("Ana", 1));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::StoreRecovered)));
}

#[test]
fn no_welcome_is_sent_before_the_term_is_durable() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let instance = world.clients[ana].welcome().instance;
    world.hold(JobKind::Store);
    world.restart();
    world.clients[ana].received.clear();
    world.attempt_join(ana, &JoinArgs { instance, ..join_args("Ana", 1) });
    assert!(world.clients[ana].received.is_empty());
    world.release();
    world.run_ms(10);
    let term = world.clients[ana].welcome().term;
    assert!(world.store.load_room("lobby").expect("readable").terms.iter().any(|record| record.term == term));
}

#[test]
fn a_malformed_message_closes_the_connection() {
    let who = [0, 2, 3, 1];
    let cases: [&[u8]; 5] = [&[0, 0], &[0xff, 0xff], &[0, 1, 0x01], &who, &[0, 3, 4, 1, 0]];
    for bytes in cases {
        let mut world = World::new();
        let client = world.client();
        world.connect(client);
        assert!(world.clients[client].send_raw(bytes));
        world.run_ms(100);
        assert_eq!(world.clients[client].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)), "{bytes:?}");
        assert_eq!(world.hub.counters().broken_messages, 1);
    }
}

#[test]
fn messages_of_unknown_type_are_skipped() {
    let mut world = World::new();
    let client = world.client();
    world.connect(client);
    assert!(world.clients[client].send_raw(&[0, 3, 0x7f, 1, 2]));
    world.clients[client].join(&JoinArgs { start: Start::Last(9), ..join_args("Ana", 1) });
    world.run_ms(100);
    assert!(world.clients[client].is_welcome());
}
