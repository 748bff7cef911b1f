//! Frames that a neighbour on the same network could send: valid ones, and a flood of damaged,
//! forged and replayed ones.

use std::net::{Ipv4Addr, SocketAddrV4};

use kabar_tests::qemu::HOST;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

type Hardware = [u8; 6];

const BROADCAST: Hardware = [0xff; 6];
/// A station that does not exist.
const STRANGER: Hardware = [0x02, 0, 0, 0, 0, 0x77];
/// The sender of the requests that the device must answer; the flood uses lower addresses.
const REQUESTER: [u8; 4] = [10, 0, 2, 222];
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ETHERNET_LEN: usize = 14;
const IPV4_LEN: usize = 20;
const UDP_LEN: usize = 8;
/// Flag in the field of a fragment's offset: more fragments follow.
pub(crate) const MORE: u16 = 0x2000;

/// The addresses of the device and of its server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stations {
    card: Hardware,
    gateway: Hardware,
    device: SocketAddrV4,
    server: SocketAddrV4,
}

impl Stations {
    /// Takes them from the latest datagram that the device sent to the server's port.
    pub(crate) fn of(sent_by_card: &[Vec<u8>], server: u16) -> Self {
        let is_to_server = |frame: &&Vec<u8>| {
            frame.len() > ETHERNET_LEN + IPV4_LEN + UDP_LEN
                && frame[12..14] == IPV4.to_be_bytes()
                && frame[23] == UDP
                && frame[36..38] == server.to_be_bytes()
        };
        let frame = sent_by_card.iter().rev().find(is_to_server).expect("the device sends to the server");
        let hardware = |at: usize| frame[at..at + 6].try_into().expect("six bytes");
        let ip = Ipv4Addr::new(frame[26], frame[27], frame[28], frame[29]);
        Self {
            card: hardware(6),
            gateway: hardware(0),
            device: SocketAddrV4::new(ip, u16::from_be_bytes([frame[34], frame[35]])),
            server: SocketAddrV4::new(HOST, server),
        }
    }

    fn frame(&self, kind: u16, payload: &[u8]) -> Vec<u8> {
        [&self.card[..], &self.gateway, &kind.to_be_bytes(), payload].concat()
    }

