//! Members that hold memory which others need, without progress (SPEC 5.8).

use kabar_core::connection::StreamId;
use kabar_core::time::Duration;

use super::fake_client::join_args;
use super::fake_transfers::Content;
use super::world::World;
use crate::hub::RoomId;

/// A world with memory for this many send and receive rings.
fn world(send: usize, receive: usize) -> World {
    World::with(|config| config.limits.pool_bytes = (send * 32 + receive * 8) << 10)
}

#[test]
fn a_member_that_never_acknowledges_is_removed_when_memory_is_short() {
    // There is a send ring for one member at a time.
    let mut world = world(1, 2);
    let mute = world.join(&join_args("Mute", 1));
    let ana = world.join(&join_args("Ana", 2));
    world.run(Duration::from_secs(2));
    world.clients[mute].is_unreachable = true;
    // It repeats this as long as it receives no acknowledgement: it is not silent.
    world.clients[mute].post(1, "one");
    world.run(Duration::from_secs(5));
    world.clients[ana].post(1, "two");
    world.run(Duration::from_secs(15));
    let received = world.hub.counters().packets_received;
    assert_eq!((world.clients[ana].stored(), world.hub.counters().reclaimed), (0, 0), "it may only be slow");
    world.run(Duration::from_secs(15));
    assert!(world.hub.counters().packets_received > received + 5, "it was not silent");
    assert_eq!((world.clients[ana].stored(), world.hub.counters().reclaimed), (1, 1));
    assert_eq!(world.hub.who(world.now, RoomId::FIRST).len(), 1);
}

#[test]
fn a_member_that_never_completes_a_message_is_removed_when_memory_is_short() {
    // A member that holds a receive ring leaves no memory for the only send ring.
    let mut world = World::with(|config| config.limits.pool_bytes = (40 << 10) - 1);
    let half = world.join(&join_args("Half", 1));
    let ana = world.join(&join_args("Ana", 2));
    world.run(Duration::from_secs(2));
    assert!(world.clients[half].send_raw(&[0, 200, 2, 1, 1]));
    world.run(Duration::from_secs(1));
    world.clients[ana].post(1, "one");
    world.run(Duration::from_secs(20));
    assert_eq!((world.clients[ana].stored(), world.hub.counters().reclaimed), (0, 0));
    world.run(Duration::from_secs(15));
    assert_eq!((world.clients[ana].stored(), world.hub.counters().reclaimed), (1, 1));
}

#[test]
fn a_member_that_holds_a_buffer_for_files_and_sends_none_is_removed_when_memory_is_short() {
    // Half of the memory is for files: one buffer, besides some for the chat.
    let mut world = World::with(|config| {
        config.limits.pool_bytes = 2 * (config.profile.capacity.bulk_receive + (64 << 10));
    });
    let half = world.join(&join_args("Half", 1));
    let ana = world.join(&join_args("Ana", 2));
    world.run(Duration::from_secs(2));
    let now = world.now;
    assert!(world.clients[half].connection.send(now, StreamId::Bulk, &[&[0]]).is_ok());
    world.run(Duration::from_secs(1));
    let content = Content::new(1_000, 1);
    world.put(ana, 1, &content);
    world.run(Duration::from_secs(20));
    assert_eq!((world.clients[ana].of_transfer(1).len(), world.hub.counters().reclaimed), (0, 0));
    world.run(Duration::from_secs(15));
    assert_eq!((world.clients[ana].of_transfer(1).len(), world.hub.counters().reclaimed), (1, 1));
}

#[test]
fn a_member_that_does_not_read_stays_while_memory_suffices() {
    let mut world = World::new();
    let deaf = world.join(&join_args("Deaf", 1));
    let ana = world.join(&join_args("Ana", 2));
    world.clients[deaf].is_not_reading = true;
    for number in 1..=60 {
        world.clients[ana].post(number, &"x".repeat(1_000));
        world.run_ms(20);
    }
    world.run(Duration::from_secs(120));
    assert!(world.hub.peers.pool.used() >= 32 << 10);
    assert_eq!((world.hub.counters().reclaimed, world.hub.who(world.now, RoomId::FIRST).len()), (0, 2));
}

#[test]
fn slow_members_that_make_progress_are_not_removed() {
    // Two members alternate at one send ring for longer than a member may be without progress.
    let mut world = world(1, 2);
    let clients = [world.join(&join_args("Ana", 1)), world.join(&join_args("Ben", 2))];
    for number in 1..=60 {
        for client in clients {
            world.clients[client].post(number, &"x".repeat(500));
        }
        world.run(Duration::from_secs(1));
    }
    world.run(Duration::from_secs(5));
    assert!(world.hub.counters().pool_empty > 0);
    assert_eq!(world.hub.counters().reclaimed, 0);
    assert!(clients.iter().all(|client| world.clients[*client].texts().len() == 120));
}
