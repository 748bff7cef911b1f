//! Ranking and choice of addresses on simulated computers.

use super::*;
use crate::interfaces::Address;

const ANY: &str = "::";

/// An interface: its name (followed by `*` if it has a default route), its kind, and its addresses
/// (followed by `~` if temporary).
fn interface((name, kind, addresses): &(&str, Kind, &[&str])) -> Interface {
    let address = |text: &&str| {
        let ip = text.trim_end_matches('~').parse().unwrap();
        Address { ip, is_passing: text.ends_with('~') }
    };
    Interface {
        name: name.trim_end_matches('*').to_owned(),
        kind: *kind,
        has_default_route: name.ends_with('*'),
        addresses: addresses.iter().map(address).collect(),
    }
}

fn shown(interfaces: &[(&str, Kind, &[&str])], listen: &str) -> (Vec<String>, Vec<String>) {
    let interfaces: Vec<_> = interfaces.iter().map(interface).collect();
    let ranked = ranked(&interfaces, listen.parse().unwrap());
    let chosen = chosen(&ranked).iter().map(ToString::to_string).collect();
    (ranked.iter().map(ToString::to_string).collect(), chosen)
}

const LO: (&str, Kind, &[&str]) = ("lo", Kind::Loopback, &["127.0.0.1", "::1"]);

#[test]
fn a_laptop_with_a_vpn_and_docker_names_its_network() {
    let laptop: [(&str, Kind, &[&str]); 5] = [
        LO,
        ("docker0", Kind::Container, &["172.17.0.1", "fe80::42"]),
        ("tun0*", Kind::Vpn, &["10.8.0.2", "fe80::8"]),
        ("wlan0*", Kind::Card, &["192.168.1.20", "2001:db8::a1~", "2001:db8::20", "fd00::20", "fe80::20"]),
        ("virbr0", Kind::VirtualMachine, &["192.168.122.1"]),
    ];
    let (ranked, chosen) = shown(&laptop, ANY);
    let meant = [
        "192.168.1.20 (wlan0)",
        "2001:db8::20 (wlan0)",
        "2001:db8::a1 (wlan0)",
        "fd00::20 (wlan0)",
        "10.8.0.2 (tun0, VPN)",
        "172.17.0.1 (docker0, container bridge)",
        "192.168.122.1 (virbr0, virtual machines)",
        "127.0.0.1 (lo, this computer only)",
        "::1 (lo, this computer only)",
    ];
    assert_eq!(ranked, meant);
    assert_eq!(chosen, ["192.168.1.20", "2001:db8::20"]);
    let (_, only_v4) = shown(&laptop, "0.0.0.0");
    assert_eq!(only_v4, ["192.168.1.20"]);
}

#[test]
fn a_raspberry_pi_with_only_a_ula_names_it() {
    let (ranked, chosen) = shown(&[LO, ("eth0", Kind::Card, &["fe80::2", "fd00::2"])], ANY);
    assert_eq!(ranked[0], "fd00::2 (eth0)");
    assert_eq!(chosen, ["fd00::2"]);
}

#[test]
fn a_server_with_public_addresses_names_them() {
    let server: [(&str, Kind, &[&str]); 3] = [
        LO,
        ("br-0123456789ab", Kind::Container, &["172.18.0.1"]),
        ("eth0*", Kind::Card, &["203.0.113.7", "2001:db8::7"]),
    ];
    assert_eq!(shown(&server, ANY).1, ["203.0.113.7", "2001:db8::7"]);
}

#[test]
fn a_computer_without_a_network_names_itself() {
    assert_eq!(shown(&[LO], ANY).1, ["127.0.0.1"]);
    assert_eq!(shown(&[], ANY).1, ["127.0.0.1"]);
    assert_eq!(shown(&[LO], "0.0.0.0").1, ["127.0.0.1"]);
}

#[test]
fn a_computer_with_several_cards_names_one_address_of_each_up_to_three() {
    let cards: [(&str, Kind, &[&str]); 5] = [
        ("eth1", Kind::Card, &["10.0.0.1"]),
        ("eth0*", Kind::Card, &["192.168.1.2", "192.168.1.3"]),
        ("wlan0*", Kind::Card, &["192.168.2.2", "2001:db8::2"]),
        ("usb0", Kind::Card, &["10.1.0.1"]),
        ("dummy0", Kind::Other, &["10.2.0.1"]),
    ];
    assert_eq!(shown(&cards, ANY).1, ["192.168.1.2", "192.168.2.2", "10.0.0.1"]);
    // Without default routes, cards still come first.
    let apart: [(&str, Kind, &[&str]); 2] = [("x0", Kind::Other, &["10.2.0.1"]), ("eth0", Kind::Card, &["10.3.0.1"])];
    assert_eq!(shown(&apart, ANY).1, ["10.3.0.1"]);
}

#[test]
fn advertises_an_unlikely_address_if_there_is_no_other() {
    let vpn: (&str, Kind, &[&str]) = ("tun0*", Kind::Vpn, &["10.8.0.2", "fd08::2"]);
    let docker: (&str, Kind, &[&str]) = ("docker0", Kind::Container, &["172.17.0.1"]);
    let link_local: (&str, Kind, &[&str]) = ("eth0", Kind::Card, &["fe80::2", "169.254.7.7"]);
    assert_eq!(shown(&[LO, link_local, docker, vpn], ANY).1, ["10.8.0.2"]);
    assert_eq!(shown(&[LO, link_local, docker], ANY).1, ["172.17.0.1"]);
    let (ranked, chosen) = shown(&[LO, link_local], ANY);
    assert_eq!(chosen, ["169.254.7.7"]);
    assert_eq!(ranked[1], "fe80::2 (eth0)", "of use where there is nothing else");
    assert_eq!(shown(&[LO, ("eth0", Kind::Card, &["fe80::2"])], ANY).1, ["fe80::2"]);
    // Inside a container there is only this interface and a default route.
    assert_eq!(shown(&[LO, ("eth0*", Kind::Other, &["172.17.0.5"])], ANY).1, ["172.17.0.5"]);
}

#[test]
fn a_listening_address_is_the_one_to_reach() {
    let eth0: (&str, Kind, &[&str]) = ("eth0*", Kind::Card, &["192.168.1.2", "10.0.0.1", "fe80::2"]);
    for (listen, meant) in [
        ("10.0.0.1", "10.0.0.1 (eth0)"),
        ("fe80::2", "fe80::2 (eth0)"),
        ("127.0.0.1", "127.0.0.1 (lo, this computer only)"),
        ("192.0.2.99", "192.0.2.99"),
    ] {
        let (ranked, chosen) = shown(&[LO, eth0], listen);
        assert_eq!((ranked.as_slice(), chosen.as_slice()), (&[meant.to_owned()][..], &[listen.to_owned()][..]));
    }
}

#[test]
fn this_computer_has_a_real_address() {
    for any in ["0.0.0.0", "::"] {
        let all = reachable(any.parse().unwrap());
        assert!(!all.is_empty() && all.iter().all(|found| !found.ip.is_unspecified()), "{all:?}");
        assert!(any == "::" || all.iter().all(|found| found.ip.is_ipv4()), "{all:?}");
    }
}
