//! The `kabar` program: parses the command line, runs the command, prints its last line, and exits
//! with its code.

use std::io::Write;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use clap::Parser;
use kabar_client::cli::{Cli, PROGRAM};
use kabar_client::messages::report;
use kabar_client::outcome::{CommandError, Outcome};
use kabar_std::command_line::{print_help, usage_error};
use kabar_std::signals::survive_file_limits;

/// How long the last line waits for a reader that does not read.
const PRINT_TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    survive_file_limits();
    let result = match Cli::try_parse() {
        Ok(cli) => cli.run(),
        Err(error) => match usage_error(&error, PROGRAM) {
            Some(line) => Err(CommandError::CommandLine(line)),
            None => print_help(&error).map(|()| Outcome::Done).map_err(CommandError::Print),
        },
    };
    let report = report(&result);
    if let Some(line) = report.line {
        print_line(line);
    }
    ExitCode::from(report.exit.code())
}

/// Prints a line to standard error, which may be closed or blocked.
fn print_line(line: String) {
    let (done, is_done) = mpsc::channel();
    let write = move || {
        let written = std::io::stderr().write_all(format!("{line}\n").as_bytes());
        let _ = done.send(written.is_ok());
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        let _ = is_done.recv_timeout(PRINT_TIMEOUT);
    }
}
