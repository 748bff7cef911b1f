//! Operators create rooms and list them.

use kabar_core::chat::{EndedCode, EntryKind, RefusedCode, Request, Start};
use kabar_core::crypto::identity::{Identity, PublicIdentity};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, ROOM, Received, join_args};
use super::world::World;
use crate::hub::{JobKind, OperatorError, RoomChange, RoomId, RoomInfo};
use crate::store::{Fault, RoomRecord, Store, Visibility};

const BY: PublicIdentity = PublicIdentity([7; 32]);

/// The records of the rooms in the store.
fn stored(world: &mut World) -> Vec<RoomRecord> {
    world.store.load_server().expect("readable").rooms.into_iter().map(|room| room.record).collect()
}

#[test]
fn a_room_that_is_created_is_listed_at_once_and_stored() {
    let mut world = World::new();
    let now = world.now;
    assert_eq!(world.hub.add_room(now, Some(BY), "attic", Visibility::Private, "old things"), Ok(()));
    let [attic, lobby] = world.hub.rooms().try_into().expect("two");
    let RoomInfo { record, head, members, .. } = &attic;
    assert_eq!((record.topic.as_str(), record.visibility, *head, *members), ("old things", Visibility::Private, 0, 0));
    assert_eq!((record.created_by, lobby.record.name.as_str()), (Some(BY), ROOM));
    world.run_ms(50);
    assert_eq!(stored(&mut world)[0], attic.record);
    world.restart();
    assert_eq!(world.hub.rooms()[0].record, attic.record);
}

#[test]
fn a_room_that_the_store_did_not_take_is_written_again() {
    let mut world = World::new();
    world.store.set_fault(Some(Fault::Fail));
    assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, ""), Ok(()));
    world.run_ms(50);
    assert_eq!(stored(&mut world).len(), 1);
    world.store.set_fault(None);
    world.run_ms(6_000);
    assert_eq!(stored(&mut world).len(), 2);
}

#[test]
fn what_an_uncertain_commit_has_written_of_a_room_is_not_written_again() {
    for (fault, is_written) in [(Fault::UncertainApplied, true), (Fault::UncertainNotApplied, false)] {
        let mut world = World::new();
        world.store.set_fault(Some(fault));
        assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, "old"), Ok(()));
        world.run_ms(50);
        assert_eq!((stored(&mut world).len() == 2, !world.hub.rooms.directory.has_changed()), (is_written, is_written));
        world.store.set_fault(None);
        world.run_ms(6_000);
        assert_eq!((stored(&mut world).len(), world.hub.rooms.directory.has_changed()), (2, false));
    }
}

fn in_attic(name: &str, key: u8) -> JoinArgs {
    JoinArgs { room: "attic", ..join_args(name, key) }
}

