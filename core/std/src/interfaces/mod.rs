//! This computer's network interfaces: their addresses, their kinds, and which have a default
//! route. Read on demand, when a room is hosted or an error message names interfaces.
//!
//! Linux describes an interface in `/sys/class/net`, its default routes in `/proc/net/route` and
//! `/proc/net/ipv6_route`, and which IPv6 addresses are temporary in `/proc/net/if_inet6`.
//! Elsewhere only the name and the source address of a route are available.

mod linux;
mod route_source;

use std::net::{IpAddr, Ipv6Addr};

pub(crate) use route_source::is_link_local;
pub use route_source::source_addr_for;

use route_source::default_sources;

/// The kind of an interface, by the computers that it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A wired or wireless network card.
    Card,
    /// Anything else that may lead to a network: a bond, a VLAN, a bridge with a card in it, the
    /// inner end of a container.
    Other,
    /// A VPN or tunnel.
    Vpn,
    /// A bridge to containers of this computer.
    Container,
    /// A network of virtual machines of this computer.
    VirtualMachine,
    /// The loopback interface.
    Loopback,
}

/// An interface that is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The system's name for it.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Whether it has a default route, for IPv4 or IPv6.
    pub has_default_route: bool,
    /// Its addresses, in the system's order.
    pub addresses: Vec<Address>,
}

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub ip: IpAddr,
    /// Whether it is temporary (RFC 8981) or deprecated.
    pub is_passing: bool,
}

/// The properties that determine the kind of an interface.
#[derive(Clone, Debug, Default)]
struct Signs {
    is_loopback: bool,
    is_point_to_point: bool,
    /// It has a hardware device.
    has_device: bool,
    is_bridge: bool,
    /// It is a bridge, and one of its ports has a hardware device.
    bridges_device: bool,
    /// The driver's type name, such as `wireguard` or `vlan`.
    device_type: String,
    is_tun: bool,
}

/// Prefixes of the names of virtual interfaces, in lower case.
const NAMED: [(&str, Kind); 29] = [
    ("docker", Kind::Container),
    ("podman", Kind::Container),
    ("veth", Kind::Container),
    ("cni", Kind::Container),
    ("cali", Kind::Container),
    ("flannel", Kind::Container),
    ("lxc", Kind::Container),
    ("lxd", Kind::Container),
    ("incus", Kind::Container),
    ("br-", Kind::Container),
    ("virbr", Kind::VirtualMachine),
    ("vmnet", Kind::VirtualMachine),
    ("vboxnet", Kind::VirtualMachine),
    ("vnet", Kind::VirtualMachine),
    ("vethernet", Kind::VirtualMachine),
    ("bridge1", Kind::VirtualMachine),
    ("tun", Kind::Vpn),
    ("tap", Kind::Vpn),
    ("wg", Kind::Vpn),
    ("utun", Kind::Vpn),
    ("ppp", Kind::Vpn),
    ("ipsec", Kind::Vpn),
    ("tailscale", Kind::Vpn),
    ("zt", Kind::Vpn),
    ("nordlynx", Kind::Vpn),
    ("proton", Kind::Vpn),
    ("gpd", Kind::Vpn),
    ("sit", Kind::Vpn),
    ("gre", Kind::Vpn),
];

/// Determines the kind by the system's properties, then by the name.
fn kind(name: &str, signs: &Signs) -> Kind {
    let name = name.to_ascii_lowercase();
    let named = || NAMED.iter().find(|(start, _)| name.starts_with(start)).map(|(_, kind)| *kind);
    match signs.device_type.as_str() {
        _ if signs.is_loopback => Kind::Loopback,
        _ if signs.has_device => Kind::Card,
        _ if signs.is_tun => Kind::Vpn,
        "wireguard" | "ppp" | "ovpn" => Kind::Vpn,
        _ if signs.bridges_device => Kind::Other,
        _ if signs.is_bridge => named().unwrap_or(Kind::Container),
        _ if signs.is_point_to_point => Kind::Vpn,
        _ => named().unwrap_or(if cfg!(target_os = "linux") { Kind::Other } else { Kind::Card }),
    }
}

impl Kind {
    /// A short description to show after the interface's name, if the kind needs one.
    #[must_use]
    pub const fn remark(self) -> Option<&'static str> {
        match self {
            Self::Card | Self::Other => None,
            Self::Vpn => Some("VPN"),
            Self::Container => Some("container bridge"),
            Self::VirtualMachine => Some("virtual machines"),
            Self::Loopback => Some("this computer only"),
        }
    }
}

