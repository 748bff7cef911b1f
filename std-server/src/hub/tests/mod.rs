//! The hub from outside, in virtual time: datagrams, jobs and time in, datagrams and events out.

mod clock;
mod commit;
mod delivery;
mod departure;
mod fake_client;
mod flooding;
mod join;
mod limits;
mod message_pairs;
mod names;
mod operator;
mod people;
mod posting_rate;
mod posts;
mod reclaim;
mod renames;
mod retention;
mod rooms;
mod sanctions;
mod server_key;
mod sessions;
mod turns;
mod unauthenticated;
mod world;
