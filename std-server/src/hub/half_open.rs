//! Half-open connections (SPEC 3.6) and the budget of each cookie (SPEC 3.2).
//!
//! ```text
//! Initiate -> (in work) -> Accept sent -> first sealed packet verified: gone, the connection is open
//!                                      -> 5 s: gone
//! ```

use core::net::SocketAddr;
use std::collections::{BTreeMap, VecDeque};

use kabar_core::session::acceptor::Accepted;
use kabar_core::time::{Duration, Instant};

use super::limiter::Prefix;

/// Initiates that one cookie admits (SPEC 3.2).
const INITIATES_PER_COOKIE: u8 = 3;
/// Longer than any cookie is valid (SPEC 3.2): two periods of its key.
const COOKIE_LIFE: Duration = Duration::from_secs(120);

/// One half-open connection takes at most 512 bytes (SPEC 3.6): entry, result, and its places in index, order and count.
const _: () = assert!(
    size_of::<u32>()
        + size_of::<Entry>()
        + size_of::<Accepted>()
        + size_of::<([u8; 16], u32)>()
        + size_of::<(Instant, u32)>()
        + size_of::<(Prefix, usize)>()
        <= 512
);

/// All half-open connections, by connection id.
#[derive(Debug)]
pub(super) struct HalfOpen {
    bounds: Bounds,
    entries: BTreeMap<u32, Entry>,
    by_initiate: BTreeMap<[u8; 16], u32>,
    per_prefix: BTreeMap<Prefix, usize>,
    order: VecDeque<(Instant, u32)>,
    cookies: BTreeMap<[u8; 8], u8>,
    cookie_order: VecDeque<(Instant, [u8; 8])>,
    /// Handshakes begun.
    begun: u64,
}

/// See [`super::HubLimits`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) entries: usize,
    pub(super) per_prefix: usize,
    pub(super) time: Duration,
    pub(super) cookies: usize,
}

#[derive(Debug)]
struct Entry {
    initiate: [u8; 16],
    from: SocketAddr,
    /// Which handshake of this hub it is.
    ordinal: u64,
    /// `None`: still in work.
    accepted: Option<Box<Accepted>>,
}

/// Why no entry was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The table is full.
    Full,
    /// The prefix has as many as it may.
    PrefixFull,
    /// The cookie is used up.
    Cookie,
    /// No more cookies can be counted.
    CookiesFull,
}

