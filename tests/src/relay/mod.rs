//! A relay that loses, duplicates, reorders, delays and damages datagrams between two programs that
//! do not know about it.
//!
//! ```text
//! client --> relay (draws the faults, delays, sends) --> server
//!        <--                        the same                       <--
//! ```
//!
//! * [`faults`]: the faults and their chances: [`Chance`](faults::Chance),
//!   [`Faults`](faults::Faults).
//! * [`payload`]: the parts of a datagram that matter for damaging it deliberately.
//! * [`engine`]: one direction. Datagrams and the time go in, datagrams and a deadline come out. It
//!   has no socket and no clock, and the same seed gives the same result. It knows neither the
//!   content nor the receivers of the datagrams.
//! * [`counts`]: counters, printed as a table.
//! * [`options`]: the command line of `kabar-relay`.
//! * [`clients`]: one socket towards the server for each client, as in network address translation.
//! * [`serve`]: two engines with sockets and a clock.

pub mod clients;
pub mod counts;
pub mod engine;
pub mod faults;
pub mod options;
pub mod payload;
pub mod serve;
