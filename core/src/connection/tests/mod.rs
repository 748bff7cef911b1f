//! Connections under test: against a scripted peer (`scripted_peer`), and in pairs over an
//! unreliable link in virtual time (`link`).

mod link;
mod scripted_peer;

mod breaches;
mod bursts;
mod ends;
mod flow;
mod hostile;
mod instants;
mod pacing;
mod recovery;
mod roaming;
mod sizes;
mod streams;
