//! Joins of several rooms, and their refusals.

use super::*;

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
