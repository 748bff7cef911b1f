//! A node on a network device in memory, frame by frame.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::vec::Vec;

use kabar_core::client::{RoomSlot, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use smoltcp::phy::Medium;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpProtocol, Ipv4Cidr, Ipv4Packet};

use super::*;
use crate::host::MemoryDevice;
use crate::host::udp_device::{unwrap, wrap};
use crate::link::{Addressing, IpLink, IpStorage, Network};

type OnNetwork<'a> = Node<'a, IpLink<'a, MemoryDevice>>;

const NODE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 4000);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 9999);
const HEADERS_LEN: usize = 28;

/// The payloads sent to the server since the last call.
fn sent(device: &mut MemoryDevice) -> Vec<Vec<u8>> {
    let sent = std::mem::take(&mut device.outgoing);
    sent.iter()
        .map(|frame| {
            let (payload, to) = unwrap(frame).expect("a node sends UDP only");
            assert_eq!(to, SERVER);
            payload.to_vec()
        })
        .collect()
}

/// `len` bytes that are not a packet, from the server's address.
fn push_noise(device: &mut MemoryDevice, len: usize) {
    let mut frame = std::vec![0xee; HEADERS_LEN + len];
    wrap(&mut frame, SERVER, NODE);
    device.incoming.push_back(frame);
}

fn network() -> Network {
    Network {
        hardware: HardwareAddress::Ip,
        addressing: Addressing::Static {
            address: Ipv4Cidr::new(*NODE.ip(), 24),
            gateway: Some(Ipv4Addr::new(10, 0, 0, 1)),
        },
        port: NODE.port(),
        seed: 1,
    }
}

fn node<'a>(storage: &'a mut Storage, ip: &'a mut IpStorage<'a>) -> OnNetwork<'a> {
    Node::new(storage, IpLink::new(ip, &network(), MemoryDevice::new(Medium::Ip), Instant::ZERO))
}

fn device<'n>(node: &'n mut OnNetwork<'_>) -> &'n mut MemoryDevice {
    node.link().device()
}

fn start(node: &mut OnNetwork<'_>, server: SocketAddr) -> Result<(), StartError> {
    let identity = Identity::from_seed(&[3; 32]);
    let config = profile::config(server, Fingerprint([1; 20]), [2; 16], "lobby", "probe", &identity, 1000);
    node.start(&config, [4; 32], Instant::ZERO)
}

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

#[test]
fn sends_hello_and_returns_when_to_retry() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = node(&mut storage, &mut ip);
    assert_eq!(node.poll_timeout(Instant::ZERO), None);
    start(&mut node, SERVER.into()).unwrap();
    node.poll(Instant::ZERO, |_| {});
    let hello = sent(device(&mut node));
    assert_eq!(hello.len(), 1);
    assert_eq!(hello[0].len(), DATAGRAM_LEN);

    // SPEC 3.1: the first retry is after 250 ms.
    let due = node.poll_timeout(Instant::ZERO).expect("it retries");
    assert_eq!(due, Instant::ZERO + Duration::from_millis(250));
    node.poll(at(249_999), |_| {});
    assert!(sent(device(&mut node)).is_empty());
    node.poll(due, |_| {});
    assert_eq!(sent(device(&mut node)), hello);
    assert_eq!(node.client().state(RoomSlot::FIRST), State::Connecting { answered: false });
}

#[test]
fn takes_a_flood_in_portions_and_loses_nothing() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = node(&mut storage, &mut ip);
    start(&mut node, SERVER.into()).unwrap();
    for frame in 0..MAX_FRAMES_PER_POLL + 3 {
        push_noise(device(&mut node), if frame % 2 == 0 { DATAGRAM_LEN } else { 20 });
    }
    node.poll(at(10), |_| {});
    // One more after the Hello was sent.
    assert_eq!(device(&mut node).incoming.len(), 2);
    assert_eq!(node.poll_timeout(at(10)), Some(at(10)));
    node.poll(at(10), |_| {});
    assert!(device(&mut node).incoming.is_empty());
    assert!(node.poll_timeout(at(10)) > Some(at(10)));
    assert_eq!(node.client().counters().damaged, MAX_FRAMES_PER_POLL as u64 + 3);
}

