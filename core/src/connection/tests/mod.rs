//! Connections under test: against a hand-made peer that says anything (`puppet`), and in pairs
//! over a hostile link in virtual time (`link`).

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
