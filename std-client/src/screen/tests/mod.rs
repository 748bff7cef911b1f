//! What a terminal shows of a frame.

mod transfers;

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use kabar_core::chat::{EntryKind, Term};
use kabar_core::session::Fingerprint;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};

use super::draw;
use super::theme::{Background, Depth, Theme};
use crate::engine::event::{Entry, EntryContent, Joined};
use crate::engine::{Event, RoomId, ServerId};
use crate::language;
use crate::view::frame::Size;
use crate::view::keys::Bindings;
use crate::view::transcript::Joins;
use crate::view::transcript::line::{TimeFormat, Times};
use crate::view::transcript::source::MemoryHistory;
use crate::view::{Config, Sentences, View};

const SERVER: ServerId = ServerId(0);

/// 2024-11-01 10:37 UTC.
const TIME_MS: u64 = 1_730_457_420_000;

struct Screenshot {
    view: View,
    terminal: Terminal<TestBackend>,
    depth: Depth,
    seq: u64,
}

impl Screenshot {
    fn empty(width: u16, height: u16) -> Self {
        let sentences = Sentences { event: |_, _| None, commands: || "/help  this list".to_owned() };
        let times = Times { zone: TimeZone::UTC, format: TimeFormat::Minutes };
        let paths = Box::new(|_: &str| Vec::new());
        let config = Config { times, joins: Joins::Folded, bindings: Bindings::default(), sentences, paths };
        let mut view = View::new(config, Box::new(MemoryHistory::default()));
        let _ = view.resize(Size { width: width.into(), height: height.into() });
        let terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        Self { view, terminal, depth: Depth::Sixteen, seq: 0 }
    }

    fn joined(width: u16, height: u16, rooms: &[&str]) -> Self {
        let mut shot = Self::empty(width, height);
        let places = "kabar.example:7777".parse().unwrap();
        shot.event(Event::ServerAdded { server: SERVER, places, is_host: false });
        shot.event(Event::OwnName { server: SERVER, name: "farhan".to_owned(), is_chosen: false });
        for (index, name) in (0..).zip(rooms) {
            let room = RoomId { server: SERVER, index };
            shot.event(Event::RoomAdded { room, name: name.parse().unwrap() });
            let (name, term) = ("farhan".to_owned(), Term([0; 8]));
            let joined = Joined {
                room,
                server_key: Some(Fingerprint([0; 20])),
                name,
                members: Some(2),
                start: None,
                head: 0,
                term,
                is_resumed: false,
                seen: None,
                is_again: false,
            };
            shot.event(Event::Joined(joined));
            let names = vec!["anna".to_owned(), "farhan".to_owned()];
            shot.event(Event::Members { room, names, is_complete: true });
        }
        shot
    }

    fn event(&mut self, event: Event) {
        let _ = self.view.on_event(&event);
    }

    fn entry(&mut self, index: u32, kind: EntryKind, author: &str, text: &str) {
        self.body(index, kind, author, text.as_bytes());
    }

    fn body(&mut self, index: u32, kind: EntryKind, author: &str, body: &[u8]) {
        self.seq += 1;
        self.event(Event::Entry(Entry {
            room: RoomId { server: SERVER, index },
            seq: self.seq,
            time_ms: TIME_MS + self.seq * 1000,
            author: author.to_owned(),
            instance: 0,
            number: 0,
            kind,
            content: EntryContent::Body(body.to_vec()),
            is_own: author == "farhan",
            is_replayed: false,
            is_hidden: false,
            is_mention: String::from_utf8_lossy(body).contains("@farhan"),
            position: None,
        }));
    }

    fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            let _ = self.view.on_key(key.parse().unwrap());
        }
    }

    fn draw(&mut self) {
        let theme = Theme { depth: self.depth, background: Background::Dark };
        let frame = self.view.layout();
        self.terminal.draw(|canvas| draw::frame(&frame, theme, canvas)).unwrap();
    }

    /// The rows of the terminal.
    fn rows(&mut self) -> Vec<String> {
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let (width, height) = (buffer.area.width, buffer.area.height);
        let mut rows = Vec::new();
        for y in 0..height {
            let (mut row, mut covered) = (String::new(), 0);
            for x in 0..width {
                let symbol = buffer[(x, y)].symbol();
                if covered == 0 {
                    row.push_str(symbol);
                    covered = crate::view::text::width(symbol);
                }
                covered = covered.saturating_sub(1);
            }
            rows.push(row.trim_end().to_owned());
        }
        rows
    }

    /// The attributes of the cell in which this text begins.
    fn style(&mut self, text: &str) -> (Color, Modifier) {
        let rows = self.rows();
        let (y, x) = rows
            .iter()
            .enumerate()
            .find_map(|(y, row)| Some((y, crate::view::text::width(&row[..row.find(text)?]))))
            .unwrap_or_else(|| panic!("{text}: {rows:#?}"));
        let cell = &self.terminal.backend().buffer()[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())];
        (cell.fg, cell.modifier)
    }

    fn assert(&mut self, expected: &str) {
        let rows = self.rows().join("\n");
        let expected = expected.trim_start_matches('\n').trim_end();
        let mut message = String::new();
        let _ = write!(message, "the screen is\n{rows}\n");
        assert_eq!(rows.trim_end(), expected, "{message}");
    }
}

#[test]
fn empty() {
    Screenshot::empty(40, 10).assert(
        "
kabar








> F1: help; /quit leaves",
    );
}

fn conversation(width: u16, height: u16) -> Screenshot {
    let mut shot = Screenshot::joined(width, height, &["lobby", "ops", "garden"]);
    shot.entry(0, EntryKind::JOINED, "anna", "");
    shot.entry(0, EntryKind::TEXT, "anna", "hello @farhan, see https://kabar.example/a");
    shot.entry(0, EntryKind::TEXT, "farhan", "thank you");
    shot.entry(0, EntryKind::OPERATOR, "server", "dinner is ready");
    shot.entry(1, EntryKind::TEXT, "anna", "one");
    shot.entry(2, EntryKind::TEXT, "anna", "@farhan two");
    shot
}

