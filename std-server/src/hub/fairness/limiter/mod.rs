//! Rate limits: token buckets, alone or one per address prefix (SPEC 3.7, 4.5).

use std::collections::{BTreeMap, BTreeSet};

use kabar_core::time::{Duration, Instant};

use super::prefix::{LEVELS, NARROWEST, Prefix};

/// Buckets of a /56 and of a /48 are this many times as large as those one level narrower, and fill
/// this many times as fast: a wider prefix has more users, but not a full budget for each of its
/// /64s.
const WIDER: u32 = 4;
const SECOND: Duration = Duration::from_secs(1);

/// A token bucket, kept as the instant at which it is full again: `burst` tokens at once, one more
/// per `interval`.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Bucket {
    full_at: Instant,
}

/// How large buckets are and how fast they fill.
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Rate {
    pub(in crate::hub) burst: u32,
    pub(in crate::hub) interval: Duration,
}

impl Rate {
    /// A rate of `per_second` tokens per second; 0: without a limit.
    pub(in crate::hub) fn per_second(burst: u32, per_second: u32) -> Self {
        let micros = SECOND.as_micros().checked_div(per_second.into()).unwrap_or(0);
        Self { burst, interval: Duration::from_micros(micros) }
    }

    /// Whether there is always a token.
    pub(in crate::hub) fn is_unlimited(self) -> bool {
        self.interval == Duration::ZERO
    }

    /// A rate that is `factor` times as high, with `factor` times the burst.
    pub(in crate::hub) fn times(self, factor: u32) -> Self {
        let interval = Duration::from_micros(self.interval.as_micros() / u64::from(factor));
        Self { burst: self.burst.saturating_mul(factor), interval }
    }

    fn at(self, level: usize) -> Self {
        (level..NARROWEST).fold(self, |rate, _| rate.times(WIDER))
    }
}

impl Bucket {
    /// A full bucket.
    pub(in crate::hub) const FULL: Self = Self { full_at: Instant::ZERO };

    /// Whether no token is missing.
    pub(in crate::hub) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// Whether a token is left.
    pub(in crate::hub) fn has_token(&self, now: Instant, rate: Rate) -> bool {
        let missing = self.full_at.saturating_since(now) + rate.interval;
        missing <= rate.interval * u64::from(rate.burst)
    }

    /// When a token will be available.
    pub(in crate::hub) fn token_at(&self, rate: Rate) -> Instant {
        let filled = rate.interval * u64::from(rate.burst.saturating_sub(1));
        Instant::ZERO + self.full_at.saturating_since(Instant::ZERO).saturating_sub(filled)
    }

    /// Takes the next token, which may be still to come. Returns when it is available, at `now` or
    /// later.
    pub(in crate::hub) fn reserve(&mut self, now: Instant, rate: Rate) -> Instant {
        let available_at = self.token_at(rate).max(now);
        self.full_at = self.full_at.max(now) + rate.interval;
        available_at
    }

    /// Takes a token if one is left.
    pub(in crate::hub) fn take(&mut self, now: Instant, rate: Rate) -> bool {
        let has_token = self.has_token(now, rate);
        if has_token {
            self.full_at = self.full_at.max(now) + rate.interval;
        }
        has_token
    }
}

/// A bucket per prefix at each level, bounded in number at each. A bucket beyond the bound replaces
/// the one that is nearest to full: the prefix of that one gains the few tokens that were missing,
/// and nobody is refused.
#[derive(Debug)]
pub(in crate::hub) struct Buckets {
    rate: Rate,
    levels: [Level; LEVELS],
    max: usize,
    forgotten: u64,
}

/// The buckets of one level.
#[derive(Debug, Default)]
struct Level {
    buckets: BTreeMap<Prefix, Bucket>,
    /// In the order in which they become full.
    by_filling: BTreeSet<(Instant, Prefix)>,
}

impl Buckets {
    pub(in crate::hub) fn new(rate: Rate, max: usize) -> Self {
        Self { rate, levels: Default::default(), max, forgotten: 0 }
    }

    /// Number of buckets that were replaced before they were full.
    pub(in crate::hub) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    fn bucket(&self, prefix: Prefix, level: usize) -> Bucket {
        self.levels[level].buckets.get(&prefix.at(level)).copied().unwrap_or(Bucket::FULL)
    }

    /// Whether the prefix has a token left at each level.
    pub(in crate::hub) fn has_token(&self, now: Instant, prefix: Prefix) -> bool {
        prefix.levels().all(|level| self.bucket(prefix, level).has_token(now, self.rate.at(level)))
    }

    /// When the last of the prefix's buckets is, or was, full: the later, the more recently a token
    /// was taken.
    pub(in crate::hub) fn full_at(&self, prefix: Prefix) -> Instant {
        let full_at = prefix.levels().map(|level| self.bucket(prefix, level).full_at);
        full_at.max().unwrap_or(Instant::ZERO)
    }

    /// Takes a token at each level if one is left at each.
    pub(in crate::hub) fn take(&mut self, now: Instant, prefix: Prefix) -> bool {
        if !self.has_token(now, prefix) {
            return false;
        }
        for level in prefix.levels() {
            let (prefix, mut bucket) = (prefix.at(level), self.bucket(prefix, level));
            let Level { buckets, by_filling } = &mut self.levels[level];
            by_filling.remove(&(bucket.full_at, prefix));
            bucket.take(now, self.rate.at(level));
            buckets.insert(prefix, bucket);
            by_filling.insert((bucket.full_at, prefix));
            while buckets.len() > self.max
                && let Some((full_at, prefix)) = by_filling.pop_first()
            {
                buckets.remove(&prefix);
                self.forgotten += u64::from(full_at > now);
            }
        }
        true
    }
}

const _: () = assert!(NARROWEST + 1 == LEVELS);

#[cfg(test)]
mod tests;
