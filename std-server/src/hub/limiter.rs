//! Limits on rates: token buckets, one for all or one per address prefix (SPEC 3.6, 4.5).

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

use kabar_core::time::{Duration, Instant};

/// Whose bucket it is: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix(u128);

impl Prefix {
    /// The prefix that `address` is in.
    pub(super) fn of(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self(ip.to_ipv6_mapped().to_bits()),
            IpAddr::V6(ip) => Self(ip.to_bits() >> 64 << 64),
        }
    }
}

/// A token bucket, kept as the instant at which it is full again: `burst` tokens at once, one more per `interval`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    full_at: Instant,
}

/// How large buckets are and how fast they fill.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) burst: u32,
    pub(super) interval: Duration,
}

impl Bucket {
    /// Full.
    pub(super) const FULL: Self = Self { full_at: Instant::ZERO };

    /// Whether a token is left.
    pub(super) fn has_token(&self, now: Instant, rate: Rate) -> bool {
        let missing = self.full_at.saturating_since(now) + rate.interval;
        missing <= rate.interval * u64::from(rate.burst)
    }

    /// Takes a token if one is left.
    pub(super) fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let has_token = self.has_token(now, rate);
        if has_token {
            self.full_at = self.full_at.max(now) + rate.interval;
        }
        has_token
    }
}

/// A bucket per prefix, bounded in number. Full buckets are not kept.
#[derive(Debug)]
pub(super) struct Buckets {
    rate: Rate,
    buckets: BTreeMap<Prefix, Bucket>,
    max: usize,
    full: u64,
}

impl Buckets {
    pub(super) fn new(rate: Rate, max: usize) -> Self {
        Self { rate, buckets: BTreeMap::new(), max, full: 0 }
    }

    /// How often there was no room for a prefix.
    pub(super) fn full(&self) -> u64 {
        self.full
    }

    /// Whether the prefix has a token left.
    pub(super) fn has_token(&self, now: Instant, prefix: Prefix) -> bool {
        self.buckets.get(&prefix).is_none_or(|bucket| bucket.has_token(now, self.rate))
    }

    /// Takes a token if one is left. Never from a bucket that there is no room for.
    pub(super) fn take(&mut self, now: Instant, prefix: Prefix) -> bool {
        if self.buckets.len() >= self.max && !self.buckets.contains_key(&prefix) {
            self.buckets.retain(|_, bucket| bucket.full_at > now);
            if self.buckets.len() >= self.max {
                self.full += 1;
                return false;
            }
        }
        self.buckets.entry(prefix).or_insert(Bucket::FULL).take(now, self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, interval: Duration::from_secs(2) };

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn prefix(text: &str) -> Prefix {
        Prefix::of(text.parse().expect("an address"))
    }

    #[test]
    fn gives_its_burst_at_once_and_then_one_per_interval() {
        let mut bucket = Bucket::FULL;
        let mut takes = |second| bucket.take(at(second), RATE);
        assert_eq!([takes(10), takes(10), takes(10), takes(10)], [true, true, true, false]);
        assert_eq!([takes(11), takes(12), takes(12)], [false, true, false]);
        assert_eq!([takes(100), takes(100), takes(100), takes(100)], [true, true, true, false]);
    }

    #[test]
    fn ipv4_addresses_have_a_bucket_each_and_ipv6_networks_one() {
        assert_eq!(prefix("10.0.0.1:5"), prefix("10.0.0.1:6"));
        assert_eq!(prefix("10.0.0.1:5"), prefix("[::ffff:10.0.0.1]:5"));
        assert_ne!(prefix("10.0.0.1:5"), prefix("10.0.0.2:5"));
        assert_eq!(prefix("[2001:db8:0:1::1]:5"), prefix("[2001:db8:0:1:ffff::2]:9"));
        assert_ne!(prefix("[2001:db8:0:1::1]:5"), prefix("[2001:db8:0:2::1]:5"));
    }

    #[test]
    fn one_prefix_does_not_use_up_the_tokens_of_another() {
        let mut buckets = Buckets::new(RATE, 8);
        let (a, b) = (prefix("10.0.0.1:5"), prefix("10.0.0.2:5"));
        (0..3).for_each(|_| assert!(buckets.take(at(1), a)));
        assert!(!buckets.take(at(1), a) && !buckets.has_token(at(1), a));
        assert!(buckets.has_token(at(1), b) && buckets.take(at(1), b));
    }

    #[test]
    fn a_full_table_makes_room_only_by_dropping_full_buckets() {
        let mut buckets = Buckets::new(RATE, 2);
        assert!(buckets.take(at(1), prefix("10.0.0.1:5")) && buckets.take(at(2), prefix("10.0.0.2:5")));
        assert!(!buckets.take(at(2), prefix("10.0.0.3:5")));
        assert!(buckets.take(at(3), prefix("10.0.0.3:5")));
        assert_eq!(buckets.buckets.len(), 2);
    }
}
