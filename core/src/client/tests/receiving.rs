//! Entries: exactly the log after the cursor, one at a time, at the caller's pace (SPEC 6.1, 6.3,
//! 7).

use std::vec;
use std::vec::Vec;

use super::server::{self, PASSWORD, Server};
use super::world::{Seen, World, config, secs};
use crate::chat::{EndedCode, Info, Request, ServerMessage, Start, Term, Welcome};
use crate::client::{Config, Credential, DisconnectReason, Event, Output, RequestError, RoomSlot, State};
use crate::connection::Closed;
use crate::wire::frame::CloseCode;

const BROKEN: Seen = Seen::Disconnected(DisconnectReason::Closed(Closed::Locally(CloseCode::MESSAGE)));

fn add_entries(world: &mut World, count: u64) {
    for _ in 0..count {
        let text = std::format!("entry {}", world.server.head() + 1);
        world.server.add_entry(text.as_bytes());
    }
}

fn seqs(world: &World) -> Vec<u64> {
    world
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Entry { seq, .. } | Seen::EntryTooLarge { seq, .. } => Some(*seq),
            _ => None,
        })
        .collect()
}

#[test]
fn delivery_begins_at_the_configured_start() {
    for (start, first) in [(Start::Head, 11), (Start::Last(3), 8), (Start::Last(99), 1)] {
        let mut world = World::idle(Server::new());
        add_entries(&mut world, 10);
        let config = Config { fingerprint: Some(server::fingerprint(0)), start, ..config() };
        world.client.start(&config, [1; 32], world.now).unwrap();
        world.run(secs(1));
        add_entries(&mut world, 2);
        world.run(secs(1));
        assert_eq!(seqs(&world), (first..=12).collect::<Vec<_>>());
        assert_eq!(world.client.cursor(RoomSlot::FIRST), Some((12, Term([1; 8]))));
    }
}

