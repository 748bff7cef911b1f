//! Known servers: stored by the fingerprint of their key, with the addresses where they were found.
//! Another address of a known key is no alarm; another key at a known address is one.

use kabar_core::session::Fingerprint;
use kabar_std::address::{HostPort, Places};
use kabar_std::data_dir::{DataDir, FileError, Unusable};
use kabar_std::invite::{RoomName, RoomSecret, parse_fingerprint, show_fingerprint};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FILE: &str = "known_servers.toml";
const LOCK: &str = "known_servers.lock";
/// Addresses kept per server; the oldest are dropped first.
const MAX_ADDRESSES: usize = 8;

/// Why the known servers were not changed.
#[derive(Debug, thiserror::Error)]
pub enum KnownServersError {
    /// The file cannot be read or written, or is damaged.
    #[error(transparent)]
    File(#[from] FileError),
    /// The known servers cannot be written as TOML.
    #[error("cannot encode the known servers: {0}")]
    Encode(#[from] toml::ser::Error),
}

/// All rooms that were joined.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct KnownServers {
    #[serde(default, rename = "server")]
    servers: Vec<KnownServer>,
}

/// One room of one server.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct KnownServer {
    fingerprint: String,
    room: String,
    /// As they were typed, the last one first.
    addresses: Vec<String>,
    /// The name that was used there.
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Whether the user has left the room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left: bool,
}

/// Stored information about a room of a server.
#[derive(Debug)]
pub struct KnownServerInfo {
    /// The expected key.
    pub fingerprint: Fingerprint,
    /// The room's secret, if it was joined by an invite.
    pub secret: Option<RoomSecret>,
    /// The name that was used there, if any was.
    pub name: Option<String>,
}

/// A room that was joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRoom {
    /// The key of its server.
    pub fingerprint: Fingerprint,
    /// The room.
    pub room: RoomName,
    /// Addresses where it was found, the last one first.
    pub addresses: Vec<HostPort>,
    /// The name that was used there; empty: none yet.
    pub name: String,
    /// Whether the user has left it, and is not to be in it the next time.
    pub is_left: bool,
}

impl KnownServer {
    /// Returns what applies to `room`: the key belongs to the server, the secret only to its room.
    fn known(&self, room: &RoomName) -> Option<KnownServerInfo> {
        let is_room = self.room == room.as_str();
        let secret = self.secret.as_deref().filter(|_| is_room).and_then(RoomSecret::from_base32);
        let name = Some(self.name.clone()).filter(|name| !name.is_empty());
        Some(KnownServerInfo { fingerprint: parse_fingerprint(&self.fingerprint)?, secret, name })
    }

    fn room(&self) -> Option<KnownRoom> {
        Some(KnownRoom {
            fingerprint: parse_fingerprint(&self.fingerprint)?,
            room: RoomName::new(&self.room).ok()?,
            addresses: self.addresses.iter().filter_map(|address| address.parse().ok()).collect(),
            name: self.name.clone(),
            is_left: self.left,
        })
    }
}

/// A room that was just joined.
#[derive(Debug)]
pub struct JoinedRoom<'a> {
    /// The address that worked, then other addresses of the server that were not tried.
    pub places: &'a Places,
    /// The key of the server.
    pub fingerprint: &'a Fingerprint,
    /// The room.
    pub room: &'a RoomName,
    /// The name that was used; `None`: one that is not to be stored.
    pub name: Option<&'a str>,
    /// The room's secret, if it is known.
    pub secret: Option<&'a RoomSecret>,
    /// Whether it is the first of several rooms of a session: it comes before the others.
    pub is_first: bool,
}

impl KnownServers {
    /// Loads the known servers; none if there is no file.
    ///
    /// # Errors
    /// [`FileError`], also if the file is damaged: silently forgetting keys would accept an
    /// impostor as a new server.
    pub fn load(dir: &DataDir) -> Result<Self, FileError> {
        let Some(text) = dir.read(FILE)? else { return Ok(Self::default()) };
        let damaged = || FileError::damaged(&dir.join(FILE), Unusable::DamagedText);
        let known: Self = toml::from_str(&text).map_err(|_| damaged())?;
        let is_whole = |server: &KnownServer| {
            let secret = server.secret.as_ref().is_none_or(|secret| RoomSecret::from_base32(secret).is_some());
            secret && parse_fingerprint(&server.fingerprint).is_some()
        };
        if known.servers.iter().all(is_whole) { Ok(known) } else { Err(damaged()) }
    }

    /// Returns [`KnownServers::find`] of the first of several addresses that is known.
    #[must_use]
    pub fn find_any(&self, places: &Places, room: &RoomName) -> Option<KnownServerInfo> {
        places.iter().find_map(|place| self.find(place, room))
    }

    /// Returns what is known of `room` at `address`. The key belongs to the address, the secret to
    /// the room.
    #[must_use]
    pub fn find(&self, address: &HostPort, room: &RoomName) -> Option<KnownServerInfo> {
        let address = address.to_string();
        let here = || self.servers.iter().filter(|server| server.addresses.contains(&address));
        let server = here().find(|server| server.room == room.as_str()).or_else(|| here().next())?;
        server.known(room)
    }

