//! The `kabar` program: hosts a room, or joins one.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use kabar_client::cli::{Cli, PROGRAM};
use kabar_client::commands::run;
use kabar_client::ending::Ending;
use kabar_server::cli::usage_error;

fn main() -> ExitCode {
    let ending = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => match usage_error(&error, PROGRAM) {
            Some(line) => Ending::usage(line),
            None => error.exit(),
        },
    };
    if let Some(line) = ending.line {
        // Nobody may be there to read it any more.
        drop(writeln!(std::io::stderr(), "{line}"));
    }
    ExitCode::from(ending.exit.code())
}
