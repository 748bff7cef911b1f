use kabar_core::chat::EntryKind;
use kabar_core::client::DisconnectReason;

use super::fixture::*;
use crate::command::Notify;
use crate::engine::event::{Earlier, Entry, EntryContent, HistoryPage, Reconnected};
use crate::engine::{Command, Event};
use crate::view::Effect;

fn reads(commands: &[Command]) -> Vec<(u32, u64)> {
    let reads = commands.iter().filter_map(|command| match command {
        Command::MarkRead { room, seq } => Some((room.index, *seq)),
        _ => None,
    });
    reads.collect()
}

fn requests(commands: &[Command]) -> Vec<u64> {
    let requests = commands.iter().filter_map(|command| match command {
        Command::History { before, .. } => Some(*before),
        _ => None,
    });
    requests.collect()
}

fn page(fixture: &mut Fixture, range: std::ops::RangeInclusive<u64>, earlier: Earlier) {
    let template = Entry { room: room(0), ..fixture.next_entry(1) };
    let entries = range.map(|seq| Entry {
        seq,
        content: EntryContent::Body(format!("#{seq}.").into_bytes()),
        is_replayed: true,
        ..template.clone()
    });
    let entries = entries.collect();
    fixture.event(Event::HistoryPage(HistoryPage { room: room(0), entries, is_last: false, earlier }));
}

#[test]
fn a_wide_screen_has_rooms_and_members() {
    let mut fixture = Fixture::joined(92, 9, &["lobby", "ops"]);
    fixture.members(0, &["anna", "bob", "me"]);
    fixture.text(0, "anna", "hello");
    fixture.text(1, "bob", "@me: please look");
    assert_eq!(
        fixture.screen(),
        [
            "1 lobby           \u{2502}#lobby                                                  \u{2502}3 here",
            "2 ops          1@1\u{2502}                                                        \u{2502}anna",
            "                  \u{2502}                                                        \u{2502}bob",
            "                  \u{2502}                                                        \u{2502}me",
            "                  \u{2502}                                                        \u{2502}",
            "                  \u{2502}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500} Fri 1 Nov 2024 \u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2500}\u{2502}",
            "                  \u{2502}10:00 anna: hello                                       \u{2502}",
            " connected \u{b7} me",
            "[#lobby] type a message; F1: help; /quit leaves",
        ]
    );
    assert_eq!(fixture.view.layout().title, "(1!) #lobby");
}

#[test]
fn a_small_screen_has_the_transcript() {
    let mut fixture = Fixture::joined(40, 10, &["lobby", "ops"]);
    fixture.text(0, "anna", "hello");
    fixture.text(1, "bob", "@me: please look");
    fixture.type_text("hi");
    let screen = fixture.screen();
    assert_eq!(screen[0], "#lobby");
    assert_eq!(screen[7..], ["10:00 anna: hello", " connected \u{b7} new: 2@1 \u{b7} me", "[#lobby] hi"]);
    assert_eq!(fixture.view.layout().cursor, Some((11, 9)));
}

#[test]
fn other_rooms_count_what_is_unread() {
    let mut fixture = Fixture::joined(80, 10, &["lobby", "ops"]);
    fixture.text(1, "bob", "one");
    fixture.text(1, "bob", "@me two");
    let joined = Entry { kind: EntryKind::JOINED, ..fixture.next_entry(1) };
    fixture.event(Event::Entry(joined));
    let own = Entry { is_own: true, ..fixture.next_entry(1) };
    fixture.event(Event::Entry(own));
    assert!(fixture.shows("2 ops          2@1"));
    let alerts = fixture.effects.iter().filter(|effect| matches!(effect, Effect::Alert { .. })).count();
    assert_eq!(alerts, 1);
    fixture.effects.clear();
    fixture.press("alt-2");
    assert!(fixture.shows("2 ops             \u{2502}"));
    assert!(fixture.shows(" new \u{2500}"), "{:#?}", fixture.screen());
    assert_eq!(reads(&fixture.commands()), [(1, 4)]);
    fixture.press("alt-1");
    fixture.press("alt-2");
    assert!(!fixture.shows(" new \u{2500}"));
}

