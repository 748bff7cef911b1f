//! A socket towards the server for each client, as an address translation has: bounded, forgotten
//! when idle, renewed on purpose.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use kabar_core::time::{Duration, Instant};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use super::serve::widen_buffer;

/// Clients that are remembered at most: each needs a socket, and many systems give a process 1,024.
pub const MAX_CLIENTS: usize = 512;
/// A client is forgotten after this long without a datagram in either direction: well behind any
/// keep-alive.
const IDLE: Duration = Duration::from_secs(180);

/// Which client, as long as it is remembered. Never used twice.
pub type ClientId = usize;

/// The clients.
#[derive(Debug)]
pub struct Clients {
    server: SocketAddr,
    rebind: Option<Duration>,
    by_id: HashMap<ClientId, Client>,
    by_address: HashMap<SocketAddr, ClientId>,
    next_id: ClientId,
    /// When somebody is to be forgotten or given another port, at the earliest.
    look_at: Option<Instant>,
    /// Times a client was given another port.
    pub rebinds: u64,
    /// Datagrams for whose sender there was no place or no socket.
    pub turned_away: u64,
}

#[derive(Debug)]
struct Client {
    address: SocketAddr,
    upstream: UdpSocket,
    active: Instant,
    rebind_at: Option<Instant>,
}

impl Clients {
    /// None yet. Their ids begin with `first`, and are the tokens of their sockets.
    #[must_use]
    pub fn new(server: SocketAddr, rebind: Option<Duration>, first: ClientId) -> Self {
        let (by_id, by_address) = (HashMap::new(), HashMap::new());
        Self { server, rebind, by_id, by_address, next_id: first, look_at: None, rebinds: 0, turned_away: 0 }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whose datagram this is. `None`: there is no place for another client now.
    pub fn id_of(&mut self, address: SocketAddr, registry: &Registry, now: Instant) -> Option<ClientId> {
        if let Some(id) = self.by_address.get(&address) {
            let client = self.by_id.get_mut(id)?;
            client.active = now;
            return Some(*id);
        }
        let added = if self.len() < MAX_CLIENTS { self.add(address, registry, now).ok() } else { None };
        self.turned_away += u64::from(added.is_none());
        added
    }

    /// Where a client is.
    #[must_use]
    pub fn address(&self, id: ClientId) -> Option<SocketAddr> {
        self.by_id.get(&id).map(|client| client.address)
    }

    /// Sends to the server for a client. What the system does not take is lost.
    pub fn send(&self, id: ClientId, datagram: &[u8]) {
        if let Some(client) = self.by_id.get(&id) {
            let _ = client.upstream.send(datagram);
        }
    }

    /// What the server sent to a client, in `buffer`.
    ///
    /// # Errors
    /// Those of the socket; `WouldBlock` if there is nothing, or no such client.
    pub fn receive(&mut self, id: ClientId, buffer: &mut [u8], now: Instant) -> io::Result<usize> {
        let client = self.by_id.get_mut(&id).ok_or(io::ErrorKind::WouldBlock)?;
        let len = client.upstream.recv(buffer)?;
        client.active = now;
        Ok(len)
    }

    /// When to call [`Clients::look_after`].
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.look_at
    }

    /// Forgets who is idle and gives another port to those whose time it is.
    pub fn look_after(&mut self, registry: &Registry, now: Instant) {
        if self.look_at.is_none_or(|at| now < at) {
            return;
        }
        let Self { by_id, by_address, server, rebind, rebinds, .. } = self;
        by_id.retain(|&id, client| {
            let is_idle = client.active + IDLE <= now;
            if is_idle {
                by_address.remove(&client.address);
                let _ = registry.deregister(&mut client.upstream);
            } else if client.rebind_at.is_some_and(|at| at <= now) {
                client.rebind_at = rebind.map(|every| now + every);
                // Without a socket to be had it keeps the old one until its next turn.
                if let Ok(socket) = open(*server, registry, id) {
                    let _ = registry.deregister(&mut client.upstream);
                    client.upstream = socket;
                    *rebinds += 1;
                }
            }
            !is_idle
        });
        self.look_at = self.by_id.values().map(Client::deadline).min();
    }

    fn add(&mut self, address: SocketAddr, registry: &Registry, now: Instant) -> io::Result<ClientId> {
        let id = self.next_id;
        let upstream = open(self.server, registry, id)?;
        self.next_id += 1;
        let client = Client { address, upstream, active: now, rebind_at: self.rebind.map(|every| now + every) };
        self.look_at = self.look_at.into_iter().chain([client.deadline()]).min();
        self.by_id.insert(id, client);
        self.by_address.insert(address, id);
        Ok(id)
    }
}

impl Client {
    fn deadline(&self) -> Instant {
        let idle = self.active + IDLE;
        self.rebind_at.map_or(idle, |at| at.min(idle))
    }
}

/// A socket on any port that takes datagrams of the server only.
fn open(server: SocketAddr, registry: &Registry, id: ClientId) -> io::Result<UdpSocket> {
    let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let mut socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    widen_buffer(&socket);
    socket.connect(server)?;
    registry.register(&mut socket, Token(id), Interest::READABLE)?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
