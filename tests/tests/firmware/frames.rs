//! The firmware on a bad cable, and on a network with hostile neighbours.

use kabar_tests::process::Process;
use kabar_tests::qemu::wire::{Passed, Wire};
use kabar_tests::qemu::{Board, Cable, Machine, firmware};
use kabar_tests::relay::faults::{Chance, Faults, Loss};
use kabar_tests::room::Room;

use crate::craft::{Flood, Stations};
use crate::device::Device;
use crate::{BOARDS, readings};

/// Frames at the start of a flood, sent slowly enough for the device to receive each ...
const RECEIVED: usize = 280;
/// ... in groups for which the card has room.
const GROUP: usize = 4;
/// Frames that follow at full speed, at least; the card has no room for most of them.
const FLOOD: usize = 5_000;
/// Frames at full speed, at most: a device that has not measured by then is blocked by the flood.
const LONGEST_FLOOD: usize = 2_000_000;

/// Readings to wait for.
const READINGS: usize = 15;

fn share(of_all: f64) -> Chance {
    Chance::from_share(of_all).expect("a share")
}

/// 20 % are lost, some duplicated, some late.
fn lossy() -> Faults {
    Faults { loss: Loss::independent(share(0.2)), duplicate: share(0.05), reorder: share(0.1), ..Faults::NONE }
}

/// Checks that readings and answers to a few commands arrive once and in order.
fn chat(wire: &Wire, device: Device, board: Board) {
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
    assert_no_other_lines(&anna);
    let answers = anna.stdout.iter().filter(|line| line.contains("probe: anna: up ")).count();
    assert_eq!(answers, 3, "{:#?}", anna.stdout);
    let received: Vec<_> = (1..=3).map(|number| device.count(&format!("anna: said {number} "))).collect();
    assert_eq!(received, [1, 1, 1], "{}", device.transcript());
}

/// A room with a device that posts five readings a second, on a cable without faults.
struct Scene {
    room: Room,
    anna: Process,
    wire: Wire,
    device: Machine,
    stations: Stations,
    /// Number of ARP requests sent to the device.
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

    /// Sends a flood until the device has taken three more readings.
    fn flood(&mut self, mut next: impl FnMut() -> Vec<u8>) {
        for _ in 0..RECEIVED / GROUP {
            for _ in 0..GROUP {
                self.wire.inject(&next());
            }
            self.ask();
        }
        let enough = self.device.count("measured") + 3;
        let mut injected = 0;
        while injected < FLOOD || self.device.count("measured") < enough {
            assert!(injected < LONGEST_FLOOD, "it stopped measuring\n{}", self.device.transcript());
            for _ in 0..100 {
                self.wire.inject(&next());
            }
            injected += 100;
        }
    }

    /// Waits until the device answers an ARP request, and so has received all frames before it.
    fn ask(&mut self) {
        self.asked += 1;
        self.wire.ask(&self.stations.arp_request(self.asked), |frame| Stations::is_answer(frame, self.asked));
    }

    /// Checks that the device is in the room (a card without room for the server's frames may have
    /// lost the connection), that no reading is missing, and that the room shows nothing else.
    fn check(mut self) {
        self.ask();
        let measured = self.device.count("measured");
        self.anna.expect(&format!("probe: reading {measured}: "));
        self.anna.type_line("@probe status");
        self.anna.expect("probe: anna: reading ");
        let said = readings(&self.anna);
        assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
        assert_no_other_lines(&self.anna);
        for failure in ["panic", "fault", "ended: ", "malformed log line"] {
            assert_eq!(self.device.count(failure), 0, "{failure}: {}", self.device.transcript());
        }
        drop(self.room);
    }
}

/// Checks that the client shows what the device and the client posted and nothing else.
fn assert_no_other_lines(anna: &Process) {
    let known = [
        "anna has joined",
        "probe has joined",
        "probe: reading ",
        "probe sent 13 bytes of data",
        "probe: anna: ",
        "anna: @probe ",
        "anna: said ",
    ];
    let unexpected: Vec<_> = anna.stdout.iter().filter(|line| !known.iter().any(|part| line.contains(part))).collect();
    assert!(unexpected.is_empty(), "{unexpected:#?}");
}

#[test]
fn delivers_once_in_order_at_20_percent_frame_loss() {
    for board in BOARDS {
        let wire = Wire::start(lossy(), lossy(), 6);
        chat(&wire, Device::new("probe").static_address(), board);
        let Passed { up, down } = wire.passed();
        assert!(up.lost > 0 && down.lost > 0, "{up:?} {down:?}");
        assert!(up.duplicated + down.duplicated > 0 && up.held_back + down.held_back > 0, "{up:?} {down:?}");
    }
}

/// With this seed the first exchange with the DHCP server fails, so more than a discovery and a
/// request are needed.
#[test]
fn gets_an_address_although_dhcp_frames_are_lost() {
    let wire = Wire::start(lossy(), lossy(), 7);
    chat(&wire, Device::new("probe"), Board::An386);
    let asked = wire.sent_by_card().iter().filter(|frame| Stations::is_to_dhcp(frame)).count();
    assert!(asked > 2, "nothing of the first exchange was lost: {:?}", wire.passed());
}

#[test]
fn damaged_frames_show_nothing_in_the_room() {
    let damaging = Faults { loss: Loss::independent(share(0.05)), corrupt: share(0.2), ..Faults::NONE };
    for board in BOARDS {
        let wire = Wire::start(damaging, damaging, 6);
        chat(&wire, Device::new("probe").static_address(), board);
        let Passed { up, down } = wire.passed();
        assert!(up.corrupted > 0 && down.corrupted > 0, "{up:?} {down:?}");
    }
}

#[test]
fn keeps_measuring_in_a_flood_of_frames_and_loses_no_reading() {
    for board in BOARDS {
        let mut scene = Scene::open(board);
        let mut flood = Flood::new(scene.stations, scene.wire.sent_to_card());
        scene.flood(|| flood.next());
        scene.check();
    }
}

#[test]
fn keeps_measuring_in_a_flood_of_overlong_and_short_frames() {
    for board in BOARDS {
        let mut scene = Scene::open(board);
        let mut flood = Flood::new(scene.stations, scene.wire.sent_to_card());
        scene.flood(|| flood.next_of_wrong_length());
        scene.check();
    }
}

#[test]
fn keeps_measuring_in_a_flood_of_ip_fragments() {
    for board in BOARDS {
        let mut scene = Scene::open(board);
        let replayed = scene.stations.latest_from_server(&scene.wire.sent_to_card());
        let fragments = scene.stations.fragments(&replayed);
        assert!(fragments.len() <= RECEIVED, "the device receives each");
        let mut next = fragments.iter().cycle();
        scene.flood(|| next.next().expect("an endless cycle").clone());
        scene.check();
    }
}
