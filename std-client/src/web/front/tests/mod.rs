//! The front end with an idle engine: events are given to it as an engine reports them, and
//! messages as pages send them.

mod files;

use std::sync::Arc;
use std::time::Duration;

use kabar_core::chat::{EntryKind, PostRefusedCode, Term};
use kabar_core::session::Fingerprint;
use kabar_std::address::Places;
use kabar_std::invite::RoomName;
use serde_json::Value;

use super::*;
use crate::engine::event::{self, Earlier, EntryContent, HistoryPage, Joined};
use crate::engine::{EngineConfig, Event};
use crate::web::cache::Cache;
use crate::web::protocol::FromPage;
use crate::web::server::queue::{MAX_MESSAGES, PageQueue, queue};
use crate::web::spool::Spool;

const SERVER: ServerId = ServerId(0);
const LOBBY: RoomId = RoomId { server: SERVER, index: 0 };

/// A front end with a page.
struct Fixture {
    front: Front,
    page: PageQueue,
    spool: Spool,
    _home: tempfile::TempDir,
}

impl Fixture {
    /// In the room `lobby` as anna, with everything up to entry 10 read.
    fn new() -> Self {
        let (home, dir) = crate::temporary_dir();
        let (spool, cache) = (Spool::open(&dir).unwrap(), Cache::open(&dir).unwrap());
        let config = EngineConfig {
            dir: dir.clone(),
            context: 0,
            replays_history: false,
            ends_with_servers: false,
            downloads: None,
            wake: Box::new(|| ()),
        };
        let (engine, events) = crate::engine::idle(config).unwrap();
        let connector = Box::new(|typed: &str| Err(format!("cannot connect to {typed}")));
        let give_up = Duration::from_secs(1);
        let mut front =
            Front::new(FrontConfig { dir, engine, events, connector, cache, shows_pictures: true, give_up });
        let places = Places::one("here:7".parse().unwrap());
        front.on_event(&Event::ServerAdded { server: SERVER, places, is_host: false });
        front.on_event(&Event::RoomAdded { room: LOBBY, name: RoomName::default() });
        front.on_event(&Event::OwnName { server: SERVER, name: "anna".to_owned(), is_chosen: false });
        front.on_event(&joined(10));
        front.on_event(&Event::Members {
            room: LOBBY,
            names: vec!["anna".to_owned(), "bob".to_owned()],
            is_complete: true,
        });
        let (sender, page) = queue();
        front.take(Input::Opened(PageId(0), sender));
        let mut fixture = Self { front, page, spool, _home: home };
        assert_eq!(fixture.received()[0]["type"], "snapshot");
        fixture
    }

    fn event(&mut self, event: &Event) -> Vec<Value> {
        self.front.on_event(event);
        self.front.take_events();
        self.received()
    }

    fn message(&mut self, message: &str) -> Vec<Value> {
        let message: FromPage = serde_json::from_str(message).unwrap();
        self.front.take(Input::Message(PageId(0), message));
        self.received()
    }

    fn typed(&mut self, text: &str) -> Vec<Value> {
        self.message(&serde_json::json!({"type": "input", "room": "0.0", "text": text}).to_string())
    }

    fn received(&mut self) -> Vec<Value> {
        std::iter::from_fn(|| self.page.try_recv()).map(|text| serde_json::from_str(&text).unwrap()).collect()
    }

    fn push(&mut self, entries: impl IntoIterator<Item = event::Entry>) -> Vec<Value> {
        entries.into_iter().for_each(|entry| self.front.on_event(&Event::Entry(entry)));
        self.front.take_events();
        self.received()
    }
}

fn joined(head: u64) -> Event {
    Event::Joined(Joined {
        room: LOBBY,
        server_key: Some(Fingerprint([7; 20])),
        name: "anna".to_owned(),
        members: Some(2),
        start: Some(head),
        head,
        term: Term([0; 8]),
        is_resumed: false,
        seen: None,
        is_again: false,
    })
}

fn entry(seq: u64, author: &str, text: &str) -> event::Entry {
    event::Entry {
        room: LOBBY,
        seq,
        time_ms: 1_700_000_000_000 + seq,
        author: author.to_owned(),
        instance: 1,
        number: seq,
        kind: EntryKind::TEXT,
        content: EntryContent::Body(text.as_bytes().to_vec()),
        is_own: author == "anna",
        is_replayed: false,
        is_hidden: false,
        is_mention: text.contains("anna"),
        position: None,
    }
}

fn of_type<'a>(messages: &'a [Value], name: &str) -> Vec<&'a Value> {
    messages.iter().filter(|message| message["type"] == name).collect()
}