#[test]
fn drops_a_packet_that_is_too_long_or_for_another_port() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = node(&mut storage, &mut ip);
    start(&mut node, SERVER.into()).unwrap();
    push_noise(device(&mut node), DATAGRAM_LEN + 1);
    let mut frame = [0xee; HEADERS_LEN + 20];
    wrap(&mut frame, SERVER, SocketAddrV4::new(*NODE.ip(), NODE.port() + 1));
    device(&mut node).incoming.push_back(frame.to_vec());
    push_noise(device(&mut node), 20);
    node.poll(Instant::ZERO, |_| {});
    assert_eq!(node.client().counters().damaged, 1);
}

#[test]
fn keeps_a_datagram_until_the_device_takes_it() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = node(&mut storage, &mut ip);
    device(&mut node).is_busy = true;
    start(&mut node, SERVER.into()).unwrap();
    node.poll(Instant::ZERO, |_| {});
    assert!(sent(device(&mut node)).is_empty());
    assert_eq!(node.poll_timeout(Instant::ZERO), Some(Instant::ZERO));
    // The retry is due, but waits in the client for its turn.
    node.poll(at(250_000), |_| {});
    device(&mut node).is_busy = false;
    node.poll(at(250_001), |_| {});
    assert_eq!(sent(device(&mut node)).len(), 2);
}

#[test]
fn refuses_a_server_that_the_link_cannot_reach() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = node(&mut storage, &mut ip);
    assert_eq!(start(&mut node, "[2001:db8::1]:9999".parse().unwrap()), Err(StartError::Unreachable));
    assert_eq!(node.client().state(RoomSlot::FIRST), State::Idle);
}

#[test]
fn asks_for_an_address_again_after_four_seconds() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let hardware = HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1]));
    let network = Network { hardware, addressing: Addressing::Dhcp, ..network() };
    let link = IpLink::new(&mut ip, &network, MemoryDevice::new(Medium::Ethernet), Instant::ZERO);
    let mut node = Node::new(&mut storage, link);
    start(&mut node, SERVER.into()).unwrap();
    node.poll(Instant::ZERO, |_| {});
    assert_eq!(
        std::mem::take(&mut device(&mut node).outgoing).len(),
        1,
        "it asks for an address and sends nothing else"
    );

    // RFC 2131 4.1: the next attempt is after 4 s.
    let due = node.poll_timeout(Instant::ZERO).expect("it asks again");
    assert_eq!(due, Instant::ZERO + Duration::from_secs(4));
    node.poll(at(3_999_999), |_| {});
    assert!(device(&mut node).outgoing.is_empty());
    node.poll(due, |_| {});
    assert_eq!(device(&mut node).outgoing.len(), 1);
}

/// An IP packet from the server with `part` of a datagram. `field`: flags and offset.
fn push_fragment(device: &mut MemoryDevice, field: u16, part: &[u8]) {
    let mut packet = std::vec![0; 20];
    packet.extend_from_slice(part);
    let mut header = Ipv4Packet::new_unchecked(&mut packet[..]);
    header.set_version(4);
    header.set_header_len(20);
    header.set_total_len(u16::try_from(20 + part.len()).unwrap());
    header.set_more_frags(field & 0x2000 != 0);
    header.set_frag_offset((field & 0x1fff) * 8);
    header.set_hop_limit(64);
    header.set_next_header(IpProtocol::Udp);
    header.set_src_addr(*SERVER.ip());
    header.set_dst_addr(*NODE.ip());
    header.fill_checksum();
    device.incoming.push_back(packet);
}

/// smoltcp is built without reassembly: every network carries a datagram of this protocol in one
/// packet.
#[test]
fn drops_a_datagram_in_fragments() {
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = node(&mut storage, &mut ip);
    start(&mut node, SERVER.into()).unwrap();
    node.poll(Instant::ZERO, |_| {});
    sent(device(&mut node));
    let mut whole = [0xee; HEADERS_LEN + 1000];
    wrap(&mut whole, SERVER, NODE);
    let (first, last) = whole[20..].split_at(504);
    // The last two look like a whole datagram.
    let parts =
        [(0x2000, first), (504 / 8, last), (0x2000, last), (504 / 8, first), (0x2000, &whole[20..]), (1, &whole[20..])];
    for (field, part) in parts {
        push_fragment(device(&mut node), field, part);
    }
    node.poll(at(1), |_| {});
    assert!(device(&mut node).incoming.is_empty());
    assert_eq!(node.client().counters().damaged, 0, "none reaches the client");

    push_fragment(device(&mut node), 0, &whole[20..]);
    node.poll(at(2), |_| {});
    assert_eq!(node.client().counters().damaged, 1, "the same datagram in one piece does");
}
