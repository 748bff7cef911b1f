//! The addresses in an invite that a device can reach: the IPv4 addresses.

use std::net::{SocketAddr, ToSocketAddrs};
use std::vec::Vec;

use kabar_std::address::{Host, MAX_PLACES, Places};

/// The server's IPv4 addresses, each once, in the invite's order. A name that does not resolve is
/// left out.
#[must_use]
pub fn ipv4(places: &Places) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    for place in places.iter() {
        let resolved = match &place.host {
            Host::Ip(ip) => std::vec![SocketAddr::from((*ip, place.port))],
            Host::LinkLocal(..) => continue,
            Host::Name(name) => (&**name, place.port).to_socket_addrs().map(Iterator::collect).unwrap_or_default(),
        };
        for address in resolved.into_iter().filter(SocketAddr::is_ipv4) {
            if !all.contains(&address) && all.len() < MAX_PLACES {
                all.push(address);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_ipv4_address_once_in_order() {
        let addresses = |places: &str| ipv4(&places.parse().unwrap());
        let [first, second] = ["192.0.2.1:7", "192.0.2.2:8"].map(|address| address.parse::<SocketAddr>().unwrap());
        assert_eq!(addresses("192.0.2.1:7,192.0.2.2:8"), [first, second]);
        assert_eq!(addresses("[fd00::1]:9,192.0.2.2:8,192.0.2.1:7,192.0.2.2:8"), [second, first]);
        assert_eq!(addresses("[fd00::1]:9"), []);
    }
}
