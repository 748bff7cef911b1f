//! Devices that join a room on this computer.

use std::net::SocketAddr;
use std::path::Path;

use kabar_core::crypto::identity::Identity;
use kabar_std::address::Places;
use kabar_std::invite::Invite;
use kabar_std::random::random_bytes;
use kabar_tests::qemu::{Cable, HOST, Image, Machine};
use kabar_tests::room::Room;

/// The emulator's options for a clock that counts instructions.
pub(crate) const COUNTING: [&str; 2] = ["-icount", "shift=6"];

/// A device's way to the server.
enum Way {
    /// Its network card, with the value of `ip`.
    Ip(&'static str),
    /// Its serial port.
    Serial,
}

/// A device's arguments, except for the room.
pub(crate) struct Device {
    name: &'static str,
    identity: String,
    /// Its way to the server.
    way: Way,
    further: Vec<String>,
    options: Vec<&'static str>,
}

impl Device {
    /// A device with a new identity, that gets its address by DHCP.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, identity: identity(), way: Way::Ip("dhcp"), further: Vec::new(), options: Vec::new() }
    }

    pub(crate) fn every_ms(mut self, every: u32) -> Self {
        self.further.push(format!("every={every}"));
        self
    }

    /// Leaves after this number of readings.
    pub(crate) fn readings(mut self, readings: u32) -> Self {
        self.further.push(format!("readings={readings}"));
        self
    }

    /// It takes images that `from` posts into the slot in this file.
    pub(crate) fn updates(mut self, slot: &Path, from: &str) -> Self {
        self.further.extend([format!("slot={}", slot.display()), format!("updates-from={from}")]);
        self
    }

    /// Its clock counts instructions: each takes 64 ns, however busy this computer is.
    pub(crate) fn counting(mut self) -> Self {
        self.options = COUNTING.to_vec();
        self
    }

    pub(crate) fn static_address(mut self) -> Self {
        self.way = Way::Ip("10.0.2.77/24");
        self
    }

    /// It uses its serial port.
    pub(crate) fn serial(mut self) -> Self {
        self.way = Way::Serial;
        self
    }

    /// Its arguments to join `room`, whose server it reaches at `port` of this computer. The seed
    /// of its randomness is new at each call.
    pub(crate) fn words(&self, room: &Room, port: u16) -> Vec<String> {
        let mut invite: Invite = room.invite.parse().expect("an invite");
        invite.places = Places::one(SocketAddr::from((HOST, port)).into());
        let mut words = vec![
            format!("seed={}", seed()),
            format!("identity={}", self.identity),
            format!("invite={invite}"),
            format!("name={}", self.name),
            match self.way {
                Way::Ip(ip) => format!("ip={ip}"),
                Way::Serial => "link=serial".into(),
            },
        ];
        words.extend(self.further.iter().cloned());
        words
    }

    /// Starts it with the address of the room's server.
    pub(crate) fn start(&self, image: Image, cable: Cable<'_>, room: &Room) -> Machine {
        self.start_at(image, cable, room, &room.address)
    }

    /// Starts it with another address of this computer: that of a relay.
    pub(crate) fn start_at(&self, image: Image, cable: Cable<'_>, room: &Room, address: &str) -> Machine {
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        Machine::start(&image, cable, &self.words(room, port), &self.options)
    }
}

/// A new identity, as a factory writes it into a device: its seed and its public half.
fn identity() -> String {
    let seed: [u8; 32] = random_bytes().expect("the operating system's randomness");
    let halves = [seed, Identity::from_seed(&seed).public().0].concat();
    data_encoding::HEXLOWER.encode(&halves)
}

/// 32 bytes of the operating system's randomness.
pub(crate) fn seed() -> String {
    let bytes: [u8; 32] = random_bytes().expect("the operating system's randomness");
    data_encoding::HEXLOWER.encode(&bytes)
}
