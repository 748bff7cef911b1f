//! The `kabar` program: hosts a room, or joins one.

use std::process::ExitCode;

use clap::Parser;
use kabar_client::cli::{Cli, Command};
use kabar_client::commands::{host, join};

fn main() -> ExitCode {
    let ending = match Cli::parse().command {
        Command::Host(arguments) => host(arguments),
        Command::Join(arguments) => join(arguments),
    };
    if let Some(line) = ending.line {
        eprintln!("{line}");
    }
    ExitCode::from(ending.exit.code())
}