/// The topics that a client was informed of, in Topic and in entries.
fn topics(world: &World, client: usize) -> Vec<String> {
    let topic = |received: &Received| match received {
        Received::Topic(topic) => Some(topic.clone()),
        Received::Entry { kind: EntryKind::TOPIC, body, .. } => Some(String::from_utf8_lossy(body).into_owned()),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(topic).collect()
}

#[test]
fn a_new_topic_is_an_entry_and_is_stated_after_welcome() {
    let mut world = World::new();
    let attic = world.add_room("attic");
    let ana = world.join(&in_attic("Ana", 1));
    let now = world.now;
    assert_eq!(world.hub.set_room(now, attic, None, RoomChange::Topic("old things".into())), Ok(()));
    let again = world.hub.set_room(now, attic, None, RoomChange::Topic("old things".into()));
    assert_eq!(again, Err(OperatorError::AlreadyInEffect));
    world.run_ms(50);
    let long = "\u{e9}".repeat(150);
    assert_eq!(world.hub.set_room(now, attic, Some(BY), RoomChange::Topic(long.clone())), Ok(()));
    world.run_ms(50);
    assert_eq!(topics(&world, ana), [String::new(), "old things".to_owned(), "\u{e9}".repeat(100)]);
    let last = world.store.entries("attic").last().expect("an entry");
    assert_eq!((last.author.as_str(), last.instance), ("server", 0), "nobody has a name for this identity");
    assert_eq!(stored(&mut world)[0].topic, "\u{e9}".repeat(100));
    let ben = world.join(&in_attic("Ben", 2));
    assert_eq!(topics(&world, ben), ["\u{e9}".repeat(100)]);
    let in_lobby = world.join(&join_args("Cho", 3));
    assert_eq!(topics(&world, in_lobby), [""]);
    // Whoever joins again learns that it was removed meanwhile.
    assert_eq!(world.hub.set_room(world.now, attic, None, RoomChange::Topic(String::new())), Ok(()));
    world.run_ms(50);
    let ben = world.join(&in_attic("Ben", 2));
    assert_eq!(topics(&world, ben), [""]);
}

#[test]
fn a_room_keeps_as_much_of_its_log_as_is_set_for_it() {
    let mut world = World::with(|config| config.limits.keep_entries = 5);
    let attic = world.add_room("attic");
    let now = world.now;
    assert_eq!(world.hub.set_room(now, attic, None, RoomChange::KeepEntries(Some(2))), Ok(()));
    for room in [RoomId::FIRST, attic] {
        (0..9).for_each(|_| world.hub.say(world.now, room, "text"));
    }
    world.run(Duration::from_secs(5));
    let kept = |world: &World, room: &str| world.store.entries(room).len();
    assert_eq!((kept(&world, ROOM), kept(&world, "attic")), (5, 2));
    let now = world.now;
    assert_eq!(world.hub.set_room(now, attic, None, RoomChange::KeepEntries(Some(0))), Ok(()));
    (0..9).for_each(|_| world.hub.say(world.now, attic, "text"));
    world.run(Duration::from_secs(5));
    assert_eq!(kept(&world, "attic"), 11);
    assert_eq!(stored(&mut world)[0].retention.entries, Some(0));
}

#[test]
fn a_closed_room_lets_everybody_go_and_nobody_in_until_it_is_opened_again() {
    let mut world = World::new();
    let attic = world.add_room("attic");
    let ana = world.join(&in_attic("Ana", 1));
    world.clients[ana].post(1, "first");
    world.run_ms(50);
    let now = world.now;
    assert_eq!(world.hub.close_room(now, RoomId::FIRST), Err(OperatorError::FirstRoom));
    assert_eq!(world.hub.close_room(now, attic), Ok(()));
    world.run_ms(100);
    let is_ended = |it: &Received| matches!(it, Received::Ended { code: EndedCode::CLOSED, .. });
    assert!(world.clients[ana].received.iter().any(is_ended) && !world.clients[ana].is_connected());
    let ben = world.client();
    world.attempt_join(ben, &in_attic("Ben", 2));
    assert_eq!(world.clients[ben].refusal(), Some(RefusedCode::UNKNOWN_ROOM));
    assert_eq!(world.hub.open_room(world.now, "attic"), Err(OperatorError::NoSuchRoom));
    world.run(Duration::from_secs(100));
    let entry = world.hub.rooms.directory.get("attic").expect("listed");
    assert!(entry.record.is_closed && entry.id.is_none(), "it is not in memory");
    assert_eq!(world.store.entries("attic").last().map(|it| it.kind), Some(EntryKind::LEFT));
    world.restart();
    assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, ""), Ok(()));
    let cho = world.join(&JoinArgs { start: Start::Last(100), ..in_attic("Cho", 3) });
    assert_eq!(world.clients[cho].texts(), ["first"]);
}

