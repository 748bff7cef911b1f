//! Operators at clients (SPEC 6.7): who may operate, what is in effect when, and how a command is
//! answered.

use kabar_core::chat::{AnswerCode, ClientMessage, EntryKind, MAX_MESSAGE_LEN, Request};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::{HubEvent, JobKind, OperationId, OperatorError, PrivilegeInfo, RoomId};
use crate::store::{Fault, Privilege, PrivilegeKind, SanctionKind, Store};

const ROOM: RoomId = RoomId::FIRST;
const OPERATOR: PrivilegeKind = PrivilegeKind::Operator;
const TRUSTED: PrivilegeKind = PrivilegeKind::Trusted;
const REFUSED: &str = "only an operator may do that";

/// The identity of a name.
fn identity(world: &mut World, name: &str) -> PublicIdentity {
    let names = world.store.load_server().expect("readable").names;
    names.into_iter().find(|record| record.name == name).expect("it is owned").identity
}

fn send(world: &mut World, client: usize, command: &str) {
    let request = Request::Operate { command };
    assert!(world.clients[client].send(&ClientMessage::Request { handle: 1, request }));
    world.run_ms(50);
}

/// The commands that were passed on: the operator's name, the command, and its identifier.
fn passed_on(world: &World) -> Vec<(String, String, OperationId)> {
    let operations = world.events.iter().filter_map(|event| match event {
        HubEvent::Operate { name, command, id, .. } => Some((name.clone(), command.clone(), *id)),
        _ => None,
    });
    operations.collect()
}

fn answer(world: &mut World, id: OperationId, lines: &[&str], text: &str) {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    world.hub.answer_operation(world.now, id, AnswerCode::DONE, lines, text);
    world.run_ms(50);
}

fn answers(world: &World, client: usize) -> Vec<(AnswerCode, String)> {
    let answer = |received: &Received| match received {
        Received::Answer { code, text } => Some((*code, text.clone())),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(answer).collect()
}

fn output(world: &World, client: usize) -> Vec<String> {
    let line = |received: &Received| match received {
        Received::Output(line) => Some(line.clone()),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(line).collect()
}

/// Ana, an operator by a command at the console, and Ben.
fn two() -> (World, usize, usize) {
    let mut world = World::new();
    let (ana, ben) = (world.join(&join_args("Ana", 1)), world.join(&join_args("Ben", 2)));
    assert_eq!(world.hub.grant(world.now, ROOM, None, "ana", OPERATOR), Ok("Ana".to_owned()));
    world.run_ms(50);
    (world, ana, ben)
}

/// Texts of the log by the server.
fn announced(world: &World) -> Vec<String> {
    let shown = |kind| matches!(kind, EntryKind::OPERATOR | EntryKind::KICKED);
    let entries = world.log().iter().filter(|entry| shown(entry.kind));
    entries.map(|entry| String::from_utf8(entry.body.clone()).expect("a text")).collect()
}

#[test]
fn a_command_of_a_member_without_rights_is_refused_and_changes_nothing() {
    let (mut world, ana, ben) = two();
    let before = world.hub.state_digest();
    let entries = world.log().len();
    send(&mut world, ben, "kick Ana");
    assert_eq!(answers(&world, ben), [(AnswerCode::NOT_PERMITTED, REFUSED.to_owned())]);
    assert_eq!((passed_on(&world), world.log().len(), world.clients[ana].closed), (vec![], entries, None));
    assert_eq!((world.hub.counters().operations, world.hub.counters().operations_refused), (0, 1));
    // Trust is no right to operate.
    assert!(world.hub.grant(world.now, ROOM, None, "Ben", TRUSTED).is_ok());
    send(&mut world, ben, "kick Ana");
    assert_eq!(answers(&world, ben).len(), 2);
    assert!(passed_on(&world).is_empty());
    assert_ne!(before, world.hub.state_digest());
}

#[test]
fn a_command_of_an_operator_is_passed_on_and_answered_with_its_output_first() {
    let (mut world, ana, _) = two();
    send(&mut world, ana, "who");
    let (name, command, id) = passed_on(&world).remove(0);
    assert_eq!((name.as_str(), command.as_str(), answers(&world, ana)), ("Ana", "who", vec![]));
    answer(&mut world, id, &["one", "two"], "");
    assert_eq!(output(&world, ana), ["one", "two"]);
    assert_eq!(answers(&world, ana), [(AnswerCode::DONE, String::new())]);
    let is_answer = |received: &&Received| matches!(received, Received::Output(_) | Received::Answer { .. });
    let last = world.clients[ana].received.iter().rfind(is_answer);
    assert!(matches!(last, Some(Received::Answer { .. })), "{last:?}");
    // It is answered once.
    answer(&mut world, id, &["three"], "again");
    assert_eq!((output(&world, ana).len(), answers(&world, ana).len()), (2, 1));
}

#[test]
fn long_output_is_cut_and_says_so() {
    let (mut world, ana, _) = two();
    send(&mut world, ana, "bans");
    let id = passed_on(&world)[0].2;
    let lines: Vec<String> = (0..300).map(|number| format!("{number} {}", "é".repeat(5_000))).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    answer(&mut world, id, &lines, &"é".repeat(500));
    world.run(Duration::from_secs(20));
    let output = output(&world, ana);
    assert_eq!((output.len(), output.last().map(String::as_str)), (201, Some("... 100 more")));
    assert!(output[0].len() > 1_000 && output.iter().all(|line| line.len() < MAX_MESSAGE_LEN));
    assert_eq!(answers(&world, ana), [(AnswerCode::DONE, "é".repeat(127))]);
    assert_eq!(world.hub.counters().outputs_cut, 1);
}

#[test]
fn the_next_request_waits_for_the_answer_to_a_command() {
    let (mut world, ana, _) = two();
    send(&mut world, ana, "one");
    send(&mut world, ana, "two");
    assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::Rename { name: "Ann" } }));
    world.run_ms(100);
    let first = passed_on(&world);
    assert_eq!((first.len(), answers(&world, ana).len()), (1, 0));
    answer(&mut world, first[0].2, &[], "done one");
    let second = passed_on(&world);
    assert_eq!((second.len(), answers(&world, ana).len()), (2, 1));
    answer(&mut world, second[1].2, &[], "done two");
    let texts: Vec<String> = answers(&world, ana).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, ["done one", "done two", "Ann"]);
}

