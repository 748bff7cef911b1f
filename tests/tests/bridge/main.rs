//! Devices on byte streams, through `kabar bridge`, in a room of the real server.

mod device;
mod recovery;
mod serial;

use std::io::Write;

use kabar_std::invite::Invite;
use kabar_tests::process::Process;
use kabar_tests::room::{Room, temp_home};

use device::{Device, run_until};

#[test]
fn several_devices_on_one_socket_chat_through_noise() {
    let room = Room::open();
    let invite: Invite = room.invite.parse().expect("an invite");

    let socket = room.home().join("serial");
    let wire = format!("unix:{}", socket.display());
    let mut bridge = Process::start("kabar", room.home(), &["bridge", "--serial", &wire, "--to", &room.address]);
    let _ = bridge.expect_stderr("bridging");
    let mut client = room.client("ana");

    let mut one = Device::start(&socket, &invite, "one", 1);
    let mut two = Device::start(&socket, &invite, "two", 2);
    run_until(&mut [&mut one, &mut two], "joining", |all| all.iter().all(|device| device.has_received("joined")));
    one.post("from one");
    two.post("from two");
    client.type_line("from a client");
    let everything = ["one: from one", "two: from two", "ana: from a client"];
    run_until(&mut [&mut one, &mut two], "talking", |all| {
        all.iter().all(|device| everything.iter().all(|line| device.has_received(line)))
    });

    // Noise on the line: a damaged packet is sent again.
    for noise in [&b"\x05\x01garbage"[..], &[0, 0, 0], &[0xff; 3000]] {
        one.stream.write_all(noise).expect("the bridge reads");
        one.post("through noise");
    }
    run_until(&mut [&mut one, &mut two], "noise", |all| {
        all.iter().all(|device| device.received.iter().filter(|line| *line == "one: through noise").count() == 3)
    });
    let _ = client.expect("one: through noise");

    // One leaves; the other stays.
    let now = one.now();
    one.client.leave(now);
    run_until(&mut [&mut one], "leaving", |all| all[0].has_left);
    drop(one);
    let _ = bridge.expect_stderr("a device has disconnected");
    two.post("still here");
    run_until(&mut [&mut two], "staying", |all| all[0].has_received("two: still here"));

    bridge.signal("INT");
    assert_eq!(bridge.wait(), Some(0));
    assert!(bridge.stderr.iter().any(|line| line.starts_with("forwarded ")), "{:?}", bridge.stderr);
    assert!(!socket.exists(), "the socket is removed");
}

#[test]
fn reports_an_error_in_one_line() {
    let home = temp_home();
    let cases: [(&[&str], i32); 5] = [
        (&["bridge", "--serial", "/dev", "--to", "127.0.0.1"], 1),
        (&["bridge", "--serial", "/dev/null", "--to", "127.0.0.1"], 1),
        (&["bridge", "--serial", "unix:/nowhere/socket", "--to", "127.0.0.1"], 1),
        (&["bridge", "--serial", "/dev/null", "--to", "127.0.0.1,,"], 2),
        (&["bridge", "--serial", "/dev/null", "--to", "127.0.0.1", "--baud", "5"], 2),
    ];
    for (arguments, code) in cases {
        let mut bridge = Process::start("kabar", home.path(), arguments);
        assert_eq!(bridge.wait(), Some(code), "{arguments:?}");
        assert!(!bridge.stderr.is_empty() && (code == 2 || bridge.stderr.len() == 1), "{:?}", bridge.stderr);
    }
}
