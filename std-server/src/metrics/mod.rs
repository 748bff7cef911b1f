//! Metrics for Prometheus, in its text format 0.0.4.
//!
//! * [`text`]: formats the page from what a [`Control`](crate::driver::Control) reports.
//! * [`listener`]: serves it over HTTP.
//!
//! `prometheus-client` is not used: its counters are atomics, where the hub adds to plain integers
//! several times per datagram; its histograms take a lock; and it writes OpenMetrics, whose names
//! of types and content type differ from what is served here. The text format takes twenty lines.

pub mod listener;
mod receive_buffer;
pub mod text;

pub use text::counter_name;
