//! What a small device does in a room: it says what it measures and answers when it is asked.
//!
//! ```text
//! each so often:   reading 7: 21.500 °C       and the same as data, for programs
//! @name status     ->  anna: reading 7 was 21.500 °C, led is off, up 1 min 5 s
//! @name led on     ->  anna: led is on
//! @name uptime     ->  anna: up 1 min 5 s
//! ```
//!
//! A [`Member`] is everything but the loop: call [`Member::run`], sleep until the moment that it returns or until something comes on
//! the link, and call it again. It waits for nothing but a serial line to take what it sends (0.1 s for the largest packet at 115,200
//! bit/s), and whatever the network does it goes on measuring. While the room is away its posts wait in the client; when there is no
//! room for more it counts what is missing and says so afterwards.

mod app;
mod command;
mod reading;
mod text;

use core::net::SocketAddr;

use kabar_core::chat::{EntryKind, ROOM_SECRET_LEN};
use kabar_core::client::{EndReason, Event, PostError, State};
use kabar_core::crypto::identity::Identity;
use kabar_core::session::Fingerprint;
use kabar_core::time::{Duration, Instant};
use rand_core::CryptoRng;

pub use app::MAX_REQUESTS;
pub use command::Command;
pub use reading::{MadeUp, READING_LEN, READING_TAG, Reading};

use crate::link::{Address, Link};
use crate::node::{Node, StartError, Storage};
use crate::profile;
use app::App;

/// So long without an answer is worth a word: from the network about an address, or from the server.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// A member with nothing to do is called again after so long.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What tells the time.
pub trait Clock {
    /// Its granularity in us.
    const TICK_US: u32;

    /// Time since any moment; it never goes back.
    fn now(&self) -> Instant;
}

/// What the device has besides a network.
pub trait Board {
    /// The temperature in thousandths of a degree Celsius.
    fn measure(&mut self) -> i32;

    /// Switches the light.
    fn set_led(&mut self, on: bool);

    /// For a log, if there is one.
    fn tell(&mut self, news: News<'_>);
}

/// What is worth a line in a log. Each state is told once, however long it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum News<'a> {
    /// The link has an address.
    Address(Address),
    /// It has none any more, or got none within [`PATIENCE`]; it goes on asking.
    NoAddress,
    /// The server did not answer within [`PATIENCE`]; the client goes on trying.
    NoAnswer,
    /// What the client says.
    Room(Event<'a>),
}

/// Who the device is and where it belongs.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// Where the server is; on a line that has two ends [`crate::link::FAR_END`].
    pub server: SocketAddr,
    /// The server's key.
    pub fingerprint: Fingerprint,
    /// The room.
    pub room: &'a str,
    /// Its secret.
    pub secret: [u8; ROOM_SECRET_LEN],
    /// The name wanted.
    pub name: &'a str,
    /// What owns the name: secret and permanent.
    pub identity: &'a Identity,
    /// Time between two readings; `None`: it measures nothing.
    pub every: Option<Duration>,
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
pub struct Member<'a, L, C, B> {
    node: Node<'a, L>,
    app: App,
    clock: C,
    board: B,
    /// The address that was told.
    address: Option<Address>,
    /// Since when an address, or an answer, is missing.
    waiting_since: Instant,
    /// That was told.
    is_told: bool,
    ended: Option<EndReason>,
}

impl<'a, L: Link, C: Clock, B: Board> Member<'a, L, C, B> {
    /// Begins to join. All that is random comes from `rng`, which has to be another one at each start ([`crate::seed`]).
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(
        storage: &'a mut Storage,
        settings: &Settings<'_>,
        link: L,
        clock: C,
        board: B,
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
        let app = App::new(settings.every, now);
        Ok(Self { node, app, clock, board, address: None, waiting_since: now, is_told: false, ended: None })
    }

    /// Does all that is due, and returns when to be called again if nothing comes on the link before.
    pub fn run(&mut self) -> Instant {
        let now = self.clock.now();
        self.poll(now);
        if self.act(now) {
            self.poll(now);
        }
        self.tell_network(now);
        let network = self.node.poll_timeout(self.clock.now());
        [network, self.app.deadline()].into_iter().flatten().fold(now + LONGEST_SLEEP, Instant::min)
    }

    /// Says something besides; it is stored some time after this returned.
    ///
    /// # Errors
    /// [`PostError`]: nothing was taken; `Full` passes.
    pub fn post(&mut self, kind: EntryKind, body: &[u8]) -> Result<u64, PostError> {
        self.node.client().post(kind, body)
    }

    /// Leaves once everything is stored. The client says `Ended` then.
    pub fn leave(&mut self) {
        let now = self.clock.now();
        self.node.client().leave(now);
    }

    /// Why the room is over, once it is. The device measures on and says no more.
    pub const fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// Readings taken so far.
    pub const fn readings(&self) -> u32 {
        self.app.readings()
    }

    /// The node: counters, state, the link.
    pub const fn node(&mut self) -> &mut Node<'a, L> {
        &mut self.node
    }

    /// The clock.
    pub const fn clock(&self) -> &C {
        &self.clock
    }

    /// What the device has besides.
    pub const fn board(&mut self) -> &mut B {
        &mut self.board
    }

    fn poll(&mut self, now: Instant) {
        let Self { node, app, board, ended, .. } = self;
        node.poll(now, |event| {
            let led = app.led();
            app.on_event(&event);
            if app.led() != led {
                board.set_led(app.led());
            }
            if let Event::Ended(reason) = event {
                *ended = Some(reason);
            }
            board.tell(News::Room(event));
        });
    }

    /// What the device does of its own accord. `true`: it said something.
    fn act(&mut self, now: Instant) -> bool {
        let Self { node, app, board, .. } = self;
        let mut post = |kind, body: &[u8]| node.client().post(kind, body);
        let is_measured = app.take_reading(now, || board.measure(), &mut post);
        app.answer(now, &mut post) || is_measured
    }

    fn tell_network(&mut self, now: Instant) {
        let address = self.node.address();
        if address != self.address {
            self.address = address;
            self.board.tell(address.map_or(News::NoAddress, News::Address));
            (self.waiting_since, self.is_told) = (now, address.is_none());
        }
        let is_silent = self.node.client().state() == State::Connecting { answered: false };
        if address.is_some() && !is_silent {
            (self.waiting_since, self.is_told) = (now, false);
        }
        if !self.is_told && now.saturating_since(self.waiting_since) >= PATIENCE {
            self.is_told = true;
            self.board.tell(if address.is_none() { News::NoAddress } else { News::NoAnswer });
        }
    }
}

#[cfg(all(test, feature = "host"))]
mod tests;
