//! Entries, answers, numbers and cursors of several rooms.

use super::*;

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
