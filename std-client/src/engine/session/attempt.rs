//! One attempt to reach the server: its time-outs, and the addresses that are known so far. Has no
//! socket and no clock.

use std::net::SocketAddr;

use kabar_core::time::Instant;
use kabar_std::address::{HostPort, Places};

use crate::connect::CONNECT_TIMEOUT;
use crate::resolve::ResolveError;

/// The time-outs of reaching the server. Its addresses share [`CONNECT_TIMEOUT`]: the driver tries
/// them together.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// When an answer is due.
    pub(super) end: Instant,
    /// When the admission is due; set once the server has answered.
    pub(super) answered_until: Option<Instant>,
}

impl Attempt {
    pub(super) fn new(now: Instant) -> Self {
        Self { end: now + CONNECT_TIMEOUT, answered_until: None }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.answered_until.unwrap_or(self.end)
    }
}

/// The addresses of the server that are known so far.
#[derive(Debug, Default)]
pub(super) struct Located {
    all: Vec<(SocketAddr, HostPort)>,
    /// Number of places that are being resolved.
    pub(super) awaited: usize,
    /// The first place without an address.
    pub(super) missing: Option<(HostPort, ResolveError)>,
}

impl Located {
    /// Takes the result of resolving one of `places`. A place that cannot be resolved again keeps
    /// its addresses.
    pub(super) fn take(&mut self, place: HostPort, found: Result<Vec<SocketAddr>, ResolveError>, places: &Places) {
        self.awaited = self.awaited.saturating_sub(1);
        match found {
            Ok(addresses) => {
                self.all.retain(|(_, known)| *known != place);
                self.all.extend(addresses.into_iter().map(|address| (address, place.clone())));
                self.all.sort_by_key(|(_, known)| places.iter().position(|place| place == known));
            }
            Err(error) => {
                self.missing.get_or_insert((place, error));
            }
        }
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.all.iter().map(|(address, _)| *address).collect()
    }

    /// Returns the place that has this address.
    pub(super) fn place_of(&self, address: SocketAddr) -> Option<&HostPort> {
        self.all.iter().find(|(known, _)| *known == address).map(|(_, place)| place)
    }
}
