use jiff::tz::TimeZone;
use kabar_core::chat::EntryKind;
use proptest::prelude::*;

use super::line::TimeFormat;
use super::source::MemoryHistory;
use super::*;
use crate::engine::ServerId;
use crate::engine::event::EntryContent;
use crate::view::text::tests::hard_text;

const ROOM: RoomId = RoomId { server: ServerId(0), index: 0 };

/// 2024-11-01 10:00 UTC.
const START_MS: u64 = 1_730_455_200_000;

fn times() -> Times {
    Times { zone: TimeZone::UTC, format: TimeFormat::Minutes }
}

fn entry(seq: u64, kind: EntryKind, author: &str, text: &str) -> Entry {
    Entry {
        seq,
        time_ms: START_MS + seq * 60_000,
        author: author.to_owned(),
        kind,
        content: EntryContent::Body(text.as_bytes().to_vec()),
        is_own: false,
        is_mention: false,
        is_ignored: false,
    }
}

fn text(seq: u64, text: &str) -> Entry {
    entry(seq, EntryKind::TEXT, "anna", text)
}

/// A transcript and its history.
struct Fixture {
    history: MemoryHistory,
    transcript: Transcript,
}

impl Fixture {
    fn new(joins: Joins, width: usize, height: usize) -> Self {
        let mut transcript = Transcript::new(ROOM, times(), joins);
        transcript.resize(width, height);
        Self { history: MemoryHistory::default(), transcript }
    }

    fn push(&mut self, entry: &Entry) {
        self.history.delivered(ROOM, entry);
        self.transcript.push(entry);
    }

    fn texts(&mut self, range: std::ops::RangeInclusive<u64>) {
        range.for_each(|seq| self.push(&text(seq, &format!("#{seq}."))));
    }

    fn rows(&mut self) -> Vec<String> {
        self.transcript.load(&self.history);
        self.transcript.rows().into_iter().map(|placed| placed.row.text()).collect()
    }

    fn scroll(&mut self, rows: isize) {
        self.transcript.scroll(&self.history, rows);
    }

    /// Scrolls from the first row to the last one, row by row.
    fn all_rows(&mut self) -> Vec<String> {
        self.transcript.scroll_to_start(&self.history);
        let mut all = self.rows();
        let place = |transcript: &Transcript| {
            let (block, row) = transcript.top();
            (transcript.blocks.get(block).map(Block::first), row)
        };
        loop {
            let before = place(&self.transcript);
            self.scroll(1);
            let rows = self.rows();
            if place(&self.transcript) == before {
                return all;
            }
            all.push(rows.last().cloned().unwrap_or_default());
        }
    }
}

/// The numbers `#N.` in rows.
fn numbers(rows: &[String]) -> Vec<u64> {
    let words = rows.iter().flat_map(|row| row.split(' '));
    words.filter_map(|word| word.strip_prefix('#')?.strip_suffix('.')?.parse().ok()).collect()
}

#[test]
fn displays_days_times_and_names() {
    let mut fixture = Fixture::new(Joins::Shown, 30, 9);
    fixture.push(&entry(1, EntryKind::JOINED, "bob", ""));
    fixture.push(&entry(2, EntryKind::TEXT, "bob", "hello\tx\nb\ty"));
    fixture.push(&entry(3, EntryKind::ACTION, "bob", "waves"));
    fixture.push(&entry(4, EntryKind::OPERATOR, "server", "dinner"));
    fixture.push(&entry(5, EntryKind::REMOVED, "bob", ""));
    fixture.push(&Entry { time_ms: START_MS + 86_400_000, ..text(6, "next day") });
    let rows = fixture.rows();
    assert_eq!(rows[0].trim_matches(['\u{2500}', ' ']), "Fri 1 Nov 2024");
    assert_eq!(
        rows[1..7],
        [
            "10:01 bob joined",
            "10:02 bob: hello   x",
            "  b       y",
            "10:03 * bob waves",
            "10:04 ~ server: dinner",
            "10:05 bob: [removed]",
        ]
    );
    assert_eq!((rows[7].trim_matches(['\u{2500}', ' ']), rows[8].as_str()), ("Sat 2 Nov 2024", "10:00 anna: next day"));
}

