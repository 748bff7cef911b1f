//! A whole member: the client, smoltcp with UDP, IPv4 and Ethernet, and a network card of the
//! simplest kind, linked for a bare-metal target without an allocator. It is never run.
#![no_std]
#![no_main]

use core::net::{Ipv4Addr, SocketAddr};

use kabar_core::chat::EntryKind;
use kabar_core::client::{Event, RoomSlot};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_device::{Addressing, IpLink, IpStorage, Network, Node, Storage, profile};
use kabar_link_check::{Static, byte, bytes, now, number, read, write, write_opaque};
use smoltcp::phy::{self, Device, DeviceCapabilities, Medium};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, Ipv4Cidr};

/// A frame and its header in bytes.
const FRAME_LEN: usize = 1514;

#[unsafe(export_name = "checked_static")]
static MEMORY: Static<Storage> = Static::new(Storage::new());

static NETWORK: Static<IpStorage<'static>> = Static::new(IpStorage::new());

static CARD: Static<Card> = Static::new(Card { receive: [0; FRAME_LEN], transmit: [0; FRAME_LEN] });

#[used]
#[unsafe(link_section = ".vectors")]
static RESET: extern "C" fn() -> ! = reset;

/// The entry point. It does not clear .bss, because it is never run.
#[unsafe(no_mangle)]
extern "C" fn reset() -> ! {
    // SAFETY: this is reached once.
    let (storage, ip, card) = unsafe { (MEMORY.take(), NETWORK.take(), CARD.take()) };
    let network = Network {
        hardware: HardwareAddress::Ethernet(EthernetAddress(bytes())),
        addressing: match byte() {
            0 => Addressing::Dhcp,
            _ => Addressing::Static {
                address: Ipv4Cidr::new(Ipv4Addr::from(bytes::<4>()), 24),
                gateway: Some(Ipv4Addr::from(bytes::<4>())),
            },
        },
        port: 49_152,
        seed: number(),
    };
    let mut node = Node::new(storage, IpLink::new(ip, &network, Port(card), now()));
    let server = SocketAddr::from((Ipv4Addr::from(bytes::<4>()), 9999));
    let identity =
        Identity::from_keypair_unchecked(&bytes(), &bytes()).unwrap_or_else(|| Identity::from_seed(&bytes()));
    let config = profile::config(server, Fingerprint(bytes()), bytes(), "lobby", "device", &identity, 1000);
    write_opaque(&node.start(&config, bytes(), now()));
    loop {
        node.poll(now(), |event| report(&event));
        match byte() {
            0 => write_opaque(&node.client().post(RoomSlot::FIRST, EntryKind::TEXT, &bytes::<64>())),
            1 => node.client().leave(now()),
            _ => write_opaque(&node.poll_timeout(now())),
        }
    }
}

fn report(event: &Event<'_>) {
    if let Event::Entry { header, body, .. } = event {
        write(header.author.as_bytes());
        write(body);
    } else {
        write_opaque(event);
    }
}

/// A network card with room for one frame each way.
struct Card {
    receive: [u8; FRAME_LEN],
    transmit: [u8; FRAME_LEN],
}

struct RxToken<'a>(&'a [u8]);
struct TxToken<'a>(&'a mut [u8; FRAME_LEN]);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let frame = &mut self.0[..len];
        let result = fill(frame);
        write(frame);
        result
    }
}

/// A reference to the card.
struct Port(&'static mut Card);

impl Device for Port {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let len = read(&mut self.0.receive);
        Some((RxToken(self.0.receive.get(..len)?), TxToken(&mut self.0.transmit)))
    }

    fn transmit(&mut self, _: Instant) -> Option<TxToken<'_>> {
        (byte() == 0).then_some(TxToken(&mut self.0.transmit))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_LEN;
        capabilities
    }
}
