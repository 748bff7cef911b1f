//! A server with several addresses: what a host names, and who finds it when some of them are dead.

use std::net::UdpSocket;
use std::path::Path;
use std::time::{Duration, Instant};

use kabar_std::address::{HostPort, Zone};
use kabar_std::advertise::{chosen, reachable};
use kabar_std::interfaces::{Kind, interfaces};
use kabar_tests::process::Process;
use kabar_tests::room::{Room, start_server, temp_home};

use super::{ends_with, run};

/// Less than a fair share of the 5 s for one of two addresses.
const SOON: Duration = Duration::from_millis(2_400);

/// Somebody who never answers.
fn silent() -> (UdpSocket, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address").to_string();
    (socket, address)
}

/// The invite with other addresses in it.
fn invite_to(room: &Room, addresses: &[&str]) -> String {
    let changed = room.invite.replace(&format!("//{}/", room.address), &format!("//{}/", addresses.join(",")));
    assert_ne!(changed, room.invite);
    changed
}

/// The time that a join without dead addresses takes here.
fn usual_time(room: &Room) -> Duration {
    let began = Instant::now();
    ends_with(0, &room.home_of("usual"), &["join", &room.invite, "--name", "usual"]);
    began.elapsed()
}

fn joins_soon(home: &Path, arguments: &[&str], usual: Duration) -> String {
    let began = Instant::now();
    let said = ends_with(0, home, &[&["join"], arguments].concat());
    assert!(began.elapsed() < usual + SOON, "{arguments:?}: {:?}, usual {usual:?}; {said}", began.elapsed());
    said
}