/// Returns the interfaces that are up and have an address.
#[cfg(unix)]
#[must_use]
pub fn interfaces() -> Vec<Interface> {
    use nix::net::if_::InterfaceFlags;

    let Ok(all) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    let passing = linux::passing_addresses();
    let mut interfaces: Vec<Interface> = Vec::new();
    for entry in all.filter(|entry| entry.flags.contains(InterfaceFlags::IFF_UP)) {
        let Some(address) = entry.address else { continue };
        let v4 = address.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
        let Some(ip) = v4.or_else(|| address.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip()))) else {
            continue;
        };
        let state = passing.iter().find(|(known, _)| IpAddr::V6(*known) == ip).map(|(_, state)| *state);
        if state == Some(linux::State::Unusable) {
            continue;
        }
        let address = Address { ip, is_passing: state == Some(linux::State::Passing) };
        match interfaces.iter_mut().find(|known| known.name == entry.interface_name) {
            Some(known) => known.addresses.push(address),
            None => {
                let signs = Signs {
                    is_loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
                    is_point_to_point: entry.flags.contains(InterfaceFlags::IFF_POINTOPOINT),
                    ..linux::signs(&entry.interface_name)
                };
                let kind = kind(&entry.interface_name, &signs);
                let (name, addresses) = (entry.interface_name, vec![address]);
                interfaces.push(Interface { name, kind, has_default_route: false, addresses });
            }
        }
    }
    let routed = linux::default_routes();
    let by_source = if routed.is_none() { default_sources() } else { Vec::new() };
    for interface in &mut interfaces {
        interface.has_default_route = match &routed {
            Some(names) => names.contains(&interface.name),
            None => interface.addresses.iter().any(|address| by_source.contains(&address.ip)),
        };
    }
    interfaces
}

/// Returns the source addresses of default routes, because this system has no list of interfaces.
#[cfg(not(unix))]
#[must_use]
pub fn interfaces() -> Vec<Interface> {
    let address = |ip| Address { ip, is_passing: false };
    let addresses: Vec<_> = default_sources().into_iter().map(address).collect();
    let card = Interface { name: "network".to_owned(), kind: Kind::Card, has_default_route: true, addresses };
    if card.addresses.is_empty() { Vec::new() } else { vec![card] }
}

/// Returns the names of the interfaces that have a link-local address.
#[must_use]
pub fn link_local_names() -> Vec<String> {
    let is_link_local = |address: &Address| matches!(address.ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let is_one = |interface: &Interface| interface.addresses.iter().any(is_link_local);
    interfaces().into_iter().filter(is_one).map(|interface| interface.name).collect()
}

/// Whether an address is a unique local address (RFC 4193).
pub(crate) const fn is_unique_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classifies_an_interface_by_the_system_or_else_by_name() {
        let plain = Signs::default();
        let card = Signs { has_device: true, ..Signs::default() };
        let bridge = Signs { is_bridge: true, ..Signs::default() };
        let lan_bridge = Signs { bridges_device: true, ..bridge.clone() };
        let typed = |device_type: &str| Signs { device_type: device_type.to_owned(), ..Signs::default() };
        let tun = Signs { is_tun: true, ..Signs::default() };
        let point_to_point = Signs { is_point_to_point: true, ..Signs::default() };
        let modem = Signs { has_device: true, is_point_to_point: true, ..Signs::default() };
        let loopback = Signs { is_loopback: true, ..Signs::default() };
        for (name, signs, meant) in [
            ("lo", &loopback, Kind::Loopback),
            ("enp3s0", &card, Kind::Card),
            ("wlan0", &card, Kind::Card),
            ("tunnel-card", &card, Kind::Card),
            ("wwan0", &modem, Kind::Card),
            ("office", &tun, Kind::Vpn),
            ("office", &typed("wireguard"), Kind::Vpn),
            ("gre7", &plain, Kind::Vpn),
            ("he-ipv6", &point_to_point, Kind::Vpn),
            ("br0", &lan_bridge, Kind::Other),
            ("docker0", &bridge, Kind::Container),
            ("br-0123456789ab", &bridge, Kind::Container),
            ("mine", &bridge, Kind::Container),
            ("virbr0", &bridge, Kind::VirtualMachine),
            ("vboxnet0", &plain, Kind::VirtualMachine),
            ("vethab12", &plain, Kind::Container),
            ("utun3", &plain, Kind::Vpn),
            ("bond0", &typed("bond"), if cfg!(target_os = "linux") { Kind::Other } else { Kind::Card }),
        ] {
            assert_eq!(kind(name, signs), meant, "{name} {signs:?}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn finds_this_computers_loopback() {
        let all = interfaces();
        let loopback = all.iter().find(|interface| interface.kind == Kind::Loopback).expect("a loopback interface");
        assert!(loopback.addresses.iter().all(|address| address.ip.is_loopback() || !address.ip.is_ipv4()));
        assert!(!loopback.has_default_route);
        let names: std::collections::BTreeSet<_> = all.iter().map(|interface| &interface.name).collect();
        assert_eq!(names.len(), all.len(), "one entry per interface");
    }
}
