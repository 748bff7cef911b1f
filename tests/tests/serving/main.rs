//! The operator's side of the real `kabar-server`: console, signals, configuration, metrics, subcommands, bad input.
//!
//! * [`operator`]: what is typed at it, and signals. * [`settings`]: what it is told at its start, and what it refuses.
//! * [`showing`]: what it shows: lines, figures, invites, manuals. * [`flood`]: a stranger who wants to keep everybody out.

mod flood;
mod operator;
mod settings;
mod showing;