    /// A packet from the server's address. `fragment`: flags and offset.
    fn ipv4(&self, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(IPV4_LEN + payload.len()).expect("shorter than a packet can be");
        let mut packet = vec![0x45, 0];
        packet.extend(len.to_be_bytes());
        packet.extend([0x12, 0x34]);
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol, 0, 0]);
        packet.extend(self.server.ip().octets());
        packet.extend(self.device.ip().octets());
        let sum = checksum(&packet);
        packet[10..12].copy_from_slice(&sum);
        packet.extend(payload);
        self.frame(IPV4, &packet)
    }

    /// A UDP datagram without a checksum, which IPv4 does not require.
    fn datagram(from: u16, to: u16, payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(UDP_LEN + payload.len()).expect("shorter than a datagram can be");
        [&from.to_be_bytes()[..], &to.to_be_bytes(), &len.to_be_bytes(), &[0, 0], payload].concat()
    }

    fn datagram_from_server(&self, payload: &[u8]) -> Vec<u8> {
        Self::datagram(self.server.port(), self.device.port(), payload)
    }

    fn arp(&self, operation: u16, hardware: Hardware, ip: Ipv4Addr) -> Vec<u8> {
        let mut packet = vec![0, 1, 8, 0, 6, 4];
        packet.extend(operation.to_be_bytes());
        packet.extend(hardware);
        packet.extend(ip.octets());
        packet.extend([0; 6]);
        packet.extend(self.device.ip().octets());
        self.frame(ARP, &packet)
    }

    /// An ARP request to the device from an address that nothing else uses. `number` distinguishes
    /// requests.
    pub(crate) fn arp_request(&self, number: u16) -> Vec<u8> {
        self.arp(1, requester(number), Ipv4Addr::from(REQUESTER))
    }

    /// Whether `frame` answers that request.
    pub(crate) fn is_answer(frame: &[u8], number: u16) -> bool {
        let is_reply = frame.len() >= 42 && frame[12..14] == ARP.to_be_bytes() && frame[20..22] == [0, 2];
        is_reply && frame[32..38] == requester(number) && frame[38..42] == REQUESTER
    }

    /// An unrequested DHCP offer (2), acknowledgement (5) or refusal (6), as an answer to
    /// `exchange`.
    fn dhcp(&self, exchange: u32, kind: u8) -> Vec<u8> {
        let mut message = vec![2, 1, 6, 0];
        message.extend(exchange.to_be_bytes());
        message.extend([0; 8]);
        message.extend([10, 0, 2, 99]);
        message.extend(self.server.ip().octets());
        message.extend([0; 4]);
        message.extend(self.card);
        message.extend([0; 10 + 64 + 128]);
        message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, kind, 54, 4]);
        message.extend(self.server.ip().octets());
        message.extend([51, 4, 0, 0, 0, 60, 1, 4, 255, 255, 255, 0, 255]);
        self.ipv4(UDP, 0, &Self::datagram(67, 68, &message))
    }

    /// Whether `frame` is for a DHCP server.
    pub(crate) fn is_to_dhcp(frame: &[u8]) -> bool {
        frame.len() > ETHERNET_LEN + IPV4_LEN + UDP_LEN && frame[23] == UDP && frame[36..38] == [0, 67]
    }

    fn ping(&self) -> Vec<u8> {
        let mut echo = b"\x08\0\0\0\x12\x34\0\x01are you there?".to_vec();
        let sum = checksum(&echo);
        echo[2..4].copy_from_slice(&sum);
        self.ipv4(ICMP, 0, &echo)
    }

    /// `datagram` as fragments of `len` bytes, a multiple of eight.
    fn cut(&self, datagram: &[u8], len: usize) -> Vec<Vec<u8>> {
        let count = datagram.len().div_ceil(len);
        let parts = datagram.chunks(len).enumerate().map(|(at, part)| {
            let more = if at + 1 < count { MORE } else { 0 };
            self.ipv4(UDP, more | offset(at * len), part)
        });
        parts.collect()
    }

    /// Fragments in order, in reverse, overlapping, incomplete, empty, beyond the end of a packet,
    /// and with the content of a whole datagram. `replayed` is a datagram of the server.
    pub(crate) fn fragments(&self, replayed: &[u8]) -> Vec<Vec<u8>> {
        let junk = self.datagram_from_server(&[0xee; 1000]);
        let genuine = self.datagram_from_server(replayed);
        let mut all = Vec::new();
        for datagram in [&junk, &genuine] {
            for len in [64, 512] {
                all.extend(self.cut(datagram, len));
                all.extend(self.cut(datagram, len).into_iter().rev());
            }
            let half = datagram.len() / 16 * 8;
            let (first, last) = (&datagram[..half + 8], &datagram[half..]);
            all.push(self.ipv4(UDP, MORE, first));
            all.push(self.ipv4(UDP, offset(half), last));
            all.push(self.ipv4(UDP, MORE, last));
            all.push(self.ipv4(UDP, MORE | offset(half), first));
            all.push(self.ipv4(UDP, offset(8), datagram));
            all.push(self.ipv4(UDP, offset(0xfff8), datagram));
        }
        all.push(self.ipv4(UDP, MORE, &[]));
        all.push(self.ipv4(UDP, offset(8), &[]));
        all.push(self.ipv4(UDP, offset(64), &Self::datagram(67, 68, &[2; 300])));
        all
    }

    /// The payload of the latest datagram from the server among `sent_to_card`.
    pub(crate) fn latest_from_server(&self, sent_to_card: &[Vec<u8>]) -> Vec<u8> {
        let headers = ETHERNET_LEN + IPV4_LEN + UDP_LEN;
        let is_of_server =
            |frame: &&Vec<u8>| frame.len() > headers && frame[34..36] == self.server.port().to_be_bytes();
        let frame = sent_to_card.iter().rev().find(is_of_server).expect("the server sends to the device");
        let end = ETHERNET_LEN + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
        frame[headers..end].to_vec()
    }
}

