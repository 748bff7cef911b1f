//! Names of members that change, and default names (SPEC 6.2, 6.4, 6.6).

use kabar_core::chat::{AnswerCode, ClientMessage, EntryKind, PostRefusedCode, RefusedCode};
use kabar_core::connection::{CloseCode, Closed};
use kabar_core::time::Duration;

use super::fake_client::{JoinArgs, Received, join_args};
use super::world::World;
use crate::hub::{JobKind, RoomId};
use crate::store::{Fault, Store};

const JOINED: EntryKind = EntryKind::JOINED;
const LEFT: EntryKind = EntryKind::LEFT;

/// Renames: `A is now B`; other entries: `A KIND`; texts: `A: TEXT`.
fn log(world: &World) -> Vec<String> {
    let line = |entry: &crate::store::LogEntry| {
        let (author, body) = (&entry.author, String::from_utf8_lossy(&entry.body));
        match entry.kind {
            JOINED => format!("{author} joined"),
            LEFT => format!("{author} left"),
            EntryKind::RENAMED => format!("{author} is now {body}"),
            EntryKind::TEXT => format!("{author}: {body}"),
            kind => format!("{author} {kind:?}"),
        }
    };
    world.log().iter().map(line).collect()
}

fn names(world: &World) -> Vec<String> {
    world.hub.who(world.now, RoomId::FIRST).into_iter().map(|it| it.name).collect()
}

fn rename(world: &mut World, client: usize, name: &str) -> AnswerCode {
    let before = world.clients[client].answers().len();
    world.clients[client].rename(name);
    world.run_ms(100);
    let answers = world.clients[client].answers();
    assert_eq!(answers.len(), before + 1, "{answers:?}");
    answers[before].0
}

fn default_name(name: &str, key: u8) -> JoinArgs {
    JoinArgs { is_default_name: true, ..join_args(name, key) }
}

/// The name that a Join gets.
fn joined_name(world: &mut World, join_args: &JoinArgs) -> String {
    let client = world.join(join_args);
    world.clients[client].welcome().name.clone()
}

#[test]
fn a_rename_is_one_entry_and_gives_all_sessions_the_name() {
    let mut world = World::new();
    let (ana, other) = (world.join(&join_args("Ana", 1)), world.join(&join_args("Ana", 1)));
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ana].rename("Ａnn");
    world.run_ms(100);
    assert_eq!(world.clients[ana].answers(), [(AnswerCode::DONE, "Ann")], "as the server writes it");
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    world.clients[other].post(1, "two");
    world.run_ms(50);
    assert_eq!(log(&world), ["Ana joined", "Ben joined", "Ana is now Ann", "Ann: one", "Ann: two"]);
    assert_eq!((names(&world), world.clients[other].answers()), (vec!["Ann".to_owned(), "Ben".to_owned()], vec![]));
    let entry = |received: &&Received| matches!(received, Received::Entry { kind: EntryKind::RENAMED, .. });
    for client in [ana, other, ben] {
        assert_eq!(world.clients[client].received.iter().filter(entry).count(), 1);
    }
    let now = world.now;
    world.clients[ana].close(now);
    world.clients[other].close(now);
    world.run_ms(100);
    assert_eq!(log(&world)[5..], ["Ann left"]);
}

#[test]
fn nobody_has_the_name_before_the_commit() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].rename("Ann");
    world.run_ms(100);
    assert_eq!((world.clients[ana].answers().len(), names(&world)), (0, vec!["Ana".to_owned()]));
    let other = world.client();
    world.attempt_join(other, &join_args("ann", 2));
    assert_eq!(world.clients[other].refusal(), Some(RefusedCode::TRY_LATER), "the rename may fail");
    world.release();
    world.run_ms(100);
    assert_eq!((world.clients[ana].answers()[0].0, names(&world)), (AnswerCode::DONE, vec!["Ann".to_owned()]));
    let loaded = world.store.load_server().expect("readable");
    assert_eq!(loaded.names.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Ana", "Ann"]);
}