impl HalfOpen {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            entries: BTreeMap::new(),
            by_initiate: BTreeMap::new(),
            per_prefix: BTreeMap::new(),
            order: VecDeque::new(),
            cookies: BTreeMap::new(),
            cookie_order: VecDeque::new(),
            begun: 0,
        }
    }

    /// Whether the connection id is in use here.
    pub(super) fn contains(&self, connection_id: u32) -> bool {
        self.entries.contains_key(&connection_id)
    }

    /// Whether there is an entry of this Initiate, and the Accept that it got, if it is ready.
    pub(super) fn find(&self, initiate: &[u8; 16]) -> Option<Option<&Accepted>> {
        let entry = self.entries.get(self.by_initiate.get(initiate)?)?;
        Some(entry.accepted.as_deref())
    }

    /// Makes an entry that is in work, on the account of its cookie.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        connection_id: u32,
        initiate: [u8; 16],
        cookie: [u8; 8],
        from: SocketAddr,
    ) -> Result<(), Refusal> {
        let prefix = Prefix::of(from);
        if self.entries.len() >= self.bounds.entries {
            return Err(Refusal::Full);
        }
        if self.per_prefix.get(&prefix).is_some_and(|count| *count >= self.bounds.per_prefix) {
            return Err(Refusal::PrefixFull);
        }
        self.spend(now, cookie)?;
        self.begun += 1;
        self.entries.insert(connection_id, Entry { initiate, from, ordinal: self.begun, accepted: None });
        self.by_initiate.insert(initiate, connection_id);
        *self.per_prefix.entry(prefix).or_default() += 1;
        self.order.push_back((now + self.bounds.time, connection_id));
        Ok(())
    }

    /// Counts a use of `cookie` (SPEC 3.2).
    fn spend(&mut self, now: Instant, cookie: [u8; 8]) -> Result<(), Refusal> {
        while self.cookie_order.front().is_some_and(|(until, _)| *until <= now) {
            self.cookie_order.pop_front().map(|(_, cookie)| self.cookies.remove(&cookie));
        }
        let is_full = self.cookies.len() >= self.bounds.cookies;
        match self.cookies.get_mut(&cookie) {
            Some(uses) if *uses >= INITIATES_PER_COOKIE => return Err(Refusal::Cookie),
            Some(uses) => *uses += 1,
            None if is_full => return Err(Refusal::CookiesFull),
            None => {
                self.cookies.insert(cookie, 1);
                self.cookie_order.push_back((now + COOKIE_LIFE, cookie));
            }
        }
        Ok(())
    }

    /// The work on an entry is done. Gives what to send and where, or nothing if the entry is gone or the work failed.
    pub(super) fn complete(
        &mut self,
        connection_id: u32,
        accepted: Option<Box<Accepted>>,
    ) -> Option<(SocketAddr, &Accepted)> {
        if accepted.is_none() {
            self.remove(connection_id);
            return None;
        }
        let entry = self.entries.get_mut(&connection_id)?;
        entry.accepted = accepted;
        Some((entry.from, entry.accepted.as_deref()?))
    }

    /// What a connection would start from, and where its peer is, if the entry is ready.
    pub(super) fn ready(&self, connection_id: u32) -> Option<(SocketAddr, &Accepted)> {
        let entry = self.entries.get(&connection_id)?;
        Some((entry.from, entry.accepted.as_deref()?))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Which handshake an entry is: those that began later have higher ones.
    pub(super) fn ordinal(&self, connection_id: u32) -> u64 {
        self.entries.get(&connection_id).map_or(0, |entry| entry.ordinal)
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, connection_id: u32) {
        let Some(entry) = self.entries.remove(&connection_id) else { return };
        self.by_initiate.remove(&entry.initiate);
        let prefix = Prefix::of(entry.from);
        if let Some(count) = self.per_prefix.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.per_prefix.remove(&prefix);
            }
        }
        self.order.retain(|(_, id)| *id != connection_id);
    }

    /// Removes what is older than it may be; returns how many.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
        let mut expired = 0;
        while let Some((until, connection_id)) = self.order.front().copied()
            && until <= now
        {
            self.order.pop_front();
            self.remove(connection_id);
            expired += 1;
        }
        expired
    }

    /// When something expires next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.order.front().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { entries: 4, per_prefix: 3, time: Duration::from_secs(5), cookies: 4 };

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn from(host: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host], 1000))
    }

    fn insert(table: &mut HalfOpen, now: Instant, id: u32, cookie: u8, host: u8) -> Result<(), Refusal> {
        let mut initiate = [0; 16];
        initiate[..4].copy_from_slice(&id.to_be_bytes());
        table.insert(now, id, initiate, [cookie; 8], from(host))
    }

    #[test]
    fn one_cookie_admits_three_initiates() {
        let mut table = HalfOpen::new(BOUNDS);
        for id in 1..=3 {
            assert_eq!(insert(&mut table, at(1), id, 7, 1), Ok(()));
            table.remove(id);
        }
        assert_eq!(insert(&mut table, at(1), 4, 7, 1), Err(Refusal::Cookie));
        assert_eq!(insert(&mut table, at(120), 4, 7, 1), Err(Refusal::Cookie));
        assert_eq!(insert(&mut table, at(1), 4, 8, 1), Ok(()));
    }

    #[test]
    fn a_cookie_is_counted_for_as_long_as_it_can_be_valid() {
        let mut table = HalfOpen::new(BOUNDS);
        for cookie in 1..=4 {
            assert_eq!(insert(&mut table, at(1), u32::from(cookie), cookie, 1), Ok(()));
            table.remove(u32::from(cookie));
        }
        assert_eq!(insert(&mut table, at(120), 9, 9, 1), Err(Refusal::CookiesFull));
        assert_eq!(insert(&mut table, at(121), 9, 9, 1), Ok(()));
        assert_eq!((table.cookies.len(), table.cookie_order.len()), (1, 1));
    }

    #[test]
    fn is_bounded_in_all_and_per_prefix() {
        let mut table = HalfOpen::new(BOUNDS);
        for id in 1..=3 {
            assert_eq!(insert(&mut table, at(1), id, 1, 1), Ok(()));
        }
        assert_eq!(insert(&mut table, at(1), 4, 2, 1), Err(Refusal::PrefixFull));
        assert_eq!(insert(&mut table, at(1), 4, 2, 2), Ok(()));
        assert_eq!(insert(&mut table, at(1), 5, 2, 3), Err(Refusal::Full));
        table.remove(1);
        assert_eq!(insert(&mut table, at(1), 5, 2, 1), Ok(()));
    }

    #[test]
    fn entries_expire_after_their_time_whether_in_work_or_not() {
        let mut table = HalfOpen::new(BOUNDS);
        assert_eq!(table.deadline(), None);
        assert_eq!(insert(&mut table, at(1), 1, 1, 1), Ok(()));
        assert_eq!(insert(&mut table, at(2), 2, 1, 1), Ok(()));
        assert_eq!((table.deadline(), table.expire(at(5))), (Some(at(6)), 0));
        assert_eq!((table.expire(at(6)), table.contains(1), table.contains(2)), (1, false, true));
        table.remove(2);
        assert_eq!((table.deadline(), table.per_prefix.len(), table.by_initiate.len()), (None, 0, 0));
    }

    #[test]
    fn failed_work_leaves_nothing() {
        let mut table = HalfOpen::new(BOUNDS);
        assert_eq!(insert(&mut table, at(1), 1, 1, 1), Ok(()));
        assert!(table.ready(1).is_none());
        assert!(table.complete(1, None).is_none());
        assert!(!table.contains(1) && table.find(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_none());
    }
}
