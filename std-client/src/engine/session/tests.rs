//! What several tests of this folder need: a queue that is read as words.

use std::sync::LazyLock;

use kabar_std::address::{HostPort, Places};

use super::attempt::Attempt;
use super::output::RoomOutput;
use super::*;
use crate::engine::event::RoomId;
use crate::engine::queue::{Events, queues};
use crate::messages::events::{RoomLabel, text};
use crate::poller::Poller;

/// The room of the tests.
pub(super) static LOBBY: LazyLock<RoomId> = LazyLock::new(|| RoomId { server: ServerId(0), index: 0 });

/// Records events: in words, entries as number and author.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) sink: EventSink,
    events: Events,
    _poller: Poller,
}

impl Default for Recorder {
    fn default() -> Self {
        let (poller, waker) = Poller::new().unwrap();
        let (_, events, _, sink) = queues(&waker, Arc::new(|| ()));
        Self { sink, events, _poller: poller }
    }
}

impl Recorder {
    /// Returns what was reported since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        self.sink.flush(Vec::new());
        std::iter::from_fn(|| self.events.try_recv()).filter_map(|event| words(&event)).collect()
    }

    /// The output of the lobby.
    pub(super) fn lobby(&self) -> RoomOutput<'_> {
        RoomOutput { sink: &self.sink, room: *LOBBY }
    }
}

fn words(event: &Event) -> Option<String> {
    match event {
        Event::Entry(entry) if entry.is_hidden => Some(format!("hidden {}", entry.seq)),
        Event::Entry(entry) => Some(format!("{} {}", entry.seq, entry.author)),
        Event::OwnName { name, .. } => Some(format!("name {name}")),
        event => text(event, Some(RoomLabel { name: "lobby", is_shown: true })),
    }
}

#[test]
fn all_addresses_share_one_timeout() {
    let start = Instant::from_micros(1_000_000);
    assert_eq!(Attempt::new(start).deadline(), start + CONNECT_TIMEOUT);
}

#[test]
fn resolving_a_place_again_replaces_only_its_addresses() {
    let places: Places = "there,192.0.2.1,here".parse().unwrap();
    let place = |text: &str| -> HostPort { text.parse().unwrap() };
    let addresses =
        |texts: &[&str]| -> Vec<std::net::SocketAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
    let mut located = Located::default();
    located.take(place("192.0.2.1"), Ok(addresses(&["192.0.2.1:9999"])), &places);
    located.take(place("there"), Ok(addresses(&["192.0.2.2:9999", "192.0.2.3:9999"])), &places);
    located.take(place("here"), Err(crate::resolve::ResolveError::NoAddress), &places);
    let all = addresses(&["192.0.2.2:9999", "192.0.2.3:9999", "192.0.2.1:9999"]);
    assert_eq!(located.addresses(), all, "in the order of the places");
    located.take(place("there"), Ok(addresses(&["192.0.2.4:9999"])), &places);
    located.take(place("192.0.2.1"), Err(crate::resolve::ResolveError::NoAddress), &places);
    assert_eq!(located.addresses(), addresses(&["192.0.2.4:9999", "192.0.2.1:9999"]));
    assert_eq!(located.place_of("192.0.2.4:9999".parse().unwrap()), Some(&place("there")));
}
