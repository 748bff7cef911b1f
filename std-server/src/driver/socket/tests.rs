use std::collections::VecDeque;
use std::net::Ipv6Addr;

use super::*;

fn registered(socket: &mut Socket) -> mio::Poll {
    let poll = mio::Poll::new().unwrap();
    poll.registry().register(socket.source(), mio::Token(0), mio::Interest::READABLE).unwrap();
    poll
}

fn poll_until(socket: &mut Socket, poll: &mut mio::Poll, wanted: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut got = Vec::new();
    loop {
        let is_dry = socket.receive(|from, datagram| got.push((from, datagram.to_vec())));
        if got.len() >= wanted {
            return got;
        }
        if is_dry {
            poll.poll(&mut mio::Events::with_capacity(8), None).unwrap();
        }
    }
}

#[test]
fn both_families_reach_one_socket_and_get_their_answers() {
    let mut server = Socket::bind((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
    let mut poll = registered(&mut server);
    let port = server.local().port();
    let mut hosts: Vec<IpAddr> = vec![[127, 0, 0, 1].into(), [127, 0, 0, 2].into()];
    if server.local().is_ipv6() && std::net::UdpSocket::bind("[::1]:0").is_ok() {
        hosts.push(Ipv6Addr::LOCALHOST.into());
    }
    for host in hosts {
        let bind: SocketAddr = if host.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }.parse().unwrap();
        let client = std::net::UdpSocket::bind(bind).unwrap();
        client.send_to(b"question", (host, port)).unwrap();
        let got = poll_until(&mut server, &mut poll, 1);
        assert_eq!(got, [(client.local_addr().unwrap(), b"question".to_vec())]);
        let mut answers = VecDeque::from([&b"same one"[..], b"same two", b"short"]);
        let sent = server.send(|out| {
            let answer = answers.pop_front()?;
            out[..answer.len()].copy_from_slice(answer);
            Some(Transmit { to: got[0].0, len: answer.len() })
        });
        assert_eq!(sent, Sent::All);
        for expected in [&b"same one"[..], b"same two", b"short"] {
            let mut buffer = [0; 100];
            let (len, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from), (expected, SocketAddr::from((host, port))), "from where it was asked");
        }
    }
}

#[test]
fn an_unreachable_peer_is_not_an_error() {
    let mut server = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let mut poll = registered(&mut server);
    let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for _ in 0..3 {
        let mut once = Some(Transmit { to: gone, len: 10 });
        assert_eq!(server.send(|_| once.take()), Sent::All);
    }
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.send_to(b"still there?", server.local()).unwrap();
    assert_eq!(poll_until(&mut server, &mut poll, 1)[0].1, b"still there?");
}

#[test]
fn a_taken_port_is_an_error() {
    let first = Socket::bind((Ipv6Addr::UNSPECIFIED, 0).into()).unwrap();
    let error = Socket::bind(first.local()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}
