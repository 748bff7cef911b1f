//! What several tests of this folder need: a front end that records.

use std::cell::RefCell;
use std::sync::LazyLock;

use kabar_std::address::{HostPort, Places};
use kabar_std::invite::RoomName;

use super::attempt::Attempt;
use super::*;
use crate::command::{self, Command};
use crate::cursor::Position;
use crate::messages::notices;

/// The room of the tests.
static LOBBY: LazyLock<RoomName> = LazyLock::new(RoomName::default);

/// A front end that records what it displays: notices in words, entries as number and author.
#[derive(Debug, Default)]
pub(super) struct Screen(RefCell<Vec<String>>);

impl Screen {
    /// Returns what was displayed since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        self.0.take()
    }

    /// The lobby, which is shown.
    pub(super) fn lobby(&self) -> view::RoomView<'_> {
        view::RoomView { ui: self, label: RoomLabel { name: &LOBBY, is_shown: true } }
    }

    /// The lobby while another room is shown.
    pub(super) fn not_shown(&self) -> view::RoomView<'_> {
        view::RoomView { ui: self, label: RoomLabel { name: &LOBBY, is_shown: false } }
    }

    fn show(&self, line: String) {
        self.0.borrow_mut().push(line);
    }
}

impl FrontEnd for Screen {
    fn can_ask(&self) -> bool {
        false
    }

    fn is_prompt(&self) -> bool {
        true
    }

    fn parse<'a>(&self, line: &'a str) -> Command<'a> {
        command::typed(line)
    }

    fn set_name(&self, _: &str) {}

    fn set_rooms(&self, _: &RoomsView<'_>) {}

    fn resume_input(&self) {}

    fn shows_everything(&self) -> bool {
        false
    }

    fn skipped(&self, position: Position) {
        self.show(format!("skip {}", position.cursor.seq));
    }

    fn entry(&self, entry: &DisplayedEntry<'_>, _: Option<Position>) {
        self.show(format!("{} {}", entry.header.seq, entry.header.author));
    }

    fn history_line(&self, entry: &DisplayedEntry<'_>) -> Option<String> {
        Some(format!("{} {}\n", entry.header.seq, entry.header.author))
    }

    fn notice(&self, notice: &Notice<'_>) {
        notices::text(notice, None).into_iter().for_each(|text| self.show(text));
    }

    fn room_notice(&self, room: RoomLabel<'_>, notice: &Notice<'_>) {
        notices::text(notice, Some(room)).into_iter().for_each(|text| self.show(text));
    }

    fn end_line(&self) {}

    fn has_room(&self) -> bool {
        true
    }

    fn start_input(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn ask_key(&self) -> io::Result<()> {
        Ok(())
    }

    fn ask_password(&self, _: &RoomName, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn settle(&self, _: DrainTimeout) -> Vec<Loss> {
        Vec::new()
    }

    fn ended(&self, _: &SessionReport, _: u64) {}

    fn finish(self: Box<Self>, _: DrainTimeout) -> Vec<Loss> {
        Vec::new()
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
