//! Identities in several rooms: what is the same in all of them (SPEC 6.6).

use kabar_core::chat::{AnswerCode, EntryKind, RefusedCode};
use kabar_core::time::Duration;

use super::fake_client::{Credential, JoinArgs, ROOM, join_args};
use super::world::{PASSWORD, World};
use crate::hub::{Job, JobKind, JoinPolicy, OperatorError, RoomId, StoreJob};
use crate::store::{Fault, Store};

const LOBBY: RoomId = RoomId::FIRST;
const CELLAR: &str = "cellar";

fn in_cellar(name: &str, key: u8) -> JoinArgs {
    JoinArgs { room: CELLAR, ..join_args(name, key) }
}

/// A world with two rooms, and Ana in both of them: her connections to the lobby and the cellar.
fn ana_in_both() -> (World, RoomId, usize, usize) {
    let mut world = World::new();
    let cellar = world.add_room(CELLAR);
    let here = world.join(&join_args("Ana", 1));
    let there = world.join(&in_cellar("Ana", 1));
    (world, cellar, here, there)
}

/// The renames in the log of a room: the names before and after.
fn renames(world: &World, room: &str) -> Vec<(String, String)> {
    let renames = world.store.entries(room).iter().filter(|entry| entry.kind == EntryKind::RENAMED);
    renames.map(|it| (it.author.clone(), String::from_utf8_lossy(&it.body).into_owned())).collect()
}

fn names(world: &World, room: RoomId) -> Vec<String> {
    world.hub.who(world.now, room).into_iter().map(|it| it.name).collect()
}

fn renamed(from: &str, to: &str) -> Vec<(String, String)> {
    vec![(from.to_owned(), to.to_owned())]
}

#[test]
fn a_name_belongs_to_one_identity_in_all_rooms() {
    let mut world = World::new();
    let cellar = world.add_room(CELLAR);
    world.join(&join_args("Ana", 1));
    for name in ["Ana", "ANA", "\u{410}n\u{430}"] {
        let eve = world.client();
        world.attempt_join(eve, &in_cellar(name, 2));
        let code = world.clients[eve].refusal();
        assert!(matches!(code, Some(RefusedCode::NAME_TAKEN | RefusedCode::NAME_NOT_ALLOWED)), "{name}: {code:?}");
    }
    // A default name gets a number, and its owner gets it in the other room, too.
    let root = world.join(&JoinArgs { is_default_name: true, ..in_cellar("Ana", 2) });
    assert_eq!(world.clients[root].welcome().name, "Ana2");
    let ana = world.join(&JoinArgs { is_default_name: true, ..in_cellar("ubuntu", 1) });
    assert_eq!(world.clients[ana].welcome().name, "Ana");
    assert_eq!(names(&world, cellar), ["Ana", "Ana2"]);
    assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (Vec::new(), Vec::new()));
    // The store has one record of it.
    let records = world.store.load_server().expect("readable").names;
    assert_eq!(records.iter().filter(|record| record.folded == "ana").count(), 1);
}

#[test]
fn a_name_that_is_claimed_in_one_room_is_not_free_in_another() {
    let mut world = World::new();
    world.add_room(CELLAR);
    let (ana, eve) = (world.client(), world.client());
    world.connect(ana);
    world.connect(eve);
    world.hold(JobKind::Store);
    world.clients[ana].join(&join_args("Ana", 1));
    world.run_ms(20);
    world.clients[eve].join(&in_cellar("Ana", 2));
    world.run_ms(20);
    assert_eq!(world.clients[eve].refusal(), Some(RefusedCode::TRY_LATER));
    world.release();
    world.run_ms(20);
    assert!(world.clients[ana].is_welcome());
}

#[test]
fn a_rename_is_written_in_each_room_of_the_identity_by_one_commit() {
    let (mut world, cellar, here, there) = ana_in_both();
    world.join(&in_cellar("Ben", 2));
    world.hold(JobKind::Store);
    world.clients[here].rename("Ann");
    world.run_ms(50);
    assert!(matches!(&world.jobs[0], Job::Store(StoreJob::Append { commit }) if commit.rooms.len() == 2));
    world.release();
    world.run_ms(50);
    assert_eq!(world.clients[here].answers(), [(AnswerCode::DONE, "Ann")]);
    assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (renamed("Ana", "Ann"), renamed("Ana", "Ann")));
    assert_eq!((names(&world, LOBBY), names(&world, cellar).join(" ")), (vec!["Ann".to_owned()], "Ann Ben".to_owned()));
    world.clients[there].post(1, "by the new name");
    world.run_ms(50);
    assert_eq!(world.store.entries(CELLAR).last().map(|entry| entry.author.as_str()), Some("Ann"));
    // Back again, from the other room.
    world.clients[there].rename("Ana");
    world.run_ms(100);
    assert_eq!(renames(&world, ROOM)[1..], renamed("Ann", "Ana"));
    assert_eq!(renames(&world, CELLAR)[1..], renamed("Ann", "Ana"));
}