#[test]
fn an_answer_to_a_member_that_left_goes_nowhere() {
    let (mut world, ana, _) = two();
    send(&mut world, ana, "one");
    let id = passed_on(&world)[0].2;
    assert!(world.clients[ana].send(&ClientMessage::Leave { handle: 1 }));
    world.run_ms(50);
    answer(&mut world, id, &["line"], "done");
    // On the same connection: the answer to another command is not that to this one.
    world.clients[ana].join(&join_args("Ana", 1));
    world.run_ms(500);
    send(&mut world, ana, "two");
    answer(&mut world, id, &["line"], "done");
    assert_eq!((output(&world, ana).len(), answers(&world, ana).len(), passed_on(&world).len()), (0, 0, 2));
    world.clients[ana].close(world.now);
    world.run_ms(100);
    let id = passed_on(&world)[1].2;
    answer(&mut world, id, &["line"], "done");
}

#[test]
fn commands_are_not_dropped_when_events_are() {
    let mut world = World::with(|config| config.limits.events = 1);
    let ana = world.join(&join_args("Ana", 1));
    assert!(world.hub.grant(world.now, ROOM, None, "Ana", OPERATOR).is_ok());
    world.run_ms(50);
    world.clients[ana].post(1, "before");
    send(&mut world, ana, "one");
    world.clients[ana].post(2, "after");
    world.run_ms(50);
    assert_eq!(passed_on(&world).len(), 1);
}

#[test]
fn a_malformed_command_closes_the_connection() {
    let (mut world, ana, _) = two();
    // Two bytes that are not UTF-8.
    assert!(world.clients[ana].send_raw(&[0, 6, 0x08, 1, 0, 2, 0xff, 0xfe]));
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    assert!(passed_on(&world).is_empty());
}

#[test]
fn actions_state_who_did_them_and_why() {
    let (mut world, _, ben) = two();
    let cleo = world.join(&join_args("Cleo", 3));
    let ana = Some(identity(&mut world, "Ana"));
    assert!(world.hub.mute(world.now, ROOM, ana, "Cleo", Some("too loud")).is_ok());
    assert!(world.hub.kick(world.now, ROOM, ana, "Ben", Some("spam")).is_ok());
    assert!(world.hub.ban(world.now, ROOM, ana, "Cleo", None).is_ok());
    world.run_ms(100);
    assert_eq!(world.clients[ben].closed, Some(Closed::ByPeer(CloseCode::KICKED)));
    assert_eq!(world.clients[cleo].closed, Some(Closed::ByPeer(CloseCode::BANNED)));
    let expected =
        ["Ana is an operator now", "Cleo is muted by Ana: too loud", "by Ana: spam", "Cleo is banned by Ana", "by Ana"];
    assert_eq!(announced(&world), expected);
    let sanctions = world.hub.sanctions(ROOM);
    assert!(
        sanctions.iter().all(|it| it.sanction.by == ana && it.by.as_deref() == Some("Ana")) && sanctions.len() == 2,
        "{sanctions:?}"
    );
    let mut sanctions = sanctions.iter().map(|it| &it.sanction);
    assert!(sanctions.any(|it| it.kind == SanctionKind::Mute && it.reason.as_deref() == Some("too loud")));
}

