//! Clients of the classic dialect (SPEC 11): the keys of their addresses, what strangers among them
//! may cause, and the way to each member (`link`).
//!
//! ```text
//! GET_PUBLIC_KEY -> E,N (no state) -> login, which only who received E,N can write -> a Join like any other
//! ```

mod link;

use core::net::{IpAddr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kabar_core::chat::MAX_TEXT_LEN;
use kabar_core::classic::{ADDRESS_LEN, KeyIssuer, Login, MAX_KEY_LEN, PrivateKey};
use kabar_core::connection::Transmit;
use kabar_core::crypto::identity::Identity;
use kabar_core::crypto::{ct_eq, sha256};
use kabar_core::time::{Duration, Instant};
use kabar_std::names::Name;
use kabar_std::password::normalize;
use kabar_std::text::LineFormatter;
use zeroize::Zeroizing;

use super::config::ClassicConfig;
use super::fairness::limiter::{Bucket, Buckets, Rate};
use super::fairness::prefix::Prefix;
use super::limits::HubLimits;

pub(super) use link::{ClassicLink, NewLink};

/// Keys that a prefix gets.
const KEYS: Rate = Rate { burst: 64, interval: Duration::from_millis(50) };
/// Texts of a prefix that are decrypted, without those of members.
const TEXTS: Rate = Rate { burst: 64, interval: Duration::from_millis(50) };
/// Keys and texts of everybody but members. Each takes some 20 us to derive keys, so this is a
/// fiftieth of a processor, however many sources are forged.
const ALL: Rate = Rate { burst: 1_000, interval: Duration::from_millis(1) };
/// Longest datagram that is decrypted: the original reads less, and sends no more than it is given.
const MAX_ENCRYPTED: usize = 4_096;
/// Entries of the log that a new member is sent.
pub(super) const HISTORY: u32 = 50;
/// All that is known of classic clients, except for the links to those that have joined.
#[derive(Debug)]
pub(super) struct Classic {
    issuer: KeyIssuer,
    secret: Zeroizing<[u8; 32]>,
    password: [u8; 32],
    room: Box<str>,
    lines: Arc<LineFormatter>,
    /// The connection of each address from which a client has logged in; it may have ended.
    connections: BTreeMap<SocketAddr, u32>,
    all: Bucket,
    keys: Buckets,
    texts: Buckets,
    /// Wrong passwords.
    passwords: Buckets,
    /// Answers to those who are no members.
    answers: VecDeque<(SocketAddr, Vec<u8>)>,
    max_answers: usize,
}

impl Classic {
    pub(super) fn new(config: &ClassicConfig, limits: &HubLimits) -> Self {
        let passwords = Rate { burst: limits.password_burst, interval: limits.password_interval };
        Self {
            issuer: KeyIssuer::new(*config.secret),
            secret: config.secret.clone(),
            password: hash(&config.password),
            room: config.room.as_str().into(),
            lines: Arc::clone(&config.lines),
            connections: BTreeMap::new(),
            all: Bucket::FULL,
            keys: Buckets::new(KEYS, limits.prefixes),
            texts: Buckets::new(TEXTS, limits.prefixes),
            passwords: Buckets::new(passwords, limits.prefixes),
            answers: VecDeque::new(),
            max_answers: limits.answers,
        }
    }

    /// The room that clients join.
    pub(super) const fn room(&self) -> &str {
        &self.room
    }

    pub(super) fn lines(&self) -> Arc<LineFormatter> {
        Arc::clone(&self.lines)
    }

    /// The identity of the member with a name. It is the same on each visit: what an operator
    /// decides about it lasts.
    pub(super) fn identity(&self, name: &Name) -> Identity {
        Identity::from_seed(&sha256(&[b"kabar classic identity", &*self.secret, name.folded().as_bytes()]))
    }

    /// Answers a request for a key. `false`: there are too many from there.
    pub(super) fn answer_key(&mut self, now: Instant, wall_ms: u64, from: SocketAddr) -> bool {
        if !self.keys.take(now, Prefix::of(from)) || !self.all.take(now, ALL) {
            return false;
        }
        let mut text = [0; MAX_KEY_LEN];
        let len = self.issuer.issue(time(wall_ms), &bytes_of(from)).public().encode(&mut text).unwrap_or_default();
        self.push(from, text[..len].to_vec())
    }

    /// Takes a token for a text of a stranger.
    pub(super) fn take_text(&mut self, now: Instant, from: SocketAddr) -> bool {
        self.texts.take(now, Prefix::of(from)) && self.all.take(now, ALL)
    }

    /// Decrypts a datagram with a key that was issued to its address, or with `known`.
    pub(super) fn decrypt(
        &self,
        wall_ms: u64,
        from: SocketAddr,
        known: Option<PrivateKey>,
        datagram: &[u8],
    ) -> Option<(PrivateKey, String)> {
        let address = bytes_of(from);
        if datagram.len() > MAX_ENCRYPTED {
            return None;
        }
        known.into_iter().chain(self.issuer.valid(time(wall_ms), &address)).find_map(|key| {
            let mut out = [0; MAX_TEXT_LEN];
            let text = key.decrypt(datagram, &mut out).ok()?;
            // Whoever has no key can still encrypt U+0000 and U+0001.
            (!text.chars().any(|character| character.is_control() && character != '\t')).then(|| (key, text.to_owned()))
        })
    }

    /// Checks a password. `None`: too many from there were wrong.
    pub(super) fn check_password(&mut self, now: Instant, from: SocketAddr, login: &Login<'_>) -> Option<bool> {
        let prefix = Prefix::of(from);
        if !self.passwords.has_token(now, prefix) {
            return None;
        }
        let is_right = self.is_password(login.password);
        if !is_right {
            self.passwords.take(now, prefix);
        }
        Some(is_right)
    }

    pub(super) fn is_password(&self, password: &str) -> bool {
        ct_eq(&hash(password), &self.password)
    }

    /// The connection of an address, which may have ended.
    pub(super) fn connection(&self, from: SocketAddr) -> Option<u32> {
        self.connections.get(&from).copied()
    }

    /// The connections of all addresses, without those that have ended.
    pub(super) fn connections(&mut self, exists: impl Fn(SocketAddr, u32) -> bool) -> impl Iterator<Item = u32> {
        self.connections.retain(|address, id| exists(*address, *id));
        self.connections.values().copied()
    }

    pub(super) fn add_connection(&mut self, from: SocketAddr, id: u32) {
        self.connections.insert(from, id);
    }

    /// Answers somebody who is no member. Beyond the limit answers are dropped.
    pub(super) fn answer(&mut self, to: SocketAddr, text: &str) -> bool {
        self.push(to, text.as_bytes().to_vec())
    }

    fn push(&mut self, to: SocketAddr, datagram: Vec<u8>) -> bool {
        let has_room = self.answers.len() < self.max_answers;
        if has_room {
            self.answers.push_back((to, datagram));
        }
        has_room
    }

    pub(super) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// The next answer to somebody who is no member, in `out`.
    pub(super) fn poll_transmit(&mut self, out: &mut [u8]) -> Option<Transmit> {
        let (to, datagram) = self.answers.pop_front()?;
        out.get_mut(..datagram.len())?.copy_from_slice(&datagram);
        Some(Transmit { to, len: datagram.len() })
    }
}

fn hash(password: &str) -> [u8; 32] {
    sha256(&[normalize(password).as_bytes()])
}

/// The time of day as periods of keys are counted: a server that starts again issues the same.
fn time(wall_ms: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(wall_ms)
}

/// An address as a key is derived from it.
fn bytes_of(address: SocketAddr) -> [u8; ADDRESS_LEN] {
    let ip = match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    let mut bytes = [0; ADDRESS_LEN];
    let (host, port) = bytes.split_at_mut(16);
    host.copy_from_slice(&ip.octets());
    port.copy_from_slice(&address.port().to_be_bytes());
    bytes
}
