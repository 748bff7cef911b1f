//! The command line of `kabar-server`: subcommands, of which `run` may be left out.

use clap::{Parser, Subcommand};

use crate::commands::{
    PROGRAM, backup, check, completions, config, ctl, files, history, invite, man, restore, room, run,
};

/// Hosts a room for encrypted chat over UDP.
///
/// Prints the address it listens on, then the invite, then one line per event. Lines that are typed
/// are sent to the room; /help lists commands. SIGTERM or Ctrl-C stop the server; SIGHUP reopens
/// the transcript, or stops the server if its terminal is gone.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Arguments,
}

/// The subcommands. Each is a module of [`crate::commands`] with `Arguments` and a function `run`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Hosts the room (the default).
    Run(run::Arguments),
    /// Operates a running server: who, kick, ban, say, stop, ...
    Ctl(ctl::Arguments),
    /// Prints the invite, also while no server runs.
    Invite(invite::Arguments),
    /// Lists, creates, changes and closes rooms, also while no server runs.
    Room(room::Arguments),
    /// Prints every setting with its value and origin, as a configuration file.
    Config(config::Arguments),
    /// Prints the history: all of it, the last lines, since a time, or the lines with some words.
    History(history::Arguments),
    /// Lists and removes the contents of files, also while the server runs.
    Files(files::Arguments),
    /// Checks the history and the contents of files for damage.
    Check(check::Arguments),
    /// Copies the history and the contents of files, also while the server runs.
    Backup(backup::Arguments),
    /// Replaces the history with a backup, and keeps the old history.
    Restore(restore::Arguments),
    /// Prints a completion script for a shell.
    Completions(completions::Arguments),
    /// Prints the manual page, or writes one per subcommand.
    Man(man::Arguments),
}

impl Arguments {
    /// The subcommand; `run` if none is given.
    #[must_use]
    pub fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use kabar_std::command_line::usage_error;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn run_may_be_left_out() {
        let parse = |words: &[&str]| {
            let arguments = Arguments::parse_from([PROGRAM].iter().chain(words));
            let Command::Run(run) = arguments.into_command() else { panic!("{words:?} is not run") };
            format!("{run:?}")
        };
        assert_eq!(parse(&["--listen", "127.0.0.1:7"]), parse(&["run", "--listen", "127.0.0.1:7"]));
        assert_eq!(parse(&[]), parse(&["run"]));
        assert_ne!(parse(&[]), parse(&["--listen", "127.0.0.1:7"]));
    }

    #[test]
    fn a_usage_error_is_one_line() {
        let line = |words: &[&str]| {
            let error = Arguments::try_parse_from([PROGRAM].iter().chain(words)).unwrap_err();
            usage_error(&error, PROGRAM)
        };
        let flag = line(&["--lisen", "1"]).unwrap();
        assert!(flag.contains("--lisen") && flag.contains("--listen") && !flag.contains('\n'), "{flag}");
        let command = line(&["runn"]).unwrap();
        assert!(command.contains("runn") && !command.contains('\n'), "{command}");
        assert_eq!((line(&["--help"]), line(&["--version"])), (None, None));
    }
}
