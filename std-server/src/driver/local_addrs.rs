//! The local address that each peer sent to, so that replies leave from it. A peer accepts no reply
//! from another address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Peers remembered per generation; about 2 MiB in all.
const GENERATION: usize = 16_384;

/// Two generations of peers. Strangers can make the driver forget a silent peer, but cannot grow
/// the table. Replies to a forgotten peer leave from the address that the system prefers, until
/// that peer sends again.
#[derive(Debug, Default)]
pub(super) struct LocalAddrs {
    young: HashMap<SocketAddr, IpAddr>,
    old: HashMap<SocketAddr, IpAddr>,
}

impl LocalAddrs {
    pub(super) fn learn(&mut self, peer: SocketAddr, local: IpAddr) {
        if self.young.len() >= GENERATION && !self.young.contains_key(&peer) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(peer, local);
    }

    pub(super) fn of(&self, peer: SocketAddr) -> Option<IpAddr> {
        self.young.get(&peer).or_else(|| self.old.get(&peer)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: usize) -> SocketAddr {
        SocketAddr::from(([10, 0, (number >> 8) as u8, number as u8], 1 + (number >> 16) as u16))
    }

    #[test]
    fn answers_leave_from_where_the_peer_spoke_to() {
        let (home, office) = (IpAddr::from([192, 168, 0, 1]), IpAddr::from([10, 1, 1, 1]));
        let mut local_addrs = LocalAddrs::default();
        assert_eq!(local_addrs.of(peer(1)), None);
        local_addrs.learn(peer(1), home);
        assert_eq!(local_addrs.of(peer(1)), Some(home));
        local_addrs.learn(peer(1), office);
        assert_eq!(local_addrs.of(peer(1)), Some(office));
    }

    #[test]
    fn the_table_is_bounded_and_keeps_active_peers() {
        let (home, regular) = (IpAddr::from([192, 168, 0, 1]), peer(1 << 24));
        let mut local_addrs = LocalAddrs::default();
        for number in 0..10 * GENERATION {
            if number % GENERATION == 0 {
                local_addrs.learn(regular, home);
            }
            local_addrs.learn(peer(number), home);
            assert!(local_addrs.young.len() + local_addrs.old.len() <= 2 * GENERATION);
            assert_eq!(local_addrs.of(regular), Some(home));
        }
        assert_eq!(local_addrs.of(peer(0)), None);
    }
}