#[test]
fn what_ends_states_who_ended_it() {
    let (mut world, ..) = two();
    world.join(&join_args("Cleo", 3));
    let (ana, now) = (Some(identity(&mut world, "Ana")), world.now);
    for by in [None, ana] {
        assert!(world.hub.mute(now, ROOM, None, "Cleo", None).is_ok());
        assert!(world.hub.unmute(now, ROOM, by, "Cleo").is_ok());
        assert!(world.hub.grant(now, ROOM, by, "Ben", TRUSTED).is_ok());
        assert!(world.hub.revoke(now, ROOM, by, "Ben", TRUSTED).is_ok());
        assert!(world.hub.grant(now, ROOM, by, "Ben", OPERATOR).is_ok());
        assert!(world.hub.revoke(now, ROOM, by, "Ben", OPERATOR).is_ok());
    }
    assert!(world.hub.ban(now, ROOM, ana, "Cleo", None).is_ok());
    assert!(world.hub.unban(now, ROOM, ana, "Cleo").is_ok());
    world.run(Duration::from_secs(120));
    assert!(world.hub.release_name(world.now, ROOM, ana, "Cleo").is_ok());
    world.run_ms(100);
    let expected = [
        "Ana is an operator now",
        // At the console, only this is shown.
        "Ben is an operator now",
        "Ben is no longer an operator",
        "Cleo was unmuted by Ana",
        "Ben is trusted now by Ana",
        "Ben is no longer trusted by Ana",
        "Ben is an operator now by Ana",
        "Ben is no longer an operator by Ana",
        "Cleo is banned by Ana",
        "by Ana",
        "Cleo was unbanned by Ana",
        "the name Cleo was released by Ana",
    ];
    assert_eq!(announced(&world), expected);
}

#[test]
fn operators_of_the_configuration_are_listed_with_those_of_commands() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    let (ana, nobody) = (Fingerprint::of_identity(&identity(&mut world, "Ana")), Fingerprint([9; 20]));
    world.config.operators = vec![ana, nobody];
    world.restart();
    world.join(&join_args("Ben", 2));
    assert!(world.hub.grant(world.now, ROOM, None, "Ben", OPERATOR).is_ok());
    let listed = world.hub.privileges();
    let known = PrivilegeInfo::Configured { fingerprint: ana, name: Some("Ana".to_owned()) };
    assert_eq!(listed[..2], [known, PrivilegeInfo::Configured { fingerprint: nobody, name: None }]);
    assert!(matches!(&listed[2], PrivilegeInfo::Granted { privilege, by: None } if privilege.name == "Ben"));
    assert_eq!(listed.len(), 3);
}

#[test]
fn operators_act_neither_against_themselves_nor_against_configured_ones() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    let ana = identity(&mut world, "Ana");
    world.config.operators = vec![Fingerprint::of_identity(&ana)];
    world.restart();
    let ana = world.join(&join_args("Ana", 1));
    world.join(&join_args("Ben", 2));
    assert!(world.hub.grant(world.now, ROOM, None, "Ben", OPERATOR).is_ok());
    world.run_ms(50);
    let entries = world.log().len();
    let ben = Some(identity(&mut world, "Ben"));
    let now = world.now;
    assert_eq!(world.hub.kick(now, ROOM, ben, "Ana", None), Err(OperatorError::Configured));
    assert_eq!(world.hub.ban(now, ROOM, ben, "Ana", None), Err(OperatorError::Configured));
    assert_eq!(world.hub.mute(now, ROOM, ben, "Ana", None), Err(OperatorError::Configured));
    for by in [None, ben] {
        assert_eq!(world.hub.revoke(now, ROOM, by, "Ana", OPERATOR), Err(OperatorError::Configured));
    }
    assert_eq!(world.hub.kick(now, ROOM, ben, "Ben", None), Err(OperatorError::Oneself));
    assert_eq!(world.hub.ban(now, ROOM, ben, "Ben", None), Err(OperatorError::Oneself));
    assert_eq!(world.hub.grant(now, ROOM, ben, "Ana", OPERATOR), Err(OperatorError::AlreadyInEffect));
    world.run_ms(50);
    assert_eq!((world.log().len(), world.hub.sanctions(ROOM)), (entries, vec![]));
    // The console may do it.
    assert!(world.hub.kick(world.now, ROOM, None, "Ana", None).is_ok());
    world.run_ms(50);
    assert!(world.clients[ana].closed.is_some());
}

