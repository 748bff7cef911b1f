//! Tests of the client: against a minimal server, over a lossy network, in virtual time.

mod download;
mod instants;
mod joining;
mod leaving;
mod outbox;
mod parts;
mod posting;
mod receiving;
mod reconnecting;
mod resuming;
mod rooms;
mod server;
mod sizes;
mod storm;
mod transfers;
mod world;