/// An endless sequence of frames of a hostile neighbour.
#[derive(Debug)]
pub(crate) struct Flood {
    stations: Stations,
    /// Frames that were sent to the device before, to be replayed.
    earlier: Vec<Vec<u8>>,
    rng: ChaCha20Rng,
    kind: usize,
}

impl Flood {
    pub(crate) fn new(stations: Stations, earlier: Vec<Vec<u8>>) -> Self {
        assert!(!earlier.is_empty(), "something was sent to the device");
        Self { stations, earlier, rng: ChaCha20Rng::seed_from_u64(3), kind: 0 }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.rng.next_u64() % bound as u64) as usize
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let mut noise = vec![0; self.below(most + 1)];
        self.rng.fill_bytes(&mut noise);
        noise
    }

    /// A frame that Ethernet hardware discards: shorter than its header, or overlong.
    pub(crate) fn next_of_wrong_length(&mut self) -> Vec<u8> {
        let len = if self.below(8) == 0 { 1 + self.below(ETHERNET_LEN) } else { 1515 + self.below(500) };
        let mut frame = self.stations.frame(IPV4, &vec![0x45; len]);
        frame.truncate(len);
        frame
    }

    /// The next frame; the kinds take turns.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let it = self.stations;
        self.kind = (self.kind + 1) % 15;
        match self.kind {
            0 => [&BROADCAST[..], &self.noise(1508)].concat(),
            1 => [&it.card[..], &self.noise(1508)].concat(),
            2 => self.next_of_wrong_length(),
            3 => {
                let kind = self.below(1 << 16) as u16;
                it.frame(kind, &self.noise(1500))
            }
            4 => {
                // All addresses of the network except the router's, so that the table of neighbours
                // is full of stations that do not exist.
                let ip = Ipv4Addr::new(10, 0, 2, 3 + self.below(219) as u8);
                let operation = 1 + self.below(3) as u16;
                it.arp(operation, STRANGER, ip)
            }
            5 => {
                let mut frame = it.arp(1, [self.below(256) as u8; 6], *it.device.ip());
                let at = ETHERNET_LEN + self.below(8);
                frame[at] ^= 1 << self.below(8);
                frame
            }
            6 => {
                // One bit of the IP header is wrong: version, lengths, fragment, protocol or
                // addresses.
                let mut frame = it.ipv4(UDP, 0, &it.datagram_from_server(&[0xee; 40]));
                frame[ETHERNET_LEN + self.below(IPV4_LEN)] ^= 1 << self.below(8);
                frame
            }
            7 => {
                let mut frame = it.ipv4(UDP, 0, &it.datagram_from_server(&[0xee; 40]));
                frame.truncate(ETHERNET_LEN + self.below(60));
                frame
            }
            8 => it.ping(),
            9 => {
                let mut segment = vec![0; 20];
                self.rng.fill_bytes(&mut segment[..8]);
                segment[12..14].copy_from_slice(&[0x50, 0x02]);
                it.ipv4(TCP, 0, &segment)
            }
            10 => {
                let closed = 1 + self.below(40_000) as u16;
                it.ipv4(UDP, 0, &Stations::datagram(it.server.port(), closed, &self.noise(1200)))
            }
            11 => it.ipv4(UDP, 0, &it.datagram_from_server(&self.noise(1300))),
            12 => it.ipv4(UDP, 0, &Stations::datagram(67, 68, &self.noise(400))),
            13 => {
                let (exchange, kind) = (self.rng.next_u32(), [2, 5, 6][self.below(3)]);
                it.dhcp(exchange, kind)
            }
            _ => {
                let at = self.below(self.earlier.len());
                self.earlier[at].clone()
            }
        }
    }
}

/// The hardware address that sends request `number`; the answer contains it.
fn requester(number: u16) -> Hardware {
    let [high, low] = number.to_be_bytes();
    [0x02, 0, 0, 1, high, low]
}

/// The offset in the header's unit: eight bytes.
fn offset(bytes: usize) -> u16 {
    u16::try_from(bytes / 8).expect("within a packet")
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let pairs = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u32 = pairs.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}