#[test]
fn a_rename_that_is_not_done_changes_nothing() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let ben = world.join(&join_args("Ben", 2));
    world.clients[ben].close(world.now);
    world.run_ms(100);
    let before = log(&world);
    for (name, code) in [
        ("Ana", AnswerCode::UNCHANGED),
        ("BEN", AnswerCode::NAME_TAKEN),
        ("server", AnswerCode::NAME_NOT_ALLOWED),
        ("a:b", AnswerCode::NAME_NOT_ALLOWED),
        ("", AnswerCode::NAME_NOT_ALLOWED),
    ] {
        assert_eq!(rename(&mut world, ana, name), code, "{name}");
    }
    assert_eq!((log(&world), names(&world)), (before, vec!["Ana".to_owned()]));
    let answers = world.clients[ana].answers();
    assert!(answers.iter().all(|(_, text)| !text.is_empty()), "{answers:?}");
    assert!(answers[1].1.contains("another one") && answers[1].1.contains("kabar identity import"), "{answers:?}");
}

#[test]
fn another_spelling_of_the_name_is_a_rename() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(rename(&mut world, ana, "ANA"), AnswerCode::DONE);
    assert!(world.clients[ana].send_raw(&[0, 0]));
    world.run_ms(100);
    world.join(&join_args("ana", 1));
    assert_eq!(
        (log(&world)[1..].to_vec(), names(&world)),
        (vec!["Ana is now ANA".to_owned(), "ANA is now ana".to_owned()], vec!["ana".to_owned()],)
    );
    assert_eq!(world.store.load_server().expect("readable").names.len(), 1);
}

#[test]
fn names_before_stay_reserved_and_the_least_recently_used_goes() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    for name in ["Ann", "Anna"] {
        world.run_ms(1_000);
        assert_eq!(rename(&mut world, ana, name), AnswerCode::DONE);
    }
    let eve = world.join(&join_args("Eve", 2));
    for name in ["ana", "ANN", "anna"] {
        assert_eq!(rename(&mut world, eve, name), AnswerCode::NAME_TAKEN, "{name}");
    }
    assert_eq!(rename(&mut world, ana, "Ana"), AnswerCode::DONE, "her own");
    world.run_ms(1_000);
    assert_eq!(rename(&mut world, ana, "Anabel"), AnswerCode::DONE);
    assert_eq!(world.hub.counters().names_crowded, 1);
    assert_eq!(rename(&mut world, eve, "Anna"), AnswerCode::NAME_TAKEN);
    assert_eq!(rename(&mut world, eve, "Ana"), AnswerCode::NAME_TAKEN);
    assert_eq!(rename(&mut world, eve, "Ann"), AnswerCode::DONE);
}

#[test]
fn mutes_bans_and_numbers_stay_with_a_renamed_member() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].post(1, "one");
    world.run_ms(50);
    world.hub.mute(world.now, RoomId::FIRST, None, "Ana", None).expect("a member");
    assert_eq!(rename(&mut world, ana, "Ann"), AnswerCode::DONE);
    world.clients[ana].post(2, "two");
    world.run_ms(50);
    let refused = Received::PostRefused { number: 2, code: PostRefusedCode::MUTED };
    assert!(world.clients[ana].received.contains(&refused));
    assert!(world.hub.who(world.now, RoomId::FIRST)[0].is_muted);
    assert_eq!(
        world.hub.ban(world.now, RoomId::FIRST, None, "Ana", None),
        Ok("Ana".to_owned()),
        "a name that she owns"
    );
    world.run_ms(100);
    assert_eq!(world.clients[ana].closed, Some(Closed::ByPeer(CloseCode::BANNED)));
    let again = world.client();
    world.attempt_join(again, &join_args("Zoe", 1));
    assert_eq!(world.clients[again].refusal(), Some(RefusedCode::BANNED));
}

