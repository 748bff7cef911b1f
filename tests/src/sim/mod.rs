//! The simulator: real clients and a real server in virtual time, on a network and a disk that fail as a seed says.
//!
//! Nothing here has threads, sockets or a clock, so a seed gives the same run, bit for bit, everywhere. After every event the rules
//! S1 to S6 of SPEC 7 are checked, and after quiet the liveness bound.
//!
//! * [`rng`], [`queue`]: the seed's streams; the virtual clock.
//! * [`network`], [`attacker`]: what happens to datagrams, and what others make of them.
//! * [`model`]: the reference, and the checks.
//! * [`keys`]: the server's key, real or a stand-in.
//! * [`coverage`]: what a run went through.

pub mod attacker;
pub mod coverage;
pub mod keys;
pub mod model;
pub mod network;
pub mod queue;
pub mod rng;
