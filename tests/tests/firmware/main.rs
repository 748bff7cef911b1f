//! The firmware in the emulator, with its network hardware, against a real server and a real client
//! of a host.
//!
//! A test that fails shows the device's log.

mod craft;
mod device;
mod frames;
mod measure;
mod panics;
mod same_bytes;
mod serial;
mod update;

use std::process::Command;

use device::Device;
use kabar_device::profile;
use kabar_tests::process::Process;
use kabar_tests::qemu::{Board, Cable, Machine, firmware};
use kabar_tests::room::Room;

/// One board of each kind of processor, with different network hardware.
const BOARDS: [Board; 2] = [Board::An386, Board::Virt];

#[test]
fn posts_readings_and_answers_commands() {
    for board in BOARDS {
        let room = Room::open();
        let mut anna = room.client("anna");
        let mut device = Device::new("probe").every_ms(300).start(firmware(board), Cable::Plugged, &room);
        device.expect("address 10.0.2.15/24");
        device.expect("joined as probe");
        anna.expect("probe has joined");
        anna.expect("probe: reading 1: 21.050 \u{b0}C");
        anna.type_line("how warm is it?");
        device.expect("anna: how warm is it?");
        anna.type_line("@probe status");
        anna.expect("probe: anna: reading ");
        anna.type_line("@probe led on");
        anna.expect("probe: anna: led is on");
        anna.type_line("@probe uptime");
        anna.expect("probe: anna: up ");
        anna.type_line("@probe dance");
        anna.expect("probe: anna: commands: ");
        anna.type_line("@probe status");
        anna.expect("led is on");
        assert!(
            !anna.stdout.iter().any(|line| line.contains("probe: anna") && line.contains("warm")),
            "an ordinary text is not a command"
        );
    }
}

#[test]
fn joins_from_each_board_with_a_static_address() {
    for board in [Board::An385, Board::Lm3s6965, Board::Virt] {
        let room = Room::open();
        let device = Device::new("probe").static_address().every_ms(200).readings(3);
        let mut anna = room.client("anna");
        let mut device = device.start(firmware(board), Cable::Plugged, &room);
        device.expect("address 10.0.2.77/24");
        for reading in 1..=3 {
            anna.expect(&format!("probe: reading {reading}: "));
        }
        anna.expect("probe has left");
        assert_eq!(device.wait(), Some(0), "{}", device.transcript());
    }
}

#[test]
fn kabar_qemu_starts_the_chosen_board() {
    let room = Room::open();
    let mut anna = room.client("anna");
    // Built before, so that the program does not take longer than the test waits.
    let _ = firmware(Board::Lm3s6965);
    let mut program = Command::new(env!("CARGO_BIN_EXE_kabar-qemu"));
    program.args([&room.invite, "--name", "probe", "--ephemeral", "--board", "lm3s6965evb"]);
    program.args(["--every", "200", "--readings", "2"]);
    // The program runs cargo, whose toolchain is in the user's own home.
    program.env("HOME", std::env::var_os("HOME").expect("a home"));
    let mut device = Process::command(&mut program, room.home());
    device.expect("kabar on an LM3S6965 evaluation board");
    device.expect("joined as probe");
    anna.expect("probe: reading 2: ");
    anna.expect("probe has left");
    assert_eq!(device.wait(), Some(0), "{:?}", device.stderr);
}

#[test]
fn an_entry_larger_than_the_limit_arrives_without_its_body() {
    let room = Room::open();
    let mut anna = room.client("anna");
    let mut device = Device::new("probe").start(firmware(Board::An386), Cable::Plugged, &room);
    device.expect("joined as probe");
    anna.type_line(&"long ".repeat(800));
    anna.type_line(&"x".repeat(usize::from(profile::LARGEST_ENTRY)));
    anna.type_line("done");
    device.expect("anna: 4000 bytes, too long");
    let whole = device.expect("anna: xxx");
    assert!(whole.contains(&"x".repeat(usize::from(profile::LARGEST_ENTRY))));
    device.expect("anna: done");
}

#[test]
fn delivers_once_in_order_at_20_percent_datagram_loss() {
    let room = Room::open();
    let relay = room.relay("127.0.0.1:0", &["--loss", "20%", "--seed", "7"]);
    let mut anna = room.client("anna");
    let device = Device::new("probe").every_ms(100);
    let _device = device.start_at(firmware(Board::An386), Cable::Plugged, &room, &relay.address);
    anna.expect("probe has joined");
    anna.type_line("@probe uptime");
    anna.expect("probe: anna: up ");
    while readings(&anna).len() < 20 {
        anna.expect("probe: reading ");
    }
    let said = readings(&anna);
    assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
}

#[test]
fn reconnects_after_a_server_restart_and_posts_what_waited() {
    for board in BOARDS {
        let mut room = Room::open();
        let device = Device::new("probe").every_ms(250);
        let mut device = device.start(firmware(board), Cable::Plugged, &room);
        device.expect("reading 2: ");
        room.kill();
        device.expect("connection lost");
        let measured = device.count("measured");
        room.restart();
        device.expect("joined as probe");
        let mut anna = room.client("anna");
        let last = measured + 3;
        anna.expect(&format!("probe: reading {last}: "));
        let said = readings(&anna);
        assert!(said.windows(2).all(|pair| pair[1] == pair[0] + 1), "{said:?}");
        let first = usize::try_from(said[0]).expect("a small number");
        assert!(first <= measured, "readings that were taken without a server: {said:?}");
        anna.type_line("@probe status");
        assert!(!anna.expect("probe: anna: reading ").contains("missing"));
    }
}