#[test]
fn operators_stay_operators_across_restarts_and_under_other_names() {
    let (mut world, ..) = two();
    let ana = identity(&mut world, "Ana");
    world.restart();
    assert!(world.hub.is_operator(ana));
    let by_another_name = world.join(&join_args("Zoe", 1));
    send(&mut world, by_another_name, "who");
    assert_eq!(passed_on(&world)[0].0, "Zoe");
    let stored: Vec<Privilege> = world.store.load_server().expect("readable").privileges;
    assert_eq!((stored.len(), stored[0].identity, stored[0].name.as_str()), (1, ana, "Ana"));
    assert_eq!(world.hub.revoke(world.now, ROOM, None, "Zoe", OPERATOR), Ok("Zoe".to_owned()));
    world.run_ms(50);
    world.restart();
    assert!(!world.hub.is_operator(ana) && world.hub.privileges().is_empty());
    assert_eq!(world.hub.revoke(world.now, ROOM, None, "Zoe", OPERATOR), Err(OperatorError::NotInEffect));
    assert_eq!(world.hub.grant(world.now, ROOM, None, "nobody", OPERATOR), Err(OperatorError::NoSuchName));
}

#[test]
fn a_member_that_is_no_longer_an_operator_is_refused_at_once() {
    let (mut world, ana, _) = two();
    // Its end is not stored yet.
    world.hold(JobKind::Store);
    let by = identity(&mut world, "Ana");
    assert!(world.hub.revoke(world.now, ROOM, None, "Ana", OPERATOR).is_ok());
    send(&mut world, ana, "who");
    assert_eq!(answers(&world, ana), [(AnswerCode::NOT_PERMITTED, REFUSED.to_owned())]);
    assert!(!world.hub.is_operator(by) && passed_on(&world).is_empty());
}

#[test]
fn operators_appointed_while_the_store_fails_are_written_later() {
    for fault in [Fault::Fail, Fault::UncertainApplied, Fault::UncertainNotApplied, Fault::Read] {
        let mut world = World::new();
        world.join(&join_args("Ana", 1));
        let ana = identity(&mut world, "Ana");
        world.store.set_fault(Some(fault));
        assert!(world.hub.grant(world.now, ROOM, None, "Ana", OPERATOR).is_ok());
        world.run_ms(400);
        assert!(world.hub.is_operator(ana), "{fault:?}");
        world.store.set_fault(None);
        world.run(Duration::from_secs(12));
        assert_eq!(world.store.load_server().expect("readable").privileges.len(), 1, "{fault:?}");
        world.restart();
        assert!(world.hub.is_operator(ana), "{fault:?}");
    }
}

#[test]
fn operators_and_trusted_members_post_at_any_rate() {
    let mut world = World::with(|config| (config.limits.post_burst, config.limits.post_rate) = (2, 1));
    let clients = [("Ana", 1), ("Ben", 2), ("Cleo", 3)].map(|(name, key)| world.join(&join_args(name, key)));
    assert!(world.hub.grant(world.now, ROOM, None, "Ana", OPERATOR).is_ok());
    assert!(world.hub.grant(world.now, ROOM, None, "Ben", TRUSTED).is_ok());
    for client in clients {
        for number in 1..=10 {
            world.clients[client].post(number, "hello");
        }
    }
    world.run_ms(500);
    let stored = clients.map(|client| world.clients[client].stored());
    assert_eq!(stored, [10, 10, 2]);
    let (ben, now) = (clients[1], world.now);
    assert!(world.hub.revoke(now, ROOM, None, "Ben", TRUSTED).is_ok());
    for number in 11..=20 {
        world.clients[ben].post(number, "hello");
    }
    world.run_ms(500);
    assert_eq!(world.clients[ben].stored(), 12);
}

#[test]
fn an_operator_removes_the_entries_of_others_at_any_time() {
    let (mut world, ana, ben) = two();
    world.clients[ben].post(1, "one");
    world.run(Duration::from_secs(3_600));
    let seq = world.log().iter().find(|entry| entry.body == b"one").expect("an entry").seq;
    let again = JoinArgs { instance: world.clients[ana].welcome().instance, ..join_args("Ana", 1) };
    if world.clients[ana].closed.is_some() {
        world.attempt_join(ana, &again);
    }
    assert!(world.clients[ana].send(&ClientMessage::Request { handle: 1, request: Request::Remove { seq } }));
    world.run_ms(100);
    assert_eq!(answers(&world, ana), [(AnswerCode::DONE, String::new())]);
    let removal = world.log().last().expect("an entry");
    assert_eq!((removal.author.as_str(), removal.kind), ("Ana", EntryKind::REMOVAL));
}
