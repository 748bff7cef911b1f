//! The `kabar` program: hosts a room, or joins one.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use kabar_client::cli::Cli;
use kabar_client::commands::run;

fn main() -> ExitCode {
    let ending = run(Cli::parse());
    if let Some(line) = ending.line {
        // Nobody may be there to read it any more.
        drop(writeln!(std::io::stderr(), "{line}"));
    }
    ExitCode::from(ending.exit.code())
}
