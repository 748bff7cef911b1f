use proptest::prelude::*;

use kabar_core::chat::EntryKind;
use kabar_core::session::Fingerprint;

use super::fixture::*;
use crate::engine::Event;
use crate::engine::event::{Entry, EntryContent};
use crate::view::frame::Size;
use crate::view::keys::{Code, Key};
use crate::view::text::tests::hard_text;

#[derive(Clone, Debug)]
enum Step {
    Text(u32, String, String),
    Entry(u32, u16, Vec<u8>),
    Key(Key),
    Paste(String),
    Resize(usize, usize),
    Click(usize, usize),
    Focus(bool),
    Topic(u32, String),
    Members(Vec<String>),
    Question(bool),
    Reset(u32),
    Part(u32),
    Transfer(u32, u32, String, u8),
}

const KEYS: &[&str] = &[
    "enter",
    "alt-enter",
    "tab",
    "shift-tab",
    "left",
    "right",
    "up",
    "down",
    "home",
    "end",
    "ctrl-left",
    "ctrl-right",
    "backspace",
    "delete",
    "ctrl-w",
    "ctrl-u",
    "ctrl-k",
    "ctrl-y",
    "ctrl-_",
    "ctrl-n",
    "ctrl-p",
    "alt-a",
    "alt-1",
    "alt-3",
    "pageup",
    "pagedown",
    "ctrl-home",
    "ctrl-end",
    "ctrl-f",
    "f1",
    "alt-up",
    "alt-down",
    "alt-q",
    "alt-m",
    "alt-t",
    "ctrl-c",
    "escape",
    "y",
    "n",
    "/",
    ":",
    "@",
    "#",
    "a",
    "f24",
];

fn key() -> impl Strategy<Value = Key> {
    let named = proptest::sample::select(KEYS).prop_map(|key| key.parse().unwrap_or(Key::plain(Code::Escape)));
    prop_oneof![4 => named, 1 => any::<char>().prop_map(|c| Key::plain(Code::Char(c)))]
}

fn step() -> impl Strategy<Value = Step> {
    let kinds = proptest::sample::select(&[1_u16, 2, 3, 4, 16, 17, 18, 19, 20, 21, 22, 23, 99][..]);
    prop_oneof![
        5 => (0_u32..3, hard_text(), hard_text()).prop_map(|(room, author, text)| Step::Text(room, author, text)),
        2 => (0_u32..3, kinds, proptest::collection::vec(any::<u8>(), 0..12)).prop_map(|(room, kind, body)| Step::Entry(room, kind, body)),
        9 => key().prop_map(Step::Key),
        2 => hard_text().prop_map(Step::Paste),
        3 => (0_usize..130, 0_usize..30).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => (0_usize..130, 0_usize..30).prop_map(|(x, y)| Step::Click(x, y)),
        1 => any::<bool>().prop_map(Step::Focus),
        1 => (0_u32..3, hard_text()).prop_map(|(room, topic)| Step::Topic(room, topic)),
        1 => proptest::collection::vec(hard_text(), 0..6).prop_map(Step::Members),
        1 => any::<bool>().prop_map(Step::Question),
        1 => (0_u32..3).prop_map(Step::Reset),
        1 => (0_u32..8).prop_map(Step::Part),
        2 => (0_u32..4, 0_u32..6, hard_text(), any::<u8>()).prop_map(|(room, id, name, state)| Step::Transfer(room, id, name, state)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn every_frame_keeps_its_promises(steps in proptest::collection::vec(step(), 0..40)) {
        let mut fixture = Fixture::joined(80, 24, &["lobby", "ops", "garden"]);
        for step in steps {
            match step {
                Step::Text(room, author, text) => fixture.text(room, &author, &text),
                Step::Entry(room, kind, body) => {
                    let kind = EntryKind(kind.try_into().unwrap_or(99));
                    let entry = Entry { kind, content: EntryContent::Body(body), ..fixture.next_entry(room) };
                    fixture.event(Event::Entry(entry));
                }
                Step::Key(key) => drop(fixture.view.on_key(key)),
                Step::Paste(text) => drop(fixture.view.on_paste(&text)),
                Step::Resize(width, height) => drop(fixture.view.resize(Size { width, height })),
                Step::Click(x, y) => drop(fixture.view.on_click(x, y)),
                Step::Focus(is_focused) => drop(fixture.view.on_focus(is_focused)),
                Step::Topic(index, topic) => fixture.event(Event::Topic { room: room(index), topic, is_from_entry: true }),
                Step::Members(names) => fixture.event(Event::Members { room: room(0), names, is_complete: true }),
                Step::Question(true) => fixture.event(Event::KeyQuestion { server: SERVER, found: Fingerprint([0; 20]) }),
                Step::Question(false) => fixture.event(Event::PasswordQuestion { server: SERVER, room: "lobby".parse().unwrap(), was_wrong: false }),
                Step::Reset(index) => fixture.event(Event::HistoryReset { room: room(index) }),
                Step::Part(index) => fixture.event(Event::Parted { room: room(index) }),
                Step::Transfer(index, id, name, state) => fixture.event(Event::Transfer(transfer(index, id, &name, state))),
            }
            check(&fixture.view.layout());
        }
    }
}
