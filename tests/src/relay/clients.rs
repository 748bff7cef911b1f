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
mod tests {
    use std::net::UdpSocket as StdSocket;

    use mio::Poll;

    use super::*;

    const FIRST: ClientId = 5;

    fn server() -> StdSocket {
        let server = StdSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        server
    }

    fn address(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    /// The port from which the server receives the next datagram.
    fn source_port(server: &StdSocket) -> u16 {
        server.recv_from(&mut [0; 9]).unwrap().1.port()
    }

    #[test]
    fn each_client_has_its_own_port_and_keeps_it() {
        let (poll, server) = (Poll::new().unwrap(), server());
        let mut clients = Clients::new(server.local_addr().unwrap(), None, FIRST);
        let one = clients.id_of(address(1), poll.registry(), at(0)).unwrap();
        let other = clients.id_of(address(2), poll.registry(), at(0)).unwrap();
        assert_eq!((one, other), (FIRST, FIRST + 1));
        assert_eq!(clients.id_of(address(1), poll.registry(), at(1)), Some(one));
        let ports = [one, other, one].map(|id| {
            clients.send(id, &[1]);
            source_port(&server)
        });
        assert_eq!(ports[0], ports[2]);
        assert_ne!(ports[0], ports[1]);
        assert_eq!(clients.address(other), Some(address(2)));
    }

    #[test]
    fn forgets_idle_clients_and_keeps_active_ones() {
        let (poll, server) = (Poll::new().unwrap(), server());
        let mut clients = Clients::new(server.local_addr().unwrap(), None, FIRST);
        let idle = clients.id_of(address(1), poll.registry(), at(0)).unwrap();
        let active = clients.id_of(address(2), poll.registry(), at(0)).unwrap();
        assert_eq!(clients.deadline(), Some(at(180)));
        clients.id_of(address(2), poll.registry(), at(100));
        clients.handle_timeout(poll.registry(), at(179));
        assert_eq!(clients.len(), 2);
        clients.handle_timeout(poll.registry(), at(180));
        assert_eq!((clients.address(idle), clients.address(active)), (None, Some(address(2))));
        assert_eq!(clients.deadline(), Some(at(280)));
        let again = clients.id_of(address(1), poll.registry(), at(180)).unwrap();
        assert!(again > active, "datagrams for the old one go to nobody else");
        clients.handle_timeout(poll.registry(), at(999));
        assert_eq!((clients.is_empty(), clients.deadline()), (true, None));
    }

    #[test]
    fn the_number_of_clients_is_bounded() {
        let (poll, server) = (Poll::new().unwrap(), server());
        let mut clients = Clients::new(server.local_addr().unwrap(), None, FIRST);
        let mut refused = 0;
        for port in 0..=MAX_CLIENTS as u16 {
            refused += u64::from(clients.id_of(address(port), poll.registry(), at(0)).is_none());
        }
        assert!(clients.len() <= MAX_CLIENTS && refused > 0);
        assert_eq!(clients.rejected, refused);
        assert_eq!(clients.id_of(address(0), poll.registry(), at(1)), Some(FIRST), "a known client stays");
    }

    #[test]
    fn gives_another_port_at_the_interval() {
        let (poll, server) = (Poll::new().unwrap(), server());
        let mut clients = Clients::new(server.local_addr().unwrap(), Some(Duration::from_secs(2)), FIRST);
        let id = clients.id_of(address(1), poll.registry(), at(0)).unwrap();
        clients.send(id, &[1]);
        let before = source_port(&server);
        clients.handle_timeout(poll.registry(), at(1));
        assert_eq!((clients.rebinds, clients.deadline()), (0, Some(at(2))));
        clients.handle_timeout(poll.registry(), at(2));
        assert_eq!((clients.rebinds, clients.deadline()), (1, Some(at(4))));
        clients.send(id, &[1]);
        assert_ne!(source_port(&server), before);
    }
}
