//! One socket towards the server for each client, as in network address translation: bounded,
//! removed when idle, replaced on request.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use kabar_core::time::{Duration, Instant};
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use super::serve::widen_buffer;

/// Largest number of clients: each needs a socket, and many systems permit 1,024 per process.
pub const MAX_CLIENTS: usize = 512;
/// A client is forgotten after this long without a datagram in either direction; keep-alives are
/// much more frequent.
const IDLE: Duration = Duration::from_secs(180);

/// Identifies a client; never reused.
pub type ClientId = usize;

/// The clients of a relay.
#[derive(Debug)]
pub struct Clients {
    server: SocketAddr,
    rebind: Option<Duration>,
    by_id: HashMap<ClientId, Client>,
    by_address: HashMap<SocketAddr, ClientId>,
    next_id: ClientId,
    /// The earliest time at which a client is to be forgotten or given another port.
    deadline: Option<Instant>,
    /// Number of times that a client was given another port.
    pub rebinds: u64,
    /// Datagrams from clients for which there was no room or no socket.
    pub rejected: u64,
}

#[derive(Debug)]
struct Client {
    address: SocketAddr,
    upstream: UdpSocket,
    active: Instant,
    rebind_at: Option<Instant>,
}

impl Clients {
    /// No clients. Their ids begin with `first` and are the tokens of their sockets.
    #[must_use]
    pub fn new(server: SocketAddr, rebind: Option<Duration>, first: ClientId) -> Self {
        let (by_id, by_address) = (HashMap::new(), HashMap::new());
        Self { server, rebind, by_id, by_address, next_id: first, deadline: None, rebinds: 0, rejected: 0 }
    }

    /// Number of clients.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are no clients.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The client of this address. `None` if there is no room for a new one.
    pub fn id_of(&mut self, address: SocketAddr, registry: &Registry, now: Instant) -> Option<ClientId> {
        if let Some(id) = self.by_address.get(&address) {
            let client = self.by_id.get_mut(id)?;
            client.active = now;
            return Some(*id);
        }
        let added = if self.len() < MAX_CLIENTS { self.add(address, registry, now).ok() } else { None };
        self.rejected += u64::from(added.is_none());
        added
    }

    /// The address of a client.
    #[must_use]
    pub fn address(&self, id: ClientId) -> Option<SocketAddr> {
        self.by_id.get(&id).map(|client| client.address)
    }

    /// Sends a datagram of a client to the server. It is lost if the system does not accept it.
    pub fn send(&self, id: ClientId, datagram: &[u8]) {
        if let Some(client) = self.by_id.get(&id) {
            let _ = client.upstream.send(datagram);
        }
    }

    /// Receives a datagram from the server to a client into `buffer`.
    ///
    /// # Errors
    /// Errors of the socket; `WouldBlock` if there is no datagram or no such client.
    pub fn receive(&mut self, id: ClientId, buffer: &mut [u8], now: Instant) -> io::Result<usize> {
        let client = self.by_id.get_mut(&id).ok_or(io::ErrorKind::WouldBlock)?;
        let len = client.upstream.recv(buffer)?;
        client.active = now;
        Ok(len)
    }

    /// When to call [`Clients::handle_timeout`].
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Forgets idle clients, and gives another port to those that are due.
    pub fn handle_timeout(&mut self, registry: &Registry, now: Instant) {
        if self.deadline.is_none_or(|at| now < at) {
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
                // If no socket is available, the client keeps the old one until it is due again.
                if let Ok(socket) = open(*server, registry, id) {
                    let _ = registry.deregister(&mut client.upstream);
                    client.upstream = socket;
                    *rebinds += 1;
                }
            }
            !is_idle
        });
        self.deadline = self.by_id.values().map(Client::deadline).min();
    }

    fn add(&mut self, address: SocketAddr, registry: &Registry, now: Instant) -> io::Result<ClientId> {
        let id = self.next_id;
        let upstream = open(self.server, registry, id)?;
        self.next_id += 1;
        let client = Client { address, upstream, active: now, rebind_at: self.rebind.map(|every| now + every) };
        self.deadline = self.deadline.into_iter().chain([client.deadline()]).min();
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

/// A socket on any port that receives datagrams from the server only.
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
