//! Devices that are told where a room on this computer is.

use kabar_core::crypto::identity::Identity;
use kabar_std::random::random_bytes;
use kabar_tests::qemu::{Cable, HOST, Image, Machine};
use kabar_tests::room::Room;

/// The emulator's options for a clock that counts instructions.
pub(crate) const COUNTING: [&str; 2] = ["-icount", "shift=6"];

/// A device's way to the server.
enum Way {
    /// Its network card: how it comes to an address.
    Ip(&'static str),
    Serial,
}

/// What a device is told, but for the room.
pub(crate) struct Device {
    name: &'static str,
    identity: String,
    /// The words for its way to a server at a port of this computer.
    way: Way,
    further: Vec<String>,
    options: Vec<&'static str>,
}

impl Device {
    /// A new one, with an identity of its own. It asks the network for its address.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, identity: identity(), way: Way::Ip("dhcp"), further: Vec::new(), options: Vec::new() }
    }

    pub(crate) fn every_ms(mut self, every: u32) -> Self {
        self.further.push(format!("every={every}"));
        self
    }

    /// Leaves after so many readings.
    pub(crate) fn readings(mut self, readings: u32) -> Self {
        self.further.push(format!("readings={readings}"));
        self
    }

    /// Time counts instructions: one takes 64 ns, whatever this computer does meanwhile.
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

    /// What it is told about `room`, whose server it reaches at `port` of this computer. Its
    /// randomness is new at each call.
    pub(crate) fn words(&self, room: &Room, port: &str) -> Vec<String> {
        let (_, path) = room.invite.trim_start_matches("kabar://").split_once('/').expect("an invite");
        let (name, keys) = path.split_once('/').expect("an invite");
        let (fingerprint, secret) = keys.split_once('.').expect("an invite");
        let mut words = vec![
            format!("seed={}", seed()),
            format!("identity={}", self.identity),
            format!("fingerprint={fingerprint}"),
            format!("room={name}"),
            format!("secret={secret}"),
            format!("name={}", self.name),
        ];
        match self.way {
            Way::Ip(ip) => words.extend([format!("server={HOST}:{port}"), format!("ip={ip}")]),
            Way::Serial => words.push("link=serial".into()),
        }
        words.extend(self.further.iter().cloned());
        words
    }

    /// Starts it; it finds the server at its own port.
    pub(crate) fn start(&self, image: Image, cable: Cable<'_>, room: &Room) -> Machine {
        self.start_at(image, cable, room, &room.address)
    }

    /// Starts it; it finds the server at `address`, which is one of this computer's.
    pub(crate) fn start_at(&self, image: Image, cable: Cable<'_>, room: &Room, address: &str) -> Machine {
        let port = address.rsplit(':').next().expect("a port");
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
