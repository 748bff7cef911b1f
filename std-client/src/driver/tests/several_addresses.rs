//! A server with several addresses, some of them dead, in every order.

use std::net::UdpSocket;
use std::time::Instant as StdInstant;

use super::*;

/// More than a dead address may cost, and less than half of the connect time-out.
const SOON: StdDuration = StdDuration::from_millis(2_300);

/// A socket that never answers.
fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// An address that was bound and released: datagrams to it are refused.
fn refusing() -> SocketAddr {
    silent().1
}

/// A server with a key that is not expected.
fn other() -> (Server, mpsc::Receiver<HubEvent>) {
    static OTHER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let home = OTHER.get_or_init(|| tempfile::tempdir().unwrap());
    let key = load_or_create_key(&DataDir::open(home.path()).unwrap(), KeySize::Bits2048, || ()).unwrap();
    serve_with(key, 0)
}

#[test]
fn dead_address_costs_no_more_than_its_turn() {
    let (server, _events) = serve(0);
    let ((_socket, silent), refusing, there) = (silent(), refusing(), server.local_addr());
    // No route leads there from a socket that is bound to this computer only.
    let unreachable: SocketAddr = "[fe80::1]:7".parse().unwrap();
    for (number, addresses) in [
        vec![silent, there],
        vec![there, silent],
        vec![refusing, there],
        vec![there, refusing],
        vec![silent, refusing, there],
        vec![refusing, silent, there],
        vec![unreachable, there],
        vec![unreachable, refusing, silent, there, silent],
    ]
    .into_iter()
    .enumerate()
    {
        for fingerprint in [Some(server.fingerprint()), None] {
            let began = StdInstant::now();
            let name = "x".repeat(1 + 2 * number + usize::from(fingerprint.is_none()));
            let mut member = Member::join_at(&addresses, fingerprint, &name);
            assert!(began.elapsed() < SOON, "{addresses:?}: {:?}", began.elapsed());
            assert_eq!(member.driver.client.server(), there);
            member.say("hello");
            member.until(|seen| matches!(seen, Seen::Stored(_)));
            assert_eq!(member.driver.links.iter_mut().count(), 1, "the sockets to the others are closed");
        }
    }
}

#[test]
fn another_server_at_one_of_the_addresses_is_ignored() {
    let ((server, _events), (other, _other_events)) = (serve(0), other());
    let (there, wrong) = (server.local_addr(), other.local_addr());
    for (name, addresses) in [("a", [wrong, there]), ("ab", [there, wrong])] {
        let began = StdInstant::now();
        let member = Member::join_at(&addresses, Some(server.fingerprint()), name);
        assert!(began.elapsed() < SOON, "{addresses:?}: {:?}", began.elapsed());
        assert_eq!(member.driver.client.server(), there);
    }
}

#[test]
fn member_reconnects_to_the_address_that_answers() {
    let (first, _events) = serve(0);
    let (second, _second_events) = serve(0);
    let (here, there) = (first.local_addr(), second.local_addr());
    assert_eq!(first.fingerprint(), second.fingerprint(), "one server that moved");
    for order in [[here, there], [there, here]] {
        let mut member = Member::join_at(&[here], Some(first.fingerprint()), "anna");
        member.driver.set_addresses(&order);
        assert_eq!(member.driver.client.server(), here, "a connection that is up stays");
        assert!(first.control().room(RoomId::FIRST).kick(None, "anna", None).is_ok());
        member.until(|seen| matches!(seen, Seen::Ended(_)));
    }
    let mut member = Member::join_at(&[here], Some(first.fingerprint()), "anna");
    member.driver.set_addresses(&[here, there]);
    let stopping = std::thread::spawn(move || first.stop());
    member.until(|seen| *seen == Seen::Lost(DisconnectReason::Shutdown));
    assert_eq!(stopping.join().unwrap(), Ok(()));
    member.seen.clear();
    let began = StdInstant::now();
    member.until(|seen| matches!(seen, Seen::Joined { .. }));
    assert_eq!(member.driver.client.server(), there);
    // The pause before the first attempt is up to a second.
    assert!(began.elapsed() < SOON + StdDuration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn detects_that_every_address_is_unreachable() {
    let mut member = Member::begin(&[refusing(), refusing()], None, "anna");
    let end = StdInstant::now() + CONNECT_TIMEOUT;
    while !member.driver.is_unreachable(3) {
        assert!(StdInstant::now() < end);
        member.turn();
        member.wait();
    }
    assert!(member.driver.take_link_error().is_none());
    let (_socket, silent) = silent();
    let mut member = Member::begin(&[refusing(), silent], None, "anna");
    let end = StdInstant::now() + StdDuration::from_millis(1_500);
    while StdInstant::now() < end {
        member.turn();
        member.wait();
        assert!(!member.driver.is_unreachable(3), "one of them may only be slow");
    }
}
