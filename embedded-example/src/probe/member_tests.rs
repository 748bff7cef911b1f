//! A probe on a network device in memory, without a server.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::string::{String, ToString};
use std::sync::LazyLock;
use std::vec::Vec;

use chacha20::ChaCha20Rng;
use rand_core::SeedableRng;
use smoltcp::phy::Medium;
use smoltcp::wire::{EthernetAddress, HardwareAddress, Ipv4Cidr};

use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_device::host::MemoryDevice;
use kabar_device::link::Address;
use kabar_device::{Addressing, Clock, IpLink, IpStorage, Link, Member, Network, Settings, Storage};

use super::*;

/// A clock that the test moves.
#[derive(Clone, Default)]
struct ManualClock(Rc<Cell<u64>>);

impl Clock for ManualClock {
    const TICK_US: u32 = 1000;

    fn now(&self) -> Instant {
        Instant::from_micros(self.0.get())
    }
}

impl ManualClock {
    fn pass(&self, duration: Duration) {
        self.0.set(self.0.get() + duration.as_micros());
    }
}

/// A board that records its calls.
#[derive(Default)]
struct Recorder {
    measured: i32,
    led: bool,
    events: Vec<String>,
}

impl Board for Recorder {
    fn measure(&mut self) -> i32 {
        self.measured += 1;
        20_000 + self.measured
    }

    fn set_led(&mut self, on: bool) {
        self.led = on;
    }

    fn on_event(&mut self, event: DeviceEvent<'_>) {
        self.events.push(match event {
            DeviceEvent::Address(Address::Ip(address)) => address.to_string(),
            DeviceEvent::Room(event) => std::format!("{event:?}"),
            other => std::format!("{other:?}"),
        });
    }
}

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::from_seed(&[3; 32]));

fn settings() -> Settings<'static> {
    Settings {
        server: SocketAddr::from(([192, 0, 2, 1], 9999)),
        fingerprint: Fingerprint([1; 20]),
        room: "lobby",
        secret: [2; 16],
        name: "probe",
        identity: &IDENTITY,
    }
}

const STATIC: Addressing = Addressing::Static { address: Ipv4Cidr::new(Ipv4Addr::new(10, 0, 0, 2), 24), gateway: None };

type OnNetwork<'a> = Member<'a, IpLink<'a, MemoryDevice>, ManualClock, Probe<Recorder>>;

fn member<'a>(
    node: &'a mut Storage,
    ip: &'a mut IpStorage<'a>,
    addressing: Addressing,
    clock: &ManualClock,
) -> OnNetwork<'a> {
    let (hardware, medium) = match addressing {
        Addressing::Static { .. } => (HardwareAddress::Ip, Medium::Ip),
        Addressing::Dhcp => (HardwareAddress::Ethernet(EthernetAddress([2, 0, 0, 0, 0, 1])), Medium::Ethernet),
    };
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let network = Network::draw(hardware, addressing, &mut rng);
    let link = IpLink::new(ip, &network, MemoryDevice::new(medium), clock.now());
    let probe = Probe::new(Recorder::default(), Some(Duration::from_secs(10)), clock.now());
    Member::new(node, &settings(), link, clock.clone(), probe, &mut rng).unwrap()
}

/// Runs the loop for `duration` of the clock; returns the number of calls.
fn run<L: Link>(
    member: &mut Member<'_, L, ManualClock, Probe<Recorder>>,
    clock: &ManualClock,
    duration: Duration,
) -> usize {
    let end = clock.now() + duration;
    let mut calls = 0;
    while clock.now() < end {
        let due = member.run();
        calls += 1;
        // At least one tick passes, as on hardware.
        clock.pass(due.min(end).saturating_since(clock.now()).max(Duration::from_millis(1)));
    }
    calls
}

#[test]
fn reports_a_missing_server_once_and_retries_ever_less_often() {
    let (mut node, mut ip, clock) = (Storage::new(), IpStorage::new(), ManualClock::default());
    let mut member = member(&mut node, &mut ip, STATIC, &clock);
    run(&mut member, &clock, Duration::from_secs(60));
    let first_minute = member.node().link().device().outgoing.len();
    run(&mut member, &clock, Duration::from_secs(600));
    let per_minute = (member.node().link().device().outgoing.len() - first_minute) / 10;
    assert!(per_minute > 0 && per_minute < first_minute, "{first_minute}, then {per_minute}");
    assert_eq!(member.application().board().events, ["10.0.0.2/24", "NoAnswer"]);
    assert_eq!(member.application().readings(), 66, "it keeps measuring");
    assert_eq!(member.ended(), None);
}

#[test]
fn a_full_outbox_refuses_posts_and_keeps_those_it_took() {
    let (mut node, mut ip, clock) = (Storage::new(), IpStorage::new(), ManualClock::default());
    let mut member = member(&mut node, &mut ip, STATIC, &clock);
    member.run();
    let mut posted = 0;
    for len in [100, 1] {
        while member.post(EntryKind::TEXT, &[b'x'; 100][..len]).is_ok() {
            posted += 1;
        }
    }
    assert_eq!(member.post(EntryKind::TEXT, b"x"), Err(PostError::Full));
    run(&mut member, &clock, Duration::from_secs(100));
    // The first reading and its data were posted before; later ones had no room.
    assert_eq!(member.node().client().unsettled(RoomSlot::FIRST), posted + 2);
    assert!(posted > 10 && member.application().readings() == 10);
}

#[test]
fn reports_a_network_without_addresses_once_and_sends_only_dhcp() {
    let (mut node, mut ip, clock) = (Storage::new(), IpStorage::new(), ManualClock::default());
    let mut member = member(&mut node, &mut ip, Addressing::Dhcp, &clock);
    let calls = run(&mut member, &clock, Duration::from_secs(300));
    assert_eq!(member.application().board().events, ["NoAddress"]);
    assert_eq!(member.application().readings(), 30);
    let questions = member.node().link().device().outgoing.len();
    // Every 4 s.
    assert!((10..=76).contains(&questions), "{questions} frames");
    assert!(calls < 1000, "it sleeps: {calls} calls");
    assert_eq!(member.node().address(), None);
    assert!(member.node().client().unsettled(RoomSlot::FIRST) > 50, "the readings wait");
}

#[test]
fn fits_in_known_memory() {
    type Whole = OnNetwork<'static>;
    // The host's pointers are twice as long.
    assert!(size_of::<Storage>() < 19 * 1024, "{}", size_of::<Storage>());
    assert!(size_of::<IpStorage<'static>>() < 4 * 1024, "{}", size_of::<IpStorage<'static>>());
    assert!(size_of::<Whole>() < 2 * 1024, "{}", size_of::<Whole>());
}
