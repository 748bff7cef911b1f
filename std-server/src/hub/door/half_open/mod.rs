//! Half-open connections (SPEC 3.6) and the budget of each cookie (SPEC 3.2).
//!
//! ```text
//! Initiate -> (in work) -> Accept sent -> first sealed packet verified: gone, the connection is open
//!                                      -> 5 s: gone
//! ```

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use kabar_core::session::acceptor::Accepted;
use kabar_core::time::{Duration, Instant};

use crate::hub::fairness::prefix::{NARROWEST, Prefix};
use crate::hub::fairness::shares::Shares;

/// Initiates that one cookie admits (SPEC 3.2).
const INITIATES_PER_COOKIE: u8 = 3;
/// Longer than any cookie is valid (SPEC 3.2): two periods of its key.
const COOKIE_LIFE: Duration = Duration::from_secs(120);

/// One half-open connection takes at most 512 bytes (SPEC 3.6): entry, result, and its places in
/// index and order. Its places in [`Shares`] come on top.
const _: () = assert!(
    size_of::<u32>()
        + size_of::<Entry>()
        + size_of::<Accepted>()
        + size_of::<([u8; 16], u32)>()
        + size_of::<(Instant, u32)>()
        <= 512
);

/// All half-open connections, by connection id.
#[derive(Debug)]
pub(in crate::hub) struct HalfOpen {
    bounds: Bounds,
    entries: BTreeMap<u32, Entry>,
    by_initiate: BTreeMap<[u8; 16], u32>,
    shares: Shares<u32>,
    /// By the end of their time.
    order: BTreeSet<(Instant, u32)>,
    cookies: BTreeMap<[u8; 8], Cookie>,
    cookie_shares: Shares<[u8; 8]>,
    /// By the end of their time.
    cookie_order: BTreeSet<(Instant, [u8; 8])>,
    /// Cookies whose uses were forgotten before they ended.
    cookies_forgotten: u64,
    /// Handshakes begun.
    begun: u64,
}

/// The uses of a cookie, and until when they are remembered.
#[derive(Clone, Copy, Debug)]
struct Cookie {
    uses: u8,
    until: Instant,
}

/// See [`super::HubLimits`].
#[derive(Clone, Copy, Debug)]
pub(in crate::hub) struct Bounds {
    pub(in crate::hub) entries: usize,
    pub(in crate::hub) per_prefix: usize,
    pub(in crate::hub) time: Duration,
    pub(in crate::hub) cookies: usize,
}

#[derive(Debug)]
struct Entry {
    initiate: [u8; 16],
    from: SocketAddr,
    until: Instant,
    /// Number of the handshake.
    ordinal: u64,
    /// `None`: its job is not done.
    accepted: Option<Box<Accepted>>,
}

/// Why no entry was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hub) enum Refusal {
    /// The table is full, and the prefix has as large a share of it as any.
    Full,
    /// The prefix has as many as it may.
    PrefixFull,
    /// The cookie is used up.
    Cookie,
}