#[test]
fn renames_count_against_the_rate_of_announcements() {
    let mut world = World::with(|config| config.limits.announce_burst = 3);
    let ana = world.join(&join_args("Ana", 1));
    let codes = ["Ann", "Ana", "Ann"].map(|name| rename(&mut world, ana, name));
    assert_eq!(codes, [AnswerCode::DONE, AnswerCode::DONE, AnswerCode::TRY_LATER]);
    assert_eq!((names(&world), world.hub.counters().announcements_limited), (vec!["Ana".to_owned()], 1));
    let other = world.client();
    world.attempt_join(other, &join_args("Ann", 1));
    assert_eq!(world.clients[other].refusal(), Some(RefusedCode::TRY_LATER), "a Join that renames");
    world.run(Duration::from_secs(61));
    assert_eq!(rename(&mut world, ana, "Ann"), AnswerCode::DONE);
}

#[test]
fn a_rename_whose_commit_fails_changes_nothing() {
    for fault in [Fault::Fail, Fault::UncertainNotApplied] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        world.store.set_fault(Some(fault));
        world.clients[ana].rename("Ann");
        world.clients[ana].post(1, "one");
        world.run(Duration::from_secs(1));
        assert_eq!(world.clients[ana].answers().len(), 1);
        assert_eq!(world.clients[ana].answers()[0].0, AnswerCode::TRY_LATER, "{fault:?}");
        assert_eq!(rename(&mut world, ana, "Ann"), AnswerCode::TRY_LATER, "while it fails");
        world.store.set_fault(None);
        world.run(Duration::from_secs(6));
        assert_eq!(
            (log(&world), names(&world)),
            (vec!["Ana joined".to_owned(), "Ana: one".to_owned()], vec!["Ana".to_owned()],)
        );
        let eve = world.join(&join_args("Ann", 2));
        assert!(world.clients[eve].is_connected(), "nobody has the name");
    }
}

#[test]
fn a_rename_whose_commit_is_found_in_the_log_is_done() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.store.set_fault(Some(Fault::UncertainApplied));
    world.clients[ana].rename("Ann");
    world.run(Duration::from_secs(1));
    world.store.set_fault(None);
    world.run(Duration::from_secs(6));
    assert_eq!(world.clients[ana].answers(), [(AnswerCode::DONE, "Ann")]);
    assert_eq!(
        (log(&world), names(&world)),
        (vec!["Ana joined".to_owned(), "Ana is now Ann".to_owned()], vec!["Ann".to_owned()],)
    );
}

#[test]
fn messages_after_a_rename_are_by_the_new_name() {
    for holds in [false, true] {
        let mut world = World::new();
        let ana = world.join(&join_args("Ana", 1));
        if holds {
            world.hold(JobKind::Store);
        }
        world.clients[ana].post(1, "before");
        world.clients[ana].rename("Ann");
        world.clients[ana].post(2, "after");
        world.run_ms(50);
        world.clients[ana].post(3, "during its commit");
        assert!(world.clients[ana].send(&ClientMessage::Leave { handle: 1 }));
        world.run_ms(50);
        world.release();
        world.run_ms(100);
        let expected = ["Ana: before", "Ana is now Ann", "Ann: after", "Ann: during its commit", "Ann left"];
        assert_eq!(log(&world)[1..], expected, "{holds}");
    }
}

#[test]
fn the_next_rename_waits_for_the_answer() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let answer = |code, text| (code, text);
    world.clients[ana].rename("Ann");
    world.clients[ana].rename("Anna");
    world.clients[ana].rename("Anna");
    world.run_ms(200);
    let last = world.clients[ana].answers()[2].0;
    assert_eq!(world.clients[ana].answers()[..2], [answer(AnswerCode::DONE, "Ann"), answer(AnswerCode::DONE, "Anna")]);
    assert_eq!(last, AnswerCode::UNCHANGED);
    assert_eq!(log(&world)[1..], ["Ana is now Ann", "Ann is now Anna"]);
    // Two sessions at once.
    let other = world.join(&join_args("Anna", 1));
    world.hold(JobKind::Store);
    world.clients[ana].rename("Ana");
    world.run_ms(20);
    world.clients[other].rename("Ann");
    world.run_ms(20);
    world.release();
    world.run_ms(100);
    assert_eq!(world.clients[other].answers(), [answer(AnswerCode::DONE, "Ann")]);
    assert_eq!(
        (log(&world)[3..].to_vec(), names(&world)),
        (vec!["Anna is now Ana".to_owned(), "Ana is now Ann".to_owned()], vec!["Ann".to_owned()],)
    );
}

