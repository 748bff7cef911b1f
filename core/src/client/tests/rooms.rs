//! Several rooms on one connection (SPEC 6.2, 6.3, 6.5): each joins, resumes and ends by itself.

use std::format;
use std::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::server::{self, Rules, SECRET, Server, TestRoom};
use super::world::{Seen, WorldOf, config, secs};
use crate::chat::{
    EndedCode, EntryHeader, EntryKind, Info, MAX_MESSAGE_LEN, PostRefusedCode, RefusedCode, Request, ServerMessage,
    Start, Term,
};
use crate::client::{
    Config, ConfigError, Credential, DisconnectReason, EndReason, JoinError, PostError, RequestError, RoomConfig,
    RoomSlot, State,
};
use crate::connection::Closed;
use crate::time::Duration;
use crate::wire::frame::CloseCode;

type World = WorldOf<3>;

const LOBBY: RoomSlot = RoomSlot::FIRST;
const BROKEN: Seen = Seen::Disconnected(DisconnectReason::Closed(Closed::Locally(CloseCode::MESSAGE)));

fn room(name: &str) -> RoomConfig<'_> {
    RoomConfig { credential: Credential::Secret(SECRET), ..RoomConfig::new(name) }
}

/// A client that was started with the room `lobby`.
fn start() -> World {
    World::start(&config())
}

/// A client in `lobby` and `attic`; the events up to then are removed.
fn online() -> (World, RoomSlot) {
    let mut world = start();
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    world.run_until(secs(5), |world| in_room(world, attic).len() + in_room(world, LOBBY).len() == 2);
    world.run(Duration::from_millis(300));
    clear(&mut world);
    (world, attic)
}

fn clear(world: &mut World) {
    world.seen.clear();
    world.seen_in.clear();
}

fn in_room(world: &World, slot: RoomSlot) -> Vec<&Seen> {
    world.seen_in.iter().filter(|(room, _)| *room == slot).map(|(_, seen)| seen).collect()
}

fn is_joined(world: &World, slot: RoomSlot) -> bool {
    in_room(world, slot).iter().any(|seen| matches!(seen, Seen::Joined { .. }))
}

fn post(world: &mut World, slot: RoomSlot, body: &str) -> u64 {
    world.client.post(slot, EntryKind::TEXT, body.as_bytes()).unwrap()
}

fn entries(world: &World, slot: RoomSlot) -> Vec<(u64, Vec<u8>)> {
    let entries = in_room(world, slot).into_iter().filter_map(|seen| match seen {
        Seen::Entry { seq, body, .. } => Some((*seq, body.clone())),
        _ => None,
    });
    entries.collect()
}