#[test]
fn loses_nothing_while_the_cable_is_unplugged() {
    let room = Room::open();
    let mut anna = room.client("anna");
    let device = Device::new("probe").every_ms(250);
    let mut device = device.start(firmware(Board::An386), Cable::Plugged, &room);
    anna.expect("probe: reading 2: ");
    device.set_cable(false);
    device.expect("connection lost");
    let measured = device.count("measured");
    anna.type_line("while unplugged");
    anna.expect("anna: while unplugged");
    device.set_cable(true);
    device.expect("anna: while unplugged");
    anna.expect(&format!("probe: reading {}: ", measured + 2));
    let said = readings(&anna);
    assert_eq!(said, (1..).take(said.len()).collect::<Vec<u32>>());
}

#[test]
fn a_restarted_device_keeps_its_name() {
    let room = Room::open();
    let mut anna = room.client("anna");
    let probe = Device::new("probe").every_ms(500);
    let image = firmware(Board::An386);
    let mut first = probe.start(image, Cable::Plugged, &room);
    first.expect("joined as probe");
    anna.expect("probe: reading 1: ");
    first.kill();
    let mut second = probe.start(image, Cable::Plugged, &room);
    second.expect("joined as probe");
    anna.expect("probe: reading 1: ");
    anna.type_line("@probe uptime");
    anna.expect("probe: anna: up ");

    let mut other = Device::new("probe").start(image, Cable::Plugged, &room);
    assert_eq!(other.wait(), Some(7), "another identity: {}", other.transcript());
    assert_eq!(other.count("ended: refused, RefusedCode(2)"), 1, "{}", other.transcript());
}

#[test]
fn reports_a_missing_server_once_and_joins_when_it_starts() {
    let mut room = Room::open();
    room.kill();
    let device = Device::new("probe").every_ms(300);
    let mut device = device.start(firmware(Board::An386), Cable::Plugged, &room);
    device.expect("the server does not answer");
    device.expect("measured");
    room.restart();
    device.expect("joined as probe");
    assert_eq!(device.count("the server does not answer"), 1, "{}", device.transcript());
    let mut anna = room.client("anna");
    anna.type_line("@probe status");
    anna.expect("probe: anna: reading ");
    let said = readings(&anna);
    assert!(said.first() == Some(&1), "readings that were taken before are posted too: {said:?}");
}

#[test]
fn reports_a_network_without_dhcp_once_and_keeps_measuring() {
    let room = Room::open();
    let device = Device::new("probe").every_ms(200);
    let mut device = device.start(firmware(Board::An386), Cable::Nobody, &room);
    device.expect("the network gives no address");
    for _ in 0..10 {
        device.expect("measured");
    }
    assert_eq!(device.count("the network gives no address"), 1, "{}", device.transcript());
    assert_eq!(device.count("panic"), 0, "{}", device.transcript());
}

#[test]
fn does_not_start_with_an_incomplete_or_damaged_configuration() {
    for board in BOARDS {
        let room = Room::open();
        let whole = Device::new("probe").words(&room, 9999);
        let image = firmware(board);
        for key in ["seed", "identity", "invite", "name", "ip"] {
            let is_other = |word: &&String| !word.starts_with(&format!("{key}="));
            let without: Vec<String> = whole.iter().filter(is_other).cloned().collect();
            assert_eq!(without.len() + 1, whole.len());
            refuses(&mut Machine::start(&image, Cable::Plugged, &without, &[]), key);
        }
        let short: Vec<String> =
            whole.iter().map(|word| word.trim_end_matches(char::is_alphanumeric).to_owned()).collect();
        refuses(&mut Machine::start(&image, Cable::Plugged, &short, &[]), "seed");
        for (part, wrong) in [(":9999", ""), ("10.0.2.2", "host"), ("lobby", "Lobby"), (".", "1")] {
            let damage = |word: &String| match word.starts_with("invite=") {
                true => word.replace(part, wrong),
                false => word.clone(),
            };
            let damaged: Vec<String> = whole.iter().map(damage).collect();
            refuses(&mut Machine::start(&image, Cable::Plugged, &damaged, &[]), "invite");
        }
    }
}

fn refuses(device: &mut Machine, key: &str) {
    assert_eq!(device.wait(), Some(2), "without {key}: {}", device.transcript());
    assert_eq!(device.count("not started: "), 1, "{}", device.transcript());
    assert_eq!(device.count(&format!("({key}) is missing or malformed")), 1, "{}", device.transcript());
}

/// The numbers of the readings that a client showed, in order.
fn readings(client: &Process) -> Vec<u32> {
    let texts = client.stdout.iter().filter_map(|line| line.split_once("probe: reading "));
    texts.filter_map(|(_, reading)| reading.split(':').next()?.parse().ok()).collect()
}
