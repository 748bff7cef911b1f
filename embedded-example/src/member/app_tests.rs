//! What the device says to what it hears, without a network.

use std::string::String as Line;
use std::vec::Vec;

use kabar_core::chat::{EntryHeader, Term};

use super::*;

const EVERY: Duration = Duration::from_secs(30);

fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

/// A device that has joined as `probe`.
fn app() -> App {
    let mut app = App::new(Some(EVERY), at(0));
    app.on_event(&Event::Joined {
        name: "probe",
        members: 2,
        start: 0,
        head: 0,
        term: Term::default(),
        resumed: false,
    });
    app
}

fn entry<'a>(author: &'a str, kind: EntryKind, body: &'a [u8]) -> Event<'a> {
    let header = EntryHeader { seq: 1, time_ms: 0, author, instance: 1, number: 1, kind };
    Event::Entry { header, body, own: false }
}

fn say(app: &mut App, author: &str, text: &str) {
    app.on_event(&entry(author, EntryKind::TEXT, text.as_bytes()));
}

/// What it answers now, with all the room that it wants.
fn answers(app: &mut App, now: Instant) -> Vec<Line> {
    let mut said = Vec::new();
    app.answer(now, &mut |kind, body| {
        assert_eq!(kind, EntryKind::TEXT);
        said.push(Line::from_utf8(body.to_vec()).unwrap());
        Ok(said.len() as u64)
    });
    said
}

/// The reading at `now` with room for `room` posts; what was posted.
fn read(app: &mut App, now: Instant, room: usize) -> Vec<(EntryKind, Vec<u8>)> {
    let mut said = Vec::new();
    app.take_reading(now, || 21_500, &mut |kind, body| {
        if said.len() == room {
            return Err(PostError::Full);
        }
        said.push((kind, body.to_vec()));
        Ok(said.len() as u64)
    });
    said
}

#[test]
fn answers_each_command_by_the_name_of_who_asked() {
    let mut app = app();
    read(&mut app, at(0), 9);
    for (text, answer) in [
        ("@probe status", "anna: reading 1 was 21.500 \u{b0}C, led is off, up 1 min 5 s"),
        ("@probe led on", "anna: led is on"),
        ("@PROBE: Status", "anna: reading 1 was 21.500 \u{b0}C, led is on, up 1 min 5 s"),
        ("@probe led off", "anna: led is off"),
        ("@probe uptime", "anna: up 1 min 5 s"),
        ("@probe sing", "anna: I know these words: status, led on, led off, uptime"),
    ] {
        say(&mut app, "anna", text);
        assert_eq!(answers(&mut app, at(65)), [answer], "{text}");
    }
    assert!(!app.led());
}

#[test]
fn ignores_talk_its_own_words_and_what_is_no_text() {
    let mut app = app();
    say(&mut app, "anna", "good morning");
    say(&mut app, "anna", "@berta led on");
    say(&mut app, "probe", "@probe led on");
    app.on_event(&entry("anna", EntryKind::ACTION, b"@probe led on"));
    app.on_event(&entry("anna", EntryKind::DATA, b"@probe led on"));
    app.on_event(&entry("anna", EntryKind::TEXT, b"@probe led \xff"));
    app.on_event(&Event::Past { remaining: 0, entry: None });
    assert!(answers(&mut app, at(1)).is_empty() && !app.led());
}

#[test]
fn two_devices_do_not_talk_to_each_other_for_ever() {
    let mut app = app();
    say(&mut app, "other", "@probe hello");
    let answer = answers(&mut app, at(1)).remove(0);
    let mut other = App::new(Some(EVERY), at(0));
    other.on_event(&Event::Joined {
        name: "other",
        members: 2,
        start: 0,
        head: 0,
        term: Term::default(),
        resumed: false,
    });
    say(&mut other, "probe", &answer);
    assert!(answers(&mut other, at(1)).is_empty());
}

#[test]
fn counts_the_questions_that_were_too_many_at_once() {
    let mut app = app();
    for _ in 0..MAX_REQUESTS + 3 {
        say(&mut app, "anna", "@probe uptime");
    }
    assert_eq!(answers(&mut app, at(5)).len(), MAX_REQUESTS);
    say(&mut app, "anna", "@probe status");
    assert_eq!(
        answers(&mut app, at(5)),
        ["anna: no reading yet, led is off, up 5 s, 3 questions were too many at once"]
    );
}

#[test]
fn an_answer_waits_for_room() {
    let mut app = app();
    say(&mut app, "anna", "@probe uptime");
    assert!(!app.answer(at(1), &mut |_, _| Err(PostError::Full)));
    assert_eq!(answers(&mut app, at(7)), ["anna: up 7 s"]);
    assert!(answers(&mut app, at(8)).is_empty());
}

#[test]
fn says_each_reading_as_text_and_as_data() {
    let mut app = app();
    let said = read(&mut app, at(0), 9);
    assert_eq!(said[0], (EntryKind::TEXT, "reading 1: 21.500 \u{b0}C".into()));
    assert_eq!(said[1].0, EntryKind::DATA);
    assert_eq!(Reading::decode(&said[1].1), Some(Reading { number: 1, uptime_s: 0, milli_celsius: 21_500 }));
    assert_eq!(said.len(), 2);
    assert!(read(&mut app, at(29), 9).is_empty(), "not before it is due");
    assert_eq!(app.deadline(), Some(at(30)));
    assert_eq!(read(&mut app, at(30), 9)[0].1, "reading 2: 21.500 \u{b0}C".as_bytes());
}

#[test]
fn does_not_make_up_for_readings_that_it_slept_through() {
    let mut app = app();
    read(&mut app, at(0), 9);
    assert_eq!(read(&mut app, at(100), 9).len(), 2);
    assert_eq!(app.deadline(), Some(at(130)));
    assert!(read(&mut app, at(100), 9).is_empty());
}

#[test]
fn says_afterwards_how_many_readings_are_missing() {
    let mut app = app();
    read(&mut app, at(0), 0);
    read(&mut app, at(30), 0);
    say(&mut app, "anna", "@probe status");
    assert!(answers(&mut app, at(31))[0].ends_with(", 2 readings are missing"));
    let said = read(&mut app, at(60), 9);
    assert_eq!(said[0].1, b"2 readings are missing here: there was no room for them");
    assert_eq!(said[1].1, "reading 3: 21.500 \u{b0}C".as_bytes());
    assert_eq!(said.len(), 3);
    assert_eq!(read(&mut app, at(90), 9).len(), 2);
}

#[test]
fn writes_uptime_as_people_do() {
    for (uptime, text) in [
        (0, "up 0 s"),
        (59, "up 59 s"),
        (60, "up 1 min 0 s"),
        (3605, "up 1 h 0 min 5 s"),
        (90_061, "up 1 d 1 h 1 min 1 s"),
        (u32::MAX, "up 49710 d 6 h 28 min 15 s"),
    ] {
        let mut written = Text::new();
        write_uptime(&mut written, uptime);
        assert_eq!(written.as_str(), text);
    }
}
