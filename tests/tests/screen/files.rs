//! Files in rooms.

use std::fs;

use kabar_tests::room::{Room, text};
use kabar_tests::terminal::TAB;

use super::{SIZE, join, kabar};

/// Alt with an arrow, and with a letter.
const ALT_UP: &str = "\x1b[1;3A";
const ALT_T: &str = "\x1bt";
const DELETE: &str = "\x1b[3~";

#[test]
fn a_file_is_sent_by_its_path_and_received_by_enter() {
    let room = Room::open();
    let path = room.home().join("report 1.txt");
    fs::write(&path, "content").expect("written");
    let mut anna = join(&room, "anna");
    anna.press(&format!("/send {}", text(&room.home().join("rep"))));
    anna.press(TAB);
    anna.expect("report 1.txt");
    anna.press("\r");
    anna.expect("file report 1.txt (7 B, text/plain)");
    let mut bob = join(&room, "bob");
    bob.expect("file report 1.txt (7 B, text/plain)");
    bob.press(ALT_UP);
    bob.press("\r");
    bob.expect("received:");
    bob.type_line("/get report 1.txt");
    bob.expect("report 1 (1).txt");
    let downloads = room.home_of("bob").join("Downloads");
    for name in ["report 1.txt", "report 1 (1).txt"] {
        assert_eq!(fs::read_to_string(downloads.join(name)).expect("received"), "content");
    }
}

#[test]
fn a_transfer_is_displayed_survives_a_resize_and_is_cancelled_from_the_list() {
    let mut room = Room::open();
    let path = room.home().join("large.bin");
    fs::File::create(&path).and_then(|file| file.set_len(400_000_000)).expect("written");
    let mut anna = kabar(&room.home_of("anna"), &["join", &room.invite, "--name", "anna"]);
    anna.expect("anna joined");
    anna.type_line(&format!("/send {}", text(&path)));
    anna.expect("\u{2191} large.bin");
    anna.expect("% of 381 MiB");
    anna.resize(10, 40);
    anna.expect("\u{2191} large.bin");
    room.kill();
    anna.expect("waiting for the server");
    room.restart();
    anna.resize(SIZE.0, SIZE.1);
    anna.expect("% of 381 MiB");
    anna.press(ALT_T);
    anna.expect("1 \u{2191} large.bin #lobby");
    anna.press(DELETE);
    anna.expect("cancel large.bin?");
    anna.press("y");
    anna.expect("cancelled");
    anna.press("\x1b");
    anna.expect("large.bin: cancelled");
    anna.type_line("/quit");
    assert_eq!(anna.wait(), 0);
}
