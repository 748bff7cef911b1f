//! Which key a server has, without joining anything there.

use std::net::ToSocketAddrs;

use kabar_core::chat::Start;
use kabar_core::client::{Config, Credential, Event};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;
use kabar_server::address::HostPort;
use kabar_server::invite::DEFAULT_ROOM;
use kabar_server::random::random_bytes;

use crate::driver::Driver;
use crate::ending::Ending;
use crate::profile;
use crate::words;

/// How long each address may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same, to be said.
const PATIENCE_S: u64 = 5;

/// The fingerprint of the key that the server presents now. Whether it really has that key shows only when one joins.
///
/// # Errors
/// In one line: no such host, no answer.
pub fn key_of(server: &HostPort) -> Result<Fingerprint, Ending> {
    let name = server.host.to_string();
    let addresses = (name.as_str(), server.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| words::no_such_host(server, Some(&error)))?;
    let (mut driver, _waker) = Driver::new().map_err(Ending::error)?;
    for address in addresses {
        let nobody = Identity::from_seed(&random_bytes().map_err(Ending::error)?);
        let config = Config {
            server: address,
            fingerprint: None,
            room: DEFAULT_ROOM,
            name: "guest",
            identity: &nobody,
            credential: Credential::None,
            start: Start::Head,
            largest_entry: profile::LARGEST_ENTRY,
            idle_s: profile::IDLE_S,
            ack_delay_ms: profile::ACK_DELAY_MS,
            tick_us: profile::TICK_US,
        };
        driver.start(&config).map_err(Ending::error)?;
        let end = driver.now() + PATIENCE;
        while driver.now() < end {
            if let Some(Event::KeyOffered(found)) = driver.client.poll_event() {
                return Ok(found);
            }
            driver.transmit();
            driver.wait(Some(end));
        }
    }
    Err(words::no_answer(server, PATIENCE_S))
}
