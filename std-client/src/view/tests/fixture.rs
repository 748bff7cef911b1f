//! A view with a server and rooms, and its screen as text.

use jiff::tz::TimeZone;
use kabar_core::chat::{EntryKind, Term};
use kabar_core::session::Fingerprint;
use kabar_core::time::Duration;

use crate::engine::event::{Entry, EntryContent, Joined, Transfer, TransferFailure, TransferState, Wait};
use crate::engine::{Command, Event, RoomId, ServerId};
use crate::messages::events::RoomLabel;
use crate::transfers::TransferId;
use crate::transfers::progress::Measured;
use crate::view::frame::{Frame, Size};
use crate::view::keys::{Bindings, Code, Key};
use crate::view::text::{clusters, width};
use crate::view::transcript::Joins;
use crate::view::transcript::line::{TimeFormat, Times};
use crate::view::transcript::source::{MemoryHistory, Source};
use crate::view::{Config, Effect, Sentences, View};

/// 2024-11-01 10:00 UTC.
const START_MS: u64 = 1_730_455_200_000;

pub(super) const SERVER: ServerId = ServerId(0);

pub(super) fn room(index: u32) -> RoomId {
    RoomId { server: SERVER, index }
}

pub(super) fn sentence(event: &Event, _: Option<RoomLabel<'_>>) -> Option<String> {
    match event {
        Event::Entry(_) | Event::Posted { .. } | Event::Stored { .. } | Event::ServerAdded { .. } => None,
        Event::RoomAdded { .. } | Event::Joined(_) | Event::OwnName { .. } | Event::RoomList { .. } => None,
        Event::ConnectionLost { .. } => Some("connection lost".to_owned()),
        Event::NotPosted { .. } => Some("not sent".to_owned()),
        Event::KeyQuestion { .. } => Some("the key is not known".to_owned()),
        Event::RoomEnded { .. } => Some("you were kicked".to_owned()),
        Event::Stats(_) => Some("statistics".to_owned()),
        Event::Output { text, .. } => Some(text.clone()),
        event => Some(format!("{event:?}").split(' ').next().unwrap_or_default().to_owned()),
    }
}

/// A transfer in one of its states.
pub(super) fn transfer(index: u32, id: u32, name: &str, state: u8) -> Transfer {
    let done = u64::from(state) << 14;
    let state = match state % 7 {
        0 => TransferState::Waiting(Wait::Others),
        1 => TransferState::Hashing(done),
        2 => TransferState::Storing,
        3 => TransferState::Sent(1),
        4 => TransferState::Failed(TransferFailure::NotSupported),
        _ => TransferState::Running(Measured { done, rate: Some(1 << 20), left: Some(Duration::from_secs(3)) }),
    };
    let (id, name) = (TransferId(id), name.to_owned());
    Transfer { id, room: room(index), is_upload: true, name, size: Some(4 << 20), state }
}

pub(super) struct Fixture {
    pub(super) view: View,
    pub(super) effects: Vec<Effect>,
    seq: [u64; 8],
}

impl Fixture {
    pub(super) fn empty(width: usize, height: usize) -> Self {
        Self::reading(Box::new(MemoryHistory::default()), width, height)
    }

    /// A view that reads this history.
    pub(super) fn reading(source: Box<dyn Source>, width: usize, height: usize) -> Self {
        let sentences = Sentences { event: sentence, commands: || "/help  this list".to_owned() };
        let times = Times { zone: TimeZone::UTC, format: TimeFormat::Minutes };
        let paths = Box::new(|typed: &str| vec![format!("{typed}.pdf")]);
        let config = Config { times, joins: Joins::Folded, bindings: Bindings::default(), sentences, paths };
        let mut view = View::new(config, source);
        assert!(view.resize(Size { width, height }).is_empty());
        Self { view, effects: Vec::new(), seq: [0; 8] }
    }

    /// A view with these rooms, all of them joined for the first time.
    pub(super) fn joined(width: usize, height: usize, rooms: &[&str]) -> Self {
        let mut fixture = Self::empty(width, height);
        let places = "kabar.example:7777".parse().unwrap();
        fixture.event(Event::ServerAdded { server: SERVER, places, is_host: false });
        fixture.event(Event::OwnName { server: SERVER, name: "me".to_owned(), is_chosen: false });
        for (index, name) in (0..).zip(rooms) {
            fixture.event(Event::RoomAdded { room: room(index), name: name.parse().unwrap() });
            fixture.join(index, 0, None, false);
        }
        fixture.effects.clear();
        fixture
    }

    pub(super) fn join(&mut self, index: u32, head: u64, seen: Option<u64>, is_again: bool) {
        self.event(Event::Joined(Joined {
            room: room(index),
            name: "me".to_owned(),
            server_key: Some(Fingerprint([0; 20])),
            members: Some(1),
            start: None,
            head,
            term: Term([0; 8]),
            is_resumed: false,
            seen,
            is_again,
        }));
    }