/// The log of a room, as a member sees it that was there from the beginning.
fn log(room: &TestRoom) -> Vec<(u64, Vec<u8>)> {
    (1..).zip(room.bodies()).collect()
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<Vec<u8>> {
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

#[test]
fn one_connection_carries_several_rooms() {
    let mut world = start();
    world.run_until(secs(2), |world| world.has_joined());
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    assert_eq!(world.client.state(attic), State::Joining);
    let cellar = world.client.join(world.now, &room("cellar")).unwrap();
    world.run_until(secs(2), |world| is_joined(world, attic) && is_joined(world, cellar));
    assert_eq!([LOBBY, attic, cellar].map(RoomSlot::index), [0, 1, 2]);
    assert_eq!([LOBBY, attic, cellar].map(|slot| world.client.state(slot)), [State::Online; 3]);
    assert_eq!(world.client.counters().connections, 1);
    assert_eq!(world.server.joins.iter().map(|join| &*join.room).collect::<Vec<_>>(), ["lobby", "attic", "cellar"]);
    assert_eq!(world.most_operations, 1);
}

#[test]
fn rooms_added_before_the_connection_join_with_it() {
    let (world, attic) = online();
    assert_eq!(world.client.counters().connections, 1);
    assert_eq!(world.client.cursor(attic), Some((0, Term([1; 8]))));
}

#[test]
fn every_room_has_its_own_numbers_and_cursor() {
    let (mut world, attic) = online();
    for (slot, body, number) in [(LOBBY, "a", 1), (attic, "b", 1), (attic, "c", 2), (LOBBY, "d", 2), (attic, "e", 3)] {
        assert_eq!(post(&mut world, slot, body), number);
    }
    assert_eq!((world.client.unsettled(LOBBY), world.client.unsettled(attic)), (2, 3));
    world.server.rooms[1].add_entry(b"from alice");
    world.run(secs(1));
    assert_eq!((world.client.unsettled(LOBBY), world.client.unsettled(attic)), (0, 0));
    assert_eq!(world.server.bodies(), texts(["a", "d"]));
    assert_eq!(world.server.rooms[1].bodies(), texts(["from alice", "b", "c", "e"]));
    assert_eq!(world.server.posts.iter().map(|post| post.0).collect::<Vec<_>>(), [1, 1, 2, 2, 3], "in order");
    assert_eq!(entries(&world, LOBBY), log(&world.server.rooms[0]));
    assert_eq!(entries(&world, attic), log(&world.server.rooms[1]));
    assert_eq!(world.client.cursor(LOBBY).unwrap().0, 2);
    assert_eq!(world.client.cursor(attic).unwrap().0, 4);
    let stored = |slot| {
        let stored = in_room(&world, slot).into_iter().rfind(|seen| matches!(seen, Seen::Stored { .. }));
        stored.cloned()
    };
    assert_eq!(stored(LOBBY), Some(Seen::Stored { number: 2, seq: 2 }));
    assert_eq!(stored(attic), Some(Seen::Stored { number: 3, seq: 4 }));
}

#[test]
fn refused_post_delays_only_its_room() {
    let (mut world, attic) = online();
    world.server.rules.refuses_post = Some(b"never".to_vec());
    for body in ["one", "never", "two"] {
        post(&mut world, attic, body);
        post(&mut world, LOBBY, body.trim_end_matches("never"));
    }
    world.run(secs(1));
    assert_eq!(world.server.rooms[1].bodies(), texts(["one", "two"]));
    assert_eq!(world.server.bodies(), texts(["one", "", "two"]));
    let refused = Seen::PostRefused { number: 2, code: PostRefusedCode::MUTED };
    assert!(in_room(&world, attic).contains(&&refused) && !in_room(&world, LOBBY).contains(&&refused));
}

#[test]
fn answers_state_their_room() {
    let (mut world, attic) = online();
    for slot in [attic, LOBBY] {
        world.client.request(world.now, slot, Request::ListMembers).unwrap();
    }
    world.run(secs(1));
    let members = |handle| Seen::info(Info::MemberListed { handle, remaining: 0, name: Some("bob") });
    assert_eq!(world.seen_in, [(attic, members(8)), (LOBBY, members(7))]);
}

#[test]
fn permanent_refusal_ends_only_its_room() {
    for omits_room in [false, true] {
        let (mut world, attic) = online();
        world.server.rules =
            Rules { omits_room, refuses_in: Some(("cellar", RefusedCode::BANNED)), ..Rules::default() };
        let cellar = world.client.join(world.now, &room("cellar")).unwrap();
        world.client.post(cellar, EntryKind::TEXT, b"let me in").unwrap();
        world.run(secs(1));
        let reason = EndReason::Refused(RefusedCode::BANNED);
        assert_eq!(world.seen, [Seen::refused(RefusedCode::BANNED), Seen::RoomEnded { reason, unsettled: 1 }]);
        assert!(world.seen_in.iter().all(|(slot, _)| *slot == cellar));
        assert_eq!(world.client.state(cellar), State::Idle);
        assert_eq!(world.client.post(cellar, EntryKind::TEXT, b"x"), Err(PostError::NotRunning));
        assert!(!world.client.outbox.holds(b"let me in"));
        post(&mut world, LOBBY, "still here");
        post(&mut world, attic, "here too");
        world.run(secs(60));
        assert_eq!((world.client.unsettled(LOBBY), world.client.unsettled(attic)), (0, 0));
        assert_eq!(world.server.joins.len(), 3, "asked once");
        // The slot is free.
        world.server.rules = Rules::default();
        assert_eq!(world.client.join(world.now, &room("cellar")), Ok(cellar));
        assert_eq!(post(&mut world, cellar, "second try"), 1);
        world.run(secs(1));
        assert_eq!(world.server.rooms[2].bodies(), texts(["second try"]));
        assert_eq!(world.client.counters().connections, 1);
    }
}

#[test]
fn refusal_of_the_last_room_ends_the_client() {
    let mut world = start();
    world.server.rules.refuses = Some(RefusedCode::BANNED);
    let _ = world.client.join(world.now, &room("attic")).unwrap();
    world.run(secs(20));
    let (refused, reason) = (Seen::refused(RefusedCode::BANNED), EndReason::Refused(RefusedCode::BANNED));
    let room_ended = Seen::RoomEnded { reason, unsettled: 0 };
    assert_eq!(world.seen, [refused.clone(), room_ended, refused, Seen::Ended(reason)]);
}

#[test]
fn refusal_that_names_no_room_is_rejected_if_several_joins_wait() {
    let mut world = start();
    world.server.rules = Rules { omits_room: true, refuses: Some(RefusedCode::BANNED), ..Rules::default() };
    world.server.rules.is_mute_in = Some("attic");
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    world.server.rules.refuses_in = Some(("lobby", RefusedCode::BANNED));
    world.run_until(secs(5), |world| world.seen.contains(&BROKEN));
    world.server.rules = Rules::default();
    world.run_until(secs(20), |world| is_joined(world, LOBBY) && is_joined(world, attic));
}

#[test]
fn room_refused_for_now_joins_later_on_the_same_connection() {
    for is_first in [true, false] {
        let mut world = start();
        let attic = world.client.join(world.now, &room("attic")).unwrap();
        let (name, refused, other) = if is_first { ("lobby", LOBBY, attic) } else { ("attic", attic, LOBBY) };
        world.server.rules.refuses_in = Some((name, RefusedCode::TRY_LATER));
        world.run(secs(60));
        assert_eq!(world.client.state(other), State::Online);
        assert!(in_room(&world, refused).iter().all(|seen| **seen == Seen::refused(RefusedCode::TRY_LATER)));
        let tries = in_room(&world, refused).len();
        assert!((4..=12).contains(&tries), "{tries} tries in a minute");
        assert_eq!(world.seen.len(), tries + 1, "the connection stays");
        post(&mut world, other, "unaffected");
        post(&mut world, refused, "waits");
        world.run(secs(2));
        assert_eq!((world.client.unsettled(other), world.client.unsettled(refused)), (0, 1));
        world.server.rules = Rules::default();
        world.run_until(secs(20), |world| world.client.unsettled(refused) == 0);
        assert_eq!(world.client.counters().connections, 1);
    }
}

#[test]
fn client_reconnects_when_all_rooms_are_refused_for_now() {
    let mut world = start();
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    world.server.rules.refuses = Some(RefusedCode::TRY_LATER);
    world.run(secs(30));
    assert!(world.client.counters().connections > 2);
    assert_eq!(world.count(&Seen::Disconnected(DisconnectReason::TryLater)), 1);
    world.server.rules = Rules::default();
    world.run_until(secs(20), |world| is_joined(world, LOBBY) && is_joined(world, attic));
}

#[test]
fn unanswered_join_holds_up_no_other_room() {
    let mut world = start();
    world.server.rules.is_mute_in = Some("lobby");
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    post(&mut world, LOBBY, "waits");
    post(&mut world, attic, "passes");
    world.run(secs(90));
    assert_eq!((world.client.unsettled(LOBBY), world.client.unsettled(attic)), (1, 0));
    assert_eq!(world.client.counters().connections, 1);
    assert_eq!(world.client.state(LOBBY), State::Joining);
}

#[test]
fn room_whose_proof_is_wrong_is_left_and_the_others_stay() {
    let (mut world, attic) = online();
    world.server.rules.is_impostor_in = Some("cellar");
    world.server.rooms[2].add_entry(b"do not believe this");
    let config = RoomConfig { start: Start::Last(9), ..room("cellar") };
    let cellar = world.client.join(world.now, &config).unwrap();
    post(&mut world, cellar, "not for impostors");
    world.run(secs(5));
    assert_eq!(world.seen_in, [(cellar, Seen::RoomEnded { reason: EndReason::ServerProofInvalid, unsettled: 1 })]);
    assert_eq!((world.server.posts.len(), &world.server.left_rooms[..]), (0, &["cellar"][..]));
    post(&mut world, attic, "still here");
    world.run(secs(1));
    assert_eq!(world.client.unsettled(attic), 0);
}

#[test]
fn all_rooms_resume_after_their_cursors() {
    let (mut world, attic) = online();
    world.server.add_entry(b"1");
    world.server.rooms[1].add_entry(b"1");
    world.server.rooms[1].add_entry(b"2");
    world.run(secs(1));
    clear(&mut world);
    world.server.rules.holds_entries = true;
    for at in 0..2 {
        world.server.rooms[at].add_entry(b"meanwhile");
    }
    post(&mut world, attic, "from bob");
    world.server.rules.is_silent = true;
    world.run(Duration::from_millis(500));
    world.server.restart();
    world.server.rules = Rules::default();
    world.run_until(secs(60), |world| is_joined(world, LOBBY) && is_joined(world, attic));
    world.run(secs(1));
    let joins: Vec<_> = world.server.joins[2..].iter().map(|join| (&*join.room, join.start, join.instance)).collect();
    let after = |seq| Start::After { seq, term: Term([1; 8]), fallback_count: 0 };
    assert_eq!(joins, [("lobby", after(1), 0x1001), ("attic", after(2), 0x1002)]);
    assert_eq!(entries(&world, LOBBY), log(&world.server.rooms[0])[1..]);
    assert_eq!(entries(&world, attic), log(&world.server.rooms[1])[2..]);
    assert!(in_room(&world, attic).contains(&&Seen::Stored { number: 1, seq: 0 }), "learned from the Welcome");
    assert_eq!(world.seen.iter().filter(|seen| matches!(seen, Seen::Disconnected(_))).count(), 1);
    assert_eq!(world.client.counters().connections, 2);
}

#[test]
fn reset_and_gap_are_of_their_room() {
    let (mut world, attic) = online();
    for _ in 0..3 {
        world.server.add_entry(b"x");
        world.server.rooms[1].add_entry(b"x");
    }
    world.run(secs(1));
    clear(&mut world);
    world.server.rules.holds_entries = true;
    world.server.rooms[1].add_entry(b"y");
    world.server.rooms[1].add_entry(b"z");
    world.server.rooms[0].log.clear();
    world.server.rooms[1].dropped = 4;
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.server.rules = Rules::default();
    world.run_until(secs(20), |world| is_joined(world, LOBBY) && is_joined(world, attic));
    world.run(secs(1));
    assert!(matches!(in_room(&world, LOBBY)[..], [Seen::Reset, Seen::Joined { is_resumed: false, .. }]));
    assert!(matches!(
        in_room(&world, attic)[..],
        [Seen::Gap { after: 3, first: 5 }, Seen::Joined { is_resumed: true, .. }, Seen::Entry { seq: 5, .. }]
    ));
}

#[test]
fn reset_of_another_room_than_the_next_welcome_is_rejected() {
    let (mut world, _) = online();
    let cellar = world.client.join(world.now, &room("cellar")).unwrap();
    // Reset, and then Stored of another room.
    let stored = ServerMessage::Stored { handle: 7, instance: 0x1001, number: 0, seq: 1 };
    world.server.rules.before_welcome = Some(encoded(&[ServerMessage::Reset { handle: 9 }, stored]));
    world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
    world.server.rules = Rules::default();
    world.run_until(secs(10), |world| world.client.state(cellar) == State::Online);
}

fn encoded(messages: &[ServerMessage<'_>]) -> Vec<u8> {
    let mut bytes = std::vec![0; MAX_MESSAGE_LEN];
    messages.iter().fold(Vec::new(), |mut all, message| {
        let len = message.encode(&mut bytes).unwrap();
        all.extend_from_slice(&bytes[..len]);
        all
    })
}

#[test]
fn entry_with_a_handle_of_no_room_closes_the_connection() {
    let (mut world, attic) = online();
    let header = EntryHeader { seq: 1, time_ms: 2, author: "eve", instance: 3, number: 4, kind: EntryKind::TEXT };
    world.server.send_all(&ServerMessage::Stub { handle: 9, header, size: 1 });
    world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
    assert!(world.seen_in.is_empty());
    world.run_until(secs(10), |world| is_joined(world, LOBBY) && is_joined(world, attic));
}

#[test]
fn entry_in_the_wrong_room_closes_the_connection() {
    let (mut world, attic) = online();
    world.server.add_entry(b"one");
    world.run(secs(1));
    clear(&mut world);
    // The next entry of the lobby, with the handle of the attic.
    let header = EntryHeader { seq: 2, time_ms: 2, author: "eve", instance: 3, number: 4, kind: EntryKind::TEXT };
    world.server.send_all(&ServerMessage::Stub { handle: 8, header, size: 1 });
    world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
    assert!(world.seen_in.is_empty());
    assert_eq!((world.client.cursor(LOBBY).unwrap().0, world.client.cursor(attic).unwrap().0), (1, 0));
}

#[test]
fn welcome_with_the_handle_of_another_room_is_rejected() {
    let (mut world, attic) = online();
    world.server.rules.handle_in = Some(("cellar", 8));
    let cellar = world.client.join(world.now, &room("cellar")).unwrap();
    world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
    assert!(world.seen_in.is_empty());
    world.server.rules = Rules::default();
    world.run_until(secs(10), |world| [LOBBY, attic, cellar].iter().all(|slot| is_joined(world, *slot)));
}

#[test]
fn membership_that_the_server_ends_does_not_affect_the_other_rooms() {
    let (mut world, attic) = online();
    world.server.rules.ignores_posts_in = Some("attic");
    post(&mut world, attic, "too late");
    world.run(secs(1));
    world.server.end_room(1, EndedCode::KICKED, "by anna: spam");
    world.run(secs(1));
    let info = Seen::info(Info::Ended { handle: 8, code: EndedCode::KICKED, text: "by anna: spam" });
    let ended = Seen::RoomEnded { reason: EndReason::EndedByServer(EndedCode::KICKED), unsettled: 1 };
    assert_eq!(in_room(&world, attic), [&info, &ended]);
    assert_eq!(world.client.state(attic), State::Idle);
    post(&mut world, LOBBY, "unaffected");
    world.run(secs(1));
    assert_eq!(entries(&world, LOBBY), log(&world.server.rooms[0]));
    assert_eq!(world.client.counters().connections, 1);
    world.server.end_room(0, EndedCode::CLOSED, "");
    world.run(secs(1));
    assert_eq!(world.ended(), Some(EndReason::EndedByServer(EndedCode::CLOSED)), "it was the only room");
}

#[test]
fn room_whose_next_entries_are_gone_is_joined_again_on_the_same_connection() {
    let (mut world, attic) = online();
    world.server.rules.holds_entries = true;
    for body in [b"gone", b"kept"] {
        world.server.rooms[1].add_entry(body);
    }
    world.run(secs(1));
    world.server.rules = Rules::default();
    world.server.rooms[1].dropped = 1;
    world.server.end_room(1, EndedCode::GAP, "");
    world.run(secs(1));
    let seen = in_room(&world, attic);
    assert_eq!(seen[0], &Seen::info(Info::Ended { handle: 8, code: EndedCode::GAP, text: "" }));
    assert_eq!(seen[1], &Seen::Gap { after: 0, first: 2 });
    assert!(matches!(seen[2], Seen::Joined { is_resumed: true, start: 1, .. }), "{seen:?}");
    assert_eq!(entries(&world, attic), [(2, b"kept".to_vec())]);
    assert_eq!((world.client.counters().connections, world.server.joins.len()), (1, 3));
}

#[test]
fn part_waits_until_the_posts_of_its_room_are_settled() {
    let (mut world, attic) = online();
    world.server.rules.ignores_posts_in = Some("attic");
    post(&mut world, attic, "last words");
    world.client.part(world.now, attic);
    assert_eq!(world.client.post(attic, EntryKind::TEXT, b"too late"), Err(PostError::NotRunning));
    assert_eq!(world.client.join(world.now, &room("attic")), Err(JoinError::AlreadyJoined));
    post(&mut world, LOBBY, "unaffected");
    world.run(secs(5));
    assert_eq!((world.server.left, world.client.unsettled(LOBBY), world.client.unsettled(attic)), (0, 0, 1));
    world.server.rules = Rules::default();
    world.server.restart();
    post(&mut world, LOBBY, "wake up");
    world.run_until(secs(60), |world| world.server.left == 1);
    world.run(secs(1));
    assert_eq!(in_room(&world, attic).last(), Some(&&Seen::RoomEnded { reason: EndReason::Left, unsettled: 0 }));
    assert_eq!(world.server.rooms[1].bodies(), texts(["last words"]));
    assert_eq!(world.server.left_rooms, ["attic"]);
    assert_eq!(world.client.request(world.now, attic, Request::ListMembers), Err(RequestError::NotJoined));
    assert_eq!(world.client.state(LOBBY), State::Online);
}

#[test]
fn room_that_was_left_can_be_joined_again_while_its_entries_arrive() {
    let (mut world, attic) = online();
    for round in 0..3 {
        for _ in 0..8 {
            world.server.rooms[1].add_entry(&[b'x'; 900]);
        }
        world.run(Duration::from_millis(15));
        world.client.part(world.now, attic);
        world.run(Duration::ZERO);
        assert_eq!(in_room(&world, attic).last(), Some(&&Seen::RoomEnded { reason: EndReason::Left, unsettled: 0 }));
        clear(&mut world);
        let config = RoomConfig { start: Start::Last(100), ..room("attic") };
        assert_eq!(world.client.join(world.now, &config), Ok(attic));
        world.run(secs(1));
        assert!(matches!(in_room(&world, attic)[0], Seen::Joined { is_resumed: false, start: 0, .. }), "{round}");
        assert_eq!(entries(&world, attic), log(&world.server.rooms[1]));
        assert_eq!(world.client.state(LOBBY), State::Online);
    }
    assert_eq!(world.client.counters().connections, 1);
}

#[test]
fn room_is_left_before_and_during_its_join() {
    let mut world = start();
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    world.client.part(world.now, attic);
    world.run(Duration::ZERO);
    let ended = Seen::RoomEnded { reason: EndReason::Left, unsettled: 0 };
    assert_eq!(world.seen_in, [(attic, ended.clone())]);
    world.run(secs(1));
    clear(&mut world);
    assert_eq!(world.server.joins.len(), 1, "never joined");
    let attic = world.client.join(world.now, &room("attic")).unwrap();
    world.run(Duration::from_millis(5));
    assert_eq!(world.client.state(attic), State::Joining);
    world.client.part(world.now, attic);
    world.run(secs(1));
    assert_eq!(in_room(&world, attic).last(), Some(&&ended));
    assert_eq!(world.server.left_rooms, ["attic"]);
}

#[test]
fn client_without_rooms_runs_until_it_leaves() {
    let (mut world, attic) = online();
    for slot in [LOBBY, attic] {
        world.client.part(world.now, slot);
    }
    world.run(secs(1));
    assert_eq!((world.server.left, world.ended()), (2, None));
    world.server.close_all(world.now, CloseCode::NOT_JOINED);
    world.run(secs(100));
    assert_eq!((world.client.counters().connections, world.ended()), (1, None), "there is nothing to connect for");
    let cellar = world.client.join(world.now, &room("cellar")).unwrap();
    assert_eq!(cellar, LOBBY, "the first free slot");
    world.run_until(secs(5), |world| is_joined(world, cellar));
    world.client.leave(world.now);
    world.run(secs(2));
    assert_eq!(world.seen.last(), Some(&Seen::Ended(EndReason::Left)));
    assert_eq!(world.server.left_rooms, ["lobby", "attic", "cellar"]);
}

#[test]
fn leave_leaves_all_rooms_once_all_posts_are_settled() {
    let (mut world, attic) = online();
    world.server.rules.ignores_posts_in = Some("attic");
    post(&mut world, attic, "must arrive");
    world.client.leave(world.now);
    assert_eq!(world.client.join(world.now, &room("cellar")), Err(JoinError::NotRunning));
    world.run(secs(5));
    assert_eq!((world.ended(), world.server.left), (None, 0));
    world.server.rules = Rules::default();
    world.server.restart();
    world.run_until(secs(60), |world| world.ended().is_some());
    assert_eq!(world.server.rooms[1].bodies(), texts(["must arrive"]));
    assert_eq!(world.server.left_rooms, ["lobby", "attic"]);
}

#[test]
fn join_rejects_what_it_cannot_do() {
    let mut world = World::idle(Server::new());
    assert_eq!(world.client.join(world.now, &room("attic")), Err(JoinError::NotRunning));
    let (mut world, attic) = online();
    let (long, password) = ("x".repeat(33), [b'x'; 129]);
    for (config, error) in [
        (room(""), JoinError::Config(ConfigError::Room)),
        (room(&long), JoinError::Config(ConfigError::Room)),
        (
            RoomConfig { credential: Credential::Password(&password), ..room("x") },
            JoinError::Config(ConfigError::Password),
        ),
        (room("lobby"), JoinError::AlreadyJoined),
        (room("attic"), JoinError::AlreadyJoined),
    ] {
        assert_eq!(world.client.join(world.now, &config), Err(error));
    }
    let cellar = world.client.join(world.now, &room("cellar")).unwrap();
    assert_eq!(world.client.join(world.now, &room("garden")), Err(JoinError::Full));
    world.run(secs(1));
    assert_eq!([LOBBY, attic, cellar].map(|slot| world.client.state(slot)), [State::Online; 3]);
}

#[test]
fn rooms_have_their_own_credentials() {
    let mut world = start();
    let password = RoomConfig { credential: Credential::Password(server::PASSWORD), ..room("attic") };
    let attic = world.client.join(world.now, &password).unwrap();
    let none = RoomConfig { credential: Credential::None, ..room("cellar") };
    let cellar = world.client.join(world.now, &none).unwrap();
    world.run_until(secs(5), |world| [LOBBY, attic, cellar].iter().all(|slot| is_joined(world, *slot)));
    let passwords: Vec<_> = world.server.joins.iter().map(|join| join.password.as_deref()).collect();
    assert_eq!(passwords, [None, Some(server::PASSWORD), None]);
    world.client.part(world.now, attic);
    world.run(secs(1));
    let credential = &world.client.rooms.get(attic).credential;
    assert_eq!(credential.authentication(&[0; 32]), crate::chat::Authentication::None, "it is wiped");
}

#[test]
fn room_that_never_settles_does_not_block_the_others() {
    let (mut world, attic) = online();
    world.server.rules.ignores_posts_in = Some("attic");
    let body = [b'x'; 200];
    let stuck = (0..).take_while(|_| world.client.post(attic, EntryKind::TEXT, &body).is_ok()).count();
    assert!(stuck > 5, "{stuck}");
    let mut sent = 0u64;
    for _ in 0..20 {
        while world.client.post(LOBBY, EntryKind::TEXT, &body).is_ok() {
            sent += 1;
        }
        world.run_until(secs(5), |world| world.client.unsettled(LOBBY) == 0);
        assert!(in_room(&world, LOBBY).contains(&&Seen::OutboxWritable));
        clear(&mut world);
    }
    assert!(sent >= 40, "{sent}");
    assert_eq!((world.server.head(), world.client.unsettled(attic)), (sent, stuck as u64));
    // Once it is settled, the room posts again.
    world.server.rules = Rules::default();
    world.server.restart();
    world.run_until(secs(60), |world| world.client.unsettled(attic) == 0);
    assert!(in_room(&world, attic).contains(&&Seen::OutboxWritable));
    assert_eq!(world.server.rooms[1].bodies().len(), stuck);
}

#[test]
fn posts_to_all_rooms_are_stored_once_and_in_order_under_random_faults() {
    for seed in 0..12 {
        run_with_faults(seed);
    }
}

fn run_with_faults(seed: u8) {
    let mut dice = ChaCha8Rng::seed_from_u64(u64::from(seed));
    let mut roll = |sides: u32| dice.next_u32() % sides;
    let mut world = World::start_with(Server::new(), &Config { start: Start::Last(1000), ..config() }, seed);
    let others = ["attic", "cellar"].map(|name| {
        let config = RoomConfig { start: Start::Last(1000), ..room(name) };
        world.client.join(world.now, &config).unwrap()
    });
    let slots = [LOBBY, others[0], others[1]];
    let mut posted: [Vec<Vec<u8>>; 3] = Default::default();
    for _ in 0..50 {
        world.loss = [0, 0, 10, 30][roll(4) as usize];
        match roll(12) {
            0 => world.server.restart(),
            1 => world.server.close_all(world.now, CloseCode::SHUTDOWN),
            2 => world.server.rules.is_down = true,
            3 => world.server.rules.refuses_in = Some((["lobby", "attic"][roll(2) as usize], RefusedCode::TRY_LATER)),
            4 => world.polls = false,
            5..=6 => (world.server.rules, world.polls) = (Rules::default(), true),
            7 => world.server.rooms[roll(3) as usize].add_entry(&[b's'; 700]),
            _ => {
                for _ in 0..=roll(12) {
                    let at = roll(3) as usize;
                    let mut body = format!("post {} ", posted[at].len() + 1).into_bytes();
                    body.resize(body.len() + roll(300) as usize, b'x');
                    if let Ok(number) = world.client.post(slots[at], EntryKind::TEXT, &body) {
                        posted[at].push(body);
                        assert_eq!(number, posted[at].len() as u64);
                    }
                }
            }
        }
        world.run(Duration::from_millis(u64::from(roll(4000))));
    }
    (world.loss, world.polls, world.server.rules) = (20, true, Rules::default());
    world.run_until(secs(300), |world| slots.iter().all(|slot| world.client.unsettled(*slot) == 0));
    world.loss = 0;
    world.run(secs(30));
    for (at, slot) in slots.into_iter().enumerate() {
        let room = &world.server.rooms[at];
        let own = room.log.iter().filter(|entry| entry.author == "bob").map(|entry| entry.body.clone());
        assert_eq!(own.collect::<Vec<_>>(), posted[at], "seed {seed}, room {at}");
        assert_eq!(entries(&world, slot), log(room), "seed {seed}, room {at}");
    }
}
