//! How a client ends.

use super::server::Server;
use super::world::{Seen, World, config, secs};
use crate::chat::{EntryKind, Request};
use crate::client::{EndReason, Event, Output, PostError, RequestError, RoomSlot, State};
use crate::connection::Closed;
use crate::time::Duration;
use crate::wire::frame::CloseCode;

const LEFT: Seen = Seen::Ended(EndReason::Left);

#[test]
fn leave_is_sent_to_the_server() {
    let mut world = World::online();
    world.client.leave(world.now);
    world.run(secs(2));
    assert_eq!(world.seen, [LEFT]);
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Ended);
    assert_eq!(world.server.left, 1);
    assert_eq!(world.server.ended, [Closed::ByPeer(CloseCode::LEFT)]);
    assert_eq!(world.deadline, None);
}

#[test]
fn leave_waits_until_all_posts_are_settled() {
    let mut world = World::online();
    world.server.rules.ignores_posts = true;
    world.post(b"must arrive");
    world.client.leave(world.now);
    assert_eq!(world.client.post(RoomSlot::FIRST, EntryKind::TEXT, b"too late"), Err(PostError::NotRunning));
    world.run(secs(30));
    assert_eq!(world.seen, []);
    world.server.rules.ignores_posts = false;
    world.server.restart();
    world.run_until(secs(60), |world| world.ended().is_some());
    assert_eq!(world.server.bodies(), [b"must arrive"]);
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 0);
    assert_eq!(world.server.left, 1);
}

#[test]
fn leave_ends_at_once_when_offline_without_posts() {
    for mut world in [World::start(&config()), World::online()] {
        world.server.rules.is_down = true;
        if world.client.state(RoomSlot::FIRST) == State::Online {
            world.post(b"x");
            world.run(secs(30));
            assert_eq!(world.client.state(RoomSlot::FIRST), State::Reconnecting);
            world.client.leave(world.now);
            world.run(secs(5));
            assert_eq!(world.ended(), None, "something waits");
            world.client.abort(world.now);
        } else {
            world.client.leave(world.now);
        }
        world.run(Duration::ZERO);
        assert_eq!(world.seen.last(), Some(&LEFT));
    }
}

#[test]
fn leave_ends_in_bounded_time_when_the_server_is_silent() {
    let mut world = World::online();
    world.server.rules.is_down = true;
    world.client.leave(world.now);
    world.run_until(secs(2), |world| world.ended().is_some());
    assert_eq!(world.seen, [LEFT]);
}

#[test]
fn leave_arrives_at_30_percent_loss() {
    for seed in 0..8 {
        let mut world = World::start_with(Server::new(), &config(), seed);
        world.loss = 30;
        world.run_until(secs(60), World::has_joined);
        world.post(b"bye");
        world.client.leave(world.now);
        world.run_until(secs(60), |world| world.ended().is_some());
        world.run(secs(1));
        assert_eq!(world.server.bodies(), [b"bye"]);
    }
}

#[test]
fn abort_ends_at_once_and_is_reported_once() {
    let mut world = World::online();
    world.server.rules.ignores_posts = true;
    world.post(b"lost");
    world.client.abort(world.now);
    world.run(Duration::ZERO);
    assert_eq!(world.seen, [LEFT]);
    assert_eq!(world.client.unsettled(RoomSlot::FIRST), 1, "what was lost can be asked");
    world.run(secs(1));
    assert_eq!(world.server.ended, [Closed::ByPeer(CloseCode::LEFT)]);
    world.client.abort(world.now);
    world.client.leave(world.now);
    world.run(secs(1));
    assert_eq!(world.seen, [LEFT], "said once");
}

#[test]
fn secrets_are_wiped_after_the_end() {
    let mut world = World::online();
    assert!(
        world.client.secrets.identity().is_some()
            && world.client.rooms.get(RoomSlot::FIRST).credential.room_secret().is_some()
    );
    world.client.leave(world.now);
    world.run(secs(2));
    assert!(
        world.client.secrets.identity().is_none()
            && world.client.rooms.get(RoomSlot::FIRST).credential.room_secret().is_none()
    );
}

#[test]
fn end_is_reported_after_the_last_datagram() {
    let mut world = World::online();
    world.client.abort(world.now);
    let mut out = [0; 1200];
    assert!(matches!(world.client.poll_output(world.now, &mut out), Output::Transmit(_)));
    assert_eq!(world.client.poll_output(world.now, &mut out), Output::Event(Event::Ended(EndReason::Left)));
    assert!(matches!(world.client.poll_output(world.now, &mut out), Output::Timeout(_)));
}

#[test]
fn datagrams_wait_while_the_buffer_is_too_small() {
    let mut world = World::online();
    world.post(b"x");
    let mut out = [0; 1200];
    assert!(matches!(world.client.poll_output(world.now, &mut out[..1199]), Output::Timeout(_)));
    assert!(matches!(world.client.poll_output(world.now, &mut out), Output::Transmit(_)));
}

#[test]
fn idle_client_does_nothing() {
    let mut world = World::idle(Server::new());
    world.client.leave(world.now);
    world.client.abort(world.now);
    world.client.accept_key(world.now);
    world.client.handle_timeout(world.now);
    world.inject(super::server::ADDRESS, [0x15; 40].to_vec());
    assert_eq!(world.client.request(world.now, RoomSlot::FIRST, Request::ListMembers), Err(RequestError::NotJoined));
    world.run(secs(10));
    assert_eq!((world.seen.len(), world.sent.len()), (0, 0));
    assert_eq!(world.client.state(RoomSlot::FIRST), State::Idle);
    assert_eq!(world.deadline, None);
}

#[test]
fn debug_output_shows_no_secret_and_no_text() {
    let mut world = World::online();
    world.post(b"between us");
    let text = std::format!("{:?} {:?}", world.client, config());
    assert!(!text.contains("between") && !text.contains("29, 29") && !text.contains("1d1d"), "{text}");
}