#[test]
fn texts_are_aligned_with_their_beginning() {
    let mut fixture = Fixture::new(Joins::Shown, 40, 3);
    fixture.push(&text(1, "a\tb\n\u{65e5}\u{672c}\tb\nmany words that do not fit into the row"));
    fixture.transcript.resize(40, 5);
    let rows = fixture.rows();
    assert_eq!(
        rows[1..],
        [
            "10:01 anna: a       b",
            "            \u{65e5}\u{672c}    b",
            "            many words that do not fit ",
            "            into the row",
        ]
    );
}

#[test]
fn follows_the_end_only_while_it_is_displayed() {
    let mut fixture = Fixture::new(Joins::Shown, 40, 5);
    fixture.texts(1..=50);
    assert_eq!(numbers(&fixture.rows()), [46, 47, 48, 49, 50]);
    fixture.texts(51..=51);
    assert_eq!(numbers(&fixture.rows()), [47, 48, 49, 50, 51]);
    fixture.scroll(-10);
    assert!(!fixture.transcript.is_end_visible());
    fixture.texts(52..=60);
    assert_eq!(numbers(&fixture.rows()), [37, 38, 39, 40, 41]);
    fixture.scroll(19);
    assert!(fixture.transcript.is_end_visible());
    fixture.texts(61..=61);
    assert_eq!(numbers(&fixture.rows()), [57, 58, 59, 60, 61]);
}

#[test]
fn a_resize_keeps_what_is_read() {
    let mut fixture = Fixture::new(Joins::Shown, 60, 6);
    (1..=80).for_each(|seq| fixture.push(&text(seq, &format!("#{seq}. {}", "word ".repeat(20)))));
    fixture.scroll(-60);
    let first = numbers(&fixture.rows());
    for width in [20, 33, 80, 17, 60] {
        fixture.transcript.resize(width, 6);
        fixture.rows();
    }
    assert_eq!(numbers(&fixture.rows()), first);
}

#[test]
fn pages_from_the_server_do_not_move_what_is_read() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 8);
    fixture.texts(500..=503);
    assert!(fixture.transcript.load(&fixture.history), "earlier entries are at the server");
    assert_eq!(numbers(&fixture.rows()), [500, 501, 502, 503]);
    let page: Vec<_> = (400..=499).map(|seq| text(seq, &format!("#{seq}."))).collect();
    fixture.history.received(ROOM, &page, Beyond::Server);
    fixture.transcript.reload_above();
    assert_eq!(numbers(&fixture.rows()), (496..=503).collect::<Vec<_>>(), "at the end");
    fixture.scroll(-1000);
    assert_eq!(numbers(&fixture.rows()), (400..=406).collect::<Vec<_>>());
    assert!(fixture.transcript.load(&fixture.history));
    let page: Vec<_> = (301..=399).map(|seq| text(seq, &format!("#{seq}."))).collect();
    fixture.history.received(ROOM, &page, Beyond::Nothing);
    fixture.transcript.reload_above();
    assert_eq!(numbers(&fixture.rows())[..3], [400, 401, 402]);
    assert!(!fixture.transcript.load(&fixture.history));
}

#[test]
fn successive_joins_are_one_row() {
    let mut fixture = Fixture::new(Joins::Folded, 60, 4);
    for (seq, name) in [(1, "bob"), (2, "carl"), (3, "bob")] {
        fixture.push(&entry(seq, EntryKind::JOINED, name, ""));
    }
    fixture.push(&entry(4, EntryKind::LEFT, "carl", ""));
    fixture.push(&text(5, "hello"));
    let folded = "10:01 bob, carl joined; carl left";
    assert_eq!(fixture.rows()[2..], [folded, "10:05 anna: hello"]);
    fixture.transcript.show_joins(Joins::Hidden);
    assert_eq!(fixture.rows()[3], "10:05 anna: hello");
    fixture.transcript.show_joins(Joins::Shown);
    assert_eq!(fixture.rows()[..2], ["10:02 carl joined", "10:03 bob joined"]);
}

