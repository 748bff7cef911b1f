//! The screen as a whole: events and keys in, frames and effects out.

mod files;
mod fixture;
mod keys_and_commands;
mod local_history;
mod random;
mod rooms_and_entries;
