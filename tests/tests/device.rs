//! The example's program on a host, and the library, with a real server and a real client.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant as Clock};

use kabar_core::chat::EntryKind;
use kabar_core::client::{Event, RoomSlot, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::time::Instant;
use kabar_device::host::{HostClock, UdpDevice};
use kabar_device::{
    Addressing, Application, Clock as _, DeviceClient, DeviceEvent, IpLink, IpStorage, Member, Network, Node, Settings,
    Storage, profile,
};
use kabar_embedded_example::host::address;
use kabar_std::invite::Invite;
use kabar_std::random::random_bytes;
use kabar_tests::process::{Process, TIMEOUT};
use kabar_tests::room::{Room, spawn_join, text};
use rand_core::SeedableRng as _;
use smoltcp::phy::FaultInjector;
use smoltcp::wire::{HardwareAddress, Ipv4Cidr};

fn device(room: &Room, arguments: &[&str]) -> Process {
    device_with(room, &room.invite, arguments)
}

fn device_with(room: &Room, invite: &str, arguments: &[&str]) -> Process {
    Process::start("kabar-embedded-example", room.home(), &[&[invite], arguments].concat())
}

/// The invite with one character changed: the one before the last `from_end`.
fn forged(invite: &str, from_end: usize) -> String {
    let mut forged = invite.to_owned().into_bytes();
    let at = forged.len() - 1 - from_end;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(forged).expect("ASCII")
}

#[test]
fn posts_a_line_and_leaves_when_it_is_stored() {
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let mut device = device(&room, &["--name", "probe", "--say", "21.5 \u{b0}C"]);
    assert_eq!(device.wait(), Some(0), "{:?}", device.stderr);
    farhan.expect("probe has joined");
    let line = farhan.expect("21.5");
    assert!(line.ends_with("probe: 21.5 \u{b0}C"), "{line}");
    farhan.expect("probe has left");
    assert!(
        device.stdout.iter().any(|line| line.ends_with("probe: 21.5 \u{b0}C")),
        "its own line too: {:?}",
        device.stdout
    );
}

#[test]
fn shows_entries_and_the_length_of_those_that_are_too_long() {
    let room = Room::open();
    let mut device = device(&room, &["--name", "probe"]);
    device.expect_stderr("joined as probe");
    let mut farhan = room.client("farhan");
    farhan.type_line("short");
    farhan.type_line(&"long ".repeat(800));
    farhan.type_line(&"x".repeat(usize::from(profile::LARGEST_ENTRY)));
    farhan.type_line("done");
    device.expect("farhan: short");
    device.expect("farhan:  (4000 bytes, too long for this device)");
    let whole = device.expect("farhan: xxx");
    assert!(whole.ends_with(&format!("farhan: {}", "x".repeat(usize::from(profile::LARGEST_ENTRY)))));
    device.expect("farhan: done");
}

#[test]
fn posts_readings_and_answers_commands_on_a_host() {
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let mut device = device(&room, &["--name", "probe", "--every", "1"]);
    farhan.expect("probe: reading 1: ");
    farhan.type_line("@probe led on");
    farhan.expect("probe: farhan: led is on");
    device.expect_stderr("the light is on");
    farhan.type_line("how are you, probe?");
    farhan.type_line("@probe status");
    let status = farhan.expect("probe: farhan: reading ");
    assert!(status.contains("led is on"), "{status}");
    device.expect("probe: farhan: reading ");
    assert_eq!(
        device.stdout.iter().filter(|line| line.contains("probe: farhan:")).count(),
        2,
        "an ordinary text is not a command"
    );
}

#[test]
fn leaves_after_the_given_number_of_readings() {
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let mut device = device(&room, &["--name", "probe", "--every", "1", "--readings", "2"]);
    farhan.expect("probe: reading 2: ");
    farhan.expect("probe has left");
    assert_eq!(device.wait(), Some(0), "{:?}", device.stderr);
    assert!(!farhan.stdout.iter().any(|line| line.contains("reading 3")), "{:?}", farhan.stdout);
}

#[test]
fn no_answer_is_exit_code_3() {
    let room = Room::open();
    let nobody = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = nobody.local_addr().expect("bound").port();
    let invite = room.invite_to(&port.to_string());
    let mut device = device_with(&room, &invite, &["--name", "probe", "--say", "hello"]);
    assert_eq!(device.wait(), Some(3));
    assert!(device.stderr.iter().any(|line| line.contains(&format!("no answer from 127.0.0.1 port {port}"))));
}

#[test]
fn a_key_that_differs_from_the_invite_is_exit_code_4() {
    let room = Room::open();
    let secret_len = 27;
    let mut device = device_with(&room, &forged(&room.invite, secret_len + 20), &["--name", "probe", "--say", "hello"]);
    assert_eq!(device.wait(), Some(4));
    assert!(device.stderr.iter().any(|line| line.contains("the server's key")), "{:?}", device.stderr);
}

#[test]
fn a_wrong_secret_is_exit_code_4() {
    let room = Room::open();
    let mut device = device_with(&room, &forged(&room.invite, 10), &["--name", "probe", "--say", "hello"]);
    assert_eq!(device.wait(), Some(4));
    assert!(device.stderr.iter().any(|line| line.contains("secret")), "{:?}", device.stderr);
}

#[test]
fn a_taken_name_is_exit_code_5_and_its_owner_may_rejoin() {
    let room = Room::open();
    let identity = room.home().join("identity");
    let owner = ["--name", "probe", "--say", "first", "--identity", text(&identity)];
    assert_eq!(device(&room, &owner).wait(), Some(0));
    assert_eq!(device(&room, &["--name", "probe", "--say", "mine"]).wait(), Some(5));
    assert_eq!(device(&room, &["--name", "probe", "--say", "mine", "--ephemeral"]).wait(), Some(5));
    assert_eq!(device(&room, &owner).wait(), Some(0));
    assert_eq!(std::fs::read(identity).expect("it was created").len(), 32);
}

#[test]
fn chooses_the_address_of_an_invite_that_answers() {
    let room = Room::open();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let silent_address = silent.local_addr().expect("an address").to_string();
    for (name, addresses) in [
        ("a", format!("{silent_address},{}", room.address)),
        ("b", format!("{},{silent_address}", room.address)),
        ("c", format!("fd00::1:7,[fd00::1]:7,{silent_address},{}", room.address)),
    ] {
        let invite = room.invite.replace(&format!("//{}/", room.address), &format!("//{addresses}/"));
        assert_ne!(invite, room.invite);
        let mut device = device_with(&room, &invite, &["--name", name, "--say", "hello"]);
        assert_eq!(device.wait(), Some(0), "{addresses}: {:?}", device.stderr);
    }
}

#[test]
fn keeps_its_name_between_runs() {
    let room = Room::open();
    for line in ["first", "second"] {
        let mut device = device(&room, &["--name", "probe", "--say", line]);
        assert_eq!(device.wait(), Some(0), "{:?}", device.stderr);
    }
    // Kept where `kabar` keeps identities, so that both are the same member.
    let mut client = spawn_join(room.home(), &room.invite, "Probe", &["--identity", "probe"]);
    client.expect_stderr("Joined lobby as ");
}

#[test]
fn an_ephemeral_identity_is_not_kept() {
    let room = Room::open();
    let arguments = ["--name", "probe", "--say", "hello", "--ephemeral"];
    assert_eq!(device(&room, &arguments).wait(), Some(0));
    assert_eq!(device(&room, &arguments).wait(), Some(5), "another identity, and the name is taken");
    assert!(!room.home().join("share").exists(), "nothing is kept");
}

#[test]
fn a_name_that_is_not_allowed_is_exit_code_5() {
    let room = Room::open();
    let mut device = device(&room, &["--name", "a:b", "--say", "hello"]);
    assert_eq!(device.wait(), Some(5), "{:?}", device.stderr);
}

#[test]
fn a_malformed_invite_is_exit_code_2() {
    let room = Room::open();
    assert_eq!(device_with(&room, "kabar://127.0.0.1:9999/lobby", &["--name", "probe"]).wait(), Some(2));
}

/// A product with two sensors, one of which counts, and no light.
struct TwoSensors {
    next: Instant,
    pulses: u32,
    measured: u32,
}

impl Application for TwoSensors {
    fn on_event(&mut self, event: DeviceEvent<'_>) {
        // The second sensor counts the entries of others.
        self.pulses += u32::from(matches!(event, DeviceEvent::Room(Event::Entry { own: false, .. })));
    }

    fn run(&mut self, now: Instant, client: &mut DeviceClient) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now + kabar_core::time::Duration::from_millis(200);
        self.measured += 1;
        let line = format!("{} hPa, {} pulses", 1000 + self.measured, self.pulses);
        client.post(RoomSlot::FIRST, EntryKind::TEXT, line.as_bytes()).expect("the outbox has room");
        true
    }

    fn poll_timeout(&self) -> Option<Instant> {
        Some(self.next)
    }
}