#[test]
fn a_join_under_a_chosen_name_renames_the_member() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    let other = world.join(&join_args("Anabel", 1));
    assert_eq!(world.clients[other].welcome().name, "Anabel");
    assert!(world.clients[ana].is_connected() && world.clients[ana].closed.is_none());
    world.clients[ana].post(1, "still here");
    world.run_ms(50);
    assert_eq!(log(&world), ["Ana joined", "Ana is now Anabel", "Anabel: still here"]);
    assert_eq!(names(&world), ["Anabel"]);
}

/// What the log of a room reports of renames.
fn renames_in(world: &World, room: &str) -> Vec<(String, String)> {
    let renames = world.store.entries(room).iter().filter(|entry| entry.kind == EntryKind::RENAMED);
    renames.map(|entry| (entry.author.clone(), String::from_utf8_lossy(&entry.body).into_owned())).collect()
}

/// A server that was restarted while Ana was in the lobby and in the cellar. The cellar cannot be
/// read yet.
fn restarted_with_cellar_unread() -> World {
    let mut world = World::new();
    world.add_room("cellar");
    let ana = world.join(&join_args("Ana", 1));
    world.clients[ana].join(&JoinArgs { room: "cellar", ..join_args("Ana", 1) });
    world.run_ms(100);
    world.hold(JobKind::Store);
    world.restart();
    // The load of the cellar, which waits, fails and is tried again as long as this lasts.
    world.store.set_fault(Some(Fault::Read));
    world.release();
    assert!(world.hub.rooms.directory.get("cellar").expect("listed").id.is_none());
    world
}

#[test]
fn a_rename_reaches_rooms_that_are_loaded_later() {
    let expected = [("Ana".to_owned(), "Ann".to_owned())];
    // The member stays, or leaves the room in which it was renamed before the other is loaded, or
    // the server restarts before that.
    for (leaves, restarts) in [(false, false), (true, false), (false, true)] {
        let mut world = restarted_with_cellar_unread();
        let ana = world.join(&join_args("Ana", 1));
        assert_eq!(rename(&mut world, ana, "Ann"), AnswerCode::DONE);
        if leaves {
            world.clients[ana].leave("lobby");
            world.run_ms(100);
        }
        assert!(renames_in(&world, "cellar").is_empty());
        world.store.set_fault(None);
        if restarts {
            world.restart();
        }
        world.run(Duration::from_secs(2));
        assert_eq!(renames_in(&world, "cellar"), expected, "{leaves} {restarts}");
        assert_eq!(renames_in(&world, "lobby"), expected, "once");
        let present = world.store.load_room("cellar").expect("readable").present;
        assert_eq!(present.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["Ann"]);
        // Whoever does not return has left under that name.
        world.run(Duration::from_secs(100));
        let last = world.store.entries("cellar").last().map(|entry| (entry.author.clone(), entry.kind));
        assert_eq!(last, Some(("Ann".to_owned(), LEFT)));
    }
}

#[test]
fn a_room_that_is_loaded_later_has_no_rename_if_there_was_none() {
    let mut world = restarted_with_cellar_unread();
    let ana = world.join(&join_args("Ana", 1));
    assert_eq!(rename(&mut world, ana, "Ann"), AnswerCode::DONE);
    assert_eq!(rename(&mut world, ana, "Ana"), AnswerCode::DONE);
    world.store.set_fault(None);
    world.run(Duration::from_secs(2));
    assert!(world.hub.rooms.directory.get("cellar").expect("listed").id.is_some());
    assert!(renames_in(&world, "cellar").is_empty());
}

