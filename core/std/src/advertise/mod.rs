//! Chooses the addresses that an invite names: those that others can most likely reach.
//!
//! | tier | interface | in an invite |
//! |---|---|---|
//! | 0 | a card, a bond, a bridge with a card in it, with a default route | yes |
//! | 1 | a card without one: a cable between two computers | yes |
//! | 2 | anything else of that kind without one | if there is nothing better |
//! | 3 | a VPN: computers outside of it cannot reach it | as tier 2 |
//! | 4 | containers and virtual machines of this computer | as tier 2 |
//! | 5 | link-local addresses, on any interface | as tier 2 |
//! | 6 | loopback | as tier 2 |
//!
//! Within a tier IPv4 comes first (every computer on a network at home has it), then global IPv6,
//! then ULA; temporary addresses last of their kind. An invite names the first address of each
//! interface of tiers 0 and 1, and a global IPv6 address of one if there is room, [`MAX_CHOSEN`] in
//! all, so that it stays one line.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::interfaces::{Interface, Kind, interfaces, is_link_local, is_unique_local};

/// Maximum number of addresses that are chosen automatically.
pub const MAX_CHOSEN: usize = 3;

/// The first tier that is used only if there is nothing better.
const TIER_UNLIKELY: u8 = 2;

/// An address of this computer that a server may be reached at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The address.
    pub ip: IpAddr,
    /// The interface that has it; empty if unknown.
    pub interface: String,
    /// The kind of that interface.
    pub kind: Kind,
    tier: u8,
}

/// Returns the addresses of this computer at which a server that listens on `listen` can be
/// reached, the best first. Never empty.
#[must_use]
pub fn reachable(listen: IpAddr) -> Vec<Found> {
    ranked(&interfaces(), listen)
}

/// [`reachable`] for the given interfaces.
fn ranked(interfaces: &[Interface], listen: IpAddr) -> Vec<Found> {
    let mut all: Vec<(Found, u8, bool)> = Vec::new();
    for interface in interfaces {
        for address in &interface.addresses {
            let is_meant =
                if listen.is_unspecified() { listen.is_ipv6() || address.ip.is_ipv4() } else { address.ip == listen };
            if !is_meant || address.ip.is_unspecified() || all.iter().any(|(found, ..)| found.ip == address.ip) {
                continue;
            }
            let (interface, kind, tier) = (interface.name.clone(), interface.kind, tier(interface, address.ip));
            all.push((Found { ip: address.ip, interface, kind, tier }, class(address.ip), address.is_passing));
        }
    }
    // The sort is stable: equal elements keep the system's order.
    all.sort_by_key(|(found, class, is_passing)| (found.tier, *class, *is_passing));
    let mut all: Vec<Found> = all.into_iter().map(|(found, ..)| found).collect();
    // Every interface has a link-local IPv6 address; they are only useful where there is no other.
    if all.first().is_some_and(|best| !is_link_local(best.ip) && best.kind != Kind::Loopback) {
        all.retain(|found| found.ip.is_ipv4() || !is_link_local(found.ip));
    }
    if all.is_empty() {
        let ip = if listen.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { listen };
        let kind = if ip.is_loopback() { Kind::Loopback } else { Kind::Other };
        all.push(Found { ip, interface: String::new(), kind, tier: 0 });
    }
    all
}

/// Selects the addresses for an invite among those that [`reachable`] returned.
#[must_use]
pub fn chosen(ranked: &[Found]) -> Vec<IpAddr> {
    let mut chosen: Vec<&Found> = Vec::new();
    let likely = || ranked.iter().filter(|found| found.tier < TIER_UNLIKELY);
    for found in likely() {
        if !chosen.iter().any(|known| known.interface == found.interface) {
            chosen.push(found);
        }
    }
    let global = likely().find(|found| matches!(found.ip, IpAddr::V6(ip) if is_global(ip)));
    if let Some(global) = global
        && !chosen.iter().any(|known| known.ip == global.ip)
    {
        chosen.push(global);
    }
    if chosen.is_empty() {
        chosen.extend(ranked.first());
    }
    chosen.iter().take(MAX_CHOSEN).map(|found| found.ip).collect()
}

fn tier(interface: &Interface, ip: IpAddr) -> u8 {
    match interface.kind {
        Kind::Loopback => 6,
        _ if is_link_local(ip) => 5,
        Kind::Card | Kind::Other if interface.has_default_route => 0,
        Kind::Card => 1,
        Kind::Other => 2,
        Kind::Vpn => 3,
        Kind::Container | Kind::VirtualMachine => 4,
    }
}

fn class(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(_) => 0,
        IpAddr::V6(ip) if is_global(ip) => 1,
        IpAddr::V6(_) => 2,
    }
}

const fn is_global(ip: Ipv6Addr) -> bool {
    !is_unique_local(ip) && !ip.is_unicast_link_local() && !ip.is_loopback()
}

/// Formats as `192.0.2.7 (eth0)` or `172.17.0.1 (docker0, container bridge)`.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.interface.as_str(), self.kind.remark()) {
            ("", None) => self.ip.fmt(f),
            ("", Some(remark)) => write!(f, "{} ({remark})", self.ip),
            (name, None) => write!(f, "{} ({name})", self.ip),
            (name, Some(remark)) => write!(f, "{} ({name}, {remark})", self.ip),
        }
    }
}

#[cfg(test)]
mod tests;