#[test]
fn joined_with_many_rooms() {
    conversation(72, 10).assert(
        "
1 lobby           │#lobby
2 ops            1│
3 garden       1@1│────────────────── Fri 1 Nov 2024 ───────────────────
                  │10:37 anna joined
                  │10:37 anna: hello @farhan, see
                  │            https://kabar.example/a
                  │10:37 farhan: thank you
                  │10:37 ~ server: dinner is ready
 connected · farhan
[#lobby] type a message; F1: help; /quit leaves",
    );
}

#[test]
fn small() {
    conversation(40, 10).assert(
        "
#lobby

──────────── Fri 1 Nov 2024 ────────────
10:37 anna joined
10:37 anna: hello @farhan, see
            https://kabar.example/a
10:37 farhan: thank you
10:37 ~ server: dinner is ready
 connected · new: 2,3@1 · farhan
[#lobby] type a message; F1: help; /qui…",
    );
}

#[test]
fn small_in_indonesian() {
    language::with("id".parse().unwrap(), || {
        let mut shot = conversation(40, 10);
        shot.assert(
            "
#lobby

──────────── Jum 1 Nov 2024 ────────────
10:37 anna masuk
10:37 anna: hello @farhan, see
            https://kabar.example/a
10:37 farhan: thank you
10:37 ~ server: dinner is ready
 tersambung · baru: 2,3@1 · farhan
[#lobby] ketik pesan; F1: bantuan; /qui…",
        );
        shot.press("f1");
        shot.assert(
            "
#lobby
Tombol (escape menutup, pageup dan
          pagedown menggulir)
alt-1 ... alt-0  tampilkan ruang
enter  kirim
alt-enter, shift-enter  mulai baris baru
tab, shift-tab  lengkapi nama, perintah,
          ruang, berkas, :emoji:
 tersambung · baru: 2,3@1 · farhan
[#lobby] ketik pesan; F1: bantuan; /qui…",
        );
    });
}

#[test]
fn wide_characters_take_two_cells() {
    let mut shot = Screenshot::joined(40, 10, &["lobby"]);
    shot.entry(0, EntryKind::TEXT, "anna", "日本語のテキストは二つのセルを使います。\n👩‍👩‍👧 e\u{301} 🇮🇩 x");
    shot.assert(
        "
#lobby



──────────── Fri 1 Nov 2024 ────────────
10:37 anna: 日本語のテキストは二つのセル
            を使います。
            👩‍👩‍👧 e\u{301} 🇮🇩 x
 connected · farhan
[#lobby] type a message; F1: help; /qui…",
    );
}

#[test]
fn search_and_help() {
    let mut shot = conversation(40, 10);
    shot.press("ctrl-f t w");
    assert_eq!(shot.rows()[9], "not found: tw");
    shot.press("backspace h");
    assert_eq!(shot.rows()[9], "search: th");
    assert!(shot.style("thank").1.contains(Modifier::REVERSED));
    shot.press("escape f1");
    assert_eq!(shot.rows()[1], "Keys (escape closes this, pageup and");
    assert_eq!(shot.style("Keys").1, Modifier::BOLD);
}

#[test]
fn colours_and_their_absence() {
    let mut shot = conversation(72, 12);
    let cell = ratatui::buffer::Cell::EMPTY;
    assert_eq!(shot.style("hello"), (Color::Yellow, Modifier::BOLD));
    assert_eq!(shot.style("~ server"), (cell.fg, Modifier::REVERSED));
    assert!(shot.style("https").1.contains(Modifier::UNDERLINED));
    assert!(matches!(
        shot.style("anna: hello").0,
        Color::Red
            | Color::Green
            | Color::Yellow
            | Color::Blue
            | Color::Magenta
            | Color::Cyan
            | Color::LightRed
            | Color::LightGreen
            | Color::LightYellow
            | Color::LightBlue
            | Color::LightMagenta
            | Color::LightCyan
    ));
    shot.depth = Depth::Many;
    assert!(matches!(shot.style("anna: hello").0, Color::Indexed(_)));
    shot.depth = Depth::Monochrome;
    shot.draw();
    let cells = &shot.terminal.backend().buffer().content;
    assert!(cells.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert_eq!(shot.style("hello").1, Modifier::BOLD, "a mention is still set apart");
}

#[test]
fn the_cursor_is_where_text_is_typed() {
    let mut shot = conversation(40, 10);
    shot.press("h i");
    shot.draw();
    shot.terminal.backend_mut().assert_cursor_position((11, 9));
}

#[test]
fn links_cover_their_cells() {
    let shot = conversation(40, 10);
    let links = draw::links(&shot.view.layout());
    assert_eq!(links.len(), "https://kabar.example/a".len());
    assert_eq!(links.get(&(12, 5)).map(|link| &**link), Some("https://kabar.example/a"));
}

#[test]
fn an_invite_has_no_spaces_in_it_where_its_row_ends() {
    let mut shot = Screenshot::joined(80, 14, &["lobby"]);
    let address = "kabar://192.0.2.2:9999,[2001:db8::1]:9999/lobby";
    let invite = format!("{address}/PGF5DQOYMHZMD7NXJ74BGKQ6ZQ5M5QCK.DLAQ7RJBBXIXRLFEMYVJP4YM3E");
    shot.view.show_notice(&format!("Others join with:\n  kabar join {invite}\nand so on"));
    let _ = shot.view.refresh();
    let text: Vec<_> = shot.rows().iter().filter_map(|row| Some(row.split('\u{2502}').nth(1)?.to_owned())).collect();
    let text = text.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n");
    assert!(text.contains("Others join with:\nkabar join\nkabar://"), "{text}");
    assert!(text.replace('\n', "").contains(&invite), "{text}");
    assert!(text.contains("\n  and so on"), "{text}");
}

#[test]
fn a_smaller_terminal_has_less_of_a_frame() {
    let mut shot = conversation(72, 12);
    for (width, height) in [(71, 11), (10, 3), (1, 1), (80, 30)] {
        shot.terminal.backend_mut().resize(width, height);
        shot.draw();
    }
}