#[test]
fn a_return_under_another_name_is_a_rename() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    assert!(world.clients[ana].send_raw(&[0, 0]));
    world.run_ms(100);
    let ann = world.join(&join_args("Ann", 1));
    world.run(Duration::from_secs(120));
    assert_eq!(log(&world), ["Ana joined", "Ana is now Ann"]);
    world.clients[ann].is_cut = true;
    world.restart();
    world.run(Duration::from_secs(30));
    world.join(&default_name("root", 1));
    world.run(Duration::from_secs(120));
    assert_eq!((log(&world)[2..].len(), names(&world)), (0, vec!["Ann".to_owned()]));
    world.restart();
    world.run(Duration::from_secs(120));
    assert_eq!(log(&world)[2..], ["Ann left"]);
}

#[test]
fn a_join_that_renames_and_is_lost_renames_nobody() {
    let mut world = World::new();
    let ana = world.join(&join_args("Ana", 1));
    world.hold(JobKind::Store);
    world.clients[ana].post(1, "busy");
    world.run_ms(20);
    let lost = world.client();
    world.attempt_join(lost, &join_args("Ann", 1));
    let now = world.now;
    world.clients[lost].close(now);
    world.run_ms(20);
    world.release();
    world.run_ms(100);
    assert_eq!((log(&world)[1..].to_vec(), names(&world)), (vec!["Ana: busy".to_owned()], vec!["Ana".to_owned()]));
    world.join(&join_args("Ann", 2));
}

#[test]
fn a_default_name_gives_way_to_the_name_that_the_identity_has_or_used_last() {
    let mut world = World::new();
    let ana = world.join(&default_name("ubuntu", 1));
    world.run_ms(1_000);
    assert_eq!(rename(&mut world, ana, "Ana"), AnswerCode::DONE);
    assert_eq!(joined_name(&mut world, &default_name("ubuntu", 1)), "Ana", "the name that it has");
    let now = world.now;
    world.clients.iter_mut().for_each(|client| client.close(now));
    world.run_ms(100);
    world.restart();
    assert_eq!(joined_name(&mut world, &default_name("ubuntu", 1)), "Ana", "the name that it used last");
    assert_eq!(log(&world), ["ubuntu joined", "ubuntu is now Ana", "Ana left", "Ana joined"]);
}

#[test]
fn a_default_name_that_is_taken_gets_the_smallest_number_that_makes_it_free() {
    let mut world = World::with(|config| config.limits.newcomer_interval = Duration::ZERO);
    let joined: Vec<String> = [1, 2, 3].map(|key| joined_name(&mut world, &default_name("ubuntu", key))).into();
    assert_eq!(joined, ["ubuntu", "ubuntu2", "ubuntu3"]);
    world.clients[1].close(world.now);
    world.run_ms(100);
    assert_eq!(joined_name(&mut world, &default_name("ubuntu", 4)), "ubuntu4", "a name is reserved");
    let long = "n".repeat(32);
    world.join(&join_args(&long, 5));
    assert_eq!(joined_name(&mut world, &default_name(&long, 6)), format!("{}2", "n".repeat(31)));
    let client = world.client();
    world.attempt_join(client, &join_args("ubuntu", 7));
    assert_eq!(world.clients[client].refusal(), Some(RefusedCode::NAME_TAKEN), "a name that was chosen");
    for key in 10..=105 {
        let client = world.join(&default_name("ubuntu", key));
        assert_eq!(world.clients[client].welcome().name, format!("ubuntu{}", key - 5));
        let now = world.now;
        world.clients[client].close(now);
        world.run_ms(20);
        if key == 104 {
            break;
        }
    }
    let client = world.client();
    world.attempt_join(client, &default_name("ubuntu", 200));
    assert_eq!(world.clients[client].refusal(), Some(RefusedCode::NAME_TAKEN), "99 are taken");
}