#[test]
fn snapshot_has_servers_rooms_and_commands() {
    let mut fixture = Fixture::new();
    fixture.typed("not stored yet");
    let (sender, page) = queue();
    fixture.front.take(Input::Opened(PageId(1), sender));
    fixture.page = page;
    let received = fixture.received();
    let snapshot = &received[0];
    assert_eq!(snapshot["servers"][0]["label"], "here:7");
    assert_eq!(
        (&snapshot["servers"][0]["name"], &snapshot["servers"][0]["connection"]),
        (&"anna".into(), &"online".into())
    );
    assert_eq!((&snapshot["rooms"][0]["room"], &snapshot["rooms"][0]["name"]), (&"0.0".into(), &"lobby".into()));
    assert!(snapshot["commands"].as_array().unwrap().iter().any(|command| command["word"] == "/kick"));
    assert_eq!(of_type(&received, "unsent")[0]["texts"][0], "not stored yet");
}

#[test]
fn entries_are_sent_in_order_and_name_the_one_before() {
    let mut fixture = Fixture::new();
    let first = fixture.push([entry(11, "bob", "<b>hello</b> anna"), entry(12, "anna", "yes")]);
    let entries = of_type(&first, "entries");
    assert_eq!((entries.len(), &entries[0]["after"]), (1, &Value::Null));
    let shown = &entries[0]["entries"];
    assert_eq!(
        (&shown[0]["text"], &shown[0]["mention"], &shown[1]["own"]),
        (&"<b>hello</b> anna".into(), &true.into(), &true.into())
    );
    let room = of_type(&first, "room");
    assert_eq!((&room[0]["unread"], &room[0]["mentions"]), (&1.into(), &1.into()), "an own line is read");
    let second = fixture.push([entry(13, "bob", "ok")]);
    assert_eq!(of_type(&second, "entries")[0]["after"], serde_json::json!({"log": 1, "seq": 12}));
}

#[test]
fn of_many_entries_the_last_ones_are_sent() {
    let mut fixture = Fixture::new();
    fixture.push([entry(11, "bob", "first")]);
    let received = fixture.push((12..=1_000).map(|seq| entry(seq, "bob", "x")));
    let message = of_type(&received, "entries")[0];
    let entries = message["entries"].as_array().unwrap();
    assert!(entries.len() <= 100);
    let before = entries[0]["seq"].as_u64().unwrap() - 1;
    assert_eq!(message["after"]["seq"], before);
    assert_eq!(entries.last().unwrap()["seq"], 1_000);
    assert_eq!(of_type(&received, "room")[0]["unread"], 990);
}

