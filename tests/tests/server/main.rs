//! The operator's side of the real `kabar-server`: console, signals, settings, metrics,
//! subcommands, invalid input.
//!
//! * [`operator`]: console commands and signals. * [`settings`]: flags, variables, settings files,
//!   and invalid ones.
//! * [`output`]: lines, metrics, invites, manual pages. * [`flood`]: a stranger who floods the
//!   handshake.
//! * [`growth`]: bounded growth of the database. * [`clock`]: a wall clock that jumps. * [`raw`]: a
//!   client that follows no rule.
//! * [`turns`]: a member whose requests would delay others. * [`posting`]: a member that posts too
//!   fast. * [`ctl`]: commands for a server without a terminal. * [`console`]: the line editor at
//!   the server's terminal. * [`rooms`]: several rooms. [`retention`]: a member that lags.
//! * [`classic`]: clients of the classic dialect.
//! * [`commands`]: every command, at the console, through `ctl` and from a client.

mod classic;
mod clock;
mod commands;
mod console;
mod ctl;
mod flood;
mod growth;
mod invites;
mod operator;
mod output;
mod posting;
mod raw;
mod retention;
mod rooms;
mod settings;
mod turns;
