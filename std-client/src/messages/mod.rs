//! Sentences for people, and the exit codes that belong to errors.
//!
//! The other modules return typed values; only this one and `main` decide what is printed about
//! them. May name everything that such values are made of, and prints nothing itself.
//!
//! * [`report`]: the end of a command. `errors`: errors of commands and sessions.
//! * [`events`]: what the engine reports. [`notices`]: what a front end reports by itself. Both
//!   with `changes`, `rooms`, `help` and `stats`.
//! * [`screen`]: the full screen itself. [`web`]: the page.
//! * [`hosting`], [`wizard`], [`questions`], [`lists`], [`history`], `devices`: what
//!   commands display.

mod changes;
#[cfg(unix)]
pub mod devices;
mod errors;
pub mod events;
mod help;
pub mod history;
pub mod hosting;
pub mod lists;
pub mod notices;
mod plural;
pub mod questions;
mod rooms;
pub mod screen;
mod stats;
#[cfg(test)]
mod tests;
pub mod web;
pub mod wizard;

use kabar_std::invite::show_fingerprint;

pub use errors::{command_error, session_error};

use crate::exit::{Exit, ExitReport};
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
        Outcome::ServersForgotten { target, rooms: 1 } => done(format!("forgotten: {target}")),
        Outcome::ServersForgotten { target, rooms } => done(format!("forgotten: {target} ({rooms} rooms)")),
        Outcome::KeyAlreadyKnown { server, found } => {
            done(format!("{} is already the key for {server}", show_fingerprint(found)))
        }
        Outcome::KeyAccepted { server, found } => done(format!(
            "accepted: {} is now the key for {server}; join with a new invite or the password",
            show_fingerprint(found)
        )),
        Outcome::IdentityExported { file, is_sealed } => {
            let file = file.display();
            let whoever = if *is_sealed { "whoever has it and the passphrase" } else { "whoever has this file" };
            done(format!(
                "your key is in {file}: {whoever} is you. On the other computer: kabar identity import {file}"
            ))
        }
        Outcome::IdentityImported { fingerprint, imported } => {
            let aside = imported.aside.as_ref().map(|aside| format!("; the key before is in {}", aside.display()));
            let (path, aside) = (imported.path.display(), aside.unwrap_or_default());
            done(format!("you are {fingerprint} on this computer now ({path}){aside}"))
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
