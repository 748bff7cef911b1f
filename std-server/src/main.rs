//! The `kabar-server` program.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use kabar_server::cli::{Arguments, Command};
use kabar_server::commands::{self, CommandError, PROGRAM};
use kabar_std::command_line::{print_help, usage_error};
use kabar_std::signals::survive_file_limits;

fn main() -> ExitCode {
    survive_file_limits();
    let result = match Arguments::try_parse() {
        Ok(arguments) => run(arguments.into_command()),
        Err(error) => match usage_error(&error, PROGRAM) {
            Some(line) => Err(CommandError::Usage(line)),
            None => print_help(&error).map_err(|error| CommandError::Failed(format!("cannot print: {error}"))),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::AlreadyReported(code)) => ExitCode::from(code),
        Err(error) => {
            // Nobody may be there to read it.
            let _ = writeln!(std::io::stderr(), "{PROGRAM}: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::History(arguments) => commands::history::run(arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Files(arguments) => commands::files::run(&arguments),
        Command::Backup(arguments) => commands::backup::run(&arguments),
        Command::Restore(arguments) => commands::restore::run(&arguments),
        Command::Invite(arguments) => commands::invite::run(&arguments),
        Command::Room(arguments) => commands::room::run(&arguments),
        Command::Ctl(arguments) => commands::ctl::run(&arguments),
        Command::Config(arguments) => commands::config::run(&arguments),
        Command::Completions(arguments) => commands::completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => commands::man::run(&arguments, Arguments::command()),
    }
}
