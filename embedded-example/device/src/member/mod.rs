//! The main loop of a product: the node, the clock and the product's behaviour in the room.
//!
//! A [`Member`] is everything but the loop itself: call [`Member::run`], sleep until the time that
//! it returns or until something arrives on the link, and call it again. It waits for nothing but a
//! serial line to take what it sends (0.1 s for the largest packet at 115,200 bit/s), and it calls
//! the [`Application`] on time regardless of the network. While the room cannot be reached, posts
//! wait in the client.

use core::net::SocketAddr;

use kabar_core::chat::{EntryKind, ROOM_SECRET_LEN};
use kabar_core::client::{EndReason, Event, PostError, RoomSlot, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use kabar_core::transport::BufferProvider;
use rand_core::CryptoRng;

use crate::link::{Address, Link};
use crate::node::{Node, StartError, Storage};
use crate::profile::{self, DeviceClient, DeviceMemory};

/// Time without an address, or without an answer from the server, until it is reported.
pub const NOTICE_AFTER: Duration = Duration::from_secs(5);

/// Longest time until [`Member::run`] wants to be called again.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// A monotonic clock.
pub trait Clock {
    /// Its granularity in us.
    const TICK_US: u32;

    /// Time since any fixed moment; it never goes back.
    fn now(&self) -> Instant;
}

/// A product's part of a [`Member`]: sensors, lights, commands, a log. `M` is the memory of the
/// client.
pub trait Application<M: BufferProvider = DeviceMemory> {
    /// Handles something that happened in the room or to the link.
    fn on_event(&mut self, event: DeviceEvent<'_>);

    /// Does what is due at `now`. Returns `true` if it called the client, whose datagrams are sent
    /// at once then.
    fn run(&mut self, now: Instant, client: &mut DeviceClient<M>) -> bool;

    /// When [`Application::run`] is due; `None`: after the next event at the earliest.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// Something that an application may act on or log. Each state is reported once, however long it
/// lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEvent<'a> {
    /// The link has an address.
    Address(Address),
    /// The link lost its address, or got none within [`NOTICE_AFTER`]; it keeps asking.
    NoAddress,
    /// The server did not answer within [`NOTICE_AFTER`]; the client keeps trying.
    NoAnswer,
    /// An event of the client.
    Room(Event<'a>),
}

/// The room that the device joins, and the name and key of the device there.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The server's address; on a serial line [`crate::link::SERIAL_PEER`].
    pub server: SocketAddr,
    /// The server's key.
    pub fingerprint: Fingerprint,
    /// The room.
    pub room: &'a str,
    /// The room's secret.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The requested name.
    pub name: &'a str,
    /// The key that owns the name: secret and permanent.
    pub identity: &'a Identity,
}

impl core::fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Settings")
            .field("server", &self.server)
            .field("room", &self.room)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Member<'a, L, C, A, M: BufferProvider = DeviceMemory> {
    node: Node<'a, L, M>,
    clock: C,
    application: A,
    /// The address that was reported.
    address: Option<Address>,
    /// The time since which an address, or an answer, is missing.
    waiting_since: Instant,
    /// Whether that was reported.
    is_reported: bool,
    ended: Option<EndReason>,
}

impl<'a, L: Link, C: Clock, A: Application<M>, M: BufferProvider> Member<'a, L, C, A, M> {
    /// Begins to join. All randomness comes from `rng`, which must differ at each start
    /// ([`crate::seed`]).
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(
        storage: &'a mut Storage<M>,
        settings: &Settings<'_>,
        link: L,
        clock: C,
        application: A,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, StartError> {
        let now = clock.now();
        let mut node = Node::new(storage, link);
        let config = profile::config(
            settings.server,
            settings.fingerprint,
            settings.secret,
            settings.room,
            settings.name,
            settings.identity,
            C::TICK_US,
        );
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        node.start(&config, seed, now)?;
        Ok(Self { node, clock, application, address: None, waiting_since: now, is_reported: false, ended: None })
    }

    /// Does everything that is due. Returns when to call it again if nothing arrives on the link
    /// before.
    pub fn run(&mut self) -> Instant {
        let now = self.clock.now();
        self.poll(now);
        if self.application.run(now, self.node.client()) {
            self.poll(now);
        }
        self.report_network(now);
        let network = self.node.poll_timeout(self.clock.now());
        [network, self.application.poll_timeout()].into_iter().flatten().fold(now + LONGEST_SLEEP, Instant::min)
    }

    /// Posts an entry; [`Event::Stored`] reports when it is stored.
    ///
    /// # Errors
    /// [`PostError`]: nothing was taken; `Full` passes.
    pub fn post(&mut self, kind: EntryKind, body: &[u8]) -> Result<u64, PostError> {
        self.node.client().post(RoomSlot::FIRST, kind, body)
    }

    /// Leaves once every post is settled; [`Member::ended`] returns a reason afterwards.
    pub fn leave(&mut self) {
        let now = self.clock.now();
        self.node.client().leave(now);
    }

    /// Why the client ended, once it has. The application keeps running.
    pub const fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// The node: counters, state, the link.
    pub const fn node(&mut self) -> &mut Node<'a, L, M> {
        &mut self.node
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// The product's part.
    pub const fn application(&mut self) -> &mut A {
        &mut self.application
    }

    fn poll(&mut self, now: Instant) {
        let Self { node, application, ended, .. } = self;
        node.poll(now, |event| {
            if let Event::Ended(reason) = event {
                *ended = Some(reason);
            }
            application.on_event(DeviceEvent::Room(event));
        });
    }

    fn report_network(&mut self, now: Instant) {
        let address = self.node.address();
        if address != self.address {
            self.address = address;
            self.application.on_event(address.map_or(DeviceEvent::NoAddress, DeviceEvent::Address));
            (self.waiting_since, self.is_reported) = (now, address.is_none());
        }
        let is_silent = self.node.client().state(RoomSlot::FIRST) == State::Connecting { answered: false };
        if address.is_some() && !is_silent {
            (self.waiting_since, self.is_reported) = (now, false);
        }
        if !self.is_reported && now.saturating_since(self.waiting_since) >= NOTICE_AFTER {
            self.is_reported = true;
            let event = if address.is_none() { DeviceEvent::NoAddress } else { DeviceEvent::NoAnswer };
            self.application.on_event(event);
        }
    }
}

#[cfg(test)]
mod tests;
