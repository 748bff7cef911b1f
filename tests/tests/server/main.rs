//! The operator's side of the real `kabar-server`: console, signals, configuration, metrics,
//! subcommands, bad input.
//!
//! * [`operator`]: what is typed at it, and signals. * [`settings`]: what it is told at its start,
//!   and what it refuses.
//! * [`showing`]: what it shows: lines, figures, invites, manuals. * [`flood`]: a stranger who
//!   wants to keep everybody out.
//! * [`keeping`]: what members make it keep. * [`clock`]: a time of day that jumps. * [`raw`]: a
//!   member without manners.
//! * [`turns`]: a member that asks for more than others should have to wait for.

mod clock;
mod flood;
mod keeping;
mod operator;
mod raw;
mod settings;
mod showing;
mod turns;