#[test]
fn a_product_with_two_sensors_and_no_light_joins() {
    const NODE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 4000);
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let invite: Invite = room.invite.parse().expect("the server's invite");
    let settings = Settings {
        server: *address::ipv4(&invite.places).first().expect("one"),
        fingerprint: invite.fingerprint,
        room: invite.room.as_str(),
        secret: *invite.secret.expose(),
        name: "probe",
        identity: &Identity::from_seed(&[5; 32]),
    };
    let addressing = Addressing::Static { address: Ipv4Cidr::new(*NODE.ip(), 24), gateway: None };
    let network = Network { hardware: HardwareAddress::Ip, addressing, port: NODE.port(), seed: 1 };
    let (mut storage, mut ip, clock) = (Storage::new(), IpStorage::new(), HostClock::start());
    let link = IpLink::new(&mut ip, &network, UdpDevice::open(NODE).expect("a socket"), clock.now());
    let product = TwoSensors { next: clock.now(), pulses: 0, measured: 0 };
    let mut rng = rand_chacha::ChaCha20Rng::from_seed(random_bytes().expect("the operating system's randomness"));
    let mut member = Member::new(&mut storage, &settings, link, clock, product, &mut rng).expect("it can join");

    let (deadline, mut is_leaving) = (Clock::now() + TIMEOUT, false);
    while member.ended().is_none() {
        assert!(Clock::now() < deadline, "{:?}", member.node().client().counters());
        let due = member.run();
        if !is_leaving
            && member.application().measured >= 3
            && member.node().client().state(RoomSlot::FIRST) == State::Online
        {
            is_leaving = true;
            member.leave();
            continue;
        }
        let limit = due.saturating_since(member.clock().now()).as_micros().min(50_000);
        member.node().link().device().wait(Duration::from_micros(limit)).expect("the socket waits");
    }
    for measured in 1..=3 {
        farhan.expect(&format!("probe: {} hPa, ", 1000 + measured));
    }
    farhan.expect("probe has left");
}

