//! The firmware on a bad cable, and among neighbours who send what they like.

use kabar_tests::process::Process;
use kabar_tests::qemu::wire::{Passed, Wire};
use kabar_tests::qemu::{Board, Cable, Machine, firmware};
use kabar_tests::relay::faults::{Chance, Faults, Loss};
use kabar_tests::room::Room;

use crate::craft::{Flood, Stations};
use crate::device::Device;
use crate::{BOARDS, readings};

/// Frames of a flood of which the device takes each, so many at a time as the card has room for ...
const TAKEN: usize = 280;
const AT_A_TIME: usize = 4;
/// ... then so many at least as fast as they can be sent, most of which the card has no room for
/// ...
const FLOOD: usize = 5_000;
/// ... and at most: a device that does not measure meanwhile is one that the flood keeps from its
/// work.
const LONGEST_FLOOD: usize = 2_000_000;

/// Readings that are waited for.
const READINGS: usize = 15;

fn share(of_all: f64) -> Chance {
    Chance::from_share(of_all).expect("a share")
}

/// A fifth is lost, some come twice, some late.
fn lossy() -> Faults {
    Faults { loss: Loss::independent(share(0.2)), duplicate: share(0.05), reorder: share(0.1), ..Faults::NONE }
}

/// Readings and a few questions, all of it once and in order.
fn talk(wire: &Wire, device: Device, board: Board) {
    let room = Room::open();
    let mut anna = room.client("anna");
    let mut device = device.every_ms(200).start(firmware(board), Cable::Along(wire), &room);
    anna.expect("probe has joined");
    for number in 1..=3 {
        anna.type_line(&format!("said {number}"));
        anna.type_line("@probe uptime");
        anna.expect("probe: anna: up ");
    }
    while readings(&anna).len() < READINGS {
        anna.expect("probe: reading ");
    }
    let said = readings(&anna);
    assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
    assert_only_what_was_said(&anna);
    let answers = anna.stdout.iter().filter(|line| line.contains("probe: anna: up ")).count();
    assert_eq!(answers, 3, "{:#?}", anna.stdout);
    let heard: Vec<_> = (1..=3).map(|number| device.count(&format!("anna: said {number} "))).collect();
    assert_eq!(heard, [1, 1, 1], "{}", device.transcript());
}

/// A room in which a device says a reading each fifth of a second, on a cable that loses nothing.
struct Scene {
    room: Room,
    anna: Process,
    wire: Wire,
    device: Machine,
    stations: Stations,
    /// How often the device was asked who it is.
    asked: u16,
}

impl Scene {
    fn open(board: Board) -> Self {
        let room = Room::open();
        let mut anna = room.client("anna");
        let wire = Wire::start(Faults::NONE, Faults::NONE, 0);
        let device = Device::new("probe").every_ms(200);
        let device = device.start(firmware(board), Cable::Along(&wire), &room);
        anna.expect("probe: reading 2: ");
        let port = room.address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let stations = Stations::of(&wire.sent_by_card(), port);
        Self { room, anna, wire, device, stations, asked: 0 }
    }

    /// A flood, until the device has measured three times more.
    fn flood(&mut self, mut next: impl FnMut() -> Vec<u8>) {
        for _ in 0..TAKEN / AT_A_TIME {
            for _ in 0..AT_A_TIME {
                self.wire.inject(&next());
            }
            self.ask();
        }
        let enough = self.device.count("measured") + 3;
        let mut injected = 0;
        while injected < FLOOD || self.device.count("measured") < enough {
            assert!(injected < LONGEST_FLOOD, "it does not measure any more\n{}", self.device.transcript());
            for _ in 0..100 {
                self.wire.inject(&next());
            }
            injected += 100;
        }
    }

    /// The device answers its neighbour, and so has taken what came before.
    fn ask(&mut self) {
        self.asked += 1;
        self.wire.ask(&self.stations.who_are_you(self.asked), |frame| Stations::is_answer(frame, self.asked));
    }

