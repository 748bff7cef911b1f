use proptest::prelude::*;

use super::*;

const TIME_MS: u64 = 1_730_457_430_123;

fn in_zone(zone: TimeZone) -> LineFormatter {
    LineFormatter { zone, ..LineFormatter::new() }
}

fn show(kind: EntryKind, body: &[u8], address: Option<SocketAddr>) -> String {
    let lines = in_zone(TimeZone::UTC);
    lines.format(&Line { time_ms: TIME_MS, author: "Farhan", address, kind, content: Content::Body(body) })
}

#[test]
fn formats_each_kind_of_entry() {
    assert_eq!(show(EntryKind::TEXT, b"haloooo", None), "[2024-11-01 10:37:10] Farhan: haloooo");
    assert_eq!(show(EntryKind::JOINED, b"", None), "[2024-11-01 10:37:10] Farhan has joined the chat!");
    assert_eq!(show(EntryKind::LEFT, b"", None), "[2024-11-01 10:37:10] Farhan has left the chat!");
    assert_eq!(show(EntryKind::ACTION, b"waves", None), "[2024-11-01 10:37:10] * Farhan waves");
    let address = Some("192.168.0.7:4711".parse().unwrap());
    assert_eq!(show(EntryKind::TEXT, b"a: b", address), "[2024-11-01 10:37:10] Farhan (192.168.0.7:4711): a: b");
}

#[test]
fn displays_no_other_content_as_text() {
    assert_eq!(show(EntryKind::DATA, b"\x1b[2J", None), "[2024-11-01 10:37:10] Farhan sent 4 bytes of data");
    assert_eq!(show(EntryKind(200), b"\n", None), "[2024-11-01 10:37:10] Farhan sent 1 bytes of unknown kind 200");
    let lines = in_zone(TimeZone::UTC);
    let line =
        Line { time_ms: u64::MAX, author: "a\nb", address: None, kind: EntryKind::TEXT, content: Content::Omitted(9) };
    assert_eq!(lines.format(&line), "[????-??-?? ??:??:??] a b sent 9 bytes, too many to display");
}

#[test]
fn displays_local_time() {
    let lines = in_zone(TimeZone::fixed(jiff::tz::offset(7)));
    assert_eq!(lines.stamp(TIME_MS), "2024-11-01 17:37:10");
}

#[test]
fn formats_every_time_of_a_server() {
    let last = 253_402_207_200_000;
    for zone in [TimeZone::UTC, TimeZone::fixed(jiff::tz::offset(25)), TimeZone::fixed(jiff::tz::offset(-25))] {
        let lines = in_zone(zone);
        for time_ms in [0, 1, (1 << 31) * 1_000, (1 << 32) * 1_000, last - 1_000, last] {
            assert!(!lines.stamp(time_ms).contains('?'), "{time_ms}");
        }
        for time_ms in [last + 1_000, i64::MAX as u64, 1 << 63, u64::MAX] {
            assert_eq!(lines.stamp(time_ms), "????-??-?? ??:??:??");
        }
    }
    let utc = in_zone(TimeZone::UTC);
    assert_eq!(utc.stamp((1 << 31) * 1_000), "2038-01-19 03:14:08");
    assert_eq!(utc.stamp(last), "9999-12-30 22:00:00");
}

#[test]
fn text_cannot_forge_a_line() {
    for end in ["\n", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}"] {
        let shown = show(EntryKind::TEXT, format!("hi{end}[2024-11-01 10:37:11] Darryl: I agree").as_bytes(), None);
        assert_eq!(shown, "[2024-11-01 10:37:10] Farhan: hi\n    [2024-11-01 10:37:11] Darryl: I agree");
    }
    assert_eq!(
        show(EntryKind::TEXT, b"hi\r[2024] Darryl: ho", None),
        "[2024-11-01 10:37:10] Farhan: hi[2024] Darryl: ho"
    );
}

#[test]
fn renames_and_removals_are_lines_of_their_own() {
    let line = |kind, body: &[u8]| show(kind, body, None);
    assert_eq!(line(EntryKind::RENAMED, b"Far\x1bhan"), "[2024-11-01 10:37:10] Farhan is now known as Farhan");
    assert_eq!(line(EntryKind::REMOVAL, &17_u64.to_be_bytes()), "[2024-11-01 10:37:10] Farhan removed message 17");
    assert_eq!(line(EntryKind::REMOVAL, b""), "[2024-11-01 10:37:10] Farhan removed a message");
    assert_eq!(line(EntryKind::REMOVED, b""), "[2024-11-01 10:37:10] Farhan [removed]");
    assert_ne!(line(EntryKind::TEXT, b"[removed]"), line(EntryKind::REMOVED, b""));
}

