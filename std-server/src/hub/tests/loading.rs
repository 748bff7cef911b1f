//! Rooms come into memory when they are used, and leave it when nobody is in them.

use kabar_core::chat::{EntryKind, RefusedCode, Request, Start};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, ROOM, Received, join_args};
use super::world::World;
use crate::hub::{Done, Job, JobKind, OperatorError, RoomId, StoreDone, StoreJob};
use crate::store::{Fault, Presence, ReadError, RoomBatch, Store, StoreErrorKind, Visibility};

const CELLAR: &str = "cellar";
const ATTIC: &str = "attic";

/// Longer than a room without members stays in memory, and members that vanished may return.
const LONG: Duration = Duration::from_secs(200);

/// A server with a second room, which is not in memory.
fn world() -> World {
    world_with_store(World::new())
}

fn world_with_store(mut world: World) -> World {
    assert_eq!(world.hub.add_room(world.now, None, CELLAR, Visibility::Open, ""), Ok(()));
    world.run_ms(50);
    world
}

fn in_cellar(name: &str, key: u8) -> JoinArgs {
    JoinArgs { room: CELLAR, ..join_args(name, key) }
}

/// The id of the cellar, if it is in memory.
fn cellar(world: &World) -> Option<RoomId> {
    world.hub.rooms.directory.get(CELLAR).expect("it is listed").id
}

fn loads(world: &World) -> u64 {
    world.hub.counters().rooms_loaded
}

#[test]
fn a_room_is_loaded_for_the_first_join_and_once() {
    let mut world = world();
    assert_eq!((cellar(&world), loads(&world)), (None, 0));
    let clients = [(); 3].map(|()| {
        let client = world.client();
        world.connect(client);
        client
    });
    world.hold(JobKind::Store);
    for (key, client) in (1..).zip(clients) {
        world.clients[client].join(&in_cellar(&format!("p{key}"), key));
    }
    world.run_ms(50);
    let is_load = |job: &&Job<_>| matches!(job, Job::Store(StoreJob::Load { .. }));
    assert_eq!(world.jobs.iter().filter(is_load).count(), 1);
    world.release();
    world.run_ms(100);
    assert!(clients.iter().all(|client| world.clients[*client].is_welcome()));
    assert_eq!((loads(&world), world.hub.who(world.now, cellar(&world).expect("loaded")).len()), (1, 3));
    world.clients[clients[0]].post(1, "hello");
    world.run_ms(50);
    assert!(clients.iter().all(|client| world.clients[*client].texts() == ["hello"]));
}

#[test]
fn a_join_for_an_unknown_room_waits_for_a_read_too_and_creates_nothing() {
    let mut world = world();
    world.hold(JobKind::Store);
    let client = world.client();
    world.attempt_join(client, &JoinArgs { room: "attic", ..join_args("Ana", 1) });
    assert_eq!((world.jobs.len(), world.clients[client].refusal()), (1, None));
    world.release();
    world.run_ms(100);
    assert_eq!(world.clients[client].refusal(), Some(RefusedCode::UNKNOWN_ROOM));
    assert_eq!((world.hub.rooms().len(), loads(&world)), (2, 0));
    assert_eq!(world.store.load_server().expect("readable").rooms.len(), 2);
}

#[test]
fn a_join_that_waits_for_its_room_is_not_late() {
    let mut world = world();
    world.hold(JobKind::Store);
    let client = world.client();
    world.attempt_join(client, &in_cellar("Ana", 1));
    world.run(Duration::from_secs(15));
    world.release();
    world.run_ms(100);
    assert!(world.clients[client].is_welcome());
}

/// A connection of Ana, in the lobby, and the attic and the cellar not in memory.
fn in_lobby(mut world: World) -> (World, usize) {
    assert_eq!(world.hub.add_room(world.now, None, ATTIC, Visibility::Open, ""), Ok(()));
    world.run_ms(50);
    let ana = world.join(&join_args("Ana", 1));
    (world, ana)
}

/// Runs all waiting jobs but loads.
fn run_all_but_loads(world: &mut World) {
    for _ in 0..10 {
        let jobs: Vec<_> = world.jobs.drain(..).collect();
        for job in jobs {
            if matches!(job, Job::Store(StoreJob::Load { .. })) {
                world.jobs.push_back(job);
            } else {
                let done = world.run_job(job);
                world.hub.handle_done(world.now, done);
            }
        }
        world.run_ms(5);
    }
}

