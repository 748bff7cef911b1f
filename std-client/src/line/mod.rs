//! The front end for lines: what a person sees and types at a prompt, and what a script reads and
//! writes. Takes the events of the [engine](crate::engine), and gives it commands.
//!
//! * On a terminal: a prompt (`prompt`) with all output above it. Tab completes names, rooms and
//!   commands.
//! * Otherwise: standard input has posts, one per line ([`stdin`]), standard output has entries,
//!   standard error has notices; or standard output has everything, as objects ([`json`]).
//!
//! One thread runs it. `front` is its state and its loop; `receive` handles events, `execute` what
//! is typed, `leaving` the end, whose state is in `end`. `rooms`, `room` and `servers` are what is
//! displayed of those, with `backlog`, `pages`, `roster` and `unstored`. `ui` is the screen:
//! `writer` and `prompt` are its threads, which report by `app_event`.

pub mod app_event;
mod backlog;
mod config;
mod end;
mod execute;
mod front;
pub mod json;
mod leaving;
mod pages;
mod prompt;
mod receive;
mod room;
mod rooms;
mod roster;
mod servers;
pub mod stdin;
mod style;
pub mod terminal;
mod ui;
mod unstored;
mod writer;

use crate::engine::event::SessionError;
use crate::outcome::{SessionEnd, SessionReport};
use app_event::EventSender;
pub use config::LineConfig;
use front::Front;

/// Whether a person can answer questions.
#[must_use]
pub fn can_ask() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Runs until the user leaves or all servers have ended. `on_start` gets a sender before anything
/// is displayed, and `None` when nothing more is.
#[must_use]
pub fn run(config: LineConfig, mut on_start: impl FnMut(Option<EventSender>)) -> SessionReport {
    match Front::start(config) {
        Ok(mut front) => {
            on_start(Some(front.sender()));
            front.run();
            front.finish(|| on_start(None))
        }
        Err(error) => {
            let end = SessionEnd::Failed(SessionError::from(error).into());
            SessionReport { end, losses: Vec::new() }
        }
    }
}
