//! A device whose link is its serial port, behind `kabar bridge`.

use std::path::PathBuf;

use kabar_tests::process::Process;
use kabar_tests::qemu::{Board, Cable, firmware};
use kabar_tests::room::Room;

use crate::device::Device;
use crate::readings;

/// A bridge that waits for devices on a socket; where that is.
fn bridge(room: &Room, to: &str) -> (Process, PathBuf) {
    let socket = room.home().join("serial");
    let wire = format!("unix:{}", socket.display());
    let mut bridge = Process::start("kabar", room.home(), &["bridge", "--serial", &wire, "--to", to]);
    bridge.expect_stderr("bridging");
    (bridge, socket)
}

#[test]
fn a_device_without_a_network_talks_over_its_serial_port() {
    let room = Room::open();
    let (_bridge, socket) = bridge(&room, &room.address);
    let mut anna = room.client("anna");
    let device = Device::new("probe").serial().every_ms(200);
    let mut device = device.start(firmware(Board::An386), Cable::Serial(&socket), &room);
    device.expect("on a serial line");
    device.expect("joined as probe");
    anna.type_line("@probe led on");
    anna.expect("probe: anna: led is on");
    anna.type_line(&"x".repeat(1_500));
    device.expect("anna: xxx");
    let measured = device.count("measured");
    anna.expect(&format!("probe: reading {}: ", measured + 2));
    let said = readings(&anna);
    assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
}

#[test]
fn a_serial_device_says_all_of_it_at_a_tenth_of_all_packets_lost_and_after_the_server_was_killed() {
    let mut room = Room::open();
    let relay = room.relay("127.0.0.1:0", &["--loss", "10%", "--seed", "11"]);
    let (_bridge, socket) = bridge(&room, &relay.address);
    let mut anna = room.client("anna");
    let device = Device::new("probe").serial().every_ms(250);
    let mut device = device.start(firmware(Board::An385), Cable::Serial(&socket), &room);
    device.expect("own: true");
    room.kill();
    device.expect("connection lost");
    let measured = device.count("measured");
    room.restart();
    device.expect("joined as probe");
    anna.expect(&format!("probe: reading {}: ", measured + 3));
    let said = readings(&anna);
    assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
}

#[test]
fn a_serial_port_at_which_nobody_is_is_told_once_and_joined_when_somebody_comes() {
    let room = Room::open();
    let nobody = room.home().join("nobody");
    let listener = std::os::unix::net::UnixListener::bind(&nobody).expect("a socket");
    let device = Device::new("probe").serial().every_ms(200);
    let mut device = device.start(firmware(Board::An386), Cable::Serial(&nobody), &room);
    let (mut line, _) = listener.accept().expect("the emulator comes");
    device.expect("the server does not answer");
    device.expect("measured");
    assert_eq!(device.count("the server does not answer"), 1, "{}", device.transcript());

    // Somebody plugs it in: the bridge's side of the line, with a greeting of its own.
    let (_bridge, socket) = bridge(&room, &room.address);
    let far = std::os::unix::net::UnixStream::connect(socket).expect("the bridge listens");
    let (mut to_device, mut from_bridge) = (line.try_clone().expect("a handle"), far.try_clone().expect("a handle"));
    std::io::Write::write_all(&mut to_device, b"login: \0\0\xff").expect("the device reads");
    std::thread::spawn(move || std::io::copy(&mut from_bridge, &mut to_device));
    std::thread::spawn(move || std::io::copy(&mut line, &mut &far));
    device.expect("joined as probe");
    let mut anna = room.client("anna");
    anna.type_line("@probe uptime");
    anna.expect("probe: anna: up ");
}
