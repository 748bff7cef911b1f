//! Messages of transfers on stream BULK (SPEC 6.8).

use std::vec;
use std::vec::Vec;

use super::server::Server;
use super::world::{Seen, World, config, secs};
use crate::chat::{CancelCode, MAX_MESSAGE_LEN, TransferMessage};
use crate::client::{DisconnectReason, RequestError, RoomSlot};
use crate::connection::Closed;
use crate::content::Root;
use crate::wire::frame::CloseCode;
use crate::wire::packet::TransportParameters;

fn encode(message: &TransferMessage<'_>) -> Vec<u8> {
    let mut out = vec![0; MAX_MESSAGE_LEN];
    let len = message.encode(&mut out).unwrap();
    out.truncate(len);
    out
}

/// The messages that the client reads now.
fn read(world: &mut World) -> Vec<Vec<u8>> {
    let mut buf = vec![0; MAX_MESSAGE_LEN];
    let mut messages = Vec::new();
    while let Some(message) = world.client.read_bulk(world.now, &mut buf) {
        messages.push(encode(&message));
    }
    messages
}

fn put(handle: u8) -> TransferMessage<'static> {
    TransferMessage::Put { transfer: 1, handle, root: Root([7; 32]), size: 9 }
}

#[test]
fn messages_of_transfers_go_both_ways_beside_the_chat() {
    let mut world = World::online();
    assert!(world.client.has_transfers());
    let handle = world.client.handle_of(RoomSlot::FIRST).expect("joined");
    let longest = vec![5; world.client.longest_chunk()];
    let sent = [put(handle), TransferMessage::Chunk { transfer: 1, bytes: &longest }];
    for message in &sent {
        world.client.send_bulk(world.now, message).unwrap();
    }
    world.post(b"a line");
    world.run(secs(1));
    assert_eq!(world.server.read_bulk(), sent.map(|it| encode(&it)).concat());
    assert_eq!(world.server.bodies(), [b"a line"]);
    let answers = [
        TransferMessage::PutAt { transfer: 1, offset: 0 },
        TransferMessage::Cancel { transfer: 1, code: CancelCode::SERVER_QUOTA, offset: 0 },
    ]
    .map(|it| encode(&it));
    world.server.send_bulk(world.now, &answers.concat());
    world.run(secs(1));
    assert_eq!(read(&mut world), answers);
}

#[test]
fn unknown_messages_and_those_of_clients_are_skipped() {
    let mut world = World::online();
    let end = encode(&TransferMessage::End { transfer: 1 });
    world.server.send_bulk(world.now, &[&[0, 2, 0xdd, 1], &encode(&put(1))[..], &end].concat());
    world.run(secs(1));
    assert_eq!(read(&mut world), [end]);
}

#[test]
fn messages_that_do_not_decode_close_the_connection() {
    let too_long = (MAX_MESSAGE_LEN as u16 + 1).to_be_bytes();
    for broken in [&[0, 3, 0x84, 1, 2][..], &[0, 0], &[0, 5, 0x83, 0, 0, 0, 1], &too_long] {
        let mut world = World::online();
        let before = world.client.connection_number();
        world.server.send_bulk(world.now, broken);
        world.run(secs(1));
        assert!(read(&mut world).is_empty());
        world.run(secs(5));
        let closed = Closed::Locally(CloseCode::MESSAGE);
        assert_eq!(world.count(&Seen::Disconnected(DisconnectReason::Closed(closed))), 1, "{broken:?}");
        // It returns, on a connection with another number.
        assert!(world.has_joined());
        assert_eq!(world.client.connection_number(), before + 1);
    }
}

#[test]
fn unread_messages_hold_the_server_back_and_not_the_chat() {
    let mut world = World::online();
    let chunk = encode(&TransferMessage::Chunk { transfer: 1, bytes: &[1; 4000] });
    for _ in 0..2 {
        world.server.send_bulk(world.now, &chunk);
        world.run(secs(1));
    }
    world.server.send_bulk(world.now, &chunk);
    world.server.add_entry(b"a line");
    world.run(secs(5));
    assert_eq!(world.bodies(), [b"a line"]);
    // As much as the window, and no more, was sent.
    assert_eq!(read(&mut world).len(), 2);
    world.run(secs(1));
    assert_eq!(read(&mut world).len(), 1);
}

#[test]
fn a_server_without_transfers_is_sent_nothing() {
    let mut server = Server::new();
    server.set_limits(TransportParameters { bulk: 0, ..server.limits });
    let mut world = World::start_with(server, &config(), 1);
    world.run_until(secs(5), World::has_joined);
    assert!(!world.client.has_transfers());
    assert_eq!(world.client.send_bulk(world.now, &put(1)), Err(RequestError::NotJoined));
}

#[test]
fn without_a_connection_nothing_is_sent_or_read() {
    let mut world = World::start(&config());
    assert_eq!((world.client.handle_of(RoomSlot::FIRST), world.client.has_transfers()), (None, false));
    assert_eq!(world.client.send_bulk(world.now, &put(1)), Err(RequestError::NotJoined));
    assert!(read(&mut world).is_empty());
}