    /// It is there again, if it ever was not: a card that has no room for the server's frames
    /// either may cost the connection. It has lost nothing, and nobody saw anything.
    fn check(mut self) {
        self.ask();
        let measured = self.device.count("measured");
        self.anna.expect(&format!("probe: reading {measured}: "));
        self.anna.type_line("@probe status");
        self.anna.expect("probe: anna: reading ");
        let said = readings(&self.anna);
        assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
        assert_only_what_was_said(&self.anna);
        for mishap in ["panic", "fault", "ended: ", "no log line"] {
            assert_eq!(self.device.count(mishap), 0, "{mishap}: {}", self.device.transcript());
        }
        drop(self.room);
    }
}

/// Whatever came along the cable, a laptop shows what the device and the laptop said and nothing
/// else.
fn assert_only_what_was_said(anna: &Process) {
    let known = [
        "anna has joined",
        "probe has joined",
        "probe: reading ",
        "probe sent 13 bytes of data",
        "probe: anna: ",
        "anna: @probe ",
        "anna: said ",
    ];
    let strange: Vec<_> = anna.stdout.iter().filter(|line| !known.iter().any(|part| line.contains(part))).collect();
    assert!(strange.is_empty(), "nobody said that: {strange:#?}");
}

#[test]
fn at_a_fifth_of_all_frames_lost_everything_is_said_once_and_in_order() {
    for board in BOARDS {
        let wire = Wire::start(lossy(), lossy(), 6);
        talk(&wire, Device::new("probe").static_address(), board);
        let Passed { up, down } = wire.passed();
        assert!(up.lost > 0 && down.lost > 0, "{up:?} {down:?}");
        assert!(up.duplicated + down.duplicated > 0 && up.held_back + down.held_back > 0, "{up:?} {down:?}");
    }
}

/// With this seed the first exchange with the DHCP server fails: more than a question and a request
/// is needed.
#[test]
fn a_lost_frame_does_not_cost_a_device_its_address() {
    let wire = Wire::start(lossy(), lossy(), 7);
    talk(&wire, Device::new("probe"), Board::An386);
    let asked = wire.sent_by_card().iter().filter(|frame| Stations::is_to_dhcp(frame)).count();
    assert!(asked > 2, "nothing of the first exchange was lost: {:?}", wire.passed());
}

#[test]
fn of_turned_bits_in_frames_nobody_sees_anything() {
    let damaging = Faults { loss: Loss::independent(share(0.05)), corrupt: share(0.2), ..Faults::NONE };
    for board in BOARDS {
        let wire = Wire::start(damaging, damaging, 6);
        talk(&wire, Device::new("probe").static_address(), board);
        let Passed { up, down } = wire.passed();
        assert!(up.corrupted > 0 && down.corrupted > 0, "{up:?} {down:?}");
    }
}

#[test]
fn in_a_flood_of_frames_a_device_measures_on_and_afterwards_nothing_is_missing() {
    for board in BOARDS {
        let mut scene = Scene::open(board);
        let mut flood = Flood::new(scene.stations, scene.wire.sent_to_card());
        scene.flood(|| flood.next());
        scene.check();
    }
}

#[test]
fn frames_too_long_or_too_short_do_not_keep_a_device_from_its_work() {
    for board in BOARDS {
        let mut scene = Scene::open(board);
        let mut flood = Flood::new(scene.stations, scene.wire.sent_to_card());
        scene.flood(|| flood.next_of_wrong_length());
        scene.check();
    }
}

#[test]
fn fragments_of_ip_packets_do_no_harm() {
    for board in BOARDS {
        let mut scene = Scene::open(board);
        let replayed = scene.stations.latest_from_server(&scene.wire.sent_to_card());
        let fragments = scene.stations.fragments(&replayed);
        assert!(fragments.len() <= TAKEN, "the device takes each");
        let mut next = fragments.iter().cycle();
        scene.flood(|| next.next().expect("it goes round").clone());
        scene.check();
    }
}
