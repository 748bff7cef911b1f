use std::net::UdpSocket as StdSocket;
use std::sync::mpsc;
use std::thread::JoinHandle;

use super::*;
use crate::relay::faults::Chance;

/// Time after which a test fails.
const TIMEOUT: StdDuration = StdDuration::from_secs(30);

struct Running {
    address: SocketAddr,
    control: Control,
    reports: mpsc::Receiver<Report>,
    thread: Option<JoinHandle<Report>>,
}

fn socket() -> StdSocket {
    let socket = StdSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    socket
}

fn relay(server: SocketAddr, up: Faults) -> Running {
    let listen = "127.0.0.1:0".parse().unwrap();
    let setup = Setup { listen, server, up, down: Faults::NONE, rebind: None, seed: 1 };
    let mut relay = Relay::bind(&setup).unwrap();
    let (address, control) = (relay.local_addr(), relay.control());
    let (sender, reports) = mpsc::channel();
    let run = move || {
        relay.run(None, |report| sender.send(report).unwrap_or_default()).unwrap();
        relay.report()
    };
    Running { address, control, reports, thread: Some(std::thread::spawn(run)) }
}

impl Running {
    fn report(&self) -> Report {
        self.control.report();
        self.reports.recv_timeout(TIMEOUT).unwrap()
    }

    fn end(&mut self) -> Report {
        self.control.end();
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.control.end();
    }
}

fn receive(socket: &StdSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = [0; 2_000];
    let (len, from) = socket.recv_from(&mut buffer).unwrap();
    (buffer[..len].to_vec(), from)
}

#[test]
fn forwards_both_ways_and_keeps_clients_apart() {
    let server = socket();
    let mut relay = relay(server.local_addr().unwrap(), Faults::NONE);
    let (anna, budi) = (socket(), socket());
    anna.send_to(b"from anna", relay.address).unwrap();
    let (datagram, annas) = receive(&server);
    assert_eq!(datagram, b"from anna");
    budi.send_to(b"from budi", relay.address).unwrap();
    let (datagram, budis) = receive(&server);
    assert_eq!(datagram, b"from budi");
    assert_ne!(annas, budis);
    server.send_to(b"to anna", annas).unwrap();
    server.send_to(&[7; 1_500], budis).unwrap();
    assert_eq!(receive(&anna), (b"to anna".to_vec(), relay.address));
    assert_eq!(receive(&budi), (vec![7; 1_500], relay.address));
    let report = relay.end();
    assert_eq!((report.up.received, report.up.sent, report.down.received, report.down.sent), (2, 2, 2, 2));
    assert_eq!((report.clients, report.rebinds, report.rejected), (2, 0, 0));
}

#[test]
fn continues_while_the_server_is_down() {
    let server = socket();
    let address = server.local_addr().unwrap();
    drop(server);
    let mut relay = relay(address, Faults::NONE);
    let anna = socket();
    // Each datagram is refused, which the socket reports at its next use.
    for number in 1..=50 {
        anna.send_to(&[1], relay.address).unwrap();
        while relay.report().up.received < number {
            std::thread::sleep(StdDuration::from_millis(1));
        }
    }
    let server = StdSocket::bind(address).unwrap();
    server.set_read_timeout(Some(TIMEOUT)).unwrap();
    anna.send_to(b"at last", relay.address).unwrap();
    assert_eq!(receive(&server).0, b"at last");
    assert_eq!(relay.end().up.received, 51);
}

#[test]
fn delayed_datagrams_are_sent_without_further_input() {
    let server = socket();
    let faults = Faults { delay: Duration::from_millis(20), duplicate: Chance::ALWAYS, ..Faults::NONE };
    let relay = relay(server.local_addr().unwrap(), faults);
    let anna = socket();
    anna.send_to(b"later", relay.address).unwrap();
    assert_eq!((receive(&server).0, receive(&server).0), (b"later".to_vec(), b"later".to_vec()));
    assert_eq!(relay.report().up.waiting, 0);
}

#[test]
fn refuses_to_relay_to_itself() {
    let address = socket().local_addr().unwrap();
    let setup = Setup { listen: address, server: address, up: Faults::NONE, down: Faults::NONE, rebind: None, seed: 1 };
    assert_eq!(Relay::bind(&setup).unwrap_err().kind(), io::ErrorKind::InvalidInput);
}
