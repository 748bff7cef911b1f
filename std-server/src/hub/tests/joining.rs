//! Who may come in, under which name and instance (SPEC 6.2, 6.5, 6.6).

use kabar_core::chat::{RefusedCode, Start};
use kabar_core::connection::CloseCode;
use kabar_core::connection::Closed;
use kabar_core::time::Duration;

use super::person::{Asking, Way, asking};
use super::world::{PASSWORD, World};
use crate::hub::{HubEvent, JobKind, JoinPolicy};
use crate::store::{Fault, Store};

fn refused(world: &mut World, asking: &Asking) -> Option<RefusedCode> {
    let person = world.person();
    world.ask(person, asking);
    assert!(!world.people[person].is_welcome());
    world.people[person].refusal()
}

#[test]
fn the_secret_admits_and_is_proved_in_return() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let welcome = world.people[ana].welcome();
    assert!(welcome.is_proved && welcome.instance != 0);
    assert_eq!((&*welcome.name, welcome.highest, welcome.members), ("Ana", 0, 1));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::Joined { name, .. } if name == "Ana")));
}

#[test]
fn nobody_is_welcome_before_the_commit() {
    let mut world = World::new();
    world.hold(JobKind::Store);
    let person = world.person();
    world.ask(person, &asking("Ana", 1));
    assert!(world.people[person].heard.is_empty());
    world.release();
    world.run_ms(10);
    assert!(world.people[person].is_welcome());
    let loaded = world.store.load("lobby").expect("readable");
    assert_eq!(loaded.instances[0].instance, world.people[person].welcome().instance);
    assert_eq!((loaded.names[0].name.as_str(), loaded.terms.len()), ("Ana", 1));
}

#[test]
fn refuses_a_wrong_secret_and_then_closes() {
    let mut world = World::new();
    let person = world.person();
    world.ask(person, &Asking { way: Way::WrongSecret, ..asking("Ana", 1) });
    assert_eq!(world.people[person].refusal(), Some(RefusedCode::AUTHENTICATION));
    assert_eq!(world.people[person].ended, Some(Closed::ByPeer(CloseCode::REFUSED)));
    assert!(world.store.load("lobby").expect("readable").names.is_empty());
    assert_eq!(world.hub.counters().refused, 1);
}

#[test]
fn a_refusal_that_is_lost_on_its_way_is_heard_all_the_same() {
    let mut world = World::new();
    let person = world.refuse_unheard();
    world.run_ms(2);
    world.people[person].is_cut = false;
    world.run(Duration::from_secs(2));
    assert_eq!(world.people[person].refusal(), Some(RefusedCode::AUTHENTICATION));
    assert_eq!(world.people[person].ended, Some(Closed::ByPeer(CloseCode::REFUSED)));
}

#[test]
fn who_does_not_acknowledge_its_refusal_is_closed_soon() {
    let mut world = World::new();
    world.refuse_unheard();
    world.run(Duration::from_secs(2));
    assert_eq!(world.hub.peers.len(), 1);
    world.run(Duration::from_secs(8));
    assert_eq!((world.hub.peers.len(), world.hub.context.census.unjoined), (0, 0));
}

#[test]
fn refuses_a_signature_that_does_not_verify() {
    let mut world = World::new();
    let asking = Asking { way: Way::BadSignature, ..asking("Ana", 1) };
    assert_eq!(refused(&mut world, &asking), Some(RefusedCode::SIGNATURE));
}

#[test]
fn refuses_an_unknown_room() {
    let mut world = World::new();
    assert_eq!(refused(&mut world, &Asking { room: "cellar", ..asking("Ana", 1) }), Some(RefusedCode::UNKNOWN_ROOM));
}

#[test]
fn refuses_names_that_are_not_allowed() {
    let mut world = World::new();
    for name in ["", "a:b", "server", " ana", &"n".repeat(200)] {
        assert_eq!(refused(&mut world, &asking(name, 1)), Some(RefusedCode::NAME_NOT_ALLOWED), "{name}");
    }
}

#[test]
fn a_name_belongs_to_the_key_that_took_it() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    assert_eq!(refused(&mut world, &asking("ANA", 2)), Some(RefusedCode::NAME_TAKEN));
    world.people[ana].close(world.now);
    world.run_ms(100);
    assert_eq!(refused(&mut world, &asking("aｎa", 2)), Some(RefusedCode::NAME_TAKEN));
    world.restart();
    assert_eq!(refused(&mut world, &asking("Ana", 2)), Some(RefusedCode::NAME_TAKEN));
    world.join(&asking("ana", 1));
}