#[test]
fn a_join_that_waits_for_its_room_delays_no_other_room() {
    let (mut world, ana) = in_lobby(world());
    world.hold(JobKind::Store);
    world.clients[ana].join(&in_cellar("Ana", 1));
    world.clients[ana].join(&JoinArgs { room: "nowhere", ..join_args("Ana", 1) });
    world.clients[ana].post_in(ROOM, 1, "meanwhile");
    world.clients[ana].request_in(ROOM, Request::ListMembers);
    world.run_ms(50);
    run_all_but_loads(&mut world);
    let client = &world.clients[ana];
    let has_listed = client.about(ROOM).iter().any(|it| matches!(it, Received::Member { .. }));
    assert_eq!((client.texts_in(ROOM), has_listed), (vec!["meanwhile".to_owned()], true));
    assert_eq!((client.welcomes_in(CELLAR), client.refusal_in("nowhere")), (0, None));
    world.release();
    world.run_ms(100);
    let client = &world.clients[ana];
    assert_eq!((client.welcomes_in(CELLAR), client.refusal_in("nowhere")), (1, Some(RefusedCode::UNKNOWN_ROOM)));
}

#[test]
fn the_rooms_of_a_connection_are_loaded_at_the_same_time() {
    let (mut world, ana) = in_lobby(world());
    world.hold(JobKind::Store);
    for room in [ATTIC, CELLAR, "nowhere"] {
        world.clients[ana].join(&JoinArgs { room, ..join_args("Ana", 1) });
    }
    world.run_ms(50);
    let is_load = |job: &&Job<_>| matches!(job, Job::Store(StoreJob::Load { .. }));
    assert_eq!(world.jobs.iter().filter(is_load).count(), 3);
    world.release();
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(ATTIC), world.clients[ana].welcomes_in(CELLAR)), (1, 1));
}

#[test]
fn a_second_join_for_a_room_that_is_loaded_closes_the_connection_afterwards() {
    let (mut world, ana) = in_lobby(world());
    world.hold(JobKind::Store);
    world.clients[ana].join(&in_cellar("Ana", 1));
    world.clients[ana].join(&in_cellar("Ana", 1));
    world.run_ms(50);
    assert!(world.clients[ana].is_connected(), "the first one is in progress");
    world.release();
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::MESSAGE)));
}

#[test]
fn joins_that_wait_for_their_rooms_count_as_rooms_of_the_connection() {
    let (mut world, ana) = in_lobby(world_with_store(World::with(|config| config.limits.rooms_per_member = 3)));
    world.hold(JobKind::Store);
    for room in [ATTIC, "nowhere", CELLAR] {
        world.clients[ana].join(&JoinArgs { room, ..join_args("Ana", 1) });
    }
    world.run_ms(50);
    assert_eq!(world.clients[ana].refusal_in(CELLAR), Some(RefusedCode::ROOM_FULL));
    world.release();
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(ATTIC), world.clients[ana].welcomes_in(CELLAR)), (1, 0));
    assert_eq!(world.clients[ana].refusal_in("nowhere"), Some(RefusedCode::UNKNOWN_ROOM));
    world.clients[ana].join(&in_cellar("Ana", 1));
    world.run_ms(2_000);
    assert_eq!(world.clients[ana].welcomes_in(CELLAR), 1);
}

#[test]
fn a_member_leaves_the_other_room_while_one_is_loaded() {
    let (mut world, ana) = in_lobby(world());
    world.hold(JobKind::Store);
    world.clients[ana].join(&in_cellar("Ana", 1));
    world.clients[ana].leave(ROOM);
    world.run(Duration::from_secs(15));
    assert!(world.clients[ana].is_connected(), "its Join is in progress");
    world.release();
    world.run_ms(100);
    assert_eq!((world.clients[ana].welcomes_in(CELLAR), world.hub.who(world.now, RoomId::FIRST).len()), (1, 0));
    // It is in the cellar alone, and stays.
    world.run(Duration::from_secs(60));
    assert!(world.clients[ana].is_connected());
}