/// The library on a network device that loses and damages frames in both directions.
#[test]
fn posts_are_stored_once_in_order_on_a_bad_network() {
    const LINES: usize = 30;
    const NODE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 4000);
    let room = Room::open();
    let mut farhan = room.client("farhan");

    let invite: Invite = room.invite.parse().expect("the server's invite");
    let server = *address::ipv4(&invite.places).first().expect("one");
    let mut card = FaultInjector::new(UdpDevice::open(NODE).expect("a socket"), 7);
    card.set_drop_chance(15);
    card.set_corrupt_chance(10);
    let network = Network {
        hardware: HardwareAddress::Ip,
        addressing: Addressing::Static { address: Ipv4Cidr::new(*NODE.ip(), 24), gateway: None },
        port: NODE.port(),
        seed: 1,
    };
    let origin = Clock::now();
    let now = || Instant::from_micros(u64::try_from(origin.elapsed().as_micros()).expect("in time"));
    let (mut storage, mut ip) = (Storage::new(), IpStorage::new());
    let mut node = Node::new(&mut storage, IpLink::new(&mut ip, &network, card, now()));
    let identity = Identity::from_seed(&[5; 32]);
    let config = profile::config(
        server,
        invite.fingerprint,
        *invite.secret.expose(),
        invite.room.as_str(),
        "probe",
        &identity,
        1000,
    );
    node.start(&config, [6; 32], now()).expect("a legal configuration");

    let (mut posted, mut delivered) = (0, Vec::new());
    while node.client().state(RoomSlot::FIRST) != State::Ended {
        assert!(origin.elapsed() < TIMEOUT, "{posted} posted, {delivered:?} delivered, {:?}", node.client().counters());
        node.poll(now(), |event| {
            if let Event::Entry { header, body, own: true, .. } = event {
                assert_eq!(header.kind, EntryKind::TEXT);
                delivered.push(String::from_utf8(body.to_vec()).expect("text"));
            }
        });
        // A full outbox is not an error: the rest is posted when there is room.
        while posted < LINES && node.client().post(RoomSlot::FIRST, EntryKind::TEXT, line(posted).as_bytes()).is_ok() {
            posted += 1;
        }
        if posted == LINES && delivered.len() == LINES {
            node.client().leave(now());
        }
        std::thread::sleep(Duration::from_millis(1));
    }

    let all: Vec<String> = (0..LINES).map(line).collect();
    assert_eq!(delivered, all);
    for expected in &all {
        let shown = farhan.expect("probe: ");
        assert!(shown.ends_with(&format!("probe: {expected}")), "{shown}");
    }
    let counters = node.client().counters();
    assert!(counters.connection.resent > 0, "the network was bad: {counters:?}");
}