#[test]
fn of_two_keys_that_want_a_name_at_once_one_gets_it() {
    let mut world = World::new();
    world.hold(JobKind::Store);
    let (a, b) = (world.person(), world.person());
    world.ask(a, &asking("Ana", 1));
    world.ask(b, &asking("Ana", 2));
    // It may come to nothing yet.
    assert_eq!(world.people[b].refusal(), Some(RefusedCode::TRY_LATER));
    world.release();
    world.run_ms(10);
    assert!(world.people[a].is_welcome());
    world.people[b].heard.clear();
    world.ask(b, &asking("Ana", 2));
    assert_eq!(world.people[b].refusal(), Some(RefusedCode::NAME_TAKEN));
}

#[test]
fn joins_under_way_refuse_nobody_a_place_for_good() {
    let mut world = World::with(|config| config.limits.members = 2);
    world.join(&asking("Ana", 1));
    world.hold(JobKind::Store);
    let (b, c) = (world.person(), world.person());
    world.ask(b, &asking("Ben", 2));
    world.ask(c, &asking("Cleo", 3));
    assert_eq!(world.people[c].refusal(), Some(RefusedCode::TRY_LATER));
    world.release();
    world.run_ms(10);
    assert!(world.people[b].is_welcome());
    assert_eq!(refused(&mut world, &asking("Dan", 4)), Some(RefusedCode::ROOM_FULL));
}

#[test]
fn a_name_lapses_when_its_owner_is_not_seen_for_long() {
    let mut world = World::with(|config| config.limits.name_keep = Duration::from_secs(500));
    let ana = world.join(&asking("Ana", 1));
    world.people[ana].close(world.now);
    world.run_ms(100);
    assert_eq!(refused(&mut world, &asking("Ana", 2)), Some(RefusedCode::NAME_TAKEN));
    world.run(Duration::from_secs(400));
    world.restart();
    world.run(Duration::from_secs(400));
    assert_eq!(refused(&mut world, &asking("Ana", 2)), Some(RefusedCode::NAME_TAKEN), "what nobody wrote down");
    world.run(Duration::from_secs(110));
    world.join(&asking("Ana", 2));
    assert_eq!(refused(&mut world, &asking("Ana", 1)), Some(RefusedCode::NAME_TAKEN));
}

#[test]
fn an_instance_is_drawn_once_and_known_again() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    world.people[ana].post(1, "one");
    world.run_ms(50);
    world.restart();
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    assert_eq!((world.people[ana].welcome().instance, world.people[ana].welcome().highest), (instance, 1));
    // One that is not known is replaced by a new one.
    let ben = world.join(&Asking { instance: 12345, ..asking("Ben", 2) });
    assert!(![0, 12345, instance].contains(&world.people[ben].welcome().instance));
}

#[test]
fn refuses_an_instance_of_another_identity() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    assert_eq!(refused(&mut world, &Asking { instance, ..asking("Ben", 2) }), Some(RefusedCode::INSTANCE));
}

#[test]
fn a_room_by_invitation_takes_no_password_and_nobody_without() {
    let mut world = World::new();
    let none = Asking { way: Way::None, ..asking("Ana", 1) };
    assert_eq!(refused(&mut world, &none), Some(RefusedCode::AUTHENTICATION));
    let password = Asking { way: Way::Password(PASSWORD), ..asking("Ana", 1) };
    assert_eq!(refused(&mut world, &password), Some(RefusedCode::AUTHENTICATION));
    // Once admitted, always admitted.
    let ana = world.join(&asking("Ana", 1));
    world.restart();
    world.ask(ana, &none);
    assert!(world.people[ana].is_connected());
}

#[test]
fn an_open_room_takes_everybody_but_no_wrong_secret() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Open);
    world.join(&Asking { way: Way::None, ..asking("Ana", 1) });
    let wrong = Asking { way: Way::WrongSecret, ..asking("Ben", 2) };
    assert_eq!(refused(&mut world, &wrong), Some(RefusedCode::AUTHENTICATION));
}

#[test]
fn a_password_admits_and_is_not_asked_again_until_it_changes() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let with = |password, name, key| Asking { way: Way::Password(password), ..asking(name, key) };
    assert_eq!(refused(&mut world, &with("guess", "Ana", 1)), Some(RefusedCode::AUTHENTICATION));
    let ana = world.join(&with(PASSWORD, "Ana", 1));
    let none = Asking { way: Way::None, ..asking("Ana", 1) };
    world.restart();
    world.ask(ana, &none);
    assert!(world.people[ana].is_connected());
    world.config.admission_tag = [1; 16];
    world.restart();
    assert_eq!(refused(&mut world, &none), Some(RefusedCode::AUTHENTICATION));
}