    /// Returns what is known of `room` of the server with this key, at any address.
    #[must_use]
    pub fn find_key(&self, fingerprint: &Fingerprint, room: &RoomName) -> Option<KnownServerInfo> {
        let shown = show_fingerprint(fingerprint);
        let here = || self.servers.iter().filter(|server| server.fingerprint == shown);
        here().find(|server| server.room == room.as_str()).or_else(|| here().next())?.known(room)
    }

    /// Returns all rooms, the last one joined first.
    #[must_use]
    pub fn rooms(&self) -> Vec<KnownRoom> {
        self.servers.iter().filter_map(KnownServer::room).collect()
    }

    /// Forgets the rooms that `is_meant` selects. Returns their number.
    ///
    /// # Errors
    /// [`KnownServersError`].
    pub fn forget(dir: &DataDir, is_meant: impl Fn(&KnownRoom) -> bool) -> Result<usize, KnownServersError> {
        Self::change(dir, |known| {
            let before = known.servers.len();
            known.servers.retain(|server| !server.room().is_some_and(|room| is_meant(&room)));
            before - known.servers.len()
        })
    }

    /// Accepts this key as the key of the server at `address`; the name used there stays `name`.
    ///
    /// # Errors
    /// [`KnownServersError`].
    pub fn accept(
        dir: &DataDir,
        address: &HostPort,
        fingerprint: &Fingerprint,
        room: &RoomName,
        name: Option<&str>,
    ) -> Result<(), KnownServersError> {
        let places = &Places::one(address.clone());
        let joined = JoinedRoom { places, fingerprint, room, name, secret: None, is_first: true };
        Self::remember(dir, &joined)
    }

    /// The user has left `room` of the server with this key.
    ///
    /// # Errors
    /// [`KnownServersError`].
    pub fn part(dir: &DataDir, fingerprint: &Fingerprint, room: &RoomName) -> Result<(), KnownServersError> {
        let fingerprint = show_fingerprint(fingerprint);
        Self::change(dir, |known| {
            let is_it = |server: &&mut KnownServer| server.fingerprint == fingerprint && server.room == room.as_str();
            known.servers.iter_mut().filter(is_it).for_each(|server| server.left = true);
        })
    }

    /// Returns the rooms of the server with this key that the user is in, and has not left since
    /// then.
    #[must_use]
    pub fn rooms_of(&self, fingerprint: &Fingerprint) -> Vec<RoomName> {
        let is_its = |known: &KnownRoom| known.fingerprint == *fingerprint && !known.is_left;
        self.rooms().into_iter().filter(is_its).map(|known| known.room).collect()
    }

    /// Stores a room that was joined.
    ///
    /// # Errors
    /// [`KnownServersError`].
    pub fn remember(dir: &DataDir, joined: &JoinedRoom<'_>) -> Result<(), KnownServersError> {
        Self::change(dir, |known| known.learn(joined))
    }

    fn change<T>(dir: &DataDir, change: impl FnOnce(&mut Self) -> T) -> Result<T, KnownServersError> {
        let _lock = dir.lock_waiting(LOCK)?;
        let mut known = Self::load(dir)?;
        let done = change(&mut known);
        let text = Zeroizing::new(toml::to_string(&known)?);
        dir.replace(FILE, text.as_bytes())?;
        Ok(done)
    }

    fn learn(&mut self, joined: &JoinedRoom<'_>) {
        let fingerprint = show_fingerprint(joined.fingerprint);
        let (first, others) = (joined.places.first().to_string(), joined.places.iter().skip(1));
        // One key per address: a server that was there before has moved.
        for other in self.servers.iter_mut().filter(|server| server.fingerprint != fingerprint) {
            other.addresses.retain(|known| *known != first);
        }
        // At addresses that were not tried, a server that is known there stays.
        let is_others = |address: &String| {
            self.servers.iter().any(|server| server.fingerprint != fingerprint && server.addresses.contains(address))
        };
        let others = others.map(ToString::to_string).filter(|address| !is_others(address));
        let addresses: Vec<String> = std::iter::once(first).chain(others).collect();
        let is_it = |server: &KnownServer| server.fingerprint == fingerprint && server.room == joined.room.as_str();
        let at = self.servers.iter().position(is_it);
        let mut server = at.map(|at| self.servers.remove(at)).unwrap_or_else(|| KnownServer {
            fingerprint: fingerprint.clone(),
            room: joined.room.to_string(),
            addresses: Vec::new(),
            name: String::new(),
            secret: None,
            left: false,
        });
        server.addresses.retain(|known| !addresses.contains(known));
        server.addresses.splice(0..0, addresses);
        server.addresses.truncate(MAX_ADDRESSES);
        if let Some(name) = joined.name {
            server.name = name.to_owned();
        }
        if let Some(secret) = joined.secret {
            server.secret = Some(secret.to_base32());
        }
        server.left = false;
        // The first room of a session stays before those that are joined after it.
        let others = self.servers.iter().take_while(|other| other.fingerprint == fingerprint).count();
        self.servers.insert(if joined.is_first { 0 } else { others.min(1) }, server);
    }
}

#[cfg(test)]
mod tests;
