//! Posts: stored in order, exactly once, or refused permanently (SPEC 6.5, 7).

use std::vec::Vec;

use super::server::Server;
use super::world::{Seen, World, config, secs};
use crate::chat::{EntryKind, POST_OVERHEAD, PostRefusedCode, ServerMessage};
use crate::client::{Config, DisconnectReason, PostError, RECORD_OVERHEAD, RoomSlot, State};
use crate::connection::Closed;
use crate::wire::frame::CloseCode;

fn texts(count: usize) -> Vec<Vec<u8>> {
    (1..=count).map(|n| std::format!("text {n}").into_bytes()).collect()
}

#[test]
fn post_is_stored_and_returned_as_own_entry() {
    let mut world = World::online();
    assert_eq!(world.post(b"hello"), 1);
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 1);
    world.run(secs(1));
    assert!(world.seen.contains(&Seen::Stored { number: 1, seq: 1 }));
    assert!(world.seen.contains(&Seen::Entry { seq: 1, number: 1, body: b"hello".to_vec(), own: true }));
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 0);
    world.server.add_entry(b"hi");
    world.run(secs(1));
    assert!(world.seen.contains(&Seen::Entry { seq: 2, number: 2, body: b"hi".to_vec(), own: false }));
}

#[test]
fn stores_in_order_over_loss() {
    for seed in 0..4 {
        let mut world = World::start_with(Server::new(), &config(), seed);
        world.loss = 30;
        let texts = texts(60);
        let mut next = 0;
        world.run_until(secs(60), World::has_joined);
        while next < texts.len() {
            match world.client.post(RoomSlot::FIRST, EntryKind::TEXT, &texts[next]) {
                Ok(number) => {
                    next += 1;
                    assert_eq!(number, next as u64);
                }
                Err(error) => {
                    assert_eq!(error, PostError::Full);
                    world.run(secs(1));
                }
            }
        }
        world.run_until(secs(120), |world| world.client.unsettled(RoomSlot::FIRST) == 0 && world.bodies().len() == 60);
        assert_eq!(world.server.bodies(), texts);
        assert_eq!(world.bodies(), texts);
    }
}

#[test]
fn full_outbox_reports_when_it_has_space() {
    let mut world = World::online();
    world.server.rules.ignores_posts = true;
    let body = [b'x'; 1000];
    for _ in 0..4 {
        world.post(&body);
    }
    assert_eq!(world.client.post(RoomSlot::FIRST, EntryKind::TEXT, &body), Err(PostError::Full));
    world.run(secs(1));
    assert!(!world.seen.contains(&Seen::OutboxWritable));
    world.server.rules.ignores_posts = false;
    // Posts ignored on this connection are sent again on the next.
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.count(&Seen::OutboxWritable), 1);
    assert_eq!(world.post(&body), 5);
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.head(), 5);
}

#[test]
fn rejects_posts_that_can_never_be_sent() {
    let mut world = World::online();
    let mut post = |kind, body: &[u8]| world.client.post(RoomSlot::FIRST, kind, body);
    assert_eq!(post(EntryKind::JOINED, b""), Err(PostError::Kind));
    assert_eq!(post(EntryKind(200), b""), Err(PostError::Kind));
    assert_eq!(post(EntryKind::TEXT, &[b'x'; 4097]), Err(PostError::TooLong));
    assert_eq!(post(EntryKind::DATA, &[b'x'; 4353]), Err(PostError::TooLong));
    // The outbox of this client is smaller than that.
    assert_eq!(post(EntryKind::DATA, &[b'x'; 4096 - RECORD_OVERHEAD + 1]), Err(PostError::TooLong));
    assert_eq!(post(EntryKind::TEXT, b"\xff"), Err(PostError::NotText));
    assert_eq!(post(EntryKind::DATA, b"\xff"), Ok(1));
    assert_eq!(
        World::idle(Server::new()).client.post(RoomSlot::FIRST, EntryKind::TEXT, b"x"),
        Err(PostError::NotRunning)
    );
}

#[test]
fn posts_without_stored_are_stored_once() {
    let mut world = World::online();
    world.server.rules.is_silent = true;
    for text in texts(5) {
        world.post(&text);
    }
    world.run(secs(1));
    assert_eq!((world.server.head(), world.client.unsettled(RoomSlot::FIRST)), (5, 5));
    world.server.rules.is_silent = false;
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert!(world.seen.contains(&Seen::Stored { number: 5, seq: 0 }), "learned on resuming");
    world.run(secs(2));
    assert_eq!(world.server.bodies(), texts(5));
    assert_eq!(world.bodies(), texts(5));
}

#[test]
fn resumes_with_the_lowest_unsettled_post() {
    let mut world = World::online();
    for text in texts(2) {
        world.post(&text);
    }
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    world.server.rules.ignores_posts = true;
    for text in &texts(5)[2..] {
        world.post(text);
    }
    world.run(secs(1));
    world.server.rules.ignores_posts = false;
    world.server.posts.clear();
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.posts, [(3, 2), (4, 2), (5, 2)]);
    assert_eq!(world.server.bodies(), texts(5));
}