#[test]
fn what_was_read_before_is_not_unread() {
    let mut fixture = Fixture::empty(80, 12);
    let places = "kabar.example:7777".parse().unwrap();
    fixture.event(Event::ServerAdded { server: SERVER, places, is_host: false });
    fixture.event(Event::RoomAdded { room: room(0), name: "lobby".parse().unwrap() });
    fixture.event(Event::RoomAdded { room: room(1), name: "ops".parse().unwrap() });
    fixture.join(1, 3, Some(2), false);
    fixture.join(0, 3, None, false);
    for index in [0, 1] {
        for _ in 0..3 {
            let entry = Entry { is_replayed: true, is_mention: true, ..fixture.next_entry(index) };
            fixture.event(Event::Entry(entry));
        }
    }
    assert!(fixture.shows("2 ops          1@1\u{2502}"), "{:#?}", fixture.screen());
    assert!(!fixture.shows(" new "));
    assert!(!fixture.effects.iter().any(|effect| matches!(effect, Effect::Alert { .. })), "it is old");
}

#[test]
fn without_the_focus_nothing_is_read() {
    let mut fixture = Fixture::joined(80, 12, &["lobby"]);
    fixture.text(0, "anna", "one");
    assert_eq!(reads(&fixture.commands()), [(0, 1)]);
    assert!(fixture.view.on_focus(false).is_empty());
    fixture.text(0, "anna", "two");
    assert!(reads(&fixture.commands()).is_empty());
    assert!(fixture.shows(" new ") && fixture.shows("two"));
    let effects = fixture.view.on_focus(true);
    assert!(matches!(effects[..], [Effect::Command(Command::MarkRead { seq: 2, .. })]), "{effects:?}");
}

#[test]
fn a_mention_alerts_unless_it_is_looked_at() {
    let mut fixture = Fixture::joined(80, 12, &["lobby"]);
    let mut alerts = |focus: Option<bool>| {
        if let Some(is_focused) = focus {
            let _ = fixture.view.on_focus(is_focused);
        }
        fixture.effects.clear();
        fixture.text(0, "anna", "@me");
        fixture.effects.iter().filter(|effect| matches!(effect, Effect::Alert { .. })).count()
    };
    assert_eq!([alerts(None), alerts(Some(false)), alerts(Some(true))], [1, 1, 0]);
}

#[test]
fn a_room_alerts_for_what_it_is_set_to() {
    let mut fixture = Fixture::joined(80, 12, &["lobby"]);
    let mut alerts = |notify| {
        fixture.event(Event::NotifySet { room: room(0), notify });
        fixture.effects.clear();
        ["hello", "@me"].iter().for_each(|text| fixture.text(0, "anna", text));
        fixture.effects.iter().filter(|effect| matches!(effect, Effect::Alert { .. })).count()
    };
    assert_eq!([Notify::All, Notify::Mentions, Notify::Nothing].map(&mut alerts), [2, 1, 0]);
}

#[test]
fn reading_earlier_lines_marks_nothing_as_read() {
    let mut fixture = Fixture::joined(40, 10, &["lobby"]);
    (0..50).for_each(|number| fixture.text(0, "anna", &format!("#{number}.")));
    fixture.press("pageup");
    fixture.effects.clear();
    fixture.text(0, "anna", "new");
    assert!(fixture.shows("more below") && !fixture.shows("anna: new"));
    assert!(reads(&fixture.commands()).is_empty());
    assert_eq!(fixture.view.layout().title, "(1) #lobby");
    fixture.press("ctrl-end");
    assert!(fixture.shows("anna: new") && !fixture.shows("more below"));
    assert_eq!(reads(&fixture.commands()), [(0, 51)]);
}

#[test]
fn earlier_pages_are_requested_once() {
    let mut fixture = Fixture::joined(40, 10, &["lobby"]);
    fixture.skip_entries(0, 500);
    fixture.text(0, "anna", "#501.");
    assert_eq!(requests(&fixture.commands()), [501]);
    fixture.press("pageup");
    assert!(fixture.commands().is_empty(), "it is on its way");
    page(&mut fixture, 401..=500, Earlier::Possible);
    assert!(fixture.shows("#501.") && fixture.shows("#500."));
    fixture.press("ctrl-home");
    assert_eq!(requests(&fixture.commands()), [401]);
    page(&mut fixture, 401..=500, Earlier::Possible);
    assert!(requests(&fixture.commands()).is_empty(), "a page with nothing earlier is the last one");
    assert!(fixture.shows("#401."));
}