#[test]
fn whoever_creates_a_private_room_is_admitted_to_it() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    let by = Identity::from_seed(&[1; 32]).public();
    let now = world.now;
    world.hold(JobKind::Store);
    assert_eq!(world.hub.add_room(now, Some(by), "attic", Visibility::Private, ""), Ok(()));
    let invite = world.hub.private_room_invite("attic").expect("it has one");
    assert_eq!((invite.room.as_deref(), invite.is_standing), (Some("attic"), true));
    // In effect before it is stored, and stored with the room.
    world.release();
    for (client, name, key) in [(ana, "Ana", 1), (ben, "Ben", 2)] {
        world.clients[client].join(&JoinArgs { credential: Credential::None, ..in_attic(name, key) });
    }
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in("attic"), world.clients[ben].welcomes_in("attic")), (1, 0));
    assert_eq!(world.clients[ben].refusal_in("attic"), Some(RefusedCode::UNKNOWN_ROOM));
    assert_eq!(world.hub.invites(now).iter().map(|it| it.record.used).sum::<u32>(), 2, "two for the lobby");
}

#[test]
fn the_creator_of_a_private_room_stays_admitted_although_it_was_never_in_it() {
    let mut world = World::new();
    world.join(&join_args("Ana", 1));
    let by = Identity::from_seed(&[1; 32]).public();
    assert_eq!(world.hub.add_room(world.now, Some(by), "attic", Visibility::Private, ""), Ok(()));
    world.run_ms(50);
    world.restart();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(listed(&mut world, ana, "", 1), [(0, Some("attic".to_owned()))]);
    world.clients[ana].join(&JoinArgs { credential: Credential::None, ..in_attic("Ana", 1) });
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in("attic"), 1);
    let ben = world.join(&join_args("Ben", 2));
    assert_eq!(listed(&mut world, ben, "", 1), [(0, Some(ROOM.to_owned()))]);
}

#[test]
fn only_operators_open_a_closed_room_again() {
    let [operator, member] = [3, 4].map(|key| Identity::from_seed(&[key; 32]).public());
    let mut world = World::with(|config| {
        config.members_create_rooms = true;
        config.operators = vec![Fingerprint::of_identity(&operator)];
    });
    let attic = world.add_private_room("attic");
    let now = world.now;
    assert_eq!(world.hub.close_room(now, attic), Ok(()));
    let again = world.hub.add_room(now, Some(member), "attic", Visibility::Open, "");
    assert_eq!(again, Err(OperatorError::RoomExists));
    assert_eq!(world.hub.add_room(now, Some(operator), "attic", Visibility::Private, ""), Ok(()));
    world.run_ms(50);
    assert_eq!(stored(&mut world)[0].created_by, Some(operator));
}

/// The rooms in the answers to ListRooms, each with the number that remains.
fn listed(world: &mut World, client: usize, after: &str, count: u16) -> Vec<(u16, Option<String>)> {
    world.clients[client].received.clear();
    world.clients[client].request_in(ROOM, Request::ListRooms { after, count });
    world.run_ms(100);
    let room = |received: &Received| match received {
        Received::Room { remaining, room } => Some((*remaining, room.clone().map(|(name, _)| name))),
        _ => None,
    };
    world.clients[client].received.iter().filter_map(room).collect()
}