#[test]
fn hidden_joins_in_any_number_are_skipped() {
    let mut fixture = Fixture::new(Joins::Hidden, 60, 3);
    fixture.push(&text(1, "#1."));
    (2..=2000).for_each(|seq| fixture.push(&entry(seq, EntryKind::JOINED, "bob", "")));
    fixture.push(&text(2001, "#2001."));
    fixture.transcript.unload();
    assert_eq!(numbers(&fixture.rows()), [1, 2001]);
}

#[test]
fn the_line_for_unread_entries_is_above_the_first_one() {
    let mut fixture = Fixture::new(Joins::Folded, 20, 5);
    fixture.push(&text(1, "one"));
    (2..=3).for_each(|seq| fixture.push(&entry(seq, EntryKind::JOINED, "bob", "")));
    fixture.transcript.set_unread_after(Some(2));
    let rows = fixture.rows();
    assert_eq!(rows[2], "10:02 bob joined");
    assert!(rows[3].contains(" new "), "{rows:?}");
    assert_eq!(rows[4], "10:03 bob joined");
    fixture.transcript.set_unread_after(Some(3));
    assert!(!fixture.rows().iter().any(|row| row.contains(" new ")));
}

#[test]
fn a_removed_text_vanishes() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 3);
    fixture.push(&text(1, "a secret"));
    fixture.rows();
    fixture.push(&Entry {
        content: EntryContent::Body(1_u64.to_be_bytes().to_vec()),
        ..entry(2, EntryKind::REMOVAL, "anna", "")
    });
    let expected = ["10:01 anna: [removed]", "10:02 anna removed message 1"];
    assert_eq!(fixture.rows()[1..], expected);
    fixture.transcript.unload();
    assert_eq!(fixture.rows()[1..], expected);
}

#[test]
fn ignored_entries_are_not_displayed() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 3);
    fixture.texts(1..=1);
    fixture.push(&Entry { is_ignored: true, ..text(2, "#2.") });
    fixture.texts(3..=3);
    assert_eq!(numbers(&fixture.rows()), [1, 3]);
}

#[test]
fn notices_stay_between_the_entries_where_they_came() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 4);
    fixture.transcript.load(&fixture.history);
    fixture.transcript.push_notice(Role::Notice, "connecting");
    fixture.texts(1..=2);
    fixture.transcript.push_notice(Role::Error, "lost\nand found");
    fixture.texts(3..=500);
    fixture.transcript.push_notice(Role::Notice, "end");
    let all = fixture.all_rows();
    let notices: Vec<_> = all.iter().enumerate().filter(|(_, row)| !row.contains('#')).collect();
    let notices: Vec<_> = notices.iter().map(|(at, row)| (*at, row.as_str())).collect();
    assert_eq!(notices[0], (0, "connecting"));
    assert_eq!(notices[2..], [(4, "lost"), (5, "  and found"), (504, "end")]);
    assert_eq!(numbers(&all), (1..=500).collect::<Vec<_>>());
}

#[test]
fn the_window_is_bounded_and_nothing_is_lost_or_doubled() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 10);
    fixture.rows();
    fixture.texts(1..=2500);
    assert_eq!(numbers(&fixture.all_rows()), (1..=2500).collect::<Vec<_>>());
    fixture.scroll(-1200);
    let middle = numbers(&fixture.rows());
    fixture.texts(2501..=4000);
    assert_eq!(numbers(&fixture.rows()), middle);
    assert!(fixture.transcript.blocks.len() <= MAX_BLOCKS);
    fixture.transcript.scroll_to_end();
    assert_eq!(numbers(&fixture.rows()), (3991..=4000).collect::<Vec<_>>());
}

#[test]
fn goes_to_an_entry() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 5);
    fixture.texts(1..=1000);
    for seq in [500, 3, 998, 1] {
        fixture.transcript.scroll_to(&fixture.history, seq);
        assert!(numbers(&fixture.rows()).contains(&seq), "{seq}");
    }
}

#[test]
fn a_reset_begins_again() {
    let mut fixture = Fixture::new(Joins::Folded, 40, 3);
    fixture.texts(1..=50);
    fixture.transcript.push_notice(Role::Notice, "lost");
    fixture.scroll(-9);
    fixture.history.reset(ROOM);
    fixture.transcript.reset();
    fixture.texts(1..=2);
    assert_eq!(numbers(&fixture.rows()), [1, 2]);
}

