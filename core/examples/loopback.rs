//! A client and a server in one process, without a socket and on a virtual clock: the client joins,
//! posts a line and reads it back. All randomness comes from the caller; seeds are fixed here.

use kabar_core::chat::{self, ClientMessage, EntryHeader, EntryKind, MAX_MESSAGE_LEN, ServerMessage, Welcome};
use kabar_core::client::{Client, Config, Event, Output, RoomSlot};
use kabar_core::connection::{Connection, StreamId};
use kabar_core::crypto::rsa::{AnyRsa, AnyRsaPrivateKey, KeySize, PrivateKey as _};
use kabar_core::crypto::{Portable, identity::Identity};
use kabar_core::session::{Acceptor, Fingerprint, Incoming};
use kabar_core::{MAX_DATAGRAM, time::Instant, transport::InlineBuffers};

type Buffers = InlineBuffers<8192, 8192, 0, 32>;

fn main() {
    let key = AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut rand_core::UnwrapErr(getrandom::SysRng));
    let mut peer = Connection::new(Buffers::new());
    let mut acceptor = Acceptor::new(key.modulus(), Buffers::CAPACITY.parameters(MAX_MESSAGE_LEN), [2; 32]);
    let mut client = Client::<AnyRsa, _, Portable, 4096, MAX_MESSAGE_LEN>::new(Buffers::new());
    let [here, there] = [1, 2].map(|port| ([127, 0, 0, 1], port).into());
    let (identity, fingerprint) = (Identity::from_seed(&[3; 32]), Fingerprint::of_modulus(key.modulus()));
    let (mut now, mut sent, mut reply) = (Instant::ZERO, [0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
    client.start(&Config::new(there, Some(fingerprint), "lobby", "anna", &identity), [4; 32], now).expect("valid");
    loop {
        match client.poll_output(now, &mut sent) {
            Output::Event(Event::Joined { .. }) => {
                assert!(client.post(RoomSlot::FIRST, EntryKind::TEXT, b"hello").is_ok())
            }
            Output::Event(Event::Entry { header, body, .. }) => {
                return println!("{}: {}", header.author, body.escape_ascii());
            }
            Output::Event(event) => println!("{event:?}"),
            // The server: a handshake without state, then a connection, then its room.
            Output::Transmit(transmit) => {
                let datagram = &mut sent[..transmit.len];
                match acceptor.handle_datagram::<Portable>(now, here, datagram, &mut reply) {
                    Incoming::Reply(len) => client.handle_datagram(now, there, &mut reply[..len]),
                    Incoming::Accept(pending) => {
                        let mut accepted = pending.run::<Portable>(&key, 1, [5; 32]).expect("an honest client");
                        peer.open(now, &accepted.established, here);
                        client.handle_datagram(now, there, &mut accepted.datagram);
                    }
                    Incoming::Sealed(_) => peer.handle_datagram(now, here, datagram).expect("nothing is lost here"),
                    Incoming::Hint | Incoming::Dropped(_) => {}
                }
                serve(now, &mut peer);
            }
            Output::Timeout(deadline) => {
                while let Some(transmit) = peer.poll_transmit(now, &mut reply) {
                    client.handle_datagram(now, there, &mut reply[..transmit.len]);
                }
                now = [deadline, peer.poll_timeout()].into_iter().flatten().min().unwrap_or(now).max(now);
                peer.handle_timeout(now);
                client.handle_timeout(now);
            }
        }
    }
}

/// The room: it admits every client, and sends each post back.
fn serve(now: Instant, peer: &mut Connection<Buffers, Portable>) {
    let (mut buffer, mut out) = ([0; MAX_MESSAGE_LEN], [0; MAX_MESSAGE_LEN]);
    while let Ok(Some(message)) = peer.read_message(StreamId::Chat, &mut buffer) {
        let mut send = |message: ServerMessage<'_>| {
            let len = message.encode(&mut out).expect("every message fits");
            peer.send(now, StreamId::Chat, &[&out[..len]]).expect("the buffer has room");
        };
        match ClientMessage::decode(message) {
            Ok(Some(ClientMessage::Join(chat::Join { room, name, .. }))) => {
                let welcome =
                    Welcome { handle: 1, room, name, first: 1, instance: 1, members: 1, ..Default::default() };
                send(ServerMessage::Welcome(welcome));
            }
            Ok(Some(ClientMessage::Post(chat::Post { instance, number, kind, body, .. }))) => {
                let header = EntryHeader { seq: number, time_ms: 0, author: "anna", instance, number, kind };
                send(ServerMessage::Stored { handle: 1, instance, number, seq: number });
                send(ServerMessage::Entry { handle: 1, entry: chat::Entry { header, body } });
            }
            _ => {}
        }
    }
}
