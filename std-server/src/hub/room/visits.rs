//! Rates at which an identity may join and is announced: repeated Joins must not fill the log.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use crate::hub::fairness::limiter::{Bucket, Rate};
use crate::hub::limits::HubLimits;

/// Time between two searches of the table for full buckets.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The buckets of identities that joined recently. Full ones are not kept.
#[derive(Debug)]
pub(in crate::hub) struct Visits {
    buckets: BTreeMap<PublicIdentity, Visit>,
    max: usize,
    sweep_at: Instant,
    joins: Rate,
    announcements: Rate,
}

#[derive(Debug)]
struct Visit {
    joins: Bucket,
    announcements: Bucket,
}

impl Visits {
    pub(in crate::hub) fn new(limits: &HubLimits) -> Self {
        Self {
            buckets: BTreeMap::new(),
            max: limits.identities,
            sweep_at: Instant::ZERO,
            joins: Rate { burst: limits.join_burst, interval: limits.join_interval },
            announcements: Rate { burst: limits.announce_burst, interval: limits.announce_interval },
        }
    }

    /// Takes a token for a Join of `identity`, if there is one.
    pub(in crate::hub) fn take_join(&mut self, now: Instant, identity: PublicIdentity) -> bool {
        let rate = self.joins;
        self.visit(now, identity).joins.take(now, rate)
    }

    /// Takes a token for the announcement of `identity`, if there is one.
    pub(in crate::hub) fn take_announcement(&mut self, now: Instant, identity: PublicIdentity) -> bool {
        let rate = self.announcements;
        self.visit(now, identity).announcements.take(now, rate)
    }

    /// Time after which a Join without a token may be tried again.
    pub(in crate::hub) fn join_interval(&self) -> Duration {
        self.joins.interval
    }

    fn visit(&mut self, now: Instant, identity: PublicIdentity) -> &mut Visit {
        if self.buckets.len() >= self.max && !self.buckets.contains_key(&identity) {
            if now >= self.sweep_at {
                self.sweep_at = now + SWEEP_INTERVAL;
                let (joins, announcements) = (one(self.joins), one(self.announcements));
                self.buckets.retain(|_, visit| {
                    !visit.joins.has_token(now, joins) || !visit.announcements.has_token(now, announcements)
                });
            }
            if self.buckets.len() >= self.max {
                // Any will do: its identity only gets its tokens back early.
                self.buckets.pop_first();
            }
        }
        self.buckets.entry(identity).or_insert(Visit { joins: Bucket::FULL, announcements: Bucket::FULL })
    }
}

/// The rate under which only a full bucket has a token.
fn one(rate: Rate) -> Rate {
    Rate { burst: 1, ..rate }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visits(identities: usize) -> Visits {
        Visits::new(&HubLimits { identities, join_burst: 2, announce_burst: 1, ..HubLimits::default() })
    }

    fn who(number: u8) -> PublicIdentity {
        PublicIdentity([number; 32])
    }

    #[test]
    fn each_identity_has_its_own_tokens() {
        let mut visits = visits(8);
        let now = Instant::ZERO + Duration::from_secs(9);
        assert_eq!([(); 3].map(|()| visits.take_join(now, who(1))), [true, true, false]);
        assert_eq!([(); 2].map(|()| visits.take_announcement(now, who(1))), [true, false]);
        assert!(visits.take_join(now, who(2)) && visits.take_announcement(now, who(2)));
        assert!(visits.take_join(now + visits.join_interval(), who(1)));
    }

    #[test]
    fn drops_full_buckets_first_when_it_is_full() {
        let mut visits = visits(3);
        let begin = Instant::ZERO + Duration::from_secs(9);
        visits.take_join(begin, who(1));
        let now = begin + Duration::from_secs(600);
        for number in [2, 3, 4] {
            assert!(visits.take_announcement(now, who(number)));
        }
        assert!(visits.buckets.len() <= 3 && !visits.buckets.contains_key(&who(1)));
        assert!([2, 3, 4].iter().all(|number| !visits.take_announcement(now, who(*number))));
        for number in 5..=200 {
            visits.take_join(now, who(number));
            assert!(visits.buckets.len() <= 3);
        }
    }
}