#[test]
fn an_invite_with_dead_addresses_joins_wherever_the_living_one_stands() {
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
        let said = joins_soon(&home, &[&invite_to(&room, &addresses), "--name", name], usual);
        assert!(said.contains("server key matches the invite"), "{said}");
        // The one that worked is first from now on, and the room's name finds it.
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
    let said = ends_with(3, room.home(), &["join", &invite_to(&room, &[&silent, &refusing]), "--name", "anna"]);
    assert!(said.contains(&format!("no response from {silent} or {refusing} after 5 s")), "{said}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn another_room_at_the_first_address_does_not_keep_from_the_right_one() {
    let (home, other_home) = (temp_home(), temp_home());
    let (room, other) = (Room::start(home.path()), Room::start_with_own_key(other_home.path(), "127.0.0.1:0", &[]));
    let usual = usual_time(&room);
    for (name, addresses) in [("a", [&other.address, &room.address]), ("b", [&room.address, &other.address])] {
        joins_soon(&room.home_of(name), &[&invite_to(&room, &addresses.map(String::as_str)), "--name", name], usual);
    }
    let said = ends_with(4, &room.home_of("c"), &["join", &invite_to(&room, &[&other.address, &silent().1])]);
    assert!(said.contains("not have the key named in the invite"), "{said}");
}

#[test]
fn a_member_finds_a_server_again_that_went_to_another_of_its_addresses() {
    let mut room = Room::open();
    let later = silent().1;
    let mut anna = Process::start(
        "kabar",
        &room.home_of("anna"),
        &["join", &invite_to(&room, &[&room.address, &later]), "--name", "anna"],
    );
    anna.expect_notice("Joined ");
    let usual = usual_time(&room);
    room.stop();
    anna.expect_notice("Connection lost");
    anna.type_line("kept meanwhile");
    let mut moved = start_server(room.home(), &["--listen", &later]);
    moved.expect("listening on");
    anna.expect_notice("Connected again");
    anna.expect("anna: kept meanwhile");
    anna.close_stdin();
    assert_eq!(anna.wait(), Some(0));
    // And from then on it is looked for there first.
    let (_, known, _) = run(&room.home_of("anna"), &["servers"]);
    assert!(known.contains(&later), "{known}");
    joins_soon(&room.home_of("anna"), &["lobby"], usual);
}

#[test]
fn a_key_is_looked_at_by_a_name_with_a_dead_address() {
    let home = temp_home();
    // `localhost` is ::1 and 127.0.0.1 on most computers; each server listens on one of them.
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let names = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 1)).expect("localhost");
        let is_named = { names }.any(|address| address.is_ipv4() == listen.starts_with('1'));
        if !is_named || UdpSocket::bind(listen).is_err() {
            eprintln!("not tried: localhost is not {listen} here");
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
fn a_host_names_its_best_addresses_and_shows_the_others() {
    let home = temp_home();
    let found = reachable("::".parse().expect("any"));
    let choices: Vec<_> = found.iter().filter(|found| found.kind != Kind::Loopback).collect();
    let room = Room::start_with(home.path(), "[::]:0", &[]);
    let named: Vec<_> = chosen(&found).iter().map(|ip| format!("{ip}:{}", room.port())).collect();
    assert!(room.invite.starts_with(&format!("kabar://{}/lobby/", named.join(","))), "{}", room.invite);
    let mut host = Process::start("kabar", &home.path().join("host"), &["host", "--listen", "0", "--name", "darryl"]);
    host.expect_notice("kabar join kabar://");
    if choices.len() > 1 {
        host.expect_notice("This computer's addresses");
        for found in &choices {
            host.expect_notice(&found.to_string());
        }
    }
    host.close_stdin();
    assert_eq!(host.wait(), Some(0));
    let listed = host.noticed.iter().any(|line| line.contains("This computer's addresses"));
    assert_eq!(listed, choices.len() > 1, "{:?}", host.noticed);
}

#[test]
fn a_host_names_what_it_is_told_in_order() {
    let home = temp_home();
    let words = ["--advertise", "chat.example", "--advertise", "192.0.2.7:7,fd00::1"];
    let room = Room::start_with(home.path(), "127.0.0.1:0", &words);
    let port = room.port();
    let meant = format!("kabar://chat.example:{port},192.0.2.7:7,fd00::1:{port}/lobby/");
    assert!(room.invite.starts_with(&meant), "{}", room.invite);
    let mut told = vec!["host", "--listen", "127.0.0.1:0", "--name", "darryl"];
    told.extend(words);
    let mut host = Process::start("kabar", &home.path().join("host"), &told);
    host.expect_notice("kabar join kabar://chat.example:");
    host.close_stdin();
    assert_eq!(host.wait(), Some(0));
    assert!(!host.noticed.iter().any(|line| line.contains("This computer's addresses")), "{:?}", host.noticed);
}

#[test]
fn a_link_local_address_without_a_usable_interface_is_refused_in_words() {
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
        let said = ends_with(code, home.path(), &arguments);
        assert!(said.contains(about) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
}

/// On every interface that has one: over the loopback interface, as this computer's own addresses
/// are, but with the number of the interface in every socket address.
#[test]
fn a_link_local_address_joins_by_name_and_number_of_its_interface() {
    let home = temp_home();
    let is_link_local = |ip: std::net::IpAddr| matches!(ip, std::net::IpAddr::V6(ip) if ip.is_unicast_link_local());
    let found = interfaces().into_iter().find_map(|interface| {
        let address = interface.addresses.iter().find(|address| is_link_local(address.ip))?;
        Some((interface.name.clone(), address.ip))
    });
    let Some((name, ip)) = found else {
        eprintln!("not tried: no interface here has a link-local address");
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
        // The key is the right one; there is no password and no secret at a typed address.
        let said =
            ends_with(4, &room.home_of("typed"), &["join", &target, "--name", "ben", "--fingerprint", fingerprint]);
        assert!(said.contains("invite"), "{said}");
    }
    let escaped = room.invite.replace(&format!("{ip}:"), &format!("[{ip}%25{number}]:"));
    ends_with(0, &room.home_of("by-url"), &["join", &escaped, "--name", "carl"]);
    // Known by its zone, it is found by the room's name.
    ends_with(0, &secret, &["join", "lobby"]);
    // A server that listens everywhere is reached as well.
    let everywhere = Room::start_with(&home.path().join("everywhere"), "[::]:0", &[]);
    let (_, rest) = everywhere.invite.split_once("/lobby/").expect("an invite");
    let invite = format!("kabar://{ip}%{name}:{}/lobby/{rest}", everywhere.port());
    ends_with(0, &everywhere.home_of("anna"), &["join", &invite, "--name", "anna"]);
}
