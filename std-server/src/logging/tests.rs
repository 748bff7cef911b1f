use std::sync::{Arc, Mutex};

use kabar_core::chat::EntryKind;

use super::*;

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns what `make` writes to the log.
fn log(format: LogFormat, level: &str, make: impl FnOnce()) -> String {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = subscriber("kabar-server", format, parse_level(level).unwrap(), move || writer.clone());
    tracing::subscriber::with_default(subscriber, make);
    String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap()
}

fn make_records() {
    warn!("something unexpected");
    debug!(entries = 3, "committed");
    let address = ([192, 168, 0, 7], 4711).into();
    log_event(&HubEvent::Moved { name: "anna".into(), to: address });
    let (author, body) = ("anna".to_owned(), b"a \x1b text".to_vec());
    let (from, kind) = (Some(address), EntryKind::TEXT);
    log_event(&HubEvent::Entry { seq: 7, time_ms: 1, author, from, kind, body });
}

#[test]
fn text_is_for_people_and_repeats_no_event_of_the_room() {
    assert_eq!(log(LogFormat::Text, "info", make_records), "kabar-server: something unexpected\n");
    let debug = log(LogFormat::Text, "debug", make_records);
    assert!(debug.ends_with("\nkabar-server: debug: kabar_server::logging::tests: committed entries=3\n"), "{debug}");
    assert_eq!(log(LogFormat::Text, "trace", make_records), debug);
    assert_eq!(log(LogFormat::Text, "off", make_records), "");
}

#[test]
fn json_is_one_object_per_line() {
    let log = log(LogFormat::Json, "debug", make_records);
    let records: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [notice, commit, moved] = records.as_slice() else { panic!("{log}") };
    assert_eq!((&notice["level"], &notice["message"]), (&"WARN".into(), &"something unexpected".into()));
    assert_eq!((&commit["target"], &commit["entries"]), (&"kabar_server::logging::tests".into(), &3.into()));
    assert_eq!((&moved["target"], &moved["name"]), (&ROOM_TARGET.into(), &"anna".into()));
    assert_eq!(moved["address"], "192.168.0.7:4711");
    assert!(notice["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_text_of_the_room_is_in_records_of_level_trace_only() {
    for level in ["error", "warn", "info", "debug"] {
        assert!(!log(LogFormat::Json, level, make_records).contains("text\""), "{level}");
    }
    let trace = log(LogFormat::Json, "trace", make_records);
    let record: serde_json::Value = serde_json::from_str(trace.lines().last().unwrap()).unwrap();
    assert_eq!((&record["level"], &record["text"]), (&"TRACE".into(), &"a \u{1b} text".into()));
}
