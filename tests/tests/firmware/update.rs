//! An image of firmware that a device takes from the room into a slot of flash.

use std::path::Path;

use kabar_tests::process::Process;
use kabar_tests::qemu::{Board, Cable, Program, image};
use kabar_tests::room::{Room, text};

use crate::device::Device;

/// Bytes of flash before the image.
const RECORD_LEN: usize = 4096;
const IMAGE_LEN: usize = 400 * 1024 + 700;

/// An image whose groups differ.
fn firmware_image() -> Vec<u8> {
    (0..IMAGE_LEN as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[test]
fn an_image_arrives_through_loss_a_killed_server_and_a_restart_of_the_device() {
    let program = image(Board::An386, Program::Update);
    let mut room = Room::open();
    let relay = room.relay("127.0.0.1:0", &["--loss", "20%", "--delay", "20", "--seed", "5"]);
    let slot = room.home().join("slot");
    std::fs::write(&slot, vec![0xff; RECORD_LEN + 512 * 1024]).expect("an erased slot");
    let content = firmware_image();
    let file = room.home().join("probe-2.fw");
    std::fs::write(&file, &content).expect("an image");

    let mut bert = room.client("bert");
    // Its readings are how it notices that the server is gone; otherwise it only waits.
    let device = Device::new("probe").every_ms(1_000).updates(&slot, "anna");
    let mut first = device.start_at(program, Cable::Plugged, &room, &relay.address);
    first.expect("joined as probe");
    send(&room, &file, "mallory");
    send(&room, &file, "anna");

    first.expect("probe: update: 25 % of 410300 bytes");
    room.kill();
    first.expect("connection lost");
    room.restart();
    // What the device itself reads: others may be in the room again long after it.
    first.expect("probe: update: 50 %");
    first.kill();
    assert!(proven_groups(&slot) < IMAGE_LEN.div_ceil(16_384), "it ends before the last group");
    let before = proven_groups(&slot);
    assert!(before >= 12, "{before}");

    let mut second = device.start_at(program, Cable::Plugged, &room, &relay.address);
    second.expect("joined as probe");
    let root = kabar_core::content::Root::of(&content).to_string();
    let complete = bert.expect("probe: update: complete, 410300 bytes, root ");
    assert!(complete.ends_with(&root[..16]), "{complete}");
    let flash = std::fs::read(&slot).expect("the slot");
    assert!(flash[RECORD_LEN..][..IMAGE_LEN] == content, "the slot has another image");
    let said = bert.stdout.iter().filter(|line| line.contains("probe: update: "));
    assert_eq!(said.count(), 4, "nothing twice, and nothing about mallory's: {:?}", bert.stdout);
}

/// Sends a file to the room and posts it.
pub(crate) fn send(room: &Room, file: &Path, name: &str) {
    let arguments = ["send", text(file), "--to", &room.invite, "--name", name];
    let mut sender = Process::start("kabar", &room.home_of(name), &arguments);
    assert_eq!(sender.wait(), Some(0), "{:?}", sender.stderr);
}

/// Groups that the slot states as proven.
fn proven_groups(slot: &Path) -> usize {
    let flash = std::fs::read(slot).expect("the slot");
    flash[64..RECORD_LEN - 16].chunks(16).take_while(|unit| unit.iter().any(|byte| *byte != 0xff)).count()
}
