//! Servers with several addresses: which of them an invite contains, and joining when some do not
//! answer.

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use kabar_std::address::{HostPort, Zone};
use kabar_std::advertise::{chosen, reachable};
use kabar_std::interfaces::{Kind, interfaces};
use kabar_tests::process::Process;
use kabar_tests::room::{Room, start_server, temp_home};

use super::{ends_with, run};

/// Less than the time for half of the addresses within 5 s.
const SOON: Duration = Duration::from_millis(2_400);

/// A socket that never answers.
fn silent() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    (socket, address)
}

/// The invite with other addresses.
fn invite_to(room: &Room, addresses: &[&str]) -> String {
    let changed = room.invite.replace(&format!("//{}/", room.address), &format!("//{}/", addresses.join(",")));
    assert_ne!(changed, room.invite);
    changed
}

/// The time that a join takes on this computer if no address is dead.
fn usual_time(room: &Room) -> Duration {
    let began = Instant::now();
    ends_with(0, &room.home_of("usual"), &["join", &room.invite, "--name", "usual"]);
    began.elapsed()
}

fn joins_soon(home: &Path, arguments: &[&str], usual: Duration) -> String {
    let began = Instant::now();
    let stderr = ends_with(0, home, &[&["join"], arguments].concat());
    assert!(began.elapsed() < usual + SOON, "{arguments:?}: {:?}, usual {usual:?}: {stderr}", began.elapsed());
    stderr
}

#[test]
fn an_invite_with_dead_addresses_joins_at_the_live_one_in_any_position() {
    let room = Room::open();
    let usual = usual_time(&room);
    let ((_socket, silent), refusing) = (silent(), silent().1);
    for (name, addresses) in [
        ("a", [silent.as_str(), &room.address]),
        ("b", [&room.address, silent.as_str()]),
        ("c", [refusing.as_str(), &room.address]),
        ("d", ["no-such-host.invalid:7", &room.address]),
    ] {
        let home = room.home_of(name);
        let stderr = joins_soon(&home, &[&invite_to(&room, &addresses), "--name", name], usual);
        assert!(stderr.contains("server key matches the invite"), "{stderr}");
        // From now on the address that worked is the first, and the room's name finds it.
        let (_, known, _) = run(&home, &["servers"]);
        let other = addresses.iter().find(|address| **address != room.address).expect("one");
        assert!(known.ends_with(&format!("  {},{other}", room.address)), "{known}");
        joins_soon(&home, &["lobby"], usual);
    }
}

