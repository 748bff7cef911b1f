//! A client and a server in one process, without a socket and on a virtual clock: the client joins,
//! posts a line, reads it back and leaves. `cargo run -p kabar-core --features std --example
//! loopback`

mod room;

use kabar_core::chat::{EntryKind, Start};
use kabar_core::client::{Client, Config, Credential, Event, Output};
use kabar_core::crypto::rsa::{AnyRsa, AnyRsaPrivateKey, KeySize, PrivateKey as _};
use kabar_core::crypto::{Portable, identity::Identity};
use kabar_core::session::{Acceptor, Fingerprint, Incoming};
use kabar_core::{time::Instant, transport::InlineBuffers};
use rand_core::SeedableRng as _;

fn main() {
    // All randomness comes from the caller. It is fixed here; a program takes it from the operating
    // system.
    let mut rng = rand_chacha::ChaCha20Rng::from_seed([1; 32]);
    let key = AnyRsaPrivateKey::generate(KeySize::Bits2048, &mut rng);
    let [here, there] = [1, 2].map(|port| ([127, 0, 0, 1], port).into());
    let mut acceptor = Acceptor::new(key.modulus(), room::PARAMETERS, [2; 32]);
    let (mut accepted, mut peer, mut room) = (None, room::Peer::new(InlineBuffers::new()), room::Room::default());

    let buffers = InlineBuffers::<8192, 8192, 0, 32>::new();
    let mut client = Client::<AnyRsa, _, Portable, 4096, 4480>::new(buffers);
    let config = Config {
        server: there,
        fingerprint: Some(Fingerprint::of_modulus(key.modulus())),
        room: "lobby",
        name: "anna",
        identity: &Identity::from_seed(&[3; 32]),
        credential: Credential::None,
        start: Start::Head,
        max_entry_len: 4352,
        idle_s: 60,
        ack_delay_ms: 5,
        tick_us: 1000,
    };
    let (mut now, mut buf, mut reply) = (Instant::ZERO, [0; 1200], [0; 1200]);
    client.start(&config, [4; 32], now).expect("the configuration is valid");
    loop {
        match client.poll_output(now, &mut buf) {
            Output::Event(Event::Joined { .. }) => {
                client.post(EntryKind::TEXT, b"hello").expect("the outbox is empty");
            }
            Output::Event(Event::Entry { header, body, .. }) => {
                println!("{}: {}", header.author, String::from_utf8_lossy(body));
                client.leave(now);
            }
            Output::Event(Event::Ended(reason)) => return println!("ended: {reason:?}"),
            Output::Event(event) => println!("{event:?}"),
            // The server: a handshake without state, then a connection, then its room.
            Output::Transmit(transmit) => {
                let datagram = &mut buf[..transmit.len];
                match acceptor.handle_datagram::<Portable>(now, here, datagram, &mut reply) {
                    Incoming::Reply(len) => client.handle_datagram(now, there, &mut reply[..len]),
                    Incoming::Accept(pending) => accepted = pending.run::<Portable>(&key, 1, [5; 32]),
                    Incoming::Sealed(_) => {
                        let _ = peer.handle_datagram(now, here, datagram);
                    }
                    Incoming::Hint | Incoming::Dropped(_) => {}
                }
                if let Some(mut accepted) = accepted.take() {
                    peer.open(now, &accepted.established, here);
                    client.handle_datagram(now, there, &mut accepted.datagram);
                }
                room.read(1, &mut peer).iter().for_each(|(_, message)| room::send(now, &mut peer, message));
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
