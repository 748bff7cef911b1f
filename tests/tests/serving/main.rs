//! The operator's side of the real `kabar-server`: console, signals, configuration, metrics, subcommands, bad input.
//!
//! * [`operator`]: what is typed at it, and signals. * [`settings`]: what it is told at its start, and what it refuses.
//! * [`showing`]: what it shows: lines, figures, invites, manuals.
//! * [`turns`]: a member that asks for more than others should have to wait for.

mod operator;
mod settings;
mod showing;
mod turns;