impl HalfOpen {
    pub(in crate::hub) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            entries: BTreeMap::new(),
            by_initiate: BTreeMap::new(),
            shares: Shares::new(),
            order: BTreeSet::new(),
            cookies: BTreeMap::new(),
            cookie_shares: Shares::new(),
            cookie_order: BTreeSet::new(),
            cookies_forgotten: 0,
            begun: 0,
        }
    }

    /// Whether the connection id is in use here.
    pub(in crate::hub) fn contains(&self, connection_id: u32) -> bool {
        self.entries.contains_key(&connection_id)
    }

    /// The entry of this Initiate, if there is one, with its Accept if that is ready.
    pub(in crate::hub) fn find(&self, initiate: &[u8; 16]) -> Option<Option<&Accepted>> {
        let entry = self.entries.get(self.by_initiate.get(initiate)?)?;
        Some(entry.accepted.as_deref())
    }

    /// Creates an entry whose job is not done, at the expense of its cookie. Returns the entry that
    /// had to make room, if any.
    pub(in crate::hub) fn insert(
        &mut self,
        now: Instant,
        connection_id: u32,
        initiate: [u8; 16],
        cookie: [u8; 8],
        from: SocketAddr,
    ) -> Result<Option<u32>, Refusal> {
        let prefix = Prefix::of(from);
        if self.shares.weight(prefix, NARROWEST) >= self.bounds.per_prefix {
            return Err(Refusal::PrefixFull);
        }
        let is_full = self.entries.len() >= self.bounds.entries;
        let displaced = if is_full { Some(self.shares.displaced_by(prefix).ok_or(Refusal::Full)?) } else { None };
        self.spend(now, cookie, prefix)?;
        if let Some(displaced) = displaced {
            self.remove(displaced);
        }
        self.begun += 1;
        let until = now + self.bounds.time;
        self.entries.insert(connection_id, Entry { initiate, from, until, ordinal: self.begun, accepted: None });
        self.by_initiate.insert(initiate, connection_id);
        self.shares.insert(connection_id, prefix);
        self.order.insert((until, connection_id));
        Ok(displaced)
    }

    /// Counts a use of `cookie` (SPEC 3.2). Of too many cookies the oldest of the heaviest prefix
    /// is forgotten: an attacker who fills the table may reuse a cookie, and nobody is refused.
    fn spend(&mut self, now: Instant, cookie: [u8; 8], prefix: Prefix) -> Result<(), Refusal> {
        while let Some((until, cookie)) = self.cookie_order.first().copied()
            && until <= now
        {
            self.forget(cookie);
        }
        match self.cookies.get_mut(&cookie) {
            Some(known) if known.uses >= INITIATES_PER_COOKIE => return Err(Refusal::Cookie),
            Some(known) => known.uses += 1,
            None => {
                let until = now + COOKIE_LIFE;
                self.cookies.insert(cookie, Cookie { uses: 1, until });
                self.cookie_shares.insert(cookie, prefix);
                self.cookie_order.insert((until, cookie));
            }
        }
        while self.cookies.len() > self.bounds.cookies
            && let Some(oldest) = self.cookie_shares.heaviest_oldest()
        {
            self.forget(oldest);
            self.cookies_forgotten += 1;
        }
        Ok(())
    }

    fn forget(&mut self, cookie: [u8; 8]) {
        self.cookie_shares.remove(&cookie);
        if let Some(Cookie { until, .. }) = self.cookies.remove(&cookie) {
            self.cookie_order.remove(&(until, cookie));
        }
    }

    /// Number of cookies that were forgotten before their time.
    pub(in crate::hub) fn cookies_forgotten(&self) -> u64 {
        self.cookies_forgotten
    }

    /// Completes an entry. Returns the Accept and its destination, unless the entry is gone or the
    /// job failed.
    pub(in crate::hub) fn complete(
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

    /// The address of the client and the state that a connection starts from, if the entry is
    /// ready.
    pub(in crate::hub) fn ready(&self, connection_id: u32) -> Option<(SocketAddr, &Accepted)> {
        let entry = self.entries.get(&connection_id)?;
        Some((entry.from, entry.accepted.as_deref()?))
    }

    /// Number of entries.
    pub(in crate::hub) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of the handshake of an entry: later ones have higher numbers.
    pub(in crate::hub) fn ordinal(&self, connection_id: u32) -> u64 {
        self.entries.get(&connection_id).map_or(0, |entry| entry.ordinal)
    }

    /// Removes an entry.
    pub(in crate::hub) fn remove(&mut self, connection_id: u32) {
        let Some(entry) = self.entries.remove(&connection_id) else { return };
        self.by_initiate.remove(&entry.initiate);
        self.shares.remove(&connection_id);
        self.order.remove(&(entry.until, connection_id));
    }

    /// Removes expired entries; returns how many.
    pub(in crate::hub) fn expire(&mut self, now: Instant) -> u64 {
        let mut expired = 0;
        while let Some((until, connection_id)) = self.order.first().copied()
            && until <= now
        {
            self.remove(connection_id);
            expired += 1;
        }
        expired
    }

    /// When the next entry expires.
    pub(in crate::hub) fn deadline(&self) -> Option<Instant> {
        self.order.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests;
