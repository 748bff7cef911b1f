//! Text from outside in any encoding, and outputs that go away, fill up and come back: at each
//! place of the real programs that the tables in `kabar_std::reading` and `kabar_std::output` name.
//!
//! * [`encoding`]: what is typed, piped, read from files and variables. * [`full`]: disks without
//!   room, readers that have gone.
//! * [`hangup`]: SIGHUP, terminals that go away, transcripts that are moved. * [`screen`]: both
//!   outputs on one terminal.
#![cfg(unix)]

mod encoding;
mod full;
mod hangup;
mod screen;