#[test]
fn a_page_is_requested_again_after_the_connection_was_lost() {
    let mut fixture = Fixture::joined(40, 10, &["lobby"]);
    fixture.skip_entries(0, 500);
    fixture.text(0, "anna", "#501.");
    let lost =
        Event::ConnectionLost { server: SERVER, reason: DisconnectReason::Silent, refusal: String::new(), slept: None };
    fixture.commands();
    fixture.event(lost);
    fixture.event(Event::NotConnected { server: SERVER });
    fixture.press("pageup");
    assert_eq!(requests(&fixture.commands()).len(), 1, "not again and again");
    assert!(fixture.shows("reconnecting") && fixture.shows("connection lost"));
    let again = Reconnected { server: SERVER, seconds: 1, is_resumed: true, is_restarted: false, members: None };
    fixture.event(Event::Reconnected(again));
    assert_eq!(requests(&fixture.commands()), [501]);
}

#[test]
fn a_room_that_ended_can_be_read_and_joined_again() {
    let mut fixture = Fixture::joined(80, 10, &["lobby"]);
    fixture.text(0, "anna", "hello");
    let first = room(0);
    fixture.view.rooms.get_mut(&first).unwrap().state = crate::view::room::RoomState::Ended;
    assert!(fixture.shows("not in this room") && fixture.shows("anna: hello"));
    fixture.send("hi");
    assert!(fixture.typed() == "hi" && fixture.shows("you are in no room"));
    fixture.event(Event::RoomAdded { room: room(7), name: "lobby".parse().unwrap() });
    fixture.join(7, 0, None, false);
    assert!(fixture.shows("1 lobby") && !fixture.shows("2 lobby") && fixture.shows(" connected"));
    fixture.event(Event::Parted { room: room(7) });
    assert!(!fixture.shows("lobby"));
}

#[test]
fn a_reset_displays_the_history_again() {
    let mut fixture = Fixture::joined(40, 10, &["lobby"]);
    (0..20).for_each(|_| fixture.text(0, "anna", "before"));
    fixture.event(Event::HistoryReset { room: room(0) });
    let entry = Entry { seq: 1, content: EntryContent::Body(b"after".to_vec()), ..fixture.next_entry(0) };
    fixture.event(Event::Entry(entry));
    assert!(fixture.shows("anna: after") && !fixture.shows("before"));
}

#[test]
fn members_follow_what_happens() {
    let mut fixture = Fixture::joined(92, 10, &["lobby"]);
    fixture.members(0, &["anna", "me"]);
    let mut happens = |kind, author: &str, body: &str| {
        let content = EntryContent::Body(body.as_bytes().to_vec());
        let entry = Entry { kind, author: author.to_owned(), content, ..fixture.next_entry(0) };
        fixture.event(Event::Entry(entry));
        fixture
            .screen()
            .iter()
            .filter_map(|row| row.rsplit_once('\u{2502}'))
            .map(|(_, name)| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(happens(EntryKind::JOINED, "bob", "")[..4], ["3 here", "anna", "bob", "me"]);
    assert_eq!(happens(EntryKind::RENAMED, "bob", "Zoe")[..4], ["3 here", "anna", "me", "Zoe"]);
    assert_eq!(happens(EntryKind::LEFT, "anna", "")[..3], ["2 here", "me", "Zoe"]);
}

#[test]
fn topics_and_names_have_no_control_characters() {
    let mut fixture = Fixture::joined(80, 10, &["lobby"]);
    let topic = "a\u{1b}]0;b\u{7}\nc\u{202e}".to_owned();
    fixture.event(Event::Topic { room: room(0), topic, is_from_entry: false });
    fixture.members(0, &["x\u{1b}[31m"]);
    fixture.event(Event::OwnName { server: SERVER, name: "m\ne\u{9b}".to_owned(), is_chosen: false });
    fixture.text(0, "b\u{1b}[2Job", "\u{7}bell");
    fixture.event(Event::Output { room: room(0), text: "out\u{1b}[m\nput".to_owned() });
    assert!(fixture.shows("#lobby  a]0;b c") && fixture.shows("b[2Job: bell") && fixture.shows("out[m"));
}