#[test]
fn delivery_continues_after_a_cursor_of_an_earlier_run() {
    let mut world = World::idle(Server::new());
    add_entries(&mut world, 10);
    let start = Start::After { seq: 4, term: Term([1; 8]), fallback_count: 2 };
    let config = Config { fingerprint: Some(server::fingerprint(0)), start, ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.run(secs(1));
    assert_eq!(seqs(&world), [5, 6, 7, 8, 9, 10]);
    assert!(matches!(world.seen[0], Seen::Joined { is_resumed: false, start: 4, head: 10, .. }));
}

#[test]
fn invalid_cursor_is_reported_and_delivery_starts_over() {
    for (seq, term) in [(4, Term([9; 8])), (11, Term([1; 8]))] {
        let mut world = World::idle(Server::new());
        add_entries(&mut world, 10);
        let start = Start::After { seq, term, fallback_count: 2 };
        let config = Config { fingerprint: Some(server::fingerprint(0)), start, ..config() };
        world.client.start(&config, [1; 32], world.now).unwrap();
        world.run(secs(1));
        assert_eq!(world.seen[0], Seen::Reset);
        assert!(matches!(world.seen[1], Seen::Joined { is_resumed: false, start: 8, .. }));
        assert_eq!(seqs(&world), [9, 10]);
    }
}

#[test]
fn replaced_log_is_reported_on_reconnecting() {
    let mut world = World::online();
    add_entries(&mut world, 3);
    world.run(secs(1));
    world.seen.clear();
    world.server.forget_everything();
    add_entries(&mut world, 1);
    world.post(b"wake up");
    world.run_until(secs(60), World::has_joined);
    assert!(matches!(
        world.seen[..3],
        [Seen::Disconnected(_), Seen::Reset, Seen::Joined { is_resumed: false, start: 1, .. }]
    ));
    assert_eq!(world.client.cursor(RoomSlot::FIRST).unwrap().1, Term([0xee; 8]));
}

#[test]
fn deleted_entries_are_reported_as_a_gap() {
    let mut world = World::online();
    add_entries(&mut world, 3);
    world.run(secs(1));
    world.seen.clear();
    world.server.rules.holds_entries = true;
    add_entries(&mut world, 7);
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.server.rooms[0].dropped = 8;
    world.server.rules.holds_entries = false;
    world.run_until(secs(10), |world| seqs(world).len() == 2);
    assert_eq!(world.seen[0], Seen::Disconnected(DisconnectReason::Shutdown));
    assert_eq!(world.seen[1], Seen::Gap { after: 3, first: 9 });
    assert!(matches!(world.seen[2], Seen::Joined { is_resumed: true, start: 8, head: 10, .. }));
    assert_eq!(seqs(&world), [9, 10]);
}

#[test]
fn repeated_entry_is_never_delivered() {
    let mut world = World::online();
    world.server.rules.repeats = Some(2);
    add_entries(&mut world, 4);
    world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
    assert_eq!(seqs(&world), [1, 2]);
    world.server.rules.repeats = None;
    world.run_until(secs(10), |world| seqs(world).len() == 4);
    assert_eq!(seqs(&world), [1, 2, 3, 4]);
    assert!(world.server.ended.contains(&Closed::ByPeer(CloseCode::MESSAGE)));
}

#[test]
fn entries_after_a_missing_one_are_not_delivered() {
    let mut world = World::online();
    world.server.rules.skips = Some(2);
    add_entries(&mut world, 4);
    world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
    assert_eq!(seqs(&world), [1]);
    world.server.rules.skips = None;
    world.run_until(secs(10), |world| seqs(world).len() == 4);
    assert_eq!(seqs(&world), [1, 2, 3, 4]);
}

#[test]
fn welcome_that_skips_or_repeats_entries_is_rejected() {
    // The log is 1 to 6, the cursor 3. Starts before it, after it although 4 is stored, and beyond
    // the end; a first entry of 0, which never exists, and a start before the first entry.
    for (starts_at, first) in [(Some(2), None), (Some(4), None), (Some(7), None), (None, Some(0)), (Some(3), Some(5))] {
        let mut world = World::online();
        add_entries(&mut world, 3);
        world.run(secs(1));
        world.server.rules.holds_entries = true;
        add_entries(&mut world, 3);
        world.seen.clear();
        (world.server.rules.starts_at, world.server.rules.first) = (starts_at, first);
        world.server.close_all(world.now, CloseCode::SHUTDOWN);
        world.run(secs(3));
        assert_eq!(world.seen, [Seen::Disconnected(DisconnectReason::Shutdown)], "{starts_at:?} {first:?}");
        assert!(world.server.ended.contains(&Closed::ByPeer(CloseCode::MESSAGE)));
        world.server.rules = server::Rules::default();
        world.run_until(secs(20), |world| seqs(world).len() == 3);
        assert_eq!(seqs(&world), [4, 5, 6]);
    }
}

#[test]
fn first_welcome_must_state_a_start_in_the_log() {
    for (starts_at, first) in [(Some(7), None), (Some(2), Some(4)), (None, Some(0))] {
        let mut world = World::idle(Server::new());
        add_entries(&mut world, 6);
        (world.server.rules.starts_at, world.server.rules.first) = (starts_at, first);
        let config = Config { fingerprint: Some(server::fingerprint(0)), ..config() };
        world.client.start(&config, [1; 32], world.now).unwrap();
        world.run(secs(3));
        assert_eq!(world.seen, [BROKEN], "{starts_at:?} {first:?}");
    }
}

#[test]
fn entries_above_the_limit_arrive_as_stubs() {
    let mut world = World::online_with(&Config { max_entry_len: 10, ..config() });
    world.server.add_entry(b"0123456789");
    world.server.add_entry(b"0123456789x");
    world.server.add_entry(b"end");
    world.run(secs(1));
    assert_eq!(seqs(&world), [1, 2, 3]);
    assert!(world.seen.contains(&Seen::EntryTooLarge { seq: 2, size: 11 }));
    assert_eq!(world.client.cursor(RoomSlot::FIRST).unwrap().0, 3);
}

#[test]
fn server_waits_while_the_caller_does_not_poll() {
    let mut world = World::online();
    world.polls = false;
    let body = [b'x'; 3000];
    for _ in 0..40 {
        world.server.add_entry(&body);
    }
    world.run(secs(20));
    assert_eq!(seqs(&world), []);
    assert_eq!(world.client.cursor(RoomSlot::FIRST).unwrap().0, 0);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
    // One by one, then all.
    world.client.resume_events();
    let output = world.client.poll_output(world.now, &mut []);
    assert!(matches!(output, Output::Event(Event::Entry { header, .. }) if header.seq == 1));
    assert_eq!(world.client.cursor(RoomSlot::FIRST).unwrap().0, 1);
    world.polls = true;
    world.run_until(secs(20), |world| seqs(world).len() == 39);
    assert_eq!(seqs(&world), (2..=40).collect::<Vec<_>>());
}

#[test]
fn requests_are_answered_during_delivery() {
    let mut joining = World::start(&config());
    assert_eq!(
        joining.client.request(joining.now, RoomSlot::FIRST, Request::ListMembers),
        Err(RequestError::NotJoined)
    );
    let mut world = World::online();
    add_entries(&mut world, 5);
    world.run(secs(1));
    world.seen.clear();
    let history = |before, count| Request::History { before, count };
    for request in [Request::ListMembers, history(5, 3), history(0, 1)] {
        world.client.request(world.now, RoomSlot::FIRST, request).unwrap();
    }
    world.run(secs(1));
    let members = Seen::info(Info::MemberListed { handle: 7, remaining: 0, name: Some("bob") });
    assert_eq!(world.seen[0], members);
    let entries = world.seen[1..].iter().map(|seen| {
        let Seen::Info(message) = seen else { panic!("{seen:?}") };
        let message = ServerMessage::decode(&message[2..]);
        let Ok(Some(ServerMessage::Info(Info::HistoryEntry { remaining, entry, .. }))) = message else {
            panic!("{message:?}")
        };
        (remaining, entry.map(|entry| entry.header.seq))
    });
    assert!(entries.eq([(2, Some(2)), (1, Some(3)), (0, Some(4)), (0, Some(5))]), "{:?}", world.seen);
    assert_eq!(world.client.cursor(RoomSlot::FIRST).unwrap().0, 5);
}

#[test]
fn only_room_is_joined_again_when_its_next_entries_are_gone() {
    let mut world = World::online();
    world.seen.clear();
    world.server.end_room(0, EndedCode::GAP, "");
    world.run(secs(1));
    assert!(matches!(world.seen[..], [Seen::Info(_), Seen::Joined { is_resumed: true, .. }]), "{:?}", world.seen);
    world.seen.clear();
    // For any other reason, the server closes the connection; until then the client stays.
    world.server.end_room(0, EndedCode::KICKED, "spam");
    world.run(secs(1));
    assert_eq!(world.seen, [Seen::info(Info::Ended { handle: 7, code: EndedCode::KICKED, text: "spam" })]);
    assert_eq!(world.client.counters().connections, 1);
}

#[test]
fn client_for_one_room_skips_lists_of_rooms_and_topics() {
    let mut world = World::online();
    world.seen.clear();
    for info in [Info::RoomListed { handle: 7, remaining: 0, room: None }, Info::Topic { handle: 7, topic: "news" }] {
        world.server.send_all(&ServerMessage::Info(info));
    }
    world.run(secs(1));
    assert_eq!(world.seen, []);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Online);
}

