//! Several rooms on one connection (SPEC 6.1 to 6.3): each has its own handle, none delays another,
//! and the connection lasts as long as it is in one of them.

use kabar_core::chat::{EndedCode, EntryKind, RefusedCode, Request, Start};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, ROOM, Received, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{JobKind, JoinPolicy, RoomId};

const LOBBY: RoomId = RoomId::FIRST;
const CELLAR: &str = "cellar";
const ATTIC: &str = "attic";

fn in_room(room: &'static str, name: &str, key: u8) -> JoinArgs {
    JoinArgs { room, ..join_args(name, key) }
}

/// A world with the lobby, the cellar and the attic.
fn house(world: World) -> (World, RoomId, RoomId) {
    let mut world = world;
    let cellar = world.add_room(CELLAR);
    let attic = world.add_room(ATTIC);
    (world, cellar, attic)
}

/// Ana, in the lobby and the cellar on one connection.
fn ana_in_two(world: World) -> (World, RoomId, usize) {
    let (mut world, cellar, _) = house(world);
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].join(&in_room(CELLAR, "Ana", 1));
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(CELLAR), 1);
    (world, cellar, ana)
}

fn names(world: &World, room: RoomId) -> Vec<String> {
    world.hub.who(world.now, room).into_iter().map(|it| it.name).collect()
}

fn stored(received: &[Received]) -> Vec<u64> {
    let stored = |it: &Received| match it {
        Received::Stored { number, .. } => Some(*number),
        _ => None,
    };
    received.iter().filter_map(stored).collect()
}

#[test]
fn one_connection_is_in_several_rooms_each_with_its_handle_instance_and_numbers() {
    let (mut world, cellar, ana) = ana_in_two(World::new());
    let client = &mut world.clients[ana];
    assert_ne!(client.handle(ROOM), client.handle(CELLAR));
    client.post_in(ROOM, 1, "up");
    client.post_in(CELLAR, 1, "down");
    client.post_in(CELLAR, 2, "down again");
    client.request_in(CELLAR, Request::ListMembers);
    world.run_ms(100);
    let client = &world.clients[ana];
    assert_eq!(
        (client.texts_in(ROOM), client.texts_in(CELLAR)),
        (vec!["up".into()], vec!["down".into(), "down again".into()])
    );
    assert_eq!((stored(client.about(ROOM)), stored(client.about(CELLAR)).last()), (vec![1], Some(&2)));
    let listed = |room| client.about(room).iter().filter(|it| matches!(it, Received::Member { .. })).count();
    assert_eq!((listed(ROOM), listed(CELLAR)), (0, 1));
    assert_eq!((names(&world, LOBBY), names(&world, cellar)), (vec!["Ana".to_owned()], vec!["Ana".to_owned()]));
    assert_eq!((world.hub.peers.len(), world.hub.context.census.unjoined), (1, 0));
}

#[test]
fn the_handle_of_a_connection_differs_and_the_entry_does_not() {
    let (mut world, _, ana) = ana_in_two(World::new());
    let ben = world.join(&in_room(CELLAR, "Ben", 2));
    assert_ne!(world.clients[ana].handle(CELLAR), world.clients[ben].handle(CELLAR));
    world.clients[ben].post_in(CELLAR, 1, "the same for both");
    world.run_ms(100);
    let last = |client: usize| {
        let mut entries = world.clients[client].about(CELLAR).iter().filter(|it| it.text().is_some());
        entries.next_back().cloned().expect("an entry")
    };
    assert_eq!(last(ana), last(ben));
}