#[test]
fn a_join_under_a_chosen_name_renames_the_identity_in_all_rooms() {
    let mut world = World::new();
    let cellar = world.add_room(CELLAR);
    world.join(&join_args("Ana", 1));
    let there = world.join(&in_cellar("Ann", 1));
    assert_eq!(world.clients[there].welcome().name, "Ann");
    assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (renamed("Ana", "Ann"), Vec::new()));
    assert_eq!((names(&world, LOBBY), names(&world, cellar)), (vec!["Ann".to_owned()], vec!["Ann".to_owned()]));
    let joined = world.store.entries(CELLAR).iter().map(|entry| (entry.kind, entry.author.as_str()));
    assert_eq!(joined.collect::<Vec<_>>(), [(EntryKind::JOINED, "Ann")]);
}

#[test]
fn a_rename_during_the_commit_of_a_join_is_written_there_once() {
    let mut world = World::new();
    world.add_room(CELLAR);
    let here = world.join(&join_args("Ana", 1));
    let there = world.client();
    world.connect(there);
    world.hold(JobKind::Store);
    world.clients[there].join(&JoinArgs { is_default_name: true, ..in_cellar("Ana", 1) });
    world.run_ms(50);
    world.clients[here].rename("Ann");
    world.run_ms(50);
    world.release();
    world.run_ms(200);
    assert!(world.clients[there].is_welcome());
    assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (renamed("Ana", "Ann"), renamed("Ana", "Ann")));
}

#[test]
fn a_rename_that_is_not_committed_is_done_in_no_room() {
    for fault in [Fault::Fail, Fault::UncertainNotApplied] {
        let (mut world, cellar, here, _) = ana_in_both();
        world.store.set_fault(Some(fault));
        world.clients[here].rename("Ann");
        world.run(Duration::from_secs(1));
        world.store.set_fault(None);
        world.run(Duration::from_secs(6));
        assert_eq!(world.clients[here].answers()[0].0, AnswerCode::TRY_LATER);
        assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (Vec::new(), Vec::new()), "{fault:?}");
        assert_eq!((names(&world, LOBBY), names(&world, cellar)), (vec!["Ana".to_owned()], vec!["Ana".to_owned()]));
        let eve = world.join(&in_cellar("Ann", 2));
        assert!(world.clients[eve].is_welcome(), "nobody has the name");
    }
}

#[test]
fn a_join_that_renames_and_is_lost_renames_nobody_in_any_room() {
    let (mut world, cellar, here, _) = ana_in_both();
    world.hold(JobKind::Store);
    world.clients[here].post(1, "busy");
    world.run_ms(20);
    let lost = world.client();
    world.attempt_join(lost, &in_cellar("Ann", 1));
    let now = world.now;
    world.clients[lost].close(now);
    world.run_ms(20);
    world.release();
    world.run_ms(100);
    assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (Vec::new(), Vec::new()));
    assert_eq!((names(&world, LOBBY), names(&world, cellar)), (vec!["Ana".to_owned()], vec!["Ana".to_owned()]));
    world.join(&join_args("Ann", 2));
}

#[test]
fn a_name_in_use_in_one_room_cannot_be_released_from_another() {
    let mut world = World::new();
    let cellar = world.add_room(CELLAR);
    let ana = world.join(&join_args("Ana", 1));
    let now = world.now;
    assert_eq!(world.hub.release_name(now, cellar, None, "Ana"), Err(OperatorError::InUse));
    world.clients[ana].close(now);
    world.run_ms(100);
    let now = world.now;
    assert_eq!(world.hub.release_name(now, cellar, None, "Ana"), Ok("Ana".to_owned()));
    world.run_ms(100);
    let eve = world.join(&join_args("Ana", 2));
    assert!(world.clients[eve].is_welcome());
}