/// Two of them fill a datagram, so many datagrams are sent.
fn line(number: usize) -> String {
    format!("{number:03} {}", "x".repeat(500))
}

#[test]
fn takes_a_firmware_image_and_continues_after_a_restart() {
    let room = Room::open();
    let mut farhan = room.client("farhan");
    let (slot, file) = (room.home().join("slot"), room.home().join("probe-2.fw"));
    let content: Vec<u8> = (0..700_001_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(&file, &content).expect("an image");
    let identity = room.home().join("identity");
    let arguments = ["--name", "probe", "--every", "1000", "--identity", text(&identity)];
    let arguments = [&arguments[..], &["--slot", text(&slot), "--updates-from", "anna"]].concat();
    // A window per round-trip time: the image takes longer than the device lives.
    let relay = room.relay("127.0.0.1:0", &["--delay", "10"]);
    let slow = room.invite_to(relay.address.rsplit(':').next().expect("a port"));
    let mut first = device_with(&room, &slow, &arguments);
    first.expect_stderr("joined as probe");
    for name in ["mallory", "anna"] {
        let arguments = ["send", text(&file), "--to", &room.invite, "--name", name];
        let mut sender = Process::start("kabar", &room.home_of(name), &arguments);
        assert_eq!(sender.wait(), Some(0), "{:?}", sender.stderr);
    }
    farhan.expect("probe: update: 25 % of 700001 bytes");
    first.kill();
    let mut second = device(&room, &arguments);
    let complete = farhan.expect("probe: update: complete, 700001 bytes, root ");
    let root = kabar_core::content::Root::of(&content).to_string();
    assert!(complete.ends_with(&root[..16]), "{complete}");
    let flash = std::fs::read(&slot).expect("the slot");
    assert!(flash[4096..][..content.len()] == content, "the slot has another image");
    second.kill();
    // An image that is there already is not fetched again.
    let mut third = device(&room, &arguments);
    third.expect_stderr("joined as probe");
    let arguments = ["send", text(&file), "--to", &room.invite, "--name", "anna"];
    assert_eq!(Process::start("kabar", &room.home_of("anna"), &arguments).wait(), Some(0));
    farhan.expect("probe: update: complete, 700001 bytes, root ");
}
