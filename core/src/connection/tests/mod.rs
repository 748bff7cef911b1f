//! Connections under test: against a scripted peer (`puppet`), and in pairs over an unreliable
//! link in virtual time (`link`).

mod link;
mod puppet;

mod breaches;
mod bursts;
mod ends;
mod flow;
mod hostile;
mod instants;
mod recovery;
mod roaming;
mod sizes;
mod streams;