#[test]
fn a_member_that_is_kicked_from_its_only_room_while_another_is_loaded_gets_an_answer() {
    for (room, is_welcome) in [(CELLAR, true), ("nowhere", false)] {
        let (mut world, ana) = in_lobby(world());
        world.hold(JobKind::Store);
        world.clients[ana].join(&JoinArgs { room, ..join_args("Ana", 1) });
        world.run_ms(50);
        let now = world.now;
        assert!(world.hub.kick(now, RoomId::FIRST, None, "Ana", None).is_ok());
        world.run_ms(500);
        assert!(world.clients[ana].is_connected(), "its Join is in progress");
        world.release();
        world.run_ms(500);
        assert_eq!(world.clients[ana].welcomes_in(room) == 1, is_welcome);
        let closed = (!is_welcome).then_some(Closed::ByPeer(CloseCode::REFUSED));
        assert_eq!(world.clients[ana].closed, closed);
    }
}

#[test]
fn a_refused_connection_is_not_closed_before_its_other_join_is_answered() {
    let mut world = world();
    world.hold(JobKind::Store);
    let ana = world.client();
    world.connect(ana);
    world.clients[ana].join(&JoinArgs { credential: Credential::BadSignature, ..join_args("Ana", 1) });
    world.clients[ana].join(&in_cellar("Ana", 1));
    world.run(Duration::from_secs(15));
    assert_eq!(world.clients[ana].refusal_in(ROOM), Some(RefusedCode::SIGNATURE));
    assert!(world.clients[ana].is_connected(), "a Join is in progress");
    world.release();
    world.run_ms(100);
    assert_eq!(world.clients[ana].welcomes_in(CELLAR), 1);
    world.run(Duration::from_secs(60));
    assert!(world.clients[ana].is_connected());
}

#[test]
fn unknown_and_private_rooms_are_answered_alike() {
    let (mut world, ana) = in_lobby(world());
    for name in ["vault", "crypt"] {
        assert_eq!(world.hub.add_room(world.now, None, name, Visibility::Private, ""), Ok(()));
    }
    // One of the private rooms is in memory.
    world.open_room("vault");
    world.hold(JobKind::Store);
    let rooms = ["vault", "crypt", "nowhere"];
    for room in rooms {
        world.clients[ana].join(&JoinArgs { room, ..join_args("Ana", 1) });
    }
    world.run_ms(50);
    assert!(rooms.iter().all(|room| world.clients[ana].refusal_in(room).is_none()), "all wait for the store");
    let is_load = |job: &&Job<_>| matches!(job, Job::Store(StoreJob::Load { .. }));
    assert_eq!(world.jobs.iter().filter(is_load).count(), 3);
    world.release();
    world.run_ms(100);
    let refusals = rooms.map(|room| world.clients[ana].about(room).to_vec());
    assert!(matches!(refusals[0][..], [Received::Refused { code: RefusedCode::UNKNOWN_ROOM, .. }]));
    assert!(refusals[0] == refusals[1] && refusals[1] == refusals[2], "{refusals:?}");
}

#[test]
fn a_connection_that_ends_while_its_room_is_loaded_leaves_nothing() {
    let mut world = world();
    world.hold(JobKind::Store);
    let client = world.client();
    world.attempt_join(client, &in_cellar("Ana", 1));
    let now = world.now;
    world.clients[client].close(now);
    world.run(Duration::from_secs(20));
    world.release();
    world.run(LONG);
    assert_eq!((cellar(&world), loads(&world), world.hub.counters().rooms_dropped), (None, 1, 1));
}

#[test]
fn a_room_that_cannot_be_read_asks_to_try_later() {
    let mut world = world();
    world.store.set_fault(Some(Fault::Read));
    let client = world.client();
    world.attempt_join(client, &in_cellar("Ana", 1));
    assert_eq!((world.clients[client].refusal(), cellar(&world)), (Some(RefusedCode::TRY_LATER), None));
    world.store.set_fault(None);
    world.join(&in_cellar("Ana", 1));
}

#[test]
fn a_room_is_dropped_when_nobody_was_in_it_for_a_while() {
    let mut world = world();
    let ana = world.join(&in_cellar("Ana", 1));
    world.clients[ana].post(1, "first");
    world.run(LONG);
    let id = cellar(&world).expect("somebody is in it");
    let now = world.now;
    world.clients[ana].close(now);
    world.run(Duration::from_secs(30));
    assert_eq!(cellar(&world), Some(id), "not yet");
    world.run(LONG);
    assert_eq!((cellar(&world), world.hub.rooms.get(id).is_none()), (None, true));
    let summary = world.hub.rooms().remove(0);
    assert_eq!((summary.record.name.as_str(), summary.head, summary.members), (CELLAR, 3, 0));
    // It comes back with everything that it had, under another id, in the same term.
    let (instance, term) = (world.clients[ana].welcome().instance, world.clients[ana].welcome().term);
    let again = world.client();
    world.attempt_join(again, &JoinArgs { instance, ..in_cellar("Ana", 1) });
    let new = cellar(&world).expect("loaded again");
    assert_ne!(new, id);
    assert_eq!(world.clients[again].welcome().term, term);
    world.clients[again].post(1, "first");
    world.clients[again].post(2, "second");
    world.run_ms(50);
    let texts = world.store.entries(CELLAR).iter().filter(|entry| entry.kind == EntryKind::TEXT).count();
    assert_eq!((texts, world.store.load_room(CELLAR).expect("readable").terms.len()), (2, 1));
}