#[test]
fn answers_about_another_room_are_ignored() {
    let mut world = World::online();
    world.seen.clear();
    let notice = Info::Notice { code: 0, text: "for everybody" };
    for info in [Info::MemberListed { handle: 2, remaining: 0, name: None }, notice] {
        world.server.send_all(&ServerMessage::Info(info));
    }
    world.run(secs(1));
    assert_eq!(world.seen, [Seen::info(notice)]);
}

#[test]
fn unknown_messages_are_skipped() {
    let mut world = World::online();
    world.server.send_raw(&[0, 4, 0x7f, 1, 2, 3]);
    add_entries(&mut world, 1);
    world.run(secs(1));
    assert_eq!(seqs(&world), [1]);
}

#[test]
fn malformed_messages_close_the_connection() {
    // An empty message; a Stored without its fields; a message longer than stated; a second
    // Welcome; a Refused after Welcome.
    let long = [&[0x20, 0x00, 0x4a, 0][..], &[0; 300]].concat();
    for raw in [vec![0, 0], vec![0, 2, 0x46, 7], long, vec![0, 2, 0x43, 7], vec![0, 3, 0x42, 9, 0]] {
        let mut world = World::online();
        world.server.send_raw(&raw);
        world.run_until(secs(2), |world| world.seen.contains(&BROKEN));
        world.run_until(secs(10), |world| world.client.state(RoomSlot::FIRST) == State::Online);
    }
}

#[test]
fn entries_before_the_welcome_close_the_connection() {
    let mut world = World::online();
    add_entries(&mut world, 1);
    world.run(secs(1));
    let entry = std::vec![0, 40, 0x44, 7];
    let raw = [&entry[..], &[0; 38]].concat();
    world.server.rules.before_welcome = Some(raw);
    world.seen.clear();
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.run(secs(4));
    assert_eq!(seqs(&world), []);
    assert!(world.server.ended.contains(&Closed::ByPeer(CloseCode::MESSAGE)));
}

#[test]
fn a_welcome_that_states_posts_never_made_is_not_delivered() {
    let welcome = ServerMessage::Welcome(Welcome {
        handle: 7,
        room: "lobby",
        name: "bob",
        first: 1,
        instance: 5,
        highest_stored: 1,
        ..Welcome::default()
    });
    let mut raw = std::vec![0; 512];
    let len = welcome.encode(&mut raw).unwrap();
    raw.truncate(len);
    let mut server = Server::new();
    server.rules.before_welcome = Some(raw);
    let mut world = World::start_with(server, &Config { credential: Credential::Password(PASSWORD), ..config() }, 1);
    world.run_until(secs(5), |world| world.server.ended.contains(&Closed::ByPeer(CloseCode::MESSAGE)));
    assert_eq!(world.seen, [BROKEN]);
    assert_eq!(world.client.cursor(RoomSlot::FIRST), None);
}
