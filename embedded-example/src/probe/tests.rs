//! The probe's posts and answers, without a network.

use std::string::String as Line;
use std::vec::Vec;

use kabar_core::chat::{EntryHeader, Info, Term};

use super::*;

const INTERVAL: Duration = Duration::from_secs(30);

fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

/// A board that measures 21.5 °C.
struct Bench;

impl Board for Bench {
    fn measure(&mut self) -> i32 {
        21_500
    }

    fn set_led(&mut self, _: bool) {}

    fn on_event(&mut self, _: DeviceEvent<'_>) {}
}

/// A probe that has joined as `probe`.
fn probe() -> Probe<Bench> {
    let mut probe = Probe::new(Bench, Some(INTERVAL), at(0));
    probe.on_room_event(&Event::Joined {
        room: RoomSlot::FIRST,
        name: "probe",
        members: 2,
        start: 0,
        head: 0,
        term: Term::default(),
        is_resumed: false,
    });
    probe
}

fn entry<'a>(author: &'a str, kind: EntryKind, body: &'a [u8]) -> Event<'a> {
    let header = EntryHeader { seq: 1, time_ms: 0, author, instance: 1, number: 1, kind };
    Event::Entry { room: RoomSlot::FIRST, header, body, own: false }
}

fn say(probe: &mut Probe<Bench>, author: &str, text: &str) {
    probe.on_room_event(&entry(author, EntryKind::TEXT, text.as_bytes()));
}

/// The answers at `now`, with room for all of them.
fn answers(probe: &mut Probe<Bench>, now: Instant) -> Vec<Line> {
    let mut said = Vec::new();
    probe.answer(now, &mut |kind, body| {
        assert_eq!(kind, EntryKind::TEXT);
        said.push(Line::from_utf8(body.to_vec()).unwrap());
        Ok(said.len() as u64)
    });
    said
}

/// The posts at `now`, with room for `room` posts.
fn read(probe: &mut Probe<Bench>, now: Instant, room: usize) -> Vec<(EntryKind, Vec<u8>)> {
    let mut said = Vec::new();
    probe.take_reading(now, &mut |kind, body| {
        if said.len() == room {
            return Err(PostError::Full);
        }
        said.push((kind, body.to_vec()));
        Ok(said.len() as u64)
    });
    said
}

#[test]
fn answers_each_command_with_the_name_of_its_author() {
    let mut probe = probe();
    read(&mut probe, at(0), 9);
    for (text, answer) in [
        ("@probe status", "anna: reading 1 was 21.500 \u{b0}C, led is off, up 1 min 5 s"),
        ("@probe led on", "anna: led is on"),
        ("@PROBE: Status", "anna: reading 1 was 21.500 \u{b0}C, led is on, up 1 min 5 s"),
        ("@probe led off", "anna: led is off"),
        ("@probe uptime", "anna: up 1 min 5 s"),
        ("@probe sing", "anna: commands: status, led on, led off, uptime"),
    ] {
        say(&mut probe, "anna", text);
        assert_eq!(answers(&mut probe, at(65)), [answer], "{text}");
    }
    assert!(!probe.led);
}

#[test]
fn ignores_other_texts_its_own_posts_and_other_kinds() {
    let mut probe = probe();
    say(&mut probe, "anna", "good morning");
    say(&mut probe, "anna", "@berta led on");
    say(&mut probe, "probe", "@probe led on");
    probe.on_room_event(&entry("anna", EntryKind::ACTION, b"@probe led on"));
    probe.on_room_event(&entry("anna", EntryKind::DATA, b"@probe led on"));
    probe.on_room_event(&entry("anna", EntryKind::TEXT, b"@probe led \xff"));
    probe.on_room_event(&Event::Info {
        room: Some(RoomSlot::FIRST),
        info: Info::HistoryEntry { handle: 1, remaining: 0, entry: None },
    });
    assert!(answers(&mut probe, at(1)).is_empty() && !probe.led);
}

#[test]
fn two_devices_do_not_answer_each_other_endlessly() {
    let mut probe = probe();
    say(&mut probe, "other", "@probe hello");
    let answer = answers(&mut probe, at(1)).remove(0);
    let mut other = Probe::new(Bench, Some(INTERVAL), at(0));
    other.on_room_event(&Event::Joined {
        room: RoomSlot::FIRST,
        name: "other",
        members: 2,
        start: 0,
        head: 0,
        term: Term::default(),
        is_resumed: false,
    });
    say(&mut other, "probe", &answer);
    assert!(answers(&mut other, at(1)).is_empty());
}

#[test]
fn counts_the_commands_that_exceed_its_queue() {
    let mut probe = probe();
    for _ in 0..MAX_REQUESTS + 3 {
        say(&mut probe, "anna", "@probe uptime");
    }
    assert_eq!(answers(&mut probe, at(5)).len(), MAX_REQUESTS);
    say(&mut probe, "anna", "@probe status");
    assert_eq!(
        answers(&mut probe, at(5)),
        ["anna: no reading yet, led is off, up 5 s, 3 questions were too many at once"]
    );
}

#[test]
fn an_answer_waits_for_room_in_the_outbox() {
    let mut probe = probe();
    say(&mut probe, "anna", "@probe uptime");
    assert!(!probe.answer(at(1), &mut |_, _| Err(PostError::Full)));
    assert_eq!(answers(&mut probe, at(7)), ["anna: up 7 s"]);
    assert!(answers(&mut probe, at(8)).is_empty());
}

#[test]
fn posts_each_reading_as_text_and_as_data() {
    let mut probe = probe();
    let said = read(&mut probe, at(0), 9);
    assert_eq!(said[0], (EntryKind::TEXT, "reading 1: 21.500 \u{b0}C".into()));
    assert_eq!(said[1].0, EntryKind::DATA);
    assert_eq!(Reading::decode(&said[1].1), Some(Reading { number: 1, uptime_s: 0, milli_celsius: 21_500 }));
    assert_eq!(said.len(), 2);
    assert!(read(&mut probe, at(29), 9).is_empty(), "not before it is due");
    assert_eq!(probe.poll_timeout(), Some(at(30)));
    assert_eq!(read(&mut probe, at(30), 9)[0].1, "reading 2: 21.500 \u{b0}C".as_bytes());
}

#[test]
fn does_not_make_up_for_missed_readings() {
    let mut probe = probe();
    read(&mut probe, at(0), 9);
    assert_eq!(read(&mut probe, at(100), 9).len(), 2);
    assert_eq!(probe.poll_timeout(), Some(at(130)));
    assert!(read(&mut probe, at(100), 9).is_empty());
}

#[test]
fn reports_later_how_many_readings_are_missing() {
    let mut probe = probe();
    read(&mut probe, at(0), 0);
    read(&mut probe, at(30), 0);
    say(&mut probe, "anna", "@probe status");
    assert!(answers(&mut probe, at(31))[0].ends_with(", 2 readings are missing"));
    let said = read(&mut probe, at(60), 9);
    assert_eq!(said[0].1, b"2 readings are missing here: there was no room for them");
    assert_eq!(said[1].1, "reading 3: 21.500 \u{b0}C".as_bytes());
    assert_eq!(said.len(), 3);
    assert_eq!(read(&mut probe, at(90), 9).len(), 2);
}

#[test]
fn writes_uptime_without_leading_zero_units() {
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
