//! The addresses of the server, shared by all devices. Names are resolved again whenever a device
//! opens a connection, as `kabar join` does when its connection is lost.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kabar_std::address::{Host, HostPort, Places};

use super::report::{BridgeNotice, Reporter};
use crate::race::MAX_CANDIDATES;
use crate::resolve::{ResolveError, addresses_of};

/// Time between the starts of two look-ups.
const LOOK_UP_EVERY: Duration = Duration::from_secs(5);
/// Interval of look-ups while no address is known.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The places in `--to`, and their known addresses.
#[derive(Debug)]
pub(super) struct Servers {
    places: Places,
    found: Mutex<Found>,
    is_looking: AtomicBool,
    reporter: Reporter,
}

#[derive(Debug)]
struct Found {
    /// Per place, in the order of the places.
    addresses: Vec<Vec<SocketAddr>>,
    looked_up: Option<Instant>,
    /// Whether it was reported that a name cannot be resolved.
    is_failure_reported: bool,
}

impl Servers {
    /// Creates the list, with the literal addresses among `places`.
    pub(super) fn new(places: Places, reporter: Reporter) -> Arc<Self> {
        let count = places.iter().count();
        let known = |place: &HostPort| match place.host {
            Host::Name(_) => Vec::new(),
            _ => addresses_of(place, count).unwrap_or_default(),
        };
        let addresses = places.iter().map(known).collect();
        let found = Mutex::new(Found { addresses, looked_up: None, is_failure_reported: false });
        Arc::new(Self { places, found, is_looking: AtomicBool::new(false), reporter })
    }

    /// Returns all known addresses, each once.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let mut all = Vec::new();
        for &address in self.found().addresses.iter().flatten() {
            if all.len() < MAX_CANDIDATES && !all.contains(&address) {
                all.push(address);
            }
        }
        all
    }

    /// Resolves the names again on a thread, unless that was done recently.
    pub(super) fn look_again(self: &Arc<Self>) {
        let is_due = self.found().looked_up.is_none_or(|at| at.elapsed() >= LOOK_UP_EVERY);
        let is_any_name = self.places.iter().any(may_move);
        if !is_any_name || !is_due || self.is_looking.swap(true, Ordering::AcqRel) {
            return;
        }
        let servers = Arc::clone(self);
        let look = move || {
            servers.look();
            servers.is_looking.store(false, Ordering::Release);
        };
        if std::thread::Builder::new().name("kabar-resolve".to_owned()).spawn(look).is_err() {
            self.is_looking.store(false, Ordering::Release);
        }
    }

    /// Resolves names until an address is known. Blocks.
    pub(super) fn look_until_found(self: &Arc<Self>) {
        while self.addresses().is_empty() {
            self.look_again();
            std::thread::sleep(RETRY_INTERVAL);
        }
    }

    fn look(&self) {
        self.found().looked_up = Some(Instant::now());
        let count = self.places.iter().count();
        for (at, place) in self.places.iter().enumerate().filter(|(_, place)| may_move(place)) {
            self.take(at, place, addresses_of(place, count));
        }
    }

    /// Takes the result of resolving a place. Known addresses stay until the name has others.
    fn take(&self, at: usize, place: &HostPort, found: Result<Vec<SocketAddr>, ResolveError>) {
        let mut state = self.found();
        match found {
            Ok(addresses) => {
                // Name servers rotate the order.
                let is_same = |known: &[SocketAddr]| {
                    known.len() == addresses.len() && known.iter().all(|address| addresses.contains(address))
                };
                if let Some(known) = state.addresses.get_mut(at).filter(|known| !is_same(known)) {
                    self.reporter.report(&BridgeNotice::Resolved(place, &addresses));
                    *known = addresses;
                }
                state.is_failure_reported = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut state.is_failure_reported, true) {
                    self.reporter.report(&BridgeNotice::NotResolved(&place.host, &error));
                }
            }
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the address of `place` may change. A link-local address may: its interface may appear
/// later.
fn may_move(place: &HostPort) -> bool {
    !matches!(place.host, Host::Ip(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(text: &str) -> Vec<SocketAddr> {
        text.split(' ').map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn literal_address_is_known_at_once() {
        let servers =
            Servers::new("192.0.2.1,[2001:db8::1]:7,192.0.2.1,room.example".parse().unwrap(), Reporter::new(|_| ()));
        assert_eq!(servers.addresses(), addresses("192.0.2.1:9999 [2001:db8::1]:7"));
    }

    #[test]
    fn address_of_a_name_stays_until_the_name_has_another() {
        let servers = Servers::new("room.example,192.0.2.9:7".parse().unwrap(), Reporter::new(|_| ()));
        let name = "room.example".parse().unwrap();
        servers.take(0, &name, Ok(addresses("192.0.2.1:9999 192.0.2.2:9999")));
        let all = addresses("192.0.2.1:9999 192.0.2.2:9999 192.0.2.9:7");
        assert_eq!(servers.addresses(), all);
        servers.take(0, &name, Err(ResolveError::NoAddress));
        servers.take(0, &name, Ok(addresses("192.0.2.2:9999 192.0.2.1:9999")));
        assert_eq!(servers.addresses(), all, "the order does not matter");
        servers.take(0, &name, Ok(addresses("192.0.2.3:9999")));
        assert_eq!(servers.addresses(), addresses("192.0.2.3:9999 192.0.2.9:7"));
    }
}
