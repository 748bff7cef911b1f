//! Rates at which an identity may join, is announced and may post: neither repeated Joins nor a
//! flood of posts must bury the room.

use std::collections::BTreeMap;

use kabar_core::crypto::identity::PublicIdentity;
use kabar_core::time::{Duration, Instant};

use crate::hub::fairness::limiter::{Bucket, Rate};
use crate::hub::limits::HubLimits;

/// Time between two searches of the table for full buckets.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

/// The buckets of identities that joined or posted recently. Full ones are not kept.
#[derive(Debug)]
pub(in crate::hub) struct Visits {
    buckets: BTreeMap<PublicIdentity, Visit>,
    max: usize,
    sweep_at: Instant,
    joins: Rate,
    announcements: Rate,
    posts: Rate,
}

/// The token of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) struct PostToken {
    /// When the post may be accepted: now, or later.
    pub(in crate::hub) at: Instant,
    /// Before it, the identity had a whole burst.
    pub(in crate::hub) is_burst_whole: bool,
}

#[derive(Debug)]
struct Visit {
    joins: Bucket,
    announcements: Bucket,
    posts: Bucket,
}

impl Visits {
    pub(in crate::hub) fn new(limits: &HubLimits) -> Self {
        Self {
            buckets: BTreeMap::new(),
            max: limits.identities,
            sweep_at: Instant::ZERO,
            joins: Rate { burst: limits.join_burst, interval: limits.join_interval },
            announcements: Rate { burst: limits.announce_burst, interval: limits.announce_interval },
            posts: Rate::per_second(limits.post_burst, limits.post_rate),
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

    /// Takes the next token for a post of `identity`, which may be still to come: the sessions of
    /// an identity get theirs one after the other.
    pub(in crate::hub) fn reserve_post(&mut self, now: Instant, identity: PublicIdentity) -> PostToken {
        let rate = self.posts;
        if rate.is_unlimited() {
            return PostToken { at: now, is_burst_whole: true };
        }
        let bucket = &mut self.visit(now, identity).posts;
        let is_burst_whole = bucket.is_full(now);
        PostToken { at: bucket.reserve(now, rate), is_burst_whole }
    }

    /// Time after which a Join without a token may be tried again.
    pub(in crate::hub) fn join_interval(&self) -> Duration {
        self.joins.interval
    }

    fn visit(&mut self, now: Instant, identity: PublicIdentity) -> &mut Visit {
        if self.buckets.len() >= self.max && !self.buckets.contains_key(&identity) {
            if now >= self.sweep_at {
                self.sweep_at = now + SWEEP_INTERVAL;
                self.buckets.retain(|_, visit| {
                    ![visit.joins, visit.announcements, visit.posts].iter().all(|bucket| bucket.is_full(now))
                });
            }
            if self.buckets.len() >= self.max {
                // Any will do: its identity only gets its tokens back early.
                self.buckets.pop_first();
            }
        }
        let full = Visit { joins: Bucket::FULL, announcements: Bucket::FULL, posts: Bucket::FULL };
        self.buckets.entry(identity).or_insert(full)
    }
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
    fn the_sessions_of_an_identity_get_one_token_after_the_other() {
        let limits = HubLimits { post_burst: 2, post_rate: 10, ..HubLimits::default() };
        let (mut visits, now) = (Visits::new(&limits), Instant::ZERO + Duration::from_secs(9));
        let reserved = [(); 4].map(|()| visits.reserve_post(now, who(1)));
        let after = reserved.map(|token| token.at.saturating_since(now).as_millis());
        assert_eq!(
            (after, reserved.map(|token| token.is_burst_whole)),
            ([0, 0, 100, 200], [true, false, false, false])
        );
        for (at, key) in [(now, 2), (now + Duration::from_secs(9), 1)] {
            assert_eq!(visits.reserve_post(at, who(key)), PostToken { at, is_burst_whole: true });
        }
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
