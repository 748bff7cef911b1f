use kabar_core::chat::{EntryKind, File, MAX_FILE_BODY_LEN};
use kabar_core::content::Root;

use super::fixture::*;
use crate::engine::event::{Entry, EntryContent};
use crate::engine::{Command, Event, WantedFile};
use crate::history::FileEntry;
use crate::transfers::TransferId;

/// Reports of a running transfer and of one that has ended, as [`transfer`] makes them.
const RUNNING: u8 = 5;
const SENT: u8 = 3;

impl Fixture {
    fn file(&mut self, index: u32, name: &str, media_type: &str, is_own: bool) {
        let mut body = vec![0; MAX_FILE_BODY_LEN];
        let len = File::new(name, 5 << 20, Root([7; 32]), media_type).unwrap().encode(&mut body).unwrap();
        let content = EntryContent::Body(body[..len].to_vec());
        let entry = Entry { kind: EntryKind::FILE, content, is_own, ..self.next_entry(index) };
        self.event(Event::Entry(entry));
    }
}

#[test]
fn a_file_has_its_name_size_and_type_and_how_to_receive_it() {
    let mut fixture = Fixture::joined(110, 12, &["lobby"]);
    fixture.press("alt-m");
    fixture.file(0, "report.pdf", "application/pdf", false);
    fixture.file(0, "own.txt", "", true);
    assert!(fixture.shows("anna: file report.pdf (5.0 MiB, application/pdf); /get 1 receives it"));
    assert!(fixture.screen().iter().any(|row| row.ends_with("file own.txt (5.0 MiB)")), "{:#?}", fixture.screen());
}

#[test]
fn a_selected_file_is_received_by_enter() {
    let mut fixture = Fixture::joined(80, 12, &["lobby"]);
    fixture.file(0, "report.pdf", "", false);
    fixture.text(0, "anna", "a text");
    fixture.commands();
    fixture.press("enter alt-up enter");
    assert!(fixture.commands().is_empty(), "a text is no file");
    fixture.press("alt-up enter");
    let commands = fixture.commands();
    let is_get = |command: &Command| {
        matches!(command, Command::Get { file: WantedFile::Entry(FileEntry::Seq(1)), to: None, .. })
    };
    assert!(commands.iter().any(is_get), "{commands:?}");
}

#[test]
fn files_paths_and_transfers_are_completed() {
    let mut fixture = Fixture::joined(80, 12, &["lobby", "ops"]);
    fixture.file(0, "report.pdf", "", false);
    fixture.file(0, "notes.txt", "", true);
    fixture.file(0, "report.pdf", "", true);
    fixture.event(Event::Transfer(transfer(1, 12, "one.bin", RUNNING)));
    for (typed, completed) in [
        ("/get ", "/get report.pdf"),
        ("/get n", "/get notes.txt"),
        ("/send a b", "/send a b.pdf"),
        ("/cancel one", "/cancel 12"),
    ] {
        fixture.type_text(typed);
        fixture.press("tab");
        assert_eq!(fixture.typed(), completed);
        fixture.press("ctrl-u");
    }
    fixture.type_text("/get ");
    fixture.press("tab tab tab");
    assert_eq!(fixture.typed(), "/get report.pdf", "there are two");
    fixture.press("ctrl-u ctrl-n");
    fixture.type_text("/get ");
    fixture.press("tab");
    assert_eq!(fixture.typed(), "/get ", "the other room has none");
}

#[test]
fn a_file_in_another_room_is_unread() {
    let mut fixture = Fixture::joined(80, 12, &["lobby", "ops"]);
    fixture.file(1, "report.pdf", "", false);
    assert!(fixture.screen()[1].starts_with("2 ops            1"), "{:#?}", fixture.screen());
}

#[test]
fn transfers_are_above_the_input_as_long_as_they_run() {
    let mut fixture = Fixture::joined(80, 20, &["lobby", "ops"]);
    fixture.event(Event::Transfer(transfer(0, 1, "one.bin", RUNNING)));
    fixture.event(Event::Transfer(transfer(1, 2, "two.bin", RUNNING)));
    let screen = fixture.screen();
    assert!(screen[16].contains("\u{2191} one.bin  ") && screen[17].contains("two.bin #ops"), "{screen:#?}");
    fixture.event(Event::Transfer(transfer(0, 1, "one.bin", SENT)));
    fixture.event(Event::Parted { room: room(1) });
    assert!(!fixture.shows("\u{2191}"), "{:#?}", fixture.screen());
}

#[test]
fn a_transfer_is_cancelled_from_the_list_after_a_question() {
    let mut fixture = Fixture::joined(60, 12, &["lobby"]);
    fixture.event(Event::Transfer(transfer(0, 1, "one.bin", RUNNING)));
    fixture.event(Event::Transfer(transfer(0, 2, "two.bin", RUNNING)));
    fixture.send("/transfers");
    assert!(matches!(fixture.commands()[..], [Command::ListTransfers { .. }]));
    assert!(fixture.shows(" 1 \u{2191} one.bin #lobby"), "{:#?}", fixture.screen());
    fixture.press("down delete n delete");
    assert!(fixture.shows("cancel two.bin? (y/n)"));
    fixture.press("y");
    let commands = fixture.commands();
    assert!(matches!(commands[..], [Command::CancelTransfer { transfer: TransferId(2), .. }]), "{commands:?}");
    fixture.press("escape");
    assert!(!fixture.shows("#lobby  "), "{:#?}", fixture.screen());
    fixture.press("alt-t ctrl-f");
    assert!(fixture.shows("search:") && !fixture.shows("#lobby  "), "{:#?}", fixture.screen());
    fixture.press("escape alt-t x delete");
    assert!(fixture.commands().len() == 2 && !fixture.shows("cancel one.bin"), "the input has a text");
}

#[test]
fn a_stalled_transfer_is_asked_for() {
    let mut fixture = Fixture::joined(60, 12, &["lobby"]);
    let _ = fixture.view.refresh();
    fixture.event(Event::Transfer(transfer(0, 1, "one.bin", RUNNING)));
    let effects = fixture.view.refresh();
    fixture.effects.extend(effects);
    assert!(matches!(fixture.commands()[..], [Command::Stats { .. }, Command::ListTransfers { .. }]));
    let (server, transfers) = (SERVER, Vec::new());
    fixture.event(Event::Transfers { server, transfers });
    assert!(!fixture.shows("one.bin"));
}
