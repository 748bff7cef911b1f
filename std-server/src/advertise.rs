//! Which host an invite names: the one that others most probably reach this computer by.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// From the documentation ranges (RFC 5737, RFC 3849): nobody is there, and nothing is sent. What counts is that only a default
/// route leads there.
const SOMEWHERE_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const SOMEWHERE_V6: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9);

/// The address of this computer that others reach a server by which listens on `listen`: that very address if it is one; else the
/// source address of the default route; else the first private address; else 127.0.0.1 (or ::1), which only this computer reaches.
#[must_use]
pub fn reachable_ip(listen: IpAddr) -> IpAddr {
    if !listen.is_unspecified() {
        return listen;
    }
    let routes: &[_] = if listen.is_ipv4() { &[SOMEWHERE_V4] } else { &[SOMEWHERE_V4, SOMEWHERE_V6] };
    let routed = routes.iter().find_map(|&to| source_towards(to));
    routed.or_else(first_private).unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// Which address of this computer would be the source of a datagram to `to`. Sends nothing. `None`: no route, or only to itself.
#[must_use]
pub fn source_towards(to: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified() && !is_link_local(ip)).then_some(ip)
}

/// The first address of an interface that a network at home or in an office gives out.
#[cfg(unix)]
fn first_private() -> Option<IpAddr> {
    let interfaces = nix::ifaddrs::getifaddrs().ok()?;
    interfaces
        .filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()))
        .find(|ip| ip.is_private())
        .map(IpAddr::V4)
}

#[cfg(not(unix))]
fn first_private() -> Option<IpAddr> {
    None
}

const fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_address_is_the_one_to_reach() {
        for ip in ["127.0.0.1", "192.0.2.7", "::1"] {
            assert_eq!(reachable_ip(ip.parse().unwrap()), ip.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn any_address_becomes_a_real_one() {
        for any in ["0.0.0.0", "::"] {
            assert!(!reachable_ip(any.parse().unwrap()).is_unspecified());
        }
        assert!(reachable_ip("0.0.0.0".parse().unwrap()).is_ipv4());
    }
}