    pub(super) fn event(&mut self, event: Event) {
        let effects = self.view.on_event(&event);
        self.effects.extend(effects);
    }

    pub(super) fn next_entry(&mut self, index: u32) -> Entry {
        let seq = &mut self.seq[index as usize];
        *seq += 1;
        Entry {
            room: room(index),
            seq: *seq,
            time_ms: START_MS + *seq * 1000,
            author: "anna".to_owned(),
            instance: 1,
            number: *seq,
            kind: EntryKind::TEXT,
            content: EntryContent::Body(Vec::new()),
            is_own: false,
            is_replayed: false,
            is_hidden: false,
            is_mention: false,
            position: None,
        }
    }

    /// A member writes something.
    pub(super) fn text(&mut self, index: u32, author: &str, text: &str) {
        let content = EntryContent::Body(text.as_bytes().to_vec());
        let (author, is_mention) = (author.to_owned(), text.contains("@me"));
        let entry = Entry { author, content, is_mention, ..self.next_entry(index) };
        self.event(Event::Entry(entry));
    }

    pub(super) fn skip_entries(&mut self, index: u32, count: u64) {
        self.seq[index as usize] += count;
    }

    pub(super) fn members(&mut self, index: u32, names: &[&str]) {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        self.event(Event::Members { room: room(index), names, is_complete: true });
    }

    /// Presses keys, as they are written in a configuration.
    pub(super) fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            let effects = self.view.on_key(key.parse().unwrap());
            self.effects.extend(effects);
        }
    }

    pub(super) fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            let effects = self.view.on_key(Key::plain(Code::Char(c)));
            self.effects.extend(effects);
        }
    }

    /// Types a line and sends it.
    pub(super) fn send(&mut self, text: &str) {
        self.type_text(text);
        self.press("enter");
    }

    /// Takes the commands for the engine.
    pub(super) fn commands(&mut self) -> Vec<Command> {
        let effects = std::mem::take(&mut self.effects);
        let commands = effects.into_iter().filter_map(|effect| match effect {
            Effect::Command(command) => Some(command),
            _ => None,
        });
        commands.collect()
    }

    pub(super) fn screen(&self) -> Vec<String> {
        let frame = self.view.layout();
        check(&frame);
        paint(&frame)
    }

    /// Whether a row of the screen contains this.
    pub(super) fn shows(&self, text: &str) -> bool {
        self.screen().iter().any(|row| row.contains(text))
    }

    /// What is being typed.
    pub(super) fn typed(&self) -> &str {
        self.view.editor().text()
    }
}

/// Whether a frame keeps its promises.
pub(super) fn check(frame: &Frame) {
    let Size { width: columns, height } = frame.size;
    let mut cells = vec![false; columns * height];
    for area in &frame.areas {
        let rect = area.rect;
        assert!(rect.x + rect.width <= columns && rect.y + rect.height <= height, "{rect:?} {:?}", frame.size);
        assert!(area.rows.len() <= rect.height, "{area:?}");
        for row in &area.rows {
            assert!(row.width() <= rect.width, "{row:?} {rect:?}");
            let text = row.text();
            assert!(!text.chars().any(char::is_control), "{text:?}");
            assert!(row.spans.iter().all(|span| !span.text.is_empty()), "{row:?}");
        }
        for at in
            (rect.y..rect.y + rect.height).flat_map(|y| (rect.x..rect.x + rect.width).map(move |x| y * columns + x))
        {
            assert!(!std::mem::replace(&mut cells[at], true), "areas overlap: {rect:?}");
        }
    }
    if let Some((x, y)) = frame.cursor {
        assert!(x < columns && y < height, "{:?} {:?}", frame.cursor, frame.size);
    }
}

/// The rows of a frame as text, without spaces at their ends.
fn paint(frame: &Frame) -> Vec<String> {
    let mut cells = vec![vec![" ".to_owned(); frame.size.width]; frame.size.height];
    for area in &frame.areas {
        for (number, row) in area.rows.iter().enumerate() {
            let mut x = area.rect.x;
            for span in &row.spans {
                for cluster in clusters(&span.text).filter(|cluster| cluster.width > 0) {
                    cells[area.rect.y + number][x] = cluster.text.to_owned();
                    (1..cluster.width).for_each(|more| cells[area.rect.y + number][x + more].clear());
                    x += cluster.width;
                }
            }
        }
    }
    let rows: Vec<String> = cells.into_iter().map(|row| row.concat()).collect();
    rows.iter().for_each(|row| assert_eq!(width(row), frame.size.width));
    rows.into_iter().map(|row| row.trim_end().to_owned()).collect()
}
