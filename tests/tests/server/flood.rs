//! A stranger with one address and without the secret cannot keep others out of the real server.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kabar_core::crypto::{Portable, Provider};
use kabar_core::internals::packet::{Hello, Initiate, Packet};
use kabar_core::session::TransportParameters;
use kabar_tests::process::TIMEOUT;
use kabar_tests::room::{Room, temp_home};

use super::output::get;

/// Most exchanges of a flood: 40,000 datagrams.
const MAX_EXCHANGES: usize = 20_000;
const PARAMETERS: TransportParameters = TransportParameters {
    datagram: 1200,
    packets: 64,
    message: 4480,
    chat: 16_384,
    bulk: 0,
    ack_delay_ms: 5,
    tick_us: 1_000,
    idle_s: 60,
};

/// Sends Hello and answers the Challenge with a non-contributory share, which the server drops
/// before the public-key operation.
fn exchange(socket: &UdpSocket, number: usize) -> Option<()> {
    let mut client_random = [0; 32];
    client_random[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let hello = Hello { client_random, key_hint: [0; 8], datagram_len: 1200 };
    let mut out = [0; 1200];
    let len = Packet::Hello(hello).encode(&mut out, Portable::crc32).ok()?;
    socket.send(&out[..len]).ok()?;
    let mut challenge = [0; 1200];
    let len = socket.recv(&mut challenge).ok()?;
    let Ok(Packet::Challenge(challenge)) = Packet::decode(&challenge[..len], Portable::crc32) else { return None };
    let (cookie, ciphertext) = (challenge.cookie, challenge.modulus);
    let initiate = Packet::Initiate(Initiate { hello, cookie, share: [0; 32], parameters: PARAMETERS, ciphertext });
    let len = initiate.encode(&mut out, Portable::crc32).ok()?;
    socket.send(&out[..len]).ok().map(drop)
}

fn flood(server: SocketAddr, stop: &AtomicBool) {
    let socket = UdpSocket::bind("127.0.0.2:0").expect("another loopback address");
    socket.connect(server).expect("connected");
    socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
    let begun = Instant::now();
    for number in 0..MAX_EXCHANGES {
        if stop.load(Ordering::Relaxed) || begun.elapsed() > TIMEOUT {
            return;
        }
        let _ = exchange(&socket, number);
    }
}

#[test]
fn a_member_joins_while_another_address_floods_the_handshake() {
    let home = temp_home();
    let arguments = ["--metrics", "0", "--max-cookies", "200", "--max-half-open", "64", "--max-handshakes", "32"];
    let mut room = Room::start_with(home.path(), "127.0.0.1:0", &[&arguments[..], &["--max-unjoined", "64"]].concat());
    let line = room.server.expect_stderr("metrics on http://127.0.0.1:");
    let metrics = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).expect("an address").to_owned();
    let server: SocketAddr = room.address.parse().expect("an address");
    let stop = Arc::new(AtomicBool::new(false));
    let flooding = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || flood(server, &stop)
    });
    let value = |name: &str| -> u64 {
        let answer = get(&metrics, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {answer}"))
    };
    // How fast they fill depends on the limits of the server.
    for limit in ["kabar_cookies_full_total", "kabar_handshakes_limited_total"] {
        while value(limit) == 0 {
            assert!(!flooding.is_finished(), "the flood did not reach {limit}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let mut darryl = room.client("darryl");
    darryl.type_line("halo");
    room.server.expect("halo");
    stop.store(true, Ordering::Relaxed);
    flooding.join().expect("it ends");
}
