//! Files that pages send, display and save.

use kabar_core::chat::{File, MAX_FILE_BODY_LEN};
use kabar_core::content::{ROOT_LEN, Root};

use super::*;
use crate::engine::event::{Transfer, TransferFailure, TransferState, Wait};
use crate::transfers::TransferId;
use crate::transfers::progress::Measured;
use crate::web::picture::tests::png;

/// A file that a page sends to the lobby, in the room as `name`; and where it is stored.
fn send_file(fixture: &mut Fixture, given: &str) -> std::path::PathBuf {
    let mut file = fixture.spool.create().unwrap();
    file.write(b"content").unwrap();
    let file = file.finish().unwrap();
    let path = file.path().to_owned();
    fixture.front.take(Input::Uploaded(protocol::RoomKey(LOBBY), given.to_owned(), file));
    path
}

fn transfer(id: u32, name: &str, state: TransferState) -> Event {
    let size = (!matches!(state, TransferState::Waiting(Wait::Others))).then_some(7);
    let id = TransferId(id);
    Event::Transfer(event::Transfer { id, room: LOBBY, is_upload: true, name: name.to_owned(), size, state })
}

#[test]
fn file_of_a_page_is_removed_when_its_transfer_ends() {
    let mut fixture = Fixture::new();
    let paths = ["a", "b", "a"].map(|name| send_file(&mut fixture, name));
    let waiting = || TransferState::Waiting(Wait::Others);
    for (id, name) in [(1, "a"), (2, "b"), (3, "a")] {
        fixture.event(&transfer(id, name, waiting()));
    }
    let there = || paths.each_ref().map(|path| path.exists());
    fixture.event(&transfer(3, "a", TransferState::Running(Measured::default())));
    assert_eq!(there(), [true; 3]);
    fixture.event(&transfer(3, "a", TransferState::Sent(12)));
    assert_eq!(there(), [true, true, false], "of two with one name, the right one");
    fixture.event(&transfer(2, "b", TransferState::Cancelled));
    assert_eq!(there(), [true, false, false]);
    fixture.event(&transfer(1, "a", TransferState::Failed(TransferFailure::NotInRoom)));
    assert_eq!(there(), [true, false, false], "it goes on when the room is joined again");
    assert!(fixture.front.files.is_empty());
}

#[test]
fn file_that_is_not_sent_is_removed() {
    let mut fixture = Fixture::new();
    let path = send_file(&mut fixture, "a");
    let why = TransferFailure::TooMany;
    fixture.event(&Event::TransferNotStarted { room: LOBBY, name: "a".to_owned(), why });
    assert!(!path.exists());
    let path = send_file(&mut fixture, "../b");
    fixture.event(&transfer(1, "b", TransferState::Waiting(Wait::Others)));
    assert!(path.exists());
    let end = event::ServerEnd::Left;
    let unsent = send_file(&mut fixture, "c");
    fixture.event(&Event::ServerEnded { server: SERVER, end, unsent: 0, kept: 0 });
    assert!(path.exists() && !unsent.exists(), "a transfer that has begun goes on with the next process");
    let path = send_file(&mut fixture, "d");
    assert!(!path.exists(), "the room has ended");
    assert_eq!(of_type(&fixture.received(), "notice")[0]["is_error"], true);
}

