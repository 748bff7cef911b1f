//! Chooses the address of the server that each packet of one device goes to. Has no socket and no
//! clock.
//!
//! The server of a device on a byte stream may have several addresses; the bridge chooses among
//! them as `kabar join` does ([`Race`]). It cannot decrypt packets, but handshake packets are not
//! encrypted (SPEC 2, 3):
//!
//! ```text
//! Hello      the device opens a connection: to all addresses, one after the other
//! Challenge  its cookie returns in the Initiate, which goes to the address of the Challenge
//! Accept     has the connection id: Sealed packets with this id go to the address of the Accept
//! ```
//! A Sealed packet of an unknown connection, which is older than the bridge, goes to all addresses;
//! the answer shows the right one.

use std::collections::VecDeque;
use std::net::SocketAddr;

use kabar_core::session::PacketInfo;
use kabar_core::time::Instant;
use kabar_std::provider::Accelerated;

use crate::race::{MAX_CANDIDATES, Race};

/// Number of known connections: one, and one that a device opens meanwhile.
const MAX_CONNECTIONS: usize = 2;

/// The race for a connection, and the addresses of cookies and connections.
#[derive(Debug, Default)]
pub(super) struct Paths {
    pub(super) race: Race,
    /// The latest one is the last.
    cookies: VecDeque<([u8; 32], SocketAddr)>,
    connections: VecDeque<(u32, SocketAddr)>,
}

impl Paths {
    /// Returns the addresses that a packet of the device goes to; `addresses` are those of the
    /// server.
    pub(super) fn route(&mut self, packet: &[u8], addresses: &[SocketAddr], now: Instant) -> Vec<SocketAddr> {
        match PacketInfo::decode::<Accelerated>(packet) {
            Ok(PacketInfo::Hello { .. }) => {
                self.race.set_addresses(addresses.iter().copied());
                self.race.set_hello(packet, now);
                self.race.started().collect()
            }
            Ok(PacketInfo::Initiate { cookie }) => match find(&self.cookies, &cookie) {
                Some(address) => {
                    self.race.on_initiate(address);
                    vec![address]
                }
                None => addresses.to_vec(),
            },
            Ok(PacketInfo::Sealed(header)) => {
                find(&self.connections, &header.connection_id).map_or_else(|| addresses.to_vec(), |one| vec![one])
            }
            // Noise that looked like a frame.
            _ => Vec::new(),
        }
    }

    /// Takes cookies and connection ids from a packet of the server.
    pub(super) fn learn(&mut self, from: SocketAddr, packet: &[u8]) {
        match PacketInfo::decode::<Accelerated>(packet) {
            Ok(PacketInfo::Challenge { cookie, .. }) => {
                // Only the device knows the right key, so no Challenge is ignored.
                let _ = self.race.on_challenge(from, packet);
                remember(&mut self.cookies, cookie, from, MAX_CANDIDATES);
            }
            Ok(PacketInfo::Accept { connection_id }) => {
                self.race.on_connected(from);
                remember(&mut self.connections, connection_id, from, MAX_CONNECTIONS);
            }
            Ok(PacketInfo::Sealed(header)) => {
                remember(&mut self.connections, header.connection_id, from, MAX_CONNECTIONS);
            }
            _ => {}
        }
    }

    /// Whether a socket to this address is needed.
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