#[test]
fn joins_are_answered_in_any_order_and_delay_no_other_room() {
    let (mut world, ..) = house(World::with(|config| config.join_policy = JoinPolicy::Password));
    let ana = world.client();
    world.connect(ana);
    world.hold(JobKind::Password);
    let with_password = |room| JoinArgs { credential: Credential::Password(PASSWORD), ..in_room(room, "Ana", 1) };
    world.clients[ana].join(&with_password(CELLAR));
    world.clients[ana].join(&join_args("Ana", 1));
    world.clients[ana].join(&in_room("nowhere", "Ana", 1));
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(ROOM), world.clients[ana].welcomes_in(CELLAR)), (1, 0));
    assert_eq!(world.clients[ana].refusal_in("nowhere"), Some(RefusedCode::UNKNOWN_ROOM));
    // The first Join is still in progress.
    world.clients[ana].post_in(ROOM, 1, "meanwhile");
    world.run_ms(100);
    assert_eq!(world.clients[ana].texts_in(ROOM), ["meanwhile"]);
    world.release();
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(CELLAR), 1);
    assert!(world.clients[ana].is_connected());
}

#[test]
fn a_join_that_waits_for_an_operator_delays_no_other_room() {
    let mut world = World::new();
    let cellar = world.add_room(CELLAR);
    world.hub.rooms.get_mut(cellar).expect("a room").let_newcomers_wait();
    let ana = world.client();
    world.connect(ana);
    world.clients[ana].join(&in_room(CELLAR, "Ana", 1));
    world.clients[ana].join(&join_args("Ana", 1));
    world.run_ms(100);
    world.clients[ana].post_in(ROOM, 1, "hello");
    world.run_ms(100);
    assert_eq!((world.clients[ana].texts_in(ROOM), world.hub.waiting(cellar).len()), (vec!["hello".to_owned()], 1));
    let now = world.now;
    assert!(world.hub.accept(now, cellar, "Ana").is_ok());
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(CELLAR), 1);
}

#[test]
fn a_refused_room_leaves_the_others() {
    let (mut world, _, ana) = ana_in_two(World::new());
    world.clients[ana].join(&JoinArgs { credential: Credential::WrongSecret, ..in_room(ATTIC, "Ana", 3) });
    world.run_ms(100);
    assert!(!world.clients[ana].is_connected(), "another identity");
    let (mut world, cellar, ana) = ana_in_two(World::new());
    for (room, credential, code) in [
        ("nowhere", Credential::Secret, RefusedCode::UNKNOWN_ROOM),
        (ATTIC, Credential::WrongSecret, RefusedCode::AUTHENTICATION),
        (ATTIC, Credential::BadSignature, RefusedCode::SIGNATURE),
    ] {
        world.clients[ana].join(&JoinArgs { credential, ..in_room(room, "Ana", 1) });
        world.run_ms(100);
        assert_eq!(world.clients[ana].refusal_in(room), Some(code));
    }
    world.run(Duration::from_secs(60));
    assert!(world.clients[ana].is_connected());
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len()), (1, 1));
    // Refused once, it may join.
    world.clients[ana].join(&in_room(ATTIC, "Ana", 1));
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(ATTIC), 1);
}

#[test]
fn joins_that_follow_a_refused_one_in_the_same_packet_are_answered() {
    let (mut world, ..) = house(World::new());
    let ana = world.client();
    world.connect(ana);
    world.clients[ana].join(&in_room("nowhere", "Ana", 1));
    world.clients[ana].join(&in_room("elsewhere", "Ana", 1));
    world.clients[ana].join(&in_room(CELLAR, "Ana", 1));
    world.run(Duration::from_secs(60));
    for room in ["nowhere", "elsewhere"] {
        assert_eq!(world.clients[ana].refusal_in(room), Some(RefusedCode::UNKNOWN_ROOM));
    }
    assert_eq!((world.clients[ana].welcomes_in(CELLAR), world.clients[ana].is_connected()), (1, true));
}

