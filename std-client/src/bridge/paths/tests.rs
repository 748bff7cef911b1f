//! Routing of packets.

use kabar_core::crypto::Provider;
use kabar_core::internals::packet::{Accept, Challenge, Hello, Initiate, Packet};
use kabar_core::session::{SealedHeader, TransportParameters};
use kabar_core::time::Duration;

use super::*;

const LIMITS: TransportParameters = TransportParameters {
    datagram: 1200,
    packets: 64,
    message: 4_200,
    chat: 4_200,
    bulk: 0,
    ack_delay_ms: 5,
    tick_us: 1,
    idle_s: 60,
};

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn bytes(packet: Packet<'_>) -> Vec<u8> {
    let mut out = vec![0; 1200];
    let len = packet.encode(&mut out, Accelerated::crc32).unwrap();
    out.truncate(len);
    out
}

fn hello(random: u8) -> Hello {
    Hello { client_random: [random; 32], key_hint: [0; 8], datagram_len: 1200 }
}

fn challenge(random: u8, cookie: u8) -> Vec<u8> {
    bytes(Packet::Challenge(Challenge { client_random: [random; 32], cookie: [cookie; 32], modulus: &[3; 256] }))
}

fn initiate(random: u8, cookie: u8) -> Vec<u8> {
    let (hello, cookie) = (hello(random), [cookie; 32]);
    bytes(Packet::Initiate(Initiate { hello, cookie, share: [4; 32], parameters: LIMITS, ciphertext: &[5; 256] }))
}

fn accept(connection_id: u32) -> Vec<u8> {
    let confirmation = [7; 32];
    bytes(Packet::Accept(Accept { echo: [1; 8], connection_id, share: [6; 32], parameters: LIMITS, confirmation }))
}

fn sealed(connection_id: u32) -> Vec<u8> {
    // A Hint repeats the header, except for the packet type.
    let mut packet = SealedHeader { connection_id, packet_number: 9 }.hint(Accelerated::crc32)[..13].to_vec();
    packet[0] = 0x15;
    packet.extend([8; 17]);
    let crc = Accelerated::crc32(&packet);
    packet.extend(crc.to_be_bytes());
    assert!(matches!(Packet::decode(&packet, Accelerated::crc32), Ok(Packet::Sealed(_))));
    packet
}

/// The routing of one device.
struct Device {
    paths: Paths,
    addresses: Vec<SocketAddr>,
}

impl Device {
    fn at(count: u16) -> Self {
        Self { paths: Paths::default(), addresses: (1..=count).map(address).collect() }
    }

    fn send(&mut self, packet: &[u8], millis: u64) -> Vec<u16> {
        let routed = self.paths.route(packet, &self.addresses, at(millis));
        routed.into_iter().map(|address| address.port()).collect()
    }
}

#[test]
fn initiate_goes_to_the_address_of_its_cookie() {
    let mut device = Device::at(3);
    assert_eq!(device.send(&bytes(Packet::Hello(hello(1))), 0), [1]);
    assert_eq!(device.paths.race.start_next(at(250)), Some(address(2)));
    assert_eq!(device.send(&bytes(Packet::Hello(hello(1))), 260), [1, 2]);
    device.paths.learn(address(2), &challenge(1, 20));
    device.paths.learn(address(1), &challenge(1, 10));
    assert_eq!(device.send(&initiate(1, 20), 300), [2]);
    device.paths.learn(address(2), &accept(77));
    assert_eq!(device.send(&sealed(77), 400), [2]);
}

#[test]
fn connection_stays_where_it_is_until_the_device_has_another() {
    let mut device = Device::at(2);
    device.paths.learn(address(1), &accept(77));
    // A Hello at the same time, to all addresses in turn.
    assert_eq!(device.send(&bytes(Packet::Hello(hello(2))), 0), [1]);
    assert_eq!(device.paths.race.start_next(at(250)), Some(address(2)));
    assert_eq!(device.send(&sealed(77), 300), [1]);
    device.paths.learn(address(2), &challenge(2, 20));
    assert_eq!(device.send(&initiate(2, 20), 400), [2]);
    device.paths.learn(address(2), &accept(78));
    assert_eq!((device.send(&sealed(77), 500), device.send(&sealed(78), 500)), (vec![1], vec![2]));
    device.paths.learn(address(2), &accept(79));
    assert!(device.paths.is_used(address(2)) && device.paths.connections.len() == 2, "the oldest is forgotten");
}

#[test]
fn connection_older_than_the_bridge_is_found_by_its_answer() {
    let mut device = Device::at(3);
    assert_eq!(device.send(&sealed(77), 0), [1, 2, 3]);
    device.paths.learn(address(3), &sealed(77));
    assert_eq!(device.send(&sealed(77), 10), [3]);
}

#[test]
fn address_without_a_connection_comes_last_in_the_next_race() {
    let mut device = Device::at(2);
    device.send(&bytes(Packet::Hello(hello(1))), 0);
    device.paths.learn(address(1), &challenge(1, 10));
    assert_eq!(device.send(&initiate(1, 10), 10), [1]);
    assert_eq!(device.send(&bytes(Packet::Hello(hello(2))), 5_000), [2]);
}

#[test]
fn noise_goes_nowhere_and_nothing_grows() {
    let mut device = Device::at(2);
    let mut damaged = sealed(77);
    damaged[20] ^= 1;
    for noise in [&damaged[..], &[], &[1, 0, 2], &challenge(1, 1), &[0x15; 1201]] {
        assert_eq!(device.send(noise, 0), [0; 0]);
    }
    for number in 0..=255 {
        device.paths.learn(address(number.into()), &challenge(number, number));
        device.paths.learn(address(number.into()), &accept(number.into()));
    }
    assert_eq!((device.paths.cookies.len(), device.paths.connections.len()), (MAX_CANDIDATES, MAX_CONNECTIONS));
}
