//! Formats the page of metrics.

use std::fmt::Write as _;

use super::receive_buffer;
use crate::driver::{Control, Snapshot};
use crate::hub::{CounterValue, LIMITS, Status, Unit};
use crate::store::{Checkpoint, StoreFigures};

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns the metric name of a counter of the hub.
#[must_use]
pub fn counter_name(counter: &str) -> String {
    format!("kabar_{counter}_total")
}

/// Formats all metrics of a running server.
#[must_use]
pub fn page(control: &Control) -> String {
    let counters = control.counters();
    let mut page = Page::default();
    counters.all().for_each(|counted| page.counter(&counted));
    page.head("kabar_dropped_total", "counter", "Datagrams dropped, by reason.");
    for CounterValue { name, value, .. } in counters.all().filter(|counted| counted.is_drop) {
        page.line("kabar_dropped_total", &format!("{{reason=\"{name}\"}}"), value as f64);
    }
    page.status(&control.status());
    page.head("kabar_limit", "gauge", "Limits in force; times in seconds, rates per second (0: off).");
    let limits = control.limits();
    for limit in LIMITS {
        let raw = limit.get(limits) as f64;
        let value = if limit.unit == Unit::Time { raw / 1e6 } else { raw };
        page.line("kabar_limit", &format!("{{name=\"{}\"}}", limit.name), value);
    }
    let metrics = control.metrics();
    page.histogram("kabar_commit_seconds", "Time until a commit returned.", &metrics.commit_time.snapshot());
    page.histogram("kabar_batch_entries", "Entries per committed batch.", &metrics.batch_entries.snapshot());
    let help = "Public-key work of one handshake.";
    page.histogram("kabar_handshake_seconds", help, &metrics.handshake_time.snapshot());
    if let Some(figures) = metrics.store() {
        page.store(&figures);
    }
    if let Some(drops) = receive_buffer::drops(control.local_addr()) {
        let help = "Datagrams that the system dropped because the receive buffer was full.";
        page.single("kabar_receive_buffer_drops_total", "counter", help, drops as f64);
    }
    page.text
}

#[derive(Debug, Default)]
struct Page {
    text: String,
}

impl Page {
    fn counter(&mut self, counted: &CounterValue) {
        self.single(&counter_name(counted.name), "counter", counted.help, counted.value as f64);
    }

    fn status(&mut self, status: &Status) {
        let mut gauge =
            |name: &str, help: &str, value: f64| self.single(&format!("kabar_{name}"), "gauge", help, value);
        gauge("members", "Members of the room.", status.members as f64);
        gauge("connections", "Connections, open and closing.", status.connections as f64);
        gauge("unjoined", "Connections that have not joined.", status.unjoined as f64);
        gauge("half_open", "Half-open connections.", status.half_open as f64);
        gauge("handshakes_waiting", "Handshakes in work.", status.handshakes as f64);
        gauge("log_first", "Smallest seq that is kept.", status.first as f64);
        gauge("log_head", "Largest seq that is committed.", status.head as f64);
        gauge("unfinished_bytes", "Bytes of posts that are not committed.", status.unfinished_bytes as f64);
        gauge("buffer_bytes", "Bytes of buffers in use.", status.buffer_bytes as f64);
        let trouble = f64::from(u8::from(status.is_store_in_trouble));
        gauge("store_in_trouble", "1 while the history cannot be written.", trouble);
    }

    fn store(&mut self, figures: &StoreFigures) {
        let mut gauge = |name: &str, help: &str, value: u64| {
            self.single(&format!("kabar_store_{name}"), "gauge", help, value as f64);
        };
        gauge("bytes", "Bytes of history.db.", figures.file_bytes);
        gauge("wal_bytes", "Bytes of history.db-wal.", figures.log_bytes);
        gauge("wal_pages", "Pages in history.db-wal since it began again.", figures.log_pages);
        let help = "Pages in history.db-wal that are not in history.db yet.";
        gauge("wal_pages_not_checkpointed", help, figures.waiting_pages);
        let help = "1 while a reader keeps a large history.db-wal from beginning again.";
        gauge("wal_held", help, u64::from(figures.is_log_held));
        let help = "How the last checkpoint ended: 1 for the one that it was.";
        self.head("kabar_store_last_checkpoint", "gauge", help);
        for (result, checkpoint) in [
            ("none", Checkpoint::None),
            ("complete", Checkpoint::Complete),
            ("partial", Checkpoint::Partial),
            ("failed", Checkpoint::Failed),
        ] {
            let value = f64::from(u8::from(figures.checkpoint == checkpoint));
            self.line("kabar_store_last_checkpoint", &format!("{{result=\"{result}\"}}"), value);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, snapshot: &Snapshot) {
        self.head(name, "histogram", help);
        for (bound, count) in &snapshot.buckets {
            self.line(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), *count as f64);
        }
        self.line(&format!("{name}_bucket"), "{le=\"+Inf\"}", snapshot.count as f64);
        self.line(&format!("{name}_sum"), "", snapshot.sum);
        self.line(&format!("{name}_count"), "", snapshot.count as f64);
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.head(name, kind, help);
        self.line(name, "", value);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        let _ = writeln!(self.text, "{name}{labels} {value}");
    }
}