#[test]
fn posts_after_a_refused_one_are_resent() {
    let mut world = World::online();
    world.server.rules.refuses_post = Some(b"text 3".to_vec());
    for text in texts(6) {
        world.post(&text);
    }
    world.run_until(secs(3), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert!(world.seen.contains(&Seen::PostRefused { number: 3, code: PostRefusedCode::MUTED }));
    let mut expected = texts(6);
    expected.remove(2);
    assert_eq!(world.server.bodies(), expected);
    // SPEC 6.5: 4 to 6 were ignored, and sent again with 3 settled.
    assert_eq!(world.server.posts[..6].iter().map(|post| post.0).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(world.server.posts[6..], [(4, 3), (5, 3), (6, 3)]);
}

#[test]
fn received_refusal_survives_the_connection() {
    let mut world = World::online();
    world.server.rules.refuses_post = Some(b"text 2".to_vec());
    world.server.rules.is_silent = true;
    for text in texts(3) {
        world.post(&text);
    }
    world.run_until(secs(3), |world| world.seen.iter().any(|seen| matches!(seen, Seen::PostRefused { .. })));
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 2);
    // The server would accept it now, but a post that was reported as refused must never be
    // stored.
    world.server.rules.refuses_post = None;
    world.server.rules.is_silent = false;
    world.server.close_all(world.now, CloseCode::SHUTDOWN);
    world.run_until(secs(10), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.bodies(), [&b"text 1"[..], b"text 3"]);
    assert_eq!(world.count(&Seen::PostRefused { number: 2, code: PostRefusedCode::MUTED }), 1);
}

#[test]
fn lost_refusal_is_decided_again() {
    let mut world = World::online();
    world.server.rules.refuses_post = Some(b"text 2".to_vec());
    world.is_deaf = true;
    for text in texts(3) {
        world.post(&text);
    }
    world.run(secs(1));
    world.server.rules.refuses_post = None;
    world.server.restart();
    world.is_deaf = false;
    world.run_until(secs(60), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.bodies(), texts(3));
}

#[test]
fn renumbers_posts_under_a_new_instance() {
    let mut world = World::online();
    for text in texts(2) {
        world.post(&text);
    }
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    world.server.rules.ignores_posts = true;
    for text in &texts(4)[2..] {
        world.post(text);
    }
    world.run(secs(1));
    let before = world.server.joins[0].clone();
    world.server.rules.ignores_posts = false;
    world.server.forget_everything();
    world.server.posts.clear();
    world.seen.clear();
    world.run_until(secs(60), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(before.instance, 0);
    assert_ne!(world.server.joins[1].instance, 0, "it asks for the one it knew");
    assert_eq!(world.server.posts, [(1, 0), (2, world.server.posts[1].1)]);
    assert_eq!(world.server.bodies(), &texts(4)[2..]);
    // The caller's numbers continue.
    assert!(world.seen.contains(&Seen::Reset));
    assert!(world.seen.iter().any(|seen| matches!(seen, Seen::Stored { number: 4, .. })));
    assert_eq!(world.post(b"next"), 5);
    world.run_until(secs(2), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert_eq!(world.server.posts.last().unwrap().0, 3);
}

#[test]
fn posts_too_long_for_the_server_are_refused_locally() {
    let mut world = World::idle(Server::new());
    world.server.set_message_limit(1000);
    let config = Config { fingerprint: Some(super::server::fingerprint(0)), ..config() };
    world.client.start(&config, [1; 32], world.now).unwrap();
    world.post(b"short");
    world.post(&[b'x'; 1000 - POST_OVERHEAD + 1]);
    world.post(&[b'y'; 1000 - POST_OVERHEAD]);
    world.run_until(secs(3), |world| world.client.unsettled(RoomSlot::FIRST) == 0);
    assert!(world.seen.contains(&Seen::PostRefused { number: 2, code: PostRefusedCode::TOO_LONG }));
    assert_eq!(world.server.bodies(), [b"short".to_vec(), [b'y'; 1000 - POST_OVERHEAD].to_vec()]);
}

#[test]
fn stored_for_a_number_never_posted_closes_the_connection() {
    let mut world = World::online();
    let instance = 0x1001;
    world.server.send_all(&ServerMessage::Stored { handle: 7, instance, number: 1, seq: 1 });
    world.run(secs(1));
    assert_eq!(world.seen[0], Seen::Disconnected(DisconnectReason::Closed(Closed::Locally(CloseCode::MESSAGE))));
    world.run_until(secs(5), |world| world.client.state(RoomSlot::FIRST) == State::Online);
}

#[test]
fn messages_about_another_room_or_instance_are_skipped() {
    let mut world = World::online();
    world.server.rules.ignores_posts = true;
    world.post(b"mine");
    world.server.send_all(&ServerMessage::Stored { handle: 7, instance: 4, number: 1, seq: 1 });
    world.server.send_all(&ServerMessage::Stored { handle: 9, instance: 0x1001, number: 1, seq: 1 });
    world.server.send_all(&ServerMessage::PostRefused {
        handle: 7,
        instance: 4,
        number: 1,
        code: PostRefusedCode::KIND,
    });
    world.run(secs(1));
    assert_eq!(world.seen, []);
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 1);
}
