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
