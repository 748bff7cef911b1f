//! Tests of the client: against a small server, over a network that loses, in virtual time.

mod instants;
mod joining;
mod leaving;
mod outbox;
mod parts;
mod posting;
mod receiving;
mod reconnecting;
mod server;
mod sizes;
mod storm;
mod world;
