//! Which address of the server each packet of one device goes to.
//!
//! A device on a byte stream has one server, which may have several addresses; so the bridge does
//! for it what `kabar join` does for itself ([`Race`]). It cannot read what it carries, but
//! handshake packets are plain and tell enough (SPEC 2, 3):
//!
//! ```text
//! Hello      the device seeks a connection: to all addresses, one after the other
//! Challenge  its cookie comes back in the Initiate, which goes where the cookie is from
//! Accept     names the connection: Sealed packets with this id go where the Accept is from
//! ```
//! A Sealed packet of a connection that is not known, because the bridge was started after it, goes
//! to all addresses; from whoever answers it is known.

use std::collections::VecDeque;
use std::net::SocketAddr;

use kabar_core::crypto::Provider;
use kabar_core::time::Instant;
use kabar_core::wire::packet::Packet;
use kabar_std::provider::Accelerated;

use crate::race::{MAX_CANDIDATES, Race};

/// Connections that are remembered: one, and one that a device begins beside it.
const MAX_CONNECTIONS: usize = 2;

/// The race for a connection, and which address each cookie and each connection belongs to.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) race: Race,
    /// The latest last.
    cookies: VecDeque<([u8; 32], SocketAddr)>,
    connections: VecDeque<(u32, SocketAddr)>,
}

impl Paths {
    /// Where a packet of the device goes, if the server is at these `addresses`.
    pub(super) fn route(&mut self, packet: &[u8], addresses: &[SocketAddr], now: Instant) -> Vec<SocketAddr> {
        match Packet::decode(packet, Accelerated::crc32) {
            Ok(Packet::Hello(_)) => {
                self.race.set_addresses(addresses.iter().copied());
                self.race.say_hello(packet, now);
                self.race.started().collect()
            }
            Ok(Packet::Initiate(initiate)) => match find(&self.cookies, &initiate.cookie) {
                Some(address) => {
                    self.race.decided(address);
                    vec![address]
                }
                None => addresses.to_vec(),
            },
            Ok(Packet::Sealed(header)) => {
                find(&self.connections, &header.connection_id).map_or_else(|| addresses.to_vec(), |one| vec![one])
            }
            // Noise that looked like a frame.
            _ => Vec::new(),
        }
    }

    /// Learns from a packet of the server's.
    pub(super) fn learn(&mut self, from: SocketAddr, packet: &[u8]) {
        match Packet::decode(packet, Accelerated::crc32) {
            Ok(Packet::Challenge(challenge)) => {
                // Which key is right the device knows: the bridge passes over nobody.
                let _ = self.race.answered(from, packet);
                remember(&mut self.cookies, challenge.cookie, from, MAX_CANDIDATES);
            }
            Ok(Packet::Accept(accept)) => {
                self.race.opened(from);
                remember(&mut self.connections, accept.connection_id, from, MAX_CONNECTIONS);
            }
            Ok(Packet::Sealed(header)) => {
                remember(&mut self.connections, header.connection_id, from, MAX_CONNECTIONS);
            }
            _ => {}
        }
    }

    /// Whether packets may come from there, or go there without a Hello before.
    pub(super) fn is_used(&self, address: SocketAddr) -> bool {
        let known = self.cookies.iter().map(|(_, at)| *at).chain(self.connections.iter().map(|(_, at)| *at));
        known.chain(self.race.started()).any(|used| used == address)
    }
}

fn find<K: PartialEq>(known: &VecDeque<(K, SocketAddr)>, key: &K) -> Option<SocketAddr> {
    known.iter().rev().find(|(known, _)| known == key).map(|(_, address)| *address)
}

fn remember<K: PartialEq>(known: &mut VecDeque<(K, SocketAddr)>, key: K, address: SocketAddr, most: usize) {
    if known.back().is_some_and(|(last, at)| *last == key && *at == address) {
        return;
    }
    known.retain(|(other, _)| *other != key);
    if known.len() == most {
        known.pop_front();
    }
    known.push_back((key, address));
}

#[cfg(test)]
mod tests;
