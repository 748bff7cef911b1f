//! A node on a device that lies in memory: what goes in and out, frame by frame.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::vec::Vec;

use kabar_core::client::State;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use smoltcp::phy::{self, DeviceCapabilities, Medium};

use super::*;
use crate::host::device::{MTU, unwrap, wrap};

const NODE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 4000);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 9999);
const HEADERS_LEN: usize = 28;

/// Frames that wait, frames that went out, and whether it takes more.
#[derive(Default)]
struct Queues {
    incoming: VecDeque<Vec<u8>>,
    outgoing: Vec<Vec<u8>>,
    is_busy: bool,
}

struct Incoming(Vec<u8>);
struct Outgoing<'a>(&'a mut Vec<Vec<u8>>);

impl phy::RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(&self.0)
    }
}

impl phy::TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut frame = std::vec![0; len];
        let result = fill(&mut frame);
        self.0.push(frame);
        result
    }
}

impl Device for Queues {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Incoming, Outgoing<'_>)> {
        let frame = self.incoming.pop_front()?;
        Some((Incoming(frame), Outgoing(&mut self.outgoing)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Outgoing<'_>> {
        (!self.is_busy).then_some(Outgoing(&mut self.outgoing))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

impl Queues {
    /// The payloads that went to the server since the last call.
    fn sent(&mut self) -> Vec<Vec<u8>> {
        let sent = std::mem::take(&mut self.outgoing);
        sent.iter()
            .map(|frame| {
                let (payload, to) = unwrap(frame).expect("a node sends UDP only");
                assert_eq!(to, SERVER);
                payload.to_vec()
            })
            .collect()
    }

    /// Something of `len` bytes that is no packet, from the server's address.
    fn push_noise(&mut self, len: usize) {
        let mut frame = std::vec![0xee; HEADERS_LEN + len];
        wrap(&mut frame, SERVER, NODE);
        self.incoming.push_back(frame);
    }
}

fn network() -> Network {
    Network {
        hardware: HardwareAddress::Ip,
        address: Ipv4Cidr::new(*NODE.ip(), 24),
        gateway: Some(Ipv4Address::new(10, 0, 0, 1)),
        port: NODE.port(),
        seed: 1,
    }
}

fn start(node: &mut Node<'_>, server: SocketAddr) -> Result<(), StartError> {
    let config = profile::config(server, Fingerprint([1; 20]), [2; 16], "lobby", "probe", &[3; 32], 1000);
    node.start(&config, [4; 32], Instant::ZERO)
}

fn at(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

#[test]
fn says_hello_and_says_when_it_wants_to_be_called_again() {
    let (mut storage, mut device) = (Storage::new(), Queues::default());
    let mut node = Node::new(&mut storage, &network(), &mut device, Instant::ZERO);
    assert_eq!(node.poll_timeout(Instant::ZERO), None);
    start(&mut node, SERVER.into()).unwrap();
    node.poll(Instant::ZERO, &mut device, |_| {});
    let hello = device.sent();
    assert_eq!(hello.len(), 1);
    assert_eq!(hello[0].len(), DATAGRAM_LEN);

    // SPEC 3.1: the next try after 250 ms.
    let due = node.poll_timeout(Instant::ZERO).expect("it tries again");
    assert_eq!(due, Instant::ZERO + Duration::from_millis(250));
    node.poll(at(249_999), &mut device, |_| {});
    assert!(device.sent().is_empty());
    node.poll(due, &mut device, |_| {});
    assert_eq!(device.sent(), hello);
    assert_eq!(node.client().state(), State::Connecting { answered: false });
}

#[test]
fn takes_a_flood_in_portions_and_loses_none_of_it() {
    let (mut storage, mut device) = (Storage::new(), Queues::default());
    let mut node = Node::new(&mut storage, &network(), &mut device, Instant::ZERO);
    start(&mut node, SERVER.into()).unwrap();
    for frame in 0..MAX_FRAMES_PER_POLL + 3 {
        device.push_noise(if frame % 2 == 0 { DATAGRAM_LEN } else { 20 });
    }
    node.poll(at(10), &mut device, |_| {});
    assert_eq!(device.incoming.len(), 3);
    assert_eq!(node.poll_timeout(at(10)), Some(at(10)));
    node.poll(at(10), &mut device, |_| {});
    assert!(device.incoming.is_empty());
    assert!(node.poll_timeout(at(10)) > Some(at(10)));
    assert_eq!(node.client().counters().damaged, MAX_FRAMES_PER_POLL as u64 + 3);
}

#[test]
fn drops_what_is_longer_than_a_datagram_or_for_somebody_else() {
    let (mut storage, mut device) = (Storage::new(), Queues::default());
    let mut node = Node::new(&mut storage, &network(), &mut device, Instant::ZERO);
    start(&mut node, SERVER.into()).unwrap();
    device.push_noise(DATAGRAM_LEN + 1);
    let mut frame = [0xee; HEADERS_LEN + 20];
    wrap(&mut frame, SERVER, SocketAddrV4::new(*NODE.ip(), NODE.port() + 1));
    device.incoming.push_back(frame.to_vec());
    device.push_noise(20);
    node.poll(Instant::ZERO, &mut device, |_| {});
    assert_eq!(node.client().counters().damaged, 1);
}

#[test]
fn keeps_a_datagram_until_the_device_takes_it() {
    let (mut storage, mut device) = (Storage::new(), Queues { is_busy: true, ..Queues::default() });
    let mut node = Node::new(&mut storage, &network(), &mut device, Instant::ZERO);
    start(&mut node, SERVER.into()).unwrap();
    node.poll(Instant::ZERO, &mut device, |_| {});
    assert!(device.sent().is_empty());
    assert_eq!(node.poll_timeout(Instant::ZERO), Some(Instant::ZERO));
    // The next try is due, but waits in the client for its turn.
    node.poll(at(250_000), &mut device, |_| {});
    device.is_busy = false;
    node.poll(at(250_001), &mut device, |_| {});
    assert_eq!(device.sent().len(), 2);
}

#[test]
fn does_not_start_towards_what_it_cannot_reach() {
    let (mut storage, mut device) = (Storage::new(), Queues::default());
    let mut node = Node::new(&mut storage, &network(), &mut device, Instant::ZERO);
    assert_eq!(start(&mut node, "[2001:db8::1]:9999".parse().unwrap()), Err(StartError::NotIpv4));
    assert_eq!(node.client().state(), State::Idle);
}
