//! Text in any encoding, and outputs that close, fill up and recover, at each place of the real
//! programs that the tables in `kabar_std::reading` and `kabar_std::output` list.
//!
//! * [`encoding`]: text that is typed, piped, or read from files and variables. * [`full`]: full
//!   disks and closed pipes.
//! * [`hangup`]: SIGHUP, terminals that close, transcripts that are moved. * [`screen`]: both
//!   outputs on one terminal.
#![cfg(unix)]

mod encoding;
mod full;
mod hangup;
mod screen;
