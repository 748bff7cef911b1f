//! A room on this computer, and devices that are told where it is.

use std::path::Path;

use kabar_server::random::random_bytes;
use kabar_tests::process::Process;
use kabar_tests::qemu::{Cable, HOST, Image, Machine};
use tempfile::TempDir;

/// A server with one room.
pub(crate) struct Room {
    pub(crate) home: TempDir,
    pub(crate) invite: String,
    /// Where it listens: `127.0.0.1:PORT`.
    pub(crate) address: String,
    pub(crate) server: Process,
}

impl Room {
    pub(crate) fn open() -> Self {
        let home = tempfile::tempdir().expect("a folder for the test");
        let (server, address, invite) = serve(home.path(), "127.0.0.1:0");
        Self { home, invite, address, server }
    }

    /// Takes the power from the server.
    pub(crate) fn kill_server(&mut self) {
        self.server.kill();
    }

    /// The same server again, at the same address.
    pub(crate) fn restart_server(&mut self) {
        let (server, _, invite) = serve(self.home.path(), &self.address);
        assert_eq!(invite, self.invite, "same data, same invite");
        self.server = server;
    }

    /// A member on a laptop, which has joined.
    pub(crate) fn laptop(&self, name: &str) -> Process {
        let mut laptop = Process::start("kabar", &self.home.path().join(name), &["join", &self.invite, "--name", name]);
        laptop.expect_notice("Joined ");
        laptop
    }
}

fn serve(home: &Path, listen: &str) -> (Process, String, String) {
    let data = home.join("server");
    let data = data.to_str().expect("UTF-8");
    let mut server = Process::start("kabar-server", home, &["--listen", listen, "--data-dir", data]);
    let listening = server.expect("listening on ");
    let address = listening.rsplit(' ').next().expect("an address").to_owned();
    let line = server.expect("kabar://");
    let invite = line.split_whitespace().find(|word| word.starts_with("kabar://")).expect("an invite").to_owned();
    (server, address, invite)
}

/// The emulator's options for a clock that counts instructions.
pub(crate) const COUNTING: [&str; 2] = ["-icount", "shift=6"];

/// What a device is told, but for the room.
pub(crate) struct Device {
    name: &'static str,
    identity: String,
    ip: String,
    further: Vec<String>,
    options: Vec<&'static str>,
}

impl Device {
    /// A new one, with an identity of its own. It asks the network for its address.
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, identity: seed(), ip: "dhcp".into(), further: Vec::new(), options: Vec::new() }
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
        self.ip = "10.0.2.77/24".into();
        self
    }

    /// What it is told about `room`, whose server it reaches at `port` of this computer. Its randomness is new at each call.
    pub(crate) fn words(&self, room: &Room, port: &str) -> Vec<String> {
        let (_, path) = room.invite.trim_start_matches("kabar://").split_once('/').expect("an invite");
        let (name, keys) = path.split_once('/').expect("an invite");
        let (fingerprint, secret) = keys.split_once('.').expect("an invite");
        let mut words = vec![
            format!("seed={}", seed()),
            format!("identity={}", self.identity),
            format!("server={HOST}:{port}"),
            format!("fingerprint={fingerprint}"),
            format!("room={name}"),
            format!("secret={secret}"),
            format!("name={}", self.name),
            format!("ip={}", self.ip),
        ];
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

/// 32 bytes of the operating system's randomness.
pub(crate) fn seed() -> String {
    let bytes: [u8; 32] = random_bytes().expect("the operating system's randomness");
    data_encoding::HEXLOWER.encode(&bytes)
}
