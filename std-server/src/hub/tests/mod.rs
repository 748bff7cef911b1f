//! The hub from outside, in virtual time: datagrams, jobs and time in, datagrams and events out.

mod clock;
mod crowding;
mod delivering;
mod departing;
mod holding;
mod joining;
mod keeping;
mod key;
mod limits;
mod operating;
mod pairs;
mod person;
mod posting;
mod sanctions;
mod storing;
mod strangers;
mod turns;
mod world;