#[test]
fn all_dead_addresses_are_named_within_five_seconds() {
    let room = Room::open();
    let ((_socket, silent), refusing) = (silent(), silent().1);
    let began = Instant::now();
    let stderr = ends_with(3, room.home(), &["join", &invite_to(&room, &[&silent, &refusing]), "--name", "anna"]);
    assert!(stderr.contains(&format!("no response from {silent} or {refusing} after 5 s")), "{stderr}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn another_room_at_one_address_does_not_prevent_joining_the_right_one() {
    let (home, other_home) = (temp_home(), temp_home());
    let (room, other) = (Room::start(home.path()), Room::start_with_own_key(other_home.path(), "127.0.0.1:0", &[]));
    let usual = usual_time(&room);
    for (name, addresses) in [("a", [&other.address, &room.address]), ("b", [&room.address, &other.address])] {
        joins_soon(&room.home_of(name), &[&invite_to(&room, &addresses.map(String::as_str)), "--name", name], usual);
    }
    let stderr = ends_with(4, &room.home_of("c"), &["join", &invite_to(&room, &[&other.address, &silent().1])]);
    assert!(stderr.contains("not have the key named in the invite"), "{stderr}");
}

#[test]
fn a_member_follows_its_server_to_another_address_of_the_invite() {
    let mut room = Room::open();
    let later = silent().1;
    let mut anna = Process::start(
        "kabar",
        &room.home_of("anna"),
        &["join", &invite_to(&room, &[&room.address, &later]), "--name", "anna"],
    );
    anna.expect_stderr("Joined ");
    let usual = usual_time(&room);
    room.stop();
    anna.expect_stderr("Connection lost");
    anna.type_line("kept meanwhile");
    let mut moved = start_server(room.home(), &["--listen", &later]);
    moved.expect("listening on");
    anna.expect_stderr("Connected again");
    anna.expect("anna: kept meanwhile");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    // From now on this address is tried first.
    let (_, known, _) = run(&room.home_of("anna"), &["servers"]);
    assert!(known.contains(&later), "{known}");
    joins_soon(&room.home_of("anna"), &["lobby"], usual);
}

#[test]
fn servers_accept_reaches_a_name_with_a_dead_address() {
    let home = temp_home();
    // `localhost` is ::1 and 127.0.0.1 on most computers; each server listens on one of them.
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let names = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 1)).expect("localhost");
        let is_named = { names }.any(|address| address.is_ipv4() == listen.starts_with('1'));
        if !is_named || UdpSocket::bind(listen).is_err() {
            eprintln!("SKIPPED: localhost is not {listen} here");
            continue;
        }
        let room = Room::start_with(&home.path().join(listen.replace([':', '[', ']'], "_")), listen, &[]);
        let key = room.invite.rsplit('/').next().and_then(|keys| keys.split('.').next()).expect("a key");
        let target = format!("localhost:{}", room.port());
        let began = Instant::now();
        ends_with(0, &room.home_of("anna"), &["servers", "accept", &target, "--fingerprint", key]);
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    }
}

#[test]
fn a_host_advertises_its_best_addresses_and_shows_the_others() {
    let home = temp_home();
    let found = reachable("::".parse().expect("any"));
    let choices: Vec<_> = found.iter().filter(|found| found.kind != Kind::Loopback).collect();
    let room = Room::start_with(home.path(), "[::]:0", &[]);
    let named: Vec<_> = chosen(&found).iter().map(|ip| format!("{ip}:{}", room.port())).collect();
    assert!(room.invite.starts_with(&format!("kabar://{}/lobby/", named.join(","))), "{}", room.invite);
    let mut host = Process::start("kabar", &home.path().join("host"), &["host", "--listen", "0", "--name", "darryl"]);
    host.expect_stderr("kabar join kabar://");
    if choices.len() > 1 {
        host.expect_stderr("This computer's addresses");
        for found in &choices {
            host.expect_stderr(&found.to_string());
        }
    }
    host.close_stdin();
    assert_eq!(host.wait(), Some(0));
    let listed = host.stderr.iter().any(|line| line.contains("This computer's addresses"));
    assert_eq!(listed, choices.len() > 1, "{:?}", host.stderr);
}

#[test]
fn a_host_advertises_the_given_addresses_in_order() {
    let home = temp_home();
    let advertised = ["--advertise", "chat.example", "--advertise", "192.0.2.7:7,fd00::1"];
    let room = Room::start_with(home.path(), "127.0.0.1:0", &advertised);
    let port = room.port();
    let meant = format!("kabar://chat.example:{port},192.0.2.7:7,fd00::1:{port}/lobby/");
    assert!(room.invite.starts_with(&meant), "{}", room.invite);
    let mut arguments = vec!["host", "--listen", "127.0.0.1:0", "--name", "darryl"];
    arguments.extend(advertised);
    let mut host = Process::start("kabar", &home.path().join("host"), &arguments);
    host.expect_stderr("kabar join kabar://chat.example:");
    host.close_stdin();
    assert_eq!(host.wait(), Some(0));
    assert!(!host.stderr.iter().any(|line| line.contains("This computer's addresses")), "{:?}", host.stderr);
}

