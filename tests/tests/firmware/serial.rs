//! A device whose link is its serial port, with `kabar bridge` at the other end.

use std::path::PathBuf;

use kabar_tests::process::Process;
use kabar_tests::qemu::{Board, Cable, firmware};
use kabar_tests::room::Room;

use crate::device::Device;
use crate::readings;

/// A bridge, and the socket on which it waits for devices.
fn bridge(room: &Room, to: &str) -> (Process, PathBuf) {
    let socket = room.home().join("serial");
    let wire = format!("unix:{}", socket.display());
    let mut bridge = Process::start("kabar", room.home(), &["bridge", "--serial", &wire, "--to", to]);
    bridge.expect_stderr("bridging");
    (bridge, socket)
}

#[test]
fn joins_over_a_serial_port() {
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
fn a_serial_device_delivers_at_10_percent_loss_and_after_a_server_restart() {
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
fn reports_an_unconnected_serial_port_once_and_joins_when_it_is_connected() {
    let room = Room::open();
    let socket = room.home().join("unconnected");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    let device = Device::new("probe").serial().every_ms(200);
    let mut device = device.start(firmware(Board::An386), Cable::Serial(&socket), &room);
    let (mut line, _) = listener.accept().expect("the emulator comes");
    device.expect("the server does not answer");
    device.expect("measured");
    assert_eq!(device.count("the server does not answer"), 1, "{}", device.transcript());

    // The line is connected to the bridge, and begins with a boot message.
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