#[test]
fn names_have_the_same_colour_everywhere() {
    let colours: Vec<_> = ["anna", "bob", "carl", "dora", "anna"].map(line::nick_colour).into();
    assert!(colours[0] == colours[4] && colours.iter().all(|colour| *colour < super::super::span::NICK_COLOURS));
    let used: std::collections::BTreeSet<_> = (0..200).map(|n| line::nick_colour(&format!("member{n}"))).collect();
    assert_eq!(used.len(), usize::from(super::super::span::NICK_COLOURS));
}

/// A step of a random run.
#[derive(Clone, Debug)]
enum Step {
    Text(String),
    Joins(u8),
    Notice,
    Scroll(i8),
    Pages(i8),
    Resize(u8, u8),
    ShowJoins(Joins),
    Reload,
    Unread,
    Start,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => hard_text().prop_map(Step::Text),
        2 => (1_u8..90).prop_map(Step::Joins),
        2 => Just(Step::Notice),
        3 => any::<i8>().prop_map(Step::Scroll),
        1 => (-3_i8..3).prop_map(Step::Pages),
        3 => (0_u8..60, 0_u8..20).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => proptest::sample::select(&[Joins::Shown, Joins::Folded, Joins::Hidden][..]).prop_map(Step::ShowJoins),
        1 => Just(Step::Reload),
        1 => Just(Step::Unread),
        1 => Just(Step::Start),
        1 => Just(Step::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn no_run_loses_or_doubles_a_line(steps in proptest::collection::vec(step(), 1..60)) {
        let mut fixture = Fixture::new(Joins::Folded, 40, 10);
        let (mut seq, mut expected, mut notices) = (0, Vec::new(), 0_usize);
        fixture.rows();
        for step in steps {
            let before = fixture.transcript.place;
            let is_shown = fixture.transcript.is_end_visible();
            let mut moves = false;
            match &step {
                Step::Text(text) => {
                    seq += 1;
                    expected.push(seq);
                    fixture.push(&self::text(seq, &format!("#{seq}. {}", text.replace('#', "+"))));
                }
                Step::Joins(count) => for _ in 0..*count {
                    seq += 1;
                    fixture.push(&entry(seq, EntryKind::JOINED, &format!("member{}", seq % 7), ""));
                },
                Step::Notice => {
                    notices += 1;
                    fixture.transcript.push_notice(Role::Notice, "a notice");
                }
                Step::Scroll(rows) => (moves, _) = (true, fixture.scroll(isize::from(*rows))),
                Step::Pages(pages) => {
                    moves = true;
                    fixture.transcript.scroll_pages(&fixture.history, isize::from(*pages));
                }
                Step::Resize(width, height) => fixture.transcript.resize((*width).into(), (*height).into()),
                Step::ShowJoins(joins) => fixture.transcript.show_joins(*joins),
                Step::Reload => fixture.transcript.unload(),
                Step::Unread => fixture.transcript.set_unread_after(Some(seq / 2)),
                Step::Start => (moves, _) = (true, fixture.transcript.scroll_to_start(&fixture.history)),
                Step::End => (moves, _) = (true, fixture.transcript.scroll_to_end()),
            }
            if !moves && !is_shown {
                prop_assert_eq!(fixture.transcript.place, before, "{:?}", step);
            }
            fixture.transcript.load(&fixture.history);
            let (width, height) = (fixture.transcript.width, fixture.transcript.height);
            let rows = fixture.transcript.rows();
            prop_assert_eq!(rows.len(), height);
            for placed in &rows {
                prop_assert!(placed.row.width() <= width, "{:?} {placed:?}", step);
            }
        }
        fixture.transcript.resize(40, 7);
        let all = fixture.all_rows();
        prop_assert_eq!(numbers(&all), expected);
        prop_assert_eq!(all.iter().filter(|row| *row == "a notice").count(), notices);
        fixture.transcript.scroll_to_end();
        let mut back = fixture.rows();
        loop {
            let before = fixture.rows();
            fixture.scroll(-1);
            let after = fixture.rows();
            if before == after && fixture.transcript.top() == (0, 0) {
                break;
            }
            back.insert(0, after[0].clone());
        }
        prop_assert_eq!(numbers(&back), numbers(&all));
    }
}