#[test]
fn transfers_are_displayed_until_they_are_forgotten() {
    let mut fixture = Fixture::new();
    let measured = Measured { done: 3, rate: Some(2), left: Some(kabar_core::time::Duration::from_secs(2)) };
    let received = fixture.event(&transfer(1, "a", TransferState::Running(measured)));
    let expected = serde_json::json!({
        "type": "transfer", "server": 0, "transfer": 1, "room": "0.0", "name": "a", "is_upload": true, "size": 7,
        "stage": "running", "done": 3, "rate": 2, "left_ms": 2_000,
    });
    assert_eq!(received[0], expected);
    for id in 2..100 {
        fixture.event(&transfer(id, "b", TransferState::Cancelled));
    }
    let (sender, page) = queue();
    fixture.front.take(Input::Opened(PageId(1), sender));
    fixture.page = page;
    let shown = fixture.received()[0]["transfers"].as_array().unwrap().len();
    assert!((2..=21).contains(&shown), "{shown}: the running one, and the last ones that have ended");
    let received = fixture.message(r#"{"type":"forget_transfers"}"#);
    assert_eq!(received[0]["transfers"].as_array().unwrap().len(), 1);
}

#[test]
fn path_is_not_sent_by_a_page() {
    let mut fixture = Fixture::new();
    let received = fixture.typed("/send /etc/hostname");
    assert_eq!(received[0]["is_error"], true);
    assert!(received[0]["text"].as_str().unwrap().contains("button"), "{received:?}");
    assert!(!protocol::commands().iter().any(|command| command.word == "/send"));
    assert_eq!(fixture.typed("/transfers")[0]["type"], "show_transfers");
}

/// A file in the lobby, with a root of this byte.
fn file_entry(seq: u64, byte: u8, name: &str, size: u64) -> event::Entry {
    let mut body = vec![0; MAX_FILE_BODY_LEN];
    let len = File::new(name, size, Root([byte; ROOT_LEN]), "").unwrap().encode(&mut body).unwrap();
    body.truncate(len);
    event::Entry { kind: EntryKind::FILE, content: EntryContent::Body(body), ..entry(seq, "bob", "") }
}

fn fetch(fixture: &mut Fixture, seq: u64, is_picture: bool) -> Vec<Value> {
    let place = serde_json::json!({"log": 1, "seq": seq});
    let message = serde_json::json!({"type": "fetch", "room": "0.0", "place": place, "is_picture": is_picture});
    fixture.message(&message.to_string())
}

fn received(byte: u8, state: TransferState) -> Event {
    let name = Root([byte; ROOT_LEN]).to_string();
    let id = TransferId(byte.into());
    Event::Transfer(Transfer { id, room: LOBBY, is_upload: false, name, size: Some(29), state })
}

fn is_wanted(fixture: &Fixture, byte: u8) -> bool {
    fixture.front.contents.named(&Root([byte; ROOT_LEN]).to_string()).is_some_and(|(_, wanted)| wanted.is_some())
}

/// Stores a content as the engine does. Returns its path.
fn store(fixture: &Fixture, byte: u8, content: &[u8]) -> std::path::PathBuf {
    let path = fixture.front.contents.cache.path(Root([byte; ROOT_LEN]));
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn picture_is_received_once_and_known_by_its_content() {
    let mut fixture = Fixture::new();
    let shown = fixture.push([file_entry(11, 1, "a.png", 29), file_entry(12, 2, "b.png", 29)]);
    let file = &of_type(&shown, "entries")[0]["entries"][0]["file"];
    assert_eq!((&file["name"], &file["size"], &file["is_picture"]), (&"a.png".into(), &29.into(), &true.into()));
    assert!(fetch(&mut fixture, 11, true).is_empty() && fetch(&mut fixture, 12, true).is_empty());
    assert!(is_wanted(&fixture, 1) && is_wanted(&fixture, 2));
    assert!(fixture.event(&received(1, TransferState::Running(Measured::default()))).is_empty(), "it is in no list");
    let path = store(&fixture, 1, &png(3, 4));
    let ready = fixture.event(&received(1, TransferState::Received(path)));
    let root = "01".repeat(32);
    assert_eq!(ready[0], serde_json::json!({"type": "content", "root": root, "state": "ready", "size": [3, 4]}));
    assert_eq!(fetch(&mut fixture, 11, true), ready, "it is in the cache");
    let path = store(&fixture, 2, b"<html><script>");
    assert_eq!(fixture.event(&received(2, TransferState::Received(path)))[0]["size"], Value::Null);
    assert!(!is_wanted(&fixture, 1) && !is_wanted(&fixture, 2));
}

#[test]
fn picture_of_somebody_who_is_ignored_or_without_the_setting_is_not_received() {
    let mut fixture = Fixture::new();
    let ignored = event::Entry { is_hidden: true, ..file_entry(11, 1, "a.png", 29) };
    fixture.push([ignored, file_entry(12, 2, "b.svg", 29), file_entry(13, 3, "c.png", 29)]);
    assert!(fetch(&mut fixture, 11, true).is_empty() && fetch(&mut fixture, 12, true).is_empty());
    fixture.front.contents.shows_pictures = false;
    assert!(fetch(&mut fixture, 13, true).is_empty());
    assert!((1..=3).all(|byte| !is_wanted(&fixture, byte)));
    fetch(&mut fixture, 11, false);
    assert!(is_wanted(&fixture, 1), "but it is saved, if that is requested");
}

#[test]
fn file_that_is_saved_is_listed_with_its_name() {
    let mut fixture = Fixture::new();
    fixture.push([file_entry(11, 1, "a.png", 29)]);
    fetch(&mut fixture, 11, true);
    fetch(&mut fixture, 11, false);
    let listed = fixture.event(&received(1, TransferState::Running(Measured::default())));
    assert_eq!((&listed[0]["type"], &listed[0]["name"]), (&"transfer".into(), &"a.png".into()));
    let path = store(&fixture, 1, b"content");
    let ended = fixture.event(&received(1, TransferState::Received(path)));
    assert_eq!(
        (&of_type(&ended, "content")[0]["state"], &of_type(&ended, "transfer")[0]["stage"]),
        (&"ready".into(), &"done".into())
    );
    assert!(of_type(&ended, "notice").is_empty(), "the browser says where it is");
    // One that does not come.
    fixture.push([file_entry(12, 2, "b.bin", 29)]);
    fetch(&mut fixture, 12, false);
    let failed = fixture.event(&received(2, TransferState::Failed(TransferFailure::Protocol)));
    assert_eq!(of_type(&failed, "content")[0]["state"], "failed");
    assert!(of_type(&failed, "notice")[0]["text"].as_str().unwrap().contains("b.bin"));
    fetch(&mut fixture, 12, false);
    let name = Root([2; ROOT_LEN]).to_string();
    let failed = fixture.event(&Event::TransferNotStarted { room: LOBBY, name, why: TransferFailure::TooMany });
    assert!(of_type(&failed, "notice")[0]["text"].as_str().unwrap().contains("b.bin"));
    assert!(!is_wanted(&fixture, 2));
}

#[test]
fn contents_that_are_received_at_once_are_bounded() {
    let mut fixture = Fixture::new();
    fixture.push((1..=40).map(|byte| file_entry(10 + u64::from(byte), byte, "a.png", 29)));
    let answers: Vec<_> = (11..=50).flat_map(|seq| fetch(&mut fixture, seq, true)).collect();
    assert!(answers.len() == 8 && answers.iter().all(|answer| answer["state"] == "busy"), "{answers:?}");
    let end = event::ServerEnd::Left;
    let ended = fixture.event(&Event::ServerEnded { server: SERVER, end, unsent: 0, kept: 0 });
    assert_eq!(of_type(&ended, "content").len(), 32);
    assert_eq!(fetch(&mut fixture, 11, true)[0]["state"], "failed", "the room has ended");
}

#[test]
fn file_that_is_not_known_is_not_saved() {
    let mut fixture = Fixture::new();
    fixture.push([file_entry(11, 1, "a.png", 29), entry(12, "bob", "no file")]);
    assert_eq!(fetch(&mut fixture, 99, false)[0]["is_error"], true);
    assert!(fetch(&mut fixture, 12, false).is_empty());
}
