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

use kabar_core::chat::EntryKind;
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
            let is_shown = kind.is_text() || *kind == EntryKind::RENAMED;
            let text = if is_shown { String::from_utf8_lossy(body) } else { "".into() };
            trace!(target: ROOM_TARGET, seq, author, kind = kind.0, len = body.len(), %text, "entry stored");
        }
        HubEvent::Joined { name, from, .. } | HubEvent::Waiting { name, from, .. } => {
            info!(target: ROOM_TARGET, name, address = %from, "{}", message())
        }
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
        HubEvent::Operate { name, .. } => info!(target: ROOM_TARGET, name, "{}", message()),
        HubEvent::NotRemoved { seq, .. } => warn!(target: ROOM_TARGET, seq, "{}", message()),
        HubEvent::StoreLogHeld { bytes } => warn!(target: ROOM_TARGET, bytes, "{}", message()),
        HubEvent::StoreRecovered | HubEvent::StoreLogFreed => info!(target: ROOM_TARGET, "{}", message()),
    }
}

#[cfg(test)]
mod tests;