#[test]
fn wrong_passwords_use_up_the_tries_of_an_address_only() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let wrong = Asking { way: Way::Password("guess"), ..asking("Eve", 9) };
    let eve = world.person();
    for _ in 0..5 {
        world.people[eve].heard.clear();
        world.ask(eve, &wrong);
        assert_eq!(world.people[eve].refusal(), Some(RefusedCode::AUTHENTICATION));
    }
    let right = Asking { way: Way::Password(PASSWORD), ..asking("Eve", 9) };
    world.people[eve].heard.clear();
    world.ask(eve, &right);
    assert_eq!(world.people[eve].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!((world.hub.counters().passwords_limited, world.hub.counters().wrong_passwords), (1, 5));
    world.join(&Asking { way: Way::Password(PASSWORD), ..asking("Ana", 1) });
    world.run(Duration::from_secs(15));
    world.people[eve].heard.clear();
    world.ask(eve, &right);
    assert!(world.people[eve].is_welcome());
}

#[test]
fn passwords_are_checked_one_at_a_time_and_their_queue_is_bounded() {
    let mut world = World::with(|config| {
        config.join_policy = JoinPolicy::Password;
        config.limits.password_queue = 2;
    });
    world.hold(JobKind::Password);
    let people: Vec<usize> = (0..4).map(|_| world.person()).collect();
    for (key, person) in (1..).zip(&people) {
        world.ask(*person, &Asking { way: Way::Password(PASSWORD), ..asking(&format!("p{key}"), key) });
    }
    assert_eq!(world.jobs.len(), 1);
    assert_eq!(world.people[people[3]].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!(world.hub.counters().password_queue_full, 1);
    world.release();
    world.run_ms(10);
    assert!(people[..3].iter().all(|person| world.people[*person].is_welcome()));
}

#[test]
fn thirty_people_behind_one_address_come_in_at_once() {
    let mut world = World::with(|config| config.join_policy = JoinPolicy::Password);
    let people: Vec<usize> = (0..30).map(|port| world.person_at(([10, 3, 3, 3], 7_000 + port).into())).collect();
    for person in &people {
        let now = world.now;
        world.people[*person].connect(now);
    }
    world.run_ms(300);
    for (key, person) in (1..).zip(&people) {
        world.people[*person].join(&Asking { way: Way::Password(PASSWORD), ..asking(&format!("p{key}"), key) });
    }
    world.run_ms(300);
    assert!(people.iter().all(|person| world.people[*person].is_welcome()));
}

#[test]
fn a_full_room_takes_nobody_but_those_who_are_in_it() {
    let mut world = World::with(|config| config.limits.members = 2);
    let ana = world.join(&asking("Ana", 1));
    world.join(&asking("Ben", 2));
    assert_eq!(refused(&mut world, &asking("Cleo", 3)), Some(RefusedCode::ROOM_FULL));
    assert_eq!(world.hub.counters().room_full, 1);
    let again = world.join(&asking("Ana", 1));
    assert!(world.people[again].is_connected() && !world.people[ana].is_connected());
}

#[test]
fn who_does_not_join_in_time_is_closed() {
    let mut world = World::new();
    let person = world.person();
    world.connect(person);
    world.run(Duration::from_secs(9));
    assert_eq!(world.people[person].ended, None);
    world.run(Duration::from_secs(2));
    assert_eq!(world.people[person].ended, Some(Closed::ByPeer(CloseCode::NOT_JOINED)));
    assert_eq!(world.hub.counters().not_joined, 1);
}

#[test]
fn connections_that_have_not_joined_are_bounded() {
    let mut world = World::with(|config| config.limits.unjoined = 2);
    let people: Vec<usize> = (0..3).map(|_| world.person()).collect();
    for person in &people {
        let now = world.now;
        world.people[*person].connect(now);
        world.run_ms(50);
    }
    assert_eq!(world.hub.counters().connections, 2);
    assert!(world.hub.counters().unjoined_full > 0);
    world.people[people[0]].join(&asking("Ana", 1));
    world.run(Duration::from_secs(2));
    assert!(world.people[people[0]].is_welcome());
    assert_eq!(world.hub.counters().connections, 3);
}

#[test]
fn the_same_process_that_comes_again_takes_its_place_without_a_word() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let ben = world.join(&asking("Ben", 2));
    let instance = world.people[ana].welcome().instance;
    let again = world.person();
    world.people[ana].is_cut = true;
    world.ask(again, &Asking { instance, ..asking("Ana", 1) });
    assert_eq!(world.people[again].welcome().instance, instance);
    world.people[ana].is_cut = false;
    world.run_ms(100);
    assert_eq!(world.people[ana].ended, None);
    assert_eq!(world.hub.who(world.now).len(), 2);
    assert_eq!((world.hub.counters().replaced, world.said().len()), (0, 2));
    world.people[again].post(1, "here");
    world.run_ms(50);
    assert_eq!(world.people[ben].texts(), ["here"]);
}

