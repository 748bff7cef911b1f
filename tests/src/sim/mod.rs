//! The simulator: real clients and a real server in virtual time, on a network and a disk that fail
//! as a seed says.
//!
//! Nothing here has threads, sockets or a clock, so a seed gives the same run, bit for bit,
//! everywhere. At every observation the rules S1 to S6 of SPEC 7 are checked, and after quiet the
//! liveness bound.
//!
//! * [`scenario`]: who takes part and what goes wrong when, drawn from a seed.
//! * `world`: the run itself. [`run`]: one seed, or many.
//! * [`model`]: the reference, and the checks.
//! * [`network`], [`attacker`]: what happens to datagrams, and what others make of them.
//! * [`harness_client`]: clients of three sizes. [`keys`]: the server's key, real or a stand-in.
//! * [`rng`], [`queue`], [`trace`]: the seed's streams; the virtual clock; what happened.
//! * [`coverage`]: what a run went through.

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