#[test]
fn a_member_lists_the_rooms_that_it_may_join_by_name() {
    let mut world = World::new();
    let names: Vec<String> = (10..30).map(|number| format!("room{number}")).collect();
    for name in &names {
        assert_eq!(world.hub.add_room(world.now, None, name, Visibility::Open, "topic"), Ok(()));
    }
    let vault = world.add_private_room("vault");
    let attic = world.add_room("attic");
    assert_eq!(world.hub.close_room(world.now, attic), Ok(()));
    let ana = world.join(&join_args("Ana", 1));
    let all = listed(&mut world, ana, "", 0);
    let listed_names: Vec<String> = all.iter().filter_map(|(_, name)| name.clone()).collect();
    assert_eq!(listed_names, [&[ROOM.to_owned()], names.as_slice()].concat());
    assert!(all.iter().rev().skip(1).all(|(remaining, _)| *remaining > 0) && all.last().expect("some").0 == 0);
    let some = |name: &str, remaining| (remaining, Some(name.to_owned()));
    assert_eq!(listed(&mut world, ana, "room27", 0), [some("room28", 255), some("room29", 0)]);
    assert_eq!(listed(&mut world, ana, "room10", 2), [some("room11", 1), some("room12", 0)]);
    assert_eq!(listed(&mut world, ana, "zzz", 0), [(0, None)]);
    // An invite of the private room admits her to it.
    let secret = world.hub.invites(world.now).into_iter().find(|it| it.record.room.as_deref() == Some("vault"));
    let secret = secret.expect("its standing invite").record.secret;
    world.clients[ana].join(&JoinArgs { room: "vault", credential: Credential::Invite(secret), ..join_args("Ana", 1) });
    world.run_ms(100);
    assert_eq!(world.hub.who(world.now, vault).len(), 1);
    assert_eq!(listed(&mut world, ana, "room29", 0), [some("vault", 0)]);
    world.clients[ana].leave("vault");
    world.run(Duration::from_secs(200));
    assert!(world.hub.rooms.get(vault).is_none());
    assert_eq!(listed(&mut world, ana, "room29", 0), [some("vault", 0)], "although it is not in memory");
    world.restart();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(listed(&mut world, ana, "room29", 0), [some("vault", 0)]);
    let ben = world.join(&join_args("Ben", 2));
    assert_eq!(listed(&mut world, ben, "room29", 0), [(0, None)]);
}

#[test]
fn names_of_rooms_are_unique_and_no_words_of_commands() {
    let mut world = World::new();
    let mut add = |name: &str| world.hub.add_room(world.now, None, name, Visibility::Open, "");
    assert_eq!((add("attic"), add("attic")), (Ok(()), Err(OperatorError::RoomExists)));
    assert_eq!(add(ROOM), Err(OperatorError::RoomExists));
    for word in ["add", "set", "close", "list", "open"] {
        assert_eq!(add(word), Err(OperatorError::ReservedName));
    }
}

#[test]
fn a_room_that_is_opened_again_with_another_topic_states_it_in_its_log() {
    let topics = |world: &mut World| {
        let entries = world.store.entries("attic").iter().filter(|it| it.kind == EntryKind::TOPIC);
        let stated: Vec<_> = entries.map(|it| String::from_utf8_lossy(&it.body).into_owned()).collect();
        (stored(world)[0].topic.clone(), stated)
    };
    let mut world = World::new();
    assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, "one"), Ok(()));
    let ana = world.join(&in_attic("Ana", 1));
    assert_eq!(topics(&mut world), ("one".to_owned(), vec![]), "it began with it");
    let reopen = |world: &mut World, topic: &str| {
        let id = world.hub.rooms.id_of("attic");
        id.into_iter().for_each(|id| assert_eq!(world.hub.close_room(world.now, id), Ok(())));
        world.run_ms(100);
        assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, topic), Ok(()));
        world.run_ms(100);
        topics(world)
    };
    let stated = |topics: &[&str]| topics.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
    assert_eq!(reopen(&mut world, "two"), ("two".to_owned(), stated(&["two"])), "still in memory");
    assert_eq!(reopen(&mut world, "two"), ("two".to_owned(), stated(&["two"])), "the same");
    assert!(!world.clients[ana].is_connected());
    let id = world.hub.rooms.id_of("attic").expect("in memory");
    assert_eq!(world.hub.close_room(world.now, id), Ok(()));
    world.run(Duration::from_secs(200));
    assert_eq!(world.hub.rooms.id_of("attic"), None);
    // The first attempt to read it fails.
    world.store.set_fault(Some(Fault::Read));
    assert_eq!(world.hub.add_room(world.now, None, "attic", Visibility::Open, ""), Ok(()));
    world.run_ms(100);
    world.store.set_fault(None);
    world.run(Duration::from_secs(10));
    assert_eq!(topics(&mut world), (String::new(), stated(&["two", ""])));
}