#[test]
fn a_join_that_was_long_on_its_way_does_not_take_the_place_of_a_later_connection() {
    // A client that heard no Welcome gives its connection up and joins on another one; then the
    // first Join arrives.
    let mut world = World::new();
    let first = world.person();
    world.connect(first);
    let second = world.join(&asking("Ana", 1));
    world.people[first].join(&asking("Ana", 1));
    world.run_ms(500);
    assert_eq!(world.people[first].refusal(), Some(RefusedCode::TRY_LATER));
    assert!(world.people[second].is_connected() && world.people[second].ended.is_none());
    world.people[second].post(1, "here");
    world.run_ms(50);
    assert_eq!(
        (world.people[second].stored(), world.hub.counters().replaced, world.hub.who(world.now).len()),
        (1, 0, 1)
    );
}

#[test]
fn the_same_identity_from_elsewhere_gets_the_place() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let again = world.join(&asking("Ana", 1));
    assert_eq!(world.people[ana].ended, Some(Closed::ByPeer(CloseCode::REPLACED)));
    assert!(world.people[again].is_connected());
    assert_eq!((world.hub.counters().replaced, world.said().len(), world.hub.who(world.now).len()), (1, 1, 1));
}

#[test]
fn joins_are_refused_for_now_while_nothing_can_be_stored() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    world.store.set_fault(Some(Fault::Fail));
    assert_eq!(refused(&mut world, &asking("Ben", 2)), Some(RefusedCode::TRY_LATER));
    assert_eq!(refused(&mut world, &asking("Cleo", 3)), Some(RefusedCode::TRY_LATER));
    world.store.set_fault(None);
    world.people[ana].post(1, "one");
    world.run(Duration::from_secs(6));
    world.join(&asking("Ben", 4));
    assert_eq!(world.said().len(), 2, "{:?}", world.said());
}

#[test]
fn joins_alone_find_out_that_the_store_works_again() {
    let mut world = World::new();
    world.store.set_fault(Some(Fault::Fail));
    assert_eq!(refused(&mut world, &asking("Ana", 1)), Some(RefusedCode::TRY_LATER));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    world.join(&asking("Ana", 1));
    assert!(world.events.iter().any(|event| matches!(event, HubEvent::StoreRecovered)));
}

#[test]
fn nobody_is_welcome_before_the_name_of_the_run_is_durable() {
    let mut world = World::new();
    let ana = world.join(&asking("Ana", 1));
    let instance = world.people[ana].welcome().instance;
    world.hold(JobKind::Store);
    world.restart();
    world.people[ana].heard.clear();
    world.ask(ana, &Asking { instance, ..asking("Ana", 1) });
    assert!(world.people[ana].heard.is_empty());
    world.release();
    world.run_ms(10);
    let term = world.people[ana].welcome().term;
    assert!(world.store.load("lobby").expect("readable").terms.iter().any(|record| record.term == term));
}

#[test]
fn a_message_that_breaks_its_rules_closes_the_connection() {
    let who = [0, 2, 3, 1];
    let cases: [&[u8]; 5] = [&[0, 0], &[0xff, 0xff], &[0, 1, 0x01], &who, &[0, 3, 4, 1, 0]];
    for bytes in cases {
        let mut world = World::new();
        let person = world.person();
        world.connect(person);
        assert!(world.people[person].send_raw(bytes));
        world.run_ms(100);
        assert_eq!(world.people[person].ended, Some(Closed::ByPeer(CloseCode::MESSAGE)), "{bytes:?}");
        assert_eq!(world.hub.counters().broken_messages, 1);
    }
}

#[test]
fn messages_of_unknown_type_are_skipped() {
    let mut world = World::new();
    let person = world.person();
    world.connect(person);
    assert!(world.people[person].send_raw(&[0, 3, 0x7f, 1, 2]));
    world.people[person].join(&Asking { start: Start::Last(9), ..asking("Ana", 1) });
    world.run_ms(100);
    assert!(world.people[person].is_welcome());
}
