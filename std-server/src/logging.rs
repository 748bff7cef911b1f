//! Log records on standard error, as text for people or as JSON lines for programs.
//!
//! Every part of the server makes records with the macros of [`tracing`]; the target of a record is
//! the module that made it. The program `kabar-server` installs the subscriber of this module. A
//! program that links the server as a library installs its own, or none: a record without a
//! subscriber costs one atomic load.
//!
//! | level | records |
//! |---|---|
//! | `error` | the server stops, the history or the transcript cannot be written |
//! | `warn` | something that the operator may not expect |
//! | `info` | where it listens for metrics, where the history is; who joined, left or was refused |
//! | `debug` | how the server is set up, commits, checkpoints |
//! | `trace` | every handshake and every entry, with its text |
//!
//! No record holds a secret, at any level: no key, password, room secret or invite. The texts of
//! the room are in records of level `trace` only.
//!
//! [`LogFormat::Text`] leaves out the records of [`ROOM_TARGET`], because the same events are on
//! standard output. Errors of the command line and of the settings are plain text in either format:
//! they occur before the format is known. So are reports about standard output and standard error
//! themselves (`kabar_std::output`).

use std::fmt;
use std::io;
use std::str::FromStr;

use tracing::{Event, Level, Subscriber, debug, error, info, trace, warn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::hub::HubEvent;
use crate::messages::{describe_event, leave_reason};
use kabar_std::output::OutputSender;
use kabar_std::text::refusal;

pub use tracing::level_filters::LevelFilter;

/// The target of the records of [`log_event`].
pub const ROOM_TARGET: &str = "kabar_server::room";

/// The format of log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// One line per record, as people read it.
    #[default]
    Text,
    /// One JSON object per line: `timestamp`, `level`, `target`, `message` and the record's fields.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it must be text or json"),
        }
    }
}

/// Parses a log level.
///
/// # Errors
/// A sentence that lists the levels.
pub fn parse_level(text: &str) -> Result<LevelFilter, &'static str> {
    match text {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err("it must be off, error, warn, info, debug or trace"),
    }
}

/// Sends the records of this process to `output`, for as long as the process runs; text starts
/// with the name of the `program`. Does nothing if the process has a subscriber already.
pub fn install(program: &'static str, format: LogFormat, level: LevelFilter, output: OutputSender) {
    let subscriber = subscriber(program, format, level, move || LineWriter(output.clone()));
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn subscriber<W>(
    program: &'static str,
    format: LogFormat,
    level: LevelFilter,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(writer);
    match format {
        LogFormat::Text => Box::new(builder.event_format(TextFormat { program }).finish()),
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true);
            Box::new(builder.with_current_span(false).with_span_list(false).finish())
        }
    }
}

/// `PROGRAM: MESSAGE` for people. Records below `info` also name their level, target and fields.
struct TextFormat {
    program: &'static str,
}

impl<S, N> FormatEvent<S, N> for TextFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut to: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        if metadata.target() == ROOM_TARGET {
            return Ok(());
        }
        write!(to, "{}: ", self.program)?;
        if *metadata.level() > Level::INFO {
            let level = if *metadata.level() == Level::DEBUG { "debug" } else { "trace" };
            write!(to, "{level}: {}: ", metadata.target())?;
        }
        ctx.field_format().format_fields(to.by_ref(), event)?;
        writeln!(to)
    }
}

/// Passes each record as a line to standard error; never waits.
struct LineWriter(OutputSender);

impl io::Write for LineWriter {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(record);
        if !line.trim_end().is_empty() {
            self.0.remark(line.trim_end().to_owned());
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes the record of an event of the room.
pub fn log_event(event: &HubEvent) {
    let message = || describe_event(event).unwrap_or_default();
    match event {
        HubEvent::Entry { seq, author, kind, body, .. } => {
            let text = if kind.is_text() { String::from_utf8_lossy(body) } else { "".into() };
            trace!(target: ROOM_TARGET, seq, author, kind = kind.0, len = body.len(), %text, "entry stored");
        }
        HubEvent::Joined { name, from, .. } => info!(target: ROOM_TARGET, name, address = %from, "{}", message()),
        HubEvent::Left { name, from, reason } => {
            info!(target: ROOM_TARGET, name, address = %from, reason = leave_reason(*reason), "{}", message());
        }
        HubEvent::Refused { name, from, code } => {
            info!(target: ROOM_TARGET, name, address = %from, reason = %refusal(*code), "{}", message());
        }
        HubEvent::Moved { name, to } => debug!(target: ROOM_TARGET, name, address = %to, "{}", message()),
        HubEvent::StoreTrouble(_) | HubEvent::StoreUnreadable(_) | HubEvent::StoreRegressed { .. } => {
            error!(target: ROOM_TARGET, "{}", message());
        }
        HubEvent::StoreLogHeld { bytes } => warn!(target: ROOM_TARGET, bytes, "{}", message()),
        HubEvent::StoreRecovered | HubEvent::StoreLogFreed => info!(target: ROOM_TARGET, "{}", message()),
    }
}

#[cfg(test)]
mod tests {
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
        assert!(
            debug.ends_with("\nkabar-server: debug: kabar_server::logging::tests: committed entries=3\n"),
            "{debug}"
        );
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
}
