//! Address prefixes: an IPv4 address, or the nested /48, /56 and /64 of an IPv6 address.

use core::net::{IpAddr, SocketAddr};

/// Lengths of the IPv6 prefixes, widest first: the usual assignments to sites, homes and links. A
/// /48 has 65,536 /64s, so limits per /64 alone would bound nothing.
const LENGTHS: [u32; LEVELS] = [48, 56, 64];
/// Levels at which shares are counted.
pub(in crate::hub) const LEVELS: usize = 3;
/// The narrowest level.
pub(in crate::hub) const NARROWEST: usize = LEVELS - 1;

/// An IPv4 address, or the upper 64 bits of an IPv6 address with those below some length cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::hub) enum Prefix {
    V4(u32),
    V6(u64),
}

impl Prefix {
    /// The lowest of all.
    pub(in crate::hub) const MIN: Self = Self::V4(0);
    /// The highest of all.
    pub(in crate::hub) const MAX: Self = Self::V6(u64::MAX);

    /// The narrowest prefix of `address`.
    pub(in crate::hub) fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.to_bits()),
            IpAddr::V6(ip) => Self::V6((ip.to_bits() >> 64) as u64),
        }
    }

    /// The prefix of a level that this one is part of. An IPv4 address is the same at each.
    pub(in crate::hub) fn at(self, level: usize) -> Self {
        match self {
            Self::V4(_) => self,
            Self::V6(bits) => Self::V6(bits & (u64::MAX << (64 - LENGTHS[level]))),
        }
    }

    /// The levels at which this prefix differs.
    pub(in crate::hub) fn levels(self) -> core::ops::Range<usize> {
        match self {
            Self::V4(_) => NARROWEST..LEVELS,
            Self::V6(_) => 0..LEVELS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::of(text.parse().expect("an address"))
    }

    #[test]
    fn ipv4_addresses_are_distinguished_in_both_notations() {
        assert_eq!(prefix("10.0.0.1:5"), prefix("10.0.0.1:6"));
        assert_eq!(prefix("10.0.0.1:5"), prefix("[::ffff:10.0.0.1]:5"));
        assert_ne!(prefix("10.0.0.1:5"), prefix("10.0.0.2:5"));
        assert_eq!(prefix("10.0.0.1:5").at(0), prefix("10.0.0.1:5"));
    }

    #[test]
    fn ipv6_addresses_share_their_64_56_and_48() {
        let address = prefix("[2001:db8:0:0101::1]:5");
        assert_eq!(address, prefix("[2001:db8:0:0101:ffff::2]:9"));
        for (other, is_same) in [
            ("[2001:db8:0:0102::1]:5", [true, true, false]),
            ("[2001:db8:0:0201::1]:5", [true, false, false]),
            ("[2001:db8:1:0101::1]:5", [false, false, false]),
        ] {
            let same = [0, 1, 2].map(|level| prefix(other).at(level) == address.at(level));
            assert_eq!(same, is_same, "{other}");
        }
    }
}
