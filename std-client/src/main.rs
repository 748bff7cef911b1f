//! The `kabar` program: hosts a room, or joins one.

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser;
use kabar_client::cli::{Cli, PROGRAM};
use kabar_client::commands::run;
use kabar_client::exit::{Exit, ExitReport};
use kabar_std::command_line::{print_help, usage_error};
use kabar_std::signals::survive_file_limits;

/// How long the last line waits for a reader that does not read.
const PRINT_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    survive_file_limits();
    let ending = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => match usage_error(&error, PROGRAM) {
            Some(line) => ExitReport::usage(line),
            None => print_help(&error).map_or_else(ExitReport::error, |()| ExitReport::quiet(Exit::Done)),
        },
    };
    if let Some(line) = ending.line {
        say(line);
    }
    ExitCode::from(ending.exit.code())
}

/// Nobody may be there to read it any more, or somebody who does not.
fn say(line: String) {
    let (done, is_done) = mpsc::channel();
    let write = move || {
        let written = std::io::stderr().write_all(format!("{line}\n").as_bytes());
        let _ = done.send(written.is_ok());
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        let _ = is_done.recv_timeout(PRINT_TIMEOUT);
    }
}