#[test]
fn a_member_that_is_present_in_one_room_keeps_its_name_however_long() {
    let mut world = World::with(|config| config.limits.name_keep = Duration::from_secs(10));
    world.add_room(CELLAR);
    world.join(&join_args("Ana", 1));
    world.run(Duration::from_secs(60));
    let eve = world.client();
    world.attempt_join(eve, &in_cellar("Ana", 2));
    assert_eq!(world.clients[eve].refusal(), Some(RefusedCode::NAME_TAKEN));
}

#[test]
fn all_rooms_share_the_rates_of_an_identity() {
    let mut world = World::with(|config| {
        (config.limits.post_burst, config.limits.post_rate) = (2, 1);
        (config.limits.join_burst, config.limits.join_interval) = (2, Duration::from_secs(60));
    });
    world.add_room(CELLAR);
    let (here, there) = (world.join(&join_args("Ana", 1)), world.join(&in_cellar("Ana", 1)));
    world.clients[here].post(1, "one");
    world.clients[here].post(2, "two");
    world.run_ms(20);
    world.clients[there].post(1, "three");
    world.run_ms(50);
    assert_eq!((world.clients[there].stored(), world.hub.counters().posts_held), (0, 1));
    let third = world.client();
    world.attempt_join(third, &in_cellar("Ana", 1));
    assert_eq!((world.clients[third].is_welcome(), world.hub.counters().joins_held), (false, 1));
}

#[test]
fn all_rooms_share_one_password_check_and_the_wrong_ones() {
    let mut world = World::with(|config| {
        config.join_policy = JoinPolicy::Password;
        (config.limits.password_burst, config.limits.password_interval) = (2, Duration::from_secs(60));
    });
    world.add_room(CELLAR);
    let with = |join_args, password| JoinArgs { credential: Credential::Password(password), ..join_args };
    let clients = [(); 3].map(|()| world.client());
    clients.iter().for_each(|client| world.connect(*client));
    world.hold(JobKind::Password);
    world.clients[clients[0]].join(&with(join_args("Ana", 1), PASSWORD));
    world.clients[clients[1]].join(&with(in_cellar("Ben", 2), PASSWORD));
    world.clients[clients[2]].join(&with(in_cellar("Eve", 3), "wrong"));
    world.run_ms(50);
    assert_eq!(world.jobs.len(), 1, "one check at a time");
    world.release();
    world.run_ms(100);
    let welcome = clients.map(|client| world.clients[client].is_welcome());
    assert_eq!(welcome, [true, true, false]);
    assert_eq!(world.hub.counters().wrong_passwords, 1);
    assert_eq!(
        (names(&world, LOBBY).len(), names(&world, RoomId { index: 1, generation: 0 }).len()),
        (1, 1),
        "each in its own room"
    );
}

#[test]
fn identities_of_all_rooms_count_against_one_limit() {
    let mut world = World::with(|config| config.limits.identities = 2);
    world.add_room(CELLAR);
    world.join(&join_args("Ana", 1));
    world.join(&in_cellar("Ben", 2));
    let eve = world.client();
    world.attempt_join(eve, &in_cellar("Eve", 3));
    assert_eq!(world.clients[eve].refusal(), Some(RefusedCode::TRY_LATER));
    assert_eq!(world.hub.counters().identities_full, 1);
    // One that is known in another room is no newcomer.
    world.join(&in_cellar("Ana", 1));
}

#[test]
fn names_are_known_in_all_rooms_after_a_restart() {
    let (mut world, _, here, there) = ana_in_both();
    let now = world.now;
    [here, there].iter().for_each(|client| world.clients[*client].close(now));
    world.run_ms(100);
    world.restart();
    world.add_room(CELLAR);
    let eve = world.client();
    world.attempt_join(eve, &in_cellar("Ana", 2));
    assert_eq!(world.clients[eve].refusal(), Some(RefusedCode::NAME_TAKEN));
}

#[test]
fn a_join_in_the_batch_of_a_rename_does_not_repeat_it() {
    let (mut world, _, here, _) = ana_in_both();
    let other = world.client();
    world.connect(other);
    world.hold(JobKind::Store);
    world.clients[here].post(1, "a commit in progress");
    world.run_ms(50);
    world.clients[here].rename("Ann");
    world.run_ms(50);
    world.clients[other].join(&JoinArgs { is_default_name: true, ..in_cellar("Ana", 1) });
    world.run_ms(50);
    world.release();
    world.run_ms(200);
    assert!(world.clients[other].is_welcome());
    assert_eq!((renames(&world, ROOM), renames(&world, CELLAR)), (renamed("Ana", "Ann"), renamed("Ana", "Ann")));
}
