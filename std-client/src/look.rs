//! Which key a server has and which of its addresses answers, without joining anything there.

use std::net::SocketAddr;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_std::address::{HostPort, Places};
use kabar_std::invite::DEFAULT_ROOM;
use kabar_std::random::random_bytes;

use crate::driver::Driver;
use crate::ending::Ending;
use crate::profile;
use crate::resolve::resolve_now;
use crate::words;

/// How long all addresses together may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same, to be said.
const PATIENCE_S: u64 = 5;
/// Refusals that are believed: the first may be of a room that is just being started.
const REFUSALS: u32 = 3;

/// The fingerprint of the key that the server presents now. Whether it really has that key shows only when one joins.
///
/// # Errors
/// In one line: no such host, no answer.
pub fn key_of(server: &HostPort) -> Result<Fingerprint, Ending> {
    find(&Places::one(server.clone())).map(|(_, found)| found)
}

/// The first address of a server at which a Hello is answered, and the key that is presented there. All
/// addresses are tried together. Waits for the answer.
///
/// # Errors
/// In one line: no such host, refused, no answer.
pub fn find(server: &Places) -> Result<(SocketAddr, Fingerprint), Ending> {
    let addresses = resolve_now(server).map_err(|error| words::not_found(server.first(), &error))?;
    let Some(&first) = addresses.first() else { return Err(words::no_answer(server, PATIENCE_S)) };
    let (mut driver, _waker) = Driver::new().map_err(Ending::error)?;
    let nobody = Identity::from_seed(&random_bytes().map_err(Ending::error)?);
    let config = Config {
        server: first,
        fingerprint: None,
        room: DEFAULT_ROOM,
        name: "guest",
        identity: &nobody,
        credential: Credential::None,
        start: Start::Head,
        max_entry_len: profile::LARGEST_ENTRY,
        idle_s: profile::IDLE_S,
        ack_delay_ms: profile::ACK_DELAY_MS,
        tick_us: profile::TICK_US,
    };
    driver.start(&config).map_err(Ending::error)?;
    driver.set_addresses(&addresses);
    let end = driver.now() + PATIENCE;
    while driver.now() < end {
        if let Some(Event::KeyOffered(found)) = driver.client.poll_event() {
            return Ok((driver.client.server(), found));
        }
        driver.transmit();
        if driver.is_hopeless(REFUSALS) {
            return Err(match driver.link_error() {
                Some(error) => words::no_route(server, error),
                None => words::refused(server),
            });
        }
        driver.wait(Some(end));
    }
    Err(words::no_answer(server, PATIENCE_S))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Instant;

    use kabar_server::room_host::RoomHost;
    use kabar_std::invite::RoomName;

    use super::*;
    use crate::ending::Exit;

    #[test]
    fn finds_the_address_that_answers_among_dead_ones() {
        let home = tempfile::tempdir().unwrap();
        let room = RoomName::new(DEFAULT_ROOM).unwrap();
        let host = RoomHost::builder(home.path(), room, (std::net::Ipv4Addr::LOCALHOST, 0).into());
        let hosted = host.start(|| (), |_| (), |_| ()).unwrap();
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (there, silent) = (hosted.local_addr(), silent.local_addr().map(|address| (silent, address)).unwrap());
        for places in [format!("{},{there}", silent.1), format!("{there},{}", silent.1)] {
            let began = Instant::now();
            let found = find(&places.parse().unwrap()).unwrap();
            assert_eq!(found, (there, hosted.invite().fingerprint));
            assert!(began.elapsed().as_millis() < 2_300, "{places}: {:?}", began.elapsed());
        }
        let port = there.port();
        hosted.stop().unwrap();
        let began = Instant::now();
        let ending = find(&format!("127.0.0.1:{port}").parse().unwrap()).unwrap_err();
        assert_eq!(ending.exit, Exit::Unreachable);
        assert!(began.elapsed().as_secs() < 4, "a refusal is not waited for: {:?}", began.elapsed());
    }
}