#[test]
fn a_connection_that_is_refused_everywhere_is_closed() {
    let (mut world, ..) = house(World::with(|config| config.join_policy = JoinPolicy::Password));
    let ana = world.client();
    world.connect(ana);
    world.hold(JobKind::Password);
    world.clients[ana].join(&JoinArgs { credential: Credential::Password("wrong"), ..in_room(CELLAR, "Ana", 1) });
    world.clients[ana].join(&in_room("nowhere", "Ana", 1));
    world.run_ms(500);
    assert!(world.clients[ana].is_connected(), "the first Join is in progress");
    world.release();
    world.run_ms(500);
    assert_eq!(world.clients[ana].refusal_in(CELLAR), Some(RefusedCode::AUTHENTICATION));
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::REFUSED)));
    assert_eq!((world.hub.peers.len(), world.hub.context.census.unjoined), (0, 0));
}

#[test]
fn a_second_join_for_a_room_closes_the_connection() {
    for is_in_progress in [false, true] {
        let (mut world, cellar, ana) = ana_in_two(World::new());
        let room = if is_in_progress { ATTIC } else { CELLAR };
        if is_in_progress {
            world.clients[ana].join(&in_room(room, "Ana", 1));
        }
        world.clients[ana].join(&in_room(room, "Ana", 1));
        world.run_ms(100);
        assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
        assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len()), (0, 0), "in no room");
    }
}

#[test]
fn a_member_leaves_one_room_and_returns_to_it() {
    let (mut world, cellar, ana) = ana_in_two(World::new());
    world.clients[ana].leave(CELLAR);
    world.run(Duration::from_secs(30));
    assert!(world.clients[ana].is_connected(), "it is in the lobby");
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len()), (1, 0));
    let instance = world.clients[ana].welcome().instance;
    world.clients[ana].join(&JoinArgs { instance, ..in_room(CELLAR, "Ana", 1) });
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(CELLAR), names(&world, cellar).len()), (2, 1));
    world.clients[ana].post_in(CELLAR, 1, "again");
    world.run_ms(100);
    assert_eq!(world.clients[ana].texts_in(CELLAR), ["again"]);
    let kinds: Vec<EntryKind> = world.store.entries(CELLAR).iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [EntryKind::JOINED, EntryKind::LEFT, EntryKind::JOINED, EntryKind::TEXT]);
    // Out of the last room, it has a while to join one.
    world.clients[ana].leave(CELLAR);
    world.clients[ana].leave(ROOM);
    world.run(Duration::from_secs(9));
    assert!(world.clients[ana].is_connected());
    world.run(Duration::from_secs(2));
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::NOT_JOINED)));
}

#[test]
fn a_message_with_the_handle_of_no_room_closes_the_connection() {
    let (mut world, _, ana) = ana_in_two(World::new());
    world.clients[ana].leave(CELLAR);
    world.clients[ana].post_in(CELLAR, 1, "too late");
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
    assert_eq!(world.hub.counters().broken_messages, 1);
}

#[test]
fn whoever_is_kicked_from_one_room_stays_in_the_other() {
    let (mut world, cellar, ana) = ana_in_two(World::new());
    let old = world.clients[ana].handle(CELLAR);
    let now = world.now;
    assert!(world.hub.kick(now, cellar, None, "Ana", Some("too loud")).is_ok());
    // These cross each other.
    world.clients[ana].post_in(CELLAR, 1, "I do not know yet");
    world.clients[ana].post_in(ROOM, 1, "still here");
    world.run(Duration::from_secs(30));
    assert!(world.clients[ana].is_connected());
    let ended = Received::Ended { code: EndedCode::KICKED, text: "you were kicked by server: too loud".to_owned() };
    assert_eq!(world.clients[ana].about(CELLAR).last(), Some(&ended));
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len()), (1, 0));
    assert_eq!(world.clients[ana].texts_in(ROOM), ["still here"]);
    // A new membership has another handle: what is under way for the old one is not for it.
    world.clients[ana].join(&in_room(CELLAR, "Ana", 1));
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(CELLAR), 2);
    assert_ne!(world.clients[ana].handle(CELLAR), old);
    let now = world.now;
    assert!(world.hub.kick(now, LOBBY, None, "Ana", None).is_ok());
    assert!(world.hub.ban(now, cellar, None, "Ana", None).is_ok());
    world.run_ms(500);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::BANNED)), "in no room now");
}

