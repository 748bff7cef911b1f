//! How one of several rooms ends: by the server, by `part`, by `leave`.

use super::*;

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
fn part_after_the_end_reports_nothing() {
    let (mut world, attic) = online();
    world.client.abort(world.now);
    world.run(secs(1));
    world.client.part(world.now, attic);
    world.run(secs(1));
    assert_eq!(world.seen.last(), Some(&Seen::Ended(EndReason::Left)), "{:?}", world.last_seen());
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
