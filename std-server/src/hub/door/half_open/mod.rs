//! Half-open connections (SPEC 3.6): handshakes whose Accept is being computed, or was sent.
//!
//! ```text
//! Initiate -> (in work) -> Accept sent -> first sealed packet verified: gone, the connection is open
//!                                      -> 5 s: gone
//! ```

mod cookies;

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};

use kabar_core::session::acceptor::Accepted;
use kabar_core::time::{Duration, Instant};

use crate::hub::fairness::prefix::{NARROWEST, Prefix};
use crate::hub::fairness::shares::Shares;
use cookies::Cookies;

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
pub(super) struct HalfOpen {
    bounds: Bounds,
    entries: BTreeMap<u32, Entry>,
    by_initiate: BTreeMap<[u8; 16], u32>,
    shares: Shares<u32>,
    /// By the time at which they expire.
    order: BTreeSet<(Instant, u32)>,
    cookies: Cookies,
    /// Handshakes begun.
    begun: u64,
}

/// Bounds of the table, from the hub's limits.
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
    until: Instant,
    /// Number of the handshake.
    ordinal: u64,
    /// `None`: its job is not finished.
    accepted: Option<Box<Accepted>>,
}

/// Why no entry was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The table is full, and the prefix has as large a share of it as any.
    Full,
    /// The prefix has reached its limit.
    PrefixFull,
    /// The cookie is used up.
    Cookie,
}

impl HalfOpen {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            entries: BTreeMap::new(),
            by_initiate: BTreeMap::new(),
            shares: Shares::new(),
            order: BTreeSet::new(),
            cookies: Cookies::new(bounds.cookies),
            begun: 0,
        }
    }

    /// Whether the connection id is in use here.
    pub(super) fn contains(&self, connection_id: u32) -> bool {
        self.entries.contains_key(&connection_id)
    }

    /// The entry of this Initiate, if there is one, with its Accept if that is ready.
    pub(super) fn find(&self, initiate: &[u8; 16]) -> Option<Option<&Accepted>> {
        let entry = self.entries.get(self.by_initiate.get(initiate)?)?;
        Some(entry.accepted.as_deref())
    }

    /// Creates an entry whose job is not finished, and counts a use of its cookie. Returns the
    /// entry that was displaced, if any.
    pub(super) fn insert(
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
        if !self.cookies.spend(now, cookie, prefix) {
            return Err(Refusal::Cookie);
        }
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

    /// Number of cookies that were forgotten before they expired.
    pub(super) fn cookies_forgotten(&self) -> u64 {
        self.cookies.forgotten()
    }

    /// Completes an entry. Returns the Accept and its destination, unless the entry is gone or the
    /// job failed.
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

    /// The address of the client and the state that a connection starts from, if the entry is
    /// ready.
    pub(super) fn ready(&self, connection_id: u32) -> Option<(SocketAddr, &Accepted)> {
        let entry = self.entries.get(&connection_id)?;
        Some((entry.from, entry.accepted.as_deref()?))
    }

    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of the handshake of an entry: later ones have higher numbers.
    pub(super) fn ordinal(&self, connection_id: u32) -> u64 {
        self.entries.get(&connection_id).map_or(0, |entry| entry.ordinal)
    }

    /// Removes an entry.
    pub(super) fn remove(&mut self, connection_id: u32) {
        let Some(entry) = self.entries.remove(&connection_id) else { return };
        self.by_initiate.remove(&entry.initiate);
        self.shares.remove(&connection_id);
        self.order.remove(&(entry.until, connection_id));
    }

    /// Removes expired entries; returns how many.
    pub(super) fn expire(&mut self, now: Instant) -> u64 {
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
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.order.first().map(|(until, _)| *until)
    }
}

#[cfg(test)]
mod tests;