/// Whatever a member is called and writes, its line is none by the operator.
#[test]
fn no_member_can_write_a_line_of_the_operator() {
    let lines = in_zone(TimeZone::UTC);
    let after_time = |author: &str, kind, body: &[u8]| {
        let line = Line { time_ms: 0, author, address: None, kind, content: Content::Body(body) };
        lines.format(&line).split_once("] ").unwrap().1.to_owned()
    };
    let announcement = after_time("server", EntryKind::OPERATOR, b"dinner");
    assert_eq!(announcement, "~ server: dinner");
    assert_eq!(after_time("bob", EntryKind::KICKED, b"spam"), "~ bob was kicked from the chat: spam");
    assert_eq!(after_time("bob", EntryKind::KICKED, b""), "~ bob was kicked from the chat!");
    assert_eq!(after_time("bob", EntryKind::TOPIC, b"what\nto do"), "~ bob set the topic: what to do");
    assert_eq!(after_time("bob", EntryKind::TOPIC, b""), "~ bob removed the topic");
    let names = ["s\u{435}rver", "server.", "*", "[", "bob was kicked from the chat", "-", "| server", "    server"];
    for name in names.iter().filter(|name| crate::names::Name::new(name).is_ok()) {
        for kind in [EntryKind::TEXT, EntryKind::ACTION, EntryKind::DATA, EntryKind(77)] {
            for body in
                ["dinner", "~ server: dinner", "\n~ server: dinner", "\u{2028}[2024-11-01 10:37:10] ~ server: dinner"]
            {
                for line in after_time(name, kind, body.as_bytes()).lines() {
                    assert!(!line.starts_with(OPERATOR_MARK), "{name}: {line}");
                }
            }
        }
    }
    assert!(crate::names::Name::new("~ server").is_err(), "no name has the mark");
}

#[test]
fn text_cannot_control_the_terminal() {
    assert_eq!(clean_text("\x1b[31mred\x07 \u{9b}2J\u{202e}abc\u{2066}x\u{200f}y\u{7f}\0"), "[31mred 2Jabcxy");
    assert_eq!(clean_line("a\tb\nc\u{2028}d"), "a b c d");
}

#[test]
fn keeps_text_of_all_languages() {
    for text in [
        "s\u{e9}lamat",
        "\u{645}\u{631}\u{62d}\u{628}\u{627}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "e\u{301}",
        "\u{d55c}\u{ae00}",
    ] {
        assert_eq!(clean_text(text), text);
        assert_eq!(clean_line(text), text);
    }
}

proptest! {
    #[test]
    fn output_has_no_control_character(text in any::<String>()) {
        prop_assert!(!clean_line(&text).contains(char::is_control));
        let shown = clean_text(&text);
        prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
        prop_assert!(shown.lines().skip(1).all(|line| line.starts_with(CONTINUATION)));
    }
}

#[test]
fn size_has_two_digits_or_more_and_a_unit() {
    for (bytes, text) in [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 KiB"),
        (1_536, "1.5 KiB"),
        (10_239, "9.9 KiB"),
        (10_240, "10 KiB"),
        (1 << 20, "1.0 MiB"),
        ((1 << 30) - 1, "1023 MiB"),
        (u64::MAX, "15 EiB"),
    ] {
        assert_eq!(size_text(bytes), text);
    }
}

#[test]
fn file_is_a_sentence_with_name_and_size() {
    let mut body = [0; kabar_core::chat::MAX_FILE_BODY_LEN];
    let file = File::new("a\u{202e}b.txt", 2_048, kabar_core::content::Root([1; 32]), "").unwrap();
    let len = file.encode(&mut body).unwrap();
    let content = Content::Body(&body[..len]);
    let line = Line { time_ms: 0, author: "anna", address: None, kind: EntryKind::FILE, content };
    assert!(LineFormatter::new().format(&line).ends_with("] anna sent a file: ab.txt (2.0 KiB)"));
    let line = Line { content: Content::Body(&body[..9]), ..line };
    assert!(LineFormatter::new().format(&line).ends_with("] anna sent 9 bytes of unknown kind 4"));
}