#[test]
fn a_lost_connection_leaves_all_rooms() {
    let (mut world, cellar, ana) = ana_in_two(World::new());
    world.clients[ana].is_cut = true;
    world.run(Duration::from_secs(130));
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len(), world.hub.peers.len()), (0, 0, 0));
    for room in [ROOM, CELLAR] {
        assert_eq!(world.store.entries(room).last().map(|entry| entry.kind), Some(EntryKind::LEFT));
    }
}

#[test]
fn a_device_that_restarts_returns_to_all_rooms_and_nobody_notices() {
    let (mut world, cellar, ana) = ana_in_two(World::new());
    let instances = [ROOM, CELLAR].map(|room| world.clients[ana].instance_in(room));
    world.connect(ana);
    for (room, instance) in [ROOM, CELLAR].into_iter().zip(instances) {
        world.clients[ana].join(&JoinArgs { instance, ..in_room(room, "Ana", 1) });
        world.run_ms(500);
    }
    world.run(Duration::from_secs(130));
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len(), world.hub.peers.len()), (1, 1, 1));
    for room in [ROOM, CELLAR] {
        assert_eq!(world.store.entries(room).len(), 1, "joined, once");
    }
}

#[test]
fn the_rooms_of_a_connection_are_bounded() {
    let (mut world, _, ana) = ana_in_two(World::with(|config| config.limits.rooms_per_member = 2));
    world.clients[ana].join(&in_room(ATTIC, "Ana", 1));
    world.run_ms(100);
    assert_eq!(world.clients[ana].refusal_in(ATTIC), Some(RefusedCode::ROOM_FULL));
    assert_eq!(world.hub.counters().rooms_per_member_full, 1);
    world.clients[ana].leave(CELLAR);
    world.clients[ana].join(&in_room(ATTIC, "Ana", 1));
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(ATTIC), 1);
}

#[test]
fn first_joins_for_different_rooms_count_as_one() {
    let few = |config: &mut crate::hub::HubConfig| {
        (config.limits.join_burst, config.limits.join_interval) = (1, Duration::from_secs(20));
    };
    let (mut world, _, ana) = ana_in_two(World::with(few));
    world.clients[ana].join(&in_room(ATTIC, "Ana", 1));
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(ATTIC), world.hub.counters().joins_held), (1, 0));
    // A repeated one waits for the rate, and is read in the end.
    world.clients[ana].leave(ATTIC);
    world.clients[ana].join(&in_room(ATTIC, "Ana", 1));
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(ATTIC), world.hub.counters().joins_held), (1, 1));
    world.run(Duration::from_secs(21));
    assert_eq!(world.clients[ana].welcomes_in(ATTIC), 2);
}

#[test]
fn a_long_backlog_in_one_room_does_not_delay_a_line_in_another() {
    let (mut world, _, ana) = ana_in_two(World::new());
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ben].join(&in_room(CELLAR, "Ben", 2));
    world.run_ms(100);
    world.clients[ana].is_not_reading = true;
    let text = "x".repeat(1_000);
    for number in 1..=400 {
        world.clients[ben].post_in(ROOM, number, &text);
        world.run_ms(20);
    }
    world.clients[ben].post_in(CELLAR, 1, "a line");
    world.run_ms(100);
    world.clients[ana].is_not_reading = false;
    world.clients[ana].read_messages();
    world.run(Duration::from_secs(20));
    let texts = world.clients[ana].texts();
    let at = texts.iter().position(|text| text == "a line").expect("it arrived");
    assert_eq!(texts.len(), 401);
    // What the rings contain comes first.
    assert!(at < 80, "after {at} others");
}

