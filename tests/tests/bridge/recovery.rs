//! The bridge continues when the address of its computer or of the server changes, when a name does
//! not resolve yet, and when some of several addresses do not answer.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use kabar_std::invite::Invite;
use kabar_tests::network::Networks;
use kabar_tests::process::Process;
use kabar_tests::room::{Room, data_dir, give_key, temp_home, text};

use crate::device::{Device, run_until};

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

/// The room of a server in the server's network. Its data are in `home`, so a restarted server has
/// the same room.
fn serve(networks: &Networks, home: &Path, listen: &str) -> Room {
    give_key(home);
    let data = data_dir(home);
    let arguments = ["--listen", listen, "--data-dir", text(&data)];
    Room::of(Process::start_under(&words(&networks.at_server()), "kabar-server", home, &arguments), home)
}

/// A bridge, and the socket on which it waits for devices.
fn bridge(under: &[String], home: &Path, to: &str) -> (Process, PathBuf) {
    let socket = home.join("serial");
    let wire = format!("unix:{}", socket.display());
    let mut bridge = Process::start_under(&words(under), "kabar", home, &["bridge", "--serial", &wire, "--to", to]);
    let _ = bridge.expect_stderr("bridging");
    (bridge, socket)
}

fn join(socket: &Path, invite: &str) -> Device {
    let invite: Invite = invite.parse().expect("an invite");
    let mut device = Device::start(socket, &invite, "one", 1);
    run_until(&mut [&mut device], "joining", |all| all[0].has_received("joined"));
    device
}

fn say(device: &mut Device, text: &str) {
    device.post(text);
    let line = format!("one: {text}");
    run_until(&mut [device], text, |all| all[0].has_received(&line));
}

#[test]
fn continues_when_the_address_of_its_computer_changes() {
    let home = temp_home();
    let networks = Networks::new(home.path());
    networks.add_server_address("10.0.0.1/24");
    networks.add_client_address("10.0.0.2/24");
    let room = serve(&networks, home.path(), "10.0.0.1:9999");
    let (_bridge, socket) = bridge(&networks.at_client(), home.path(), "10.0.0.1:9999");
    let mut device = join(&socket, &room.invite);
    say(&mut device, "at the first address");

    networks.remove_client_address("10.0.0.2/24");
    networks.add_client_address("10.0.0.3/24");
    say(&mut device, "at the second");

    // For a while there is no address.
    networks.remove_client_address("10.0.0.3/24");
    device.post("without any");
    let began = Instant::now();
    run_until(&mut [&mut device], "waiting", |_| began.elapsed() > Duration::from_secs(3));
    assert!(!device.has_received("one: without any"));
    networks.add_client_address("10.0.0.4/24");
    say(&mut device, "at the third");
    assert!(device.has_received("one: without any"));
}

#[test]
fn follows_a_name_that_resolves_late_and_changes() {
    let home = temp_home();
    let networks = Networks::new(home.path());
    networks.add_server_address("10.0.0.1/24");
    networks.add_server_address("10.0.1.1/24");
    networks.add_server_address("fd00::1/64");
    networks.add_client_address("10.0.0.2/24");
    networks.add_client_address("10.0.1.2/24");
    networks.add_client_address("fd00::2/64");
    let mut room = serve(&networks, home.path(), "10.0.0.1:9999");
    let (mut bridge, socket) = bridge(&networks.at_client(), home.path(), "room.example");
    let _ = bridge.expect_stderr("room.example");
    networks.set_names("10.0.0.1 room.example\n");
    let _ = bridge.expect_stderr("10.0.0.1");
    let mut device = join(&socket, &room.invite);
    say(&mut device, "where it was");

    for (listen, name) in [("10.0.1.1:9999", "10.0.1.1"), ("[fd00::1]:9999", "fd00::1")] {
        room.kill();
        room = serve(&networks, home.path(), listen);
        networks.set_names(&format!("{name} room.example\n"));
        say(&mut device, &format!("at {name}"));
    }

    bridge.signal("TERM");
    assert_eq!(bridge.wait(), Some(0), "{:?}", bridge.stderr);
    let unknown = bridge.stderr.iter().filter(|line| line.contains("trying again")).count();
    assert_eq!(unknown, 1, "once: {:?}", bridge.stderr);
}

#[test]
fn a_name_that_never_resolves_is_exit_code_3() {
    let home = temp_home();
    let (mut bridge, _) = bridge(&[], home.path(), "no-such-host.invalid");
    let _ = bridge.expect_stderr("trying again");
    bridge.signal("TERM");
    assert_eq!(bridge.wait(), Some(3), "{:?}", bridge.stderr);
}

#[test]
fn tries_all_addresses_and_switches_when_one_fails() {
    let mut room = Room::open();
    // One that is silent, one with a closed port, and a closed IPv6 port.
    let silent = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr().map(|at| (socket, at)));
    let (_silent, silent_at) = silent.expect("a port");
    let free = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let to = format!("{silent_at},[::1]:{},{free},{}", free.port(), room.address);
    let (_bridge, socket) = bridge(&[], room.home(), &to);
    let mut device = join(&socket, &room.invite);
    say(&mut device, "at the last");

    room.kill();
    let invite = room.invite.clone();
    let home = room.home().to_owned();
    let moved = Room::start_with(&home, &free.to_string(), &[]);
    assert_ne!(moved.invite, invite);
    say(&mut device, "at another");
}

#[test]
fn continues_when_the_server_restarts() {
    let mut room = Room::open();
    let (_bridge, socket) = bridge(&[], room.home(), &room.address);
    let mut device = join(&socket, &room.invite);
    say(&mut device, "before");
    for round in 0..2 {
        room.kill_and_restart();
        say(&mut device, &format!("after {round}"));
    }
}

#[test]
fn finds_a_server_that_starts_after_the_bridge() {
    let home = temp_home();
    let room = Room::start(home.path());
    let (address, invite) = (room.address.clone(), room.invite.clone());
    drop(room);
    let (_bridge, socket) = bridge(&[], home.path(), &address);
    let parsed: Invite = invite.parse().expect("an invite");
    let mut device = Device::start(&socket, &parsed, "one", 1);
    let began = Instant::now();
    run_until(&mut [&mut device], "trying", |_| began.elapsed() > Duration::from_secs(2));
    let again = Room::start_with(home.path(), &address, &[]);
    assert_eq!(again.invite, invite);
    run_until(&mut [&mut device], "joining", |all| all[0].has_received("joined"));
}
