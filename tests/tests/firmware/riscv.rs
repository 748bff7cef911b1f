//! The same program on another processor, with other network hardware.

use kabar_tests::qemu::{Board, Cable, Machine, firmware};
use kabar_tests::room::Room;

use crate::device::Device;
use crate::{readings, refuses};

#[test]
fn a_device_on_risc_v_says_its_readings_and_answers_who_speaks_to_it() {
    let room = Room::open();
    let mut anna = room.laptop("anna");
    let mut device = Device::new("probe").every_ms(300).start(firmware(Board::Virt), Cable::Plugged, &room);
    device.expect("kabar on a RISC-V board");
    device.expect("address 10.0.2.15/24");
    device.expect("joined as probe");
    anna.expect("probe: reading 1: 21.050 \u{b0}C");
    anna.type_line("@probe status");
    anna.expect("probe: anna: reading ");
    anna.type_line("@probe led on");
    anna.expect("probe: anna: led is on");
    device.expect("led is on: true");
    let said = readings(&anna);
    assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
}

#[test]
fn a_device_on_risc_v_leaves_when_all_is_stored() {
    let room = Room::open();
    let mut anna = room.laptop("anna");
    let device = Device::new("probe").every_ms(100).readings(5);
    let mut device = device.start(firmware(Board::Virt), Cable::Plugged, &room);
    anna.expect("probe has left");
    assert_eq!(device.wait(), Some(0), "{}", device.transcript());
    assert_eq!(readings(&anna), [1, 2, 3, 4, 5]);
}

#[test]
fn a_device_on_risc_v_comes_back_by_itself_and_says_what_it_had_not_yet_said() {
    let mut room = Room::open();
    let mut device = Device::new("probe").every_ms(250).start(firmware(Board::Virt), Cable::Plugged, &room);
    device.expect("reading 2: ");
    room.kill();
    device.expect("connection lost");
    let measured = device.count("measured");
    room.restart();
    device.expect("joined as probe");
    let mut anna = room.laptop("anna");
    anna.expect(&format!("probe: reading {}: ", measured + 3));
    let said = readings(&anna);
    assert!(said.windows(2).all(|pair| pair[1] == pair[0] + 1), "{said:?}");
    let first = usize::try_from(said[0]).expect("a small number");
    assert!(first <= measured, "what was measured while nobody heard it: {said:?}");
}

#[test]
fn a_device_on_risc_v_that_was_not_told_who_it_is_does_not_start() {
    let room = Room::open();
    let image = firmware(Board::Virt);
    let mut words = Device::new("probe").words(&room, "9999");
    words.retain(|word| !word.starts_with("identity="));
    refuses(&mut Machine::start(&image, Cable::Plugged, &words, &[]), "identity");
}