#[test]
fn results_for_a_dropped_room_change_nothing() {
    let mut world = world();
    let id = world.open_room(CELLAR);
    world.run(LONG);
    let new = world.open_room(CELLAR);
    assert_eq!((new.index, new.generation), (id.index, id.generation + 1));
    let (before, dropped) = (world.hub.state_digest(), world.hub.counters().results_dropped);
    let failed = ReadError(StoreErrorKind::Disk(0));
    for done in [
        StoreDone::Read { room: id, range: 1..=9, entries: Err(failed) },
        StoreDone::Survey { room: id, result: Ok(7) },
        StoreDone::Load { name: CELLAR.into(), result: Err(failed) },
    ] {
        world.hub.handle_done(world.now, Done::Store(done));
    }
    assert_eq!((world.hub.state_digest(), world.hub.counters().results_dropped), (before, dropped + 3));
    assert_eq!(world.hub.kick(world.now, id, None, "Ana", None), Err(OperatorError::NoSuchRoom));
}

#[test]
fn a_room_stays_while_a_join_waits_in_it() {
    let mut world = world_with_store(World::with(|config| config.needs_approval = true));
    let client = world.client();
    world.attempt_join(client, &in_cellar("Ana", 1));
    world.run(LONG);
    let id = cellar(&world).expect("a Join waits in it");
    assert_eq!(world.hub.accept(world.now, id, "Ana").map(|_| ()), Ok(()));
    world.run_ms(100);
    assert!(world.clients[client].is_welcome());
}

#[test]
fn members_of_the_last_run_leave_a_room_that_nobody_enters() {
    let mut world = world();
    let who = PublicIdentity([9; 32]);
    let present = vec![Presence { identity: who, name: "Ana".into() }];
    let batch = RoomBatch { room: CELLAR.into(), present, ..RoomBatch::default() };
    assert_eq!(world.store.commit(&batch.into()), Ok(()));
    world.restart();
    world.run(Duration::from_secs(30));
    assert!(cellar(&world).is_some(), "she may return");
    world.run(LONG);
    let last = world.store.entries(CELLAR).last().map(|entry| (entry.author.clone(), entry.kind));
    assert_eq!((last, cellar(&world)), (Some(("Ana".to_owned(), EntryKind::LEFT)), None));
    world.restart();
    world.run(LONG);
    assert_eq!(loads(&world), 0, "nobody is present");
}

#[test]
fn the_tails_of_all_rooms_share_one_memory() {
    let mut world = world_with_store(World::with(|config| config.limits.tail_bytes = 10_000));
    let (ana, ben) = (world.join(&join_args("Ana", 1)), world.join(&in_cellar("Ben", 2)));
    let text = "x".repeat(1_000);
    (1..=5).for_each(|number| world.clients[ana].post(number, &text));
    world.run_ms(50);
    assert_eq!(world.hub.counters().tail_dropped, 0);
    for number in 1..=8 {
        world.clients[ben].post(number, &text);
        world.run_ms(50);
    }
    // The lobby was written to longest ago: it loses its oldest entries, the cellar none.
    let dropped = world.hub.counters().tail_dropped;
    assert!((3..=6).contains(&dropped), "{dropped}");
    let read = world.hub.counters().pages_read;
    let cho = world.join(&JoinArgs { start: Start::Last(9), ..in_cellar("Cho", 3) });
    assert_eq!((world.clients[cho].texts().len(), world.hub.counters().pages_read), (8, read));
    let dan = world.join(&JoinArgs { start: Start::Last(9), ..join_args("Dan", 4) });
    assert!(world.clients[dan].texts().len() >= 5 && world.hub.counters().pages_read > read);
}
