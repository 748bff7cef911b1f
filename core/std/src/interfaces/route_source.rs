//! Source addresses: which of its addresses this computer would send from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Targets in the documentation ranges (RFC 5737, RFC 3849), to which only a default route leads.
/// Nothing is sent to them.
const PROBE_TARGET_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const PROBE_TARGET_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// Returns the source addresses of this computer's default routes.
pub(super) fn default_sources() -> Vec<IpAddr> {
    [PROBE_TARGET_V4, PROBE_TARGET_V6].into_iter().filter_map(source_addr_for).collect()
}

/// Returns the source address of a datagram to `to`, without sending one; `None` if there is no
/// route or it leads to this computer.
#[must_use]
pub fn source_addr_for(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    let is_stray = is_link_local(ip) && !is_link_local(to.ip());
    (!ip.is_loopback() && !ip.is_unspecified() && !is_stray).then_some(ip)
}

/// Whether `ip` is a link-local address, of either version.
pub(crate) const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
