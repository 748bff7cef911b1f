//! The simulator: real clients and a real server in virtual time, on a network and a disk that fail
//! as the seed decides.
//!
//! Nothing here has threads, sockets or a clock, so a seed gives the same run, bit for bit, on
//! every machine. The rules S1 to S6 of SPEC 7 are checked at every observation. When the faults
//! have stopped, everything must settle within the liveness bound.
//!
//! * [`scenario`]: the participants and the faults with their times, drawn from a seed.
//! * `world`: the run itself. [`run`]: runs one seed, or many.
//! * [`model`]: the reference model, and the checks.
//! * [`network`]: faults of a path. [`attacker`]: datagrams that an attacker forges.
//! * [`harness_client`]: clients of three sizes. [`keys`]: the server's key, real or a stand-in.
//! * [`rng`]: random streams of the seed. [`queue`]: the virtual clock. [`trace`]: the record of a
//!   run.
//! * [`coverage`]: counts of what happened in a run.

pub mod attacker;
pub mod coverage;
pub mod harness_client;
pub mod keys;
pub mod model;
pub mod network;
pub mod queue;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod trace;
mod world;