#[test]
fn what_was_displayed_is_read() {
    let mut fixture = Fixture::new();
    fixture.push([entry(11, "bob", "anna"), entry(12, "bob", "x"), entry(13, "bob", "anna!")]);
    let read = |seq: u64| format!(r#"{{"type":"read","room":"0.0","place":{{"log":1,"seq":{seq}}}}}"#);
    let received = fixture.message(&read(12));
    let room = of_type(&received, "room")[0].clone();
    assert_eq!((&room["unread"], &room["mentions"], &room["read"]["seq"]), (&1.into(), &1.into(), &12.into()));
    assert!(fixture.message(&read(11)).is_empty(), "a mark never goes back");
    assert!(fixture.message(&read(14)).is_empty(), "and never beyond the last entry");
    assert_eq!(of_type(&fixture.message(&read(13)), "room")[0]["unread"], 0);
}

#[test]
fn posts_are_unsent_until_they_are_stored_or_refused() {
    let mut fixture = Fixture::new();
    let texts = |messages: &[Value]| of_type(messages, "unsent").last().unwrap()["texts"].clone();
    assert_eq!(texts(&fixture.typed("one")), serde_json::json!(["one"]));
    fixture.typed("two");
    fixture.event(&Event::Posted { room: LOBBY, number: 1 });
    fixture.event(&Event::Posted { room: LOBBY, number: 2 });
    let stored = fixture.event(&Event::Stored { room: LOBBY, number: 1, seq: 11 });
    assert_eq!(texts(&stored), serde_json::json!(["two"]));
    let refused = fixture.event(&Event::PostRefused { room: LOBBY, number: 2, code: PostRefusedCode::MUTED });
    assert_eq!(texts(&refused), serde_json::json!([]));
    let notice = of_type(&refused, "notice")[0];
    assert_eq!((&notice["is_error"], &notice["room"]), (&true.into(), &"0.0".into()));
    assert_eq!(notice["text"], "not sent, you are muted in this room: two");
}

#[test]
fn page_that_does_not_read_is_disconnected_and_another_one_is_not() {
    let mut fixture = Fixture::new();
    let (sender, mut reader) = queue();
    fixture.front.take(Input::Opened(PageId(1), sender));
    for seq in 11..11 + MAX_MESSAGES as u64 {
        fixture.front.on_event(&Event::Entry(entry(seq, "bob", "x")));
        fixture.front.take_events();
        while reader.try_recv().is_some() {}
    }
    assert_eq!(fixture.received().len(), MAX_MESSAGES);
    assert!(fixture.page.is_closed());
    fixture.front.on_event(&Event::Entry(entry(9_999, "bob", "x")));
    fixture.front.take_events();
    assert!(!reader.is_closed() && reader.try_recv().is_some());
}

#[test]
fn earlier_entries_come_from_the_server() {
    let mut fixture = Fixture::new();
    fixture.push([entry(11, "bob", "x")]);
    let request = r#"{"type":"page","room":"0.0","tag":4,"part":{"before":{"log":1,"seq":11}}}"#;
    assert!(fixture.message(request).is_empty(), "the server is asked");
    let entries = (1..=10).map(|seq| entry(seq, "bob", "old")).collect();
    let page = HistoryPage { room: LOBBY, entries, is_last: false, earlier: Earlier::Beginning };
    let received = fixture.event(&Event::HistoryPage(page));
    let page = of_type(&received, "page")[0];
    assert_eq!((&page["tag"], page["entries"].as_array().unwrap().len()), (&4.into(), 10));
    assert_eq!((&page["has_earlier"], &page["has_later"]), (&false.into(), &true.into()));
}

#[test]
fn without_a_connection_a_page_has_what_is_kept() {
    let mut fixture = Fixture::new();
    fixture.push([entry(11, "bob", "x")]);
    let request = r#"{"type":"page","room":"0.0","tag":4,"part":"newest"}"#;
    assert!(fixture.message(request).is_empty());
    let received = fixture.event(&Event::NotConnected { server: SERVER });
    let page = of_type(&received, "page")[0];
    assert_eq!((&page["is_offline"], &page["entries"][0]["seq"]), (&true.into(), &11.into()));
}

#[test]
fn requests_of_pages_are_bounded() {
    let mut fixture = Fixture::new();
    fixture.push([entry(11, "bob", "x")]);
    for tag in 0..1_000 {
        fixture.message(&format!(r#"{{"type":"page","room":"0.0","tag":{tag},"part":"newest"}}"#));
        fixture.message(r#"{"type":"list_rooms","server":0}"#);
    }
    assert!(fixture.front.rooms[&LOBBY].requests.len() <= 32 && fixture.front.lists.len() == 1);
}

#[test]
fn members_follow_entries() {
    let mut fixture = Fixture::new();
    let carl =
        event::Entry { kind: EntryKind::JOINED, content: EntryContent::Body(Vec::new()), ..entry(11, "carl", "") };
    let renamed = event::Entry { kind: EntryKind::RENAMED, ..entry(12, "bob", "rob") };
    let received = fixture.push([carl, renamed]);
    let changes: Vec<_> = of_type(&received, "member")
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["is_present"].as_bool().unwrap()))
        .collect();
    assert_eq!(changes, [("carl", true), ("bob", false), ("rob", true)]);
    let listed = fixture.message(r#"{"type":"members","room":"0.0"}"#);
    assert_eq!(listed[0]["names"], serde_json::json!(["anna", "carl", "rob"]));
}

#[test]
fn commands_are_answered_in_the_page_that_typed_them() {
    let mut fixture = Fixture::new();
    let text = |messages: Vec<Value>| messages[0]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text(fixture.typed("/nonsense")).starts_with("unknown command /nonsense"));
    assert_eq!(text(fixture.typed("/nick")), "usage: /nick NAME");
    assert_eq!(text(fixture.typed("/topic")), "this room has no topic");
    assert!(text(fixture.typed("/room nowhere")).starts_with("you are not in nowhere"));
    assert!(text(fixture.typed("/join kabar://broken")).starts_with("the invite is "));
    assert!(!text(fixture.typed("/join there:9")).is_empty());
    assert_eq!(fixture.typed("/help")[0]["type"], "help");
    assert_eq!(fixture.typed("/room lobby")[0], serde_json::json!({"type": "show", "room": "0.0"}));
    assert!(fixture.typed("  ").is_empty());
}

#[test]
fn room_that_has_ended_is_removed_by_part() {
    let mut fixture = Fixture::new();
    let error = Arc::new(SessionError::PasswordRequired);
    let end = event::ServerEnd::Failed(error);
    let received = fixture.event(&Event::ServerEnded { server: SERVER, end, unsent: 2, kept: 0 });
    assert_eq!(of_type(&received, "server")[0]["connection"], "ended");
    assert_eq!(of_type(&received, "room")[0]["membership"], "ended");
    assert_eq!(fixture.front.end.lost, 2);
    assert_eq!(fixture.typed("/part")[0]["type"], "room_gone");
}

#[test]
fn question_is_answered_once() {
    let mut fixture = Fixture::new();
    let question = Event::PasswordQuestion { server: SERVER, room: RoomName::default(), was_wrong: true };
    let received = fixture.event(&question);
    assert_eq!(
        received[0]["question"],
        serde_json::json!({"question": "password", "room": "lobby", "was_wrong": true})
    );
    let answer = r#"{"type":"password","server":0,"password":"x"}"#;
    assert_eq!(fixture.message(answer)[0]["question"], Value::Null);
    assert!(fixture.message(answer).is_empty());
}