#[test]
fn a_member_whose_next_entries_are_gone_joins_again_on_the_same_connection() {
    let (mut world, cellar, ana) = ana_in_two(World::with(|config| {
        config.limits.keep_entries = 20;
        config.limits.tail_bytes = 0;
    }));
    let ben = world.join(&in_room(CELLAR, "Ben", 2));
    world.clients[ana].is_not_reading = true;
    let text = "x".repeat(1_000);
    for number in 1..=400 {
        world.clients[ben].post_in(CELLAR, number, &text);
        world.run_ms(20);
    }
    world.run(Duration::from_secs(20));
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len()), (1, 1), "still in the lobby");
    world.clients[ana].is_not_reading = false;
    world.clients[ana].read_messages();
    world.run(Duration::from_secs(1));
    let is_gap = |it: &Received| matches!(it, Received::Ended { code: EndedCode::GAP, .. });
    assert!(
        world.clients[ana].about(CELLAR).last().is_some_and(is_gap),
        "{:?}",
        world.clients[ana].about(CELLAR).last()
    );
    let seq = world.clients[ana].seqs().last().copied().expect("it got some");
    let (term, instance) = (world.clients[ana].welcome().term, world.clients[ana].instance_in(CELLAR));
    world.clients[ana].received.clear();
    let start = Start::After { seq, term, fallback_count: 0 };
    world.clients[ana].join(&JoinArgs { start, instance, ..in_room(CELLAR, "Ana", 1) });
    world.run(Duration::from_secs(1));
    let status = world.hub.status(cellar);
    assert_eq!((world.clients[ana].welcome().first, status.members), (status.first, 2));
    assert_eq!(world.clients[ana].seqs(), (status.first..=status.head).collect::<Vec<_>>());
    let announced = world.store.entries(CELLAR).iter().filter(|entry| entry.kind != EntryKind::TEXT).count();
    assert_eq!(announced, 0, "nobody left");
}

#[test]
fn a_session_that_makes_room_for_another_leaves_all_its_rooms_unnoticed() {
    let (mut world, cellar, old) = ana_in_two(World::with(|config| config.limits.sessions_per_identity = 1));
    world.clients[old].is_cut = true;
    world.run(Duration::from_secs(25));
    let new = world.join(&join_args("Ana", 1));
    assert_eq!((names(&world, LOBBY).len(), names(&world, cellar).len(), world.hub.counters().replaced), (1, 0, 1));
    world.clients[new].join(&in_room(CELLAR, "Ana", 1));
    world.run(Duration::from_secs(130));
    assert_eq!((names(&world, cellar).len(), world.clients[new].is_connected(), world.hub.peers.len()), (1, true, 1));
    for room in [ROOM, CELLAR] {
        assert_eq!(world.store.entries(room).len(), 1, "joined, once");
    }
}

#[test]
fn refusals_and_the_end_of_a_membership_are_sent_once_there_is_space() {
    let (mut world, cellar, ana) = ana_in_two(World::with(|config| config.limits.join_burst = 1_000));
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ana].is_not_reading = true;
    let text = "x".repeat(1_000);
    for number in 1..=100 {
        world.clients[ben].post(number, &text);
        world.run_ms(20);
    }
    let mut joins = 0;
    for _ in 0..500 {
        joins += u64::from(world.clients[ana].try_join(&in_room("nowhere", "Ana", 1)));
        world.run_ms(20);
    }
    // While there is no space, nothing more is read from it: messages to it do not pile up.
    let now = world.now;
    assert!(world.hub.kick(now, cellar, None, "Ana", None).is_ok());
    world.run(Duration::from_secs(2));
    let refused = world.hub.counters().refused;
    assert!((100..joins).contains(&refused), "{refused} of {joins}");
    world.clients[ana].is_not_reading = false;
    world.clients[ana].read_messages();
    world.run(Duration::from_secs(30));
    let ended = Received::Ended { code: EndedCode::KICKED, text: String::new() };
    assert_eq!((world.clients[ana].about(CELLAR).last(), world.clients[ana].is_connected()), (Some(&ended), true));
    let told = world.clients[ana].about("nowhere").len() as u64;
    assert_eq!((world.hub.counters().refused, told, world.clients[ana].texts_in(ROOM).len()), (joins, joins, 100));
}
