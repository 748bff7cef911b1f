//! Sentences for people, and the exit codes that belong to errors. Their texts are in the files of
//! [`language`](crate::language).
//!
//! The other modules return typed values; only this one and `main` decide what is printed about
//! them. May name everything that such values are made of, and prints nothing itself.
//!
//! * [`report`]: the end of a command. `errors`: errors of commands and sessions. `reasons`: those
//!   of the parts that they share with the server.
//! * [`events`]: what the engine reports. [`notices`]: what a front end reports by itself. Both
//!   with `changes`, `rooms`, `help`, `transfers` and `stats`.
//! * [`screen`]: the full screen itself. [`web`]: the page. [`entries`]: entries as lines.
//! * [`hosting`], [`wizard`], [`questions`], [`lists`], [`history`], `devices`: what
//!   commands display.

mod causes;
mod changes;
#[cfg(unix)]
pub mod devices;
pub mod entries;
mod errors;
pub mod events;
mod help;
pub mod history;
pub mod host_errors;
pub mod hosting;
pub mod lists;
pub mod notices;
pub mod questions;
mod reasons;
mod refusals;
mod rooms;
pub mod screen;
mod settings;
mod stats;
#[cfg(test)]
mod tests;
pub mod transfers;
pub mod web;
pub mod wizard;

use kabar_std::invite::show_fingerprint;

pub use errors::{command_error, session_error};

use crate::exit::{Exit, ExitReport};
use crate::language::message;
use crate::outcome::{CommandError, Outcome, SessionEnd, SessionReport};

/// Reports the outcome of a command.
#[must_use]
pub fn report(result: &Result<Outcome, CommandError>) -> ExitReport {
    match result {
        Ok(outcome) => outcome_report(outcome),
        Err(error) => {
            let (exit, line) = command_error(error);
            ExitReport { exit, line: Some(line).filter(|_| exit != Exit::Interrupted) }
        }
    }
}

fn outcome_report(outcome: &Outcome) -> ExitReport {
    let done = |line: String| ExitReport::new(Exit::Done, line);
    match outcome {
        Outcome::Done => ExitReport::quiet(Exit::Done),
        Outcome::Session(report) => session_report(report),
        #[cfg(unix)]
        Outcome::BridgeStopped(forwarded) => done(devices::stopped(*forwarded)),
        Outcome::ServersForgotten { target, rooms } => done(message!("forgotten", target, rooms = *rooms)),
        Outcome::KeyAlreadyKnown { server, found } => {
            done(message!("key-known-already", %server, fingerprint = show_fingerprint(found)))
        }
        Outcome::KeyAccepted { server, found } => {
            done(message!("key-accepted", %server, fingerprint = show_fingerprint(found)))
        }
        Outcome::IdentityExported { file, is_sealed: true } => {
            done(message!("exported-sealed", file = %file.display()))
        }
        Outcome::IdentityExported { file, is_sealed: false } => done(message!("exported", file = %file.display())),
        Outcome::IdentityImported { fingerprint, imported } => {
            let aside = imported.aside.as_ref().map(|aside| message!("imported-aside", path = %aside.display()));
            let (path, aside) = (imported.path.display(), aside.unwrap_or_default());
            done(message!("imported", fingerprint, %path) + &aside)
        }
    }
}

/// Reports the end of a session and its losses.
#[must_use]
pub fn session_report(report: &SessionReport) -> ExitReport {
    let end = match &report.end {
        SessionEnd::Left => ExitReport::quiet(Exit::Done),
        SessionEnd::Interrupted => ExitReport::quiet(Exit::Interrupted),
        SessionEnd::Unsent { lost, kept } => ExitReport::new(Exit::Unsent, rooms::lines_unsent(*lost, *kept)),
        SessionEnd::Failed(error) => {
            let (exit, line) = session_error(error);
            ExitReport::new(exit, line)
        }
    };
    report.losses.iter().fold(end, |end, loss| end.and(&notices::loss(loss)))
}
