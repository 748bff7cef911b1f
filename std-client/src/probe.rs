//! Finds out which key a server has and which of its addresses answers, without joining a room.

use std::io;
use std::net::SocketAddr;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_std::address::{HostPort, Places};
use kabar_std::clock::Clock;
use kabar_std::invite::DEFAULT_ROOM;
use kabar_std::random::random_bytes;

use crate::connect::{CONNECT_TIMEOUT, ConnectError, REFUSALS};
use crate::driver::{Driver, wait};
use crate::poller::Poller;
use crate::profile;
use crate::resolve::resolve_now;

/// Why no key was fetched.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The server was not reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The operating system gives no socket, timer or randomness.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// Returns the fingerprint of the key that the server presents. Only joining proves that the server
/// has that key.
///
/// # Errors
/// [`ProbeError`].
pub fn fetch_server_key(server: &HostPort) -> Result<Fingerprint, ProbeError> {
    find(&Places::one(server.clone())).map(|(_, found)| found)
}

/// Returns the first address of a server that answers a Hello, and the fingerprint of the key that
/// it presents. Tries all addresses together and blocks until one answers.
///
/// # Errors
/// [`ProbeError`].
pub fn find(server: &Places) -> Result<(SocketAddr, Fingerprint), ProbeError> {
    let addresses =
        resolve_now(server).map_err(|error| ConnectError::Resolve { place: server.first().clone(), error })?;
    let Some(&first) = addresses.first() else { return Err(ConnectError::NoResponse(server.clone()).into()) };
    let clock = Clock::start();
    let (mut poller, _waker) = Poller::new()?;
    let mut driver = Driver::new(poller.sockets()?, clock);
    let throwaway = Identity::from_seed(&random_bytes()?);
    let config = Config {
        server: first,
        fingerprint: None,
        room: DEFAULT_ROOM,
        name: "guest",
        is_default_name: false,
        identity: &throwaway,
        credential: Credential::None,
        start: Start::Head,
        max_entry_len: profile::LARGEST_ENTRY,
        idle_s: profile::IDLE_S,
        ack_delay_ms: profile::ACK_DELAY_MS,
        tick_us: profile::TICK_US,
    };
    driver.start(&config)?;
    driver.set_addresses(&addresses);
    let end = driver.now() + CONNECT_TIMEOUT;
    while driver.now() < end {
        if let Some(Event::UnknownServerKey(found)) = driver.poll_event() {
            return Ok((driver.client.server(), found));
        }
        driver.transmit();
        if driver.is_unreachable(REFUSALS) {
            let server = server.clone();
            return Err(match driver.take_link_error() {
                Some(error) => ConnectError::Unreachable { server, error },
                None => ConnectError::Refused(server),
            }
            .into());
        }
        wait(&mut poller, clock, &mut [&mut driver], Some(end));
    }
    Err(ConnectError::NoResponse(server.clone()).into())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Instant;

    use kabar_server::room_host::RoomHost;
    use kabar_std::invite::RoomName;

    use super::*;

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
        let error = find(&format!("127.0.0.1:{port}").parse().unwrap()).unwrap_err();
        assert!(matches!(error, ProbeError::Connect(ConnectError::Refused(_))), "{error}");
        assert!(began.elapsed().as_secs() < 4, "a refusal is not waited for: {:?}", began.elapsed());
    }
}
