//! How often an identity may join, and how often that is announced: what it does again and again must not fill the log.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use crate::hub::HubLimits;
use crate::hub::door::limiter::{Bucket, Rate};

/// How often the table is looked through for buckets that are full again.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The buckets of identities that joined lately. Full ones are not kept.
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

    /// Whether a Join of `identity` is taken now.
    pub(in crate::hub) fn take_join(&mut self, now: Instant, identity: PublicIdentity) -> bool {
        let rate = self.joins;
        self.visit(now, identity).joins.take(now, rate)
    }

    /// Whether it is announced that `identity` joined.
    pub(in crate::hub) fn take_announcement(&mut self, now: Instant, identity: PublicIdentity) -> bool {
        let rate = self.announcements;
        self.visit(now, identity).announcements.take(now, rate)
    }

    /// When a Join that was not taken may be tried again.
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
                // Whose it is does not matter: it only gets its tokens back early.
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
