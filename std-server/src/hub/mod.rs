//! The hub: connections, members, the room's log, limits. Sans-IO, like the core: datagrams, time and finished jobs in;
//! datagrams, deadlines, jobs and events out (SPEC 3.6, 4.5, 6, 7).
//!
//! # The drive contract
//!
//! After [`Hub::new`], any `handle_*` and any operator call: drain [`Hub::poll_transmit`], [`Hub::poll_job`] and
//! [`Hub::poll_event`], then sleep until [`Hub::poll_timeout`], the next datagram or the next finished job. A job that was
//! fetched comes back by [`Hub::handle_done`], from whatever thread ran it.

mod config;
mod counters;
mod events;
mod jobs;
mod memory;

use core::net::SocketAddr;

use kabar_core::connection::Transmit;
use kabar_core::crypto::Provider;
use kabar_core::time::Instant;

use crate::store::Loaded;

pub use config::{Entrance, HubConfig, HubLimits, Mistakes, Profile};
pub use counters::Counters;
pub use events::{Departure, HubEvent};
pub use jobs::{
    AcceptDone, AcceptJob, Done, Job, JobKind, NoPassword, PasswordDone, PasswordJob, PasswordVerifier, StoreDone,
    StoreJob,
};
pub use memory::{Pool, Pooled};

/// The hub of one room.
#[derive(Debug)]
pub struct Hub<P: Provider> {
    _provider: core::marker::PhantomData<fn() -> P>,
}

/// One member, for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The name as the server wrote it.
    pub name: String,
    /// Where it is.
    pub address: SocketAddr,
}

impl<P: Provider> Hub<P> {
    /// Begins a run over what the store holds. `modulus` is that of the server's key. `seed` must be fresh and secret: everything
    /// random comes from it.
    #[must_use]
    pub fn new(config: HubConfig, loaded: Loaded, modulus: &[u8], seed: [u8; 32], now: Instant) -> Self {
        let _ = (config, loaded, modulus, seed, now);
        todo!()
    }

    /// Says what time it is: `unix_ms` since 1970 at `now`. Entries carry it. Call it at the start and when the clock was set.
    pub fn set_wall(&mut self, now: Instant, unix_ms: u64) {
        let _ = (now, unix_ms);
        todo!()
    }

    /// Takes a datagram, in place.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        let _ = (now, from, datagram);
        todo!()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Takes a finished job.
    pub fn handle_done(&mut self, now: Instant, done: Done) {
        let _ = (now, done);
        todo!()
    }

    /// The next datagram to send, in `out` (at least 1200 bytes). Those to one peer come one after the other.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Transmit> {
        let _ = (now, out);
        todo!()
    }

    /// The next job to run.
    pub fn poll_job(&mut self) -> Option<Job<P>> {
        todo!()
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<HubEvent> {
        todo!()
    }

    /// When to call [`Hub::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        todo!()
    }

    /// Says `text` (up to 4096 bytes; the rest is cut off) to the room as the operator.
    pub fn say(&mut self, now: Instant, text: &str) {
        let _ = (now, text);
        todo!()
    }

    /// Puts a member out. `false`: there is nobody of that name.
    pub fn kick(&mut self, now: Instant, name: &str) -> bool {
        let _ = (now, name);
        todo!()
    }

    /// Ends the ownership of a name, so that anybody may take it. `false`: nobody owns it, or the owner is here.
    pub fn release_name(&mut self, now: Instant, name: &str) -> bool {
        let _ = (now, name);
        todo!()
    }

    /// Who is here, by name.
    #[must_use]
    pub fn who(&self) -> Vec<Presence> {
        todo!()
    }

    /// Stops: everybody is told, nobody comes in any more. What was taken before is still committed: go on driving until
    /// [`Hub::is_finished`], or for as long as one is willing to wait.
    pub fn shutdown(&mut self, now: Instant) {
        let _ = now;
        todo!()
    }

    /// Whether, after [`Hub::shutdown`], nothing is left to send or to commit.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        todo!()
    }

    /// Largest seq that is committed.
    #[must_use]
    pub fn head(&self) -> u64 {
        todo!()
    }

    /// What was counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        todo!()
    }

    /// A digest of connections, members, room and what waits to be committed: equal before and after a datagram that does not
    /// authenticate (SPEC 7, S6). Counters, half-open entries and limiters are left out. For tests.
    #[doc(hidden)]
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        todo!()
    }
}
