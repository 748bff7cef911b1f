//! A relay that loses, doubles, reorders, holds up and damages datagrams on their way, so that a
//! person or a test can watch how two programs that know nothing of it get along.
//!
//! ```text
//! client --> relay (takes, draws what becomes of it, waits, sends) --> server
//!        <--                        the same                       <--
//! ```
//!
//! * [`faults`]: what may happen, as numbers with a meaning: [`Chance`](faults::Chance),
//!   [`Faults`](faults::Faults).
//! * [`payload`]: what the bytes are, as far as damaging them on purpose needs to know.
//! * [`engine`]: one direction. Datagrams and the time in, datagrams and a deadline out; no socket,
//!   no clock, and the same again from the same seed. It does not know what it carries, nor for
//!   whom.
//! * [`counts`]: what happened, as a table.
//! * [`options`]: the command line of `kabar-relay`.
//! * [`clients`]: a socket towards the server for each client, as an address translation has.
//! * [`serve`]: two engines on sockets and a clock.

pub mod clients;
pub mod counts;
pub mod engine;
pub mod faults;
pub mod options;
pub mod payload;
pub mod serve;