#[test]
fn a_link_local_address_without_a_usable_interface_is_refused_with_a_reason() {
    let home = temp_home();
    let key = format!("{}.{}", "A".repeat(32), "A".repeat(26));
    for (arguments, code, about) in [
        (["join", "fe80::1"], 2, "fe80::1 needs the interface of this computer that leads there: fe80::1%"),
        (["join", "[fe80::1]:7"], 2, "fe80::1%"),
        (["join", &format!("kabar://fe80::1:7/lobby/{key}")], 2, "put it into the invite"),
        (["join", "fe80::1%no-such-if"], 3, "this computer has no interface no-such-if"),
        (["join", &format!("kabar://fe80::1%25no-such-if:7/lobby/{key}")], 3, "no interface no-such-if"),
        (["join", "192.0.2.1,fd00::1%lo"], 2, "fd00::1 is not a link-local address"),
        (["host", "--listen=fe80::1"], 2, "fe80::1%"),
        (["host", "--listen=fe80::1%no-such-if"], 2, "no interface no-such-if"),
        (["host", "--advertise=fe80::1%lo"], 2, "advertise fe80::1 without %lo"),
    ] {
        let stderr = ends_with(code, home.path(), &arguments);
        assert!(stderr.contains(about) && stderr.lines().count() == 1, "{arguments:?}: {stderr}");
    }
}

/// Over the loopback interface, as for all addresses of this computer, but with the interface's
/// number in every socket address.
#[test]
fn a_link_local_address_is_joined_by_interface_name_and_number() {
    let home = temp_home();
    let is_link_local = |ip: std::net::IpAddr| matches!(ip, std::net::IpAddr::V6(ip) if ip.is_unicast_link_local());
    let found = interfaces().into_iter().find_map(|interface| {
        let address = interface.addresses.iter().find(|address| is_link_local(address.ip))?;
        Some((interface.name.clone(), address.ip))
    });
    let Some((name, ip)) = found else {
        eprintln!("SKIPPED: no interface here has a link-local address");
        return;
    };
    let number = Zone::new(&name).and_then(|zone| zone.index()).expect("its number");
    let room = Room::start_with(home.path(), &format!("[{ip}%{name}]:0"), &[]);
    let listening: HostPort = room.address.parse().expect("an address with its interface");
    assert_eq!(listening.host.to_string(), format!("{ip}%{number}"));
    assert!(room.invite.starts_with(&format!("kabar://{ip}:{}/lobby/", room.port())), "no interface: {}", room.invite);
    let notice = room.invite.replace(&format!("{ip}:"), &format!("{ip}%{name}:"));
    let (_, key) = room.invite.rsplit_once('/').expect("keys");
    let secret = room.home_of("by-host");
    ends_with(0, &secret, &["join", &notice, "--name", "anna"]);
    for target in [format!("{ip}%{name}:{}", room.port()), format!("[{ip}%{number}]:{}", room.port())] {
        let fingerprint = key.split('.').next().expect("a fingerprint");
        // The key is accepted; the typed address comes with neither password nor secret.
        let stderr =
            ends_with(4, &room.home_of("typed"), &["join", &target, "--name", "ben", "--fingerprint", fingerprint]);
        assert!(stderr.contains("invite"), "{stderr}");
    }
    let escaped = room.invite.replace(&format!("{ip}:"), &format!("[{ip}%25{number}]:"));
    ends_with(0, &room.home_of("by-url"), &["join", &escaped, "--name", "carl"]);
    // The stored address has its interface, so the room's name finds it.
    ends_with(0, &secret, &["join", "lobby"]);
    // A server that listens on all addresses is reached, too.
    let everywhere = Room::start_with(&home.path().join("everywhere"), "[::]:0", &[]);
    let (_, rest) = everywhere.invite.split_once("/lobby/").expect("an invite");
    let invite = format!("kabar://{ip}%{name}:{}/lobby/{rest}", everywhere.port());
    ends_with(0, &everywhere.home_of("anna"), &["join", &invite, "--name", "anna"]);
}
