//! A room: its members, its log, and what is kept of people.

pub(super) mod commit;
mod delivery;
mod departure;
mod join;
pub(super) mod keeping;
pub(super) mod known;
pub(super) mod log;
pub(super) mod ownership;
pub(super) mod pages;
pub(super) mod passwords;
mod posts;
pub(super) mod sanctions;
pub(super) mod visits;
mod welcome;
