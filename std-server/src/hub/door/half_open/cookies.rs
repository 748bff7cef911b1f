//! How often each cookie was used: one admits a bounded number of Initiates (SPEC 3.2).

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::time::{Duration, Instant};

use crate::hub::fairness::prefix::Prefix;
use crate::hub::fairness::shares::Shares;

/// Initiates that one cookie admits (SPEC 3.2).
const INITIATES_PER_COOKIE: u8 = 3;
/// Longer than any cookie is valid (SPEC 3.2): two periods of its key.
const COOKIE_LIFE: Duration = Duration::from_secs(120);

/// The uses of cookies that may still be valid.
#[derive(Debug)]
pub(super) struct Cookies {
    max: usize,
    pub(super) uses: BTreeMap<[u8; 8], Uses>,
    pub(super) shares: Shares<[u8; 8]>,
    /// By the time at which they are forgotten.
    pub(super) order: BTreeSet<(Instant, [u8; 8])>,
    /// Cookies that were forgotten before they expired.
    forgotten: u64,
}

/// The uses of one cookie, and until when they are remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uses {
    count: u8,
    until: Instant,
}

impl Cookies {
    /// The uses of at most `max` cookies.
    pub(super) fn new(max: usize) -> Self {
        Self { max, uses: BTreeMap::new(), shares: Shares::new(), order: BTreeSet::new(), forgotten: 0 }
    }

    /// Counts a use of `cookie` by `prefix`; `false`: it is used up. Beyond the limit, the oldest
    /// cookie of the heaviest prefix is forgotten: an attacker who fills the table may reuse a
    /// cookie, and nobody is refused.
    pub(super) fn spend(&mut self, now: Instant, cookie: [u8; 8], prefix: Prefix) -> bool {
        while let Some((until, cookie)) = self.order.first().copied()
            && until <= now
        {
            self.forget(cookie);
        }
        match self.uses.get_mut(&cookie) {
            Some(known) if known.count >= INITIATES_PER_COOKIE => return false,
            Some(known) => known.count += 1,
            None => {
                let until = now + COOKIE_LIFE;
                self.uses.insert(cookie, Uses { count: 1, until });
                self.shares.insert(cookie, prefix);
                self.order.insert((until, cookie));
            }
        }
        while self.uses.len() > self.max
            && let Some(oldest) = self.shares.heaviest_oldest()
        {
            self.forget(oldest);
            self.forgotten += 1;
        }
        true
    }

    fn forget(&mut self, cookie: [u8; 8]) {
        self.shares.remove(&cookie);
        if let Some(Uses { until, .. }) = self.uses.remove(&cookie) {
            self.order.remove(&(until, cookie));
        }
    }

    /// Number of cookies that were forgotten before they expired.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }
}
